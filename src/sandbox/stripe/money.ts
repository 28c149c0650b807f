import type { StripeLanguage } from './texts.ts';

const ZERO_DECIMAL: ReadonlySet<string> = new Set(
  'bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf'.split(' '),
);
/** In minor units. That of JPY is not documented in a page that could be read: see the README. */
const LEAST: Readonly<Record<string, number>> = { usd: 50, eur: 50, jpy: 50, gbp: 30 };
export const LARGEST_AMOUNT = 99_999_999;

/** What Stripe takes of a charge: so many per mille and a fixed part in minor units. */
const FEES: Readonly<Record<string, { perMille: number; fixed: number }>> = {
  usd: { perMille: 29, fixed: 30 },
  eur: { perMille: 29, fixed: 25 },
  jpy: { perMille: 36, fixed: 0 },
};

/** What a dispute costs, in minor units. */
export const DISPUTE_FEE = 1_500;

/** The smallest amount that can be charged, in minor units. */
export function leastAmount(currency: string): number {
  return LEAST[currency] ?? 1;
}

/** The fee of a charge, rounded half up, in minor units. */
export function feeOf(amount: number, currency: string): number {
  const { perMille, fixed } = FEES[currency] ?? { perMille: 29, fixed: 0 };
  return Math.floor((amount * perMille + 500) / 1000) + fixed;
}

/** An amount of minor units as a payer reads it: ￥980, $12.00. */
export function formatMoney(amount: number, currency: string, language: StripeLanguage): string {
  const digits = ZERO_DECIMAL.has(currency) ? 0 : 2;
  return new Intl.NumberFormat(language === 'ja' ? 'ja-JP' : 'en-US', {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits);
}
