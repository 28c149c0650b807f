import { formatDecimal } from '../decimal.ts';
import { isAccounted, PRICE_DIGITS, sumsOf, worthOf } from './amounts.ts';
import type { AdditionalStatus, InvoiceRecord, PaymentRecord, SpeedPolicy, Status } from './world.ts';

/** Events of an invoice that its state alone can bring about; `partiallyPaid` belongs to InvoiceExpired. */
export type StatusEvent =
  | { type: 'InvoiceExpired'; partiallyPaid: boolean }
  | { type: 'InvoiceExpiredPaidPartial' | 'InvoicePaidAfterExpiration' }
  | { type: 'InvoiceProcessing' | 'InvoiceSettled'; overPaid: boolean; manuallyMarked?: false }
  | { type: 'InvoiceInvalid'; manuallyMarked: false };

type Standing = Pick<InvoiceRecord, 'status' | 'additional_status' | 'amount'>;

const CONFIRMATIONS: Readonly<Record<SpeedPolicy, number>> = {
  HighSpeed: 0,
  MediumSpeed: 1,
  LowMediumSpeed: 2,
  LowSpeed: 6,
};

/** Blocks a payment needs until it is settled. One that may be replaced is never settled without any. */
export function confirmationsNeeded(invoice: InvoiceRecord, payment: PaymentRecord): number {
  if (payment.payment_method_id === 'BTC-LN') return 0;
  return Math.max(CONFIRMATIONS[invoice.speed_policy], payment.is_rbf ? 1 : 0);
}

/**
 * One round of BTCPay's InvoiceWatcher.UpdateInvoice: the next standing of an invoice and what is announced. To be
 * repeated until nothing changes.
 */
export function nextStanding(invoice: InvoiceRecord, nowMs: number): { standing: Standing; events: StatusEvent[] } {
  const next: InvoiceRecord = { ...invoice };
  const events: StatusEvent[] = [];
  if (next.status === 'New' && next.expires_at_ms <= nowMs) expire(next, events);
  if (next.status === 'New' || next.status === 'Expired') receive(next, events);
  if (next.status === 'Processing') followReplacements(next);
  if (next.status === 'Processing') confirm(next, events, nowMs);
  const { status, additional_status, amount } = next;
  return { standing: { status, additional_status, amount }, events };
}

function expire(next: InvoiceRecord, events: StatusEvent[]): void {
  const partiallyPaid = next.additional_status === 'PaidPartial';
  next.status = 'Expired';
  events.push({ type: 'InvoiceExpired', partiallyPaid });
  if (partiallyPaid) events.push({ type: 'InvoiceExpiredPaidPartial' });
}

function receive(next: InvoiceRecord, events: StatusEvent[]): void {
  const sums = sumsOf(next);
  const isUnsetTopUp = next.type === 'TopUp' && sums.price === 0n;
  const isPaid = isUnsetTopUp ? sums.hasPayment : sums.minimumDue <= 0n;
  if (isPaid && next.status === 'New') {
    next.status = 'Processing';
    // Any first payment is the whole of a top-up.
    const first = next.payments.find(isAccounted);
    if (isUnsetTopUp && first !== undefined) next.amount = formatDecimal(worthOf(next, first), PRICE_DIGITS);
    const overPaid = !isUnsetTopUp && sums.due < 0n;
    next.additional_status = overPaid ? 'PaidOver' : 'None';
    events.push({ type: 'InvoiceProcessing', overPaid });
  } else if (isPaid && next.additional_status !== 'PaidLate') {
    next.additional_status = 'PaidLate';
    events.push({ type: 'InvoicePaidAfterExpiration' });
  }
  if (sums.hasPayment && !isUnsetTopUp && sums.minimumDue > 0n) next.additional_status = 'PaidPartial';
}

/** A payment replaced by its sender, or one more that arrived. */
function followReplacements(next: InvoiceRecord): void {
  const { due, minimumDue, hasPayment } = sumsOf(next);
  const isOver = due < 0n;
  if (next.additional_status === 'PaidOver' && minimumDue <= 0n && !isOver) next.additional_status = 'None';
  if (isOver) next.additional_status = 'PaidOver';
  if (minimumDue <= 0n) return;
  next.status = 'New';
  next.additional_status = hasPayment ? 'PaidPartial' : 'None';
}

function confirm(next: InvoiceRecord, events: StatusEvent[], nowMs: number): void {
  const { minimumDue, unconfirmed } = sumsOf(next);
  if (minimumDue + unconfirmed <= 0n) {
    next.status = 'Settled';
    events.push({ type: 'InvoiceSettled', manuallyMarked: false, overPaid: next.additional_status === 'PaidOver' });
  } else if (next.monitoring_until_ms < nowMs) {
    next.status = 'Invalid';
    events.push({ type: 'InvoiceInvalid', manuallyMarked: false });
  }
}

type State = { status: Status; additional_status: AdditionalStatus };

/** Statuses to which the merchant may set the invoice by hand. */
export function markableStatuses({ status, additional_status: additional }: State): ('Settled' | 'Invalid')[] {
  const isMarked = additional === 'Marked';
  return [
    ...(status !== 'Settled' ? (['Settled'] as const) : []),
    ...(status === 'New' || status === 'Processing' || status === 'Expired' || (isMarked && status !== 'Invalid')
      ? (['Invalid'] as const)
      : []),
  ];
}

/** Whether money of it can be given back. */
export function isRefundable({ status, additional_status: additional }: State): boolean {
  if (status === 'Settled' || status === 'Invalid') return true;
  return status === 'Expired' && ['PaidLate', 'PaidOver', 'PaidPartial'].includes(additional);
}
