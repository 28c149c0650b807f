import type { Clock } from '../clock.ts';
import type { SimButton, SimMessage } from '../control.ts';
import { SimError } from '../errors.ts';
import type { Hub } from '../hub.ts';
import { badRequest, forbidden, QUERY_TOO_OLD } from './errors.ts';
import type { Markup } from './keyboards.ts';
import { checkInGroup } from './membership.ts';
import type { FileRecord, MessageRecord, UserRecord } from './records.ts';
import type { Updates } from './updates.ts';
import type { TChat, TMessage, TUser } from './wire.ts';
import { presentUser, type World } from './world.ts';

const MESSAGE_KEPT_SECONDS = 86_400;
const QUERY_KEPT_SECONDS = 150;
const CALLBACKS_KEPT = 10_000;

export type ChatsOptions = { world: World; clock: Clock; hub: Hub; updates: Updates; botUser: TUser };

/** What a new message holds beside its number, date and author. */
export type MessageContent = Omit<MessageRecord, 'chat_id' | 'message_id' | 'date' | 'from'>;

type Callback = { user_id: number; expiresAt: number };

/** Chats and their messages: written, changed, shown to the bot and to people. */
export class Chats {
  readonly #options: ChatsOptions;
  readonly #callbacks = new Map<string, Callback>();

  constructor(options: ChatsOptions) {
    this.#options = options;
  }

  /** The user, or Telegram's refusal for one who does not exist. */
  getUser(userId: number): UserRecord {
    const user = this.#options.world.users.get(userId);
    if (user === undefined) throw new SimError(404, 'USER_NOT_FOUND', `There is no user ${userId}.`);
    return user;
  }

  /** Checks that the bot may write to this chat; returns its id. */
  checkWritable(chatIdText: string): number {
    const { world } = this.#options;
    if (chatIdText === '') throw badRequest('chat_id is empty');
    const chatId = Number.parseInt(chatIdText, 10);
    const group = world.groups.get(chatId);
    if (group !== undefined) {
      checkInGroup(group);
      return chatId;
    }
    const user = world.users.get(chatId);
    if (user === undefined) throw badRequest('chat not found');
    if (user.has_blocked_bot) throw forbidden('bot was blocked by the user');
    if (!user.has_started_bot) throw forbidden("bot can't initiate conversation with a user");
    return chatId;
  }

  /** A chat the bot knows, whether or not it may write there. */
  checkKnown(chatIdText: string): number {
    const { world } = this.#options;
    if (chatIdText === '') throw badRequest('chat_id is empty');
    const chatId = Number.parseInt(chatIdText, 10);
    const group = world.groups.get(chatId);
    if (group !== undefined) checkInGroup(group);
    else if (world.users.get(chatId) === undefined) throw badRequest('chat not found');
    return chatId;
  }

  /** The bot writes. */
  addByBot(chatId: number, content: MessageContent, markup: Markup): MessageRecord {
    return this.#add(chatId, 'bot', {
      ...content,
      ...(markup.kind === 'inline' ? { inline_keyboard: markup.keyboard } : {}),
      ...(markup.kind === 'reply' ? { reply_keyboard: markup.keyboard } : {}),
      ...(markup.kind === 'remove' ? { reply_keyboard: [] } : {}),
    });
  }

  /** A person writes, or Telegram writes for them (service messages); the bot is told. */
  addForBot(
    user: UserRecord,
    from: 'user' | 'service',
    content: MessageContent,
    date?: number,
    chatId = user.id,
  ): MessageRecord {
    const message = this.#add(chatId, from, { ...content, user_id: user.id }, date);
    this.#options.updates.emit({
      type: 'message',
      subject: ['successful_payment', 'refunded_payment', 'chat_shared'].find((name) => name in content),
      content: this.present(message),
      queue: `chat:${chatId}`,
      keepSeconds: MESSAGE_KEPT_SECONDS,
    });
    return message;
  }

  /** The person may from now on be written to. */
  start(user: UserRecord): void {
    if (user.has_started_bot) return;
    user.has_started_bot = true;
    this.#options.world.users.touch(user.id);
    this.#options.hub.stateChanged();
  }

  #add(chatId: number, from: MessageRecord['from'], content: MessageContent, date?: number): MessageRecord {
    const { world, clock } = this.#options;
    const message = world.addMessage({
      chat_id: chatId,
      message_id: world.nextNumber('message'),
      date: date ?? clock.now(),
      from,
      ...content,
    });
    this.announce(message);
    return message;
  }

  /** A message in which something was changed. */
  changed(message: MessageRecord): void {
    this.#options.world.touchMessage(message);
    this.announce(message);
  }

  announce(message: MessageRecord): void {
    const { hub } = this.#options;
    if (hub.isHeard) hub.send({ type: 'message', user_id: message.chat_id, message: presentForClient(message) });
  }

  delete(chatId: number, messageId: number): void {
    this.#options.world.deleteMessage(chatId, messageId);
    this.#options.hub.send({ type: 'message_deleted', user_id: chatId, message_id: messageId });
  }

  /** A person taps an inline button: the bot gets a callback_query. Refused when the message has no such button. */
  tap(user: UserRecord, messageId: number, data: string): void {
    const { world, clock, updates } = this.#options;
    const message = world.findMessage(user.id, messageId);
    if (message === undefined) throw new SimError(400, 'MESSAGE_ID_INVALID', 'There is no such message in this chat.');
    const hasButton = message.inline_keyboard?.flat().some((button) => button.callback_data === data) === true;
    if (!hasButton) throw new SimError(400, 'DATA_INVALID', 'The message has no button with this data.');
    const id = String(30_000_000_000_000_000n + BigInt(world.nextNumber('sequence')));
    this.#callbacks.set(id, { user_id: user.id, expiresAt: clock.now() + QUERY_KEPT_SECONDS });
    for (const oldest of this.#callbacks.keys()) {
      if (this.#callbacks.size <= CALLBACKS_KEPT) break;
      this.#callbacks.delete(oldest);
    }
    updates.emit({
      type: 'callback_query',
      content: {
        id,
        from: presentUser(user),
        message: this.present(message),
        chat_instance: chatInstance(user.id),
        data,
      },
      queue: `callback:${user.id}`,
      keepSeconds: QUERY_KEPT_SECONDS,
    });
  }

  /** answerCallbackQuery: shows the bot's answer to the person who tapped. */
  answerTap(id: string, answer: { text: string; showAlert: boolean; url: string }): void {
    const callback = this.#callbacks.get(id);
    this.#callbacks.delete(id);
    if (callback === undefined || callback.expiresAt < this.#options.clock.now()) throw badRequest(QUERY_TOO_OLD);
    this.#options.hub.send({
      type: 'callback_answer',
      user_id: callback.user_id,
      ...(answer.text === '' ? {} : { text: answer.text }),
      ...(answer.showAlert ? { show_alert: true } : {}),
      ...(answer.url === '' ? {} : { url: answer.url }),
    });
  }

  /** The user blocks or unblocks the bot; the bot is told by my_chat_member. */
  setBlocked(user: UserRecord, isBlocked: boolean): void {
    const { world, clock, updates, botUser } = this.#options;
    if (user.has_blocked_bot === isBlocked) return;
    user.has_blocked_bot = isBlocked;
    world.users.touch(user.id);
    const status = (blocked: boolean): object =>
      blocked ? { user: botUser, status: 'kicked', until_date: 0 } : { user: botUser, status: 'member' };
    updates.emit({
      type: 'my_chat_member',
      content: {
        chat: this.presentChat(user.id),
        from: presentUser(user),
        date: clock.now(),
        old_chat_member: status(!isBlocked),
        new_chat_member: status(isBlocked),
      },
      queue: `chat:${user.id}`,
      keepSeconds: MESSAGE_KEPT_SECONDS,
    });
  }

  presentChat(chatId: number): TChat {
    const { world } = this.#options;
    const group = world.groups.get(chatId);
    if (group !== undefined)
      return {
        id: group.id,
        title: group.title,
        type: 'supergroup',
        ...(group.is_forum ? { is_forum: true as const } : {}),
      };
    const user = world.users.get(chatId);
    return {
      id: chatId,
      first_name: user?.first_name ?? '',
      ...(user?.last_name === undefined ? {} : { last_name: user.last_name }),
      ...(user?.username === undefined ? {} : { username: user.username }),
      type: 'private',
    };
  }

  /** The message this one answers, itself without what it answered. */
  #quoted(message: MessageRecord): MessageRecord | undefined {
    if (message.reply_to_message_id === undefined) return undefined;
    const quoted = this.#options.world.findMessage(message.chat_id, message.reply_to_message_id);
    if (quoted === undefined) return undefined;
    const { reply_to_message_id: _, ...alone } = quoted;
    return alone;
  }

  /** The message as the Bot API shows it. */
  present(message: MessageRecord): TMessage {
    const { world, botUser } = this.#options;
    const author = message.user_id === undefined ? undefined : world.users.get(message.user_id);
    const reply = this.#quoted(message);
    return {
      message_id: message.message_id,
      from: author === undefined ? botUser : presentUser(author),
      chat: this.presentChat(message.chat_id),
      date: message.date,
      ...(message.edit_date === undefined ? {} : { edit_date: message.edit_date }),
      ...(message.message_thread_id === undefined
        ? {}
        : { message_thread_id: message.message_thread_id, is_topic_message: true as const }),
      ...(reply === undefined ? {} : { reply_to_message: this.present(reply) }),
      ...presentContent(message),
      ...(message.inline_keyboard === undefined || message.inline_keyboard.length === 0
        ? {}
        : { reply_markup: { inline_keyboard: message.inline_keyboard } }),
    };
  }
}

/** Identifies a chat to a Mini App or a callback query: stable and opaque. */
export function chatInstance(chatId: number): string {
  return String(-(BigInt(chatId) * 524_287n + 1_000_003n));
}

export function presentDocument(file: FileRecord): NonNullable<TMessage['document']> {
  return {
    file_name: file.file_name,
    mime_type: file.mime_type,
    file_id: file.file_id,
    file_unique_id: file.file_id.slice(-16),
    file_size: file.file_size,
  };
}

function presentContent(message: MessageRecord): Partial<TMessage> {
  const content: Partial<TMessage> = {};
  if (message.text !== undefined) content.text = message.text;
  if (message.entities !== undefined && message.entities.length > 0) content.entities = message.entities;
  if (message.document !== undefined) content.document = presentDocument(message.document);
  if (message.caption !== undefined && message.caption !== '') content.caption = message.caption;
  if (message.caption_entities !== undefined && message.caption_entities.length > 0) {
    content.caption_entities = message.caption_entities;
  }
  if (message.invoice !== undefined) {
    const { slug: _slug, state: _state, ...invoice } = message.invoice;
    content.invoice = invoice;
  }
  if (message.successful_payment !== undefined) {
    const { title: _title, ...payment } = message.successful_payment;
    content.successful_payment = payment;
  }
  if (message.refunded_payment !== undefined) content.refunded_payment = message.refunded_payment;
  if (message.chat_shared !== undefined) content.chat_shared = message.chat_shared;
  if (message.forum_topic_created !== undefined) content.forum_topic_created = message.forum_topic_created;
  return content;
}

/** The message as the browser client shows it. */
export function presentForClient(message: MessageRecord): SimMessage {
  const sim: SimMessage = { message_id: message.message_id, date: message.date, from: message.from };
  if (message.edit_date !== undefined) sim.edit_date = message.edit_date;
  if (message.message_thread_id !== undefined) sim.message_thread_id = message.message_thread_id;
  if (message.text !== undefined) sim.text = message.text;
  if (message.entities !== undefined) sim.entities = message.entities;
  if (message.document !== undefined) {
    const { file_id: fileId, ...file } = message.document;
    sim.document = {
      ...file,
      url: `/sim/files/${fileId}`,
      ...(message.caption === undefined || message.caption === '' ? {} : { caption: message.caption }),
    };
  }
  if (message.invoice !== undefined) {
    const { start_parameter: _start, ...invoice } = message.invoice;
    sim.invoice = invoice;
  }
  if (message.successful_payment !== undefined) {
    const { total_amount, title, telegram_payment_charge_id, is_recurring, is_first_recurring } =
      message.successful_payment;
    const isRenewal = is_recurring === true && is_first_recurring !== true;
    sim.successful_payment = {
      total_amount,
      title,
      telegram_payment_charge_id,
      is_recurring: is_recurring === true,
      ...(isRenewal && { is_renewal: true }),
    };
  }
  if (message.refunded_payment !== undefined) {
    const { total_amount, telegram_payment_charge_id } = message.refunded_payment;
    sim.refunded_payment = { total_amount, telegram_payment_charge_id };
  }
  if (message.inline_keyboard !== undefined) sim.inline_keyboard = message.inline_keyboard satisfies SimButton[][];
  if (message.reply_keyboard !== undefined) sim.reply_keyboard = message.reply_keyboard;
  if (message.is_silent !== undefined) sim.is_silent = true;
  if (message.forum_topic_created !== undefined) sim.forum_topic_created = message.forum_topic_created;
  if (message.chat_shared !== undefined) sim.chat_shared = { chat_id: message.chat_shared.chat_id };
  return sim;
}
