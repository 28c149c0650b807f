import type { Ctx } from '#domain/context/context.ts';

/** One statement about the books with the ids that break it: at most 20, none when it holds. */
export type Invariant = Readonly<{ name: string; violations: ReadonlyArray<string> }>;

const SHOWN = 20;

/** What each refund and dispute took out of the provider's hands, the provider's own fees left aside. */
const RETURNED = `(
      SELECT split_part(transaction_id, '/', 1) AS cause, currency, -sum(amount) AS returned FROM ledger_entry
      WHERE account IN ('provider_receivable', 'processor_fees') GROUP BY 1, 2)`;

/** What entries came to whose payments are over their time (retention). */
const IS_CARRIED = "e.transaction_id LIKE 'car\\_%'";

/** With a person who was erased went their rights and what they were told. */
const IS_SOMEBODYS = 'NOT EXISTS (SELECT 1 FROM users u WHERE u.id = p.user_id AND u.erased_at IS NOT NULL)';

/** A deadline is missed when it is over for this long: workers may be restarting. */
const PATIENCE = "interval '15 minutes'";

/*
 * Each query returns the id of what breaks the statement. `$1` is now by our clock. Written so that each reads every row
 * once: they are for an operator, a test or a nightly run, not for a request.
 */
const QUERIES: ReadonlyArray<readonly [name: string, query: string]> = [
  // I1: every transaction sums to zero per currency, and the books as a whole do too.
  [
    'ledger_balances',
    `SELECT transaction_id AS id FROM ledger_entry WHERE $1::timestamptz IS NOT NULL GROUP BY transaction_id, currency HAVING sum(amount) <> 0`,
  ],
  // I1: every payment, refund and dispute is booked with its own amount, and nothing else is. What went back is what left the
  // provider's hands but for the fees, which net out; what is booked under `<id>/undo` or `<id>/end` belongs to the same cause.
  [
    'payment_is_booked',
    `
    SELECT p.id FROM payment p LEFT JOIN ledger_entry e ON e.transaction_id = p.id AND e.currency = p.currency
    WHERE $1::timestamptz IS NOT NULL GROUP BY p.id, p.amount HAVING coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) <> p.amount`,
  ],
  [
    'refund_is_booked',
    `
    SELECT r.id FROM refund r LEFT JOIN ${RETURNED} e ON e.cause = r.id AND e.currency = r.currency
    WHERE $1::timestamptz IS NOT NULL AND coalesce(e.returned, 0) <> CASE WHEN r.status = 'succeeded' THEN r.amount ELSE 0 END`,
  ],
  [
    'dispute_is_booked',
    `
    SELECT d.id FROM dispute d LEFT JOIN ${RETURNED} e ON e.cause = d.id AND e.currency = d.currency
    WHERE $1::timestamptz IS NOT NULL AND (coalesce(e.returned, 0) <> d.returned_amount OR (d.status <> 'lost' AND d.returned_amount <> 0))`,
  ],
  [
    'entry_has_cause',
    `
    SELECT e.transaction_id AS id FROM ledger_entry e
    WHERE $1::timestamptz IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.id = e.transaction_id)
      AND NOT EXISTS (SELECT 1 FROM refund r WHERE e.transaction_id IN (r.id, r.id || '/undo'))
      AND NOT EXISTS (SELECT 1 FROM dispute d WHERE e.transaction_id IN (d.id, d.id || '/end')) AND NOT ${IS_CARRIED}`,
  ],
  // I2: what we owe a developer, held or not, is what they earned and did not lose again: of each share the part that went back,
  // rounded down. Nothing is held but for disputes that are open.
  [
    'developer_is_owed_their_shares',
    `
    SELECT owner AS id FROM (
      SELECT owner, currency, amount FROM ledger_entry e WHERE account IN ('developer_payable', 'dispute_hold') AND NOT ${IS_CARRIED}
      UNION ALL
      SELECT developer_user_id, currency, developer_share - floor(developer_share::numeric * returned_amount / amount)
      FROM payment WHERE developer_share > 0) AS sums
    WHERE $1::timestamptz IS NOT NULL GROUP BY owner, currency HAVING sum(amount) <> 0`,
  ],
  [
    'share_is_held_while_disputed',
    `
    SELECT d.id FROM dispute d LEFT JOIN (
      SELECT split_part(transaction_id, '/', 1) AS cause, sum(amount) AS held FROM ledger_entry WHERE account = 'dispute_hold' GROUP BY 1
    ) AS e ON e.cause = d.id
    WHERE $1::timestamptz IS NOT NULL AND -coalesce(e.held, 0) <> CASE WHEN d.status = 'open' THEN d.held_share ELSE 0 END`,
  ],
  // I3: a provider's charge and a provider's message stand at most once.
  [
    'charge_stands_once',
    `SELECT min(id) AS id FROM payment WHERE $1::timestamptz IS NOT NULL GROUP BY provider, charge_id HAVING count(*) > 1`,
  ],
  [
    'event_stands_once',
    `SELECT min(id) AS id FROM webhook_event WHERE $1::timestamptz IS NOT NULL GROUP BY provider, event_id HAVING count(*) > 1`,
  ],
  // I4: exactly one right per charge that bought something, none for surplus, no right without a charge. One that was deleted
  // after it was over left its mark, and still counts.
  [
    'payment_has_one_right',
    `
    SELECT p.id FROM payment p LEFT JOIN entitlement e ON e.payment_id = p.id
    WHERE $1::timestamptz IS NOT NULL AND ${IS_SOMEBODYS} GROUP BY p.id, p.kind, p.right_dropped_at
    HAVING count(e.id) + count(p.right_dropped_at) <> CASE WHEN p.kind = 'surplus' THEN 0 ELSE 1 END`,
  ],
  // A refund that came to nothing after its right was deleted shows here until its money goes back again.
  [
    'right_is_dropped_when_over',
    `
    SELECT id FROM payment
    WHERE $1::timestamptz IS NOT NULL AND right_dropped_at IS NOT NULL AND status NOT IN ('refunded', 'charged_back')
      AND (period_end IS NULL OR period_end > right_dropped_at - interval '30 days')`,
  ],
  ['right_has_payment', `SELECT id FROM entitlement WHERE $1::timestamptz IS NOT NULL AND payment_id IS NULL`],
  [
    'right_is_what_was_paid',
    `
    SELECT e.id FROM entitlement e JOIN payment p ON p.id = e.payment_id LEFT JOIN subscription s ON s.id = e.subscription_id
    WHERE $1::timestamptz IS NOT NULL AND (e.user_id <> p.user_id OR e.plan_id <> s.plan_id OR e.starts_at IS DISTINCT FROM p.period_start
      OR e.ends_at IS DISTINCT FROM p.period_end OR e.subscription_id IS DISTINCT FROM p.subscription_id)`,
  ],
  // I4: an order is paid exactly when one charge bought it; a renewing order has one subscription.
  [
    'order_is_paid_once',
    `
    SELECT i.id FROM invoice i LEFT JOIN payment p ON p.invoice_id = i.id AND p.kind IN ('one_time', 'first')
    WHERE $1::timestamptz IS NOT NULL GROUP BY i.id HAVING count(p.id) > 1`,
  ],
  [
    'order_is_paid_by_charge',
    `
    SELECT i.id FROM invoice i
    WHERE $1::timestamptz IS NOT NULL
      AND (i.status = 'paid') <> EXISTS (SELECT 1 FROM payment p WHERE p.invoice_id = i.id AND p.kind <> 'surplus')`,
  ],
  [
    'order_has_its_subscription',
    `
    SELECT i.id FROM invoice i LEFT JOIN subscription s ON s.invoice_id = i.id
    WHERE $1::timestamptz IS NOT NULL AND (s.id IS NOT NULL) <> (i.kind = 'subscription' AND i.status = 'paid')`,
  ],
  // I5: what went back is at most the whole, by refunds and lost disputes and nothing else; the state of the payment says what is
  // open about it and what is over, and the right follows that state.
  [
    'return_is_of_its_payment',
    `
    SELECT x.id FROM (
      SELECT id, payment_id, amount, currency FROM refund UNION ALL SELECT id, payment_id, returned_amount, currency FROM dispute
    ) AS x JOIN payment p ON p.id = x.payment_id
    WHERE $1::timestamptz IS NOT NULL AND (x.amount > p.amount OR x.currency <> p.currency)`,
  ],
  [
    'returns_are_the_sum',
    `
    SELECT p.id FROM payment p LEFT JOIN (
      SELECT payment_id, amount FROM refund WHERE status = 'succeeded' UNION ALL SELECT payment_id, returned_amount FROM dispute
    ) AS x ON x.payment_id = p.id
    WHERE $1::timestamptz IS NOT NULL GROUP BY p.id, p.returned_amount HAVING coalesce(sum(x.amount), 0) <> p.returned_amount`,
  ],
  [
    'payment_is_refunded_when_whole',
    `
    SELECT id FROM payment
    WHERE $1::timestamptz IS NOT NULL AND status <> 'charged_back' AND (status = 'refunded') <> (returned_amount = amount)`,
  ],
  [
    'refund_agrees_with_payment',
    `
    SELECT p.id FROM payment p LEFT JOIN refund r ON r.payment_id = p.id AND r.status = 'requested'
    WHERE $1::timestamptz IS NOT NULL GROUP BY p.id, p.status
    HAVING count(r.id) > CASE WHEN p.status IN ('refunding', 'disputed', 'charged_back') THEN 1 ELSE 0 END
      OR (p.status = 'refunding' AND count(r.id) = 0)`,
  ],
  [
    'dispute_agrees_with_payment',
    `
    SELECT p.id FROM payment p LEFT JOIN dispute d ON d.payment_id = p.id
    WHERE $1::timestamptz IS NOT NULL GROUP BY p.id, p.status
    HAVING (p.status = 'disputed' AND count(d.id) FILTER (WHERE d.status = 'open') = 0)
      OR (p.status IN ('succeeded', 'refunding') AND count(d.id) FILTER (WHERE d.status <> 'won') > 0)
      OR (p.status = 'charged_back' AND count(d.id) FILTER (WHERE d.status = 'lost') = 0)`,
  ],
  // What comes back after a dispute was won or a refund was undone may have been bought for good meanwhile: it then stays gone.
  [
    'right_follows_payment',
    `
    SELECT e.id FROM entitlement e JOIN payment p ON p.id = e.payment_id
    WHERE $1::timestamptz IS NOT NULL AND (p.status IN ('refunded', 'disputed', 'charged_back')) <> (e.revoked_at IS NOT NULL)
      AND NOT (e.revoked_at IS NOT NULL AND e.ends_at IS NULL
        AND (EXISTS (SELECT 1 FROM dispute d WHERE d.payment_id = p.id AND d.status = 'won')
          OR EXISTS (SELECT 1 FROM refund r JOIN ledger_entry l ON l.transaction_id = r.id || '/undo' WHERE r.payment_id = p.id))
        AND EXISTS (SELECT 1 FROM entitlement o WHERE o.user_id = e.user_id AND o.plan_id = e.plan_id AND o.id <> e.id AND o.ends_at IS NULL))`,
  ],
  [
    'refunded_subscription_is_over',
    `
    SELECT s.id FROM subscription s
    WHERE $1::timestamptz IS NOT NULL AND s.status IN ('active', 'cancelling', 'past_due')
      AND EXISTS (SELECT 1 FROM payment p WHERE p.subscription_id = s.id AND p.status IN ('refunded', 'charged_back'))`,
  ],
  // I6: parts are the whole, and surplus is shared with nobody.
  [
    'shares_are_the_whole',
    `
    SELECT id FROM payment
    WHERE $1::timestamptz IS NOT NULL AND (platform_fee + processor_fee + developer_share <> amount
      OR least(platform_fee, processor_fee, developer_share) < 0 OR (kind = 'surplus' AND developer_share <> 0))`,
  ],
  // I7: what must be done outside is queued: the notice of each payment, the refund of each surplus.
  [
    'payment_is_told',
    `
    SELECT p.id FROM payment p
    WHERE $1::timestamptz - p.created_at < interval '30 days' AND p.kind <> 'surplus' AND ${IS_SOMEBODYS} AND (
      SELECT count(*) FROM job j WHERE j.lane = 'chat:' || p.user_id AND j.name = 'send_notice'
        AND j.payload->>'objectId' = p.id AND j.payload->>'kind' IN ('paid', 'renewed')) <> 1`,
  ],
  [
    'refund_is_asked_for',
    `
    SELECT r.id FROM refund r
    WHERE $1::timestamptz IS NOT NULL AND r.status = 'requested'
      AND NOT EXISTS (SELECT 1 FROM job j WHERE j.lane = 'refund:' || r.id AND j.name = 'execute_refund')`,
  ],
  // I8: nothing that is over stands open again: attempts of closed orders, dates of ended subscriptions.
  [
    'closed_order_has_no_live_attempt',
    `
    SELECT a.id FROM payment_attempt a JOIN invoice i ON i.id = a.invoice_id
    WHERE $1::timestamptz IS NOT NULL AND a.status IN ('creating', 'live') AND i.status <> 'open'`,
  ],
  [
    'subscription_end_is_dated',
    `
    SELECT id FROM subscription
    WHERE $1::timestamptz IS NOT NULL AND (status IN ('expired', 'revoked')) <> (ended_at IS NOT NULL)`,
  ],
  [
    'subscription_covers_its_charges',
    `
    SELECT s.id FROM subscription s JOIN payment p ON p.subscription_id = s.id
    WHERE $1::timestamptz IS NOT NULL GROUP BY s.id, s.current_period_end HAVING max(p.period_end) <> s.current_period_end`,
  ],
  // I9: no difference with a provider is left without a word.
  [
    'difference_is_settled',
    `
    SELECT d.id FROM reconciliation_difference d
    WHERE $1::timestamptz IS NOT NULL AND d.kind = 'missing_payment' AND d.status = 'settled'
      AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.provider = d.provider AND p.charge_id = d.charge_id)`,
  ],
  // I10: nothing stays longer than its deadline.
  [
    'event_is_tried_again',
    `SELECT id FROM webhook_event WHERE status IN ('received', 'failed') AND next_attempt_at < $1::timestamptz - ${PATIENCE}`,
  ],
  ['no_dead_event', `SELECT id FROM webhook_event WHERE $1::timestamptz IS NOT NULL AND status = 'dead'`],
  [
    'order_ends_in_time',
    `SELECT i.id FROM invoice i WHERE i.status = 'open' AND i.expires_at < $1::timestamptz - ${PATIENCE}
      AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.invoice_id = i.id AND r.status = 'reserved')`,
  ],
  [
    'subscription_ends_in_time',
    `
    SELECT id FROM subscription
    WHERE (status = 'cancelling' AND current_period_end < $1::timestamptz - ${PATIENCE})
      OR (status = 'active' AND current_period_end < $1::timestamptz - interval '1 hour' - ${PATIENCE})
      OR (status = 'past_due' AND current_period_end < $1::timestamptz - interval '3 days' - ${PATIENCE})`,
  ],
  [
    'past_is_forgotten',
    `
    SELECT x.id FROM (
      SELECT i.id, i.closed_at AS over_at FROM invoice i WHERE i.status <> 'open' AND i.plan_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.invoice_id = i.id AND r.status = 'reserved')
      UNION ALL SELECT id, ended_at FROM subscription WHERE plan_id IS NOT NULL
      UNION ALL SELECT e.id, least(e.ends_at, e.revoked_at) FROM entitlement e JOIN payment p ON p.id = e.payment_id AND p.status <> 'disputed'
    ) AS x WHERE x.over_at < $1::timestamptz - interval '31 days'`,
  ],
  // I11: a provider's hold and the payment of its charge tell the same story, and no hold outlives its time: half a day for one
  // that was asked for, a month for money that is on its way.
  [
    'hold_is_paid_with_its_charge',
    `
    SELECT r.id FROM reservation r
    WHERE $1::timestamptz IS NOT NULL AND (r.status IN ('paid', 'refunded'))
      <> EXISTS (SELECT 1 FROM payment p WHERE p.provider = r.provider AND p.charge_id = r.charge_id)`,
  ],
  [
    'hold_is_refunded_with_its_charge',
    `
    SELECT r.id FROM reservation r JOIN payment p ON p.provider = r.provider AND p.charge_id = r.charge_id
    WHERE $1::timestamptz IS NOT NULL AND (r.status = 'refunded') <> (p.status = 'refunded')`,
  ],
  [
    'hold_ends_in_time',
    `SELECT id FROM reservation WHERE status = 'reserved'
      AND asked_at < $1::timestamptz - CASE WHEN progress IS NULL THEN interval '12 hours' ELSE interval '31 days' END - ${PATIENCE}`,
  ],
  // I12: each row of the audit is in its chain, and nothing else is. Whether hashes are right is verifyAudit's to say.
  [
    'audit_row_is_linked',
    `
    SELECT e.seq::text AS id FROM audit_event e
    WHERE $1::timestamptz IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit_link l WHERE l.event_seq = e.seq)`,
  ],
  [
    'link_has_its_audit_row',
    `
    SELECT l.position::text AS id FROM audit_link l
    WHERE $1::timestamptz IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit_event e WHERE e.seq = l.event_seq)`,
  ],
];

/** The names of all statements, in the order in which checkBooks answers. */
export const INVARIANTS: ReadonlyArray<string> = QUERIES.map(([name]) => name);

/**
 * Checks the books as a whole (reference/peers.md §3a): I1 every ledger transaction balances and has its cause, I2 balances
 * follow from entries, I3 charges and messages stand once, I4 one right per charge, I5 what went back is of its payment, whose
 * state says so and takes or leaves the right, I6 shares are the whole, I7 what must follow is queued, I8 states only move
 * forward, I9 no difference with a provider is silent, I10 nothing misses its deadline, I11 holds of providers and their
 * charges agree, I12 the audit is linked. Reads one snapshot and every row: for operators, tests and the benchmark. Deadlines assume that a worker runs;
 * `isIdle` leaves them out.
 */
export async function checkBooks(ctx: Ctx, options: { isIdle?: boolean } = {}): Promise<Invariant[]> {
  const client = await ctx.pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query("SET LOCAL statement_timeout = '5min'");
    const answers: Invariant[] = [];
    for (const [name, query] of QUERIES) {
      if (options.isIdle && DEADLINES.has(name)) continue;
      const { rows } = await client.query<{ id: string }>(`${query} LIMIT ${SHOWN}`, [ctx.clock.now()]);
      answers.push({ name, violations: rows.map(({ id }) => String(id)) });
    }
    return answers;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

const DEADLINES: ReadonlySet<string> = new Set([
  'event_is_tried_again',
  'order_ends_in_time',
  'subscription_ends_in_time',
  'hold_ends_in_time',
  'past_is_forgotten',
]);
