import { afterEach, describe, expect, it } from 'vitest';
import { checkBooks } from '#domain/audit/invariants.ts';
import { getInvoice, planOfOrder } from '#domain/checkout/records.ts';
import { getPayment, listPayments } from '#domain/payment/records.ts';
import { settlePayment } from '#domain/payment/settle.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import { forgetSubscriptions } from '#domain/subscription/forget-ended.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { SCHEDULE } from '../jobs/table.ts';
import { expectWholeBooks, jobsOf } from '../testing/books.ts';
import { CATALOG } from '../testing/catalog.ts';
import { giveKey, readRecord } from '../testing/keys.ts';
import { type Charge, makeRail, outcomeOf } from '../testing/rail.ts';
import { tablesSaying } from '../testing/tables.ts';
import { refundedPayment, subscriptionUpdate, successfulPayment } from '../testing/updates.ts';
import {
  type Bought,
  type Buyer,
  DAY_MS,
  MONTH_MS,
  newChargeId,
  openWorld,
  type PriceId,
  STARS,
} from '../testing/world.ts';

/*
 * What somebody bought is named only while it runs or may still be paid, and for 30 days afterwards.
 */

const world = openWorld();
const rail = makeRail(world);
const DAYS_30 = 30 * DAY_MS;
/** Ids, codes and names of everything in the catalogue. */
const NAMED = /(pln|prc|prd)_|\b(basic|pro|line|plugin|plugin-license)\b/i;

afterEach(() => expectWholeBooks(world.system));

/** Runs what the clock runs of our own. */
async function runSchedule(): Promise<void> {
  const names = ['expire_invoices', 'end_subscriptions', 'forget_items', 'forget_subscriptions', 'forget_rights'];
  const due = SCHEDULE.filter(({ name }) => [...names, 'forget_bodies', 'purge'].includes(name));
  expect(due).toHaveLength(7);
  for (const { run } of due) await run(world.system);
}
async function pass(ms: number): Promise<void> {
  world.clock.advance(ms);
  await runSchedule();
}
const pay = (buyer: Buyer, invoiceId: string, amount: number, chargeId = newChargeId()) =>
  world.deliver(
    successfulPayment(world.nextUpdateId(), { payer: buyer, invoiceId, amount, chargeId, at: world.clock.now() }),
  );
/** A renewal that is told now, for the period after the `after`th. */
const renew = (buyer: Buyer, { amount, at, invoiceId, until }: Bought, after = 0) =>
  world.deliver(
    successfulPayment(world.nextUpdateId(), {
      payer: buyer,
      invoiceId,
      amount,
      chargeId: newChargeId(),
      at: new Date(at.getTime() + MONTH_MS * (after + 1)),
      recurring: { isFirst: false, until: new Date(until.getTime() + MONTH_MS * (after + 1)) },
    }),
  );
const cancelInTelegram = (buyer: Buyer, invoiceId: string) =>
  world.deliver(subscriptionUpdate(world.nextUpdateId(), { payer: buyer, invoiceId, state: 'canceled' }));
const paymentsOf = (invoiceId: string) =>
  world.database.prisma.payment.findMany({
    where: { invoiceId },
    include: { entitlement: true },
    orderBy: { createdAt: 'asc' },
  });
async function lastPaymentOf(invoiceId: string) {
  const payment = (await paymentsOf(invoiceId)).at(-1);
  if (!payment) throw new Error('nothing was paid');
  return payment;
}
const subscriptionOf = (invoiceId: string) =>
  world.database.prisma.subscription.findUniqueOrThrow({ where: { invoiceId } });
const invoiceOf = (id: string) => world.database.prisma.invoice.findUniqueOrThrow({ where: { id } });

describe('31 days after all of it ended', () => {
  it('no row of any table names what somebody bought, ordered or subscribed to; only their records do', async () => {
    const buyer = await world.newBuyer();
    const key = await giveKey(buyer);
    const month = await world.buy(buyer, CATALOG.basicMonth);
    const plugin = await world.buy(buyer, CATALOG.pluginOnce);
    await pay(buyer, plugin.invoiceId, plugin.amount);
    const unpaid = await world.order(buyer, CATALOG.proYear);
    const saying = () => tablesSaying(world, NAMED);
    // What may be paid, what runs and what is theirs: a paid order names nothing any more.
    expect(await saying()).toEqual(['entitlement', 'invoice', 'subscription']);
    expect(await invoiceOf(month.invoiceId)).toMatchObject({ status: 'paid', planId: null, priceId: null });
    expect((await invoiceOf(unpaid.invoiceId)).planId).toBe(CATALOG.pro);

    await pass(MONTH_MS);
    await renew(buyer, month);
    await world.deliver(refundedPayment(world.nextUpdateId(), { payer: buyer, ...plugin }));
    await cancelInTelegram(buyer, month.invoiceId);
    await pass(MONTH_MS + DAY_MS);
    expect((await subscriptionOf(month.invoiceId)).status).toBe('expired');
    expect(await saying()).toEqual(['entitlement', 'subscription']);
    await pass(DAYS_30);

    expect(await saying()).toEqual([]);
    const { rows } = await listPayments(buyer.ctx, { userId: buyer.id, limit: 10 });
    const known = rows.map(({ kind, planId, status }) => [kind, status, planId].join());
    expect(known.toSorted()).toEqual([
      'first,succeeded,',
      'one_time,refunded,',
      'renewal,succeeded,',
      'surplus,refunding,',
    ]);
    const records = await world.database.prisma.billingRecord.findMany({ where: { userId: buyer.id } });
    const said = await Promise.all(records.map(({ ciphertext }) => readRecord(ciphertext ?? new Uint8Array(), key)));
    const items = said
      .flatMap(({ item }) => JSON.stringify(item) ?? [])
      .map((item) => /"plan":{"code":"([^"]+)"/.exec(item)?.[1]);
    expect(items.toSorted()).toEqual(['basic', 'basic', 'plugin-license', 'plugin-license']);
  });
});

describe('a payment is for what is still known of it', () => {
  it('its right, the subscription that runs, and the order of a second one', async () => {
    const buyer = await world.newBuyer();
    const month = await world.buy(buyer, CATALOG.basicMonth);
    const plugin = await world.buy(buyer, CATALOG.pluginOnce);
    await pay(buyer, plugin.invoiceId, plugin.amount);
    world.clock.advance(MONTH_MS);
    await renew(buyer, month);
    await pass(MONTH_MS - DAY_MS);
    world.clock.advance(DAY_MS);
    await renew(buyer, month, 1);
    await pass(DAY_MS);
    // The first right is gone, and the subscription says what it was.
    const [first] = await paymentsOf(month.invoiceId);
    expect(first).toMatchObject({ kind: 'first', entitlement: null, rightDroppedAt: expect.any(Date) });
    expect((await getPayment(buyer.ctx, first?.id ?? '')).planId).toBe(CATALOG.basic);
    const { rows } = await listPayments(buyer.ctx, { userId: buyer.id, limit: 10 });
    expect(rows.map(({ planId }) => planId).toSorted()).toEqual([
      CATALOG.basic,
      CATALOG.basic,
      CATALOG.basic,
      CATALOG.plugin,
      CATALOG.plugin,
    ]);
    expect(planOfOrder(await getInvoice(buyer.ctx, month.invoiceId))).toBe(CATALOG.basic);
    expect(planOfOrder(await getInvoice(buyer.ctx, plugin.invoiceId))).toBe(CATALOG.plugin);
  });

  it('but a stranger who paid the same order learns nothing of its buyer’s right', async () => {
    const [buyer, stranger] = [await world.newBuyer(), await world.newBuyer()];
    const plugin = await world.buy(buyer, CATALOG.pluginOnce);
    await pay(stranger, plugin.invoiceId, plugin.amount);
    const { rows } = await listPayments(stranger.ctx, { userId: stranger.id, limit: 10 });
    expect(rows.map(({ kind, planId }) => [kind, planId])).toEqual([['surplus', null]]);
  });
});

describe('money for an order that closed unpaid', () => {
  async function unpaid(afterMs: number, priceId: PriceId = CATALOG.proYear) {
    const buyer = await world.newBuyer();
    const key = await giveKey(buyer);
    const { invoiceId } = await world.order(buyer, priceId);
    await pass(31 * 60_000);
    expect((await invoiceOf(invoiceId)).status).toBe('expired');
    await pass(afterMs);
    return { buyer, invoiceId, key };
  }

  it('buys it within 30 days, and its record says what', async () => {
    const { buyer, invoiceId, key } = await unpaid(DAYS_30 - DAY_MS);
    await pay(buyer, invoiceId, 1_500);
    const payment = await lastPaymentOf(invoiceId);
    expect(payment).toMatchObject({ kind: 'one_time', entitlement: { planId: CATALOG.pro } });
    const record = await world.database.prisma.billingRecord.findFirstOrThrow({ where: { objectId: payment.id } });
    expect(await readRecord(record.ciphertext ?? new Uint8Array(), key)).toMatchObject({
      item: { plan: { code: 'pro' } },
    });
    expect(await invoiceOf(invoiceId)).toMatchObject({ status: 'paid', planId: null });
  });

  it('goes back later, for nobody knows what it was for; told twice it goes back once', async () => {
    const { buyer, invoiceId, key } = await unpaid(DAYS_30 + DAY_MS);
    expect(await invoiceOf(invoiceId)).toMatchObject({ planId: null, productId: null, priceId: null });
    const chargeId = newChargeId();
    await pay(buyer, invoiceId, 1_500, chargeId);
    await pay(buyer, invoiceId, 1_500, chargeId);
    const [payment, ...others] = await paymentsOf(invoiceId);
    expect(others).toEqual([]);
    expect(payment).toMatchObject({ kind: 'surplus', status: 'refunding', entitlement: null });
    expect((await invoiceOf(invoiceId)).status).toBe('expired');
    const record = await world.database.prisma.billingRecord.findFirstOrThrow({
      where: { objectId: payment?.id ?? '' },
    });
    const said = await readRecord(record.ciphertext ?? new Uint8Array(), key);
    expect(said).toMatchObject({ reason: 'invoice_expired', amount: { amount: '1500' } });
    expect(said).not.toHaveProperty('item');
  });

  it('is waited for longer while a provider holds it', async () => {
    const placed = await rail.place();
    await rail.tell({
      type: 'payment_pending',
      eventId: rail.name('evt'),
      occurredAt: world.clock.now(),
      invoiceId: placed.invoiceId,
      chargeId: 'slow',
      price: { amount: 101n, currency: 'XTR' },
      progress: 'confirming',
      missing: null,
      instructionsUrl: null,
    } as ProviderEvent);
    await world.sql("UPDATE invoice SET status = 'cancelled', closed_at = $2 WHERE id = $1", [
      placed.invoiceId,
      world.clock.now(),
    ]);
    await pass(DAYS_30 + DAY_MS / 2);
    expect((await invoiceOf(placed.invoiceId)).planId).toBe(CATALOG.plugin);
    await rail.tell(rail.paid(placed, 'slow'));
    expect(await lastPaymentOf(placed.invoiceId)).toMatchObject({ kind: 'one_time' });
  });
});

describe('a renewal after the end', () => {
  async function ended(afterMs: number) {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    await cancelInTelegram(buyer, bought.invoiceId);
    await pass(MONTH_MS + 1_000);
    expect((await subscriptionOf(bought.invoiceId)).status).toBe('expired');
    await pass(afterMs);
    return { buyer, bought };
  }

  it('brings the subscription back within 30 days', async () => {
    const { buyer, bought } = await ended(DAYS_30 - DAY_MS);
    await renew(buyer, bought);
    expect(await subscriptionOf(bought.invoiceId)).toMatchObject({ status: 'active', planId: CATALOG.basic });
    expect(await lastPaymentOf(bought.invoiceId)).toMatchObject({ kind: 'renewal' });
  });

  it('is for what it was for when it came, although that is forgotten while it is being settled', async () => {
    const { buyer, bought } = await ended(DAYS_30 - DAY_MS);
    const later = {
      ...world.system,
      clock: { ...world.clock, now: () => new Date(world.clock.now().getTime() + 2 * DAY_MS) },
    };
    const { pool } = world.database;
    const query = async (...given: Parameters<typeof pool.query>) => {
      const answer = await pool.query(...given);
      if (JSON.stringify(given[0]).includes('load_charges')) await forgetSubscriptions(later);
      return answer;
    };
    const until = new Date(bought.until.getTime() + 2 * MONTH_MS);
    const event = {
      ...PLAIN_CHARGE,
      type: 'payment_succeeded',
      eventId: 'late',
      invoiceId: bought.invoiceId,
      chargeId: TEST_VAULT.conceal(newChargeId()),
      payerId: buyer.telegramId,
      paid: { amount: 50n, currency: 'XTR' },
      occurredAt: world.clock.now(),
      renewal: 'renewal',
      paidUntil: until,
      renewalDays: 30,
    } as const;
    const racing = { ...world.system, pool: { ...pool, query } as unknown as typeof pool };
    expect(await settlePayment(racing, { providerId: STARS, event, inbox: null })).toBe('applied');
    expect(await subscriptionOf(bought.invoiceId)).toMatchObject({ status: 'active', planId: CATALOG.basic });
  });

  it('goes back later, and the provider is told to charge no more', async () => {
    const { buyer, bought } = await ended(DAYS_30 + DAY_MS);
    const { id } = await subscriptionOf(bought.invoiceId);
    await renew(buyer, bought, 1);
    expect(await subscriptionOf(bought.invoiceId)).toMatchObject({ status: 'expired', planId: null });
    expect(await lastPaymentOf(bought.invoiceId)).toMatchObject({ kind: 'surplus', status: 'refunding' });
    expect(await jobsOf(world, 'stop_renewal')).toContainEqual({ subscriptionId: id });
  });
});

describe('a right that was deleted after its end', () => {
  const told = (charge: Charge, event: object) =>
    rail.tell({
      eventId: rail.name('evt'),
      occurredAt: world.clock.now(),
      chargeId: charge.chargeId,
      ...event,
    } as ProviderEvent);
  const dispute = (charge: Charge, status: 'open' | 'won' | 'lost') =>
    told(charge, {
      type: 'payment_disputed',
      reference: `dp_${charge.chargeId}`,
      status,
      amount: { amount: charge.amount, currency: charge.currency },
      fee: 0n,
    });
  const refund = (charge: Charge) => {
    const paid = { amount: charge.amount, currency: charge.currency };
    const reference = rail.name('re');
    const { invoiceId } = charge;
    const done = told(charge, { type: 'payment_refunded', invoiceId, payerId: null, paid, reference, refundId: null });
    return done.then(() => reference);
  };

  it('does not keep its payment from being refunded', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    await cancelInTelegram(buyer, bought.invoiceId);
    await pass(MONTH_MS + 1_000);
    await pass(DAYS_30 + DAY_MS);
    expect(await lastPaymentOf(bought.invoiceId)).toMatchObject({
      entitlement: null,
      rightDroppedAt: expect.any(Date),
    });
    await world.deliver(refundedPayment(world.nextUpdateId(), { payer: buyer, ...bought }));
    expect(await lastPaymentOf(bought.invoiceId)).toMatchObject({ status: 'refunded', returnedAmount: 50n });
  });

  it('is none while a dispute is open: decided for the buyer, it is theirs again', async () => {
    const [won, lost] = [await rail.buy(), await rail.buy()];
    await dispute(won, 'open');
    await dispute(lost, 'open');
    await pass(DAYS_30 + DAY_MS);
    await dispute(won, 'won');
    await dispute(lost, 'lost');
    expect((await outcomeOf(world, won.chargeId)).hasRight).toBe(true);
    await runSchedule();
    expect((await lastPaymentOf(won.invoiceId)).entitlement).not.toBeNull();
    expect(await lastPaymentOf(lost.invoiceId)).toMatchObject({ status: 'charged_back', entitlement: null });
  });

  it('is missed where its refund comes to nothing, until the money goes back again', async () => {
    const charge = await rail.buy();
    const reference = await refund(charge);
    await pass(DAYS_30 + DAY_MS);
    expect((await lastPaymentOf(charge.invoiceId)).entitlement).toBeNull();
    await told(charge, { type: 'refund_failed', reference, refundId: null, code: 'bank_refused', undoesDone: true });
    const broken = (await checkBooks(world.system, { isIdle: true })).filter(({ violations }) => violations.length > 0);
    expect(broken).toEqual([
      { name: 'right_is_dropped_when_over', violations: [(await lastPaymentOf(charge.invoiceId)).id] },
    ]);
    await refund(charge);
  });
});

it('books in which the past is still named are not whole', async () => {
  const buyer = await world.newBuyer();
  await world.buy(buyer, CATALOG.basicMonth);
  await world.order(buyer, CATALOG.proYear);
  world.clock.advance(31 * 60_000);
  await SCHEDULE.find(({ name }) => name === 'expire_invoices')?.run(world.system);
  await cancelInTelegram(
    buyer,
    (await world.sql<{ id: string }>('SELECT invoice_id AS id FROM subscription WHERE user_id = $1', [buyer.id]))[0]
      ?.id ?? '',
  );
  world.clock.advance(MONTH_MS);
  await SCHEDULE.find(({ name }) => name === 'end_subscriptions')?.run(world.system);
  const named = async () =>
    (await checkBooks(world.system))
      .find(({ name }) => name === 'past_is_forgotten')
      ?.violations.map((id) => id.slice(0, 3));
  expect(await named()).toEqual([]);
  world.clock.advance(32 * DAY_MS);
  expect([...new Set(await named())].toSorted()).toEqual(['ent', 'inv', 'sub']);
  await runSchedule();
  expect(await named()).toEqual([]);
});
