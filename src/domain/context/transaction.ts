import type { Ctx } from './context.ts';

const TIMEOUT_MS = 10_000;
const MAX_TRIES = 5;
/** Postgres and Prisma codes after which the same transaction may simply be run again. */
const RETRYABLE = new Set(['40001', '40P01', 'P2034']);

/**
 * Runs `work` in one database transaction. Re-entrant: inside another transaction it joins that one. Retries the whole
 * on serialization failures and deadlocks, so `work` must have no effect but its writes: no network call belongs here.
 */
export async function inTransaction<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  const { db } = ctx;
  if (ctx.isInTransaction) return work(ctx);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.$transaction((tx) => work({ ...ctx, db: tx, isInTransaction: true }), {
        timeout: TIMEOUT_MS,
        maxWait: TIMEOUT_MS,
      });
    } catch (error) {
      if (attempt >= MAX_TRIES || !isRetryable(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
    }
  }
}

/** Whether a database error says that the same transaction, run again, may succeed. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE.has(databaseCode(error) ?? '');
}

/** The SQLSTATE or Prisma code of a database error, wherever the driver put it; null for other errors. */
export function databaseCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('meta' in error && typeof error.meta === 'object' && error.meta !== null && 'driverAdapterError' in error.meta) {
    const inner = databaseCode(error.meta.driverAdapterError);
    if (inner) return inner;
  }
  if ('cause' in error && typeof error.cause === 'object' && error.cause !== null && 'originalCode' in error.cause)
    return String(error.cause.originalCode);
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
