import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { requireSelf } from '#domain/context/permission.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { findBlockers } from '#domain/privacy/erasure/blockers.ts';
import { judgeWord, WAITING_MS } from '#domain/privacy/erasure/rules.ts';
import type { Erasure } from '#lib/generated/prisma/client.ts';

/**
 * Has what is kept about a person erased in a day; until then they buy nothing and may cancel. `typed` is the word that confirms
 * it in `language`. Asked twice it is one, and the first is returned. Throws invalid erasure_word_wrong, precondition_failed
 * erasure_blocked, forbidden not_yours for anybody else.
 */
export async function askErasure(
  ctx: Ctx,
  { language, typed, userId }: { userId: string; typed: string; language: Language },
): Promise<Erasure> {
  requireSelf(ctx, userId);
  const word = judgeWord(typed, language);
  if (!word.ok) throw new AppError('invalid', word.reason);
  return inTransaction(ctx, async (tx) => {
    await lockOrders(tx, userId);
    const open = await findOpen(tx, userId);
    if (open) return open;
    if ((await findBlockers(tx, userId)).length > 0) throw new AppError('precondition_failed', 'erasure_blocked');
    const now = tx.clock.now();
    const erasure = await tx.db.erasure.create({
      data: {
        id: newId(tx, 'era'),
        userId,
        status: 'waiting',
        requestedAt: now,
        dueAt: new Date(now.getTime() + WAITING_MS),
      },
    });
    await recordAudit(tx, { action: 'erasure.asked', objectId: erasure.id });
    await queueJobs(tx, [noticeJob({ userId, kind: 'erasure_asked', objectId: erasure.id })]);
    return erasure;
  });
}

/** The lock under which orders are opened (`open_checkout`): of a purchase and this at the same moment one comes first. */
async function lockOrders(tx: Ctx, userId: string): Promise<void> {
  await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('attempt:' || ${userId}, 0))`;
}

function findOpen(ctx: Ctx, userId: string): Promise<Erasure | null> {
  return ctx.db.erasure.findFirst({ where: { userId, status: { in: ['waiting', 'running'] } } });
}

/**
 * Takes the wish back, up to the moment at which it begins. Throws not_found erasure_not_found when there is none, conflict
 * erasure_begun, forbidden not_yours for anybody else.
 */
export async function cancelErasure(ctx: Ctx, userId: string): Promise<void> {
  requireSelf(ctx, userId);
  await inTransaction(ctx, async (tx) => {
    const now = tx.clock.now();
    const [cancelled] = await tx.db.erasure.updateManyAndReturn({
      where: { userId, status: 'waiting' },
      data: { status: 'cancelled', completedAt: now },
      select: { id: true },
    });
    if (cancelled) return recordAudit(tx, { action: 'erasure.cancelled', objectId: cancelled.id });
    throw (await findOpen(tx, userId))
      ? new AppError('conflict', 'erasure_begun')
      : new AppError('not_found', 'erasure_not_found');
  });
}
