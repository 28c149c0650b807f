import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { closeInbox, type InboxEntry } from '#domain/context/inbox.ts';
import { attentionJob, type JobRequest, noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { type Entry, entriesForReturn, type Return, reversed } from '#domain/ledger/rules.ts';
import { Currency } from '#domain/money.ts';
import {
  endNeedlessRefunds,
  giveRight,
  leftOf,
  lockPayment,
  movePayment,
  recordReturn,
  takeRight,
  writeEntries,
} from '#domain/payment/change.ts';
import { acceptedAs, nextPaymentStatus, takesRight } from '#domain/payment/rules.ts';
import { METHODS } from '#domain/provider/capability.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { Payment, Refund } from '#lib/generated/prisma/client.ts';

export type RefundedEvent = Extract<ProviderEvent, { type: 'payment_refunded' }>;
export type RefundPartEvent = Extract<ProviderEvent, { type: 'refund_part_paid' }>;
export type RefundFailedEvent = Extract<ProviderEvent, { type: 'refund_failed' }>;

/**
 * A refund as it is told: by its own ids where they are known, else the one that runs or a new one of the provider's. `of` is the
 * refund that a new one was a part of.
 */
type Told = Readonly<{ refundId: string | null; reference: string | null; amount: bigint; of?: Refund }>;

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

/**
 * Records that some of a refund was paid while the rest is still open: that part becomes a refund of its own, done, and the one
 * that runs is for the rest. So what was paid stays given back when the rest comes to nothing. Of a refund that is not known
 * or over it changes nothing. Throws as `recordRefund` does.
 */
export async function recordRefundPart(
  ctx: Ctx,
  request: { providerId: string; event: RefundPartEvent; inbox: InboxEntry | null },
): Promise<'applied' | 'duplicate'> {
  const { event, inbox, providerId } = request;
  return inTransaction(ctx, async (tx) => {
    const payment = await lockPayment(tx, { provider: providerId, chargeId: event.chargeId });
    if (event.paid.currency !== payment.currency) throw new AppError('invalid', 'currency_mismatch');
    const outcome = await splitRefund(tx, payment, event);
    await closeInbox(tx, inbox, outcome);
    return outcome;
  });
}

async function splitRefund(
  tx: Ctx,
  payment: Payment,
  { paid: { amount }, part, reference, refundId }: RefundPartEvent,
): Promise<'applied' | 'duplicate'> {
  const rows = await tx.db.refund.findMany({
    where: { paymentId: payment.id, OR: [{ id: refundId }, { reference: part }] },
  });
  const running = rows.find(({ id, status }) => id === refundId && status === 'requested');
  if (!running || rows.some((refund) => refund.reference === part)) return 'duplicate';
  // Less than one unit is left of it.
  if (amount >= running.amount) return completeRefund(tx, payment, { refundId, reference, amount: running.amount });
  const rest = { amount: running.amount - amount, reference };
  await tx.db.refund.update({ where: { id: refundId }, data: rest });
  return completeRefund(tx, payment, { refundId: null, reference: part, amount, of: running });
}

/** Brings a refund of a locked payment to its end, in the transaction of `tx`. */
export async function completeRefund(tx: Ctx, payment: Payment, told: Told): Promise<'applied' | 'duplicate'> {
  const standing = await findRefund(tx, payment, told);
  if (standing && isOver(standing)) return 'duplicate';
  const amount = leftOf(payment, standing?.amount ?? told.amount);
  const span = { from: payment.returnedAmount, to: payment.returnedAmount + amount };
  const isWhole = span.to === payment.amount;
  const event = isWhole ? 'refund_completed' : 'part_refunded';
  if (amount <= 0n || !nextPaymentStatus(payment.status, event)) return 'duplicate';

  const refund = await endRefund(tx, payment, standing, { ...told, amount });
  if (isWhole) await endNeedlessRefunds(tx, payment.id);
  const status = await movePayment(tx, payment, { event, returnedAmount: span.to });
  await writeEntries(tx, refund.id, entriesFor(tx, payment, span));
  if (status === 'refunded')
    await tx.db.reservation.updateMany({
      where: { provider: payment.provider, chargeId: payment.chargeId, status: 'paid' },
      data: { status: 'refunded', cancelledAt: tx.clock.now() },
    });
  const jobs: JobRequest[] = [noticeOf(payment, refund, isWhole)];
  if (isWhole) jobs.push(...(await takeRight(tx, payment, { isForGood: true })));
  await queueJobs(tx, jobs);
  const { currency, id, reason } = refund;
  await recordReturn(tx, payment, { objectId: id, reason, span });
  await recordAudit(tx, {
    action: isWhole ? 'payment.refunded' : 'payment.part_refunded',
    objectId: payment.id,
    data: { refund: id, amount: amount.toString(), currency, reason },
  });
  tx.metrics.refunds.inc({ provider: payment.provider, outcome: 'succeeded' });
  return 'applied';
}

/**
 * Done is done, and what its provider said came to nothing stays so: a message that is late must not book it again. One that
 * was refused before the provider had a word for it is over only for us.
 */
function isOver({ reference, status }: Refund): boolean {
  return status === 'succeeded' || (status === 'failed' && reference !== null);
}

function noticeOf(payment: Payment, refund: Refund, isWhole: boolean): JobRequest {
  const { userId } = payment;
  if (!isWhole) return noticeJob({ userId, kind: 'part_refunded', objectId: refund.id });
  const kind = refund.reason === 'surplus' ? 'surplus_refunded' : 'refunded';
  return noticeJob({ userId, kind, objectId: payment.id });
}

/** The legs of what goes back, with the fee as the provider of the charge deals with it. */
function entriesFor(tx: Ctx, payment: Payment, span: Return): Entry[] {
  const accepted = acceptedAs(tx.providers.get(payment.provider), {
    currency: Currency.parse(payment.currency),
    method: METHODS.find((method) => method === payment.method) ?? null,
  });
  const shares = { ...payment, providerId: payment.provider };
  return entriesForReturn(shares, span, { isFeeKept: accepted?.fee.isKept ?? false });
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
  { amount, of, reference }: Told,
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
      reason: of?.reason ?? 'provider',
      amount,
      currency: payment.currency,
      requestedBy: of?.requestedBy ?? `provider:${payment.provider}`,
      reference,
      createdAt: completedAt,
      completedAt,
    },
  });
}

/**
 * Records that a refund came to nothing, also one that had been done: new entries take back what it gave, and the right
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
  failed: { refundId: string | null; reference: string | null; code: string; undoesDone: boolean },
): Promise<'applied' | 'duplicate'> {
  const { code, reference, refundId, undoesDone } = failed;
  const refund = await tx.db.refund.findFirst({
    where: { paymentId: payment.id, OR: [{ id: refundId ?? '' }, { reference: reference ?? '' }] },
  });
  if (!refund || refund.status === 'failed') return 'duplicate';
  const isUndone = refund.status === 'succeeded';
  if (isUndone && !undoesDone) return 'duplicate';
  await tx.db.refund.update({
    where: { id: refund.id },
    data: {
      status: 'failed',
      failure: code.slice(0, 100),
      claimUrl: null,
      completedAt: tx.clock.now(),
      ...(reference === null ? {} : { reference }),
    },
  });
  const returnedAmount = payment.returnedAmount - (isUndone ? refund.amount : 0n);
  const status = await movePayment(tx, payment, { event: 'refund_failed', returnedAmount });
  if (isUndone) await takeBack(tx, payment, { refundId: refund.id, returnedAmount });
  if (status && takesRight(payment.status) && !takesRight(status)) await giveRight(tx, payment);
  await recordAudit(tx, {
    action: 'refund.failed',
    objectId: payment.id,
    data: { refund: refund.id, code: code.slice(0, 100) },
  });
  await queueJobs(tx, [attentionJob(refund.id, 'failed')]);
  tx.metrics.refunds.inc({ provider: payment.provider, outcome: 'failed' });
  return 'applied';
}

/**
 * Books that what had gone back is with us again. Not the refund's own legs with the opposite sign: returns are rounded from the
 * beginning, so the last ones are taken back whichever refund it was, and the shares stay exact.
 */
async function takeBack(
  tx: Ctx,
  payment: Payment,
  { refundId, returnedAmount }: { refundId: string; returnedAmount: bigint },
): Promise<void> {
  const span = { from: returnedAmount, to: payment.returnedAmount };
  const undone = { from: payment.returnedAmount, to: returnedAmount };
  await recordReturn(tx, payment, { objectId: `${refundId}/undo`, reason: 'refund_failed', span: undone });
  await writeEntries(tx, `${refundId}/undo`, reversed(entriesFor(tx, payment, span)));
  await tx.db.reservation.updateMany({
    where: { provider: payment.provider, chargeId: payment.chargeId, status: 'refunded' },
    data: { status: 'paid', cancelledAt: null, code: null },
  });
}
