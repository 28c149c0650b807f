import type { Ctx } from '#domain/context/context.ts';
import { pastBefore } from '#domain/context/retention.ts';

const BATCH = 500;

/**
 * Empties what closed orders name, some time after they closed: until then their money may come late. A paid one was emptied
 * with its payment. One that a provider holds waits for what comes of that. Returns how many; several workers may run it.
 */
export async function forgetItems(ctx: Ctx): Promise<number> {
  return ctx.db.$executeRaw`
    UPDATE invoice SET price_id = NULL, plan_id = NULL, product_id = NULL, sealed = NULL WHERE id IN (
      SELECT i.id FROM invoice i WHERE i.status <> 'open' AND i.plan_id IS NOT NULL AND i.closed_at <= ${pastBefore(ctx.clock.now())}
        AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.invoice_id = i.id AND r.status = 'reserved')
      ORDER BY i.closed_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
}
