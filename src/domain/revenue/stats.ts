import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { Currency } from '#domain/money.ts';

/** Stars may be withdrawn this long after they came (telegram.md §4.2). */
export const MATURITY_DAYS = 21;

/**
 * A developer's sums in one currency, in minor units. `gross` and its three parts are without what went back, by refunds in
 * whole or in part and by lost disputes; shares are rounded as the books round them (ledger/rules.ts).
 */
export type RevenueStats = Readonly<{
  currency: Currency;
  sales: bigint;
  gross: bigint;
  platformFee: bigint;
  processorFee: bigint;
  developerShare: bigint;
  /** Sales of which nothing is left. */
  refundedSales: bigint;
  refunded: bigint;
  /** The part of the share that is old enough to be paid out, and not in dispute or on its way back. */
  matured: bigint;
}>;

type Row = Omit<RevenueStats, 'currency'> & { currency: string };

/** What a developer's items earned in [from, to), per currency. For the developer, staff and `revenue:read`. */
export async function getRevenueStats(
  ctx: Ctx,
  request: { userId: string; from: Date; to: Date },
): Promise<RevenueStats[]> {
  requireOwnerOr(ctx, request.userId, 'revenue:read');
  const maturedBefore = new Date(ctx.clock.now().getTime() - MATURITY_DAYS * 86_400_000);
  const rows = await ctx.db.$queryRaw<Row[]>`
    SELECT currency,
      count(*) FILTER (WHERE returned_amount < amount) AS sales,
      coalesce(sum(amount - returned_amount), 0)::int8 AS gross,
      coalesce(sum(fee), 0)::int8 AS "processorFee",
      coalesce(sum(share), 0)::int8 AS "developerShare",
      coalesce(sum(amount - returned_amount - fee - share), 0)::int8 AS "platformFee",
      count(*) FILTER (WHERE returned_amount = amount) AS "refundedSales",
      coalesce(sum(returned_amount), 0)::int8 AS refunded,
      coalesce(sum(share) FILTER (WHERE status = 'succeeded' AND paid_at <= ${maturedBefore}), 0)::int8 AS matured
    FROM (SELECT currency, amount, returned_amount, status, paid_at,
        processor_fee - div(processor_fee::numeric * returned_amount, amount) AS fee,
        developer_share - div(developer_share::numeric * returned_amount, amount) AS share
      FROM payment
      WHERE developer_user_id = ${request.userId} AND paid_at >= ${request.from} AND paid_at < ${request.to}) p
    GROUP BY currency ORDER BY currency`;
  return rows.map((row) => ({ ...row, currency: Currency.parse(row.currency) }));
}
