import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { User } from '#lib/generated/prisma/client.ts';

// Asked by nearly every request, so not through the model API unless a transaction of its is open.
const COLUMNS = `id, telegram_id AS "telegramId", role, language, has_chosen_language AS "hasChosenLanguage",
  is_reachable AS "isReachable", wants_reminders AS "wantsReminders", wants_sales_notices AS "wantsSalesNotices",
  created_at AS "createdAt"`;
const BY_ID = { name: 'find_user', text: `SELECT ${COLUMNS} FROM users WHERE id = $1` };
const BY_TELEGRAM_ID = { name: 'find_telegram_user', text: `SELECT ${COLUMNS} FROM users WHERE telegram_id = $1` };

/** The person with this id. Throws `not_found user_not_found`. */
export async function getUser(ctx: Ctx, userId: string): Promise<User> {
  const user = ctx.isInTransaction
    ? await ctx.db.user.findUnique({ where: { id: userId } })
    : (await ctx.pool.query<User>({ ...BY_ID, values: [userId] })).rows[0];
  if (!user) throw new AppError('not_found', 'user_not_found');
  return user;
}

/** The person with this Telegram account, null when we never met. */
export async function findUserByTelegramId(ctx: Ctx, telegramId: bigint): Promise<User | null> {
  if (ctx.isInTransaction) return ctx.db.user.findUnique({ where: { telegramId } });
  const { rows } = await ctx.pool.query<User>({ ...BY_TELEGRAM_ID, values: [telegramId] });
  return rows[0] ?? null;
}
