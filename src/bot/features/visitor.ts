import { Composer } from 'grammy';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import { Language, languageFor } from '#domain/identity/rules.ts';
import { markup } from '#messages/telegram.ts';
import { translator } from '#messages/translate.ts';
import type { BotContext, User, Visitor } from '../context.ts';

/** Who writes, in which language, and whether the bot may write to them. Only private chats go further. */
export const visitor = new Composer<BotContext>();

// A private chat has the id of its person: whatever says otherwise is none, and is answered nowhere.
visitor.use(async (context, next) => {
  const { chat, from } = context;
  if (chat?.type !== 'private' || !from || from.is_bot) return;
  if (Number.isSafeInteger(from.id) && from.id > 0 && chat.id === from.id) await next();
});

visitor.on('my_chat_member', async (context) => {
  const telegramId = BigInt(context.from.id);
  if (context.myChatMember.new_chat_member.status === 'member') {
    await ensureUser(context.system, {
      telegramId,
      languageCode: context.from.language_code ?? null,
      isReachable: true,
    });
    return;
  }
  const user = await findUserByTelegramId(context.system, telegramId);
  if (user) await changeSettings(context.system, { userId: user.id, isReachable: false });
});

visitor.on(['message', 'callback_query'], async (context, next) => {
  const languageCode = context.from.language_code ?? null;
  const user = await ensureUser(context.system, {
    telegramId: BigInt(context.from.id),
    languageCode,
    isReachable: true,
  });
  context.visitor = visitorOf(context.system, user);
  await next();
});

/** The person as the features need them. */
export function visitorOf(system: Ctx, user: User): Visitor {
  const stored = Language.safeParse(user.language);
  const language = stored.success ? stored.data : languageFor(user.language);
  return {
    user,
    language,
    say: markup(language),
    t: translator(language),
    ctx: asActor(system, { kind: 'user', userId: user.id, role: user.role }, system.requestId),
  };
}
