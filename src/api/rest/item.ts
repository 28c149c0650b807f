import type { Interval } from '#domain/catalog/rules.ts';
import type { LoadedCheckout, LoadedPrice } from '#domain/checkout/load.ts';
import { AppError } from '#domain/errors.ts';
import type { Currency } from '#domain/money.ts';

export type ItemWish = Readonly<{
  /** Id of a price, id or code of a plan, or id or code of a product with one plan (a plugin). */
  itemId: string;
  itemType?: 'plan' | 'plugin' | undefined;
  amount?: bigint | undefined;
  currency: Currency;
  interval?: Interval | undefined;
}>;

const KINDS = { plan: 'plan_line', plugin: 'plugin' } as const;

/**
 * The price that is to be bought, held against the catalogue: what the caller believes to cost must be what it costs.
 * Throws `not_found plan_not_found | price_not_found`, `precondition_failed plan_not_for_sale | currency_mismatch |
 * amount_mismatch`.
 */
export function chooseItem(loaded: LoadedCheckout | null, wish: ItemWish): LoadedPrice {
  const isPrice = wish.itemId.startsWith('prc_');
  if (!loaded) throw new AppError('not_found', isPrice ? 'price_not_found' : 'plan_not_found');
  if (wish.itemType && loaded.product.kind !== KINDS[wish.itemType]) throw new AppError('not_found', 'plan_not_found');
  if (!loaded.product.isPublished) throw new AppError('precondition_failed', 'plan_not_for_sale');
  const sold = loaded.prices.filter((price) => price.isActive && (!isPrice || price.id === wish.itemId));
  return choosePrice(sold, wish);
}

/** The price a wish means: by currency, then by interval or amount. Without either, the shortest interval. */
export function choosePrice<Price extends Pick<LoadedPrice, 'amount' | 'currency' | 'interval'>>(
  prices: ReadonlyArray<Price>,
  wish: Pick<ItemWish, 'amount' | 'currency' | 'interval'>,
): Price {
  if (prices.length === 0) throw new AppError('precondition_failed', 'plan_not_for_sale');
  const inCurrency = prices.filter((price) => price.currency === wish.currency);
  if (inCurrency.length === 0) throw new AppError('precondition_failed', 'currency_mismatch');
  const inInterval = inCurrency.filter((price) => !wish.interval || price.interval === wish.interval);
  const [first] = inInterval;
  if (!first) throw new AppError('not_found', 'price_not_found');
  const match = wish.amount === undefined ? first : inInterval.find((price) => price.amount === wish.amount);
  if (!match) throw mismatch(first);
  return match;
}

function mismatch(price: Pick<LoadedPrice, 'amount' | 'currency'>): AppError {
  const details = { expectedAmount: price.amount.toString(), currency: price.currency };
  return new AppError('precondition_failed', 'amount_mismatch', { details });
}
