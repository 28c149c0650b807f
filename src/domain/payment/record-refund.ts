import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { type InboxEntry, toInboxRow } from '#domain/context/inbox.ts';
import { type JobRequest, noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { bringForward } from '#domain/entitlement/bring-forward.ts';
import { AppError } from '#domain/errors.ts';
import { entriesForRefund } from '#domain/ledger/rules.ts';
import { nextPaymentStatus } from '#domain/payment/rules.ts';
import type { ProviderEvent } from '#domain/provider.ts';
import { nextSubscriptionStatus } from '#domain/subscription/rules.ts';
import type { Payment } from '#lib/generated/prisma/client.ts';

export type RefundedEvent = Extract<ProviderEvent, { type: 'payment_refunded' }>;

/**
 * Records that a whole charge went back, whoever asked for it: payment, refund, right, subscription, books, audit and
 * notice, once. A refund does not say when and for which period its charge was paid, so one that overtakes its charge
 * waits in the inbox until the charge came or reconciliation found it: both orders of arrival end in the same rows.
 * Throws `not_found payment_not_found` until then.
 */
export async function recordRefund(
  ctx: Ctx,
  request: { providerId: string; event: RefundedEvent; inbox: InboxEntry | null },
): Promise<'applied' | 'duplicate'> {
  const { event, inbox, providerId } = request;
  return inTransaction(ctx, async (tx) => {
    const payment = await lockPayment(tx, providerId, event.chargeId);
    const outcome = await completeRefund(tx, payment);
    if (inbox)
      await tx.db.$executeRaw`SELECT write_webhook_event(${JSON.stringify(toInboxRow(inbox))}::jsonb, ${outcome})`;
    return outcome;
  });
}

/** Reads a payment under a row lock: two refunds of one charge come one after the other. */
async function lockPayment(tx: Ctx, provider: string, chargeId: string): Promise<Payment> {
  await tx.db.$queryRaw`SELECT id FROM payment WHERE provider = ${provider} AND charge_id = ${chargeId} FOR UPDATE`;
  const payment = await tx.db.payment.findUnique({ where: { provider_chargeId: { provider, chargeId } } });
  if (!payment) throw new AppError('not_found', 'payment_not_found');
  return payment;
}

/** Brings a locked payment to its refunded end, in the transaction of `tx`. */
export async function completeRefund(tx: Ctx, payment: Payment): Promise<'applied' | 'duplicate'> {
  const next = nextPaymentStatus(payment.status, 'refund_succeeded');
  if (!next) return 'duplicate';
  const now = tx.clock.now();
  await tx.db.payment.update({ where: { id: payment.id }, data: { status: next } });
  const refund = await upsertRefund(tx, payment, now);
  await tx.db.reservation.updateMany({
    where: { provider: payment.provider, chargeId: payment.chargeId, status: 'paid' },
    data: { status: 'refunded', cancelledAt: now },
  });

  const legs = entriesForRefund({ ...payment, providerId: payment.provider }).map((leg) => ({
    ...leg,
    amount: leg.amount.toString(),
  }));
  await tx.db.$executeRaw`SELECT write_entries(${refund.id}, ${JSON.stringify(legs)}::jsonb, ${now})`;
  await tx.db.entitlement.updateMany({ where: { paymentId: payment.id, revokedAt: null }, data: { revokedAt: now } });
  // Also after a subscription's period: a year that was bought to follow it would leave a gap.
  if (payment.periodStart && payment.periodEnd)
    await bringForward(tx, { userId: payment.userId, planId: payment.planId, from: payment.periodStart });

  const kind = refund.reason === 'surplus' ? 'surplus_refunded' : 'refunded';
  const jobs: JobRequest[] = [noticeJob({ userId: payment.userId, kind, objectId: payment.id })];
  if (payment.subscriptionId) jobs.push(...(await revokeSubscription(tx, payment.subscriptionId, now)));
  await queueJobs(tx, jobs);
  await recordAudit(tx, {
    action: 'payment.refunded',
    objectId: payment.id,
    data: { refund: refund.id, amount: payment.amount.toString(), currency: payment.currency, reason: refund.reason },
  });
  tx.metrics.refunds.inc({ provider: payment.provider, outcome: 'succeeded' });
  return 'applied';
}

async function upsertRefund(tx: Ctx, payment: Payment, now: Date) {
  const running = await tx.db.refund.findFirst({ where: { paymentId: payment.id, status: 'requested' } });
  if (running)
    return tx.db.refund.update({ where: { id: running.id }, data: { status: 'succeeded', completedAt: now } });
  return tx.db.refund.create({
    data: {
      id: newId(tx, 'ref'),
      paymentId: payment.id,
      status: 'succeeded',
      reason: 'provider',
      amount: payment.amount,
      currency: payment.currency,
      requestedBy: `provider:${payment.provider}`,
      createdAt: now,
      completedAt: now,
    },
  });
}

/** Whoever gets money back for a subscription does not go on paying for it: it ends, and the provider is told. */
async function revokeSubscription(tx: Ctx, subscriptionId: string, now: Date): Promise<JobRequest[]> {
  await tx.db.$queryRaw`SELECT id FROM subscription WHERE id = ${subscriptionId} FOR UPDATE`;
  const subscription = await tx.db.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
  const next = nextSubscriptionStatus(subscription.status, 'refunded');
  if (!next) return [];
  await tx.db.subscription.update({
    where: { id: subscriptionId },
    data: { status: next, endedAt: now, cancelledBy: null, graceUntil: null },
  });
  await recordAudit(tx, { action: 'subscription.revoked', objectId: subscriptionId });
  return [{ name: 'stop_renewal', lane: `subscription:${subscriptionId}`, payload: { subscriptionId } }];
}
