import { describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { payLink } from '#domain/checkout/open-link.ts';
import { closeAndAsk } from '#domain/reconciliation/close-checkout.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { type Order, openStripe, STRIPE } from '../../testing/stripe.ts';
import { DAY_MS, type PriceId } from '../../testing/world.ts';

/*
 * A transfer or voucher that was begun and of which nothing has come, when another way to pay is chosen or the order is
 * cancelled.
 */

const rail = openStripe();
const { world } = rail;

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { reason?: string }) => error.reason ?? String(error),
  );

type Begun = Order & Readonly<{ chargeId: string }>;
type Method = 'konbini' | 'bank_transfer';

async function begun(method: Method, priceId: PriceId = CATALOG.pluginJpy, isByLink = false): Promise<Begun> {
  const buyer = await world.newBuyer();
  const placed = isByLink
    ? await orderByLink(buyer, priceId)
    : await rail.order(priceId, { buyer, method: 'bank_transfer' });
  const { payment, status } = await rail.pay(placed, { method });
  expect(status).toBe('unpaid');
  return { ...placed, chargeId: payment ?? '' };
}

/** The order is its buyer's, the way to pay was opened by its link. */
async function orderByLink(buyer: Order['buyer'], priceId: PriceId): Promise<Order> {
  const { invoiceId } = await rail.order(priceId, { buyer });
  world.clock.advance(1_000);
  const { url } = await pay(invoiceId, 'bank_transfer');
  return { buyer, invoiceId, url: url ?? '', session: '' };
}

/** What whoever holds the link does. */
const pay = (invoiceId: string, method: 'credit_card' | 'bank_transfer') =>
  payLink(world.door, { invoiceId, method, providerId: STRIPE, language: 'en' });
const change = ({ buyer }: Order, priceId: PriceId = CATALOG.pluginJpy) =>
  rail.order(priceId, { buyer, method: 'credit_card' });
const intentOf = async ({ chargeId }: Begun) => (await rail.look(chargeId)).status;
const closeJobs = async ({ invoiceId }: Order) => {
  const rows = await world.sql<{ id: string }>(
    `SELECT a.id FROM payment_attempt a JOIN job j ON j.payload->>'attemptId' = a.id WHERE j.name = 'close_checkout' AND a.invoice_id = $1`,
    [invoiceId],
  );
  for (const { id } of rows) await closeAndAsk(world.system, id);
  return rows.length;
};

const HELD = { order: 'open', payments: [], holds: [['reserved', 'awaiting_transfer', expect.any(Number)]] };
const FREED = { holds: [['cancelled', 'awaiting_transfer', null]] };

const WAYS = [
  ['a voucher', 'konbini', CATALOG.pluginJpy],
  ['a transfer in yen', 'bank_transfer', CATALOG.pluginJpy],
  ['a transfer in dollars', 'bank_transfer', CATALOG.pluginUsd],
  ['a transfer in euro', 'bank_transfer', CATALOG.pluginEur],
] as const;

describe.each(WAYS)('%s of which nothing has come', (_name, method, priceId) => {
  it('gives way to a card: it is void at Stripe before the card’s page opens, and the buyer is told once', async () => {
    const order = await begun(method, priceId);
    const card = await change(order, priceId);
    expect(card.invoiceId).toBe(order.invoiceId);
    expect(await intentOf(order)).toBe('canceled');
    expect(await rail.facts(order)).toMatchObject({
      ...FREED,
      order: 'open',
      tries: [
        ['closed', 'cancelled_by_payer'],
        ['live', null],
      ],
    });
    await rail.pay(card);
    expect(await rail.facts(order)).toMatchObject({
      ...FREED,
      order: 'paid',
      payments: [{ kind: 'one_time', method: 'credit_card' }],
      rights: 1,
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, payment_failed: 1, payment_waiting: 1 });
    await expectWholeBooks(world.system);
  });

  it('gives way to the same way again, with new details', async () => {
    const order = await begun(method, priceId);
    const again = await rail.order(priceId, { buyer: order.buyer, method: 'bank_transfer' });
    expect([again.invoiceId, again.session === order.session]).toEqual([order.invoiceId, false]);
    const { payment } = await rail.pay(again, { method });
    expect(payment).not.toBe(order.chargeId);
    expect(await rail.facts(order)).toMatchObject({
      order: 'open',
      holds: [
        ['cancelled', 'awaiting_transfer', null],
        ['reserved', 'awaiting_transfer', expect.any(Number)],
      ],
    });
  });

  it('is called off when its buyer cancels the order', async () => {
    const order = await begun(method, priceId);
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    expect(await closeJobs(order)).toBe(1);
    expect(await intentOf(order)).toBe('canceled');
    expect(await rail.facts(order)).toMatchObject({
      ...FREED,
      order: 'cancelled',
      tries: [['closed', 'cancelled_by_payer']],
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ payment_failed: 1, payment_waiting: 1 });
  });
});

describe('a transfer', () => {
  it('of which a part has come does not give way', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 400 });
    expect(await reasonOf(change(order, CATALOG.pluginUsd))).toBe('invoice_reserved');
    expect(await rail.facts(order)).toMatchObject({ holds: [['reserved', 'underpaid', 599]] });
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 599 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('of which a part has come without our hearing of it does not give way either, and we hear of it then', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await rail.loseMessages();
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 400 });
    expect(await rail.facts(order)).toMatchObject(HELD);
    expect(await reasonOf(change(order, CATALOG.pluginUsd))).toBe('invoice_reserved');
    expect(await intentOf(order)).toBe('requires_action');
    expect(await closeJobs(order)).toBe(1);
    expect(await rail.facts(order)).toMatchObject({ holds: [['reserved', 'underpaid', 599]] });
  });

  it('that arrives between the look and the cancel settles the order, and no other page opens', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    rail.tap.weather = async (name) => {
      if (name === `GET /v1/payment_intents/${order.chargeId}` && (await intentOf(order)) === 'requires_action')
        await rail.act(`payments/${order.chargeId}/transfer`, { amount: 999 });
      return 'fair';
    };
    expect(await reasonOf(change(order, CATALOG.pluginUsd))).toBe('invoice_reserved');
    await expect
      .poll(() => rail.facts(order))
      .toMatchObject({ order: 'paid', rights: 1, tries: [['closed', null]], payments: [{ method: 'bank_transfer' }] });
    await expectWholeBooks(world.system);
  });

  it('of which a part has come stays when its order is cancelled, and is honoured when the rest comes', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 400 });
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    expect(await closeJobs(order)).toBe(1);
    expect(await intentOf(order)).toBe('requires_action');
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 599 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('of which we heard nothing is called off when its order is cancelled', async () => {
    await rail.loseMessages();
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    expect(await rail.facts(order)).toMatchObject({ order: 'cancelled', holds: [] });
    expect(await closeJobs(order)).toBe(1);
    expect(await intentOf(order)).toBe('canceled');
  });

  it('is left alone where a server repeats its request, which gets the same answer', async () => {
    const buyer = await world.newBuyer();
    const wish = { buyer, method: 'bank_transfer', surface: 'api' } as const;
    const first = await rail.order(CATALOG.pluginUsd, wish);
    await rail.pay(first, { method: 'bank_transfer' });
    const again = await rail.order(CATALOG.pluginUsd, wish);
    expect([again.invoiceId, again.url]).toEqual([first.invoiceId, first.url]);
    expect(await rail.facts(first)).toMatchObject(HELD);
  });

  it('whose time at our side is over gives way too: the same wish is an order of its own then', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    world.clock.advance(2 * DAY_MS);
    const card = await change(order, CATALOG.pluginUsd);
    expect(card.invoiceId).not.toBe(order.invoiceId);
    expect(await intentOf(order)).toBe('canceled');
    expect(await rail.facts(order)).toMatchObject({ ...FREED, order: 'expired' });
  });
});

describe('when Stripe', () => {
  it('does not answer, nothing is opened; what it did all the same frees the order', async () => {
    const order = await begun('konbini');
    rail.tap.weather = async (name) => (name.endsWith('/cancel') ? 'lost' : 'fair');
    expect(await reasonOf(change(order))).toBe('provider_unavailable');
    expect(await intentOf(order)).toBe('canceled');
    rail.tap.weather = async () => 'fair';
    await expect.poll(() => rail.facts(order)).toMatchObject(FREED);
    expect((await change(order)).invoiceId).toBe(order.invoiceId);
    expect(await noticesOf(world, order.buyer.id)).toEqual({ payment_failed: 1, payment_waiting: 1 });
  });

  it('tells nothing of the cancel, the order is free all the same', async () => {
    const order = await begun('konbini');
    await rail.loseMessages();
    await rail.pay(await change(order));
    expect(await rail.facts(order)).toMatchObject({ ...FREED, order: 'open' });
    await rail.catchUp();
    expect(await rail.facts(order)).toMatchObject({ ...FREED, order: 'paid', rights: 1 });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, payment_failed: 1, payment_waiting: 1 });
    await expectWholeBooks(world.system);
  });

  it('refuses the cancel, as while a voucher is being paid at a till, the order stays held', async () => {
    const order = await begun('konbini');
    // Its own refusal: the intent is not one that may be cancelled any more.
    rail.tap.weather = async (name) => {
      if (name === `GET /v1/payment_intents/${order.chargeId}` && (await intentOf(order)) === 'requires_action')
        await rail.act(`payments/${order.chargeId}/konbini`);
      return 'fair';
    };
    expect(await reasonOf(change(order))).toBe('invoice_reserved');
    await expect.poll(() => rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });
});

describe('whoever holds the link', () => {
  it('may choose anew where the link began the transfer', async () => {
    const order = await begun('konbini', CATALOG.pluginJpy, true);
    world.clock.advance(1_000);
    expect(await pay(order.invoiceId, 'credit_card')).toMatchObject({ invoiceId: order.invoiceId, isResumed: false });
    expect(await intentOf(order)).toBe('canceled');
    expect(await rail.facts(order)).toMatchObject(FREED);
  });

  it.each(['credit_card', 'bank_transfer'] as const)('does not end with %s what the owner began', async (method) => {
    const order = await begun('konbini');
    world.clock.advance(1_000);
    expect(await reasonOf(pay(order.invoiceId, method))).toBe('invoice_reserved');
    expect(await intentOf(order)).toBe('requires_action');
    expect(await rail.facts(order)).toMatchObject(HELD);
  });

  it('does not keep the owner from paying by a transfer that nobody makes', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd, true);
    await rail.pay(await change(order, CATALOG.pluginUsd));
    expect(await rail.facts(order)).toMatchObject({ ...FREED, order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });
});

describe('ten who choose at once', () => {
  it('end one transfer, open one page at a time, and pay once', async () => {
    const order = await begun('konbini');
    const methods = ['credit_card', 'bank_transfer'] as const;
    const reasons = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        reasonOf(rail.order(CATALOG.pluginJpy, { buyer: order.buyer, method: methods[index % 2] ?? 'credit_card' })),
      ),
    );
    expect([null, 'busy', 'too_many_attempts', 'invoice_reserved']).toEqual(
      expect.arrayContaining([...new Set(reasons)]),
    );
    expect(reasons).toContain(null);
    const { holds, tries } = await rail.facts(order);
    expect(holds).toEqual(FREED.holds);
    expect(tries.filter(([status]) => status === 'live').length).toBeLessThanOrEqual(1);
    world.clock.advance(61_000);
    await rail.pay(await change(order));
    expect(await rail.facts(order)).toMatchObject({ ...FREED, order: 'paid', rights: 1 });
    expect(await noticesOf(world, order.buyer.id)).toMatchObject({ paid: 1, payment_failed: 1 });
    await expectWholeBooks(world.system);
  });

  it('and a transfer that arrives meanwhile: it is taken once, whoever is first', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await Promise.all([
      ...Array.from({ length: 5 }, () => reasonOf(change(order, CATALOG.pluginUsd))),
      rail.act(`payments/${order.chargeId}/transfer`, { amount: 999 }),
    ]);
    const intent = await intentOf(order);
    if (intent === 'succeeded')
      await expect
        .poll(() => rail.facts(order))
        .toMatchObject({ order: 'paid', payments: [{ method: 'bank_transfer' }] });
    else expect(await rail.facts(order)).toMatchObject({ ...FREED, payments: [] });
    await expectWholeBooks(world.system);
  });
});
