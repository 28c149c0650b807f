import { divideUp, formatDecimal, parseDecimal, unitsOf } from '../decimal.ts';

export type Asset = 'USDT' | 'TON' | 'BTC' | 'ETH';

type AssetFacts = { name: string; decimals: number; isBlockchain: boolean; isStablecoin: boolean; url: string };

/** The coins of this simulator, with the decimals of getCurrencies. */
export const ASSETS: Readonly<Record<Asset, AssetFacts>> = {
  USDT: { name: 'Tether', decimals: 18, isBlockchain: false, isStablecoin: true, url: 'https://tether.to/' },
  TON: { name: 'Toncoin', decimals: 9, isBlockchain: true, isStablecoin: false, url: 'https://ton.org/' },
  BTC: { name: 'Bitcoin', decimals: 8, isBlockchain: true, isStablecoin: false, url: 'https://bitcoin.org/' },
  ETH: { name: 'Ethereum', decimals: 18, isBlockchain: true, isStablecoin: false, url: 'https://ethereum.org/' },
};
export const ASSET_CODES = Object.keys(ASSETS) as readonly Asset[];

/** Fiat currencies an invoice may be priced in, with their value in dollars: units for one dollar. JPY is not among them. */
export const FIAT_PER_USD: Readonly<Record<string, string>> = {
  ...{ USD: '1', EUR: '0.92', RUB: '92.5', BYN: '3.25', UAH: '41.3', GBP: '0.79', CNY: '7.2', KZT: '495' },
  ...{ UZS: '12800', GEL: '2.72', TRY: '34.5', AMD: '388', THB: '34.2', INR: '84.4', BRL: '5.8', IDR: '15900' },
  ...{ AZN: '1.7', AED: '3.6725', PLN: '4.05', ILS: '3.7', KGS: '86.5', TJS: '10.65' },
};
/** Dollars for one coin. */
export const ASSET_USD: Readonly<Record<Asset, string>> = { USDT: '1', TON: '3.25', BTC: '97500', ETH: '3650' };

export const FIAT_DECIMALS = 2;
/** Rates are kept with so many decimals; the product of two has twice as many. */
export const RATE_DECIMALS = 8;

export type Rates = { asset_usd: Readonly<Record<string, string>>; fiat_per_usd: Readonly<Record<string, string>> };

export function isAsset(code: string): code is Asset {
  return Object.hasOwn(ASSETS, code);
}

function rateUnits(text: string | undefined): bigint {
  const units = parseDecimal(text ?? '', RATE_DECIMALS);
  if (units === null || units === 0n) throw new Error(`"${text}" is no rate.`);
  return units;
}

/** Price of one coin in a fiat currency, with twice RATE_DECIMALS. */
function rateOf(rates: Rates, asset: Asset, fiat: string): bigint {
  return rateUnits(rates.asset_usd[asset]) * rateUnits(rates.fiat_per_usd[fiat]);
}

export function rateText(rates: Rates, asset: Asset, fiat: string): string {
  return formatDecimal(rateOf(rates, asset, fiat), 2 * RATE_DECIMALS);
}

/** What a fiat price costs in a coin, rounded up to its smallest unit. */
export function priceInAsset(rates: Rates, amount: string, fiat: string, asset: Asset): string {
  const { decimals } = ASSETS[asset];
  const price = parseDecimal(amount, FIAT_DECIMALS) ?? 0n;
  const dividend = price * unitsOf(decimals + 2 * RATE_DECIMALS - FIAT_DECIMALS);
  return formatDecimal(divideUp(dividend, rateOf(rates, asset, fiat)), decimals);
}

/** The value of coins in dollars, in millionths. */
export function usdMillionths(rates: Rates, asset: Asset, units: bigint): bigint {
  return (units * rateUnits(rates.asset_usd[asset]) * 1_000_000n) / unitsOf(ASSETS[asset].decimals + RATE_DECIMALS);
}

export function toUnits(asset: Asset, amount: string): bigint | null {
  return parseDecimal(amount, ASSETS[asset].decimals);
}

export function toText(asset: Asset, units: bigint): string {
  return formatDecimal(units, ASSETS[asset].decimals);
}
