import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { User } from '#lib/generated/prisma/client.ts';

// Asked by nearly every request, so not through the model API unless a transaction of its is open.
const COLUMNS = `u.id, u.role, u.language, u.has_chosen_language AS "hasChosenLanguage", u.is_reachable AS "isReachable",
  u.wants_reminders AS "wantsReminders", u.wants_sales_notices AS "wantsSalesNotices", u.created_at AS "createdAt", u.erased_at AS "erasedAt"`;
const BY_ID = { name: 'find_user', text: `SELECT ${COLUMNS} FROM users u WHERE u.id = $1` };
const BY_SUBJECT = {
  name: 'find_user_of_account',
  text: `SELECT ${COLUMNS} FROM identity_link l JOIN users u ON u.id = l.user_id WHERE l.subject = $1`,
};

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
  const subject = ctx.vault.subjectOf(telegramId);
  if (ctx.isInTransaction) return ctx.db.user.findFirst({ where: { link: { subject } } });
  const { rows } = await ctx.pool.query<User>({ ...BY_SUBJECT, values: [Buffer.from(subject)] });
  return rows[0] ?? null;
}
