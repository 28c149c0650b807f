import type { Money } from '#domain/money.ts';
import type { Method } from '#domain/provider/capability.ts';

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
