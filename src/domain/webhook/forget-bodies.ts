import type { Ctx } from '#domain/context/context.ts';
import { RETENTION } from '#domain/context/retention.ts';

const BATCH = 1_000;
const DAY_MS = 86_400_000;

/**
 * Drops the sealed raw bodies of processed events after the operator's retention days, and of events nobody cared for
 * after a month; returns how many.
 */
export async function forgetBodies(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now().getTime();
  const before = new Date(now - ctx.policy.webhookBodyRetentionDays * DAY_MS);
  const abandoned = new Date(now - RETENTION.uncaredBodyDays * DAY_MS);
  // Two statements, each on its own partial index: joined by OR they would read every body that is kept.
  const processed = await ctx.db.$executeRaw`
    UPDATE webhook_event SET body = NULL
    WHERE id IN (SELECT id FROM webhook_event WHERE body IS NOT NULL AND processed_at < ${before}
      ORDER BY processed_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
  const uncared = await ctx.db.$executeRaw`
    UPDATE webhook_event SET body = NULL
    WHERE id IN (SELECT id FROM webhook_event WHERE body IS NOT NULL AND status IN ('failed', 'dead') AND received_at < ${abandoned}
      LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
  return processed + uncared;
}
