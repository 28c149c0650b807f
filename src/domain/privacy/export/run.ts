import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { RETENTION } from '#domain/context/retention.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { EXPORT_OBSTACLES, type ExportDelay, type ExportFailure } from '#domain/privacy/export/rules.ts';

/** Between this mark and the end nobody knows what arrived: a run that finds it does not send again. */
const SENDING = 'sending';
const PASSING = Object.entries(EXPORT_OBSTACLES).flatMap(([name, end]) => (end === 'time' ? [name] : []));

/** One run of the job of an export. Each write of it counts only while no later run has begun. */
export type ExportRun = Readonly<{ id: string; userId: string; run: number; createdAt: Date; asOf: Date }>;

/**
 * Begins to build a copy, from the beginning each time: nothing of an earlier run is kept. Null when there is nothing to do: it
 * ended, or a process died while it sent it, which is then what its owner sees.
 */
export async function beginExport(ctx: Ctx, exportId: string): Promise<ExportRun | null> {
  const asOf = ctx.clock.now();
  const [begun] = await ctx.db.dataExport.updateManyAndReturn({
    where: {
      id: exportId,
      status: { in: ['requested', 'running'] },
      OR: [{ obstacle: null }, { obstacle: { in: PASSING } }],
    },
    data: { status: 'running', obstacle: null, progress: 0, run: { increment: 1 } },
    select: { id: true, userId: true, run: true, createdAt: true },
  });
  if (begun) return { ...begun, asOf };
  const left = await ctx.db.dataExport.findUnique({ where: { id: exportId, status: 'running', obstacle: SENDING } });
  if (left) await failExport(ctx, { ...left, asOf }, 'interrupted');
  return null;
}

const isOwn = ({ id, run }: ExportRun) => ({ id, run, status: 'running' as const });

/** Shows how far a run is. False when another has begun: this one must stop. */
export async function showProgress(ctx: Ctx, run: ExportRun, progress: number): Promise<boolean> {
  const { count } = await ctx.db.dataExport.updateMany({ where: isOwn(run), data: { progress } });
  return count === 1;
}

/** Marks a copy as being sent, before its first document is. False when another run has begun. */
export async function beginSending(ctx: Ctx, run: ExportRun): Promise<boolean> {
  const { count } = await ctx.db.dataExport.updateMany({ where: isOwn(run), data: { obstacle: SENDING } });
  return count === 1;
}

/** Records that nothing of it was sent and that it is tried again, and why. */
export async function delayExport(ctx: Ctx, run: ExportRun, obstacle: ExportDelay): Promise<void> {
  await ctx.db.dataExport.updateMany({ where: isOwn(run), data: { obstacle } });
}

/** Ends a copy that could not be sent. */
export async function failExport(ctx: Ctx, run: ExportRun, obstacle: ExportFailure): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const ended = { status: 'failed' as const, obstacle, completedAt: tx.clock.now() };
    const { count } = await tx.db.dataExport.updateMany({ where: isOwn(run), data: ended });
    if (count === 1) await recordAudit(tx, { action: 'export.failed', objectId: run.id, data: { obstacle } });
  });
}

/** Records that all of it arrived. `sha256`: of the bytes of its documents, one after the other. */
export async function completeExport(
  ctx: Ctx,
  run: ExportRun,
  sent: { parts: number; sha256: Uint8Array },
): Promise<void> {
  const { parts } = sent;
  const sha256 = new Uint8Array(sent.sha256);
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.dataExport.updateMany({
      where: isOwn(run),
      data: { status: 'sent', obstacle: null, progress: 100, parts, sha256, completedAt: tx.clock.now() },
    });
    if (count === 1) await recordAudit(tx, { action: 'export.sent', objectId: run.id, data: { parts } });
  });
}

const BATCH = 500;

/** Forgets that copies were asked for, a month after they ended. Returns how many. */
export function forgetExports(ctx: Ctx): Promise<number> {
  const before = new Date(ctx.clock.now().getTime() - RETENTION.exportDays * 86_400_000);
  return ctx.db.$executeRaw`
    DELETE FROM data_export WHERE id IN (
      SELECT id FROM data_export WHERE completed_at < ${before} ORDER BY completed_at LIMIT ${BATCH})`;
}
