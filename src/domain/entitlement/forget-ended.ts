import type { Ctx } from '#domain/context/context.ts';
import { pastBefore } from '#domain/context/retention.ts';
import { inTransaction } from '#domain/context/transaction.ts';

const BATCH = 500;

/**
 * Deletes rights some time after they ended or were taken, and marks their payments: each still shows that it bought one. A
 * right that rests while its payment is in dispute may come back and is kept. Returns how many; several workers may run it.
 */
export async function forgetRights(ctx: Ctx): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const now = tx.clock.now();
    // Locks the payment too, and waits for neither: a refund or dispute under way locks them in the other order.
    const past = await tx.db.$queryRaw<Array<{ id: string; payment_id: string }>>`
      SELECT e.id, e.payment_id FROM entitlement e JOIN payment p ON p.id = e.payment_id
      WHERE least(e.ends_at, e.revoked_at) <= ${pastBefore(now)} AND p.status <> 'disputed'
      ORDER BY least(e.ends_at, e.revoked_at) LIMIT ${BATCH} FOR UPDATE OF e, p SKIP LOCKED`;
    if (past.length === 0) return 0;
    await tx.db.entitlement.deleteMany({ where: { id: { in: past.map(({ id }) => id) } } });
    await tx.db.payment.updateMany({
      where: { id: { in: past.map(({ payment_id }) => payment_id) } },
      data: { rightDroppedAt: now },
    });
    return past.length;
  });
}
