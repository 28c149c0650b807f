import type { Ctx } from '#domain/context/context.ts';
import { forgetExports } from '#domain/privacy/export/run.ts';

const BATCH = 5_000;
const JOB_DAYS = 30;
const KEY_DAYS = 2;
/** Providers repeat an event for a day at most; the inbox remembers far longer. */
const EVENT_DAYS = 90;

/**
 * Deletes what has served: finished jobs after a month (their keys must outlive every period that could queue them
 * again), stored answers of idempotency keys after two days, processed events after three months, that a copy of their data was sent to somebody after one. Returns how many rows
 * went.
 */
export async function purge(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now().getTime();
  const jobsBefore = new Date(now - JOB_DAYS * 86_400_000);
  const keysBefore = new Date(now - KEY_DAYS * 86_400_000);
  const jobs = await ctx.db.$executeRaw`
    DELETE FROM job WHERE id IN (SELECT id FROM job WHERE done_at < ${jobsBefore} ORDER BY done_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
  const keys = await ctx.db.$executeRaw`
    DELETE FROM idempotency_key WHERE (scope, key) IN (SELECT scope, key FROM idempotency_key WHERE created_at < ${keysBefore} ORDER BY created_at LIMIT ${BATCH})`;
  const eventsBefore = new Date(now - EVENT_DAYS * 86_400_000);
  const events = await ctx.db.$executeRaw`
    DELETE FROM webhook_event WHERE id IN (SELECT id FROM webhook_event WHERE received_at < ${eventsBefore}
      AND status IN ('processed', 'ignored') ORDER BY received_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
  return jobs + keys + events + (await forgetExports(ctx));
}
