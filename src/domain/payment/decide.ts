import { toAuditRow } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { toInboxRow } from '#domain/context/inbox.ts';
import { attentionJob, type JobRequest, noticeJob, toJobRow } from '#domain/context/queue.ts';
import type { SettledCharge } from '#domain/payment/describe.ts';
import { type LoadedCharge, payerSubject, type SettleRequest } from '#domain/payment/load.ts';
import { acceptedAs, bookPayment, judgePayment, type PaymentVerdict } from '#domain/payment/rules.ts';

/**
 * All rows of a settlement, decided from what was loaded, and the charge as its records say it. Makes ids, writes nothing.
 */
export function decideSettlement(ctx: Ctx, request: SettleRequest, loaded: LoadedCharge, payerUserId: string) {
  const { event, inbox, providerId } = request;
  const { invoice, order } = loaded;
  const now = ctx.clock.now();
  const verdict = judgePayment(order, { ...event, payer: payerSubject(ctx, event) });
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
  const isFirst = event.renewal === 'first';
  const jobs = jobsFor({ verdict, isFirst, loaded, payerUserId, paymentId, subscriptionId, refundId, developerUserId });
  // A payer who sent too little, too much or too late is told in their notice, the operator here.
  const isOdd = event.irregularity !== null || (verdict.kind === 'surplus' && verdict.reason === 'amount_mismatch');
  if (isOdd) jobs.push(attentionJob(paymentId, 'odd'));

  const rows = {
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
            ...namesOf(loaded),
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
            ...namesOf(loaded),
            current_period_start: period.start.toISOString(),
            current_period_end: period.end.toISOString(),
            first_charge_id: verdict.kind === 'first' ? event.chargeId : null,
          }
        : null,
    entitlement: period && {
      id: newId(ctx, 'ent'),
      user_id: invoice.userId,
      ...namesOf(loaded),
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
  const charge: SettledCharge = {
    ...split,
    paymentId,
    kind: verdict.kind,
    amount: event.paid.amount,
    currency: event.paid.currency,
    item: loaded.item,
    interval: order.interval,
    period,
    provider: { id: providerId, charge: ctx.vault.reveal(event.chargeId), method: rows.payment.method },
    reason: verdict.kind === 'surplus' ? verdict.reason : null,
    paidAt: event.occurredAt,
  };
  return { rows, charge, payerUserId, developerUserId };
}

/** What a charge buys, as rows name it. Only surplus is for nothing that is known. */
function namesOf({ invoice, names }: LoadedCharge) {
  if (!names) throw new Error(`a charge buys what order ${invoice.id} does not name`);
  return { product_id: names.productId, plan_id: names.planId, price_id: names.priceId };
}

/** Every consequence of a payment that happens outside the database. */
function jobsFor(facts: {
  verdict: PaymentVerdict;
  /** The charge begins a subscription of its own. */
  isFirst: boolean;
  loaded: LoadedCharge;
  payerUserId: string;
  paymentId: string;
  subscriptionId: string | null;
  refundId: string | null;
  developerUserId: string | null;
}): JobRequest[] {
  const { verdict, isFirst, loaded, payerUserId, paymentId, subscriptionId, refundId, developerUserId } = facts;
  const jobs: JobRequest[] = [];
  if (refundId) {
    jobs.push({ name: 'execute_refund', lane: `refund:${refundId}`, payload: { refundId } });
    // Of somebody who was erased it is known by the first charge of all, and told by whoever pays for it now.
    const isErased = verdict.kind === 'surplus' && verdict.reason === 'buyer_erased' && !isFirst;
    const first = isErased ? loaded.firstChargeId : null;
    const ofErased = first === null ? {} : { firstChargeId: first };
    // A surplus subscription would go on being charged every month. It is known by its first charge: this one, unless
    // this one renews a subscription of ours that has ended or beside which the person has another.
    const isRenewal =
      verdict.kind === 'surplus' && (verdict.reason === 'already_subscribed' || verdict.reason === 'invoice_expired');
    const renewing = isRenewal ? loaded.order.subscription : null;
    if (renewing)
      jobs.push({
        name: 'stop_renewal',
        lane: `subscription:${renewing.id}`,
        payload: { subscriptionId: renewing.id },
      });
    else if (loaded.order.kind === 'subscription')
      jobs.push({ name: 'cancel_surplus_renewal', lane: `refund:${refundId}`, payload: { paymentId, ...ofErased } });
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
