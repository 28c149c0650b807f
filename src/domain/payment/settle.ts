import { toAuditRow } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { type InboxEntry, toInboxRow } from '#domain/context/inbox.ts';
import { type JobRequest, noticeJob, toJobRow } from '#domain/context/queue.ts';
import { databaseCode, isRetryable } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { type LoadedCharge, loadCharges } from '#domain/payment/load.ts';
import { bookPayment, judgePayment, type PaymentVerdict } from '#domain/payment/rules.ts';
import type { ProcessorFee, ProviderEvent } from '#domain/provider.ts';

export type SucceededEvent = Extract<ProviderEvent, { type: 'payment_succeeded' }>;

export type SettleRequest = Readonly<{ providerId: string; event: SucceededEvent; inbox: InboxEntry | null }>;
export type SettleOutcome = 'applied' | 'duplicate';

const MAX_TRIES = 5;
const UNIQUE_VIOLATION = '23505';

/**
 * Settles one charge with all its consequences, exactly once however often and in whatever order it is told: payment,
 * order, subscription, entitlement, books, audit, notices, and the refund of money nothing is owed for.
 *
 * Phases: load (one query) → decide (pure) → commit (one SQL function). Sealed records will be made between the last
 * two. Throws `not_found invoice_not_found` for a charge that names no order of ours; database errors pass through and
 * nothing is written.
 */
export async function settlePayment(ctx: Ctx, request: SettleRequest): Promise<SettleOutcome> {
  const { event, providerId } = request;
  const key = { providerId, chargeId: event.chargeId, invoiceId: event.invoiceId, payerId: event.payerId };
  for (let attempt = 1; ; attempt += 1) {
    const [loaded] = await loadCharges(ctx, [key]);
    if (!loaded) throw new AppError('not_found', 'invoice_not_found');
    const plan = decide(
      ctx,
      request,
      loaded,
      loaded.payerUserId ?? (await ensureUser(ctx, { telegramId: event.payerId, languageCode: null })).id,
    );
    const outcome = await commit(ctx, plan);
    if (outcome !== 'stale') return outcome;
    if (attempt >= MAX_TRIES) throw new AppError('conflict', 'busy');
  }
}

/** Writes a decision. `stale`: what was loaded is no longer so; nothing was written. */
async function commit(ctx: Ctx, plan: SettlementRows): Promise<SettleOutcome | 'stale'> {
  try {
    const { rows } = await ctx.pool.query<{ outcome: SettleOutcome | 'stale' }>({
      name: 'settle_payment',
      text: 'SELECT settle_payment($1::jsonb) AS outcome',
      values: [JSON.stringify(plan)],
    });
    return rows[0]?.outcome ?? 'stale';
  } catch (error) {
    // Two different charges raced for one right: the loser looks again and finds itself surplus.
    if (isRetryable(error) || databaseCode(error) === UNIQUE_VIOLATION) return 'stale';
    throw error;
  }
}

type SettlementRows = ReturnType<typeof decide>;

/** All rows of a settlement, decided from what was loaded. Makes ids, writes nothing. */
function decide(ctx: Ctx, request: SettleRequest, loaded: LoadedCharge, payerUserId: string) {
  const { event, inbox, providerId } = request;
  const { invoice, order } = loaded;
  const now = ctx.clock.now();
  const verdict = judgePayment(order, { ...event, paid: event.paid });
  const processor = processorFee(ctx, providerId, event.paid.currency);
  const { split, developerUserId, entries } = bookPayment({ providerId, paid: event.paid, verdict, order, processor });
  const paymentId = newId(ctx, 'pay');
  const isRecurring = verdict.kind === 'first' || verdict.kind === 'renewal';
  const startsSubscription = isRecurring && !order.subscription;
  const subscriptionId = isRecurring ? (order.subscription?.id ?? newId(ctx, 'sub')) : null;
  const period = verdict.kind === 'surplus' ? null : verdict.period;
  const refundId = verdict.kind === 'surplus' ? newId(ctx, 'ref') : null;
  const jobs = jobsFor({ verdict, loaded, payerUserId, paymentId, subscriptionId, refundId, developerUserId });

  return {
    closes_invoice: verdict.kind !== 'surplus' && order.status !== 'paid',
    event: inbox && toInboxRow(inbox),
    payment: {
      id: paymentId,
      invoice_id: invoice.id,
      user_id: payerUserId,
      plan_id: invoice.planId,
      subscription_id: subscriptionId,
      provider: providerId,
      charge_id: event.chargeId,
      kind: verdict.kind,
      status: refundId ? 'refunding' : 'succeeded',
      amount: event.paid.amount.toString(),
      currency: event.paid.currency,
      platform_fee: split.platformFee.toString(),
      processor_fee: split.processorFee.toString(),
      developer_share: split.developerShare.toString(),
      developer_user_id: developerUserId,
      period_start: period?.start.toISOString() ?? null,
      period_end: period?.end?.toISOString() ?? null,
      paid_at: event.occurredAt.toISOString(),
      created_at: now.toISOString(),
    },
    subscription:
      startsSubscription && period?.end
        ? {
            id: subscriptionId,
            user_id: invoice.userId,
            product_id: invoice.productId,
            plan_id: invoice.planId,
            price_id: invoice.priceId,
            invoice_id: invoice.id,
            provider: providerId,
            first_charge_id: event.chargeId,
            amount: order.price.amount.toString(),
            currency: order.price.currency,
            current_period_start: period.start.toISOString(),
            current_period_end: period.end.toISOString(),
          }
        : null,
    renewal:
      isRecurring && order.subscription && period?.end
        ? {
            id: order.subscription.id,
            current_period_start: period.start.toISOString(),
            current_period_end: period.end.toISOString(),
            first_charge_id: verdict.kind === 'first' ? event.chargeId : null,
          }
        : null,
    entitlement: period && {
      id: newId(ctx, 'ent'),
      user_id: invoice.userId,
      product_id: invoice.productId,
      plan_id: invoice.planId,
      subscription_id: subscriptionId,
      starts_at: period.start.toISOString(),
      ends_at: period.end?.toISOString() ?? null,
    },
    refund: refundId && {
      id: refundId,
      reason: 'surplus',
      amount: event.paid.amount.toString(),
      currency: event.paid.currency,
      requested_by: 'system',
    },
    entries: entries.map((entry) => ({ ...entry, amount: entry.amount.toString() })),
    audit: toAuditRow(ctx, {
      action: verdict.kind === 'surplus' ? 'payment.surplus' : 'payment.settled',
      objectId: paymentId,
      data: {
        invoice: invoice.id,
        kind: verdict.kind,
        amount: event.paid.amount.toString(),
        currency: event.paid.currency,
        ...(verdict.kind === 'surplus' ? { reason: verdict.reason } : {}),
        found_by: inbox ? 'webhook' : 'reconciliation',
      },
    }),
    jobs: jobs.map((job) => toJobRow(job, now)),
  };
}

/** Every consequence of a payment that happens outside the database. */
function jobsFor(facts: {
  verdict: PaymentVerdict;
  loaded: LoadedCharge;
  payerUserId: string;
  paymentId: string;
  subscriptionId: string | null;
  refundId: string | null;
  developerUserId: string | null;
}): JobRequest[] {
  const { verdict, loaded, payerUserId, paymentId, subscriptionId, refundId, developerUserId } = facts;
  const jobs: JobRequest[] = [];
  if (refundId) {
    jobs.push({ name: 'execute_refund', lane: `refund:${refundId}`, payload: { refundId } });
    // A surplus subscription would go on being charged every month. It is known by its first charge: this one, unless
    // this one renews a subscription of ours beside which the person has another.
    const renewing =
      verdict.kind === 'surplus' && verdict.reason === 'already_subscribed' ? loaded.order.subscription : null;
    if (renewing)
      jobs.push({
        name: 'stop_renewal',
        lane: `subscription:${renewing.id}`,
        payload: { subscriptionId: renewing.id },
      });
    else if (loaded.order.kind === 'subscription')
      jobs.push({ name: 'cancel_surplus_renewal', lane: `refund:${refundId}`, payload: { paymentId } });
    return jobs;
  }
  jobs.push(
    noticeJob({ userId: payerUserId, kind: verdict.kind === 'renewal' ? 'renewed' : 'paid', objectId: paymentId }),
  );
  if (developerUserId) jobs.push(noticeJob({ userId: developerUserId, kind: 'sale', objectId: paymentId }));
  // Money came for a subscription that was ended by a refund: the period is given, the next charge is prevented again.
  const isRevoked = loaded.order.subscription?.status === 'revoked';
  // Only a purchase takes another's place: the renewal of an old plan must not end the new one.
  const replaced = verdict.kind === 'renewal' ? [] : loaded.replacedSubscriptionIds;
  const toStop = [...replaced, ...(isRevoked && subscriptionId ? [subscriptionId] : [])];
  for (const id of toStop)
    jobs.push({ name: 'stop_renewal', lane: `subscription:${id}`, payload: { subscriptionId: id } });
  return jobs;
}

function processorFee(ctx: Ctx, providerId: string, currency: string): ProcessorFee {
  const capability = ctx.providers.get(providerId)?.accepts.find((accepted) => accepted.currency === currency);
  return capability?.fee ?? { bps: 0, fixed: 0n, network: false };
}
