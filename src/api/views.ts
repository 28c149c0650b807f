/**
 * What the tRPC procedures and the REST routes show: plain JSON. Amounts are minor units as decimal strings beside a text
 * already formatted in the reader's language; instants are ISO 8601 in UTC beside a date text in the reader's language.
 */
import type { KeyState } from '#domain/billing-key/rules.ts';
import type { Obstacle, RecordType } from '#domain/billing-record/rules.ts';
import type { Reason } from '#domain/errors.ts';
import type { Currency } from '#domain/money.ts';
import type { GroupObstacle } from '#domain/personal-log/rules.ts';
import type { ErasedClass, RetainedClass } from '#domain/privacy/erasure/rules.ts';
import type { ExportObstacle } from '#domain/privacy/export/rules.ts';
import type { Method, PaymentFailure, PrivacyLevel, Progress, Surface } from '#domain/provider.ts';

/** `text` is for eyes ("150 ★"), `label` for screen readers ("150 Telegram Stars"). */
export type MoneyView = { amount: string; currency: Currency; text: string; label: string };
export type InstantView = { iso: string; text: string };

export type PriceView = {
  id: string;
  interval: 'once' | 'month' | 'year';
  money: MoneyView;
  renewsEveryDays: number | null;
};

/** What was asked, without the price of the catalogue that asked it. */
export type OrderPriceView = Omit<PriceView, 'id'>;

export type PlanView = {
  id: string;
  code: string;
  rank: number;
  name: string;
  description: string;
  features: string[];
  privacy: string[];
  limits: Record<string, number>;
  /** Empty for the free level. */
  prices: PriceView[];
  /** What a year saves against twelve months, per currency that has both. */
  savings: { currency: Currency; money: MoneyView; percent: number }[];
};

export type ProductView = {
  id: string;
  code: string;
  kind: 'plan_line' | 'plugin';
  name: string;
  description: string;
  plans: PlanView[];
  /** The reader's right to a plan of this product now, when they have one. */
  current: EntitlementView | null;
};

export type EntitlementView = {
  planId: string;
  planName: string;
  productCode: string;
  productName: string;
  since: InstantView;
  /** Null: for good. */
  until: InstantView | null;
  /** True while a running subscription will extend it. */
  renews: boolean;
};

/** One way to pay, as the checkout screen shows it. A refused one stays visible with its reason. */
export type MethodView = {
  method: Method;
  provider: string;
  isAllowed: boolean;
  /** Its provider does not answer at present. It may be chosen all the same. */
  isResting: boolean;
  reason: Reason | null;
  /** The reason in the reader's language. */
  reasonText: string | null;
  privacy: PrivacyLevel;
  /** Where the money goes; parts sum to the price. `bps` is the part's width in the bar. */
  split: { party: 'developer' | 'platform' | 'processor'; money: MoneyView; bps: number }[];
};

export type CheckoutPreview = {
  product: { id: string; code: string; kind: 'plan_line' | 'plugin'; name: string };
  plan: { id: string; code: string; name: string; description: string; features: string[]; privacy: string[] };
  price: PriceView;
  /** When it would renew or end if paid now; null: lasts for good. */
  accessUntil: InstantView | null;
  methods: MethodView[];
  /** The same for the same time in other currencies, where something may be used here. */
  alternatives: { price: PriceView; methods: MethodView[] }[];
  /** The reader's stored methods that can pay it here. */
  stored: StoredMethodView[];
  /** Why it cannot be bought at all now (already_owned, already_subscribed …). */
  blocked: { reason: Reason; text: string } | null;
  /** A running subscription of the same line that will end at its period end when this is bought. */
  replaces: { subscriptionId: string; planName: string; until: InstantView } | null;
};

/**
 * A payment method that its provider keeps: never a number. `expires` is YYYY-MM. One that waits for its owner's confirmation
 * (`confirming`) tells nothing of the card, because it may be somebody else's.
 */
export type StoredMethodView = {
  id: string;
  status: 'confirming' | 'active';
  provider: string;
  method: Method;
  brand: string;
  last4: string;
  expires: string | null;
  createdAt: InstantView;
};

/** A provider that can keep a payment method, and which prices it then pays. */
export type StoringProviderView = { provider: string; method: Method; currencies: Currency[] };

/**
 * Where a person goes on with a method they add: to the provider's page (`url`), or with our page, whose client talks to the
 * provider's own `endpoint` and gives us the token it gets. `pageUrl` is our page, which needs no session.
 */
export type AddingView = {
  id: string;
  provider: string;
  url: string | null;
  client: { endpoint: string; publicId: string } | null;
  pageUrl: string;
};

/** A method that is being added as whoever holds its link sees it; nothing of its owner. */
export type OpenAddingView = {
  provider: string;
  status: 'adding' | 'confirming' | 'active' | 'removed';
  url: string | null;
  client: { endpoint: string; publicId: string } | null;
  /** Once it is active, and before that to the browser in which it was given. */
  card: { brand: string; last4: string } | null;
};

/**
 * An OpenPGP key to which the reader's billing records are encrypted. `expiring` is in use and ends within 30 days; nothing is
 * encrypted to an `expired` one.
 */
export type BillingKeyView = {
  id: string;
  state: KeyState;
  /** Hexadecimal, upper case, without spaces. */
  fingerprint: string;
  userIds: string[];
  /** "Curve25519", "RSA 3072". */
  algorithm: string;
  expiresAt: InstantView | null;
  createdAt: InstantView;
  retiredAt: InstantView | null;
  /** The armoured message that holds the code to enter; null when none is waited for. */
  message: string | null;
  triesLeft: number;
};

/** The state of an order as the server knows it: the only truth the Mini App shows. */
export type InvoiceView = {
  id: string;
  /** `confirming` never comes from here: it is the client's word for "closed by Telegram, not yet known to us". */
  status: 'open' | 'paid' | 'expired' | 'cancelled';
  /** `surplus`: this order was paid a second time and that money goes back. */
  price: OrderPriceView;
  /** All null once nobody on the server knows what it was for; `priceId` also once it is paid. */
  planId: string | null;
  priceId: string | null;
  planName: string | null;
  productCode: string | null;
  productName: string | null;
  surface: Surface;
  createdAt: InstantView;
  expiresAt: InstantView;
  /** Whole minutes left to pay, by the server's clock; null when it can no longer be paid. */
  minutesLeft: number | null;
  /** What to open to pay; null when it lies in the chat, may not be opened where the reader is, or is no longer payable. */
  url: string | null;
  /** How the way to pay was chosen that `url` opens; null before one was, and for one that may not be shown here. */
  way: { method: Method; provider: string } | null;
  /** Money that is on its way; the order is held for it. */
  pending: PendingView | null;
  /** Why the last try failed, as one sentence with the next step; null while none has. */
  failure: FailureView | null;
  payment: { id: string; status: PaymentStatusView } | null;
  entitlement: EntitlementView | null;
};

/** What money that is on its way waits for. */
export type PendingView = {
  provider: string;
  progress: Progress;
  missing: MoneyView | null;
  /** Where the payer reads how to send it. */
  instructionsUrl: string | null;
  /** Nothing of it has come: another way to pay may be chosen, and what the payer was told to send is void then. */
  canBeReplaced: boolean;
};
export type FailureView = { failure: PaymentFailure; text: string };

/** An order as whoever holds its link sees it: what is bought, what it costs, how it can be paid; nothing of the buyer. */
export type LinkedOrderView = {
  id: string;
  status: InvoiceView['status'];
  /** What has become of its payment; null before there is one. */
  paymentStatus: PaymentStatusView | null;
  pending: PendingView | null;
  failure: FailureView | null;
  /** Null once nobody on the server knows what it was for. */
  planName: string | null;
  productName: string | null;
  price: OrderPriceView;
  expiresAt: InstantView;
  minutesLeft: number | null;
  /** Until when what was bought lasts; null before it is paid, and for what lasts for good. */
  until: InstantView | null;
  /** Why its buyer cannot buy it now (already_owned, already_subscribed). */
  blocked: CheckoutPreview['blocked'];
  /** One per provider and method; empty when it can no longer be paid. */
  methods: MethodView[];
};

export type PaymentStatusView = 'succeeded' | 'refunding' | 'refunded' | 'disputed' | 'charged_back';

export type PaymentView = {
  id: string;
  kind: 'one_time' | 'first' | 'renewal' | 'surplus';
  status: PaymentStatusView;
  money: MoneyView;
  /** What went back of it; null while nothing has. */
  returned: MoneyView | null;
  /** Null once it stands in its owner's sealed record alone. */
  planName: string | null;
  productName: string | null;
  method: Method;
  provider: string;
  paidAt: InstantView;
};

export type ReceiptView = PaymentView & {
  invoiceId: string;
  /** The provider's id of the charge, which Telegram support asks for. */
  chargeId: string;
  period: { from: InstantView; until: InstantView } | null;
  split: MethodView['split'];
  /** The newest of `refunds`. */
  refund: RefundView | null;
  /** Newest first. */
  refunds: RefundView[];
  /** Newest first. */
  disputes: DisputeView[];
  /** What happened, oldest first. `kind` names a text under `receipt.timeline`. */
  timeline: { kind: TimelineKind; at: InstantView }[];
};

export type RefundView = {
  id: string;
  status: 'requested' | 'succeeded' | 'failed';
  reason: 'surplus' | 'requested' | 'provider';
  money: MoneyView;
  /** The provider's id of it, once it has one. */
  reference: string | null;
  /** Where the buyer says how they want their money; null when they need do nothing. */
  claimUrl: string | null;
  at: InstantView;
};

export type DisputeView = {
  id: string;
  status: 'open' | 'won' | 'lost';
  /** What is in question. */
  money: MoneyView;
  openedAt: InstantView;
  closedAt: InstantView | null;
};

/** Where a receipt can be downloaded for some minutes, without a session; relative to our own address. */
export type ReceiptLinkView = { url: string; expiresAt: string };

export const TIMELINE_KINDS = [
  'ordered',
  'cancelled',
  'expired',
  'paid',
  'unlocked',
  'surplus',
  'refund_requested',
  'refund_failed',
  'part_refunded',
  'refunded',
  'declined',
  'dispute_opened',
  'dispute_won',
  'dispute_lost',
] as const;
export type TimelineKind = (typeof TIMELINE_KINDS)[number];

export type PaymentPage = { rows: PaymentView[]; nextCursor: string | null };

export type SubscriptionView = {
  id: string;
  /** All null some time after it ended. */
  planId: string | null;
  planName: string | null;
  productCode: string | null;
  productName: string | null;
  status: 'active' | 'cancelling' | 'past_due' | 'expired' | 'revoked';
  money: MoneyView;
  startedAt: InstantView;
  currentPeriodEnd: InstantView;
  graceUntil: InstantView | null;
  endedAt: InstantView | null;
  canCancel: boolean;
  canResume: boolean;
  /** The person cancelled in Telegram itself, so only Telegram can resume it. */
  resumesInTelegram: boolean;
};

export type MeView = {
  userId: string;
  role: 'user' | 'developer' | 'support' | 'admin';
  language: 'ja' | 'en';
  isReachable: boolean;
  wantsReminders: boolean;
  wantsSalesNotices: boolean;
  botUsername: string;
  supportContact: string;
  /** The newest order that is still open, for the resume banner. */
  openInvoice: InvoiceView | null;
};

/** Where the person's billing records go, and what of them has not arrived. */
export type PersonalLogView = {
  /** A group is chosen. Records go to the chat with the bot all the same while there is an obstacle. */
  isBound: boolean;
  boundAt: InstantView | null;
  obstacle: GroupObstacle | null;
  /** The bot may write to the person. */
  isReachable: boolean;
  isOn: boolean;
  isSilent: boolean;
  asDocument: boolean;
  /** For how long this server keeps its copy of a delivered record; 0: not at all. */
  keepDays: number;
  /** Opens the bot, which asks for a group. */
  bindUrl: string;
  /** Records that wait for a key of their owner's. */
  withoutKey: number;
  /** Records that are delivered by themselves. */
  onTheirWay: number;
  /** Records that wait until somebody does something; the newest of them are `records`. */
  held: number;
  records: HeldRecordView[];
};

export type HeldRecordView = {
  id: string;
  type: RecordType;
  createdAt: InstantView;
  obstacle: Obstacle;
  /** Its owner may have it sent again. */
  canSend: boolean;
};

/** A billing record as this server has it. What it says only its owner's key tells. */
export type RecordView = {
  id: string;
  /** The payment it belongs to, also where it tells of a refund. */
  paymentId: string;
  type: RecordType;
  /** `waiting`: for a key of its owner's. `dropped`: it was delivered, and this server's copy is gone. */
  state: 'waiting' | 'sealed' | 'delivered' | 'dropped';
  /** The OpenPGP message in base64; null while it waits, and once it was dropped. */
  ciphertext: string | null;
};

/** `isWhole` false: more records than fit into one answer; ask for fewer payments. */
export type PaymentRecordsView = { records: RecordView[]; isWhole: boolean };

/** The OpenPGP keys of this server in one armoured block: the one with which it signs records, then earlier ones. */
export type SigningKeyView = { publicKey: string; fingerprint: string };

/** How something of a person's is kept: as it is; encrypted, and the server has the key; encrypted, and only its owner has it. */
export type SeenStorage = 'plain' | 'server' | 'owner';

export const SEEN_CLASSES = [
  'account',
  'running',
  'payments',
  'orders',
  'jobs',
  'audit',
  'exports',
  'agreements',
  'telegram',
  'cards',
  'keys',
  'log',
  'waiting',
  'webhooks',
  'sealed',
] as const;
export type SeenClass = (typeof SEEN_CLASSES)[number];

export const SEEN_FACTS = [
  'id',
  'language',
  'role',
  'botMayWrite',
  'reminders',
  'salesNotices',
  'hash',
  'telegramId',
  'plan',
  'renews',
  'ends',
  'sum',
  'returned',
  'refunds',
  'newest',
  'amount',
  'status',
  'provider',
  'charge',
  'time',
  'paid',
  'card',
  'fingerprint',
  'size',
  'group',
  'keeps',
  'kind',
] as const;
export type SeenFact = (typeof SEEN_FACTS)[number];

/** One kind of thing that the server has of the reader, from their own rows. */
export type SeenClassView = {
  name: SeenClass;
  storage: SeenStorage;
  /** Null: those of one person cannot be found. */
  count: number | null;
  /** There are more than `count`. */
  isMore: boolean;
  from: InstantView | null;
  to: InstantView | null;
  /** For how many days it is kept, where that is a number. */
  keepDays: number | null;
  /** Values as the server has them. */
  facts: { label: SeenFact; value: string }[];
};

/** A copy of the reader's data that the bot sends to their chat. */
export type DataExportView = {
  id: string;
  status: 'requested' | 'running' | 'sent' | 'failed';
  /** Percent. */
  progress: number;
  obstacle: ExportObstacle | null;
  /** Documents that were sent. */
  documents: number;
  /** Of the bytes of its documents, one after the other; null until it was sent. */
  sha256: string | null;
  createdAt: InstantView;
  completedAt: InstantView | null;
};

/** The copy asked for last, and whether the bot may write to the reader. */
export type ExportStateView = { latest: DataExportView | null; isReachable: boolean; chatUrl: string };

/** The person's erasure: how it stands, what is in the way, and what it would do now. */
export type ErasureView = {
  /** Of the last that was asked for. */
  id: string | null;
  state: 'none' | 'waiting' | 'running' | 'completed' | 'completed_partially' | 'cancelled' | 'failed';
  /** When it begins; null unless it waits. The text has the time too. */
  dueAt: InstantView | null;
  minutesLeft: number | null;
  /** What is typed to confirm it, in the reader's language. */
  word: string;
  blockers: ErasureBlockerView[];
  goes: { class: ErasedClass; count: number }[];
  /** `count` null: it cannot be told apart from others'. `until` null: as long as the service exists. */
  stays: { class: RetainedClass; count: number | null; until: InstantView | null }[];
};

export type ErasureBlockerView =
  | { kind: 'subscription'; subscriptionId: string; planName: string }
  | { kind: 'order'; invoiceId: string; planName: string; isHeld: boolean }
  | { kind: 'refund' | 'dispute'; paymentId: string }
  | { kind: 'balance'; money: MoneyView }
  | { kind: 'products'; count: number };

/** What a person agreed to by paying. */
export type AgreementsView = {
  given: { kind: 'terms' | 'privacy'; version: string; surface: Surface; givenAt: InstantView; isCurrent: boolean }[];
};

/** Attached to every error: tRPC `error.data.hoshi`, REST body `error`. */
export type ErrorView = {
  kind: string;
  reason: Reason;
  text: string;
  requestId: string;
  retryAfterSeconds: number | null;
  details: Record<string, string | number>;
};

/*
 * tRPC procedures (router `AppRouter` in api/router.ts). q = query, m = mutation. All but session.start, pay.* and
 * adding.* need a session.
 *
 * session.start      m  { initData: string, startParam?: string }   -> { token: string, expiresAt: string, me: MeView }
 * me.get             q  -> MeView
 * me.update          m  { language?, wantsReminders?, wantsSalesNotices? } -> MeView
 * me.allowMessages   m  -> MeView                       (after the client granted write access)
 * catalog.list       q  -> ProductView[]                (plan lines and plugins, in order)
 * checkout.preview   q  { priceId } -> CheckoutPreview
 * checkout.start     m  { priceId, method: Method, provider?, storedMethodId? } -> InvoiceView
 *                       (resumes the open order of the same price; a stored method is charged at once, and the answer shows
 *                       what became of it where its provider knows within five seconds: paid, pending or failure)
 * checkout.status    q  { invoiceId } -> InvoiceView
 * checkout.cancel    m  { invoiceId } -> InvoiceView
 * payments.list      q  { cursor?, limit? (<= 50), status?: PaymentStatusView, month?: 'YYYY-MM' } -> PaymentPage
 * payments.months    q  -> string[]                     (months 'YYYY-MM' with payments, newest first, at most 60)
 * payments.receipt   q  { paymentId } -> ReceiptView
 * payments.receiptLink m { paymentId } -> ReceiptLinkView   (the PDF, for five minutes)
 * methods.list       q  -> StoredMethodView[]           (newest first)
 * methods.providers  q  -> StoringProviderView[]
 * methods.add        m  { provider } -> AddingView
 * methods.confirm    m  { methodId, token?, code? } -> StoredMethodView | null   (null: the person has not finished)
 * methods.claim      m  { methodId, secret } -> StoredMethodView     (from the browser in which it was given: it is mine)
 * methods.remove     m  { methodId } -> { isRemoved: true }
 * privacy.keys       q  -> { keys: BillingKeyView[], now: string }   (newest first; now: the server's time, ISO 8601)
 * privacy.addKey     m  { publicKey } -> { outcome: 'begun' | 'updated' | 'retired', key: BillingKeyView }
 * privacy.proveKey   m  { keyId, code } -> BillingKeyView
 * privacy.retireKey  m  { keyId } -> { isRetired: true }
 * privacy.seen       q  -> SeenClassView[]              (what the server has of the reader)
 * privacy.export     q  -> ExportStateView              (the copy asked for last)
 * privacy.requestExport m -> ExportStateView            (while one is under way, that one; at most three a day)
 * privacy.erasure    q  -> ErasureView
 * privacy.askErasure m  { word } -> ErasureView          (asked twice it is one)
 * privacy.cancelErasure m -> ErasureView
 * privacy.agreements q  -> AgreementsView               (newest first)
 * adding.get         q  { methodId, language } -> OpenAddingView     (for whoever holds the link, for a day)
 * adding.confirm     m  { methodId, language, token: string | null, code?, secret, back? } -> OpenAddingView
 * pay.order          q  { invoiceId, language } -> LinkedOrderView   (for whoever holds the link)
 * pay.start          m  { invoiceId, language, method, provider } -> { invoiceId, url: string | null }
 * subscriptions.list q  -> SubscriptionView[]           (newest first, at most 50)
 * subscriptions.cancel m { subscriptionId } -> SubscriptionView
 * subscriptions.resume m { subscriptionId } -> SubscriptionView
 * entitlements.list  q  -> EntitlementView[]
 * log.get            q  -> PersonalLogView
 * log.update         m  { isOn?, isSilent?, asDocument?, keepDays?: 0 | 30 | 365 } -> PersonalLogView
 * log.unbind         m  -> PersonalLogView              (a group is bound in the chat: bindUrl)
 * log.sendAgain      m  { recordId } -> PersonalLogView (records whose canSend is true)
 * records.forPayments q { paymentIds: 1 to 50 } -> PaymentRecordsView   (newest first; of payments that are not the reader's: none)
 * records.signingKey q  -> SigningKeyView
 */
