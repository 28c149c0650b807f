import { type CatalogPlan, type CatalogProduct, getPlans } from '#domain/catalog/list-catalog.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { isValid } from '#domain/entitlement/rules.ts';

export type HeldEntitlement = Readonly<{
  id: string;
  product: CatalogProduct;
  plan: CatalogPlan;
  since: Date;
  until: Date | null;
  renews: boolean;
}>;

type Row = {
  id: string;
  plan_id: string;
  starts_at: Date;
  ends_at: Date | null;
  revoked_at: Date | null;
  is_renewing: boolean;
  renews: boolean;
};

const MAX_ROWS = 200;

/**
 * What a person has now, one per product: the highest plan, with time bought one after the other told as one span.
 * Only the person, staff and keys with `entitlements:read` may ask.
 */
export async function listEntitlements(ctx: Ctx, userId: string): Promise<HeldEntitlement[]> {
  requireOwnerOr(ctx, userId, 'entitlements:read');
  const now = ctx.clock.now();
  const rows = await ctx.db.$queryRaw<Row[]>`
    SELECT e.id, e.plan_id, e.starts_at, e.ends_at, e.revoked_at,
      coalesce(s.status IN ('active', 'past_due'), false) AS is_renewing, coalesce(s.status = 'active', false) AS renews
    FROM entitlement e LEFT JOIN subscription s ON s.id = e.subscription_id
    WHERE e.user_id = ${userId} AND e.revoked_at IS NULL AND (e.ends_at IS NULL OR e.ends_at > ${now}::timestamptz - interval '3 days')
    ORDER BY e.starts_at LIMIT ${MAX_ROWS}`;
  const plans = await getPlans(
    ctx,
    rows.map((row) => row.plan_id),
  );
  const held = new Map<string, HeldEntitlement>();
  for (const row of rows) {
    const sold = plans.get(row.plan_id);
    const isCurrent = isValid(
      { startsAt: row.starts_at, endsAt: row.ends_at, revokedAt: row.revoked_at, isRenewing: row.is_renewing },
      now,
    );
    if (!sold || !isCurrent) continue;
    const best = held.get(sold.product.id);
    if (best && best.plan.rank > sold.plan.rank) continue;
    held.set(sold.product.id, { id: row.id, ...sold, since: row.starts_at, until: row.ends_at, renews: row.renews });
  }
  return [...held.values()].map((right) => ({ ...right, until: extendThrough(right, rows) }));
}

/** Follows spans of the same plan that begin where the last one ends. */
function extendThrough(right: HeldEntitlement, rows: ReadonlyArray<Row>): Date | null {
  let { until } = right;
  for (const row of rows) {
    if (until === null || row.plan_id !== right.plan.id) continue;
    if (row.ends_at === null) until = null;
    else if (row.starts_at <= until && row.ends_at > until) until = row.ends_at;
  }
  return until;
}
