import type { SimUser } from '../control.ts';
import type {
  TBotCommand,
  TEntity,
  TInlineKeyboard,
  TInvoice,
  TMenuButton,
  TRefundedPayment,
  TReplyKeyboard,
  TSuccessfulPayment,
} from './wire.ts';

/* What the sandbox remembers of Telegram: the shape of each record, and what is there on the first day. */

export type UserRecord = SimUser & {
  /** The bot may write to this user: they wrote to it, opened its app from the chat, or paid it. */
  has_started_bot: boolean;
};

export type FileRecord = { file_id: string; file_name: string; mime_type: string; file_size: number };

export type MessageRecord = {
  chat_id: number;
  message_id: number;
  date: number;
  from: 'user' | 'bot' | 'service';
  /** Who wrote it, when a person did. */
  user_id?: number;
  edit_date?: number;
  message_thread_id?: number;
  reply_to_message_id?: number;
  text?: string;
  entities?: TEntity[];
  document?: FileRecord;
  caption?: string;
  caption_entities?: TEntity[];
  invoice?: TInvoice & { slug: string; state: 'open' | 'paid' };
  successful_payment?: TSuccessfulPayment & { title: string };
  refunded_payment?: TRefundedPayment;
  forum_topic_created?: { name: string; icon_color: number };
  chat_shared?: { request_id: number; chat_id: number; title?: string };
  /** Sent with disable_notification. */
  is_silent?: true;
  inline_keyboard?: TInlineKeyboard['inline_keyboard'];
  reply_keyboard?: TReplyKeyboard['keyboard'];
};

export type InvoiceRecord = {
  slug: string;
  title: string;
  description: string;
  payload: string;
  total_amount: number;
  subscription_period?: number;
  /** The chat message this invoice stands in; absent for links. */
  message?: { chat_id: number; message_id: number };
};

export type TransactionRecord = {
  sequence: number;
  /** The charge id; a refund repeats that of its payment. */
  id: string;
  user_id: number;
  /** Stars; negative for refunds. */
  amount: number;
  date: number;
  title: string;
  invoice_payload: string;
  provider_payment_charge_id: string;
  subscription_period?: number;
};

export type SubscriptionRecord = {
  id: string;
  user_id: number;
  title: string;
  amount: number;
  period: number;
  invoice_payload: string;
  /** Unix seconds until which it is paid for. */
  until: number;
  is_canceled_by_user: boolean;
  is_canceled_by_bot: boolean;
  has_ended: boolean;
  /** Renewals tried in vain since `until`. */
  failures: number;
};

export type UpdateRecord = {
  update_id: number;
  /** Tells copies of the same update apart. */
  copy: number;
  type: string;
  /** Updates of one queue are delivered strictly one after the other. */
  queue: string;
  /** JSON of the whole update object. */
  json: string;
  expires_at_ms: number;
  /** Sandbox time before which it is not sent. */
  not_before_ms: number;
  fail_count: number;
  delay_seconds: number;
};

export type WebhookRecord = {
  url: string;
  secret_token: string;
  max_connections: number;
  ip_address: string;
  allowed_updates: string[] | null;
  last_error_message?: string;
  last_error_date?: number;
};

export type BotRecord = {
  /** By scope and language: `scope|language`. */
  commands: Record<string, TBotCommand[]>;
  /** By user id; 'default' for everybody else. */
  menu_buttons: Record<string, TMenuButton>;
  /** By language code; '' is the default. */
  names: Record<string, string>;
  descriptions: Record<string, string>;
  short_descriptions: Record<string, string>;
  has_topics_enabled: boolean;
};

export type TopicRecord = {
  chat_id: number;
  thread_id: number;
  name: string;
  icon_color: number;
  is_closed: boolean;
};

export type GroupRecord = {
  id: number;
  title: string;
  /** Who made it; null: somebody outside. */
  owner_id: number | null;
  is_forum: boolean;
  bot_status: 'administrator' | 'member' | 'left' | 'kicked';
  /** Of the bot, as administrator. */
  can_manage_topics: boolean;
  can_send_messages: boolean;
};

/** The last number given of each kind. */
export type Counters = {
  message: number;
  update: number;
  sequence: number;
  user: number;
  charge: number;
  file: number;
};

export function firstCounters(): Counters {
  return { message: 0, update: 731_000_000, sequence: 0, user: 7_100_000_000, charge: 0, file: 0 };
}

export function firstWebhook(): WebhookRecord {
  return { url: '', secret_token: '', max_connections: 0, ip_address: '', allowed_updates: null };
}

export function firstBot(): BotRecord {
  return {
    commands: {},
    menu_buttons: {},
    names: {},
    descriptions: {},
    short_descriptions: {},
    has_topics_enabled: false,
  };
}

export function firstGroup(): Omit<GroupRecord, 'id' | 'title' | 'can_manage_topics'> {
  return { owner_id: null, is_forum: true, bot_status: 'administrator', can_send_messages: true };
}

export function firstUsers(): UserRecord[] {
  const person = { is_premium: false, has_blocked_bot: false, has_started_bot: false };
  return [
    {
      ...person,
      id: 7_000_000_101,
      first_name: 'Hana',
      username: 'hana',
      language_code: 'ja',
      is_premium: true,
      balance: 2_500,
    },
    { ...person, id: 7_000_000_102, first_name: 'Alex', username: 'alex', language_code: 'en', balance: 1_000 },
    { ...person, id: 7_000_000_103, first_name: 'Dilnoza', username: 'dilnoza', language_code: 'uz', balance: 300 },
    { ...person, id: 7_000_000_104, first_name: 'Ivan', username: 'ivan', language_code: 'ru', balance: 0 },
  ];
}
