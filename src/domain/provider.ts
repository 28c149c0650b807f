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
  /** Ours for this try: a provider that is asked again by the same id opens no second checkout. */
  attemptId: string;
  method: Method;
  price: Money;
  title: string;
  description: string;
  /** The buyer's language, as a tag (ja, en, uz, ru). */
  language: string;
  /** Present for an automatically renewed subscription. */
  renewalDays: number | null;
  /** Deliver into this chat instead of returning a link (Telegram user id). */
  chatId: bigint | null;
  /** Where the buyer's browser goes afterwards; it proves nothing. */
  returnUrl: string;
  expiresAt: Date;
}>;

/**
 * `url` is what the client opens; null when the checkout was delivered into the chat. `reference` is the provider's own id
 * of the checkout, with which it can be asked about; null when it has none before somebody pays.
 */
export type CheckoutLink = Readonly<{ url: string | null; reference: string | null }>;

/**
 * A provider's message, still raw. Header names are lower-case. `method` is the HTTP method, `remoteAddress` who sent it as
 * far as our own proxy can be believed, null when that is not known.
 */
export type ProviderRequest = Readonly<{
  method: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
  remoteAddress: string | null;
}>;

type Told = Readonly<{ eventId: string; occurredAt: Date }>;
/** `payerId` is the payer's Telegram id where the provider knows it; null stands for the buyer of the order. */
type Charged = Told & Readonly<{ invoiceId: string; chargeId: string; payerId: bigint | null; paid: Money }>;

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

/**
 * What a provider asks and waits for. `may_pay`, `look_up` and `list` change nothing. The others are the steps of a
 * provider that takes money in two: it reserves an order, and captures or releases the reservation. Their effect is
 * durable before the answer is sent, and the same step twice gets the same answer.
 */
export type ProviderInquiry =
  | (Asked &
      Readonly<{
        type: 'may_pay';
        invoiceId: string;
        /** Telegram id of who is about to pay; null when the provider does not know. */
        payerId: bigint | null;
        price: { amount: bigint; currency: string };
        languageCode: string | null;
      }>)
  | (Asked &
      Readonly<{
        type: 'reserve';
        chargeId: string;
        /** A second id of the same money, where refunds and questions need it. */
        reference: string | null;
        invoiceId: string;
        price: { amount: bigint; currency: string };
        /** When the provider began, by its own clock: a reservation's time runs from here. */
        askedAt: Date;
      }>)
  | (Asked &
      Readonly<{
        type: 'capture';
        chargeId: string;
        /** What the provider repeats of the reservation, to be held against it; null when it names the charge only. */
        claim: ReservationClaim | null;
        /** The money is taken already: a refusal would keep it from both sides, so it is booked and given back if need be. */
        isDebited: boolean;
      }>)
  | (Asked &
      Readonly<{
        type: 'release';
        chargeId: string;
        claim: ReservationClaim | null;
        code: number;
        /** What was paid goes back by it; false where a cancel cannot undo a payment. */
        undoesPaid: boolean;
      }>)
  | (Asked & Readonly<{ type: 'look_up'; chargeId: string }>)
  | (Asked & Readonly<{ type: 'list'; from: Date; to: Date }>)
  | (Asked & Readonly<{ type: 'keep_receipt'; chargeId: string; side: 'charge' | 'refund'; receipt: string }>);

type Asked = Readonly<{ inquiryId: string }>;

export type ReservationClaim = Readonly<{
  number: bigint;
  invoiceId: string;
  price: { amount: bigint; currency: string };
}>;

/** A provider's hold on an order, with the times its protocol repeats to it. */
export type Reservation = Readonly<{
  id: string;
  /** Counts up: for protocols whose ids of ours are integers. */
  number: bigint;
  chargeId: string;
  invoiceId: string;
  price: Money;
  /** cancelled: before money moved; refunded: after. */
  status: 'reserved' | 'paid' | 'cancelled' | 'refunded';
  askedAt: Date;
  createdAt: Date;
  paidAt: Date | null;
  cancelledAt: Date | null;
  /** The provider's own code for the end. */
  code: number | null;
}>;

export type ProviderReading =
  /** Not authentic, or not a message of this protocol. `reply` where the protocol has words for it. */
  | Readonly<{
      kind: 'rejected';
      reason: Extract<Reason, 'webhook_secret_wrong' | 'malformed_request' | 'webhook_too_old'>;
      reply: ProviderReply | null;
    }>
  /** Authentic, but not about money. `message` is handed to the bot when the provider is also a messenger. */
  | Readonly<{ kind: 'ignored'; type: string; eventId: string | null; message: unknown }>
  /** Authentic and about money, but in a form we do not understand: kept for an operator, never refused. */
  | Readonly<{ kind: 'unreadable'; type: string; eventId: string }>
  | Readonly<{ kind: 'inquiry'; inquiry: ProviderInquiry }>
  | Readonly<{ kind: 'event'; event: ProviderEvent }>;

/** Why an inquiry is refused. */
export type InquiryReason = Extract<
  Reason,
  | 'invoice_not_found'
  | 'payer_is_not_buyer'
  | 'invoice_already_paid'
  | 'invoice_cancelled'
  | 'invoice_expired'
  | 'invoice_too_old'
  | 'plan_not_for_sale'
  | 'amount_mismatch'
  | 'currency_mismatch'
  | 'already_owned'
  | 'already_subscribed'
  /** Another charge holds the order. */
  | 'invoice_reserved'
  | 'reservation_not_found'
  /** The step does not fit the state: `reservation` says which that is. */
  | 'reservation_closed'
  | 'refund_not_possible'
  /** We could not do it now; nothing was changed. */
  | 'service_unavailable'
>;

/**
 * Our answer to an inquiry. `reservation` is what the step made or found; `reservations` answers `list`, oldest first by
 * `askedAt`. `text` is a sentence for the payer in their language, where the provider shows ours.
 */
export type InquiryAnswer =
  | Readonly<{ ok: true; reservation: Reservation | null; reservations: ReadonlyArray<Reservation> }>
  | Readonly<{ ok: false; reason: InquiryReason; text: string; reservation: Reservation | null }>;

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

/** An order of ours as a provider can be asked about it. `reference` is the provider's id of its checkout. */
export type AskedOrder = Readonly<{
  invoiceId: string;
  reference: string | null;
  createdAt: Date;
  /** The hold that was made for it, where the provider makes one. */
  reservation: Readonly<{ chargeId: string; reference: string | null; price: Money }> | null;
}>;

export type RefundRequest = Readonly<{
  /** Ours: the same refund asked for twice is one. */
  refundId: string;
  chargeId: string;
  /** The second id that came with the reservation or charge. */
  reference: string | null;
  invoiceId: string;
  /** Telegram id of the buyer. */
  payerId: bigint;
  amount: Money;
  isWhole: boolean;
  paidAt: Date;
}>;

/**
 * Who takes the money. A provider verifies and translates; it decides nothing and knows no database. All methods that
 * call out throw ProviderError.
 */
export interface Provider {
  readonly id: string;
  readonly accepts: ReadonlyArray<Capability>;
  /** Its protocol has an answer for everything, also for another method than POST and a body that is too long. */
  readonly answersAll?: boolean;
  /**
   * How long a reservation may wait for its capture, and with which code it then ends: null where money that comes for it
   * afterwards is still ours to book. Absent where the provider takes money in one step.
   */
  readonly reservations?: Readonly<{ lastMs: number; lapseCode: number | null }>;
  /** Asks the provider for a checkout. Same `invoiceId` twice gives two working links to one order. */
  createCheckout(request: CheckoutRequest): Promise<CheckoutLink>;
  /** Verifies raw bytes (signature, constant time) and translates. Pure. */
  read(request: ProviderRequest, now: Date): ProviderReading;
  /** Translates bytes that were verified when they came and kept since. Pure. */
  readStored(body: Uint8Array, receivedAt: Date): ProviderReading;
  /** Our answer to an inquiry in the provider's words; null when it has none for it, and the refusal is an HTTP status. Pure. */
  reply(inquiry: ProviderInquiry, answer: InquiryAnswer): ProviderReply | null;
  /** What became of an order at the provider, as the events it should have told. Absent where it cannot be asked about one. */
  find?(order: AskedOrder): Promise<ReadonlyArray<ProviderEvent>>;
  /**
   * One page of the provider's own list, oldest first, from `offset`; a short page is the end. Null rows are no sales.
   * Absent where the provider keeps its list to itself.
   */
  listTransactions?(offset: number, limit: number): Promise<ReadonlyArray<ProviderTransaction | null>>;
  /** Gives a charge back, or a part of it. `pending`: it will, and says so later. Resolves also when it was given back before. */
  refund(request: RefundRequest): Promise<'done' | 'pending'>;
  /** Stops or resumes the renewal of a subscription known by its first charge. Absent where nothing renews by itself. */
  setRenewal?(subscription: { chargeId: string; payerId: bigint; renews: boolean }): Promise<void>;
}
