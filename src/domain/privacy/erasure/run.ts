import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { type JobRequest, noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { getUser } from '#domain/identity/find-user.ts';
import { languageFor } from '#domain/identity/rules.ts';
import { findBlockers } from '#domain/privacy/erasure/blockers.ts';
import { eraseBatch } from '#domain/privacy/erasure/classes.ts';
import { makeReport } from '#domain/privacy/erasure/report.ts';
import type { ErasureReport } from '#domain/privacy/erasure/rules.ts';
import { addCount, eraseSome, forgetCards, settleOpenMatters, type Wait } from '#domain/privacy/erasure/steps.ts';
import type { Erasure } from '#lib/generated/prisma/client.ts';

/** What came of telling: `wait`, it could not be tried or nobody knows; it is tried again while there is time. */
export type Told = 'told' | 'not_possible' | 'wait';
export type TellErased = (
  ctx: Ctx,
  told: Readonly<{ userId: string; language: string; report: ErasureReport }>,
) => Promise<Told>;

/** For so long it is tried to tell the person; after that it is done without. */
const TELLING_MS = 86_400_000;
const TELL_AGAIN_SECONDS = 60;
/** What was being written while it was done is erased after it. */
const SWEEP_AFTER_MS = 60_000;
const BATCH = 100;

/** Queues the erasures whose time has come and which no job works on. Returns how many. */
export async function queueErasures(ctx: Ctx): Promise<number> {
  const due = await ctx.db.$queryRaw<Array<{ id: string }>>`
    SELECT id FROM erasure e WHERE status IN ('waiting', 'running') AND due_at <= ${ctx.clock.now()}
      AND NOT EXISTS (SELECT 1 FROM job j WHERE j.lane = 'erasure:' || e.id AND j.done_at IS NULL)
    ORDER BY due_at LIMIT ${BATCH}`;
  await queueJobs(
    ctx,
    due.map(({ id }) => jobOf(id)),
  );
  return due.length;
}

function jobOf(erasureId: string, runAt?: Date): JobRequest {
  return { name: 'run_erasure', lane: `erasure:${erasureId}`, payload: { erasureId }, ...(runAt && { runAt }) };
}

/**
 * The job that erases: begins if nothing stands in the way, then goes on where it stands. Each step is safe to run again, so
 * one that was killed is simply run anew. What lies with others comes first, the person is told before the last step, and
 * that destroys the key under which all of theirs lies. Returns when to go on, null when there is nothing left to do.
 */
export async function runErasure(ctx: Ctx, erasureId: string, tell: TellErased): Promise<Wait | null> {
  const erasure = await begin(ctx, erasureId);
  if (!erasure) return null;
  const isOver = erasure.status !== 'running';
  for (const step of isOver ? [forgetCards, eraseSome] : [settleOpenMatters, forgetCards, eraseSome]) {
    const wait = await step(ctx, erasure);
    if (wait) return wait;
  }
  if (isOver) return null;
  const report = await makeReport(ctx, erasure);
  const wait = await tellOnce(ctx, erasure, report, tell);
  if (wait) return wait;
  await finish(ctx, erasure, report);
  return null;
}

/** The erasure to work on: one that begins now or had begun, or is over and looked at once more. Null when it is not to be. */
async function begin(ctx: Ctx, erasureId: string): Promise<Erasure | null> {
  return inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT id FROM erasure WHERE id = ${erasureId} FOR UPDATE`;
    const erasure = await tx.db.erasure.findUnique({ where: { id: erasureId } });
    if (!erasure || erasure.status === 'cancelled' || erasure.status === 'failed') return null;
    const now = tx.clock.now();
    if (erasure.status !== 'waiting') return erasure;
    if (erasure.dueAt > now) return null;
    const blockers = await findBlockers(tx, erasure.userId);
    if (blockers.length > 0) {
      const kinds = [...new Set(blockers.map(({ kind }) => kind))];
      await tx.db.erasure.update({
        where: { id: erasureId },
        data: { status: 'failed', completedAt: now, report: { blockers: kinds } },
      });
      await recordAudit(tx, {
        action: 'erasure.failed',
        objectId: erasureId,
        data: { blockers: kinds.join(' ') },
      });
      await queueJobs(tx, [noticeJob({ userId: erasure.userId, kind: 'erasure_failed', objectId: erasureId })]);
      return null;
    }
    await recordAudit(tx, { action: 'erasure.begun', objectId: erasureId });
    return tx.db.erasure.update({ where: { id: erasureId }, data: { status: 'running', begunAt: now } });
  });
}

async function tellOnce(ctx: Ctx, erasure: Erasure, report: ErasureReport, tell: TellErased): Promise<Wait | null> {
  if (erasure.toldAt) return null;
  const { language } = await getUser(ctx, erasure.userId);
  const told = await tell(ctx, { userId: erasure.userId, language, report });
  const now = ctx.clock.now();
  const isOverdue = now.getTime() >= erasure.dueAt.getTime() + TELLING_MS;
  if (told === 'wait' && !isOverdue) return { afterSeconds: TELL_AGAIN_SECONDS, because: 'NOT_TOLD' };
  if (told !== 'told') ctx.log.warn({ erasureId: erasure.id, told }, 'somebody is erased without having been told');
  await ctx.db.erasure.update({ where: { id: erasure.id }, data: { toldAt: now } });
  return null;
}

/** The last step, whole or not at all: what came in since goes, the settings are nobody's, and the key is destroyed. */
async function finish(ctx: Ctx, erasure: Erasure, report: ErasureReport): Promise<void> {
  const { id, userId } = erasure;
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT id FROM users WHERE id = ${userId} FOR UPDATE`;
    while ((await eraseBatch(tx, userId, (_, name, count) => addCount(tx, id, name, count))) > 0);
    const now = tx.clock.now();
    await tx.db.user.update({
      where: { id: userId },
      data: {
        role: 'user',
        language: languageFor(null),
        hasChosenLanguage: false,
        isReachable: false,
        wantsReminders: true,
        wantsSalesNotices: true,
        erasedAt: now,
      },
    });
    await tx.db.identityLink.deleteMany({ where: { userId } });
    const { count } = await tx.db.erasure.updateMany({
      where: { id, status: 'running' },
      data: { status: report.status, completedAt: now, report },
    });
    if (count === 0) return;
    await recordAudit(tx, {
      action: 'erasure.completed',
      objectId: id,
      data: { erased: report.erased.reduce((sum, { count: rows }) => sum + rows, 0), status: report.status },
    });
    await queueJobs(tx, [jobOf(id, new Date(now.getTime() + SWEEP_AFTER_MS))]);
  });
}
