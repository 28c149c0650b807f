import type { Ctx } from '#domain/context/context.ts';
import { RETENTION } from '#domain/context/retention.ts';
import { forgetExports } from '#domain/privacy/export/run.ts';

const BATCH = 5_000;
const DAY_MS = 86_400_000;

/**
 * Deletes what has served: finished jobs, stored answers of idempotency keys, processed events, that a copy of their data was sent
 * to somebody. Returns how many rows went.
 */
export async function purge(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now().getTime();
  const jobsBefore = new Date(now - RETENTION.finishedJobDays * DAY_MS);
  const keysBefore = new Date(now - RETENTION.storedAnswerDays * DAY_MS);
  const jobs = await ctx.db.$executeRaw`
    DELETE FROM job WHERE id IN (SELECT id FROM job WHERE done_at < ${jobsBefore} ORDER BY done_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
  const keys = await ctx.db.$executeRaw`
    DELETE FROM idempotency_key WHERE (scope, key) IN (SELECT scope, key FROM idempotency_key WHERE created_at < ${keysBefore} ORDER BY created_at LIMIT ${BATCH})`;
  const eventsBefore = new Date(now - RETENTION.handledMessageDays * DAY_MS);
  const events = await ctx.db.$executeRaw`
    DELETE FROM webhook_event WHERE id IN (SELECT id FROM webhook_event WHERE received_at < ${eventsBefore}
      AND status IN ('processed', 'ignored') ORDER BY received_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
  return jobs + keys + events + (await forgetExports(ctx));
}
