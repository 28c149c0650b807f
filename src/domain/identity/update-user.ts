import type { Ctx } from '#domain/context/context.ts';
import { queueJobs, resumeJob } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import type { Prisma, User } from '#lib/generated/prisma/client.ts';

/** Writes changes of a person. Once they can be written to again, what waited for that is queued in the same commit. */
export async function updateUser(
  ctx: Ctx,
  { before, data }: { before: User; data: Prisma.UserUpdateInput },
): Promise<User> {
  const update = (db: Ctx['db']) => db.user.update({ where: { id: before.id }, data });
  if (before.isReachable || data.isReachable !== true) return update(ctx.db);
  return inTransaction(ctx, async (tx) => {
    await queueJobs(tx, [resumeJob(before.id)]);
    return update(tx.db);
  });
}
