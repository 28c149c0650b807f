import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { type LogGroup, sealGroup } from '#domain/personal-log/records.ts';
import type { GroupObstacle } from '#domain/personal-log/rules.ts';

/** Has a person's records delivered to a topic of a group of theirs from now on, in place of where they went before. */
export async function bindLog(ctx: Ctx, { group, userId }: { userId: string; group: LogGroup }): Promise<void> {
  requireOwnerOr(ctx, userId, 'subscriptions:write');
  const now = ctx.clock.now();
  const bound = { sealed: await sealGroup(ctx, userId, group), obstacle: null, boundAt: now, updatedAt: now };
  await inTransaction(ctx, async (tx) => {
    await tx.db.personalLog.upsert({ where: { userId }, create: { userId, ...bound }, update: bound });
    await recordAudit(tx, { action: 'log.bound', objectId: userId });
  });
}

/** Has them delivered to the chat with the bot again. The group and what arrived there stay as they are. */
export async function unbindLog(ctx: Ctx, userId: string): Promise<void> {
  requireOwnerOr(ctx, userId, 'subscriptions:write');
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.personalLog.updateMany({
      where: { userId, sealed: { not: null } },
      data: { sealed: null, obstacle: null, boundAt: null, updatedAt: tx.clock.now() },
    });
    if (count === 1) await recordAudit(tx, { action: 'log.unbound', objectId: userId });
  });
}

/** One binding of a log: it may be replaced while something is delivered to it. */
type Binding = Readonly<{ userId: string; boundAt: Date | null }>;

/** Keeps the topic that was made in place of one that is gone. */
export async function moveLog(ctx: Ctx, { boundAt, userId }: Binding, group: LogGroup): Promise<void> {
  const sealed = await sealGroup(ctx, userId, group);
  await inTransaction(ctx, async (tx) => {
    const data = { sealed, updatedAt: tx.clock.now() };
    const { count } = await tx.db.personalLog.updateMany({ where: { userId, boundAt }, data });
    if (count === 1) await recordAudit(tx, { action: 'log.topic_made', objectId: userId });
  });
}

/** Records that nothing can be delivered to the group any more, and has its owner told, once for each time it breaks. */
export async function breakLog(ctx: Ctx, { boundAt, userId }: Binding, obstacle: GroupObstacle): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.personalLog.updateMany({
      where: { userId, boundAt, sealed: { not: null }, obstacle: null },
      data: { obstacle, updatedAt: tx.clock.now() },
    });
    if (count === 0) return;
    await recordAudit(tx, { action: 'log.broken', objectId: userId, data: { obstacle } });
    await queueJobs(tx, [noticeJob({ userId, kind: 'log_broken', objectId: userId })]);
  });
}
