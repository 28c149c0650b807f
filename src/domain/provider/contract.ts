import type { Reason } from '#domain/errors.ts';
import type { Currency } from '#domain/money.ts';
import type { Capability, Method } from '#domain/provider/capability.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { InquiryAnswer, ProviderInquiry } from '#domain/provider/inquiry.ts';
import type {
  AskedOrder,
  CheckoutLink,
  CheckoutRequest,
  ListPage,
  ListRequest,
  RefundAnswer,
  RefundRequest,
} from '#domain/provider/request.ts';
import type { EnvGroup, EnvSource } from '#lib/env-group.ts';

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

export type ProviderReply = Readonly<{ status: number; contentType: string; body: string }>;

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
