import type { Ctx } from '#domain/context/context.ts';
import { type JobPayloads, noticeJob, queueJobs } from '#domain/context/queue.ts';

/** The job `tell_operators`: a notice for each admin who ever wrote to the bot, once for each thing that happened. */
export async function tellOperators(ctx: Ctx, { objectId, what }: JobPayloads['tell_operators']): Promise<void> {
  const admins = await ctx.db.user.findMany({
    where: { link: { subject: { in: ctx.policy.adminTelegramIds.map((id) => ctx.vault.subjectOf(id)) } } },
    select: { id: true },
  });
  const notices = admins.map(({ id }) =>
    noticeJob({ userId: id, kind: 'attention', objectId }, { key: `attention:${objectId}:${what}:${id}` }),
  );
  await queueJobs(ctx, notices);
}
