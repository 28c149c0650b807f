import { afterEach, describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { checkEntitlement } from '#domain/entitlement/check.ts';
import { telegramIdOf } from '#domain/identity/account.ts';
import type { Method } from '#domain/provider/capability.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { expectWholeBooks, jobsOf, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG, DEVELOPER } from '../../testing/catalog.ts';
import { makeRail, RAIL } from '../../testing/rail.ts';
import { refundedPayment, successfulPayment } from '../../testing/updates.ts';
import { type Buyer, MONTH_MS, newChargeId, openWorld, type PriceId } from '../../testing/world.ts';

const world = openWorld();
const rail = makeRail(world);
const TIMES = 50;

async function open(buyer: Buyer, priceId: PriceId) {
  const { invoiceId } = await world.order(buyer, priceId);
  return { payer: buyer, invoiceId, amount: AMOUNTS[priceId], at: world.clock.now() };
}
const recurring = (isFirst = true, periods = 1) => ({
  isFirst,
  until: new Date(world.clock.now().getTime() + periods * MONTH_MS),
});
const paymentsOf = (invoiceId: string) =>
  world.sql<{ kind: string; status: string; charge_id: string; id: string; user_id: string }>(
    'SELECT id, kind, status, charge_id, user_id FROM payment WHERE invoice_id = $1 ORDER BY kind',
    [invoiceId],
  );
const count = async (text: string, values: unknown[]) => (await world.sql<{ n: number }>(text, values))[0]?.n;

describe('the same charge', () => {
  it.each([
    ['one message, delivered fifty times at once', CATALOG.pluginOnce, true],
    ['fifty messages about it at once', CATALOG.pluginOnce, false],
    ['one message of a subscription, fifty times at once', CATALOG.basicMonth, true],
  ] as const)('%s: one payment, one right, one notice, all acknowledged', async (_name, priceId, isSameMessage) => {
    const buyer = await world.newBuyer();
    const facts = {
      ...(await open(buyer, priceId)),
      chargeId: newChargeId(),
      ...(priceId === CATALOG.basicMonth ? { recurring: recurring() } : {}),
    };
    const updateId = world.nextUpdateId();
    const answers = await Promise.all(
      Array.from({ length: TIMES }, () =>
        world.deliver(successfulPayment(isSameMessage ? updateId : world.nextUpdateId(), facts)),
      ),
    );
    expect(answers.map(({ reply }) => reply.status)).toEqual(Array.from({ length: TIMES }, () => 200));
    const payments = await paymentsOf(facts.invoiceId);
    expect(payments).toMatchObject([{ charge_id: facts.chargeId, status: 'succeeded', user_id: buyer.id }]);
    expect(await count('SELECT count(*)::int AS n FROM entitlement WHERE user_id = $1', [buyer.id])).toBe(1);
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    expect(
      await count("SELECT count(*)::int AS n FROM audit_event WHERE action = 'payment.settled' AND object_id = $1", [
        payments[0]?.id,
      ]),
    ).toBe(1);
    const failed = await world.sql("SELECT status, error FROM webhook_event WHERE status <> 'processed'");
    expect(failed).toEqual([]);
    await expectWholeBooks(world.system);
  });

  it('books 30 for the platform and 70 for the developer, who is told', async () => {
    const buyer = await world.newBuyer();
    const facts = { ...(await open(buyer, CATALOG.pluginOnce)), chargeId: newChargeId() };
    await world.deliver(successfulPayment(world.nextUpdateId(), facts));
    const [payment] = await paymentsOf(facts.invoiceId);
    const entries = await world.sql(
      'SELECT account, owner, amount FROM ledger_entry WHERE transaction_id = $1 ORDER BY account',
      [payment?.id],
    );
    expect(entries).toEqual([
      { account: 'provider_receivable', owner: 'telegram-stars', amount: 101n },
      { account: 'platform_revenue', owner: '', amount: -30n },
      { account: 'developer_payable', owner: DEVELOPER.id, amount: -71n },
    ]);
    const sales = await jobsOf(world, 'send_notice');
    expect(sales.filter((job) => job['kind'] === 'sale' && job['objectId'] === payment?.id)).toHaveLength(1);
  });
});

describe('two different charges', () => {
  it.each([
    ['of one order, paid once', CATALOG.pluginOnce],
    ['of one order for a year', CATALOG.basicYear],
    ['of one subscription order', CATALOG.basicMonth],
  ] as const)('%s, at once: one right, one surplus that goes back', async (_name, priceId) => {
    const buyer = await world.newBuyer();
    const facts = await open(buyer, priceId);
    const first = priceId === CATALOG.basicMonth ? { recurring: recurring() } : {};
    const charges = [newChargeId(), newChargeId()];
    const answers = await Promise.all(
      charges.map((chargeId) =>
        world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, chargeId, ...first })),
      ),
    );
    expect(answers.map(({ reply }) => reply.status)).toEqual([200, 200]);
    const payments = await paymentsOf(facts.invoiceId);
    expect(payments.map(({ kind, status }) => [kind, status])).toEqual(
      expect.arrayContaining([
        ['surplus', 'refunding'],
        [priceId === CATALOG.basicMonth ? 'first' : 'one_time', 'succeeded'],
      ]),
    );
    const surplus = payments.find(({ kind }) => kind === 'surplus');
    expect(
      await world.sql('SELECT status, reason, requested_by FROM refund WHERE payment_id = $1', [surplus?.id]),
    ).toEqual([{ status: 'requested', reason: 'surplus', requested_by: 'system' }]);
    expect(
      await count('SELECT count(*)::int AS n FROM entitlement WHERE user_id = $1 AND revoked_at IS NULL', [buyer.id]),
    ).toBe(1);
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    const cancelled = (await jobsOf(world, 'cancel_surplus_renewal')).filter(
      ({ paymentId }) => paymentId === surplus?.id,
    );
    expect(cancelled).toHaveLength(priceId === CATALOG.basicMonth ? 1 : 0);
    await expectWholeBooks(world.system);
  });

  it.each([
    ['the same plan by the month', CATALOG.proMonth],
    ['the same plugin', CATALOG.pluginOnce],
  ] as const)('of two orders for %s, at once: one right, one surplus', async (_name, priceId) => {
    const buyer = await world.newBuyer();
    const first = await open(buyer, priceId);
    // The second order is opened after the first is closed; Telegram can still be paid for both.
    await cancelInvoice(buyer.ctx, first.invoiceId);
    const second = await open(buyer, priceId);
    const renewing = priceId === CATALOG.proMonth ? { recurring: recurring() } : {};
    await Promise.all(
      [first, second].map((facts) =>
        world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, chargeId: newChargeId(), ...renewing })),
      ),
    );
    const kinds = [...(await paymentsOf(first.invoiceId)), ...(await paymentsOf(second.invoiceId))].map(
      ({ kind }) => kind,
    );
    expect(kinds.filter((kind) => kind === 'surplus')).toHaveLength(1);
    expect(kinds).toHaveLength(2);
    expect(await count('SELECT count(*)::int AS n FROM entitlement WHERE user_id = $1', [buyer.id])).toBe(1);
    expect(await world.sql("SELECT id FROM webhook_event WHERE status <> 'processed'")).toEqual([]);
    await expectWholeBooks(world.system);
  });

  it('for two years are added up', async () => {
    const buyer = await world.newBuyer();
    const first = await world.buy(buyer, CATALOG.basicYear);
    await world.buy(buyer, CATALOG.basicYear);
    const rights = await world.sql<{ starts_at: Date; ends_at: Date }>(
      'SELECT starts_at, ends_at FROM entitlement WHERE user_id = $1 ORDER BY starts_at',
      [buyer.id],
    );
    expect(rights.map(({ ends_at }) => ends_at.getUTCFullYear() - first.at.getUTCFullYear())).toEqual([1, 2]);
    expect(rights[1]?.starts_at).toEqual(rights[0]?.ends_at);
  });
});

describe('many charges at once', () => {
  it('for years of one plan are added up too, none lost in another', async () => {
    const buyer = await world.newBuyer();
    const orders = [];
    for (let year = 0; year < 4; year += 1) {
      orders.push(await open(buyer, CATALOG.proYear));
      await cancelInvoice(buyer.ctx, orders[year]?.invoiceId ?? '');
    }
    await Promise.all(
      orders.map((facts) =>
        world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, chargeId: newChargeId() })),
      ),
    );
    const rights = await world.sql<{ starts_at: Date; ends_at: Date }>(
      'SELECT starts_at, ends_at FROM entitlement WHERE user_id = $1 ORDER BY starts_at',
      [buyer.id],
    );
    expect(rights).toHaveLength(4);
    for (const [index, { starts_at }] of rights.entries())
      if (index > 0) expect(starts_at).toEqual(rights[index - 1]?.ends_at);
    await expectWholeBooks(world.system);
  });

  it('are settled, but for the one that cannot be', async () => {
    const buyers = await Promise.all(Array.from({ length: 40 }, () => world.newBuyer()));
    const orders = await Promise.all(buyers.map((buyer) => open(buyer, CATALOG.pluginOnce)));
    const unlucky = buyers[17]?.id ?? '';
    await world.sql(`CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END $$`);
    await world.sql(
      `CREATE TRIGGER refuse_one BEFORE INSERT ON payment FOR EACH ROW WHEN (NEW.user_id = '${unlucky}') EXECUTE FUNCTION refuse_one()`,
    );
    const answers = await Promise.all(
      orders.map((facts) =>
        world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, chargeId: newChargeId() })),
      ),
    );
    expect(answers.every(({ reply }) => reply.status === 200)).toBe(true);
    await world.sql('DROP TRIGGER refuse_one ON payment');
    const ids = buyers.map(({ id }) => id);
    expect(await count('SELECT count(*)::int AS n FROM payment WHERE user_id = ANY($1)', [ids])).toBe(39);
    expect(await paymentsOf(orders[17]?.invoiceId ?? '')).toEqual([]);
    world.clock.advance(5_000);
    expect(await retryWebhooks(world.system)).toBe(1);
    expect(await noticesOf(world, unlucky)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });
});

describe('money that is not what was asked', () => {
  it('from somebody else goes back to whoever paid', async () => {
    const buyer = await world.newBuyer();
    const stranger = { telegramId: 880_001n };
    const facts = { ...(await open(buyer, CATALOG.pluginOnce)), chargeId: newChargeId() };
    await world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, payer: stranger }));
    const [payment] = await paymentsOf(facts.invoiceId);
    expect(payment).toMatchObject({ kind: 'surplus', status: 'refunding' });
    expect(await telegramIdOf(world.system, String(payment?.user_id))).toBe(880_001n);
    expect(await world.sql('SELECT status FROM invoice WHERE id = $1', [facts.invoiceId])).toEqual([
      { status: 'open' },
    ]);
    expect((await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'plugin' })).isEntitled).toBe(false);
    await expectWholeBooks(world.system);
  });

  it.each([100, 102])('%s instead of 101 goes back, and the order stays open', async (amount) => {
    const buyer = await world.newBuyer();
    const facts = { ...(await open(buyer, CATALOG.pluginOnce)), chargeId: newChargeId() };
    await world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, amount }));
    expect(await paymentsOf(facts.invoiceId)).toMatchObject([{ kind: 'surplus' }]);
    await world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, chargeId: newChargeId() }));
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });
});

describe('cancelling and paying at the same moment', () => {
  it('ends paid, whoever was first', async () => {
    for (let round = 0; round < 12; round += 1) {
      const buyer = await world.newBuyer();
      const facts = { ...(await open(buyer, CATALOG.basicMonth)), chargeId: newChargeId(), recurring: recurring() };
      const [, cancelled] = await Promise.allSettled([
        world.deliver(successfulPayment(world.nextUpdateId(), facts)),
        cancelInvoice(buyer.ctx, facts.invoiceId),
      ]);
      if (cancelled.status === 'rejected') expect(cancelled.reason).toMatchObject({ reason: 'invoice_already_paid' });
      expect(await world.sql('SELECT status FROM invoice WHERE id = $1', [facts.invoiceId])).toEqual([
        { status: 'paid' },
      ]);
      expect(await paymentsOf(facts.invoiceId)).toMatchObject([{ kind: 'first', status: 'succeeded' }]);
    }
    await expectWholeBooks(world.system);
  });
});

describe('paying and refunding at the same moment', () => {
  it('ends refunded, once the inbox has been worked through', async () => {
    for (let round = 0; round < 12; round += 1) {
      const buyer = await world.newBuyer();
      const facts = { ...(await open(buyer, CATALOG.pluginOnce)), chargeId: newChargeId() };
      const answers = await Promise.all([
        world.deliver(successfulPayment(world.nextUpdateId(), facts)),
        world.deliver(refundedPayment(world.nextUpdateId(), facts)),
        world.deliver(refundedPayment(world.nextUpdateId(), facts)),
      ]);
      expect(answers.map(({ reply }) => reply.status)).toEqual([200, 200, 200]);
      world.clock.advance(10_000);
      await retryWebhooks(world.system);
      expect(await paymentsOf(facts.invoiceId)).toMatchObject([{ status: 'refunded' }]);
      expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1, refunded: 1 });
      expect((await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'plugin' })).isEntitled).toBe(false);
    }
    await expectWholeBooks(world.system);
  });
});

describe('an error in the middle of the commit', () => {
  it('leaves nothing but the event, which is tried again', async () => {
    const buyer = await world.newBuyer();
    const facts = { ...(await open(buyer, CATALOG.basicMonth)), chargeId: newChargeId(), recurring: recurring() };
    // The last thing a settlement writes is refused, so everything before it has been written by then.
    await world.sql(`CREATE FUNCTION refuse_notice() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$`);
    await world.sql(
      `CREATE TRIGGER refuse_notice BEFORE INSERT ON job FOR EACH ROW WHEN (NEW.lane = 'chat:${buyer.id}') EXECUTE FUNCTION refuse_notice()`,
    );
    const { reply } = await world.deliver(successfulPayment(world.nextUpdateId(), facts));
    expect(reply.status).toBe(200);
    expect(await paymentsOf(facts.invoiceId)).toEqual([]);
    expect(await world.sql('SELECT status FROM invoice WHERE id = $1', [facts.invoiceId])).toEqual([
      { status: 'open' },
    ]);
    for (const table of ['subscription', 'entitlement'])
      expect(await count(`SELECT count(*)::int AS n FROM ${table} WHERE user_id = $1`, [buyer.id])).toBe(0);
    expect(await world.sql("SELECT status, error, attempts FROM webhook_event WHERE status = 'failed'")).toEqual([
      { status: 'failed', error: '53100', attempts: 1 },
    ]);
    await expectWholeBooks(world.system);

    await world.sql('DROP TRIGGER refuse_notice ON job');
    world.clock.advance(5_000);
    expect(await retryWebhooks(world.system)).toBe(1);
    expect(await paymentsOf(facts.invoiceId)).toMatchObject([{ kind: 'first' }]);
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it('is not acknowledged when not even the event can be kept', async () => {
    const buyer = await world.newBuyer();
    const facts = { ...(await open(buyer, CATALOG.basicMonth)), chargeId: newChargeId() };
    await world.sql('ALTER TABLE webhook_event RENAME TO webhook_event_away');
    await expect(world.deliver(successfulPayment(world.nextUpdateId(), facts))).rejects.toThrow();
    await world.sql('ALTER TABLE webhook_event_away RENAME TO webhook_event');
    expect(await paymentsOf(facts.invoiceId)).toEqual([]);
  });
});

describe('the fee of a charge', () => {
  /** What the provider takes of 101 Stars, by how they are paid; the first row is none of what was opened. */
  const rows = () => {
    const [row] = rail.in(world.system).providers.get(RAIL)?.accepts ?? [];
    if (!row) throw new Error('no row');
    const take = (method: Method, fixed: bigint) => ({ ...row, method, fee: { ...row.fee, bps: 0, fixed } });
    return [take('credit_card', 50n), take('telegram_stars', 7n), take('bank_transfer', 1n)];
  };
  afterEach(() => rail.reset());

  it.each<[string, Method | null, string | null, bigint, Method]>([
    ['as it was opened, where its provider does not say how it was paid', null, null, 7n, 'telegram_stars'],
    ['as it was paid, where its provider says so', 'bank_transfer', null, 1n, 'bank_transfer'],
    [
      'by the first row, where the method is not known',
      null,
      'UPDATE payment_attempt SET method = NULL',
      50n,
      'credit_card',
    ],
    [
      'as the last checkout was opened that could be',
      null,
      `INSERT INTO payment_attempt (id, invoice_id, user_id, provider, status, method, created_at)
       SELECT id || '_' || n, invoice_id, user_id, provider, (CASE n WHEN 1 THEN 'closed' ELSE 'failed' END)::attempt_status,
         CASE n WHEN 1 THEN 'bank_transfer' ELSE 'credit_card' END, created_at + n * interval '1 minute'
       FROM payment_attempt, generate_series(1, 2) n`,
      1n,
      'bank_transfer',
    ],
  ])('is taken %s', async (_name, method, before, fee, kept) => {
    rail.change({ accepts: rows() });
    const placed = await rail.place();
    if (before) await world.sql(`${before} WHERE invoice_id = $1`, [placed.invoiceId]);
    const paid = rail.paid(placed, rail.name('fee'));
    if (paid.type !== 'payment_succeeded') throw new Error('not paid');
    await rail.tell({ ...paid, method });
    expect(
      await world.sql('SELECT processor_fee, method FROM payment WHERE invoice_id = $1', [placed.invoiceId]),
    ).toEqual([{ processor_fee: fee, method: kept }]);
    await expectWholeBooks(world.system);
  });

  it('stays with the provider or comes back by the row it was taken by', async () => {
    const [card, stars, bank] = rows();
    if (!card || !stars || !bank) throw new Error('no rows');
    rail.change({ accepts: [card, { ...stars, fee: { ...stars.fee, isKept: true } }, bank] });
    const charge = await rail.buy();
    await rail.tell({
      type: 'payment_refunded',
      eventId: rail.name('evt'),
      occurredAt: world.clock.now(),
      invoiceId: charge.invoiceId,
      chargeId: charge.chargeId,
      payerId: null,
      paid: { amount: charge.amount, currency: charge.currency },
      reference: rail.name('re'),
      refundId: null,
    });
    const [left] = await world.sql<{ fees: bigint }>(
      `SELECT sum(l.amount)::int8 AS fees FROM ledger_entry l WHERE l.account = 'processor_fees' AND l.transaction_id IN (
         SELECT id FROM payment WHERE charge_id = $1
         UNION ALL SELECT r.id FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.charge_id = $1)`,
      [charge.chargeId],
    );
    expect(left).toEqual({ fees: 7n });
  });
});
