import { PlanLimits } from '#domain/catalog/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';

export type EntitlementCheck = Readonly<{
  isEntitled: boolean;
  planCode: string | null;
  rank: number;
  limits: PlanLimits;
  /** Paid until; null without a right, or for good. */
  until: Date | null;
}>;

type Row = { code: string; rank: number; limits: unknown; ends_at: Date | null };

// The days of grace of rules.ts (GRACE_DAYS) while a renewal is awaited. One probe of the (user, product, end) index.
const CHECK = {
  name: 'check_entitlement',
  text: `
    SELECT p.code, p.rank, p.limits, e.ends_at
    FROM product pr
    JOIN entitlement e ON e.product_id = pr.id AND e.user_id = $1
    JOIN plan p ON p.id = e.plan_id
    LEFT JOIN subscription s ON s.id = e.subscription_id
    WHERE pr.code = $2 AND e.revoked_at IS NULL AND e.starts_at <= $3
      AND (e.ends_at IS NULL OR e.ends_at > $3 OR (e.ends_at > $3 - interval '3 days' AND s.status IN ('active', 'past_due')))
    ORDER BY p.rank DESC, e.ends_at DESC NULLS FIRST LIMIT 1`,
};

/** Whether a person may use a product now, and up to which limits: one query. For themselves, staff and `entitlements:read`. */
export async function checkEntitlement(
  ctx: Ctx,
  question: { userId: string; productCode: string },
): Promise<EntitlementCheck> {
  requireOwnerOr(ctx, question.userId, 'entitlements:read');
  const { rows } = await ctx.pool.query<Row>({
    ...CHECK,
    values: [question.userId, question.productCode, ctx.clock.now()],
  });
  const [right] = rows;
  if (!right) return { isEntitled: false, planCode: null, rank: 0, limits: {}, until: null };
  return {
    isEntitled: true,
    planCode: right.code,
    rank: right.rank,
    limits: PlanLimits.parse(right.limits),
    until: right.ends_at,
  };
}
