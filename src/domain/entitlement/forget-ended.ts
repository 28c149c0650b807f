import type { Ctx } from '#domain/context/context.ts';
import { pastBefore } from '#domain/entitlement/rules.ts';

const BATCH = 500;

/**
 * Deletes rights some time after they ended or were taken, and marks their payments: each still shows that it bought one. A
 * right that rests while its payment is in dispute may come back and is kept. Returns how many; several workers may run it.
 */
export async function forgetRights(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  // Locks the payment too, and waits for neither: a refund or dispute under way locks them in the other order.
  return ctx.db.$executeRaw`
    WITH past AS (
      SELECT e.id FROM entitlement e JOIN payment p ON p.id = e.payment_id
      WHERE least(e.ends_at, e.revoked_at) <= ${pastBefore(now)} AND p.status <> 'disputed'
      ORDER BY least(e.ends_at, e.revoked_at) LIMIT ${BATCH} FOR UPDATE OF e, p SKIP LOCKED
    ), gone AS (DELETE FROM entitlement WHERE id IN (SELECT id FROM past) RETURNING payment_id)
    UPDATE payment SET right_dropped_at = ${now} WHERE id IN (SELECT payment_id FROM gone)`;
}
