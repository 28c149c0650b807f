/**
 * The control protocol of the sandbox: what its browser client, the end-to-end tests and anyone with curl may ask of it.
 * It lives under `/sim` beside the Bot API. Requests and answers are JSON; a refusal is `{ error: CODE, message }` with
 * status 400, 404 or 409. Times are Unix seconds unless the name says `Ms`. `T*` types are Telegram's own wire objects.
 */

/** A Telegram user as the sandbox keeps it. `balance` is in Stars. */
export type SimUser = {
  id: number;
  first_name: string;
  last_name?: string;
  username?: string;
  language_code: string;
  is_premium: boolean;
  balance: number;
  /** The user blocked the bot: sends are refused with 403. */
  has_blocked_bot: boolean;
  /** The user has written to the bot, opened its app from the chat or paid it, so the bot may write. */
  has_started_bot?: boolean;
};

export type SimButton = {
  text: string;
  url?: string;
  callback_data?: string;
  web_app?: { url: string };
  pay?: boolean;
  copy_text?: { text: string };
  login_url?: { url: string };
};

/** One bubble in the private chat of a user and the bot. Exactly one of the contents is set. */
export type SimMessage = {
  message_id: number;
  date: number;
  edit_date?: number;
  /** The topic it stands in, where there are topics. */
  message_thread_id?: number;
  from: 'user' | 'bot' | 'service';
  text?: string;
  /** Telegram message entities of `text` (bold, text_link, code …), offsets in UTF-16 units. */
  entities?: ReadonlyArray<{ type: string; offset: number; length: number; url?: string }>;
  document?: { file_name: string; mime_type: string; file_size: number; url: string; caption?: string };
  invoice?: {
    slug: string;
    title: string;
    description: string;
    currency: string;
    total_amount: number;
    state: 'open' | 'paid';
  };
  successful_payment?: {
    total_amount: number;
    title: string;
    telegram_payment_charge_id: string;
    is_recurring: boolean;
    /** A later payment of a subscription, not its first. */
    is_renewal?: boolean;
  };
  refunded_payment?: { total_amount: number; telegram_payment_charge_id: string };
  inline_keyboard?: ReadonlyArray<ReadonlyArray<SimButton>>;
  /** Empty: the keyboard is taken away. */
  reply_keyboard?: ReadonlyArray<ReadonlyArray<SimReplyButton>>;
  /** Sent without a sound. */
  is_silent?: true;
  forum_topic_created?: { name: string; icon_color: number };
  /** The person chose this chat for a button that asked for one. */
  chat_shared?: { chat_id: number };
};

/** A button under the text field. `request_chat`: it asks for a chat; chat_is_forum and the like say which are offered. */
export type SimReplyButton = {
  text: string;
  request_chat?: { request_id: number; chat_is_forum?: boolean; chat_is_created?: boolean };
};

/** A group, with the bot in it or not. */
export type SimGroup = {
  id: number;
  title: string;
  /** Who made it; null: somebody outside. */
  owner_id: number | null;
  is_forum: boolean;
  bot_status: 'administrator' | 'member' | 'left' | 'kicked';
  /** Of the bot, as administrator. */
  can_manage_topics: boolean;
  can_send_messages: boolean;
  topics: { thread_id: number; name: string; icon_color: number; is_closed: boolean }[];
};

/** What the pay sheet shows. A form lives ten minutes (FORM_EXPIRED afterwards). */
export type SimPayForm = {
  form_id: string;
  slug: string;
  title: string;
  description: string;
  currency: 'XTR';
  total_amount: number;
  subscription_period?: number;
  balance: number;
  expires_at: number;
};

/** How the payment ended; `error` is Telegram's code, `error_message` the bot's words. */
export type SimPayResult = {
  /** The truth. */
  status: 'paid' | 'failed' | 'pending' | 'cancelled';
  error?: string;
  error_message?: string;
  /** Statuses of the `invoice_closed` events a client sends the Mini App, in order: the `invoice_closed` fault applied. */
  reported: ReadonlyArray<'paid' | 'failed' | 'pending' | 'cancelled'>;
};

export type SimSubscription = {
  /** The first charge id, which is also editUserStarSubscription's handle. */
  id: string;
  user_id: number;
  title: string;
  amount: number;
  invoice_payload: string;
  until: number;
  state: 'active' | 'canceled_by_user' | 'canceled_by_bot' | 'failed' | 'ended';
};

export type SimTransaction = {
  id: string;
  user_id: number;
  /** Positive: received by the bot. Negative: refunded to the user. */
  amount: number;
  date: number;
  invoice_payload: string;
  subscription_period?: number;
  /** When these Stars may be withdrawn (21 days). */
  matures_at: number;
};

/** How Bot API calls and update deliveries are made to go wrong. Absent or zero means: healthy. */
export type SimFaults = {
  /** Bot API: refuse the next N calls (of one method, or of all) in this way. `timeout` never answers; `lost_answer` does the work and then drops the connection. */
  api?: {
    method?: string;
    kind: 'flood' | 'server_error' | 'timeout' | 'lost_answer';
    retry_after?: number;
    remaining: number;
  };
  /** Bot API: every call is answered about this much later, by half more or less. */
  api_delay_ms?: number;
  /** Deliveries: how many of the coming updates (of one type, or all; `successful_payment` and `refunded_payment` name messages of that kind) are dropped for good, sent twice, held back, or sent after their successor. */
  updates?: { type?: string; kind: 'drop' | 'duplicate' | 'delay' | 'reorder'; delay_ms?: number; remaining: number };
  /** The client's `invoice_closed` event. `charged_but_failed`/`charged_but_cancelled` lie about a real charge. */
  invoice_closed?: 'missing' | 'charged_but_failed' | 'charged_but_cancelled' | 'twice' | 'pending';
  /** Launch the Mini App as this old client version (e.g. "6.0"). */
  client_version?: string;
  /** Launch the Mini App with initData this many seconds old. */
  stale_init_data_seconds?: number;
  /** Calls between Payme and the application. */
  payme?: SimProviderFault;
  /** Calls between Click and the application, in both directions. */
  click?: SimProviderFault;
  /** Click: UZCARD refuses every reversal of a payment by its cards. */
  click_uzcard_refuses_reversal?: boolean;
  /** Payme's Subscribe API: every refusal of a card has the code -31008, in place of one code for each reason. */
  payme_uniform_card_errors?: boolean;
  /** Calls between Crypto Pay and the application, in both directions. */
  'crypto-pay'?: SimProviderFault;
  /** Calls between BTCPay Server and the application, in both directions. */
  btcpay?: SimProviderFault;
  /** Calls between Stripe and the application, in both directions, and charges of cards. */
  stripe?: SimProviderFault;
  /** Stripe signs its events with this secret too, as while a secret is rolled. */
  stripe_second_secret?: string;
};

/**
 * An accident of the next `remaining` calls (of one method, or all it can happen to). Of calls to the application:
 * `lost_request` never reaches it, `lost_answer` is done there and its answer thrown away, `duplicate` is sent twice at
 * the same moment, `delay` is sent later, `wrong_auth` has a wrong key or signature, `malformed` is cut off in the
 * middle, `amount_changed` names another amount, rightly signed. Of calls by the application (Payme's Subscribe API,
 * Click's Merchant API): `lost_request`, `lost_answer`, `delay`, `malformed` (the answer), and `http_error`. Under
 * `delay` Payme does the work at once and answers late, Click does the work late. Calls to Stripe, Crypto Pay and BTCPay
 * may also be `unavailable` (503), `rate_limited` (429 with Retry-After) or run into a `timeout` (never answered). Only of
 * Stripe: `reorder` sends an event after the one that comes next; `decline` refuses a card (method `charge`).
 */
export type SimProviderFault = {
  /** `PerformTransaction` …, `receipts.pay` …, `Prepare`, `payment/status` …, `charge.refunded`, `POST /v1/refunds` … */
  method?: string;
  kind:
    | 'lost_answer'
    | 'lost_request'
    | 'duplicate'
    | 'delay'
    | 'wrong_auth'
    | 'malformed'
    | 'amount_changed'
    | 'http_error'
    | 'reorder'
    | 'unavailable'
    | 'timeout'
    | 'rate_limited'
    | 'decline';
  /** Real time; 2000 when absent. */
  delay_ms?: number;
  /** 500 when absent. */
  http_status?: number;
  remaining: number;
};

/** The simulators beside Telegram whose servers speak with the application. */
export type SimPeer = 'payme' | 'click' | 'stripe' | 'crypto-pay' | 'btcpay';

export type SimTraffic = {
  id: number;
  atMs: number;
  /** Whose simulator the application speaks with. */
  peer: 'telegram' | SimPeer;
  /** To or from the application, whose Telegram side is the bot. */
  direction: 'to_bot' | 'from_bot';
  /** Bot API method, update type, RPC method, or Click's request. */
  name: string;
  status: number | 'pending' | 'dropped' | 'no_answer';
  durationMs: number;
  request: unknown;
  response: unknown;
};

export type SimState = {
  /** The sandbox's idea of now, moved by the clock. */
  nowMs: number;
  clockOffsetMs: number;
  bot: {
    id: number;
    username: string;
    first_name: string;
    menu_button?: { text: string; url: string };
    /** Menu buttons set for single users, by user id. */
    menu_buttons: Readonly<Record<string, { text: string; url: string }>>;
    commands: ReadonlyArray<{ command: string; description: string }>;
    commands_by_language: Readonly<Record<string, ReadonlyArray<{ command: string; description: string }>>>;
    /** Shown in an empty chat. */
    description: string;
    descriptions_by_language: Readonly<Record<string, string>>;
    short_description: string;
    /** Stars the bot holds. */
    star_balance: number;
    has_topics_enabled: boolean;
    /** Hex Ed25519 key that checks the `signature` of initData. */
    init_data_public_key: string;
  };
  webhook: { url: string; pending_update_count: number; last_error_message?: string; last_error_date?: number };
  users: SimUser[];
  groups: SimGroup[];
  faults: SimFaults;
};

/** Server-sent events of `GET /sim/events`: something changed, fetch or patch. */
export type SimEvent =
  | { type: 'state'; state: SimState }
  | { type: 'message'; user_id: number; message: SimMessage }
  | { type: 'message_deleted'; user_id: number; message_id: number }
  | { type: 'traffic'; traffic: SimTraffic }
  | { type: 'callback_answer'; user_id: number; text?: string; show_alert?: boolean; url?: string };

/*
 * GET    /sim/state                                  -> SimState
 * GET    /sim/events                                 -> text/event-stream of SimEvent
 * POST   /sim/users          Partial<SimUser>        -> SimUser          (id made when absent)
 * PATCH  /sim/users/:id      Partial<SimUser>        -> SimUser          (balance, language_code, has_blocked_bot …; a change of has_blocked_bot sends my_chat_member)
 * GET    /sim/chats/:userId/messages?after=:id       -> SimMessage[]     (oldest first, at most 200)
 * POST   /sim/chats/:userId/text     { text }        -> SimMessage       (the user writes; also "/start payload")
 * POST   /sim/chats/:userId/callback { message_id, data } -> {}          (the answer comes as callback_answer)
 * POST   /sim/webapp/launch  { user_id, url?, start_param?, platform?, version?, theme?: 'light'|'dark', auth_age_seconds? }
 *                                                    -> { url, init_data } (url with the #tgWebApp… fragment; url defaults to the menu button's)
 * POST   /sim/invoices/:slug/form    { user_id }     -> SimPayForm       (400 SLUG_INVALID …)
 * POST   /sim/invoices/:slug/pay     { user_id, form_id } -> SimPayResult (waits for the bot's answer to pre_checkout_query, 10 s at most)
 * GET    /sim/users/:id/subscriptions                -> SimSubscription[]
 * POST   /sim/subscriptions/:id/cancel | /restore    -> SimSubscription  (the user's own doing)
 * GET    /sim/transactions?user_id=                  -> SimTransaction[] (newest first)
 * POST   /sim/refunds        { charge_id }           -> {}               (a refund by Telegram's side, e.g. store chargeback: refunded_payment without the bot asking)
 * GET    /sim/clock?after=:offsetMs&wait=:seconds    -> { nowMs, offsetMs } (long poll: answers when the offset differs from `after`)
 * POST   /sim/clock          { advance_seconds }     -> { nowMs, offsetMs } (answers once waiting followers have asked again, then what is due happens)
 * POST   /sim/clock/reset                            -> { nowMs, offsetMs }
 * GET    /sim/faults -> SimFaults · PUT /sim/faults SimFaults -> SimFaults
 * GET    /sim/traffic?limit=                         -> SimTraffic[]     (newest first, at most 500 kept)
 * POST   /sim/reset                                  -> SimState         (users, balances, chats, clock, faults as on the first day; the bot's webhook, commands and menu stay)
 * GET    /sim/files/:id                              -> the document's bytes, as an attachment
 * POST   /sim/chats/:userId/share { request_id, group_id? | title? } -> SimGroup without topics
 *                                                       (the user answers a request_chat button of their keyboard, by a group of theirs or a new one)
 * POST   /sim/groups         { title, owner_id?, is_forum?, bot_status?, can_manage_topics?, can_send_messages?, shared_by?, request_id? }
 *                                                    -> SimGroup without topics (a forum with the bot as administrator unless said; shared_by: this user sends chat_shared)
 * PATCH  /sim/groups/:id     Partial<SimGroup>       -> SimGroup without topics (a change of what the bot is in it sends my_chat_member)
 * DELETE /sim/groups/:id                             -> {}
 * DELETE /sim/groups/:id/topics/:threadId            -> {}
 * PATCH  /sim/bot            { has_topics_enabled }  -> SimState['bot']
 * GET    /sim/health                                 -> { status: 'ok' }
 *
 * `/sim/payme/…` and `/sim/click/…` are described in control-payme-click.ts, `/sim/stripe/…` in control-stripe.ts,
 * `/sim/crypto-pay/…` and `/sim/btcpay/…` in control-crypto.ts.
 */
