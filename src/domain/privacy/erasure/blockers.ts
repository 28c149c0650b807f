import type { Ctx } from '#domain/context/context.ts';
import type { Blocker } from '#domain/privacy/erasure/rules.ts';

type Row = {
  subscriptions: Array<{ id: string; plan_id: string }>;
  orders: Array<{ id: string; plan_id: string; is_held: boolean }>;
  refunds: string[];
  disputes: string[];
  balances: Array<{ currency: string; amount: string }>;
  products: number;
};

const FIND = `
  SELECT
    (SELECT coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'plan_id', s.plan_id) ORDER BY s.id), '[]') FROM subscription s
      WHERE s.user_id = $1 AND s.status IN ('active', 'past_due')) AS subscriptions,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'plan_id', o.plan_id, 'is_held', o.is_held) ORDER BY o.id), '[]') FROM (
      SELECT i.id, i.plan_id, EXISTS (SELECT 1 FROM reservation r WHERE r.invoice_id = i.id AND r.status = 'reserved') AS is_held,
        i.status = 'open' AND EXISTS (SELECT 1 FROM payment_attempt a WHERE a.invoice_id = i.id AND a.status IN ('creating', 'live')) AS is_payable
      FROM invoice i WHERE i.user_id = $1) AS o WHERE o.is_held OR o.is_payable) AS orders,
    (SELECT coalesce(jsonb_agg(DISTINCT p.id), '[]') FROM payment p JOIN refund r ON r.payment_id = p.id
      WHERE p.user_id = $1 AND r.status = 'requested') AS refunds,
    (SELECT coalesce(jsonb_agg(DISTINCT p.id), '[]') FROM payment p JOIN dispute d ON d.payment_id = p.id
      WHERE p.user_id = $1 AND d.status = 'open') AS disputes,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('currency', b.currency, 'amount', b.amount::text) ORDER BY b.currency), '[]') FROM (
      SELECT currency, sum(amount) AS amount FROM ledger_entry
      WHERE account IN ('developer_payable', 'dispute_hold') AND owner = $1 GROUP BY currency HAVING sum(amount) <> 0) AS b) AS balances,
    (SELECT count(*)::int FROM product WHERE developer_user_id = $1 AND status = 'published') AS products`;

/** What stands in the way of erasing a person now; empty when nothing does. What the books owe them is shown as positive. */
export async function findBlockers(ctx: Ctx, userId: string): Promise<Blocker[]> {
  const [row] = await ctx.db.$queryRawUnsafe<Row[]>(FIND, userId);
  if (!row) throw new Error('a query without FROM answered no row');
  return [
    ...row.subscriptions.map(({ id, plan_id }) => ({
      kind: 'subscription' as const,
      subscriptionId: id,
      planId: plan_id,
    })),
    ...row.orders.map(({ id, is_held, plan_id }) => ({
      kind: 'order' as const,
      invoiceId: id,
      planId: plan_id,
      isHeld: is_held,
    })),
    ...row.refunds.map((paymentId) => ({ kind: 'refund' as const, paymentId })),
    ...row.disputes.map((paymentId) => ({ kind: 'dispute' as const, paymentId })),
    ...row.balances.map(({ amount, currency }) => ({ kind: 'balance' as const, amount: -BigInt(amount), currency })),
    ...(row.products > 0 ? [{ kind: 'products' as const, count: row.products }] : []),
  ];
}
