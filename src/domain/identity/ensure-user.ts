import { type Ctx, newId } from '#domain/context/context.ts';
import { sealAccount } from '#domain/identity/account.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import { languageFor } from '#domain/identity/rules.ts';
import { updateUser } from '#domain/identity/update-user.ts';
import type { User } from '#lib/generated/prisma/client.ts';

/**
 * The person behind a Telegram account, made on first sight. `languageCode` is Telegram's and only fills a language that
 * was not chosen by hand; `isReachable` says whether the bot may write to them, when the caller learned it.
 */
export async function ensureUser(
  ctx: Ctx,
  person: { telegramId: bigint; languageCode: string | null; isReachable?: boolean },
): Promise<User> {
  const { telegramId, languageCode, isReachable } = person;
  const found = await findUserByTelegramId(ctx, telegramId);
  const isAdmin = ctx.policy.adminTelegramIds.includes(telegramId);
  if (found) {
    // An order may come for somebody who was never seen: Telegram says their language when they come.
    const language = languageCode === null || found.hasChosenLanguage ? found.language : languageFor(languageCode);
    const changes = {
      ...(language === found.language ? {} : { language }),
      ...(isReachable === undefined || isReachable === found.isReachable ? {} : { isReachable }),
      // Whoever is listed becomes an admin also when they came before; taking the role away is done by hand.
      ...(isAdmin && found.role !== 'admin' ? { role: 'admin' as const } : {}),
    };
    if (Object.keys(changes).length === 0) return found;
    return updateUser(ctx, { before: found, data: changes });
  }
  await insertUser(ctx, telegramId, {
    role: isAdmin ? 'admin' : 'user',
    language: languageFor(languageCode),
    isReachable: isReachable ?? false,
  });
  const made = await findUserByTelegramId(ctx, telegramId);
  if (!made) throw new Error('a person who was just written cannot be found');
  return made;
}

/** Of two first messages at once the second writes nothing: the person exists with their link, or neither does. */
async function insertUser(
  ctx: Ctx,
  telegramId: bigint,
  { isReachable, language, role }: Pick<User, 'role' | 'language' | 'isReachable'>,
): Promise<void> {
  const { dataKey, sealed, subject } = sealAccount(ctx, telegramId);
  const now = ctx.clock.now();
  await ctx.db.$executeRaw`
    WITH link AS (
      INSERT INTO identity_link (user_id, subject, sealed, data_key, created_at)
      VALUES (${newId(ctx, 'usr')}, ${subject}, ${sealed}, ${dataKey}, ${now})
      ON CONFLICT (subject) DO NOTHING RETURNING user_id)
    INSERT INTO users (id, role, language, is_reachable, created_at)
    SELECT user_id, ${role}::user_role, ${language}, ${isReachable}, ${now} FROM link`;
}
