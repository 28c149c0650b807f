import { beforeAll, describe, expect, it } from 'vitest';
import { checkBooks, INVARIANTS } from '#domain/audit/invariants.ts';
import { recordAudit } from '#domain/audit/record.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { type Bought, type Buyer, openWorld, START } from '../../testing/world.ts';

const world = openWorld();
let buyer: Buyer;
let bought: Bought;
beforeAll(async () => {
  buyer = await world.newBuyer();
  bought = await world.buy(buyer, CATALOG.pluginOnce);
  await world.buy(buyer, CATALOG.basicMonth);
});
const code = (text: string, values: unknown[] = []) =>
  world.sql(text, values).then(
    () => 'accepted',
    (error: { code?: string; constraint?: string }) => error.constraint ?? error.code,
  );

/** Plants a dispute of some payment that nothing else knows of. */
const DISPUTE = (
  status: 'open' | 'won' | 'lost',
  { currency = 'currency', held_share = '0', returned_amount = '0' } = {},
) =>
  `INSERT INTO dispute (id, payment_id, reference, status, amount, currency, held_share, returned_amount, created_at, closed_at)
   SELECT 'dsp_x', id, '~x', '${status}', amount, ${currency}, ${held_share}, ${returned_amount}, now(), ${status === 'open' ? 'NULL' : 'now()'} FROM payment LIMIT 1`;
const AN_HOUR = "interval '1 hour'";
/** Plants a hold of every order for money that was announced so long ago, by the clock of the world. */
const HOLD = (status: 'reserved' | 'cancelled', age: string) =>
  `INSERT INTO reservation (id, provider, charge_id, invoice_id, amount, currency, status, progress, asked_at, created_at, cancelled_at)
   SELECT 'rsv_' || id, 'p', '~' || id, id, amount, currency, '${status}', 'confirming', '${START.toISOString()}'::timestamptz - ${age}, now(),
     ${status === 'cancelled' ? 'now()' : 'NULL'} FROM invoice`;

describe('the database refuses', () => {
  it.each([
    ['ledger_entry', 'amount'],
    ['audit_event', 'actor'],
    ['audit_link', 'hash'],
    ['audit_signature', 'hash'],
  ])('to change, delete or empty %s', async (table, column) => {
    expect(await code(`UPDATE ${table} SET ${column} = ${column}`)).toBe('23001');
    expect(await code(`DELETE FROM ${table}`)).toBe('23001');
    expect(await code(`DELETE FROM ${table} WHERE false`)).toBe('23001');
    expect(await code(`TRUNCATE ${table}`)).toBe('23001');
  });

  const insert = (rows: string) =>
    code(`INSERT INTO ledger_entry (transaction_id, account, amount, currency, created_at) VALUES ${rows}`);
  it.each([
    ['one leg', "('t1', 'platform_revenue', 5, 'XTR', now())"],
    [
      'legs that do not sum to zero',
      "('t1', 'platform_revenue', 5, 'XTR', now()), ('t1', 'developer_payable', -4, 'XTR', now())",
    ],
    [
      'balance over two currencies',
      "('t1', 'platform_revenue', 5, 'XTR', now()), ('t1', 'developer_payable', -5, 'USD', now())",
    ],
    [
      'balance over two transactions',
      "('t1', 'platform_revenue', 5, 'XTR', now()), ('t2', 'developer_payable', -5, 'XTR', now())",
    ],
  ])('%s', async (_name, rows) => {
    expect(await insert(rows)).toBe('23514');
  });

  it('an empty leg and the same account twice', async () => {
    expect(await insert("('t1', 'platform_revenue', 0, 'XTR', now())")).toBe('ledger_entry_not_zero');
    expect(
      await insert("('t1', 'platform_revenue', 5, 'XTR', now()), ('t1', 'platform_revenue', -5, 'XTR', now())"),
    ).toBe('ledger_entry_transaction_id_account_key');
  });

  it.each([
    [
      'a charge twice',
      `INSERT INTO payment SELECT (jsonb_populate_record(p, '{"id":"pay_twice"}')).* FROM payment p WHERE charge_id = $1`,
      'payment_provider_charge_id_key',
    ],
    [
      'a second right for a charge',
      `INSERT INTO entitlement SELECT (jsonb_populate_record(e, '{"id":"ent_twice","plan_id":"pln_pro"}')).* FROM entitlement e JOIN payment p ON p.id = e.payment_id WHERE p.charge_id = $1`,
      'entitlement_payment_id_key',
    ],
    [
      'a second lasting right',
      `INSERT INTO entitlement SELECT (jsonb_populate_record(e, '{"id":"ent_twice","payment_id":null}')).* FROM entitlement e JOIN payment p ON p.id = e.payment_id WHERE p.charge_id = $1`,
      'entitlement_one_lasting',
    ],
    [
      'shares that are not the whole',
      'UPDATE payment SET platform_fee = platform_fee + 1 WHERE charge_id = $1',
      'payment_shares_are_the_whole',
    ],
    [
      'a negative share',
      'UPDATE payment SET platform_fee = platform_fee - 200, processor_fee = processor_fee + 200 WHERE charge_id = $1',
      'payment_shares_are_the_whole',
    ],
    [
      'a share of nobody',
      'UPDATE payment SET developer_user_id = NULL WHERE charge_id = $1',
      'payment_share_has_owner',
    ],
    [
      'a second refund of a charge while one runs',
      `INSERT INTO refund (id, payment_id, status, reason, amount, currency, requested_by, created_at)
      SELECT v.id, p.id, 'requested', 'requested', 1, 'XTR', 'test', now() FROM payment p, (VALUES ('ref_1'), ('ref_2')) AS v(id) WHERE p.charge_id = $1`,
      'refund_one_running',
    ],
  ])('%s', async (_name, text, constraint) => {
    expect(await code(text, [TEST_VAULT.conceal(bought.chargeId)])).toBe(constraint);
  });

  it('a second open order, live attempt or renewing subscription', async () => {
    const open = await world.order(buyer, CATALOG.proYear);
    const twice = (table: string, id: string, where: string) =>
      code(`INSERT INTO ${table} SELECT (jsonb_populate_record(t, '{"id":"${id}"}')).* FROM ${table} t WHERE ${where}`);
    expect(await twice('invoice', 'inv_twice', `id = '${open.invoiceId}'`)).toBe('invoice_one_open');
    expect(await twice('payment_attempt', 'att_twice', `invoice_id = '${open.invoiceId}'`)).toBe(
      'payment_attempt_one_live',
    );
    expect(
      await code(
        `INSERT INTO subscription SELECT (jsonb_populate_record(s, '{"id":"sub_twice","invoice_id":"${open.invoiceId}"}')).* FROM subscription s WHERE user_id = $1`,
        [buyer.id],
      ),
    ).toBe('subscription_one_renewing');
  });
});

describe('inTransaction', () => {
  it('joins the transaction it stands in, and undoes all of it together', async () => {
    const work = inTransaction(world.system, async (tx) => {
      await recordAudit(tx, { action: 'outer', objectId: 'joined' });
      await inTransaction(tx, (inner) => recordAudit(inner, { action: 'inner', objectId: 'joined', data: { a: 1 } }));
      throw new Error('undo');
    });
    await expect(work).rejects.toThrow('undo');
    expect(await world.sql("SELECT action FROM audit_event WHERE object_id = 'joined'")).toEqual([]);
  });

  it('runs again after a serialization failure, five times at most', async () => {
    let runs = 0;
    const fail = async () => {
      runs += 1;
      if (runs < 3) throw Object.assign(new Error('again'), { code: '40001' });
      return runs;
    };
    expect(await inTransaction(world.system, fail)).toBe(3);
    runs = Number.NEGATIVE_INFINITY;
    let tries = 0;
    await expect(
      inTransaction(world.system, async () => {
        tries += 1;
        return fail();
      }),
    ).rejects.toThrow('again');
    expect(tries).toBe(5);
  });

  it('runs again after a real deadlock', async () => {
    await world.sql(
      "INSERT INTO idempotency_key (scope, key, request_hash, locked_until) VALUES ('s', 'a', '', now()), ('s', 'b', '', now())",
    );
    let meet: () => void = () => undefined;
    const both = new Promise<void>((resolve) => {
      meet = resolve;
    });
    let waiting = 0;
    const crossing = (first: string, second: string) =>
      inTransaction(world.system, async (tx) => {
        await tx.db.$executeRaw`UPDATE idempotency_key SET response_status = 1 WHERE key = ${first}`;
        waiting += 1;
        if (waiting === 2) meet();
        await both;
        await tx.db.$executeRaw`UPDATE idempotency_key SET response_status = 2 WHERE key = ${second}`;
      });
    await Promise.all([crossing('a', 'b'), crossing('b', 'a')]);
    expect(waiting).toBeGreaterThan(2);
  });
});

describe('checkBooks', () => {
  it('finds whole books whole', async () => {
    const answers = await checkBooks(world.system);
    expect(answers.map(({ name }) => name)).toEqual(INVARIANTS);
    expect(answers.filter(({ violations }) => violations.length > 0)).toEqual([]);
  });

  // Money that is on its way may hold an order for a month.
  const INNOCENT: ReadonlyArray<[name: string, statement: string]> = [
    [
      'payment_has_one_right',
      "DELETE FROM entitlement; UPDATE payment SET right_dropped_at = now() WHERE kind <> 'surplus'",
    ],
    [
      'right_is_dropped_when_over',
      "UPDATE payment SET right_dropped_at = period_end + interval '30 days' WHERE period_end IS NOT NULL",
    ],
    ['past_is_forgotten', "UPDATE entitlement SET revoked_at = '2020-01-01'; UPDATE payment SET status = 'disputed'"],
    ['hold_ends_in_time', HOLD('reserved', `${AN_HOUR} * 24 * 30`)],
    [
      'order_ends_in_time',
      `UPDATE invoice SET status = 'open', expires_at = '2020-01-01'; ${HOLD('reserved', AN_HOUR)}`,
    ],
  ];

  // Each crime is committed with all guards of the database off, and undone after.
  const CRIMES: ReadonlyArray<[name: string, statement: string]> = [
    ['ledger_balances', "UPDATE ledger_entry SET amount = amount + 1 WHERE account = 'platform_revenue'"],
    ['payment_is_booked', "DELETE FROM ledger_entry WHERE account IN ('platform_revenue', 'provider_receivable')"],
    [
      'refund_is_booked',
      "INSERT INTO refund SELECT 'ref_x', id, 'succeeded', 'requested', amount, currency, 'x', NULL, now(), now() FROM payment LIMIT 1",
    ],
    [
      'refund_is_booked',
      `INSERT INTO ledger_entry (transaction_id, account, owner, amount, currency, created_at)
       SELECT 'ref_x', v.account::ledger_account, '', v.amount, 'XTR', now() FROM (VALUES ('provider_receivable', -5), ('platform_revenue', 5)) AS v(account, amount);
       INSERT INTO refund SELECT 'ref_x', id, 'failed', 'requested', 5, currency, 'x', NULL, now(), now() FROM payment LIMIT 1`,
    ],
    ['dispute_is_booked', DISPUTE('lost', { returned_amount: '1' })],
    ['dispute_is_booked', DISPUTE('won', { returned_amount: '1' })],
    [
      'entry_has_cause',
      "UPDATE ledger_entry SET transaction_id = 'nothing' WHERE transaction_id = (SELECT id FROM payment LIMIT 1)",
    ],
    [
      'developer_is_owed_their_shares',
      'UPDATE payment SET developer_share = developer_share - 1, platform_fee = platform_fee + 1 WHERE developer_share > 0',
    ],
    ['developer_is_owed_their_shares', 'UPDATE payment SET returned_amount = amount / 2 WHERE developer_share > 0'],
    ['share_is_held_while_disputed', DISPUTE('open', { held_share: '5' })],
    [
      'share_is_held_while_disputed',
      `INSERT INTO ledger_entry (transaction_id, account, owner, amount, currency, created_at)
       SELECT 'dsp_x', v.account::ledger_account, 'usr_developer', v.amount, 'XTR', now() FROM (VALUES ('dispute_hold', -5), ('developer_payable', 5)) AS v(account, amount);
       ${DISPUTE('won', { held_share: '5' })}`,
    ],
    ['payment_has_one_right', 'DELETE FROM entitlement'],
    ['payment_has_one_right', 'UPDATE payment SET right_dropped_at = now()'],
    ['right_is_dropped_when_over', 'UPDATE payment SET right_dropped_at = paid_at'],
    ['right_is_dropped_when_over', "UPDATE payment SET right_dropped_at = period_end + interval '29 days'"],
    ['right_has_payment', 'UPDATE entitlement SET payment_id = NULL'],
    ['right_is_what_was_paid', "UPDATE entitlement SET starts_at = starts_at - interval '1 day'"],
    ['right_is_what_was_paid', "UPDATE entitlement SET plan_id = 'pln_x' WHERE subscription_id IS NOT NULL"],
    ['past_is_forgotten', "UPDATE invoice SET plan_id = 'pln_x', closed_at = '2020-01-01'"],
    ['past_is_forgotten', "UPDATE subscription SET ended_at = '2020-01-01'"],
    ['past_is_forgotten', "UPDATE entitlement SET revoked_at = '2020-01-01'"],
    ['past_is_forgotten', "UPDATE entitlement SET ends_at = '2020-01-01'"],
    [
      'order_is_paid_once',
      "INSERT INTO payment SELECT (jsonb_populate_record(p, jsonb_build_object('id', 'pay_x', 'charge_id', '~x'))).* FROM payment p LIMIT 1",
    ],
    [
      'hold_is_paid_with_its_charge',
      `INSERT INTO reservation (id, provider, charge_id, invoice_id, amount, currency, status, asked_at, created_at, paid_at)
       SELECT 'rsv_x', 'p', '~x', id, amount, currency, 'paid', now(), now(), now() FROM invoice LIMIT 1`,
    ],
    [
      'hold_is_refunded_with_its_charge',
      `INSERT INTO reservation (id, provider, charge_id, invoice_id, amount, currency, status, asked_at, created_at, paid_at, cancelled_at)
       SELECT 'rsv_x', provider, charge_id, invoice_id, amount, currency, 'refunded', now(), now(), now(), now() FROM payment LIMIT 1`,
    ],
    [
      'hold_ends_in_time',
      `INSERT INTO reservation (id, provider, charge_id, invoice_id, amount, currency, status, asked_at, created_at)
       SELECT 'rsv_x', 'p', '~x', id, amount, currency, 'reserved', '2026-01-01', '2026-01-01' FROM invoice LIMIT 1`,
    ],
    ['hold_ends_in_time', HOLD('reserved', `${AN_HOUR} * 24 * 32`)],
    ['order_is_paid_by_charge', "UPDATE invoice SET status = 'cancelled'"],
    ['order_has_its_subscription', 'DELETE FROM subscription'],
    [
      'return_is_of_its_payment',
      "INSERT INTO refund SELECT 'ref_x', id, 'requested', 'requested', amount + 1, currency, 'x', NULL, now(), NULL FROM payment LIMIT 1",
    ],
    ['return_is_of_its_payment', DISPUTE('lost', { currency: "'USD'", returned_amount: '1' })],
    ['returns_are_the_sum', 'UPDATE payment SET returned_amount = 1'],
    ['returns_are_the_sum', DISPUTE('lost', { returned_amount: '1' })],
    ['payment_is_refunded_when_whole', 'UPDATE payment SET returned_amount = amount'],
    ['payment_is_refunded_when_whole', "UPDATE payment SET status = 'refunded'"],
    ['refund_agrees_with_payment', "UPDATE payment SET status = 'refunding'"],
    [
      'refund_agrees_with_payment',
      "INSERT INTO refund SELECT 'ref_x', id, 'requested', 'requested', amount, currency, 'x', NULL, now(), NULL FROM payment LIMIT 1",
    ],
    ['dispute_agrees_with_payment', "UPDATE payment SET status = 'disputed'"],
    ['dispute_agrees_with_payment', "UPDATE payment SET status = 'charged_back'"],
    ['dispute_agrees_with_payment', DISPUTE('open')],
    ['right_follows_payment', 'UPDATE entitlement SET revoked_at = now()'],
    ['right_follows_payment', "UPDATE payment SET status = 'disputed'"],
    ['right_follows_payment', `UPDATE entitlement SET revoked_at = now(); ${DISPUTE('won')}`],
    ['refunded_subscription_is_over', "UPDATE payment SET status = 'refunded'"],
    ['shares_are_the_whole', "UPDATE payment SET kind = 'surplus'"],
    ['payment_is_told', "DELETE FROM job WHERE name = 'send_notice'"],
    [
      'refund_is_asked_for',
      "INSERT INTO refund SELECT 'ref_x', id, 'requested', 'requested', amount, currency, 'x', NULL, now(), NULL FROM payment LIMIT 1",
    ],
    [
      'audit_row_is_linked',
      "INSERT INTO audit_event (at, actor, action, object_id, data, request_id) VALUES (now(), 'x', 'x', 'x', '{}', 'x')",
    ],
    ['audit_row_is_linked', 'DELETE FROM audit_link WHERE position = 1'],
    ['link_has_its_audit_row', 'DELETE FROM audit_event'],
    ['closed_order_has_no_live_attempt', "UPDATE payment_attempt SET status = 'live'"],
    ['subscription_end_is_dated', 'UPDATE subscription SET ended_at = now()'],
    [
      'subscription_covers_its_charges',
      "UPDATE subscription SET current_period_end = current_period_end + interval '1 day'",
    ],
    [
      'difference_is_settled',
      "INSERT INTO reconciliation_difference VALUES ('dif_x', 'telegram-stars', '~none', 'missing_payment', 'settled', now())",
    ],
    ['event_is_tried_again', "UPDATE webhook_event SET status = 'failed', next_attempt_at = '2020-01-01'"],
    ['event_is_tried_again', "UPDATE webhook_event SET status = 'received', next_attempt_at = '2020-01-01'"],
    ['no_dead_event', "UPDATE webhook_event SET status = 'dead'"],
    ['order_ends_in_time', "UPDATE invoice SET status = 'open', expires_at = '2020-01-01'"],
    [
      'order_ends_in_time',
      `UPDATE invoice SET status = 'open', expires_at = '2020-01-01'; ${HOLD('cancelled', AN_HOUR)}`,
    ],
    [
      'subscription_ends_in_time',
      "UPDATE subscription SET current_period_start = '2020-01-01', current_period_end = '2020-01-31'",
    ],
  ];

  it.each(CRIMES)('sees: %s (%#)', async (name, statement) => {
    expect(await breaks(statement)).toContain(name);
  });

  it.each(INNOCENT)('does not see what is allowed: %s (%#)', async (name, statement) => {
    expect(await breaks(statement)).not.toContain(name);
  });

  /** The names of what a statement breaks; it is undone after. */
  async function breaks(statement: string): Promise<string[]> {
    const client = await world.database.pool.connect();
    const crime = {
      ...world.system,
      pool: {
        connect: async () => ({ query: inside, release: () => undefined }),
      } as unknown as typeof world.system.pool,
    };
    async function inside(text: string, values?: unknown[]) {
      // The check opens and closes its own snapshot; here it looks into the transaction of the crime.
      return /^(BEGIN|ROLLBACK|SET LOCAL)/.test(text) ? { rows: [] } : client.query(text, values);
    }
    try {
      await client.query('BEGIN');
      await client.query("SET LOCAL session_replication_role = 'replica'");
      for (const table of [
        'payment',
        'entitlement',
        'refund',
        'invoice',
        'ledger_entry',
        'payment_attempt',
        'subscription',
        'dispute',
        'reservation',
      ])
        await client.query(DROP_GUARDS(table));
      await client.query(statement);
      const found = (await checkBooks(crime)).filter(({ violations }) => violations.length > 0);
      return found.map(({ name }) => name);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }

  it('has a crime for every statement that the database does not already make impossible', () => {
    const impossible = ['charge_stands_once', 'event_stands_once'];
    expect([...new Set(CRIMES.map(([name]) => name)), ...impossible].toSorted()).toEqual([...INVARIANTS].toSorted());
  });
});

/** Drops the checks and unique indexes of a table, inside a transaction that is rolled back. */
const DROP_GUARDS = (table: string) => `
  DO $$ DECLARE guard record; BEGIN
    FOR guard IN SELECT conname FROM pg_constraint WHERE conrelid = '${table}'::regclass AND contype = 'c' LOOP
      EXECUTE format('ALTER TABLE ${table} DROP CONSTRAINT %I', guard.conname);
    END LOOP;
    FOR guard IN SELECT indexrelid::regclass AS name FROM pg_index WHERE indrelid = '${table}'::regclass AND indisunique AND NOT indisprimary LOOP
      EXECUTE format('DROP INDEX %s', guard.name);
    END LOOP;
  END $$`;
