import { recordAudit } from '#domain/audit/record.ts';
import { keepRecord } from '#domain/billing-record/keep.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { JobRequest } from '#domain/context/queue.ts';
import { bringForward } from '#domain/entitlement/bring-forward.ts';
import { AppError } from '#domain/errors.ts';
import { type Entry, type Return, returnedShare } from '#domain/ledger/rules.ts';
import {
  nextPaymentStatus,
  type PaymentStatus,
  type PaymentStatusEvent,
  standingStatus,
} from '#domain/payment/rules.ts';
import { nextSubscriptionStatus } from '#domain/subscription/rules.ts';
import type { Payment } from '#lib/generated/prisma/client.ts';

/*
 * What refunds and disputes do to a payment and to what it bought. All in the transaction of `tx`, on a payment that
 * `lockPayment` has locked.
 */

/** Reads a payment under a row lock: two changes of one come one after the other. Throws `not_found payment_not_found`. */
export async function lockPayment(
  tx: Ctx,
  key: Readonly<{ id: string } | { provider: string; chargeId: string }>,
): Promise<Payment> {
  const where = 'id' in key ? { id: key.id } : { provider_chargeId: key };
  if ('id' in key) await tx.db.$queryRaw`SELECT id FROM payment WHERE id = ${key.id} FOR UPDATE`;
  else
    await tx.db
      .$queryRaw`SELECT id FROM payment WHERE provider = ${key.provider} AND charge_id = ${key.chargeId} FOR UPDATE`;
  const payment = await tx.db.payment.findUnique({ where });
  if (!payment) throw new AppError('not_found', 'payment_not_found');
  return payment;
}

/**
 * Moves a payment by an event, after the row of the refund or dispute itself was written: one of several that ends leaves it
 * where the others keep it. Returns its new status, null when the event does not apply and nothing was changed.
 */
export async function movePayment(
  tx: Ctx,
  payment: Payment,
  { event, returnedAmount }: { event: PaymentStatusEvent; returnedAmount: bigint },
): Promise<PaymentStatus | null> {
  const next = nextPaymentStatus(payment.status, event);
  if (!next) return null;
  const paymentId = payment.id;
  const status = standingStatus(next, {
    disputes: await tx.db.dispute.count({ where: { paymentId, status: 'open' } }),
    refunds: await tx.db.refund.count({ where: { paymentId, status: 'requested' } }),
  });
  await tx.db.payment.update({ where: { id: paymentId }, data: { status, returnedAmount } });
  return status;
}

/** Ends the refunds that still run although nothing is left to go back. Their jobs then find nothing to do. */
export async function endNeedlessRefunds(tx: Ctx, paymentId: string): Promise<void> {
  await tx.db.refund.updateMany({
    where: { paymentId, status: 'requested' },
    data: { status: 'failed', failure: 'nothing_left', claimUrl: null, completedAt: tx.clock.now() },
  });
}

/** What can still go back of a payment, at most `wanted`. */
export function leftOf(payment: Pick<Payment, 'amount' | 'returnedAmount'>, wanted: bigint): bigint {
  const left = payment.amount - payment.returnedAmount;
  return wanted > left ? left : wanted;
}

/** Writes the legs of one transaction of the books; none when there is nothing to book. */
export async function writeEntries(tx: Ctx, transactionId: string, entries: ReadonlyArray<Entry>): Promise<void> {
  if (entries.length === 0) return;
  const legs = JSON.stringify(entries.map((leg) => ({ ...leg, amount: leg.amount.toString() })));
  await tx.db.$executeRaw`SELECT write_entries(${transactionId}, ${legs}::jsonb, ${tx.clock.now()})`;
}

/**
 * Keeps what went back of a payment in the records of whoever paid, and of the developer whose share went with it. `objectId`
 * is the refund or dispute.
 */
export async function recordReturn(
  tx: Ctx,
  payment: Payment,
  returned: { objectId: string; reason: string; span: Return },
): Promise<void> {
  const { currency, developerShare, developerUserId, id } = payment;
  const { objectId, reason, span } = returned;
  const amount = { amount: (span.to - span.from).toString(), currency };
  await keepRecord(tx, { userId: payment.userId, type: 'refund', objectId, facts: { payment: id, amount, reason } });
  if (!developerUserId) return;
  const share = { amount: (-returnedShare(developerShare, payment.amount, span)).toString(), currency };
  await keepRecord(tx, {
    userId: developerUserId,
    type: 'revenue_share',
    objectId,
    facts: { payment: id, amount: share, reason },
  });
}

/**
 * Takes what was bought. `isForGood`: time that was bought to follow it moves up, and a subscription ends; while a dispute
 * is open neither is decided. Returns what is to be done outside.
 */
export async function takeRight(
  tx: Ctx,
  payment: Payment,
  { isForGood }: { isForGood: boolean },
): Promise<JobRequest[]> {
  const now = tx.clock.now();
  await tx.db.entitlement.updateMany({ where: { paymentId: payment.id, revokedAt: null }, data: { revokedAt: now } });
  if (!isForGood) return [];
  // One that is gone was over long ago: what was to follow it has begun.
  const right = await tx.db.entitlement.findUnique({ where: { paymentId: payment.id }, select: { planId: true } });
  // Also after a subscription's period: a year that was bought to follow it would leave a gap.
  if (right && payment.periodStart && payment.periodEnd)
    await bringForward(tx, { userId: payment.userId, planId: right.planId, from: payment.periodStart });
  return payment.subscriptionId ? revokeSubscription(tx, payment.subscriptionId, now) : [];
}

/**
 * Gives back what a dispute or an undone refund had taken, unless the buyer got the same for good meanwhile. A right that was
 * deleted since stays gone: operators are told of each refund that came to nothing.
 */
export async function giveRight(tx: Ctx, payment: Payment): Promise<void> {
  await tx.db.$executeRaw`
    UPDATE entitlement e SET revoked_at = NULL WHERE e.payment_id = ${payment.id} AND (e.ends_at IS NOT NULL OR NOT EXISTS (
      SELECT 1 FROM entitlement o WHERE o.user_id = e.user_id AND o.plan_id = e.plan_id AND o.ends_at IS NULL AND o.revoked_at IS NULL))`;
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
