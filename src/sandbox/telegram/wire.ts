/** Telegram's own objects, as far as the sandbox sends them (core.telegram.org/bots/api, Bot API 10.2). */

export type TUser = {
  id: number;
  is_bot: boolean;
  first_name: string;
  last_name?: string;
  username?: string;
  language_code?: string;
  is_premium?: true;
};

export type TChat = {
  id: number;
  type: 'private' | 'supergroup';
  first_name?: string;
  last_name?: string;
  username?: string;
  title?: string;
  is_forum?: true;
};

export type TEntity = {
  type: string;
  offset: number;
  length: number;
  url?: string;
  language?: string;
  custom_emoji_id?: string;
};

/** A text with its entities, as Telegram keeps it. */
export type FormattedText = { text: string; entities: TEntity[] };

export type TInlineButton = {
  text: string;
  url?: string;
  callback_data?: string;
  web_app?: { url: string };
  login_url?: { url: string };
  pay?: true;
  copy_text?: { text: string };
  style?: string;
  icon_custom_emoji_id?: string;
};

export type TInlineKeyboard = { inline_keyboard: TInlineButton[][] };

/** A reply keyboard and its like are the client's business: kept, never sent back to the bot. */
export type TReplyKeyboard = {
  keyboard: { text: string; request_chat?: TRequestChat; web_app?: { url: string } }[][];
};

/** KeyboardButtonRequestChat: which of a person's chats the client offers, and what the bot becomes in it. */
export type TRequestChat = {
  request_id: number;
  chat_is_channel: boolean;
  chat_is_forum?: boolean;
  chat_is_created?: boolean;
  bot_is_member?: boolean;
  request_title?: boolean;
  user_administrator_rights?: Record<string, boolean>;
  bot_administrator_rights?: Record<string, boolean>;
};

export type TInvoice = {
  title: string;
  description: string;
  start_parameter: string;
  currency: string;
  total_amount: number;
};

export type TSuccessfulPayment = {
  currency: string;
  total_amount: number;
  invoice_payload: string;
  telegram_payment_charge_id: string;
  provider_payment_charge_id: string;
  is_recurring?: true;
  is_first_recurring?: true;
  subscription_expiration_date?: number;
};

export type TRefundedPayment = {
  currency: string;
  total_amount: number;
  invoice_payload: string;
  telegram_payment_charge_id: string;
  provider_payment_charge_id?: string;
};

type TDocument = {
  file_name: string;
  mime_type: string;
  file_id: string;
  file_unique_id: string;
  file_size: number;
};

export type TMessage = {
  message_id: number;
  from?: TUser;
  chat: TChat;
  date: number;
  edit_date?: number;
  message_thread_id?: number;
  is_topic_message?: true;
  reply_to_message?: TMessage;
  text?: string;
  entities?: TEntity[];
  document?: TDocument;
  caption?: string;
  caption_entities?: TEntity[];
  invoice?: TInvoice;
  successful_payment?: TSuccessfulPayment;
  refunded_payment?: TRefundedPayment;
  forum_topic_created?: { name: string; icon_color: number };
  chat_shared?: { request_id: number; chat_id: number; title?: string };
  reply_markup?: TInlineKeyboard;
};

export type TBotCommand = { command: string; description: string };

export type TMenuButton =
  | { type: 'default' }
  | { type: 'commands' }
  | { type: 'web_app'; text: string; web_app: { url: string } };
