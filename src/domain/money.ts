import { z } from 'zod';

/** Digits after the point of each currency's minor unit. ETH counts gwei: wei would overflow a 64-bit integer. */
export const CURRENCY_EXPONENTS = { XTR: 0, JPY: 0, USD: 2, EUR: 2, UZS: 2, BTC: 8, ETH: 9 } as const;

export const CURRENCIES = Object.keys(CURRENCY_EXPONENTS) as ReadonlyArray<Currency>;
export type Currency = keyof typeof CURRENCY_EXPONENTS;
export const Currency = z.enum(['XTR', 'JPY', 'USD', 'EUR', 'UZS', 'BTC', 'ETH']);

/** An exact amount in minor units of its currency. */
export type Money = Readonly<{ amount: bigint; currency: Currency }>;

/** Basis points: 10,000 are the whole. */
export const WHOLE_BPS = 10_000;

/** Sums amounts of one currency. Throws a RangeError on mixed currencies: that is a bug, never an input. */
export function addMoney(first: Money, ...rest: ReadonlyArray<Money>): Money {
  let amount = first.amount;
  for (const next of rest) {
    if (next.currency !== first.currency) throw new RangeError(`cannot add ${next.currency} to ${first.currency}`);
    amount += next.amount;
  }
  return { amount, currency: first.currency };
}

/**
 * Splits `amount` minor units by integer weights so that the parts sum to the whole (largest remainder; ties go to the
 * earlier part). Throws a RangeError for a negative amount or weights that do not sum to more than zero.
 */
export function allocate(amount: bigint, weights: ReadonlyArray<number>): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (amount < 0n || total <= 0 || weights.some((weight) => weight < 0 || !Number.isInteger(weight)))
    throw new RangeError('allocate needs an amount >= 0 and whole weights >= 0 with a positive sum');
  const whole = BigInt(total);
  const shares = weights.map((weight, index) => {
    const product = amount * BigInt(weight);
    return { index, part: product / whole, remainder: product % whole };
  });
  let left = amount - shares.reduce((sum, share) => sum + share.part, 0n);
  const byRemainder = [...shares].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  for (const share of byRemainder) {
    if (left === 0n) break;
    share.part += 1n;
    left -= 1n;
  }
  return shares.map((share) => share.part);
}

/** Writes minor units as a plain decimal with all digits of the currency: 999n USD -> "9.99", 150n XTR -> "150". */
export function toDecimal({ amount, currency }: Money): string {
  const exponent = CURRENCY_EXPONENTS[currency];
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * Reads a plain decimal ("9.99", "150") into minor units, or null when it is not one, has more digits than the currency
 * or does not fit a signed 64-bit integer.
 */
export function fromDecimal(text: string, currency: Currency): Money | null {
  const match = /^(\d{1,19})(?:\.(\d{1,18}))?$/.exec(text);
  if (!match) return null;
  const exponent = CURRENCY_EXPONENTS[currency];
  const fraction = match[2] ?? '';
  if (fraction.length > exponent) return null;
  const amount = BigInt(match[1] + fraction.padEnd(exponent, '0'));
  return amount > 9_223_372_036_854_775_807n ? null : { amount, currency };
}
