import { Currency, fromDecimal, type Money, toDecimal } from '#domain/money.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { type PaymentFailure, PLAIN_CHARGE, type Progress, type ProviderEvent } from '#domain/provider/event.ts';
import type { AskedOrder, ProviderTransaction } from '#domain/provider/request.ts';
import type { Invoice, Payment, Payout, PullPayment } from './wire.ts';

/*
 * What is true of an invoice, told as events. Money counts once all of it that came is confirmed: an expired invoice is
 * "paid late" for BTCPay as soon as a payment is seen, and one that is seen can still be replaced.
 */

/**
 * One invoice can be several charges: what was asked has the invoice's own id, what came above it `:excess`; less than was
 * asked is `:partial`, and what came after that was given back `:rest`.
 */
const CHARGE = /^([A-Za-z0-9_-]{1,100})(?::(excess|partial|rest))?$/;

/** The invoice of a charge; null for what is no charge of BTCPay. */
export const invoiceOf = (chargeId: string): string | null => CHARGE.exec(chargeId)?.[1] ?? null;

/**
 * The order that an invoice was made for; null for one that is not ours. A pay button takes `orderId` from whoever presses
 * it; the try is named by nobody but us.
 */
export function orderOf({ metadata }: Pick<Invoice, 'metadata'>): string | null {
  return metadata?.attemptId?.startsWith('att_') ? (metadata.orderId ?? null) : null;
}

/** An invoice with its money in minor units. `missing` and `excess` are never below zero; less than half a unit is nothing. */
type Counted = Readonly<{ price: Money; paid: Money; missing: bigint; excess: bigint }>;

function read(invoice: Invoice): Counted | null {
  const currency = Currency.safeParse(invoice.currency);
  if (!currency.success) return null;
  const toMoney = (text: string) => fromDecimal(text.includes('.') ? text.replace(/\.?0+$/, '') : text, currency.data);
  const [price, paid] = [toMoney(invoice.amount), toMoney(invoice.paidAmount)];
  if (!price || !paid) return null;
  const missing = price.amount - paid.amount;
  return { price, paid, missing: missing > 0n ? missing : 0n, excess: missing < 0n ? -missing : 0n };
}

/** Throws ProviderError `invalid` for amounts that are none of ours: silence would be taken for "not paid". */
export function count(invoice: Invoice): Counted {
  const counted = read(invoice);
  if (!counted) throw new ProviderError('invalid', 'UNREADABLE_AMOUNT');
  return counted;
}

/** Whether more must be known than the invoice itself says: when its payments came, and how sure they are. */
export const needsPayments = ({ additionalStatus, status }: Invoice): boolean =>
  status === 'Settled' || status === 'Invalid' || (status === 'Expired' && additionalStatus !== 'None');

/** A refund of ours: a pull payment that says so, with what was paid of it. */
export type Refund = Readonly<{
  refundId: string;
  chargeId: string;
  amount: Money;
  /** What of it can be claimed: less than the amount where less had come. */
  offered: Money;
  pullPayment: PullPayment;
  payouts: ReadonlyArray<Payout>;
}>;

const DESCRIPTION =
  /^Refund of ([\w:-]{1,120}): (\d+(?:\.\d+)?) ([A-Z]{3})(?:, of which (\d+(?:\.\d+)?) \3 can be claimed)?$/;

/**
 * Ties a pull payment to its charge and says the amount in the order's currency. Whoever claims it reads it, also that
 * less than the amount is offered because less was paid.
 */
export function toDescription(chargeId: string, amount: Money, offered: Money = amount): string {
  const text = `Refund of ${chargeId}: ${toDecimal(amount)} ${amount.currency}`;
  if (offered.amount === amount.amount) return text;
  return `${text}, of which ${toDecimal(offered)} ${offered.currency} can be claimed`;
}

/** What a pull payment gives back; null for one that is no refund of ours. Its name is our id of the refund. */
export function readRefund(pullPayment: PullPayment): Omit<Refund, 'payouts'> | null {
  const [, chargeId, text = '', code, less] = DESCRIPTION.exec(pullPayment.description ?? '') ?? [];
  const currency = Currency.safeParse(code);
  if (chargeId === undefined || !currency.success || !pullPayment.name) return null;
  const amount = fromDecimal(text, currency.data);
  const offered = less === undefined ? amount : fromDecimal(less, currency.data);
  return amount && offered ? { refundId: pullPayment.name, chargeId, amount, offered, pullPayment } : null;
}

type Found = Readonly<{
  invoice: Invoice;
  /** Empty where `needsPayments` is false. */
  payments: ReadonlyArray<Payment>;
  refunds: ReadonlyArray<Refund>;
  /** As the order is asked about. */
  booked: NonNullable<AskedOrder['booked']>;
  invoiceId: string;
  isHeld: boolean;
  now: Date;
}>;

/** The events that lead to what is true now, oldest first. Throws as `count` does. */
export function toEvents(found: Found): ProviderEvent[] {
  const counted = count(found.invoice);
  const money = [
    ...toMoneyEvents(found, counted),
    ...chargesOf(found, counted).map((charge) => succeeded(found, charge)),
  ];
  return [...money, ...found.refunds.flatMap((refund) => toRefundEvents(refund, found))];
}

type Charge = Readonly<{
  chargeId: string;
  paid: Money;
  irregularity: Extract<ProviderEvent, { type: 'payment_succeeded' }>['irregularity'];
}>;

const isSureOf = ({ payments }: Found): boolean => payments.every(({ status }) => status !== 'Processing');

/** How the whole price stands in our books: by what they say, else by a refund of it. Null where it was never booked. */
function bookedWhole({ booked, invoice, refunds }: Found): { isDisputed: boolean } | null {
  const stands = booked.find(({ chargeId }) => chargeId === invoice.id);
  return stands ?? (refunds.some(({ chargeId }) => chargeId === invoice.id) ? { isDisputed: false } : null);
}

/** Whether less than the price came, what was booked as a part and goes back left aside. */
function isShort({ booked, invoice }: Found, { paid, price }: Counted): boolean {
  const parts = booked.filter(
    ({ chargeId }) => chargeId === `${invoice.id}:partial` || chargeId === `${invoice.id}:rest`,
  );
  return parts.reduce((left, { amount }) => left - amount, paid.amount) < price.amount;
}

/** The charges that an invoice's money is, as far as it is sure. */
function chargesOf(found: Found, counted: Counted): Charge[] {
  const { additionalStatus, id, status } = found.invoice;
  const { excess, price } = counted;
  const isSure = isSureOf(found);
  const above = { chargeId: `${id}:excess`, paid: { ...price, amount: excess }, irregularity: null };
  if (status === 'Settled') {
    const isOver = additionalStatus === 'PaidOver' && excess > 0n;
    // Less than the price settles only by the operator's hand.
    const irregularity = isShort(found, counted) ? 'underpaid' : null;
    const whole = { chargeId: id, paid: price, irregularity: isOver ? 'excess' : irregularity } as const;
    return isOver && isSure ? [whole, above] : [whole];
  }
  // What is taken back is no part that somebody sent: it stands in our books as the whole.
  if (bookedWhole(found) && isShort(found, counted)) return [];
  if ((status !== 'Expired' && status !== 'Invalid') || !isSure || counted.paid.amount === 0n) return [];
  const part = partOf(found);
  if (part !== null) return toParts(found.invoice, counted.paid, part);
  if (!isWhole(found.invoice, counted)) return [partial(found.invoice, counted.paid)];
  const whole = { chargeId: id, paid: price, irregularity: 'late' } as const;
  return excess > 0n ? [whole, above] : [whole];
}

const partial = ({ id }: Invoice, paid: Money): Charge => ({ chargeId: `${id}:partial`, paid, irregularity: null });

/** What was taken for a part of the price before, by our books or by the refund that gives it back. */
function partOf({ booked, invoice, refunds }: Found): bigint | null {
  const chargeId = `${invoice.id}:partial`;
  const stands = booked.find((charge) => charge.chargeId === chargeId);
  return stands?.amount ?? refunds.find((refund) => refund.chargeId === chargeId)?.amount.amount ?? null;
}

/** More came after the part had been booked, and goes back like it: together they are no longer the price. */
function toParts(invoice: Invoice, paid: Money, part: bigint): Charge[] {
  const amount = paid.amount - part;
  const rest = { chargeId: `${invoice.id}:rest`, paid: { ...paid, amount }, irregularity: 'late' } as const;
  const before = partial(invoice, { ...paid, amount: part });
  return amount > 0n ? [before, rest] : [before];
}

/**
 * Whether nothing that our books can count is missing. BTCPay counts to the satoshi: what it calls a part may round up to the
 * price, and booked as a part of that sum it would buy the order under a name that the rest does not have.
 */
function isWhole({ additionalStatus, status }: Invoice, { missing }: Counted): boolean {
  const isLate = status === 'Expired' && (additionalStatus === 'PaidLate' || additionalStatus === 'PaidOver');
  return isLate || missing === 0n;
}

function succeeded({ invoiceId, now, payments }: Found, charge: Charge): ProviderEvent {
  const times = payments.filter(({ status }) => status !== 'Invalid').map((payment) => payment.receivedDate.getTime());
  // An invoice says of no moment when it was paid: the last payment was then. One that was marked by hand may have none.
  const occurredAt = times.length === 0 ? now : new Date(Math.max(...times));
  const told = { ...PLAIN_CHARGE, eventId: `payment:${charge.chargeId}`, occurredAt, invoiceId, payerId: null };
  return { type: 'payment_succeeded', ...told, ...charge };
}

/** What is told of an invoice besides the charges that are sure. */
function toMoneyEvents(found: Found, counted: Counted): ProviderEvent[] {
  const { invoice, isHeld, now, payments } = found;
  const isSure = isSureOf(found);
  switch (invoice.status) {
    case 'New':
      if (invoice.additionalStatus === 'PaidPartial') return [pending(found, counted, 'underpaid')];
      // What was seen is gone again (replaced or spent twice): they may still pay here, but nothing holds the order.
      return isHeld ? [failed(found, 'payment_dropped', { isFinal: false, occurredAt: now })] : [];
    case 'Processing':
      return [pending(found, counted, 'confirming')];
    case 'Settled':
      return disputed(found, counted, 'won');
    case 'Expired': {
      const whole = isWhole(invoice, counted);
      if (whole) return isSure ? [] : [pending(found, counted, 'confirming')];
      const failure = invoice.additionalStatus === 'PaidPartial' ? 'underpaid' : 'checkout_expired';
      return [failed(found, failure, { isFinal: true, occurredAt: invoice.expirationTime })];
    }
    case 'Invalid': {
      if (bookedWhole(found)) return disputed(found, counted, outcomeOf(found, counted));
      if (isSure && counted.paid.amount > 0n && counted.missing === 0n) return [];
      // Closed by us or by hand before anything was seen: nobody's payment was dropped.
      const isUntouched = invoice.additionalStatus === 'Marked' && payments.length === 0 && !isHeld;
      const failure = isUntouched ? 'cancelled_by_payer' : 'payment_dropped';
      return [failed(found, failure, { isFinal: true, occurredAt: now })];
    }
  }
}

function pending(
  { invoice, invoiceId, now }: Found,
  { missing, paid, price }: Counted,
  progress: Progress,
): ProviderEvent {
  return {
    type: 'payment_pending',
    eventId: `pending:${invoice.id}:${progress}:${paid.amount}`,
    occurredAt: now,
    invoiceId,
    chargeId: invoice.id,
    price,
    progress,
    // Less than half a unit is shown as one: BTCPay waits for it.
    missing: progress === 'underpaid' ? missing || 1n : null,
    instructionsUrl: invoice.checkoutLink,
  };
}

function failed(
  { invoice, invoiceId }: Found,
  failure: PaymentFailure,
  how: { isFinal: boolean; occurredAt: Date },
): ProviderEvent {
  // What is not final can happen again.
  const eventId = `${failure}:${invoice.id}${how.isFinal ? '' : `:${how.occurredAt.getTime()}`}`;
  const attemptId = invoice.metadata?.attemptId ?? null;
  return { type: 'payment_failed', eventId, invoiceId, chargeId: invoice.id, attemptId, failure, ...how };
}

type Outcome = Extract<ProviderEvent, { type: 'payment_disputed' }>['status'];

/**
 * How an invoice ends that was booked and is invalid now. Only what was marked as settled by hand can become so, and BTCPay
 * forgets that it was: money that is all there was taken for the price, whatever the invoice is called. While some of it is
 * not confirmed the end is open: a payer whose money still comes must not lose what it bought for good.
 */
function outcomeOf(found: Found, counted: Counted): Outcome {
  if (!isSureOf(found)) return 'open';
  return isShort(found, counted) ? 'lost' : 'won';
}

/** The booked price taken back by the operator, which acts like a dispute. Won is told only of one that is open. */
function disputed(found: Found, { price }: Counted, status: Outcome): ProviderEvent[] {
  const { invoice, now } = found;
  const whole = bookedWhole(found);
  if (!whole || (status === 'won' && !whole.isDisputed)) return [];
  const told = { eventId: `disputed:${invoice.id}:${status}`, occurredAt: now, chargeId: invoice.id };
  return [{ type: 'payment_disputed', ...told, reference: `${invoice.id}:invalid`, status, amount: price, fee: 0n }];
}

/** A decimal text at the 28 places .NET can write, to be compared and added exactly in any currency. */
function toUnits(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(28, '0'));
}

/** How a refund ended: paid in full, or taken back. What of it was paid is told while it is still open. */
function toRefundEvents(refund: Refund, { invoiceId, now }: Found): ProviderEvent[] {
  const { amount, chargeId, payouts, pullPayment, refundId } = refund;
  const done = payouts.filter(({ state }) => state === 'Completed');
  const given = done.reduce((sum, payout) => sum + toUnits(payout.originalAmount), 0n);
  const reference = pullPayment.id;
  if (given >= toUnits(pullPayment.amount)) {
    const occurredAt = new Date(Math.max(...done.map(({ date }) => date.getTime())));
    const told = { eventId: `refund:${reference}`, occurredAt, invoiceId, chargeId, payerId: null };
    return [{ type: 'payment_refunded', ...told, paid: amount, reference, refundId }];
  }
  // A pull payment that is topped up has payouts below zero.
  const parts = done
    .filter(({ originalAmount }) => toUnits(originalAmount) > 0n)
    .map((payout) => toPart(refund, payout));
  const isOpen = payouts.some(({ state }) => state !== 'Cancelled' && state !== 'Completed');
  const isExpired = pullPayment.expiresAt ? pullPayment.expiresAt <= now : false;
  if (isOpen || !(pullPayment.archived || isExpired)) return parts;
  const code = pullPayment.archived ? 'pull-payment-archived' : 'pull-payment-expired';
  const told = { eventId: `refund-failed:${reference}`, occurredAt: now, chargeId, reference, refundId };
  // BTCPay hides the payouts of what was archived: it may have been paid before.
  return [...parts, { type: 'refund_failed', ...told, code, undoesDone: false }];
}

/** Rounded up: what is left of the refund is never more than what was not paid. */
function toPart({ chargeId, offered, pullPayment, refundId }: Refund, payout: Payout): ProviderEvent {
  const [paid, whole] = [toUnits(payout.originalAmount), toUnits(pullPayment.amount)];
  const amount = (offered.amount * paid + whole - 1n) / whole;
  const told = { eventId: `refund-part:${payout.id}`, occurredAt: payout.date, chargeId, refundId };
  const parts = { reference: pullPayment.id, part: payout.id, paid: { ...offered, amount } };
  return { type: 'refund_part_paid', ...told, ...parts };
}

/**
 * A refund that somebody made in BTCPay, with the description of ours, as a row of the list. Null for those that we made: what
 * becomes of them is asked for by their own ids.
 */
export function toRefundRow(pullPayment: PullPayment): ProviderTransaction | null {
  const refund = readRefund(pullPayment);
  if (!refund || refund.refundId.startsWith('ref_')) return null;
  const { amount, chargeId } = refund;
  const occurredAt = pullPayment.startsAt;
  const about = { chargeId, reference: pullPayment.id, invoiceId: null, payerId: null, renewalDays: null };
  return { ...about, direction: 'refund', amount, occurredAt };
}

/** The charges of an invoice as rows of the list; none for an invoice whose order or price cannot be ours. */
export function toRows(
  invoice: Invoice,
  payments: ReadonlyArray<Payment>,
  refunds: ReadonlyArray<Refund>,
): ProviderTransaction[] {
  const invoiceId = orderOf(invoice);
  const counted = read(invoice);
  if (invoiceId === null || !counted) return [];
  const found = { invoice, payments, refunds, booked: [], invoiceId, isHeld: false, now: invoice.createdTime };
  return chargesOf(found, counted).map((charge) => ({
    chargeId: charge.chargeId,
    reference: null,
    direction: 'charge',
    amount: charge.paid,
    occurredAt: succeeded(found, charge).occurredAt,
    payerId: null,
    invoiceId,
    renewalDays: null,
  }));
}
