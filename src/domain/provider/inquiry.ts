import type { Reason } from '#domain/errors.ts';
import type { Money } from '#domain/money.ts';

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
