import { describe, expect, it } from 'vitest';
import { checkEntitlement } from '#domain/entitlement/check.ts';
import { listEntitlements } from '#domain/entitlement/list.ts';
import { getPayment, listPaymentMonths, listPayments, monthRange } from '#domain/payment/records.ts';
import { getRevenueStats } from '#domain/revenue/stats.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { CATALOG, DEVELOPER } from '../testing/catalog.ts';
import { refundedPayment } from '../testing/updates.ts';
import { DAY_MS, MONTH_MS, openWorld } from '../testing/world.ts';

const world = openWorld();
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );

describe('payments', () => {
  it('come in pages, newest first, without gap or repeat, filtered by state and month', async () => {
    const buyer = await world.newBuyer();
    const bought = [];
    for (let year = 0; year < 7; year += 1) {
      bought.push(await world.buy(buyer, CATALOG.basicYear));
      // Two at the very same second, then a month apart.
      if (year % 2 === 1) world.clock.advance(MONTH_MS);
      else world.clock.advance(61_000);
    }
    const seen: string[] = [];
    let cursor: Parameters<typeof listPayments>[1]['cursor'];
    do {
      const page = await listPayments(buyer.ctx, { userId: buyer.id, limit: 2, cursor });
      seen.push(...page.rows.map(({ chargeId }) => TEST_VAULT.reveal(chargeId)));
      cursor = page.next ?? undefined;
    } while (cursor);
    expect(seen).toEqual(bought.map(({ chargeId }) => chargeId).reverse());
    await world.sql("UPDATE payment SET paid_at = date_trunc('month', paid_at) WHERE user_id = $1", [buyer.id]);
    const tied = new Set<string>();
    do {
      const page = await listPayments(buyer.ctx, { userId: buyer.id, limit: 2, cursor });
      for (const { id } of page.rows) tied.add(id);
      cursor = page.next ?? undefined;
    } while (cursor);
    expect(tied.size).toBe(7);
    const months = await listPaymentMonths(buyer.ctx, buyer.id);
    expect(months).toEqual([...months].sort().reverse());
    const perMonth = await Promise.all(
      months.map(async (month) => (await listPayments(buyer.ctx, { userId: buyer.id, limit: 50, month })).rows.length),
    );
    expect(perMonth.reduce((sum, rows) => sum + rows, 0)).toBe(7);
    const last = bought[6];
    if (!last) throw new Error('nothing bought');
    await world.deliver(refundedPayment(world.nextUpdateId(), { payer: buyer, ...last }));
    expect((await listPayments(buyer.ctx, { userId: buyer.id, limit: 0, status: 'refunded' })).rows).toHaveLength(1);
    expect(monthRange('2026-12')).toEqual({ from: new Date('2026-12-01'), to: new Date('2027-01-01') });
  });

  it('are shown with their history to who paid, and to nobody else', async () => {
    const buyer = await world.newBuyer();
    const { chargeId } = await world.buy(buyer, CATALOG.pluginOnce);
    const [{ id } = { id: '' }] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [
      chargeId,
    ]);
    const payment = await getPayment(buyer.ctx, id);
    expect(payment.audit.map(({ action }) => action)).toEqual(['invoice.opened', 'payment.settled']);
    expect(payment.entitlement).toMatchObject({ planId: CATALOG.plugin });
    const other = await world.newBuyer();
    expect(await refusal(getPayment(other.ctx, id))).toBe('payment_not_found');
    expect(await refusal(getPayment(buyer.ctx, 'pay_none'))).toBe('payment_not_found');
    expect(await refusal(listPayments(other.ctx, { userId: buyer.id, limit: 1 }))).toBe('not_yours');
    expect(await refusal(listPaymentMonths(other.ctx, buyer.id))).toBe('not_yours');
  });
});

describe('entitlements', () => {
  it('are the highest plan held, with time bought in a row told as one', async () => {
    const buyer = await world.newBuyer();
    const nothing = await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'line' });
    expect(nothing).toEqual({ isEntitled: false, planCode: null, rank: 0, limits: {}, until: null });
    expect(await listEntitlements(buyer.ctx, buyer.id)).toEqual([]);
    const first = await world.buy(buyer, CATALOG.basicYear);
    await world.buy(buyer, CATALOG.basicYear);
    await world.buy(buyer, CATALOG.pluginOnce);
    const held = await listEntitlements(buyer.ctx, buyer.id);
    expect(
      held.map(({ plan, renews, until }) => [
        plan.code,
        renews,
        until && until.getUTCFullYear() - first.at.getUTCFullYear(),
      ]),
    ).toEqual([
      ['basic', false, 2],
      ['plugin-license', false, null],
    ]);
    const pro = await world.buy(buyer, CATALOG.proMonth);
    const [line] = await listEntitlements(buyer.ctx, buyer.id);
    expect([line?.plan.code, line?.renews, line?.until]).toEqual([
      'pro',
      true,
      new Date(Math.floor(pro.until.getTime() / 1000) * 1000),
    ]);
    expect(await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'line' })).toMatchObject({
      planCode: 'pro',
      rank: 2,
      limits: { topics: 20 },
    });
    expect(await checkEntitlement(world.asServer(), { userId: buyer.id, productCode: 'plugin' })).toMatchObject({
      isEntitled: true,
      until: null,
    });
    const other = await world.newBuyer();
    expect(await refusal(checkEntitlement(other.ctx, { userId: buyer.id, productCode: 'line' }))).toBe('not_yours');
    expect(await refusal(listEntitlements(other.ctx, buyer.id))).toBe('not_yours');
    world.clock.advance(MONTH_MS + 3 * DAY_MS);
    expect((await listEntitlements(buyer.ctx, buyer.id)).map(({ plan }) => plan.code)).toEqual([
      'basic',
      'plugin-license',
    ]);
    expect((await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'line' })).planCode).toBe('basic');
  });
});

describe('revenue of a developer', () => {
  it('counts what was sold, without what went back, and what is old enough to be paid out', async () => {
    const developer = world.as({ kind: 'user', userId: DEVELOPER.id, role: 'developer' });
    const from = world.clock.now();
    const buyers = await Promise.all([world.newBuyer(), world.newBuyer(), world.newBuyer()]);
    const bought = [];
    for (const buyer of buyers) bought.push(await world.buy(buyer, CATALOG.pluginOnce));
    const [first] = bought;
    if (!first || !buyers[0]) throw new Error('nothing bought');
    await world.deliver(refundedPayment(world.nextUpdateId(), { payer: buyers[0], ...first }));
    const request = {
      userId: DEVELOPER.id,
      from: new Date(from.getTime() - 1_000),
      to: new Date(from.getTime() + DAY_MS),
    };
    const expected = {
      currency: 'XTR',
      sales: 2n,
      gross: 202n,
      platformFee: 60n,
      processorFee: 0n,
      developerShare: 142n,
      refundedSales: 1n,
      refunded: 101n,
      matured: 0n,
    };
    expect(await getRevenueStats(developer, request)).toEqual([expected]);
    world.clock.advance(21 * DAY_MS + 1_000);
    expect(await getRevenueStats(developer, request)).toEqual([{ ...expected, matured: 142n }]);
    expect(await getRevenueStats(developer, { ...request, to: request.from })).toEqual([]);
    expect(await refusal(getRevenueStats(buyers[0].ctx, request))).toBe('not_yours');
  });
});
