import type { z } from 'zod';
import { type Interval, PlanLimits, PlanTexts, ProductTexts } from '#domain/catalog/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { Currency } from '#domain/money.ts';
import type { Prisma } from '#lib/generated/prisma/client.ts';

export type CatalogPrice = Readonly<{ id: string; amount: bigint; currency: Currency; interval: Interval }>;
export type CatalogPlan = Readonly<{
  id: string;
  code: string;
  rank: number;
  texts: z.infer<typeof PlanTexts>;
  limits: PlanLimits;
  prices: ReadonlyArray<CatalogPrice>;
}>;
export type CatalogProduct = Readonly<{
  id: string;
  code: string;
  kind: 'plan_line' | 'plugin';
  fulfilment: 'digital' | 'physical';
  texts: z.infer<typeof ProductTexts>;
  developerUserId: string | null;
  platformFeeBps: number | null;
  plans: ReadonlyArray<CatalogPlan>;
}>;

/** A catalogue is a page, not a list to walk: more products than this are not shown at once. */
const MAX_PRODUCTS = 200;

const WITH_PLANS = {
  plans: {
    orderBy: { rank: 'asc' },
    include: { prices: { where: { isActive: true }, orderBy: [{ currency: 'asc' }, { interval: 'asc' }] } },
  },
} satisfies Prisma.ProductInclude;
type ProductRow = Prisma.ProductGetPayload<{ include: typeof WITH_PLANS }>;

/** Everything that is for sale: lines of plans first, then plugins, each in its position. */
export async function listCatalog(ctx: Ctx): Promise<CatalogProduct[]> {
  const rows = await ctx.db.product.findMany({
    where: { status: 'published' },
    orderBy: [{ kind: 'asc' }, { position: 'asc' }, { id: 'asc' }],
    take: MAX_PRODUCTS,
    include: WITH_PLANS,
  });
  return rows.map(toCatalogProduct);
}

// One product with its plans and their prices, for checkout: the model API would ask four times.
const productOf = (name: string, plan: string) => ({
  name,
  text: `
    SELECT plan.id AS "planId", p.status, p.id, p.code, p.kind, p.fulfilment, p.texts,
      p.developer_user_id AS "developerUserId", p.platform_fee_bps AS "platformFeeBps",
      (SELECT json_agg(json_build_object('id', q.id, 'code', q.code, 'rank', q.rank, 'texts', q.texts, 'limits', q.limits,
        'prices', (SELECT coalesce(json_agg(json_build_object('id', pr.id, 'amount', pr.amount::text, 'currency', pr.currency,
          'interval', pr."interval") ORDER BY pr.currency, pr."interval"), '[]') FROM price pr WHERE pr.plan_id = q.id AND pr.is_active))
        ORDER BY q.rank) FROM plan q WHERE q.product_id = p.id) AS plans
    FROM plan JOIN product p ON p.id = plan.product_id
    WHERE ${plan}`,
});
const BY_PLAN = productOf('find_product_by_plan', 'plan.id = $1 OR plan.code = $1');
const BY_PRICE = productOf('find_product_by_price', 'plan.id = (SELECT plan_id FROM price WHERE id = $1)');

type JsonPrice = Readonly<{ id: string; amount: string; currency: string; interval: Interval }>;
type JsonPlan = Omit<ProductRow['plans'][number], 'prices'> & Readonly<{ prices: ReadonlyArray<JsonPrice> }>;
type FoundProduct = Omit<ProductRow, 'plans'> & Readonly<{ planId: string; plans: ReadonlyArray<JsonPlan> }>;

async function findProduct(
  ctx: Ctx,
  query: typeof BY_PLAN,
  key: string,
): Promise<{ product: CatalogProduct; plan: CatalogPlan; isPublished: boolean } | null> {
  const { rows } = await ctx.pool.query<FoundProduct>({ ...query, values: [key] });
  const [row] = rows;
  if (!row) return null;
  const product = toCatalogProduct({
    ...row,
    plans: row.plans.map((plan) => ({
      ...plan,
      prices: plan.prices.map((price) => ({ ...price, amount: BigInt(price.amount) })),
    })),
  });
  const plan = product.plans.find(({ id }) => id === row.planId);
  return plan ? { product, plan, isPublished: row.status === 'published' } : null;
}

/** A plan by its id or code, with its product, also when it is no longer sold. Throws `not_found plan_not_found`. */
export async function getPlan(ctx: Ctx, idOrCode: string): Promise<{ product: CatalogProduct; plan: CatalogPlan }> {
  const found = await findProduct(ctx, BY_PLAN, idOrCode);
  if (!found) throw new AppError('not_found', 'plan_not_found');
  return { product: found.product, plan: found.plan };
}

/** Plans with their products by id, for lists that name them; ids that do not exist are left out. */
export async function getPlans(
  ctx: Ctx,
  planIds: ReadonlyArray<string>,
): Promise<Map<string, { product: CatalogProduct; plan: CatalogPlan }>> {
  const rows = await ctx.db.product.findMany({
    where: { plans: { some: { id: { in: [...new Set(planIds)] } } } },
    include: WITH_PLANS,
  });
  const products = rows.map(toCatalogProduct);
  return new Map(products.flatMap((product) => product.plans.map((plan) => [plan.id, { product, plan }] as const)));
}

/** An active price of a published product. Throws `not_found price_not_found`, `precondition_failed plan_not_for_sale`. */
export async function getPrice(
  ctx: Ctx,
  priceId: string,
): Promise<{ product: CatalogProduct; plan: CatalogPlan; price: CatalogPrice }> {
  const found = await findProduct(ctx, BY_PRICE, priceId);
  if (!found) throw new AppError('not_found', 'price_not_found');
  const price = found.plan.prices.find(({ id }) => id === priceId);
  if (!price || !found.isPublished) throw new AppError('precondition_failed', 'plan_not_for_sale');
  return { product: found.product, plan: found.plan, price };
}

/** What a product needs to be presented, however it was read. */
type ReadProduct = Readonly<
  Pick<ProductRow, 'id' | 'code' | 'kind' | 'fulfilment' | 'texts' | 'developerUserId' | 'platformFeeBps'> & {
    plans: ReadonlyArray<
      Pick<ProductRow['plans'][number], 'id' | 'code' | 'rank' | 'texts' | 'limits'> & {
        prices: ReadonlyArray<{ id: string; amount: bigint; currency: string; interval: Interval }>;
      }
    >;
  }
>;

function toCatalogProduct(row: ReadProduct): CatalogProduct {
  return {
    id: row.id,
    code: row.code,
    kind: row.kind,
    fulfilment: row.fulfilment,
    texts: ProductTexts.parse(row.texts),
    developerUserId: row.developerUserId,
    platformFeeBps: row.platformFeeBps,
    plans: row.plans.map((plan) => ({
      id: plan.id,
      code: plan.code,
      rank: plan.rank,
      texts: PlanTexts.parse(plan.texts),
      limits: PlanLimits.parse(plan.limits),
      prices: plan.prices.map((price) => ({
        id: price.id,
        amount: price.amount,
        currency: Currency.parse(price.currency),
        interval: price.interval,
      })),
    })),
  };
}
