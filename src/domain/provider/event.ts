import type { Money } from '#domain/money.ts';
import type { Method } from '#domain/provider/capability.ts';

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
