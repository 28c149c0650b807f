import type { Ctx } from '#domain/context/context.ts';

const BATCH = 1_000;
const DAY_MS = 86_400_000;

/** Drops the sealed raw bodies of processed events after the operator's retention days; returns how many. */
export async function forgetBodies(ctx: Ctx): Promise<number> {
  const before = new Date(ctx.clock.now().getTime() - ctx.policy.webhookBodyRetentionDays * DAY_MS);
  return ctx.db.$executeRaw`
    UPDATE webhook_event SET body = NULL
    WHERE id IN (SELECT id FROM webhook_event WHERE body IS NOT NULL AND processed_at < ${before} ORDER BY processed_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
}
