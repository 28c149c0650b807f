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

/** A plan by its id or code, with its product, also when it is no longer sold. Throws `not_found plan_not_found`. */
export async function getPlan(ctx: Ctx, idOrCode: string): Promise<{ product: CatalogProduct; plan: CatalogPlan }> {
  const found = await ctx.db.plan.findFirst({
    where: { OR: [{ id: idOrCode }, { code: idOrCode }] },
    include: { product: { include: WITH_PLANS } },
  });
  const product = found && toCatalogProduct(found.product);
  const plan = product?.plans.find(({ id }) => id === found?.id);
  if (!product || !plan) throw new AppError('not_found', 'plan_not_found');
  return { product, plan };
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
  const found = await ctx.db.price.findUnique({
    where: { id: priceId },
    include: { plan: { include: { product: { include: WITH_PLANS } } } },
  });
  if (!found) throw new AppError('not_found', 'price_not_found');
  const product = toCatalogProduct(found.plan.product);
  const plan = product.plans.find(({ id }) => id === found.planId);
  const price = plan?.prices.find(({ id }) => id === priceId);
  if (!plan || !price || found.plan.product.status !== 'published')
    throw new AppError('precondition_failed', 'plan_not_for_sale');
  return { product, plan, price };
}

function toCatalogProduct(row: ProductRow): CatalogProduct {
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
