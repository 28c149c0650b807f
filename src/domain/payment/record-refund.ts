import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { closeInbox, type InboxEntry } from '#domain/context/inbox.ts';
import { attentionJob, type JobRequest, noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { entriesForReturn } from '#domain/ledger/rules.ts';
import { giveRight, lockPayment, takeRight, writeEntries } from '#domain/payment/change.ts';
import { nextPaymentStatus, takesRight } from '#domain/payment/rules.ts';
import type { ProviderEvent } from '#domain/provider.ts';
import type { Payment, Refund } from '#lib/generated/prisma/client.ts';

export type RefundedEvent = Extract<ProviderEvent, { type: 'payment_refunded' }>;
export type RefundFailedEvent = Extract<ProviderEvent, { type: 'refund_failed' }>;

/** A refund as it is told: by its own ids where they are known, else the one that runs or a new one of the provider's. */
type Told = Readonly<{ refundId: string | null; reference: string | null; amount: bigint }>;

/**
 * Records that a charge went back, or a part of it, whoever asked for it: payment, refund, right, subscription, books, audit
 * and notice, once. A refund does not say when and for which period its charge was paid, so one that overtakes its charge
 * waits in the inbox until the charge came or reconciliation found it: both orders of arrival end in the same rows.
 * Throws `not_found payment_not_found` until then, `invalid currency_mismatch` for money that is not the charge's.
 */
export async function recordRefund(
  ctx: Ctx,
  request: { providerId: string; event: RefundedEvent; inbox: InboxEntry | null },
): Promise<'applied' | 'duplicate'> {
  const { event, inbox, providerId } = request;
  return inTransaction(ctx, async (tx) => {
    const payment = await lockPayment(tx, { provider: providerId, chargeId: event.chargeId });
    if (event.paid.currency !== payment.currency) throw new AppError('invalid', 'currency_mismatch');
    const { reference, refundId } = event;
    const outcome = await completeRefund(tx, payment, { reference, refundId, amount: event.paid.amount });
    await closeInbox(tx, inbox, outcome);
    return outcome;
  });
}

/** Brings a refund of a locked payment to its end, in the transaction of `tx`. */
export async function completeRefund(tx: Ctx, payment: Payment, told: Told): Promise<'applied' | 'duplicate'> {
  const standing = await findRefund(tx, payment, told);
  if (standing?.status === 'succeeded') return 'duplicate';
  const left = payment.amount - payment.returnedAmount;
  const wanted = standing?.amount ?? told.amount;
  const isTooMuch = wanted > left;
  const amount = isTooMuch ? left : wanted;
  const span = { from: payment.returnedAmount, to: payment.returnedAmount + amount };
  const isWhole = span.to === payment.amount;
  const next = nextPaymentStatus(payment.status, isWhole ? 'refund_completed' : 'part_refunded');
  if (!next || amount <= 0n) return 'duplicate';

  const now = tx.clock.now();
  await tx.db.payment.update({ where: { id: payment.id }, data: { status: next, returnedAmount: span.to } });
  const refund = await endRefund(tx, payment, standing, { ...told, amount });
  await writeEntries(
    tx,
    refund.id,
    entriesForReturn({ ...payment, providerId: payment.provider }, span, feeRule(tx, payment)),
  );
  if (isWhole)
    await tx.db.reservation.updateMany({
      where: { provider: payment.provider, chargeId: payment.chargeId, status: 'paid' },
      data: { status: 'refunded', cancelledAt: now },
    });
  const jobs: JobRequest[] = [noticeOf(payment, refund, isWhole)];
  if (isWhole) jobs.push(...(await takeRight(tx, payment, { isForGood: true })));
  await queueJobs(tx, jobs);
  const { currency, id, reason } = refund;
  await recordAudit(tx, {
    action: isWhole ? 'payment.refunded' : 'payment.part_refunded',
    objectId: payment.id,
    data: { refund: id, amount: amount.toString(), currency, reason },
  });
  tx.metrics.refunds.inc({ provider: payment.provider, outcome: 'succeeded' });
  return 'applied';
}

function noticeOf(payment: Payment, refund: Refund, isWhole: boolean): JobRequest {
  const { userId } = payment;
  if (!isWhole) return noticeJob({ userId, kind: 'part_refunded', objectId: refund.id });
  const kind = refund.reason === 'surplus' ? 'surplus_refunded' : 'refunded';
  return noticeJob({ userId, kind, objectId: payment.id });
}

/** Whether the provider keeps its fee when money goes back. */
function feeRule(tx: Ctx, payment: Payment): { isFeeKept: boolean } {
  const accepted = tx.providers.get(payment.provider)?.accepts.find(({ currency }) => currency === payment.currency);
  return { isFeeKept: accepted?.fee.isKept ?? false };
}

/**
 * The refund that is meant: ours by its id, the provider's by theirs; without either the one that runs. One that was asked
 * for here and is told by the provider's id alone is that one too when the sums agree.
 */
async function findRefund(tx: Ctx, payment: Payment, { amount, reference, refundId }: Told): Promise<Refund | null> {
  const refunds = await tx.db.refund.findMany({
    where: { paymentId: payment.id },
    orderBy: { createdAt: 'desc' },
    take: 100,
  });
  const known =
    refunds.find(({ id }) => id === refundId) ??
    (reference === null ? undefined : refunds.find((refund) => refund.reference === reference));
  if (known) return known;
  const isOther = (refund: Refund) => reference !== null && refund.reference !== null;
  return (
    refunds.find((refund) => refund.status === 'requested' && refund.amount === amount && !isOther(refund)) ?? null
  );
}

async function endRefund(
  tx: Ctx,
  payment: Payment,
  standing: Refund | null,
  { amount, reference }: Told,
): Promise<Refund> {
  const completedAt = tx.clock.now();
  if (standing)
    return tx.db.refund.update({
      where: { id: standing.id },
      data: {
        status: 'succeeded',
        amount,
        failure: null,
        claimUrl: null,
        completedAt,
        ...(reference === null ? {} : { reference }),
      },
    });
  return tx.db.refund.create({
    data: {
      id: newId(tx, 'ref'),
      paymentId: payment.id,
      status: 'succeeded',
      reason: 'provider',
      amount,
      currency: payment.currency,
      requestedBy: `provider:${payment.provider}`,
      reference,
      createdAt: completedAt,
      completedAt,
    },
  });
}

/**
 * Records that a refund came to nothing, also one that had been done: its entries are taken back by new ones, and the right
 * that went with it comes back. Throws `not_found payment_not_found` while its charge is not known.
 */
export async function recordRefundFailure(
  ctx: Ctx,
  request: { providerId: string; event: RefundFailedEvent; inbox: InboxEntry | null },
): Promise<'applied' | 'duplicate'> {
  const { event, inbox, providerId } = request;
  return inTransaction(ctx, async (tx) => {
    const payment = await lockPayment(tx, { provider: providerId, chargeId: event.chargeId });
    const outcome = await failRefund(tx, payment, event);
    await closeInbox(tx, inbox, outcome);
    return outcome;
  });
}

/** Ends a refund of a locked payment as failed, in the transaction of `tx`. One that nobody knows of changes nothing. */
export async function failRefund(
  tx: Ctx,
  payment: Payment,
  failed: { refundId: string | null; reference: string | null; code: string },
): Promise<'applied' | 'duplicate'> {
  const { code, reference, refundId } = failed;
  const refund = await tx.db.refund.findFirst({
    where: { paymentId: payment.id, OR: [{ id: refundId ?? '' }, { reference: reference ?? '' }] },
  });
  const next = nextPaymentStatus(payment.status, 'refund_failed');
  if (!refund || !next || refund.status === 'failed') return 'duplicate';
  const isUndone = refund.status === 'succeeded';
  const returnedAmount = payment.returnedAmount - (isUndone ? refund.amount : 0n);
  await tx.db.payment.update({ where: { id: payment.id }, data: { status: next, returnedAmount } });
  await tx.db.refund.update({
    where: { id: refund.id },
    data: { status: 'failed', failure: code.slice(0, 100), claimUrl: null, completedAt: tx.clock.now() },
  });
  if (isUndone) await takeBack(tx, refund.id);
  if (isUndone && takesRight(payment.status) && !takesRight(next)) await giveRight(tx, payment);
  await recordAudit(tx, {
    action: 'refund.failed',
    objectId: payment.id,
    data: { refund: refund.id, code: code.slice(0, 100) },
  });
  await queueJobs(tx, [attentionJob(refund.id, 'failed')]);
  tx.metrics.refunds.inc({ provider: payment.provider, outcome: 'failed' });
  return 'applied';
}

/** Books the opposite of what was booked under `transactionId`. */
async function takeBack(tx: Ctx, transactionId: string): Promise<void> {
  const legs = await tx.db.ledgerEntry.findMany({ where: { transactionId }, take: 10 });
  const entries = legs.map(({ account, amount, currency, owner }) => ({ account, owner, amount: -amount, currency }));
  await writeEntries(tx, `${transactionId}/undo`, entries);
}
