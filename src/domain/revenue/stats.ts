import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { Currency } from '#domain/money.ts';

/** Stars may be withdrawn this long after they came (telegram.md §4.2). */
export const MATURITY_DAYS = 21;

/** A developer's sums in one currency, in minor units. `gross` and the parts are without what went back. */
export type RevenueStats = Readonly<{
  currency: Currency;
  sales: bigint;
  gross: bigint;
  platformFee: bigint;
  processorFee: bigint;
  developerShare: bigint;
  refundedSales: bigint;
  refunded: bigint;
  /** The part of the share that is old enough to be paid out. */
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
      count(*) FILTER (WHERE status <> 'refunded') AS sales,
      coalesce(sum(amount) FILTER (WHERE status <> 'refunded'), 0)::int8 AS gross,
      coalesce(sum(platform_fee) FILTER (WHERE status <> 'refunded'), 0)::int8 AS "platformFee",
      coalesce(sum(processor_fee) FILTER (WHERE status <> 'refunded'), 0)::int8 AS "processorFee",
      coalesce(sum(developer_share) FILTER (WHERE status <> 'refunded'), 0)::int8 AS "developerShare",
      count(*) FILTER (WHERE status = 'refunded') AS "refundedSales",
      coalesce(sum(amount) FILTER (WHERE status = 'refunded'), 0)::int8 AS refunded,
      coalesce(sum(developer_share) FILTER (WHERE status = 'succeeded' AND paid_at <= ${maturedBefore}), 0)::int8 AS matured
    FROM payment
    WHERE developer_user_id = ${request.userId} AND paid_at >= ${request.from} AND paid_at < ${request.to}
    GROUP BY currency ORDER BY currency`;
  return rows.map((row) => ({ ...row, currency: Currency.parse(row.currency) }));
}
