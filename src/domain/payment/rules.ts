import { accessEnd, type Interval } from '#domain/catalog/rules.ts';
import type { Reason } from '#domain/errors.ts';
import type { Subject } from '#domain/identity/rules.ts';
import { type Entry, entriesForPayment } from '#domain/ledger/rules.ts';
import type { Currency, Money } from '#domain/money.ts';
import type { Capability, Method, ProcessorFee } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { type RevenueSplit, splitRevenue } from '#domain/revenue/rules.ts';
import { renewalPeriod, type SubscriptionStatus } from '#domain/subscription/rules.ts';

export const PAYMENT_STATUSES = ['succeeded', 'refunding', 'refunded', 'disputed', 'charged_back'] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

export type PaymentStatusEvent =
  | 'refund_requested'
  /** Some of it went back; `refund_completed`: the last of it did. */
  | 'part_refunded'
  | 'refund_completed'
  | 'refund_failed'
  | 'dispute_opened'
  | 'dispute_won'
  | 'dispute_lost';

/** status × event → status for money we took. Refunds and disputes may come from the provider without our asking. */
const TRANSITIONS: Record<PaymentStatus, Partial<Record<PaymentStatusEvent, PaymentStatus>>> = {
  succeeded: {
    refund_requested: 'refunding',
    part_refunded: 'succeeded',
    refund_completed: 'refunded',
    // A part that went back came to nothing afterwards.
    refund_failed: 'succeeded',
    dispute_opened: 'disputed',
    dispute_lost: 'charged_back',
  },
  refunding: {
    part_refunded: 'succeeded',
    refund_completed: 'refunded',
    refund_failed: 'succeeded',
    dispute_opened: 'disputed',
    dispute_lost: 'charged_back',
  },
  // A bank may send a refund back days after it was done: then nothing was given back.
  refunded: { refund_failed: 'succeeded' },
  disputed: {
    part_refunded: 'disputed',
    refund_completed: 'refunded',
    refund_failed: 'disputed',
    dispute_won: 'succeeded',
    dispute_lost: 'charged_back',
  },
  // What a lost dispute left may still go back, by a refund or another dispute: it is booked, and the right stays gone.
  charged_back: {
    part_refunded: 'charged_back',
    refund_completed: 'charged_back',
    refund_failed: 'charged_back',
    dispute_lost: 'charged_back',
  },
};

/** The state after an event, or null when the event does not apply in this state. */
export function nextPaymentStatus(status: PaymentStatus, event: PaymentStatusEvent): PaymentStatus | null {
  return TRANSITIONS[status][event] ?? null;
}

/** Where a payment that would stand again really stands: what else is open about it keeps it from that. */
export function standingStatus(
  next: PaymentStatus,
  open: Readonly<{ disputes: number; refunds: number }>,
): PaymentStatus {
  if (next !== 'succeeded') return next;
  if (open.disputes > 0) return 'disputed';
  return open.refunds > 0 ? 'refunding' : 'succeeded';
}

/** In these states the buyer does not have what was paid for. */
export function takesRight(status: PaymentStatus): boolean {
  return status === 'refunded' || status === 'disputed' || status === 'charged_back';
}

/** The order a charge names, as it stands now. */
export type SettlingOrder = Readonly<{
  kind: 'one_time' | 'subscription';
  interval: Interval;
  status: 'open' | 'paid' | 'expired' | 'cancelled';
  price: Money;
  /** Null once they were erased. */
  buyer: Subject | null;
  platformFeeBps: number;
  developerUserId: string | null;
  /** The subscription this order started. `firstPeriodStart` is null while its first charge is not known. */
  subscription: Readonly<{
    id: string;
    status: SubscriptionStatus;
    currentPeriodEnd: Date;
    firstPeriodStart: Date | null;
  }> | null;
  /** The buyer has another renewing subscription to the same plan. */
  hasOtherRenewing: boolean;
  /** The buyer owns the plan for good. */
  hasLastingRight: boolean;
  /** When the buyer's paid time of this plan ends, null when none is running. */
  paidTimeEnd: Date | null;
  /** Nobody here knows any more what it was for: it was paid once, or it was over long ago. */
  isForgotten: boolean;
}>;

export type SettlingCharge = Readonly<{
  /** Null when the provider does not know its payers: then it is the buyer. */
  payer: Subject | null;
  paid: { amount: bigint; currency: string };
  occurredAt: Date;
  renewal: 'none' | 'first' | 'renewal' | 'unknown';
  paidUntil: Date | null;
  renewalDays: number | null;
}>;

const NO_FEE: ProcessorFee = { bps: 0, fixed: 0n, network: false, isKept: false };

export type Period = Readonly<{ start: Date; end: Date | null }>;
export type PaymentVerdict =
  | Readonly<{ kind: 'one_time' | 'first' | 'renewal'; period: Period }>
  | Readonly<{ kind: 'surplus'; reason: Reason }>;

const DEFAULT_RENEWAL_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * What a charge is for. Money that came for a closed but unpaid order is honoured: the person paid the price they were
 * shown, as long as it is known what that was for. Money that nothing is owed for is surplus and goes back. The verdict
 * depends on facts that do not change with the order of arrival, so a late, lost or repeated message ends in the same state.
 */
export function judgePayment(order: SettlingOrder, charge: SettlingCharge): PaymentVerdict {
  // Nobody is left to whom anything could be given for it.
  if (order.buyer === null) return { kind: 'surplus', reason: 'buyer_erased' };
  if (charge.payer !== null && charge.payer !== order.buyer) return { kind: 'surplus', reason: 'payer_is_not_buyer' };
  if (charge.paid.currency !== order.price.currency) return { kind: 'surplus', reason: 'currency_mismatch' };
  if (charge.paid.amount !== order.price.amount) return { kind: 'surplus', reason: 'amount_mismatch' };
  return order.kind === 'one_time' ? judgeOneTime(order, charge) : judgeSubscriptionCharge(order, charge);
}

function judgeOneTime(order: SettlingOrder, charge: SettlingCharge): PaymentVerdict {
  if (order.status === 'paid') return { kind: 'surplus', reason: 'invoice_already_paid' };
  if (order.isForgotten) return { kind: 'surplus', reason: 'invoice_expired' };
  if (order.interval === 'once' && order.hasLastingRight) return { kind: 'surplus', reason: 'already_owned' };
  // Time bought while time is left is added to it: nothing paid for is lost.
  const start = order.paidTimeEnd && order.paidTimeEnd > charge.occurredAt ? order.paidTimeEnd : charge.occurredAt;
  return { kind: 'one_time', period: { start, end: accessEnd(start, order.interval) } };
}

function judgeSubscriptionCharge(order: SettlingOrder, charge: SettlingCharge): PaymentVerdict {
  if (order.isForgotten) return { kind: 'surplus', reason: 'invoice_expired' };
  const days = charge.renewalDays ?? DEFAULT_RENEWAL_DAYS;
  const { subscription } = order;
  const period = renewalPeriod(
    { paidUntil: charge.paidUntil, occurredAt: charge.occurredAt, days },
    subscription?.currentPeriodEnd ?? null,
  );
  if (charge.renewal === 'renewal') {
    if (order.hasOtherRenewing && subscription?.status !== 'active')
      return { kind: 'surplus', reason: 'already_subscribed' };
    return { kind: 'renewal', period };
  }
  const firstStart = subscription?.firstPeriodStart ?? null;
  // The provider's list does not say which charge this is: one for a later period than the first is a renewal.
  if (
    charge.renewal === 'unknown' &&
    firstStart &&
    period.start.getTime() - firstStart.getTime() > (days * DAY_MS) / 2
  ) {
    if (order.hasOtherRenewing && subscription?.status !== 'active')
      return { kind: 'surplus', reason: 'already_subscribed' };
    return { kind: 'renewal', period };
  }
  if (firstStart) return { kind: 'surplus', reason: 'invoice_already_paid' };
  if (!subscription && order.hasOtherRenewing) return { kind: 'surplus', reason: 'already_subscribed' };
  const start = charge.paidUntil ? period.start : charge.occurredAt;
  return { kind: 'first', period: { start, end: charge.paidUntil ?? new Date(start.getTime() + days * DAY_MS) } };
}

/**
 * The parts of a charge and its legs in the books. Surplus is held by the platform until it goes back: nobody earns on it,
 * and it counts as without a fee until the provider says otherwise.
 */
export function bookPayment(
  charge: Readonly<{
    providerId: string;
    paid: Money;
    verdict: PaymentVerdict;
    order: Pick<SettlingOrder, 'platformFeeBps' | 'developerUserId'>;
    /** The provider's fee table, and what it says it kept of this charge; null where it has none or does not say. */
    processor: ProcessorFee | null;
    keptFee: bigint | null;
  }>,
): { split: RevenueSplit; developerUserId: string | null; entries: Entry[] } {
  const isSurplus = charge.verdict.kind === 'surplus';
  const developerUserId = isSurplus ? null : charge.order.developerUserId;
  const table = isSurplus ? NO_FEE : (charge.processor ?? NO_FEE);
  const processor = charge.keptFee === null ? table : { ...NO_FEE, fixed: charge.keptFee };
  const split = splitRevenue(charge.paid, {
    processor,
    platformFeeBps: charge.order.platformFeeBps,
    hasDeveloper: developerUserId !== null,
  });
  const entries = entriesForPayment({
    providerId: charge.providerId,
    currency: charge.paid.currency,
    amount: charge.paid.amount,
    developerUserId,
    ...split,
  });
  return { split, developerUserId, entries };
}

/** What a provider accepts a charge as; the first of its methods in the currency where it is not known how it was paid. */
export function acceptedAs(
  provider: Pick<Provider, 'accepts'> | undefined,
  { currency, method }: Readonly<{ currency: Currency; method: Method | null }>,
): Capability | undefined {
  const inCurrency = provider?.accepts.filter((capability) => capability.currency === currency) ?? [];
  return inCurrency.find((capability) => capability.method === method) ?? inCurrency[0];
}
