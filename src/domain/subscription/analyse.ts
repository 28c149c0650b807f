import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { Currency } from '#domain/money.ts';

/** `active`, `cancelling` and `pastDue` count now, `started` and `ended` in the span that was asked for. */
export type SubscriptionReport = Readonly<{
  active: bigint;
  cancelling: bigint;
  pastDue: bigint;
  started: bigint;
  ended: bigint;
  /** What those that renew bring in a month, in minor units; a year's price counts a twelfth. */
  monthly: ReadonlyArray<{ currency: Currency; amount: bigint; subscriptions: bigint }>;
}>;

type Row = {
  status: 'active' | 'cancelling' | 'past_due' | 'started' | 'ended';
  currency: string | null;
  amount: bigint;
  count: bigint;
};

/** How subscriptions stand now and what began and ended in [from, to). For admins and `subscriptions:read`. */
export async function analyseSubscriptions(
  ctx: Ctx,
  { from, to }: { from: Date; to: Date },
): Promise<SubscriptionReport> {
  requireScope(ctx, 'subscriptions:read');
  const rows = await ctx.db.$queryRaw<Row[]>`
    SELECT s.status::text AS status, s.currency, count(*) AS count,
      (coalesce(sum(s.amount) FILTER (WHERE p."interval" = 'month'), 0)
        + div(coalesce(sum(s.amount) FILTER (WHERE p."interval" = 'year'), 0), 12))::int8 AS amount
    FROM subscription s JOIN price p ON p.id = s.price_id
    WHERE s.status IN ('active', 'cancelling', 'past_due')
    GROUP BY s.status, s.currency
    UNION ALL SELECT 'started', NULL, count(*), 0 FROM subscription WHERE created_at >= ${from} AND created_at < ${to}
    UNION ALL SELECT 'ended', NULL, count(*), 0 FROM subscription WHERE ended_at >= ${from} AND ended_at < ${to}`;
  const count = (status: Row['status']) =>
    rows.filter((row) => row.status === status).reduce((sum, row) => sum + row.count, 0n);
  return {
    active: count('active'),
    cancelling: count('cancelling'),
    pastDue: count('past_due'),
    started: count('started'),
    ended: count('ended'),
    monthly: monthlyOf(rows.filter(({ status }) => status === 'active' || status === 'past_due')),
  };
}

function monthlyOf(rows: ReadonlyArray<Row>): SubscriptionReport['monthly'] {
  const currencies = new Set(rows.map((row) => Currency.parse(row.currency)));
  return [...currencies].sort().map((currency) => {
    const own = rows.filter((row) => row.currency === currency);
    return {
      currency,
      amount: own.reduce((sum, row) => sum + row.amount, 0n),
      subscriptions: own.reduce((sum, row) => sum + row.count, 0n),
    };
  });
}
