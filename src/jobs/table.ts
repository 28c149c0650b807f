import { signHeads } from '#domain/audit/heads.ts';
import { remindKeyEnds } from '#domain/billing-key/remind-ends.ts';
import { dropDelivered } from '#domain/billing-record/delivery.ts';
import { resealLeftOvers, resealRecords } from '#domain/billing-record/reseal.ts';
import { obstaclesEndedBy } from '#domain/billing-record/rules.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { forgetItems } from '#domain/checkout/forget-items.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { JobName, JobPayloads } from '#domain/context/queue.ts';
import { forgetRights } from '#domain/entitlement/forget-ended.ts';
import { remindEnds } from '#domain/entitlement/remind-ends.ts';
import { cancelSurplusRenewal } from '#domain/payment/cancel-surplus-renewal.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { forgetMethod, forgetUnconfirmed } from '#domain/payment-method/remove.ts';
import { queueHeld, queueLeftOver } from '#domain/personal-log/queue-again.ts';
import { queueErasures } from '#domain/privacy/erasure/run.ts';
import { retireBooks } from '#domain/privacy/retention.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { closeAndAsk } from '#domain/reconciliation/close-checkout.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { lapseReservations } from '#domain/reservation/end.ts';
import { stopRenewal } from '#domain/subscription/cancel.ts';
import { forgetSubscriptions } from '#domain/subscription/forget-ended.ts';
import { endSubscriptions, remindRenewals } from '#domain/subscription/run-schedule.ts';
import { forgetBodies } from '#domain/webhook/forget-bodies.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { tellOperators } from './notices/tell-operators.ts';
import { purge } from './purge.ts';

/**
 * How a job ended. `retry`: try again after so many seconds, or by the usual back-off when they are null. `afterwards` is
 * done once the end is written: it may be lost, and must not delay that the work counts as done. `isKept`: what is left to
 * do stands elsewhere and is queued again from there, so the job is not dead when its tries are used up.
 */
export type JobOutcome =
  | { kind: 'done'; afterwards?: () => Promise<void> }
  | { kind: 'retry'; afterSeconds: number | null; code: string; isKept?: boolean };
export const DONE: JobOutcome = { kind: 'done' };

/** Keeps a job that takes long its worker's for so many seconds from now. */
export type Prolong = (seconds: number) => Promise<void>;

type Handler<Name extends JobName> = (ctx: Ctx, payload: JobPayloads[Name]) => Promise<JobOutcome>;
type LongHandler<Name extends JobName> = (
  ctx: Ctx,
  payload: JobPayloads[Name],
  prolong: Prolong,
) => Promise<JobOutcome>;
export type JobHandlers = { [Name in Exclude<JobName, 'export_data'>]: Handler<Name> } & {
  export_data: LongHandler<'export_data'>;
};

/** What each queued job does. Sending needs the bot, so it is handed in. */
export function jobHandlers(
  sending: Pick<JobHandlers, 'send_notice' | 'deliver_record' | 'export_data' | 'run_erasure'>,
): JobHandlers {
  return {
    ...sending,
    reseal_records: async (ctx, { userId }) => {
      await resealRecords(ctx, userId);
      return DONE;
    },
    resume_records: async (ctx, { userId }) => {
      await queueHeld(ctx, userId, obstaclesEndedBy('return'));
      return DONE;
    },
    execute_refund: async (ctx, { refundId }) => {
      await executeRefund(ctx, refundId);
      return DONE;
    },
    stop_renewal: async (ctx, { subscriptionId }) => {
      await stopRenewal(ctx, subscriptionId);
      return DONE;
    },
    cancel_surplus_renewal: async (ctx, { firstChargeId, paymentId }) => {
      await cancelSurplusRenewal(ctx, paymentId, firstChargeId);
      return DONE;
    },
    close_checkout: async (ctx, { attemptId }) => {
      await closeAndAsk(ctx, attemptId);
      return DONE;
    },
    forget_method: async (ctx, { methodId }) => {
      await forgetMethod(ctx, methodId);
      return DONE;
    },
    tell_operators: async (ctx, payload) => {
      await tellOperators(ctx, payload);
      return DONE;
    },
  };
}

/** Batches of one run at most, so that a run ends. */
const MAX_BATCHES = 100;

/** Repeats a verb until it finds nothing: what must be gone by a time is not left over because there was much of it. */
const untilDone = (verb: (ctx: Ctx) => Promise<number>) => async (ctx: Ctx) => {
  let total = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const done = await verb(ctx);
    total += done;
    if (done === 0) break;
  }
  return total;
};

/** What runs by the clock: name, seconds between two runs, verb. Verbs work in batches and return how much they did. */
export const SCHEDULE: ReadonlyArray<{ name: string; everySeconds: number; run: (ctx: Ctx) => Promise<number> }> = [
  { name: 'retry_webhooks', everySeconds: 5, run: untilDone(retryWebhooks) },
  { name: 'expire_invoices', everySeconds: 15, run: untilDone(expireInvoices) },
  { name: 'lapse_reservations', everySeconds: 30, run: untilDone(lapseReservations) },
  { name: 'ask_open_orders', everySeconds: 60, run: askOpenOrders },
  { name: 'end_subscriptions', everySeconds: 30, run: untilDone(endSubscriptions) },
  { name: 'remind_renewals', everySeconds: 60, run: untilDone(remindRenewals) },
  { name: 'remind_ends', everySeconds: 60, run: untilDone(remindEnds) },
  { name: 'remind_key_ends', everySeconds: 3600, run: untilDone(remindKeyEnds) },
  { name: 'reconcile', everySeconds: 60, run: reconcileWhere((provider) => !provider.find) },
  // Whose open orders are asked about one by one needs the whole list less often.
  { name: 'reconcile_asked', everySeconds: 600, run: reconcileWhere((provider) => provider.find !== undefined) },
  { name: 'reseal_records', everySeconds: 60, run: untilDone(resealLeftOvers) },
  { name: 'queue_left_over', everySeconds: 10_800, run: untilDone(queueLeftOver) },
  { name: 'drop_delivered', everySeconds: 3600, run: untilDone(dropDelivered) },
  { name: 'forget_unconfirmed_methods', everySeconds: 60, run: untilDone(forgetUnconfirmed) },
  { name: 'run_erasures', everySeconds: 30, run: untilDone(queueErasures) },
  { name: 'sign_audit', everySeconds: 300, run: untilDone(signHeads) },
  { name: 'forget_items', everySeconds: 3600, run: untilDone(forgetItems) },
  { name: 'forget_subscriptions', everySeconds: 3600, run: untilDone(forgetSubscriptions) },
  { name: 'forget_rights', everySeconds: 3600, run: untilDone(forgetRights) },
  { name: 'forget_bodies', everySeconds: 3600, run: untilDone(forgetBodies) },
  { name: 'purge', everySeconds: 3600, run: untilDone(purge) },
  { name: 'retire_books', everySeconds: 86_400, run: retireAll },
];

/** Ends by itself: what is over its time today does not grow while it runs. */
async function retireAll(ctx: Ctx): Promise<number> {
  return Object.values(await retireBooks(ctx)).reduce((sum, count) => sum + count, 0);
}

/** Compares the lists of some providers; one that does not answer does not keep the next from being compared. */
function reconcileWhere(isMeant: (provider: Provider) => boolean) {
  return async (ctx: Ctx): Promise<number> => {
    let settled = 0;
    let failure: unknown = null;
    for (const provider of ctx.providers.values()) {
      if (!isMeant(provider)) continue;
      try {
        settled += (await reconcilePayments(ctx, provider.id)).settled;
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure) throw failure;
    return settled;
  };
}
