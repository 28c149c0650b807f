import type { Args } from './args.ts';
import { asObject } from './args.ts';
import { badRequest } from './errors.ts';
import type { TInlineButton, TInlineKeyboard, TReplyKeyboard, TRequestChat } from './wire.ts';

const CALLBACK_DATA_LIMIT_BYTES = 64;
const BUTTONS_LIMIT = 100;

/** What a `reply_markup` asks for. `remove` also stands for ForceReply, which shows no keyboard here. */
export type Markup =
  | { kind: 'none' }
  | { kind: 'inline'; keyboard: TInlineKeyboard['inline_keyboard'] }
  | { kind: 'reply'; keyboard: TReplyKeyboard['keyboard'] }
  | { kind: 'remove' };

/** Reads `reply_markup`. `isInvoice`: the first button must be the pay button, and only there may one stand. */
export function readMarkup(args: Args, isInvoice = false): Markup {
  const value = args.json('reply_markup', "Can't parse reply keyboard markup JSON object");
  if (value === undefined) return { kind: 'none' };
  const object = asObject(value);
  if (object === null) throw badRequest('Object expected as reply markup');
  const { inline_keyboard: inline, keyboard, remove_keyboard: remove, force_reply: force } = object;
  if (inline !== undefined) return { kind: 'inline', keyboard: readInline(inline, isInvoice) };
  if (isInvoice && keyboard !== undefined) throw badRequest('REPLY_MARKUP_INVALID');
  if (keyboard !== undefined) return { kind: 'reply', keyboard: readReply(keyboard) };
  return remove === true || force === true ? { kind: 'remove' } : { kind: 'none' };
}

function readInline(value: unknown, isInvoice: boolean): TInlineButton[][] {
  if (!Array.isArray(value)) throw badRequest('Field "inline_keyboard" must be of type Array');
  const rows = value.map((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest('Field "inline_keyboard" must be an Array of Arrays');
    return row.map((button: unknown) => readInlineButton(button));
  });
  const keyboard = rows.filter((row) => row.length > 0);
  const buttons = keyboard.flat();
  if (buttons.length > BUTTONS_LIMIT) throw badRequest('REPLY_MARKUP_TOO_LONG');
  if (isInvoice && buttons.length > 0 && buttons[0]?.pay !== true) throw badRequest('REPLY_MARKUP_BUY_EMPTY');
  if (buttons.some((button, index) => button.pay === true && (!isInvoice || index > 0)))
    throw badRequest('BUTTON_TYPE_INVALID');
  return keyboard;
}

function readInlineButton(value: unknown): TInlineButton {
  const button = asObject(value);
  if (button === null) throw inlineComplaint('InlineKeyboardButton must be an Object');
  const { text, style, icon_custom_emoji_id: icon } = button;
  if (typeof text !== 'string') throw inlineComplaint('Can\'t find field "text"');
  if (text.trim() === '') throw badRequest('BUTTON_TEXT_INVALID');
  return {
    text,
    ...readAction(button, text),
    ...(typeof style === 'string' ? { style } : {}),
    ...(typeof icon === 'string' ? { icon_custom_emoji_id: icon } : {}),
  };
}

function readAction(button: Record<string, unknown>, text: string): Partial<TInlineButton> {
  const { url, callback_data: data, pay, login_url: login, web_app: app, copy_text: copy } = button;
  if (typeof url === 'string' && url !== '') return { url: checkUrl(url, text) };
  if (typeof data === 'string' && data !== '') {
    if (Buffer.byteLength(data) > CALLBACK_DATA_LIMIT_BYTES) throw badRequest('BUTTON_DATA_INVALID');
    return { callback_data: data };
  }
  if (pay !== undefined) return { pay: true };
  if (login !== undefined) return { login_url: { url: checkUrl(requiredField(login, 'url'), text) } };
  if (app !== undefined) return { web_app: { url: checkWebAppUrl(requiredField(app, 'url'), text) } };
  if (copy !== undefined) {
    const copied = requiredField(copy, 'text');
    if (copied.length < 1 || copied.length > 256) throw badRequest('BUTTON_COPY_TEXT_INVALID');
    return { copy_text: { text: copied } };
  }
  throw inlineComplaint('Text buttons are unallowed in the inline keyboard');
}

/**
 * Telegram takes https only. The loopback is let through over http, since the sandbox's Mini App lives there.
 */
export function checkWebAppUrl(url: string, text: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isLoopback = parsed !== null && ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname);
  if (parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback)) return url;
  const where = text === '' ? 'menu button' : 'inline keyboard button';
  throw badRequest(`${where} Web App URL '${url}' is invalid: Only HTTPS links are allowed`);
}

function checkUrl(url: string, text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`;
  const parsed = URL.canParse(withScheme) ? new URL(withScheme) : null;
  if (parsed !== null && ['http:', 'https:', 'tg:', 'ton:', 'tonsite:'].includes(parsed.protocol)) return url;
  throw badRequest(`inline keyboard button URL '${url}' of button '${text}' is invalid: Unsupported URL protocol`);
}

function requiredField(value: unknown, name: string): string {
  const object = asObject(value);
  if (object === null) throw inlineComplaint('Expected an Object');
  const field = object[name];
  if (typeof field !== 'string') throw inlineComplaint(`Can't find field "${name}"`);
  return field;
}

function inlineComplaint(text: string): Error {
  return badRequest(`can't parse inline keyboard button: ${text}`);
}

function readReply(value: unknown): TReplyKeyboard['keyboard'] {
  if (!Array.isArray(value)) throw badRequest('Field "keyboard" must be of type Array');
  return value.map((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest('Field "keyboard" must be an Array of Arrays');
    return row.map((button: unknown) => readReplyButton(button));
  });
}

function readReplyButton(value: unknown): TReplyKeyboard['keyboard'][number][number] {
  if (typeof value === 'string') return { text: value };
  const button = asObject(value);
  const text = button?.['text'];
  if (typeof text !== 'string')
    throw badRequest("can't parse keyboard button: KeyboardButton must be a String or an Object");
  const chat = asObject(button?.['request_chat']);
  const app = asObject(button?.['web_app']);
  return {
    text,
    ...(chat === null ? {} : { request_chat: readRequestChat(chat) }),
    ...(app === null ? {} : { web_app: { url: checkWebAppUrl(String(app['url'] ?? ''), text) } }),
  };
}

function readRequestChat(chat: Record<string, unknown>): TRequestChat {
  const { request_id: id, chat_is_channel: isChannel } = chat;
  if (typeof id !== 'number') throw badRequest('can\'t parse keyboard button: Can\'t find field "request_id"');
  if (typeof isChannel !== 'boolean')
    throw badRequest('can\'t parse keyboard button: Can\'t find field "chat_is_channel"');
  const flags = ['chat_is_forum', 'chat_is_created', 'bot_is_member', 'request_title'] as const;
  const given = flags.flatMap((flag) => (typeof chat[flag] === 'boolean' ? [[flag, chat[flag]] as const] : []));
  const [user, bot] = [readRights(chat['user_administrator_rights']), readRights(chat['bot_administrator_rights'])];
  return {
    request_id: id,
    chat_is_channel: isChannel,
    ...Object.fromEntries(given),
    ...(user === null ? {} : { user_administrator_rights: user }),
    ...(bot === null ? {} : { bot_administrator_rights: bot }),
  };
}

/** Each right that is set. */
function readRights(value: unknown): Record<string, boolean> | null {
  const rights = asObject(value);
  return (
    rights &&
    Object.fromEntries(
      Object.entries(rights)
        .filter(([, right]) => right === true)
        .map(([name]) => [name, true]),
    )
  );
}
