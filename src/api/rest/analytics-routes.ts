import { z } from '@hono/zod-openapi';
import { analyseRevenue, type RevenueSum } from '#domain/revenue/analyse.ts';
import { analyseSubscriptions } from '#domain/subscription/analyse.ts';
import { SPAN_QUERY, spanOf } from './revenue-routes.ts';
import { defineRoute, type Route } from './route.ts';
import { CurrencyCode, Instant, MethodName, Minor, Success } from './schemas.ts';

const MAX_SPAN_DAYS = 400;

const SpanQuery = z.object(SPAN_QUERY);

const SUM_FIELDS = {
  payments: z.number().int(),
  gross: Minor,
  returned: Minor.openapi({ description: 'What went back of it by refunds and lost disputes until now' }),
  net: Minor.openapi({ description: 'gross without what went back; the three parts below sum to it' }),
  processor_fees: Minor.openapi({ description: 'With what disputes cost' }),
  platform_fee: Minor,
  developer_share: Minor,
};

const Revenue = z
  .object({
    success: Success,
    from: Instant,
    to: Instant,
    currencies: z.array(
      z.object({
        currency: CurrencyCode,
        ...SUM_FIELDS,
        by_method: z.array(z.object({ payment_method: MethodName.nullable(), ...SUM_FIELDS })),
        by_provider: z.array(z.object({ provider: z.string(), ...SUM_FIELDS })),
      }),
    ),
    failures: z
      .array(z.object({ code: z.string().openapi({ example: 'card_declined' }), attempts: z.number().int() }))
      .openapi({ description: 'Why attempts of this time failed, most often first' }),
  })
  .openapi('RevenueAnalytics');

function sumFields(sum: RevenueSum) {
  return {
    payments: Number(sum.payments),
    gross: sum.gross.toString(),
    returned: sum.returned.toString(),
    net: sum.net.toString(),
    processor_fees: sum.processorFees.toString(),
    platform_fee: sum.platform.toString(),
    developer_share: sum.developerShare.toString(),
  };
}

const revenueRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payment/analytics/revenue',
  access: { kind: 'server', scope: 'revenue:read' },
  tag: 'Analytics',
  summary: 'What was taken in a span of time, per currency, method and provider',
  query: SpanQuery,
  answer: { status: 200, description: 'Sums of the payments of that time', schema: Revenue },
  run: async ({ ctx, query }) => {
    const { from, to } = spanOf(query, ctx.clock.now(), MAX_SPAN_DAYS);
    const { currencies, failures } = await analyseRevenue(ctx, { from, to });
    return {
      success: true as const,
      from: from.toISOString(),
      to: to.toISOString(),
      currencies: currencies.map(({ byMethod, byProvider, currency, ...sum }) => ({
        currency,
        ...sumFields(sum),
        by_method: byMethod.map(({ method, ...part }) => ({ payment_method: method, ...sumFields(part) })),
        by_provider: byProvider.map(({ provider, ...part }) => ({ provider, ...sumFields(part) })),
      })),
      failures: failures.map(({ code, count }) => ({ code, attempts: Number(count) })),
    };
  },
});

const Subscriptions = z
  .object({
    success: Success,
    from: Instant,
    to: Instant,
    active: z.number().int().openapi({ description: 'Now; so are cancelling and past_due' }),
    cancelling: z.number().int().openapi({ description: 'They run to the end of their period' }),
    past_due: z.number().int(),
    new: z.number().int().openapi({ description: 'Begun in the span' }),
    ended: z.number().int().openapi({ description: 'Ended in the span' }),
    mrr: z
      .array(z.object({ currency: CurrencyCode, amount: Minor, subscriptions: z.number().int() }))
      .openapi({ description: 'What those that renew (active, past_due) bring in a month' }),
  })
  .openapi('SubscriptionAnalytics');

const subscriptionsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payment/analytics/subscriptions',
  access: { kind: 'server', scope: 'subscriptions:read' },
  tag: 'Analytics',
  summary: 'How subscriptions stand, and what began and ended in a span of time',
  query: SpanQuery,
  answer: { status: 200, description: 'Counts, and monthly recurring revenue per currency', schema: Subscriptions },
  run: async ({ ctx, query }) => {
    const { from, to } = spanOf(query, ctx.clock.now(), MAX_SPAN_DAYS);
    const { active, cancelling, ended, monthly, pastDue, started } = await analyseSubscriptions(ctx, { from, to });
    return {
      success: true as const,
      from: from.toISOString(),
      to: to.toISOString(),
      active: Number(active),
      cancelling: Number(cancelling),
      past_due: Number(pastDue),
      new: Number(started),
      ended: Number(ended),
      mrr: monthly.map(({ amount, currency, subscriptions }) => ({
        currency,
        amount: amount.toString(),
        subscriptions: Number(subscriptions),
      })),
    };
  },
});

/** Figures of the whole business. */
export const analyticsRoutes: ReadonlyArray<Route> = [revenueRoute, subscriptionsRoute];
