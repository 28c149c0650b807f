import { expect } from 'vitest';
import { checkBooks } from '#domain/audit/invariants.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { World } from './world.ts';

/** Fails with the names and ids of every invariant that does not hold. */
export async function expectWholeBooks(ctx: Ctx, options: { except?: ReadonlyArray<string> } = {}): Promise<void> {
  const broken = (await checkBooks(ctx, { isIdle: true })).filter(
    ({ name, violations }) => violations.length > 0 && !options.except?.includes(name),
  );
  expect(broken).toEqual([]);
}

/** How often each kind of notice was queued for a person. */
export async function noticesOf(world: World, userId: string): Promise<Record<string, number>> {
  const rows = await world.sql<{ kind: string; times: number }>(
    `SELECT payload->>'kind' AS kind, count(*)::int AS times FROM job WHERE name = 'send_notice' AND lane = $1 GROUP BY 1 ORDER BY 1`,
    [`chat:${userId}`],
  );
  return Object.fromEntries(rows.map(({ kind, times }) => [kind, times]));
}

/** The payloads of queued work of one name that name an object of this order, oldest first. */
export async function jobsOf(world: World, name: string): Promise<Array<Record<string, string>>> {
  const rows = await world.sql<{ payload: Record<string, string> }>(
    'SELECT payload FROM job WHERE name = $1 ORDER BY id',
    [name],
  );
  return rows.map(({ payload }) => payload);
}

/**
 * Everything that an order came to, with ids replaced by what they stand for and without the times of our own work: equal
 * for equal facts, in whatever order they came in.
 */
export async function endState(world: World, invoiceId: string): Promise<Record<string, unknown>> {
  const [state] = await world.sql<{ state: Record<string, unknown> }>(END_STATE, [invoiceId]);
  return Object.fromEntries(Object.entries(state?.state ?? {}).map(([name, part]) => [name, inOrder(part)]));
}

/** Lists of rows by their content: by charge first, as it stands first in each. */
function inOrder(part: unknown): unknown {
  const isList = Array.isArray(part) && part.every(Array.isArray);
  if (!isList) return part;
  return part.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

const END_STATE = `
  SELECT jsonb_build_object(
    'invoice', (SELECT i.status FROM invoice i WHERE i.id = $1),
    'attempts', (SELECT jsonb_agg(DISTINCT a.status) FROM payment_attempt a WHERE a.invoice_id = $1),
    'payments', (SELECT jsonb_agg(jsonb_build_array(p.charge_id, p.kind, p.status, p.amount, p.platform_fee, p.developer_share, p.user_id,
        p.period_start, p.period_end, p.paid_at, (p.subscription_id IS NOT NULL))) FROM payment p WHERE p.invoice_id = $1),
    'rights', (SELECT jsonb_agg(jsonb_build_array(p.charge_id, e.starts_at, e.ends_at, (e.revoked_at IS NOT NULL), (e.subscription_id IS NOT NULL)))
      FROM entitlement e JOIN payment p ON p.id = e.payment_id WHERE p.invoice_id = $1),
    'refunds', (SELECT jsonb_agg(jsonb_build_array(p.charge_id, r.status, r.amount))
      FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = $1),
    'subscription', (SELECT jsonb_build_array(s.first_charge_id, s.status, s.cancelled_by, s.current_period_start, s.current_period_end, s.grace_until,
        (s.ended_at IS NOT NULL)) FROM subscription s WHERE s.invoice_id = $1),
    'ledger', (SELECT jsonb_agg(jsonb_build_array(t.charge_id, t.cause, e.account, e.owner, e.amount))
      FROM ledger_entry e JOIN (
        SELECT p.id, p.charge_id, 'payment' AS cause FROM payment p WHERE p.invoice_id = $1
        UNION ALL SELECT r.id, p.charge_id, 'refund' FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = $1) AS t
      ON t.id = e.transaction_id),
    'told', (SELECT jsonb_agg(jsonb_build_array(p.charge_id, j.payload->>'kind'))
      FROM job j JOIN payment p ON p.id = j.payload->>'objectId' WHERE j.name = 'send_notice' AND p.invoice_id = $1)
  ) AS state`;
