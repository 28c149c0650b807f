import {
  type CatalogPlan,
  type CatalogPrice,
  type CatalogProduct,
  getPlan,
  getPrice,
  listCatalog,
} from '#domain/catalog/list-catalog.ts';
import type { Interval } from '#domain/catalog/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { Currency } from '#domain/money.ts';

/** A price with what it buys. */
export type Item = Readonly<{ product: CatalogProduct; plan: CatalogPlan; price: CatalogPrice }>;

export type ItemWish = Readonly<{
  /** Id of a price, id or code of a plan, or id or code of a product with one plan (a plugin). */
  itemId: string;
  itemType?: 'plan' | 'plugin' | undefined;
  amount?: bigint | undefined;
  currency: Currency;
  interval?: Interval | undefined;
}>;

/**
 * Finds what is to be bought and holds it against the catalogue: what the caller believes to cost must be what it costs.
 * Throws `not_found plan_not_found | price_not_found`, `precondition_failed plan_not_for_sale | currency_mismatch |
 * amount_mismatch`.
 */
export async function findItem(ctx: Ctx, wish: ItemWish): Promise<Item> {
  const item = wish.itemId.startsWith('prc_') ? await getPrice(ctx, wish.itemId) : await findByPlan(ctx, wish);
  requireKind(item.product, wish);
  const { price } = item;
  if (price.currency !== wish.currency) throw new AppError('precondition_failed', 'currency_mismatch');
  if (wish.interval && price.interval !== wish.interval) throw new AppError('not_found', 'price_not_found');
  if (wish.amount !== undefined && price.amount !== wish.amount) throw mismatch(price);
  return item;
}

async function findByPlan(ctx: Ctx, wish: ItemWish): Promise<Item> {
  const sold = (await findSinglePlan(ctx, wish)) ?? (await getPlan(ctx, wish.itemId));
  requireKind(sold.product, wish);
  return { ...sold, price: choosePrice(sold.plan.prices, wish) };
}

const KINDS = { plan: 'plan_line', plugin: 'plugin' } as const;

function requireKind(product: CatalogProduct, { itemType }: ItemWish): void {
  if (itemType && product.kind !== KINDS[itemType]) throw new AppError('not_found', 'plan_not_found');
}

/** A product named as such: by its id, or by its code where a plugin is asked for. */
async function findSinglePlan(ctx: Ctx, { itemId, itemType }: ItemWish): Promise<Omit<Item, 'price'> | null> {
  if (!itemId.startsWith('prd_') && itemType !== 'plugin') return null;
  const product = (await listCatalog(ctx)).find((candidate) => candidate.id === itemId || candidate.code === itemId);
  const [plan, ...others] = product?.plans ?? [];
  return product && plan && others.length === 0 ? { product, plan } : null;
}

/** The price a wish means: by currency, then by interval or amount. Without either, the shortest interval. */
export function choosePrice(
  prices: ReadonlyArray<CatalogPrice>,
  wish: Pick<ItemWish, 'amount' | 'currency' | 'interval'>,
): CatalogPrice {
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

function mismatch(price: CatalogPrice): AppError {
  const details = { expectedAmount: price.amount.toString(), currency: price.currency };
  return new AppError('precondition_failed', 'amount_mismatch', { details });
}
