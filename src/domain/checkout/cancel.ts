import { recordAudit } from '#domain/audit/record.ts';
import { closeCheckoutJobs } from '#domain/checkout/close.ts';
import { getInvoice, type InvoiceRecord } from '#domain/checkout/records.ts';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { requireOwnerOr, requireScope } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';

/**
 * Closes an open order so that it cannot be paid any more. Closing a closed one changes nothing. Money that was already
 * on its way is still honoured when it arrives. Throws `not_found invoice_not_found`, `conflict invoice_already_paid`.
 */
export async function cancelInvoice(ctx: Ctx, invoiceId: string): Promise<InvoiceRecord> {
  const isServer = ctx.actor.kind === 'api_key';
  if (isServer) requireScope(ctx, 'payments:write');
  // Who may cancel sees what: a server's key need not have the right to read as well.
  const reader = isServer ? asActor(ctx, { kind: 'system', name: 'cancel' }, ctx.requestId) : ctx;
  const invoice = await getInvoice(reader, invoiceId);
  requireOwnerOr(ctx, invoice.userId, 'payments:write');
  if (invoice.status === 'paid') throw new AppError('conflict', 'invoice_already_paid');
  if (invoice.status !== 'open') return invoice;
  return inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.invoice.updateMany({
      where: { id: invoiceId, status: 'open' },
      data: { status: 'cancelled', closedAt: tx.clock.now() },
    });
    if (count === 1) {
      const closed = await tx.db.paymentAttempt.updateManyAndReturn({
        where: { invoiceId, status: { in: ['creating', 'live'] } },
        data: { status: 'closed' },
        select: { id: true, reference: true },
      });
      await queueJobs(tx, closeCheckoutJobs(closed));
      await recordAudit(tx, { action: 'invoice.cancelled', objectId: invoiceId });
    }
    const after = await getInvoice({ ...tx, actor: reader.actor }, invoiceId);
    if (after.status === 'paid') throw new AppError('conflict', 'invoice_already_paid');
    return after;
  });
}
