import { z } from '@hono/zod-openapi';
import type { Currency } from '#domain/money.ts';
import { getRevenueStats, MATURITY_DAYS, type RevenueStats } from '#domain/revenue/stats.ts';
import { malformedRequest } from '../errors.ts';
import { resolvePerson } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import { CurrencyCode, IdText, Instant, Minor, Success } from './schemas.ts';

const MAX_SPAN_DAYS = 366;
const DEFAULT_SPAN_DAYS = 30;
const DAY_MS = 86_400_000;

/** A day of this century, or an instant of one: what Postgres and people agree on. */
const Moment = z
  .string()
  .regex(/^20\d\d-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?Z)?$/)
  .refine((text) => !Number.isNaN(Date.parse(text)))
  .transform((text) => new Date(text));

/** A span of time in an address; see `spanOf`. */
export const SPAN_QUERY = {
  from: Moment.optional().openapi({
    type: 'string',
    description: 'Inclusive; 30 days before `to` by default',
    example: '2026-11-01',
  }),
  to: Moment.optional().openapi({ type: 'string', description: 'Exclusive; now by default', example: '2026-12-01' }),
};

const CurrencyStats = z
  .object({
    currency: CurrencyCode,
    sales: z.number().int(),
    gross: Minor,
    platform_fee: Minor,
    processor_fee: Minor,
    developer_share: Minor,
    refunded_sales: z.number().int(),
    refunded: Minor,
    matured: Minor.openapi({
      description: `Of the share, what is older than ${MATURITY_DAYS} days and can be paid out`,
    }),
  })
  .openapi('RevenueStats');

const Stats = z
  .object({ success: Success, user_id: z.string(), from: Instant, to: Instant, currencies: z.array(CurrencyStats) })
  .openapi('RevenueSharingStats');

type Span = Readonly<{ from: Date; to: Date }>;

/** The asked span of time, at most `maxDays`, the last 30 days when nothing is asked. */
export function spanOf(
  asked: { from?: Date | undefined; to?: Date | undefined },
  now: Date,
  maxDays = MAX_SPAN_DAYS,
): Span {
  const to = asked.to ?? now;
  const from = asked.from ?? new Date(to.getTime() - DEFAULT_SPAN_DAYS * DAY_MS);
  const days = (to.getTime() - from.getTime()) / DAY_MS;
  if (days <= 0 || days > maxDays) throw malformedRequest({ fields: 'from, to' });
  return { from, to };
}

function statsResource(stats: RevenueStats): Omit<z.input<typeof CurrencyStats>, 'currency'> & { currency: Currency } {
  return {
    currency: stats.currency,
    sales: Number(stats.sales),
    gross: stats.gross.toString(),
    platform_fee: stats.platformFee.toString(),
    processor_fee: stats.processorFee.toString(),
    developer_share: stats.developerShare.toString(),
    refunded_sales: Number(stats.refundedSales),
    refunded: stats.refunded.toString(),
    matured: stats.matured.toString(),
  };
}

const statsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payments/revenue-sharing/stats/{user_id}',
  access: { kind: 'person', scope: 'revenue:read' },
  tag: 'Revenue',
  summary: 'What a developer’s items earned',
  description: 'For that developer, or a server whose key has revenue:read.',
  params: z.object({ user_id: IdText.openapi({ description: 'Our user id or a Telegram user id' }) }),
  query: z.object(SPAN_QUERY),
  answer: {
    status: 200,
    description: 'Sums per currency; gross and its parts leave out what went back',
    schema: Stats,
  },
  refusals: [404],
  run: async ({ ctx, params, query }) => {
    const { from, to } = spanOf(query, ctx.clock.now());
    const developer = await resolvePerson(ctx, { user_id: params.user_id }, 'revenue:read');
    const stats = await getRevenueStats(ctx, { userId: developer.id, from, to });
    return {
      success: true as const,
      user_id: developer.id,
      from: from.toISOString(),
      to: to.toISOString(),
      currencies: stats.map(statsResource),
    };
  },
});

/** Shares of plugin sales. */
export const revenueRoutes: ReadonlyArray<Route> = [statsRoute];
