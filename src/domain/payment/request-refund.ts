import { recordAudit } from '#domain/audit/record.ts';
import { actorRef, type Ctx, newId } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { lockPayment } from '#domain/payment/change.ts';
import { nextPaymentStatus } from '#domain/payment/rules.ts';
import type { Payment, Refund } from '#lib/generated/prisma/client.ts';

/**
 * Starts giving a charge back: `amount` minor units of it, or all that has not gone back yet. The provider is asked after the
 * commit. Asking for the whole again returns the running or done refund; one whose job has given up is queued anew. Needs
 * `refunds:write` or an admin. Throws not_found payment_not_found, invalid refund_amount_wrong, conflict refund_in_progress,
 * precondition_failed refund_not_possible | refund_at_provider | refund_whole_only.
 */
export async function requestRefund(ctx: Ctx, request: { paymentId: string; amount?: bigint }): Promise<Refund> {
  requireScope(ctx, 'refunds:write');
  const { paymentId } = request;
  return inTransaction(ctx, async (tx) => {
    const payment = await lockPayment(tx, { id: paymentId });
    const running = await tx.db.refund.findFirst({ where: { paymentId, status: 'requested' } });
    if (running) {
      if (request.amount !== undefined && request.amount !== running.amount)
        throw new AppError('conflict', 'refund_in_progress');
      await reviveRefund(tx, running);
      return running;
    }
    const done = request.amount === undefined ? await findLastDone(tx, payment) : null;
    if (done) return done;
    const amount = amountOf(tx, payment, request.amount);
    const next = nextPaymentStatus(payment.status, 'refund_requested');
    if (!next) throw new AppError('precondition_failed', 'refund_not_possible');
    await tx.db.payment.update({ where: { id: paymentId }, data: { status: next } });
    const refund = await tx.db.refund.create({
      data: {
        id: newId(tx, 'ref'),
        paymentId,
        status: 'requested',
        reason: 'requested',
        amount,
        currency: payment.currency,
        requestedBy: actorRef(tx.actor),
        createdAt: tx.clock.now(),
      },
    });
    const data = { refund: refund.id, amount: amount.toString() };
    await recordAudit(tx, { action: 'refund.requested', objectId: paymentId, data });
    await queueRefund(tx, refund.id);
    return refund;
  });
}

/** The refund that gave the last of a payment back; null while there is something left. */
async function findLastDone(tx: Ctx, payment: Payment): Promise<Refund | null> {
  if (payment.returnedAmount < payment.amount) return null;
  return tx.db.refund.findFirst({
    where: { paymentId: payment.id, status: 'succeeded' },
    orderBy: { completedAt: 'desc' },
  });
}

function amountOf(tx: Ctx, payment: Payment, wanted: bigint | undefined): bigint {
  const left = payment.amount - payment.returnedAmount;
  const amount = wanted ?? left;
  if (amount <= 0n || amount > left) {
    if (left === 0n) throw new AppError('precondition_failed', 'refund_not_possible');
    throw new AppError('invalid', 'refund_amount_wrong');
  }
  const refunds = tx.providers.get(payment.provider)?.refunds;
  if (refunds === 'none') throw new AppError('precondition_failed', 'refund_at_provider');
  if (refunds === 'whole' && amount !== payment.amount) throw new AppError('precondition_failed', 'refund_whole_only');
  return amount;
}

/** After two days without the provider the job is dead and nothing else would ever ask again. */
async function reviveRefund(tx: Ctx, refund: Refund): Promise<void> {
  // The provider has taken it: it says by itself when it is done.
  if (refund.reference !== null) return;
  const waiting = await tx.db.job.count({ where: { lane: laneOf(refund.id), name: 'execute_refund', doneAt: null } });
  if (waiting > 0) return;
  await queueRefund(tx, refund.id);
  await recordAudit(tx, { action: 'refund.retried', objectId: refund.paymentId, data: { refund: refund.id } });
}

async function queueRefund(tx: Ctx, refundId: string): Promise<void> {
  await queueJobs(tx, [{ name: 'execute_refund', lane: laneOf(refundId), payload: { refundId } }]);
}

function laneOf(refundId: string): string {
  return `refund:${refundId}`;
}
