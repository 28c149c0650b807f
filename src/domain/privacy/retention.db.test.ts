import { afterEach, describe, expect, it } from 'vitest';
import { verifyAudit } from '#domain/audit/verify.ts';
import type { Ctx } from '#domain/context/context.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { askErasure } from '#domain/privacy/erasure/ask.ts';
import { runErasure } from '#domain/privacy/erasure/run.ts';
import { changeSubscription } from '#domain/subscription/change.ts';
import { endSubscriptions } from '#domain/subscription/run-schedule.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { reasonOf } from '../../testing/keeper.ts';
import { type Charge, makeRail } from '../../testing/rail.ts';
import { DAY_MS, openWorld, START } from '../../testing/world.ts';
import { holdPayment } from './hold-payment.ts';
import { countOverdue, previewRetirement, retireBooks } from './retention.ts';

const world = openWorld();
const rail = makeRail(world);
const YEARS = 7 * 366 * DAY_MS;

/** The world so long after its beginning. */
const later = (ms = YEARS, ctx: Ctx = world.system): Ctx => ({
  ...ctx,
  clock: { now: () => new Date(START.getTime() + ms), stop: () => undefined },
});
const count = async (table: string) =>
  (await world.sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n ?? 0;
const balances = () =>
  world.sql(
    'SELECT account, owner, currency, sum(amount)::text AS sum FROM ledger_entry GROUP BY 1, 2, 3 HAVING sum(amount) <> 0 ORDER BY 1, 2, 3',
  );
const exists = async ({ invoiceId }: { invoiceId: string }) =>
  (await world.sql('SELECT 1 FROM invoice WHERE id = $1', [invoiceId])).length === 1;

async function refund({ chargeId }: Charge, amount?: bigint): Promise<void> {
  const { id } = await world.database.prisma.payment.findFirstOrThrow({
    where: { chargeId: TEST_VAULT.conceal(chargeId) },
  });
  const asked = await requestRefund(rail.in(world.system), { paymentId: id, ...(amount !== undefined && { amount }) });
  await executeRefund(rail.in(world.system), asked.id);
}

async function dispute(charge: Charge, ...states: Array<'open' | 'won' | 'lost'>): Promise<void> {
  const { amount, chargeId, currency } = charge;
  for (const status of states)
    await rail.tell({
      type: 'payment_disputed',
      eventId: rail.name('evt'),
      occurredAt: world.clock.now(),
      chargeId,
      reference: `dp_${chargeId}`,
      status,
      amount: { amount, currency },
      fee: 5n,
    });
}

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
  expect(await verifyAudit(world.system, { after: 0n, limit: null })).toMatchObject({ ok: true });
});

describe('the time of the books', () => {
  it('over, an order goes with all that moved for it, and every balance stays what it was', async () => {
    const gone = {
      year: await world.buy(await world.newBuyer(), CATALOG.proYear),
      card: await rail.buy(CATALOG.proYearUsd),
      refunded: await rail.buy(),
      lost: await rail.buy(),
    };
    await refund(gone.refunded);
    await refund(gone.card, 100n);
    await dispute(gone.lost, 'open', 'lost');
    const month = await world.newBuyer();
    const bought = await world.buy(month, CATALOG.basicMonth);
    const unpaid = await world.order(month, CATALOG.proYear);
    await world.sql("UPDATE invoice SET status = 'cancelled', closed_at = $2 WHERE id = $1", [unpaid.invoiceId, START]);
    await world.sql("UPDATE payment_attempt SET status = 'closed' WHERE invoice_id = $1", [unpaid.invoiceId]);
    const { id } = await world.database.prisma.subscription.findUniqueOrThrow({
      where: { invoiceId: bought.invoiceId },
    });
    await changeSubscription(world.system, { subscriptionId: id, event: 'cancelled', by: 'user' });
    await endSubscriptions(later(40 * DAY_MS));

    const stays = {
      lasting: await world.buy(await world.newBuyer(), CATALOG.pluginOnce),
      won: await rail.buy(),
      open: await rail.buy(),
    };
    await dispute(stays.won, 'open', 'won');
    await dispute(stays.open, 'open');

    expect(await retireBooks(later(YEARS - 10 * DAY_MS - 366 * DAY_MS))).toMatchObject({ users: 0 });
    const all = [...Object.values(gone), bought, unpaid];
    for (const order of all) expect(await exists(order)).toBe(true);

    const before = await balances();
    const ctx = later(YEARS + 400 * DAY_MS);
    const foretold = await previewRetirement(ctx);
    expect(await countOverdue(ctx)).toBe(all.length);
    const retired = await retireBooks(ctx);
    expect(retired).toMatchObject(foretold);
    expect(retired).toMatchObject({
      invoice: 6,
      payment: 5,
      refund: 2,
      dispute: 1,
      subscription: 1,
      payment_attempt: 6,
    });
    expect(await countOverdue(ctx)).toBe(0);
    for (const order of all) expect(await exists(order)).toBe(false);
    for (const order of Object.values(stays)) expect(await exists(order)).toBe(true);
    expect(await balances()).toEqual(before);
    const audited = await world.sql<{ data: Record<string, number> }>(
      "SELECT data FROM audit_event WHERE action = 'retention.orders'",
    );
    expect(audited[0]?.data).toMatchObject({ invoice: 6, payment: 5 });
    // Nothing is left to do, and what was carried over is not carried again.
    expect(await retireBooks(ctx)).toEqual({ reconciliation_difference: 0, users: 0 });
  });

  it('is longer for a payment that is held, until then', async () => {
    const buyer = await world.newBuyer();
    const order = await world.buy(buyer, CATALOG.proYear);
    const { id: paymentId } = await world.database.prisma.payment.findFirstOrThrow({
      where: { invoiceId: order.invoiceId },
    });
    const held = new Date(START.getTime() + YEARS + 900 * DAY_MS);
    expect(await reasonOf(holdPayment(buyer.ctx, { paymentId, until: held }))).toBe('not_yours');
    expect(await reasonOf(holdPayment(world.system, { paymentId: 'pay_none', until: held }))).toBe('payment_not_found');
    await holdPayment(world.system, { paymentId, until: held });
    await retireBooks(later(YEARS + 800 * DAY_MS));
    expect(await exists(order)).toBe(true);
    await holdPayment(world.system, { paymentId, until: null });
    await retireBooks(later(YEARS + 800 * DAY_MS));
    expect(await exists(order)).toBe(false);
  });

  it('is the operator’s, in years', async () => {
    const order = await world.buy(await world.newBuyer(), CATALOG.proYear);
    const ten = (ctx: Ctx): Ctx => ({ ...ctx, policy: { ...ctx.policy, retentionYears: 10 } });
    await retireBooks(ten(later(9 * 366 * DAY_MS)));
    expect(await exists(order)).toBe(true);
    await retireBooks(ten(later(12 * 366 * DAY_MS)));
    expect(await exists(order)).toBe(false);
  });

  it('over, nothing is left of somebody who was erased', async () => {
    const buyer = await world.newBuyer();
    const order = await world.order(buyer, CATALOG.pluginOnce, { agreesTo: { terms: '1', privacy: '1' } });
    await world.buy(buyer, CATALOG.pluginOnce);
    const { id } = await askErasure(buyer.ctx, { userId: buyer.id, typed: 'DELETE', language: 'en' });
    world.clock.advance(DAY_MS);
    expect(await runErasure(world.system, id, async () => 'told')).toBeNull();
    expect(await exists(order)).toBe(true);
    expect(await retireBooks(later(YEARS + 900 * DAY_MS))).toMatchObject({ users: 1 });
    for (const table of ['users', 'erasure', 'consent', 'payment', 'invoice']) {
      const column = table === 'users' ? 'id' : 'user_id';
      expect([table, await world.sql(`SELECT 1 FROM ${table} WHERE ${column} = $1`, [buyer.id])]).toEqual([table, []]);
    }
  });

  it('two runs at once delete each order once', async () => {
    for (let index = 0; index < 3; index += 1) await world.buy(await world.newBuyer(), CATALOG.proYear);
    const ctx = later(YEARS + 900 * DAY_MS);
    const runs = await Promise.all([retireBooks(ctx), retireBooks(ctx)]);
    expect(runs.reduce((sum, { invoice = 0 }) => sum + invoice, 0)).toBe(3);
  });
});

describe('the audit', () => {
  it('holds ids, amounts, states and times only', async () => {
    const rows = await world.sql<{ data: Record<string, unknown>; actor: string; object_id: string }>(
      'SELECT data, actor, object_id FROM audit_event',
    );
    expect(rows.length).toBeGreaterThan(20);
    const value = /^(-?[\w.:/ -]{0,120})$/;
    for (const { actor, data, object_id } of rows) {
      expect(actor).toMatch(/^(usr|key)_\w+$|^(system|provider):[\w-]+$|^stranger$/);
      expect(object_id).toMatch(/^[a-z]{3}_[\w/-]+$/);
      for (const one of Object.values(data)) if (typeof one === 'string') expect(one).toMatch(value);
    }
    expect(await count('audit_event')).toBe(await count('audit_link'));
  });
});
