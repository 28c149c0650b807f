import { divideUp, formatDecimal, parseDecimal, unitsOf } from '../decimal.ts';
import type { InvoiceRecord, MethodId, PaymentRecord, Prompt } from './world.ts';

export const COIN_DIGITS = 8;
const RATE_DIGITS = 8;
/** Prices and sums of an invoice are exact in its currency: a coin amount times a rate. */
export const PRICE_DIGITS = COIN_DIGITS + RATE_DIGITS;
const DIGITS_OF: Readonly<Record<string, number>> = { JPY: 0, SATS: 0, BTC: 8 };
const PERCENT_DIGITS = 4;

/** Decimals of a currency: 2 unless it is known to have others. */
export function digitsOf(currency: string): number {
  return DIGITS_OF[currency] ?? 2;
}

export function coinUnits(text: string): bigint {
  return parseDecimal(text, COIN_DIGITS) ?? 0n;
}

export function coinText(units: bigint): string {
  return formatDecimal(units, COIN_DIGITS);
}

export function rateUnits(text: string): bigint {
  const units = parseDecimal(text, RATE_DIGITS);
  if (units === null || units === 0n) throw new Error(`"${text}" is no rate.`);
  return units;
}

/** What the invoice stands at, in its currency (PRICE_DIGITS). */
export type Sums = {
  price: bigint;
  /** Everything that arrived and was not replaced, confirmed or not. */
  paid: bigint;
  /** The part of it that is not settled. */
  unconfirmed: bigint;
  /** Below 0 when too much was paid. */
  due: bigint;
  /** What is missing until it counts as paid. */
  minimumDue: bigint;
  hasPayment: boolean;
};

export function isAccounted({ status }: PaymentRecord): boolean {
  return status !== 'Invalid';
}

/** As BTCPay's InvoiceEntity.UpdateTotals. */
export function sumsOf(invoice: InvoiceRecord): Sums {
  const accounted = invoice.payments.filter(isAccounted);
  const price = parseDecimal(invoice.amount, PRICE_DIGITS) ?? 0n;
  const paid = total(invoice, accounted);
  const whole = unitsOf(PERCENT_DIGITS) * 100n;
  const tolerance = parseDecimal(invoice.tolerance, PERCENT_DIGITS) ?? 0n;
  const net = price - paid;
  return {
    price,
    paid,
    unconfirmed: total(
      invoice,
      accounted.filter(({ status }) => status === 'Processing'),
    ),
    // A surplus smaller than the smallest coin comes from rounding, and is none.
    due: net < 0n && invoice.prompts.some((prompt) => toCoins(net, prompt) === 0n) ? 0n : net,
    minimumDue: divideUp(price * (whole - tolerance), whole) - paid,
    hasPayment: accounted.length > 0,
  };
}

function total(invoice: InvoiceRecord, payments: readonly PaymentRecord[]): bigint {
  return payments.reduce((sum, payment) => sum + worthOf(invoice, payment), 0n);
}

/** The worth of a payment in the currency of its invoice (PRICE_DIGITS). */
export function worthOf(invoice: InvoiceRecord, { payment_method_id: method, value }: PaymentRecord): bigint {
  return coinUnits(value) * rateUnits(promptOf(invoice, method)?.rate ?? '');
}

export function promptOf(invoice: InvoiceRecord, method: MethodId): Prompt | undefined {
  return invoice.prompts.find((prompt) => prompt.method === method);
}

/** An amount of PRICE_DIGITS in coins (COIN_DIGITS), rounded up. */
export function toCoins(amount: bigint, { rate }: Prompt): bigint {
  return divideUp(amount, rateUnits(rate));
}

/** What a way to pay shows, in coins. As BTCPay's PaymentPrompt.Calculate; there are no fees here. */
export type Accounting = { total: bigint; paid: bigint; methodPaid: bigint; due: bigint };

export function accountingOf(invoice: InvoiceRecord, prompt: Prompt): Accounting {
  const { price, paid, due } = sumsOf(invoice);
  return {
    total: toCoins(price, prompt),
    paid: toCoins(paid, prompt),
    methodPaid: invoice.payments
      .filter((payment) => isAccounted(payment) && payment.payment_method_id === prompt.method)
      .reduce((sum, { value }) => sum + coinUnits(value), 0n),
    due: toCoins(due, prompt),
  };
}
