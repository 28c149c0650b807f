import { recordAudit } from '#domain/audit/record.ts';
import { closeCheckoutJobs } from '#domain/checkout/close.ts';
import type { Ctx } from '#domain/context/context.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';

const BATCH = 200;

/** Closes open orders whose time is over and which nobody is paying at this moment, a batch at a time; returns how many. Several workers may run it at once. */
export async function expireInvoices(ctx: Ctx): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const now = tx.clock.now();
    const rows = await tx.db.$queryRaw<Array<{ id: string }>>`
      UPDATE invoice SET status = 'expired', closed_at = ${now}
      WHERE id IN (SELECT id FROM invoice WHERE status = 'open' AND expires_at > '-infinity' AND expires_at <= ${now}
        AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.invoice_id = invoice.id AND r.status = 'reserved') ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
      RETURNING id`;
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    const closed = await tx.db.paymentAttempt.updateManyAndReturn({
      where: { invoiceId: { in: ids }, status: { in: ['creating', 'live'] } },
      data: { status: 'closed' },
      select: { id: true, reference: true },
    });
    // The provider's own page may live longer than the order.
    await queueJobs(tx, closeCheckoutJobs(closed));
    for (const id of ids) await recordAudit(tx, { action: 'invoice.expired', objectId: id });
    return ids.length;
  });
}
