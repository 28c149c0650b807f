import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { User } from '#lib/generated/prisma/client.ts';

/** The person with this id. Throws `not_found user_not_found`. */
export async function getUser(ctx: Ctx, userId: string): Promise<User> {
  const user = await ctx.db.user.findUnique({ where: { id: userId } });
  if (!user) throw new AppError('not_found', 'user_not_found');
  return user;
}

/** The person with this Telegram account, null when we never met. */
export async function findUserByTelegramId(ctx: Ctx, telegramId: bigint): Promise<User | null> {
  return ctx.db.user.findUnique({ where: { telegramId } });
}
