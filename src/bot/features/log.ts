import { Composer, GrammyError } from 'grammy';
import type { ChatAdministratorRights } from 'grammy/types';
import { AppError } from '#domain/errors.ts';
import { LANGUAGES } from '#domain/identity/rules.ts';
import { bindLog } from '#domain/personal-log/bind.ts';
import { getLog } from '#domain/personal-log/records.ts';
import { type ChosenGroup, judgeGroup, TOPIC } from '#domain/personal-log/rules.ts';
import { translator } from '#messages/translate.ts';
import type { BotContext, View } from '../context.ts';
import { paragraphs } from '../render.ts';

/** Where billing records go: a group of the person's own, chosen with Telegram's button and without typing an id. */
export const log = new Composer<BotContext>();

/** Tells the answer to our button from others; there is only one. */
const REQUEST_ID = 1;
const NO_RIGHTS: ChatAdministratorRights = {
  is_anonymous: false,
  can_manage_chat: false,
  can_delete_messages: false,
  can_manage_video_chats: false,
  can_restrict_members: false,
  can_promote_members: false,
  can_change_info: false,
  can_invite_users: false,
  can_post_stories: false,
  can_edit_stories: false,
  can_delete_stories: false,
  can_send_welcome_messages: false,
};
const BOT_RIGHTS: ChatAdministratorRights = { ...NO_RIGHTS, can_manage_chat: true, can_manage_topics: true };
/** What a person needs in order to let the bot in with these. */
const PERSON_RIGHTS: ChatAdministratorRights = { ...BOT_RIGHTS, can_invite_users: true, can_promote_members: true };

log.command('log', async (context) => context.tell(await askView(context)));

log.on('message:chat_shared', async (context) => {
  const { chat_id: chatId, request_id: requestId } = context.message.chat_shared;
  if (requestId !== REQUEST_ID) return;
  const { ctx, say, user } = context.visitor;
  const verdict = judgeGroup(await lookAt(context, chatId));
  if (!verdict.ok) throw new AppError('precondition_failed', verdict.reason);
  const { group } = await getLog(ctx, user.id);
  // The same group keeps its topic: whoever repairs it, or Telegram with a repeated update, wants no second one.
  const topicId = group?.chatId === chatId ? group.topicId : await makeTopic(context, chatId);
  await bindLog(ctx, { userId: user.id, group: { chatId, topicId } });
  await context.tell({ text: say('bot.log.done', { topic: TOPIC.name }), keyboard: null });
});

// A keyboard's other buttons send their text. Its reader may have changed their language since it was shown.
const CANCEL = LANGUAGES.map((language) => translator(language)('bot.log.cancel'));
log.filter(
  ({ message }) => message?.text !== undefined && CANCEL.includes(message.text),
  async (context) => context.tell({ text: context.visitor.say('bot.log.cancelled'), keyboard: null }),
);

/** Asks for a group, and says where records go at present. */
export async function askView(context: BotContext): Promise<View> {
  const { ctx, say, t, user } = context.visitor;
  const { group, obstacle } = await getLog(ctx, user.id);
  const request = {
    request_id: REQUEST_ID,
    chat_is_channel: false,
    chat_is_forum: true,
    chat_is_created: true,
    bot_is_member: true,
    user_administrator_rights: PERSON_RIGHTS,
    bot_administrator_rights: BOT_RIGHTS,
  };
  return {
    text: paragraphs(say('bot.log.ask'), group && say(obstacle === null ? 'bot.log.bound' : 'bot.log.broken')),
    keyboard: [[{ text: t('bot.log.choose'), request_chat: request }], [t('bot.log.cancel')].map((text) => ({ text }))],
  };
}

/** What Telegram says of a group. Throws `precondition_failed log_group_unknown` for one that the bot cannot see. */
async function lookAt({ api, me, from }: BotContext, chatId: number): Promise<ChosenGroup> {
  try {
    const [chat, owner, bot] = await Promise.all([
      api.getChat(chatId),
      api.getChatMember(chatId, from?.id ?? 0),
      api.getChatMember(chatId, me.id),
    ]);
    return {
      isForum: chat.type === 'supergroup' && chat.is_forum === true,
      isOwned: owner.status === 'creator',
      canManageTopics: bot.status === 'administrator' && bot.can_manage_topics === true,
    };
  } catch (error) {
    throw isAboutGroup(error) ? new AppError('precondition_failed', 'log_group_unknown') : error;
  }
}

async function makeTopic({ api }: BotContext, chatId: number): Promise<number> {
  try {
    const topic = await api.createForumTopic(chatId, TOPIC.name, { icon_color: TOPIC.iconColor });
    return topic.message_thread_id;
  } catch (error) {
    throw isAboutGroup(error) ? new AppError('precondition_failed', 'log_group_no_rights') : error;
  }
}

/** A refusal that is about the group: it says nothing of whether the person's own chat can be written to. */
function isAboutGroup(error: unknown): boolean {
  return error instanceof GrammyError && (error.error_code === 400 || error.error_code === 403);
}
