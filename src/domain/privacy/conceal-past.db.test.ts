import { expect, it } from 'vitest';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { makeRail } from '../../testing/rail.ts';
import { successfulPayment } from '../../testing/updates.ts';
import { openWorld } from '../../testing/world.ts';
import { CONCEALED, concealPast } from './conceal-past.ts';

const world = openWorld();
const rail = makeRail(world);
const pool = () => world.database.pool;

/** Puts the database back to what it was before ids were concealed: plaintext, and constraints that were just added. */
async function undo(): Promise<void> {
  const name = (table: string, column: string) => `${table}_${column}_concealed`;
  for (const [table, column] of CONCEALED)
    await pool().query(`ALTER TABLE ${table} DROP CONSTRAINT ${name(table, column)}`);
  for (const [table, column] of CONCEALED) {
    const { rows } = await pool().query<{ id: string; said: string }>(
      `SELECT id, ${column} AS said FROM ${table} WHERE ${column} IS NOT NULL`,
    );
    for (const { id, said } of rows)
      await pool().query(`UPDATE ${table} SET ${column} = $2 WHERE id = $1`, [id, TEST_VAULT.reveal(said)]);
  }
  for (const [table, column] of CONCEALED)
    await pool().query(
      `ALTER TABLE ${table} ADD CONSTRAINT ${name(table, column)} CHECK (${column} LIKE '~%') NOT VALID`,
    );
}

const all = async () =>
  Promise.all(
    CONCEALED.map(async ([table, column]) => {
      const { rows } = await pool().query<{ said: string }>(
        `SELECT ${column} AS said FROM ${table} WHERE ${column} IS NOT NULL ORDER BY id`,
      );
      return [`${table}.${column}`, rows.map(({ said }) => said)] as const;
    }),
  );
const openConstraints = async () => {
  const { rows } = await pool().query<{ name: string }>(
    "SELECT conname AS name FROM pg_constraint WHERE conname LIKE '%\\_concealed' AND NOT convalidated ORDER BY 1",
  );
  return rows.map(({ name }) => name);
};

it('every column of providers’ ids refuses plaintext', async () => {
  const { rows } = await pool().query<{ name: string }>(
    "SELECT conname AS name FROM pg_constraint WHERE conname LIKE '%\\_concealed' ORDER BY 1",
  );
  expect(rows.map(({ name }) => name)).toEqual(CONCEALED.map((each) => `${each.join('_')}_concealed`).sort());
  await world.buy(await world.newBuyer(), CATALOG.pluginOnce);
  await expect(pool().query("UPDATE payment SET charge_id = 'plain'")).rejects.toMatchObject({
    code: '23514',
    constraint: 'payment_charge_id_concealed',
  });
});

it('what stands in plaintext from before is concealed once, and is found as before', async () => {
  const buyer = await world.newBuyer();
  const bought = await world.buy(buyer, CATALOG.basicMonth);
  const once = await world.buy(await world.newBuyer(), CATALOG.pluginOnce);
  // Rows in which several columns are concealed: a checkout with a page, a refund to be claimed, money on its way.
  const order = await rail.place();
  rail.change({
    refund: async ({ refundId }) => ({
      status: 'pending',
      reference: `re_${refundId}`,
      claimUrl: 'https://pay.example/claim',
    }),
  });
  const returned = await rail.buy();
  const [paid] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [returned.chargeId]);
  const refund = await requestRefund(rail.in(world.asServer()), { paymentId: paid?.id ?? '' });
  await executeRefund(rail.in(world.system), refund.id);
  await rail.tell({
    type: 'payment_pending',
    eventId: rail.name('evt'),
    occurredAt: world.clock.now(),
    invoiceId: order.invoiceId,
    chargeId: rail.name('ch'),
    price: { amount: returned.amount, currency: returned.currency },
    progress: 'awaiting_transfer',
    missing: null,
    instructionsUrl: 'https://pay.example/how',
  });
  const before = await all();
  await undo();
  const plain = Object.fromEntries(await all());
  expect(plain['payment.charge_id']).toEqual(expect.arrayContaining([bought.chargeId, once.chargeId]));
  expect(await openConstraints()).toHaveLength(CONCEALED.length);

  const place = { db: world.database.prisma, vault: world.door.vault };
  const counts = await Promise.all([concealPast(place), concealPast(place)]);
  expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(before.reduce((sum, [, said]) => sum + said.length, 0));
  expect(await all()).toEqual(before);
  expect(await openConstraints()).toEqual([]);
  expect(await concealPast(place)).toBe(0);

  // The charge is told again by another message: it is known.
  const told = { payer: buyer, invoiceId: bought.invoiceId, amount: bought.amount, chargeId: bought.chargeId };
  await world.deliver(successfulPayment(world.nextUpdateId(), { ...told, at: bought.at }));
  expect(await world.sql('SELECT 1 FROM payment WHERE charge_id = $1', [bought.chargeId])).toHaveLength(1);
});

it('may take longer than a request: what it does to a table lasts as long as the table', async () => {
  await world.buy(await world.newBuyer(), CATALOG.pluginOnce);
  await undo();
  await pool().query(`
    CREATE TABLE allowed (what text, ms bigint);
    CREATE FUNCTION note_allowed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO allowed SELECT 'row', setting::bigint FROM pg_settings WHERE name = 'statement_timeout'; RETURN NEW; END $$;
    CREATE TRIGGER note_allowed BEFORE UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION note_allowed();
    CREATE FUNCTION note_allowed_check() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO allowed SELECT 'check', setting::bigint FROM pg_settings WHERE name = 'statement_timeout'; END $$;
    CREATE EVENT TRIGGER note_allowed ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION note_allowed_check()`);
  await concealPast({ db: world.database.prisma, vault: world.door.vault });
  await pool().query('DROP EVENT TRIGGER note_allowed; DROP TRIGGER note_allowed ON payment');
  const { rows } = await pool().query<{ what: string; least: number }>(
    'SELECT what, min(ms)::int AS least FROM allowed GROUP BY what ORDER BY what',
  );
  const hour = 3_600_000;
  expect(rows).toEqual([
    { what: 'check', least: hour },
    { what: 'row', least: hour },
  ]);
});

it('changes nothing while a process of an earlier version is connected, which would take it for what providers say', async () => {
  await world.buy(await world.newBuyer(), CATALOG.pluginOnce);
  await undo();
  const plain = await all();
  const place = { db: world.database.prisma, vault: world.door.vault };
  const other = await pool().connect();
  try {
    await other.query("SET application_name = 'hoshi-worker'");
    await expect(concealPast(place)).rejects.toThrow('(hoshi-worker): stop it everywhere');
    expect(await all()).toEqual(plain);
    expect(await openConstraints()).toHaveLength(CONCEALED.length);
    await other.query('RESET application_name');
    expect(await concealPast(place)).toBeGreaterThan(0);
    // Where nothing is left to do, whoever runs is of this version.
    await other.query("SET application_name = 'hoshi-web'");
    expect(await concealPast(place)).toBe(0);
  } finally {
    await other.query('RESET application_name');
    other.release();
  }
});
