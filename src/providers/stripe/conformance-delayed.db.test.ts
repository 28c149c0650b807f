import { describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { getInvoice } from '#domain/checkout/records.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { lapseReservations } from '#domain/reservation/end.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { CARDS, type Order, openStripe } from '../../testing/stripe.ts';
import { DAY_MS, type PriceId } from '../../testing/world.ts';

const rail = openStripe();
const { world } = rail;

const MINUTE_MS = 60_000;
type Begun = Order & Readonly<{ chargeId: string; instructions: string }>;

/** An order whose money the buyer has promised to send. */
async function begun(method: 'konbini' | 'bank_transfer', priceId: PriceId = CATALOG.pluginJpy): Promise<Begun> {
  const placed = await rail.order(priceId, { method: 'bank_transfer' });
  const { instructions_url: instructions, payment, status } = await rail.pay(placed, { method });
  expect(status).toBe('unpaid');
  return { ...placed, chargeId: payment ?? '', instructions: instructions ?? '' };
}

const WAYS = [
  ['a konbini voucher in yen', 'konbini', CATALOG.pluginJpy, 1_001, { fee: 36, platform: 290, developer: 675 }],
  ['a bank transfer in yen', 'bank_transfer', CATALOG.pluginJpy, 1_001, { fee: 36, platform: 290, developer: 675 }],
  ['a bank transfer in dollars', 'bank_transfer', CATALOG.pluginUsd, 999, { fee: 59, platform: 282, developer: 658 }],
  ['a bank transfer in euro', 'bank_transfer', CATALOG.pluginEur, 950, { fee: 53, platform: 269, developer: 628 }],
] as const;

describe.each(WAYS)('%s', (_name, method, priceId, amount, shares) => {
  const arrive = ({ chargeId }: Begun) =>
    method === 'konbini'
      ? rail.act(`payments/${chargeId}/konbini`)
      : rail.act(`payments/${chargeId}/transfer`, { amount });

  it('holds the order, tells where to pay, and gives nothing yet', async () => {
    const order = await begun(method, priceId);
    expect(await rail.facts(order)).toEqual({
      order: 'open',
      tries: [['live', null]],
      payments: [],
      holds: [['reserved', 'awaiting_transfer', amount]],
      refunds: [],
      disputes: [],
      rights: 0,
    });
    const { reservations } = await getInvoice(order.buyer.ctx, order.invoiceId);
    expect(reservations[0]).toMatchObject({ progress: 'awaiting_transfer', instructionsUrl: order.instructions });
    expect((await fetch(order.instructions)).status).toBe(200);
    expect(await noticesOf(world, order.buyer.id)).toEqual({ payment_waiting: 1 });
  });

  it('keeps the order from expiring', async () => {
    const order = await begun(method, priceId);
    world.clock.advance(45 * MINUTE_MS);
    await expireInvoices(world.system);
    expect(await rail.facts(order)).toMatchObject({
      order: 'open',
      holds: [['reserved', 'awaiting_transfer', amount]],
    });
  });

  it('settles when the money arrives days later', async () => {
    const order = await begun(method, priceId);
    world.clock.advance(2 * DAY_MS);
    await arrive(order);
    expect(await rail.facts(order)).toEqual({
      order: 'paid',
      tries: [['closed', null]],
      payments: [expect.objectContaining({ kind: 'one_time', amount, method: 'bank_transfer', ...shares })],
      holds: [['paid', 'awaiting_transfer', null]],
      refunds: [],
      disputes: [],
      rights: 1,
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, payment_waiting: 1 });
    await expectWholeBooks(world.system);
  });

  it('that does not come frees the order and tells the buyer, who can pay another way', async () => {
    const order = await begun(method, priceId);
    await rail.act(`payments/${order.chargeId}/fail`);
    expect(await rail.facts(order)).toMatchObject({
      order: 'open',
      tries: [['closed', expect.stringMatching(/^(transfer_failed|checkout_expired)$/)]],
      holds: [['cancelled', 'awaiting_transfer', null]],
      payments: [],
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ payment_failed: 1, payment_waiting: 1 });
    const again = await rail.order(priceId, { buyer: order.buyer });
    expect(again.invoiceId).toBe(order.invoiceId);
    await rail.pay(again);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: [{ method: 'credit_card' }] });
    await expectWholeBooks(world.system);
  });

  it('of which we heard nothing is honoured when its order is over', async () => {
    await rail.loseMessages();
    const order = await begun(method, priceId);
    world.clock.advance(31 * MINUTE_MS);
    await expireInvoices(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'expired', holds: [] });
    await world.sandbox.setFaults({});
    await arrive(order);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: [{ kind: 'one_time' }] });
    await expectWholeBooks(world.system);
  });

  it('whose order the buyer cancelled is honoured all the same when it comes', async () => {
    const order = await begun(method, priceId);
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    await arrive(order);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: [{ kind: 'one_time' }] });
    await expectWholeBooks(world.system);
  });
});

describe('a voucher', () => {
  it('that nobody paid runs out by itself', async () => {
    const order = await begun('konbini');
    await world.advance(4 * DAY_MS);
    await expect.poll(() => rail.facts(order)).toMatchObject({ holds: [['cancelled', 'awaiting_transfer', null]] });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ payment_failed: 1, payment_waiting: 1 });
    await expireInvoices(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'expired', payments: [] });
    await expectWholeBooks(world.system);
  });
});

describe('a transfer', () => {
  it('that is short says how much is missing, and settles when the rest arrives', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 400 });
    expect(await rail.facts(order)).toMatchObject({
      order: 'open',
      payments: [],
      holds: [['reserved', 'underpaid', 599]],
    });
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 100 });
    expect(await rail.facts(order)).toMatchObject({ order: 'open', holds: [['reserved', 'underpaid', 499]] });
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 499 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: [{ amount: 999 }] });
    await expectWholeBooks(world.system);
  });

  it('that is short and whose rest never comes frees the order', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 400 });
    await rail.act(`payments/${order.chargeId}/fail`);
    expect(await rail.facts(order)).toMatchObject({
      order: 'open',
      payments: [],
      holds: [['cancelled', 'underpaid', null]],
    });
    expect(await noticesOf(world, order.buyer.id)).toMatchObject({ payment_failed: 1 });
    await expectWholeBooks(world.system);
  });

  it('above the sum pays the order; the rest stays with the customer at Stripe', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 1_500 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: [{ amount: 999 }] });
    expect(await noticesOf(world, order.buyer.id)).toMatchObject({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it('begun before by the same buyer for another order is a customer of its own at Stripe', async () => {
    const first = await begun('bank_transfer', CATALOG.pluginUsd);
    const second = await begun('bank_transfer', CATALOG.pluginUsd);
    const [one, two] = [await rail.look(first.chargeId), await rail.look(second.chargeId)];
    expect(one.customer).not.toBeNull();
    expect(one.customer).not.toBe(two.customer);
  });

  it('that comes after its hold has lapsed here is honoured', async () => {
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    world.clock.advance(31 * DAY_MS);
    await lapseReservations(world.system);
    await expireInvoices(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'expired', holds: [['cancelled', expect.anything(), 999]] });
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 999 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: [{ kind: 'one_time' }] });
    await expectWholeBooks(world.system);
  });

  it('whose every message was lost is found by asking, at its beginning and at its end', async () => {
    await rail.loseMessages();
    const order = await begun('bank_transfer', CATALOG.pluginUsd);
    world.clock.advance(3 * MINUTE_MS);
    await askOpenOrders(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'open', holds: [['reserved', 'awaiting_transfer', 999]] });
    await rail.act(`payments/${order.chargeId}/transfer`, { amount: 999 });
    world.clock.advance(DAY_MS);
    await askOpenOrders(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });
});

describe('the end of an older page', () => {
  it('that is told late does not free an order for which money is on its way by a newer one', async () => {
    const card = await rail.order(CATALOG.pluginUsd);
    await rail.loseMessages();
    const transfer = await rail.order(CATALOG.pluginUsd, { buyer: card.buyer, method: 'bank_transfer' });
    const { payment } = await rail.pay(transfer, { method: 'bank_transfer' });
    const completed = (await rail.messagesOf(payment ?? '')).find(({ type }) => type === 'checkout.session.completed');
    await rail.send(completed?.body ?? '');
    expect(await rail.facts(card)).toMatchObject({ holds: [['reserved', 'awaiting_transfer', 999]] });
    await rail.catchUp();
    expect(await rail.facts(card)).toMatchObject({ order: 'open', holds: [['reserved', 'awaiting_transfer', 999]] });
    await rail.act(`payments/${payment}/transfer`, { amount: 999 });
    expect(await rail.facts(card)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });
});

describe('a card after a transfer that came to nothing', () => {
  const failedBefore = async () => {
    const order = await begun('konbini');
    await rail.act(`payments/${order.chargeId}/fail`);
    return { order, card: await rail.order(CATALOG.pluginJpy, { buyer: order.buyer }) };
  };

  it('is found by asking when its messages were lost: the page is asked about, not the old transfer', async () => {
    const { card, order } = await failedBefore();
    await rail.loseMessages();
    await rail.pay(card);
    world.clock.advance(3 * MINUTE_MS);
    await askOpenOrders(world.system);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: [{ method: 'credit_card' }] });
    await expectWholeBooks(world.system);
  });

  it('that is declined is shown, and its page that runs out ends', async () => {
    const { card, order } = await failedBefore();
    await rail.pay(card, { card: CARDS.insufficient });
    expect((await rail.facts(order)).tries.at(-1)).toEqual(['live', 'insufficient_funds']);
    await rail.act(`sessions/${card.session}/expire`);
    expect((await rail.facts(order)).tries.at(-1)).toEqual(['closed', 'checkout_expired']);
  });
});
