import type { Reason } from '#domain/errors.ts';
import type { Currency, Money } from '#domain/money.ts';
import type { EnvGroup, EnvSource } from '#lib/env-group.ts';

/** Payment methods a person can choose; several providers may serve one. */
export const METHODS = ['telegram_stars', 'credit_card', 'bank_transfer', 'digital_wallet', 'cryptocurrency'] as const;
export type Method = (typeof METHODS)[number];

/** Where the person is while paying. The surface policy decides by it. */
export const SURFACES = ['mini_app', 'bot', 'browser', 'api'] as const;
export type Surface = (typeof SURFACES)[number];

export const PRIVACY_LEVELS = ['very_high', 'high', 'medium', 'low'] as const;
export type PrivacyLevel = (typeof PRIVACY_LEVELS)[number];

/**
 * What a provider takes of a charge: `bps` of the amount plus a fixed part in minor units. `network` fees are paid on top, by
 * the sender. `isKept`: it stays with the provider when the charge is given back.
 */
export type ProcessorFee = Readonly<{ bps: number; fixed: bigint; network: boolean; isKept: boolean }>;

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
  /** The provider's token of a stored payment method, to be charged without its page. */
  token: string | null;
}>;

/**
 * `url` is what the client opens; null when the checkout was delivered into the chat, or a stored method was charged and
 * nothing is asked of the payer. `reference` is the provider's own id of the checkout, with which it can be asked about and
 * closed; null when it has none before somebody pays.
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

/** Why a payer's money did not come, as far as a provider says it: each has one sentence and one next step for them. */
export const PAYMENT_FAILURES = [
  'card_declined',
  'insufficient_funds',
  'card_expired',
  'card_data_wrong',
  'authentication_failed',
  'limit_exceeded',
  'cancelled_by_payer',
  'checkout_expired',
  'transfer_failed',
  'underpaid',
  'payment_dropped',
  'processing_error',
] as const;
export type PaymentFailure = (typeof PAYMENT_FAILURES)[number];

/** What money that is on its way waits for: the provider, a transfer, confirmations of a network, or the rest of the sum. */
export const PROGRESSES = ['processing', 'awaiting_transfer', 'confirming', 'underpaid'] as const;
export type Progress = (typeof PROGRESSES)[number];

/** What a provider tells us happened. `invoiceId` is our own id coming back. */
export type ProviderEvent =
  | (Charged &
      Readonly<{
        type: 'payment_succeeded';
        renewal: 'none' | 'first' | 'renewal' | 'unknown';
        paidUntil: Date | null;
        renewalDays: number | null;
        /** What the provider kept of it, in minor units of the charge; null: as its fee table says. */
        fee: bigint | null;
        /** How it was paid in the end; null: as it was asked for. */
        method: Method | null;
        /**
         * `late`: after the checkout had run out. `excess`: more than was asked; the part above is a charge of its own.
         * `underpaid`: less came than is booked, and the operator let it pass as the whole by their own hand.
         */
        irregularity: 'late' | 'excess' | 'underpaid' | null;
      }>)
  /** Money is on its way and may still fail: the order is held for it. */
  | (Told &
      Readonly<{
        type: 'payment_pending';
        invoiceId: string;
        chargeId: string;
        price: Money;
        progress: Progress;
        /** What is still to be sent, in minor units of the price. */
        missing: bigint | null;
        /** Where the payer reads how to send it. */
        instructionsUrl: string | null;
      }>)
  /** A try of the payer failed. `isFinal`: no money comes by this checkout any more; else they may try again there. */
  | (Told &
      Readonly<{
        type: 'payment_failed';
        invoiceId: string;
        chargeId: string | null;
        /** Our id of the try, where it comes back. */
        attemptId: string | null;
        failure: PaymentFailure;
        isFinal: boolean;
      }>)
  /** `reference` is the provider's id of the refund, `refundId` ours where it comes back. `paid` is what went back by it. */
  | (Charged & Readonly<{ type: 'payment_refunded'; reference: string; refundId: string | null }>)
  /**
   * Some of a refund that is still open was paid, by the payment `part`: `reference` and `refundId` are those of the refund.
   * What is left of it may still come, or come to nothing.
   */
  | (Told &
      Readonly<{
        type: 'refund_part_paid';
        chargeId: string;
        reference: string;
        refundId: string;
        part: string;
        paid: Money;
      }>)
  /** A refund came to nothing: the money is with us. `undoesDone`: also where it counted as done, it came back. */
  | (Told &
      Readonly<{
        type: 'refund_failed';
        chargeId: string;
        reference: string;
        refundId: string | null;
        code: string;
        undoesDone: boolean;
      }>)
  /** `amount` is what is disputed, `fee` what the provider charges for it. */
  | (Told &
      Readonly<{
        type: 'payment_disputed';
        chargeId: string;
        reference: string;
        status: 'open' | 'won' | 'lost';
        amount: Money;
        fee: bigint;
      }>)
  | (Told &
      Readonly<{
        type: 'subscription_changed';
        invoiceId: string;
        payerId: bigint;
        change: 'cancelled' | 'restored' | 'renewal_failed';
      }>);

/** What most charges are: paid once, at the fee of the table, as they were asked for. */
export const PLAIN_CHARGE = {
  renewal: 'none',
  paidUntil: null,
  renewalDays: null,
  fee: null,
  method: null,
  irregularity: null,
} as const;

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
      reason: Extract<Reason, 'webhook_secret_wrong' | 'malformed_request' | 'webhook_too_old' | 'webhook_from_future'>;
      reply: ProviderReply | null;
    }>
  /** Authentic, but not about money. `message` is handed to the bot when the provider is also a messenger. */
  | Readonly<{ kind: 'ignored'; type: string; eventId: string | null; message: unknown }>
  /** Authentic and about money, but in a form we do not understand: kept for an operator, never refused. */
  | Readonly<{ kind: 'unreadable'; type: string; eventId: string }>
  | Readonly<{ kind: 'inquiry'; inquiry: ProviderInquiry }>
  | Readonly<{ kind: 'event'; event: ProviderEvent }>
  /** Authentic, but a snapshot that may be old or say too little: the provider is asked what is true now (`find`). */
  | Readonly<{ kind: 'hint'; type: string; eventId: string; about: OrderHint }>;

/**
 * What a hint names: our order, the provider's checkout, its charge; at least one of them. `refundReference`: a refund of that
 * charge which our books may not know.
 */
export type OrderHint = Readonly<{
  invoiceId: string | null;
  reference: string | null;
  chargeId: string | null;
  refundReference?: string | null;
}>;

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

/** A charge, refund or dispute as the provider's own list has it: the truth reconciliation compares with. */
export type ProviderTransaction = Readonly<{
  chargeId: string;
  /** The provider's id of the refund or dispute; null for a charge. */
  reference: string | null;
  /** `dispute_end`: a dispute that is over. */
  direction: 'charge' | 'refund' | 'dispute' | 'dispute_end';
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

type ProviderErrorOptions = { retryAfterSeconds?: number; mayBeDone?: boolean; cause?: unknown };

/**
 * A call to a provider that did not do what it should. `code` is the provider's own word, safe to log. `mayBeDone`: a
 * refund was sent and not answered, and would be given twice if it were asked for again before that arrives.
 */
export class ProviderError extends Error {
  readonly failure: ProviderFailure;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  readonly mayBeDone: boolean;

  constructor(failure: ProviderFailure, code: string, options: ProviderErrorOptions = {}) {
    super(`${failure}: ${code}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProviderError';
    this.failure = failure;
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.mayBeDone = options.mayBeDone ?? false;
  }
}

/**
 * A refund as it stands in our books. `reference` is the provider's id of it; null while none is known. `isUnsure`: it was asked
 * for and no answer is known, so the provider may have made it all the same.
 */
export type KnownRefund = Readonly<{
  refundId: string;
  chargeId: string;
  reference: string | null;
  status: 'requested' | 'succeeded' | 'failed';
  /** In minor units of its charge. */
  amount: bigint;
  isUnsure: boolean;
}>;

/**
 * An order as a provider can be asked about it. `reference` is its id of the checkout, `chargeId` of the money where that is
 * known. `invoiceId` is null when only a charge is known: its provider says whose it is.
 */
export type AskedOrder = Readonly<{
  invoiceId: string | null;
  reference: string | null;
  chargeId: string | null;
  /** When the order or its charge began. */
  createdAt: Date;
  /**
   * Its charges that stand in our books already, where it is known: what was booked as one sum stays that sum.
   * `goesBackInParts`: a part of it went back, or was asked to. `isDisputed`: it is in question now.
   */
  booked?: ReadonlyArray<Readonly<{ chargeId: string; amount: bigint; goesBackInParts: boolean; isDisputed: boolean }>>;
  /** The refunds of those charges, where it is known. */
  refunds?: ReadonlyArray<KnownRefund>;
  /** A refund that it is asked about, which may be none of those. */
  refundReference?: string | null;
  /** The hold that stands for it. */
  reservation: Readonly<{ chargeId: string; reference: string | null; price: Money }> | null;
}>;

export type RefundRequest = Readonly<{
  /** Ours: the same refund asked for twice is one. */
  refundId: string;
  chargeId: string;
  /** The second id that came with the reservation or charge. */
  reference: string | null;
  invoiceId: string;
  /** Telegram id of who paid, where the provider said it; else of the buyer. Null once they were erased. */
  payerId: bigint | null;
  amount: Money;
  isWhole: boolean;
  /** It was asked for before, and it is not known what came of it: where that would give it twice, it is `declined`. */
  isRepeat: boolean;
  /** All refunds of the order at this provider that our books have, this one too. */
  known: ReadonlyArray<KnownRefund>;
  paidAt: Date;
}>;

/**
 * `pending`: it will be, and an event says when. `reference` is the provider's id of the refund. `claimUrl` is where the
 * buyer says how they want their money; null when they need do nothing.
 */
export type RefundAnswer = Readonly<{ status: 'done' | 'pending'; reference: string | null; claimUrl: string | null }>;

/** How a page of the provider's list is asked for: what happened since then, from a cursor of an earlier page. */
export type ListRequest = Readonly<{ since: Date; cursor: string | null; limit: number }>;

/**
 * A page of the provider's list. Null rows are no sales. `next` leads to the page after it, null at the end. `resume` is a
 * cursor that later runs may begin at once all rows before it are final; null where the list is asked by time.
 */
export type ListPage = Readonly<{
  rows: ReadonlyArray<ProviderTransaction | null>;
  next: string | null;
  resume: string | null;
}>;

/** A stored payment method as its provider describes it: never a number, only what tells it from others. */
export type StoredCard = Readonly<{
  token: string;
  brand: string;
  last4: string;
  /** YYYY-MM; null when the provider does not say. */
  expires: string | null;
}>;

/**
 * How a provider keeps payment methods. The card's data goes from the person to the provider and never through us: on the
 * provider's page (`url`), or by the person's client to the provider's own `endpoint`, which gives it a token.
 */
export interface StoredMethods {
  readonly method: Method;
  readonly currencies: ReadonlyArray<Currency>;
  /**
   * Begins to store one. `id` is ours: asked twice with it, it is one. `returnUrl` holds a secret: it is for the browser in which
   * a card was given, and whoever turns back without one is led to `pageUrl`.
   */
  begin(request: { id: string; pageUrl: string; returnUrl: string; language: string }): Promise<{
    url: string | null;
    reference: string | null;
    /** Where the person's client gets a token, and by which public id; null with a page. */
    client: Readonly<{ endpoint: string; publicId: string }> | null;
  }>;
  /**
   * What came of it: by the page's `reference`, or by the client's `token` (and the code of the SMS where the provider asks
   * for it here). Null while the person has not finished. Throws ProviderError `declined` for a token that is no good.
   */
  confirm(answer: { reference: string | null; token: string | null; code: string | null }): Promise<StoredCard | null>;
  /** Forgets it at the provider. Resolves also when it was forgotten before. */
  remove(token: string): Promise<void>;
}

/**
 * Who takes the money. A provider verifies and translates; it decides nothing and knows no database. All methods that
 * call out throw ProviderError.
 */
export interface Provider {
  readonly id: string;
  readonly accepts: ReadonlyArray<Capability>;
  /** What can be given back by us: nothing (only at the provider), whole charges, or parts of them too. */
  readonly refunds: 'none' | 'whole' | 'parts';
  /** Its protocol has an answer for everything, also for another method than POST and a body that is too long. */
  readonly answersAll?: boolean;
  /**
   * How long a reservation may wait for its capture, and with which code it then ends: null where money that comes for it
   * afterwards is still ours to book. `mayReturnUntold`: captured money may go back at the provider, which says nothing of it
   * and keeps no list, so that it is asked. Absent where the provider takes money in one step.
   */
  readonly reservations?: Readonly<{ lastMs: number; lapseCode: number | null; mayReturnUntold?: true }>;
  /**
   * Asks the provider for a checkout, or charges a stored method. Same `attemptId` twice is one checkout. Throws `declined`
   * with a PaymentFailure as code for a stored method that was refused.
   */
  createCheckout(request: CheckoutRequest): Promise<CheckoutLink>;
  /**
   * Makes a checkout that was opened unpayable. `busy`: somebody has paid there or is about to. Absent where a link cannot
   * be taken back: such a provider asks before it takes money. `voidsTransfer`: also where the payer was told to make a transfer
   * of which nothing has come; `reference` may then be its charge, and what they were told is void.
   */
  closeCheckout?(checkout: { reference: string; voidsTransfer: boolean }): Promise<'closed' | 'busy'>;
  /** Verifies raw bytes (signature, constant time) and translates. Pure. */
  read(request: ProviderRequest, now: Date): ProviderReading;
  /** Translates bytes that were verified when they came and kept since. Pure. */
  readStored(body: Uint8Array, receivedAt: Date): ProviderReading;
  /** Our answer to an inquiry in the provider's words; null when it has none for it, and the refusal is an HTTP status. Pure. */
  reply(inquiry: ProviderInquiry, answer: InquiryAnswer): ProviderReply | null;
  /**
   * What is true of an order or charge now, as the events that lead there, oldest first: payment, refunds, disputes. Applying
   * them again changes nothing. Absent where the provider cannot be asked about one.
   */
  find?(order: AskedOrder): Promise<ReadonlyArray<ProviderEvent>>;
  /** The provider's own list of charges and refunds, a page at a time. Absent where it keeps its list to itself. */
  listTransactions?(request: ListRequest): Promise<ListPage>;
  /** Gives a charge back, or a part of it. Resolves also when it was given back before. */
  refund(request: RefundRequest): Promise<RefundAnswer>;
  /** Keeps payment methods to be charged again. Absent where it keeps none. */
  readonly storedMethods?: StoredMethods;
  /** Stops or resumes the renewal of a subscription known by its first charge. Absent where nothing renews by itself. `payerId` null: they were erased. */
  setRenewal?(subscription: { chargeId: string; payerId: bigint | null; renews: boolean }): Promise<void>;
}

/** What a provider is given of the process it runs in. */
export type ProviderSurroundings = Readonly<{
  clock: () => Date;
  /** Hears each use of a secret that is being replaced; `isOverdue`: after its deadline, and refused. */
  onPreviousSecret: (isOverdue: boolean) => void;
  /** Tells the operator something, once for each text. `about` must hold nothing personal. */
  warn: (text: string, about: string) => void;
}>;

/** How a provider comes into being: the variables that set it up, and what makes it of them; null when it is not set up. */
export type ProviderEntry = Readonly<{
  id: string;
  variables: EnvGroup;
  make(source: EnvSource, surroundings: ProviderSurroundings): Provider | null;
  /** Where a person's browser sends a card itself, past us; null when no cards are stored. Absent where it never does. */
  cardEndpoint?(source: EnvSource): string | null;
}>;
