import type { Ctx } from '#domain/context/context.ts';
import { pastBefore } from '#domain/context/retention.ts';

const BATCH = 500;

/**
 * Empties what ended subscriptions name, some time after their end: until then a late renewal may bring them back. Returns how
 * many; several workers may run it.
 */
export async function forgetSubscriptions(ctx: Ctx): Promise<number> {
  return ctx.db.$executeRaw`
    UPDATE subscription SET price_id = NULL, plan_id = NULL, product_id = NULL WHERE id IN (
      SELECT id FROM subscription WHERE ended_at IS NOT NULL AND plan_id IS NOT NULL AND ended_at <= ${pastBefore(ctx.clock.now())}
      ORDER BY ended_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
}
