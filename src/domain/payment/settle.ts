import type { Pool } from 'pg';
import { toAuditRow } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { type InboxEntry, toInboxRow } from '#domain/context/inbox.ts';
import { announceJobs, attentionJob, type JobRequest, noticeJob, toJobRow } from '#domain/context/queue.ts';
import { databaseCode, isRetryable } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { type ChargeKey, type LoadedCharge, loadCharges } from '#domain/payment/load.ts';
import { acceptedAs, bookPayment, judgePayment, type PaymentVerdict } from '#domain/payment/rules.ts';
import type { ProviderEvent } from '#domain/provider.ts';
import { makeBatcher } from '#lib/batch.ts';

export type SucceededEvent = Extract<ProviderEvent, { type: 'payment_succeeded' }>;

export type SettleRequest = Readonly<{
  providerId: string;
  event: SucceededEvent;
  inbox: InboxEntry | null;
  /**
   * The provider's hold on the order, which is captured with the settlement. Money that is not debited yet is taken only
   * when it is owed: the provider can still be told no.
   */
  hold?: Readonly<{ reservationId: string; isDebited: boolean }>;
}>;
export type SettleOutcome = 'applied' | 'duplicate';
type Written = SettleOutcome | 'stale' | 'released';

const MAX_TRIES = 5;
const UNIQUE_VIOLATION = '23505';
/** Measured on two cores: more charges per commit or more commits at once gain nothing (npm run bench). */
const TOGETHER = { maxItems: 32, maxInFlight: 2 };

type Settling = Readonly<{ ctx: Ctx; request: SettleRequest }>;
type Settle = (settling: Settling) => Promise<SettleOutcome>;

/** One per pool of connections: charges that wait for the same database wait together. */
const queues = new WeakMap<Pool, Settle>();

/**
 * Settles one charge with all its consequences, exactly once however often and in whatever order it is told: payment,
 * order, subscription, entitlement, books, audit, notices, and the refund of money nothing is owed for.
 *
 * Phases: load (one query) → decide (pure) → commit (one SQL function). Sealed records will be made between the last
 * two. Charges that arrive while others are being settled share their query and their commit. Throws `not_found
 * invoice_not_found` for a charge that names no order of ours, `conflict reservation_closed` when the provider gave its hold
 * up meanwhile or the money is not owed and not taken yet; database errors pass through and nothing is written.
 */
export function settlePayment(ctx: Ctx, request: SettleRequest): Promise<SettleOutcome> {
  let settle = queues.get(ctx.pool);
  if (!settle) {
    settle = makeBatcher(settleTogether, TOGETHER);
    queues.set(ctx.pool, settle);
  }
  return settle({ ctx, request });
}

/** Settles what arrived together in one commit. What this commit cannot decide, each charge decides for itself. */
async function settleTogether(settlings: Settling[]): Promise<PromiseSettledResult<SettleOutcome>[]> {
  const outcomes = settlings.length > 1 ? await commitTogether(settlings) : new Map<Settling, SettleOutcome>();
  const results = new Map<Settling, Promise<SettleOutcome>>();
  let before: Promise<unknown> = Promise.resolve();
  for (const settling of settlings) {
    const outcome = outcomes.get(settling);
    // One after the other: those that are left are mostly about the same person, and would only race again.
    const result = outcome ? Promise.resolve(outcome) : before.then(() => settleAlone(settling));
    if (!outcome) before = result.catch(() => {});
    results.set(settling, result);
  }
  return Promise.allSettled(results.values());
}

/** One load and one commit for all that are about different people. Returns what was decided for good. */
async function commitTogether(settlings: ReadonlyArray<Settling>): Promise<Map<Settling, SettleOutcome>> {
  const ofDifferentPeople = new Map(settlings.map((settling) => [payerOf(settling), settling] as const));
  // In the order of the invoices, which is the order of their row locks: two commits at once cannot block each other.
  const batch = [...ofDifferentPeople.values()].sort((a, b) => (invoiceOf(a) < invoiceOf(b) ? -1 : 1));
  const outcomes = new Map<Settling, SettleOutcome>();
  const [first] = batch;
  if (!first) return outcomes;
  try {
    const loaded = await loadCharges(first.ctx, batch.map(keyOf));
    const plans = batch.flatMap((settling, position) => {
      const charge = loaded[position];
      if (!charge?.payerUserId || !isWanted(settling.request, charge)) return [];
      return [{ settling, rows: decide(settling.ctx, settling.request, charge, charge.payerUserId) }];
    });
    const rows = plans.map((plan) => plan.rows);
    const written = await commit(first.ctx, rows);
    for (const [position, { settling }] of plans.entries()) {
      const outcome = written[position];
      if (outcome === 'applied' || outcome === 'duplicate') outcomes.set(settling, outcome);
    }
  } catch (error) {
    // One charge among them stands in the way of all, or raced with another process: nothing was written.
    if (!isAboutRows(error)) throw error;
  }
  return outcomes;
}

async function settleAlone({ ctx, request }: Settling): Promise<SettleOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    const [loaded] = await loadCharges(ctx, [keyOf({ ctx, request })]);
    if (!loaded) throw new AppError('not_found', 'invoice_not_found');
    if (!isWanted(request, loaded)) throw new AppError('conflict', 'reservation_closed');
    const payerUserId =
      loaded.payerUserId ??
      (await ensureUser(ctx, { telegramId: request.event.payerId ?? loaded.order.buyerId, languageCode: null })).id;
    try {
      const [outcome = 'stale'] = await commit(ctx, [decide(ctx, request, loaded, payerUserId)]);
      if (outcome === 'released') throw new AppError('conflict', 'reservation_closed');
      if (outcome !== 'stale') return outcome;
    } catch (error) {
      // Two different charges raced for one right: the loser looks again and finds itself surplus.
      if (!isRetryable(error) && databaseCode(error) !== UNIQUE_VIOLATION) throw error;
    }
    if (attempt >= MAX_TRIES) throw new AppError('conflict', 'busy');
  }
}

/**
 * Writes decisions in one transaction. `stale`: what was loaded is no longer so; `released`: the provider gave its hold up.
 * Nothing of such a charge was written.
 */
async function commit(ctx: Ctx, plans: ReadonlyArray<SettlementRows>): Promise<ReadonlyArray<Written>> {
  if (plans.length === 0) return [];
  const { rows } = await ctx.pool.query<{ outcomes: Written[] }>({
    name: 'settle_payments',
    text: 'SELECT settle_payments($1::jsonb) AS outcomes',
    values: [JSON.stringify(plans)],
  });
  announceJobs(ctx);
  return rows[0]?.outcomes ?? [];
}

/** Whether a charge that can still be refused is owed. A repeat of one that stands already is none of these. */
function isWanted({ event, hold }: SettleRequest, { existing, order }: LoadedCharge): boolean {
  if (!hold || hold.isDebited || existing) return true;
  return order.status === 'open' && judgePayment(order, event).kind !== 'surplus';
}

/** SQLSTATE classes that speak of the rows written, not of the database's own state (data, integrity, rollback, raised, locks). */
const ABOUT_ROWS = new Set(['22', '23', '40', 'P0', '55']);

function isAboutRows(error: unknown): boolean {
  return ABOUT_ROWS.has((databaseCode(error) ?? '').slice(0, 2));
}

function keyOf({ request: { event, providerId } }: Settling): ChargeKey {
  return { providerId, chargeId: event.chargeId, invoiceId: event.invoiceId, payerId: event.payerId };
}

/** Who paid; a provider that does not know its payers is asked for one order at a time. */
function payerOf({ request: { event } }: Settling): bigint | string {
  return event.payerId ?? event.invoiceId;
}

function invoiceOf(settling: Settling): string {
  return settling.request.event.invoiceId;
}

type SettlementRows = ReturnType<typeof decide>;

/** All rows of a settlement, decided from what was loaded. Makes ids, writes nothing. */
function decide(ctx: Ctx, request: SettleRequest, loaded: LoadedCharge, payerUserId: string) {
  const { event, inbox, providerId } = request;
  const { invoice, order } = loaded;
  const now = ctx.clock.now();
  const verdict = judgePayment(order, { ...event, paid: event.paid });
  const provider = ctx.providers.get(providerId);
  const method = event.method ?? loaded.openedMethod;
  const accepted = acceptedAs(provider, { method, currency: event.paid.currency });
  const { split, developerUserId, entries } = bookPayment({
    providerId,
    paid: event.paid,
    verdict,
    order,
    processor: accepted?.fee ?? null,
    keptFee: event.fee,
  });
  const paymentId = newId(ctx, 'pay');
  const isRecurring = verdict.kind === 'first' || verdict.kind === 'renewal';
  const startsSubscription = isRecurring && !order.subscription;
  const subscriptionId = isRecurring ? (order.subscription?.id ?? newId(ctx, 'sub')) : null;
  const period = verdict.kind === 'surplus' ? null : verdict.period;
  const refundId = verdict.kind === 'surplus' ? newId(ctx, 'ref') : null;
  const jobs = jobsFor({ verdict, loaded, payerUserId, paymentId, subscriptionId, refundId, developerUserId });
  // A payer who sent too little, too much or too late is told in their notice, the operator here.
  const isOdd = event.irregularity !== null || (verdict.kind === 'surplus' && verdict.reason === 'amount_mismatch');
  if (isOdd) jobs.push(attentionJob(paymentId, 'odd'));

  return {
    adds_time: verdict.kind === 'one_time' && verdict.period.end !== null,
    paid_time_end: order.paidTimeEnd?.toISOString() ?? null,
    closes_invoice: verdict.kind !== 'surplus' && order.status !== 'paid',
    event: inbox && toInboxRow(inbox),
    reservation_id: request.hold?.reservationId ?? null,
    may_be_held: provider?.reservations !== undefined,
    only_if_open: request.hold?.isDebited === false,
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
      method: method ?? accepted?.method ?? null,
      irregularity: event.irregularity,
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
