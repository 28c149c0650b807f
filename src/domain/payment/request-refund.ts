import { recordAudit } from '#domain/audit/record.ts';
import { actorRef, type Ctx, newId } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { nextPaymentStatus } from '#domain/payment/rules.ts';
import type { Refund } from '#lib/generated/prisma/client.ts';

/**
 * Starts giving a whole charge back; the provider is asked after the commit. Asking again returns the running or done
 * refund; one whose job has given up is queued anew. Needs `refunds:write` or an admin. Throws `not_found payment_not_found`, `precondition_failed refund_not_possible`.
 */
export async function requestRefund(ctx: Ctx, request: { paymentId: string }): Promise<Refund> {
  requireScope(ctx, 'refunds:write');
  const { paymentId } = request;
  return inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT id FROM payment WHERE id = ${paymentId} FOR UPDATE`;
    const payment = await tx.db.payment.findUnique({ where: { id: paymentId } });
    if (!payment) throw new AppError('not_found', 'payment_not_found');
    const standing = await tx.db.refund.findFirst({ where: { paymentId, status: { in: ['requested', 'succeeded'] } } });
    if (standing) {
      await reviveRefund(tx, standing);
      return standing;
    }
    const next = nextPaymentStatus(payment.status, 'refund_requested');
    if (!next) throw new AppError('precondition_failed', 'refund_not_possible');
    await tx.db.payment.update({ where: { id: paymentId }, data: { status: next } });
    const refund = await tx.db.refund.create({
      data: {
        id: newId(tx, 'ref'),
        paymentId,
        status: 'requested',
        reason: 'requested',
        amount: payment.amount,
        currency: payment.currency,
        requestedBy: actorRef(tx.actor),
        createdAt: tx.clock.now(),
      },
    });
    await recordAudit(tx, { action: 'refund.requested', objectId: paymentId, data: { refund: refund.id } });
    await queueRefund(tx, refund.id);
    return refund;
  });
}

/** After two days without the provider the job is dead and nothing else would ever ask again. */
async function reviveRefund(tx: Ctx, refund: Refund): Promise<void> {
  if (refund.status !== 'requested') return;
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
