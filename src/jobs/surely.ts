import { setTimeout as sleep } from 'node:timers/promises';
import type { Ctx } from '#domain/context/context.ts';
import { describeError } from '#lib/log.ts';

const RETRY_MS = 250;

/**
 * Writes what was done outside and cannot be undone: while Postgres restarts, it is tried again until `endsAt` (of
 * `performance.now`). Throws the database's error after that.
 */
export async function writeSurely(ctx: Ctx, endsAt: number, write: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (performance.now() + RETRY_MS >= endsAt) throw error;
      ctx.log.warn({ error: describeError(error) }, 'what a job did could not be written yet');
      await sleep(RETRY_MS);
    }
  }
}
