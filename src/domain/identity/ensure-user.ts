import { type Ctx, newId, type Role } from '#domain/context/context.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import { languageFor } from '#domain/identity/rules.ts';
import type { User } from '#lib/generated/prisma/client.ts';

/**
 * The person behind a Telegram account, made on first sight. `languageCode` is Telegram's and only fills a language that
 * was not chosen by hand; `isReachable` says whether the bot may write to them, when the caller learned it. Who is an
 * administrator is the operator's list to say, also of people we met before they were on it, or who were taken off.
 */
export async function ensureUser(
  ctx: Ctx,
  person: { telegramId: bigint; languageCode: string | null; isReachable?: boolean },
): Promise<User> {
  const { telegramId, languageCode, isReachable } = person;
  const found = await findUserByTelegramId(ctx, telegramId);
  const isAdmin = ctx.policy.adminTelegramIds.includes(telegramId);
  if (found) {
    const role: Role = isAdmin ? 'admin' : found.role === 'admin' ? 'user' : found.role;
    const data = { isReachable: isReachable ?? found.isReachable, role };
    const isSame = data.isReachable === found.isReachable && role === found.role;
    return isSame ? found : ctx.db.user.update({ where: { id: found.id }, data });
  }
  // Two first messages at once: the second insert does nothing and the row is read.
  await ctx.db.user.createMany({
    data: [
      {
        id: newId(ctx, 'usr'),
        telegramId,
        role: isAdmin ? 'admin' : 'user',
        language: languageFor(languageCode),
        isReachable: isReachable ?? false,
        createdAt: ctx.clock.now(),
      },
    ],
    skipDuplicates: true,
  });
  return ctx.db.user.findUniqueOrThrow({ where: { telegramId } });
}
