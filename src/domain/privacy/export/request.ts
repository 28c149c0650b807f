import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { requireSelf } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { exportWaitMs, MAX_EXPORTS_A_DAY } from '#domain/privacy/export/rules.ts';
import type { DataExport } from '#lib/generated/prisma/client.ts';

const LATEST_FIRST = [{ createdAt: 'desc' as const }, { id: 'desc' as const }];

/**
 * Asks for a copy of a person's data, which the bot sends to their chat. While one is under way, that one is returned. Throws
 * `rate_limited too_many_exports` with the seconds until another may be asked for.
 */
export async function requestExport(ctx: Ctx, userId: string): Promise<DataExport> {
  requireSelf(ctx, userId);
  return inTransaction(ctx, async (tx) => {
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('exports:' || ${userId}, 0))`;
    const last = await tx.db.dataExport.findMany({
      where: { userId },
      orderBy: LATEST_FIRST,
      take: MAX_EXPORTS_A_DAY,
    });
    const open = last.find(({ status }) => status === 'requested' || status === 'running');
    if (open) return open;
    const now = tx.clock.now();
    const waitMs = exportWaitMs(
      last.map(({ createdAt }) => createdAt),
      now,
    );
    if (waitMs > 0) throw tooMany(waitMs);
    const id = newId(tx, 'exp');
    const asked = await tx.db.dataExport.create({ data: { id, userId, status: 'requested', createdAt: now } });
    await queueJobs(tx, [{ name: 'export_data', lane: `export:${userId}`, payload: { exportId: id } }]);
    await recordAudit(tx, { action: 'export.requested', objectId: id });
    return asked;
  });
}

function tooMany(waitMs: number): AppError {
  const hours = Math.ceil(waitMs / 3_600_000);
  const details = { hours, most: MAX_EXPORTS_A_DAY };
  return new AppError('rate_limited', 'too_many_exports', { retryAfterSeconds: Math.ceil(waitMs / 1000), details });
}

/** The copy a person asked for last; null when they never did. */
export function findExport(ctx: Ctx, userId: string): Promise<DataExport | null> {
  requireSelf(ctx, userId);
  return ctx.db.dataExport.findFirst({ where: { userId }, orderBy: LATEST_FIRST });
}
