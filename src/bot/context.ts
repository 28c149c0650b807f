import { type Api, type Composer, Context, GrammyError } from 'grammy';
import type { InlineKeyboardButton, KeyboardButton, Update, UserFromGetMe } from 'grammy/types';
import type { Ctx } from '#domain/context/context.ts';
import type { getUser } from '#domain/identity/find-user.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { Markup } from '#messages/telegram.ts';
import type { translator } from '#messages/translate.ts';
import type { Action, Press } from './callback.ts';

/** Where the bot lives: what its links and texts need. */
export type Place = Readonly<{
  /** Origin of the Mini App, without a trailing slash. */
  publicUrl: string;
  /** Without `@`. */
  botUsername: string;
  /** An address, a link or an @name; null when the operator gave none. */
  supportContact: string | null;
}>;

/** A person as our records have them. */
export type User = Awaited<ReturnType<typeof getUser>>;

/** The person an update came from. `say` makes message texts (HTML), `t` button texts (plain). `ctx` acts as them. */
export type Visitor = Readonly<{
  user: User;
  language: Language;
  say: Markup;
  t: ReturnType<typeof translator>;
  ctx: Ctx;
}>;

/**
 * One chat message: Telegram HTML, and rows of buttons under it; or a keyboard in place of the reader's own, which stays until
 * a message has `null` there.
 */
export type View = Readonly<{
  text: string;
  buttons?: ReadonlyArray<ReadonlyArray<InlineKeyboardButton>>;
  keyboard?: ReadonlyArray<ReadonlyArray<KeyboardButton>> | null;
}>;

/** One update on its way through the features. */
export class BotContext extends Context {
  readonly place: Place;
  /** The world as the bot itself sees it, with this update's request id. */
  readonly system: Ctx;
  /** The pressed button, when there is one and it is understood. */
  press: Press | null = null;
  /** Whether the pressed button has been answered: Telegram shows a spinner until then. */
  isAnswered = false;
  /** Whether anything of the answer reached the chat: from then on repeating the update would repeat it. */
  hasSent = false;
  /** The person, once looked up. Features use `visitor`. */
  known: Visitor | null = null;

  constructor(update: Update, options: { api: Api; me: UserFromGetMe; place: Place; system: Ctx }) {
    super(update, options.api, options.me);
    this.place = options.place;
    this.system = options.system;
  }

  /** The person, who is known in every feature. Throws when asked before they were looked up. */
  get visitor(): Visitor {
    if (!this.known) throw new Error('the visitor is not known yet');
    return this.known;
  }

  /** Set by the visitor feature, and again when the language changes. */
  set visitor(visitor: Visitor) {
    this.known = visitor;
  }

  /** Sends a new message into the private chat of this update. */
  async tell(view: View): Promise<void> {
    const chatId = this.chat?.id ?? this.from?.id;
    if (chatId === undefined) throw new Error('the update has no chat to answer in');
    await this.api.sendMessage(chatId, view.text, { ...messageOptions(view), ...keyboardOptions(view) });
    this.hasSent = true;
  }

  /** Turns the message whose button was pressed into `view`; sends a new one where there is none that can be changed. */
  async show(view: View): Promise<void> {
    const message = this.callbackQuery?.message;
    // Date 0 marks a message too old for the bot to read or edit.
    if (!message || message.date === 0 || !('text' in message)) return this.tell(view);
    try {
      await this.api.editMessageText(message.chat.id, message.message_id, view.text, messageOptions(view));
      this.hasSent = true;
    } catch (error) {
      if (isUnchanged(error)) return;
      if (!isUneditable(error)) throw error;
      await this.tell(view);
    }
  }

  /** Ends the spinner on a pressed button, with a short text when given. Never throws: the press may be minutes old. */
  async answerPress(text?: string): Promise<void> {
    if (!this.callbackQuery || this.isAnswered) return;
    this.isAnswered = true;
    try {
      await this.api.answerCallbackQuery(this.callbackQuery.id, text === undefined ? {} : { text });
    } catch (error) {
      this.system.log.info(
        { ...describeFailure(error), event: 'press_not_answered' },
        'a pressed button could not be answered',
      );
    }
  }
}

function messageOptions(view: View) {
  return {
    parse_mode: 'HTML',
    link_preview_options: { is_disabled: true },
    ...(view.buttons && view.buttons.length > 0
      ? { reply_markup: { inline_keyboard: view.buttons.map((row) => [...row]) } }
      : {}),
  } as const;
}

/** A keyboard comes with a new message only. */
function keyboardOptions({ keyboard }: View) {
  if (keyboard === undefined) return {};
  if (keyboard === null) return { reply_markup: { remove_keyboard: true } } as const;
  return { reply_markup: { keyboard: keyboard.map((row) => [...row]), resize_keyboard: true } };
}

/** The same button was pressed twice: the message says already what it should. */
function isUnchanged(error: unknown): boolean {
  return (
    error instanceof GrammyError && error.error_code === 400 && error.description.includes('message is not modified')
  );
}

function isUneditable(error: unknown): boolean {
  return (
    error instanceof GrammyError &&
    error.error_code === 400 &&
    /message (to edit not found|can't be edited)|MESSAGE_ID_INVALID/.test(error.description)
  );
}

/** Runs `handle` when a button with `action` was pressed. */
export function onPress<Name extends Action>(
  feature: Composer<BotContext>,
  action: Name,
  handle: (context: BotContext, press: Press<Name>) => Promise<void>,
): void {
  feature.use(async (context, next) => {
    const { press } = context;
    // The union of presses is keyed by its action, which has just been compared.
    return press?.action === action ? handle(context, press as Press<Name>) : next();
  });
}

/** An error for the log, with Telegram's own words where it gave some: they name the fault and nobody. */
export function describeFailure(error: unknown): {
  error: unknown;
  telegram?: { method: string; code: number; description: string };
} {
  if (!(error instanceof GrammyError)) return { error };
  const { description, error_code, method } = error;
  return { error, telegram: { method, code: error_code, description } };
}
