import type { Reason } from '#domain/errors.ts';
import type { Currency, Money } from '#domain/money.ts';

/** Payment methods a person can choose; several providers may serve one. */
export const METHODS = ['telegram_stars', 'credit_card', 'bank_transfer', 'digital_wallet', 'cryptocurrency'] as const;
export type Method = (typeof METHODS)[number];

/** Where the person is while paying. The surface policy decides by it. */
export const SURFACES = ['mini_app', 'bot', 'browser', 'api'] as const;
export type Surface = (typeof SURFACES)[number];

export const PRIVACY_LEVELS = ['very_high', 'high', 'medium', 'low'] as const;
export type PrivacyLevel = (typeof PRIVACY_LEVELS)[number];

/** What a provider takes of a charge: `bps` of the amount plus a fixed part in minor units. `network` fees are paid on top, by the sender. */
export type ProcessorFee = Readonly<{ bps: number; fixed: bigint; network: boolean }>;

/** One thing a provider can do, as data: the fee table, the surface policy and the failover order are read from it. */
export type Capability = Readonly<{
  method: Method;
  currency: Currency;
  fee: ProcessorFee;
  privacy: PrivacyLevel;
  /** Lengths of native renewals in days; empty: one-off payments only. */
  renewalDays: ReadonlyArray<number>;
  surfaces: ReadonlyArray<Surface>;
  /** Largest amount in minor units for a one-off and for a renewing invoice. */
  maxAmount: Readonly<{ oneTime: bigint; renewing: bigint }>;
  /** How long a payment usually takes to be known to us, in minutes. */
  settlesInMinutes: number;
}>;

/** What the provider is asked to collect. Texts are in the buyer's language and shown to them by the provider. */
export type CheckoutRequest = Readonly<{
  invoiceId: string;
  price: Money;
  title: string;
  description: string;
  /** Present for an automatically renewed subscription. */
  renewalDays: number | null;
  /** Deliver into this chat instead of returning a link (Telegram user id). */
  chatId: bigint | null;
  expiresAt: Date;
}>;

/** `url` is what the client opens; null when the checkout was delivered into the chat. */
export type CheckoutLink = Readonly<{ url: string | null }>;

/** A provider's message, still raw. Header names are lower-case. */
export type ProviderRequest = Readonly<{ headers: Readonly<Record<string, string | undefined>>; body: Uint8Array }>;

type Told = Readonly<{ eventId: string; occurredAt: Date }>;
type Charged = Told & Readonly<{ invoiceId: string; chargeId: string; payerId: bigint; paid: Money }>;

/** What a provider tells us happened. `invoiceId` is our own id coming back. */
export type ProviderEvent =
  | (Charged &
      Readonly<{
        type: 'payment_succeeded';
        renewal: 'none' | 'first' | 'renewal' | 'unknown';
        paidUntil: Date | null;
        renewalDays: number | null;
      }>)
  | (Charged & Readonly<{ type: 'payment_refunded' }>)
  | (Told &
      Readonly<{
        type: 'subscription_changed';
        invoiceId: string;
        payerId: bigint;
        change: 'cancelled' | 'restored' | 'renewal_failed';
      }>);

/** What a provider asks before it takes money. The answer goes back in its own words. */
export type ProviderInquiry = Readonly<{
  type: 'may_pay';
  inquiryId: string;
  invoiceId: string;
  payerId: bigint;
  price: { amount: bigint; currency: string };
  languageCode: string | null;
}>;

export type ProviderReading =
  | Readonly<{
      kind: 'rejected';
      reason: Extract<Reason, 'webhook_secret_wrong' | 'malformed_request' | 'webhook_too_old'>;
    }>
  /** Authentic, but not about money. `message` is handed to the bot when the provider is also a messenger. */
  | Readonly<{ kind: 'ignored'; type: string; eventId: string | null; message: unknown }>
  /** Authentic and about money, but in a form we do not understand: kept for an operator, never refused. */
  | Readonly<{ kind: 'unreadable'; type: string; eventId: string }>
  | Readonly<{ kind: 'inquiry'; inquiry: ProviderInquiry }>
  | Readonly<{ kind: 'event'; event: ProviderEvent }>;

/** Our answer to an inquiry. `text` is a sentence for the payer in their language, present when refused. */
export type InquiryAnswer = Readonly<{ inquiryId: string; ok: true } | { inquiryId: string; ok: false; text: string }>;

export type ProviderReply = Readonly<{ status: number; contentType: string; body: string }>;

/** A charge or refund as the provider's own list has it: the truth reconciliation compares with. */
export type ProviderTransaction = Readonly<{
  chargeId: string;
  direction: 'charge' | 'refund';
  amount: Money;
  occurredAt: Date;
  payerId: bigint | null;
  invoiceId: string | null;
  renewalDays: number | null;
}>;

/**
 * `unavailable`: nothing is known to have happened, trying again or elsewhere is right. `declined`: the provider said
 * no. `invalid`: our request was wrong. `misconfigured`: keys or set-up are wrong.
 */
export type ProviderFailure = 'unavailable' | 'declined' | 'invalid' | 'misconfigured';

/** A call to a provider that did not do what it should. `code` is the provider's own word, safe to log. */
export class ProviderError extends Error {
  readonly failure: ProviderFailure;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(failure: ProviderFailure, code: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(`${failure}: ${code}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProviderError';
    this.failure = failure;
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/**
 * Who takes the money. A provider verifies and translates; it decides nothing and knows no database. All methods that
 * call out throw ProviderError.
 */
export interface Provider {
  readonly id: string;
  readonly accepts: ReadonlyArray<Capability>;
  /** Asks the provider for a checkout. Same `invoiceId` twice gives two working links to one order. */
  createCheckout(request: CheckoutRequest): Promise<CheckoutLink>;
  /** Verifies raw bytes (signature, constant time) and translates. Pure. */
  read(request: ProviderRequest, now: Date): ProviderReading;
  /** Translates bytes that were verified when they came and kept since. Pure. */
  readStored(body: Uint8Array, receivedAt: Date): ProviderReading;
  /** Our answer to an inquiry in the provider's words. Pure. */
  reply(answer: InquiryAnswer): ProviderReply;
  /** One page of the provider's own list, oldest first, from `offset`; a short page is the end. Null rows are no sales. */
  listTransactions(offset: number, limit: number): Promise<ReadonlyArray<ProviderTransaction | null>>;
  /** Gives a whole charge back. Resolves also when it was given back before. */
  refund(charge: { chargeId: string; payerId: bigint }): Promise<void>;
  /** Stops or resumes the renewal of a subscription known by its first charge. */
  setRenewal(subscription: { chargeId: string; payerId: bigint; renews: boolean }): Promise<void>;
}
