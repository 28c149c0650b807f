/**
 * What the tRPC procedures and the REST routes show: plain JSON. Amounts are minor units as decimal strings beside a text
 * already formatted in the reader's language; instants are ISO 8601 in UTC beside a date text in the reader's language.
 * Those of the privacy centre are in privacy-views.ts.
 */
import type { Reason } from '#domain/errors.ts';
import type { Currency } from '#domain/money.ts';
import type { Method, PrivacyLevel, Surface } from '#domain/provider/capability.ts';
import type { PaymentFailure, Progress } from '#domain/provider/event.ts';

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

/** Attached to every error: tRPC `error.data.hoshi`, REST body `error`. */
export type ErrorView = {
  kind: string;
  reason: Reason;
  text: string;
  requestId: string;
  retryAfterSeconds: number | null;
  details: Record<string, string | number>;
};
