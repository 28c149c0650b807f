import { type Args, asObject } from './args.ts';
import type { Call, Method } from './call.ts';
import { badRequest } from './errors.ts';
import { checkWebAppUrl } from './keyboards.ts';
import { menuButtonOf } from './launch.ts';
import { presentBotIn, presentMember } from './membership.ts';
import type { TBotCommand, TMenuButton } from './wire.ts';

const COMMANDS_LIMIT = 100;

const getMe: Method = ({ telegram }) => ({
  ...telegram.botUser,
  can_join_groups: true,
  can_read_all_group_messages: false,
  supports_inline_queries: false,
  supports_guest_queries: false,
  can_connect_to_business: false,
  has_main_web_app: true,
  has_topics_enabled: telegram.world.bot.has_topics_enabled,
  allows_users_to_create_topics: false,
  can_manage_bots: false,
});

/** `scope|language`, the place where a command list is kept. */
function commandsKey(args: Args): string {
  const scope = asObject(args.json('scope', "Can't parse BotCommandScope JSON object"));
  const { type = 'default', chat_id: chatId = '' } = scope ?? {};
  const language = args.text('language_code');
  if (language !== '' && !/^[a-z]{2}$/.test(language)) throw badRequest('LANG_CODE_INVALID');
  return `${String(type)}${chatId === '' ? '' : `:${String(chatId)}`}|${language}`;
}

function readCommands(args: Args): TBotCommand[] {
  const value = args.json('commands', "Can't parse commands JSON object");
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw badRequest('Expected an Array of BotCommand');
  if (value.length > COMMANDS_LIMIT) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  return value.map((item: unknown) => {
    const { command, description } = asObject(item) ?? {};
    if (typeof command !== 'string') throw badRequest('Can\'t parse BotCommand: Can\'t find field "command"');
    if (typeof description !== 'string') throw badRequest('Can\'t parse BotCommand: Can\'t find field "description"');
    const name = command.replace(/^\//, '').trim();
    if (!/^[a-z0-9_]{1,32}$/.test(name)) throw badRequest('BOT_COMMAND_INVALID');
    if (description.trim() === '' || description.length > 256) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
    return { command: name, description: description.trim() };
  });
}

const setMyCommands: Method = ({ args, telegram }) => {
  telegram.world.bot.commands[commandsKey(args)] = readCommands(args);
  return botChanged(telegram);
};

const getMyCommands: Method = ({ args, telegram }) => telegram.world.bot.commands[commandsKey(args)] ?? [];

const deleteMyCommands: Method = ({ args, telegram }) => {
  delete telegram.world.bot.commands[commandsKey(args)];
  return botChanged(telegram);
};

function botChanged(telegram: Call['telegram']): true {
  telegram.world.saveBot();
  telegram.hub.stateChanged();
  return true;
}

function readMenuButton(args: Args): TMenuButton {
  const value = args.json('menu_button', "Can't parse menu button JSON object");
  if (value === undefined) return { type: 'default' };
  const button = asObject(value);
  if (button === null) throw badRequest("can't parse menu button: MenuButton must be an Object");
  const { type, text, web_app: app } = button;
  if (type === 'default' || type === 'commands') return { type };
  if (type !== 'web_app') throw badRequest("can't parse menu button: MenuButton has unsupported type");
  const url = asObject(app)?.['url'];
  if (typeof text !== 'string' || text === '') throw badRequest('can\'t parse menu button: Can\'t find field "text"');
  if (typeof url !== 'string') throw badRequest('can\'t parse menu button: Can\'t find field "url"');
  return { type, text, web_app: { url: checkWebAppUrl(url, '') } };
}

const setChatMenuButton: Method = ({ args, telegram }) => {
  const button = readMenuButton(args);
  const key = args.has('chat_id') ? String(telegram.chats.checkKnown(args.text('chat_id'))) : 'default';
  telegram.world.bot.menu_buttons[key] = button;
  return botChanged(telegram);
};

const getChatMenuButton: Method = ({ args, telegram }) => {
  const userId = args.has('chat_id') ? telegram.chats.checkKnown(args.text('chat_id')) : 0;
  return menuButtonOf(telegram.world, userId);
};

type Texts = 'names' | 'descriptions' | 'short_descriptions';

/** Setter of one of the bot's texts, which exist per language. */
function setText(kind: Texts, argument: string, limit: number, refusal: string): Method {
  return ({ args, telegram }) => {
    const text = args.text(argument);
    if (text.length > limit) throw badRequest(refusal);
    const texts = telegram.world.bot[kind];
    const language = args.text('language_code');
    if (text === '') delete texts[language];
    else texts[language] = text;
    return botChanged(telegram);
  };
}

function getText(kind: Texts, field: string): Method {
  return ({ args, telegram }) => {
    const texts = telegram.world.bot[kind];
    const fallback = kind === 'names' ? telegram.botUser.first_name : '';
    return { [field]: texts[args.text('language_code')] ?? texts[''] ?? fallback };
  };
}

const getChat: Method = ({ args, telegram }) => {
  const chatId = telegram.chats.checkKnown(args.text('chat_id'));
  return {
    ...telegram.chats.presentChat(chatId),
    ...(chatId > 0 ? { active_usernames: usernames(telegram, chatId) } : { permissions: { can_send_messages: true } }),
    accent_color_id: 0,
    max_reaction_count: 11,
    accepted_gift_types: { unlimited_gifts: true, limited_gifts: true, unique_gifts: true, premium_subscription: true },
  };
};

function usernames(telegram: Call['telegram'], userId: number): string[] {
  const username = telegram.world.users.get(userId)?.username;
  return username === undefined ? [] : [username];
}

const getChatMember: Method = ({ args, telegram }) => {
  const chatId = telegram.chats.checkKnown(args.text('chat_id'));
  const userId = args.userId();
  const group = telegram.world.groups.get(chatId);
  if (userId === telegram.botUser.id)
    return group === undefined ? { user: telegram.botUser, status: 'member' } : presentBotIn(group, telegram.botUser);
  const user = telegram.world.users.get(userId);
  if (user === undefined) throw badRequest('PARTICIPANT_ID_INVALID');
  return group === undefined ? { user: telegram.presentUser(userId), status: 'member' } : presentMember(group, user);
};

/** The bot itself, and what it may ask about chats. */
export const botMethods = {
  getMe,
  setMyCommands,
  getMyCommands,
  deleteMyCommands,
  setChatMenuButton,
  getChatMenuButton,
  setMyName: setText('names', 'name', 64, 'NAME_TOO_LONG'),
  getMyName: getText('names', 'name'),
  setMyDescription: setText('descriptions', 'description', 512, 'DESCRIPTION_TOO_LONG'),
  getMyDescription: getText('descriptions', 'description'),
  setMyShortDescription: setText('short_descriptions', 'short_description', 120, 'SHORT_DESCRIPTION_TOO_LONG'),
  getMyShortDescription: getText('short_descriptions', 'short_description'),
  getChat,
  getChatMember,
};
