import { z } from '@hono/zod-openapi';
import { getPlan, listCatalog } from '#domain/catalog/list-catalog.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Language } from '#domain/identity/rules.ts';
import { CURRENCIES, CURRENCY_EXPONENTS, type Currency } from '#domain/money.ts';
import { PRIVACY_LEVELS, SURFACES } from '#domain/provider/capability.ts';
import { presentPlan } from '../present.ts';
import type { SoldPlan } from '../present-names.ts';
import { capabilitiesOf } from '../show.ts';
import { defineRoute, PUBLIC, type Route } from './route.ts';
import { CurrencyCode, IdText, MethodName, Minor, MONEY_FIELDS, percentage, Success } from './schemas.ts';

export const IntervalName = z.enum(['once', 'month', 'year']).openapi('Interval');

const PriceResource = z
  .object({
    price_id: z.string(),
    interval: IntervalName,
    ...MONEY_FIELDS,
    renews_every_days: z.number().int().nullable(),
  })
  .openapi('Price');

const PlanResource = z
  .object({
    id: z.string().openapi({ example: 'pln_01kahw9d6xq3v7c0mtz8b5r2ny' }),
    code: z.string(),
    name: z.string(),
    description: z.string(),
    rank: z.number().int().openapi({ description: 'Order within the product; 0 is the free level' }),
    features: z.array(z.string()),
    privacy_features: z.array(z.string()),
    limits: z.record(z.string(), z.number().int()),
    prices: z.array(PriceResource),
    yearly_savings: z.array(z.object({ ...MONEY_FIELDS, percent: z.number().int() })),
    product: z.object({
      id: z.string(),
      code: z.string(),
      kind: z.enum(['plan_line', 'plugin']),
      name: z.string(),
      description: z.string(),
    }),
  })
  .openapi('Plan');

const PlanList = z.object({ success: Success, plans: z.array(PlanResource) }).openapi('PlanList');
const OnePlan = z.object({ success: Success, plan: PlanResource }).openapi('OnePlan');

/** A plan under the REST names. */
export function planResource(ctx: Ctx, { product, plan }: SoldPlan, language: Language): z.input<typeof PlanResource> {
  const view = presentPlan(plan, capabilitiesOf(ctx), language);
  return {
    id: view.id,
    code: view.code,
    name: view.name,
    description: view.description,
    rank: view.rank,
    features: view.features,
    privacy_features: view.privacy,
    limits: view.limits,
    prices: view.prices.map(({ id, interval, money, renewsEveryDays }) => ({
      price_id: id,
      interval,
      amount: money.amount,
      currency: money.currency,
      amount_text: money.text,
      renews_every_days: renewsEveryDays,
    })),
    yearly_savings: view.savings.map(({ money, percent }) => ({
      amount: money.amount,
      currency: money.currency,
      amount_text: money.text,
      percent,
    })),
    product: { id: product.id, code: product.code, kind: product.kind, ...product.texts[language] },
  };
}

async function allPlans(ctx: Ctx, language: Language): Promise<z.input<typeof PlanList>> {
  const products = await listCatalog(ctx);
  const plans = products.flatMap((product) =>
    product.plans.map((plan) => planResource(ctx, { product, plan }, language)),
  );
  return { success: true, plans };
}

const planListRoute = (path: string) =>
  defineRoute({
    method: 'get',
    path,
    access: PUBLIC,
    tag: 'Catalogue',
    summary: 'Everything that is for sale',
    answer: { status: 200, description: 'Plans and plugins, in order', schema: PlanList },
    run: ({ ctx, language }) => allPlans(ctx, language),
  });

const planRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payment/plans/{id}',
  access: PUBLIC,
  tag: 'Catalogue',
  summary: 'One plan by its id or code',
  params: z.object({ id: IdText }),
  answer: { status: 200, description: 'The plan', schema: OnePlan },
  refusals: [404],
  run: async ({ ctx, params, language }) => ({
    success: true as const,
    plan: planResource(ctx, await getPlan(ctx, params.id), language),
  }),
});

const MethodResource = z.object({
  payment_method: MethodName,
  provider: z.string().openapi({ example: 'telegram-stars' }),
  platform_fee_percentage: z
    .string()
    .openapi({ description: 'Of a plugin’s price after the processor', example: '30' }),
  processor_fee_percentage: z.string().openapi({ example: '0' }),
  processor_fee_fixed: Minor,
  network_fee: z.boolean().openapi({ description: 'The sender pays a network fee on top' }),
  processor_fee_is_kept: z.boolean().openapi({ description: 'It stays with the provider when a payment is refunded' }),
  privacy_level: z.enum(PRIVACY_LEVELS),
  renewal_days: z.array(z.number().int()).openapi({ description: 'Lengths of automatic renewals; empty: paid once' }),
  surfaces: z.array(z.enum(SURFACES)).openapi({ description: 'Where the provider can be used' }),
  max_amount: Minor,
  estimated_processing_time_minutes: z.number().int(),
});

const CurrencyList = z
  .object({
    success: Success,
    surface_policy: z.enum(['strict', 'permissive']).openapi({
      description: 'strict: inside Telegram digital goods are sold for Stars only',
    }),
    currencies: z.array(
      z.object({
        currency: CurrencyCode,
        exponent: z.number().int().openapi({ description: 'Digits after the point of the minor unit' }),
        is_available: z.boolean(),
        methods: z.array(MethodResource),
      }),
    ),
  })
  .openapi('CurrencyList');

const currenciesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payments/currencies',
  access: PUBLIC,
  tag: 'Catalogue',
  summary: 'Currencies with fees and privacy level per method',
  answer: { status: 200, description: 'All currencies Hoshi counts in', schema: CurrencyList },
  run: async ({ ctx }) => ({
    success: true as const,
    surface_policy: ctx.policy.surfacePolicy,
    currencies: CURRENCIES.map((currency) => {
      const methods = methodsFor(ctx, currency);
      return { currency, exponent: CURRENCY_EXPONENTS[currency], is_available: methods.length > 0, methods };
    }),
  }),
});

/** What every registered provider says about a currency: the fee table is data of the providers, not of this door. */
function methodsFor(ctx: Ctx, currency: Currency): z.input<typeof MethodResource>[] {
  return [...ctx.providers.values()].flatMap((provider) =>
    provider.accepts
      .filter((capability) => capability.currency === currency)
      .map((capability) => ({
        payment_method: capability.method,
        provider: provider.id,
        platform_fee_percentage: percentage(ctx.policy.platformFeeBps),
        processor_fee_percentage: percentage(capability.fee.bps),
        processor_fee_fixed: capability.fee.fixed.toString(),
        network_fee: capability.fee.network,
        processor_fee_is_kept: capability.fee.isKept,
        privacy_level: capability.privacy,
        renewal_days: [...capability.renewalDays],
        surfaces: [...capability.surfaces],
        max_amount: capability.maxAmount.oneTime.toString(),
        estimated_processing_time_minutes: capability.settlesInMinutes,
      })),
  );
}

/** What can be bought and how it is paid. Both families of older addresses show the same. */
export const catalogRoutes: ReadonlyArray<Route> = [
  planListRoute('/api/v1/payments/plans'),
  planListRoute('/api/v1/payment/plans'),
  planRoute,
  currenciesRoute,
];
