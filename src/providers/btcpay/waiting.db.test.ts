import { describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import {
  attentionsOf,
  BTCPAY,
  btcpayHand,
  CRYPTO_PAY,
  type Placed,
  passTime,
  paymentsOf,
  placeCoins,
  refundsOf,
  standingOf,
  workOutside,
} from '../../testing/coins.ts';
import { openWorld } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
const btcpay = btcpayHand(world);

const MINUTE_MS = 60_000;

/** BTCPay has no event for a payment that was replaced: we ask, after two minutes the first time. */
async function dropUntold(order: Placed): Promise<void> {
  await btcpay.drop(order);
  await passTime(world, 2 * MINUTE_MS);
  await askOpenOrders(world.system);
}

/** What a hold that stands is waiting for, and how much of the price is missing. */
async function holdOf({ invoiceId }: Placed) {
  const [hold] = await world.sql(
    "SELECT progress, missing, instructions_url FROM reservation WHERE invoice_id = $1 AND status = 'reserved'",
    [invoiceId],
  );
  return hold ?? null;
}

/** An order of which half was paid before its time was over. */
async function halfPaid(): Promise<Placed> {
  const order = await placeCoins(world, BTCPAY);
  await btcpay.pay(order, { outcome: 'under' });
  await passTime(world, 31 * MINUTE_MS);
  await expireInvoices(world.system);
  expect(await standingOf(world, order)).toMatchObject({
    order: 'expired',
    payments: [['partial', 'surplus', 'refunding', null]],
  });
  return order;
}

const BOTH_GO_BACK = {
  order: 'expired',
  rights: 0,
  payments: [
    ['partial', 'surplus', 'refunding', null],
    ['rest', 'surplus', 'refunding', 'late'],
  ],
  refunds: [
    ['requested', 499, null],
    ['requested', 500, null],
  ],
};

describe('the rest of a price that comes after the end', () => {
  it('and after the part was offered back is offered back as well', async () => {
    const order = await halfPaid();
    await workOutside(world);
    await btcpay.pay(order);
    await workOutside(world);
    expect(await standingOf(world, order)).toMatchObject(BOTH_GO_BACK);
    expect(await attentionsOf(world, order)).toEqual(['odd', 'odd']);
    await expectWholeBooks(world.system);
  });

  it('while the part could not be offered back buys nothing that is given back as well', async () => {
    const order = await halfPaid();
    await world.sandbox.setFaults({ btcpay: { kind: 'unavailable', method: 'invoices/refund', remaining: 1 } });
    expect(await workOutside(world)).toEqual(['HTTP_503']);
    await btcpay.pay(order);
    await passTime(world, 2 * MINUTE_MS);
    await workOutside(world);
    expect(await standingOf(world, order)).toMatchObject(BOTH_GO_BACK);
    expect((await refundsOf(world, order)).map(({ claim_url }) => claim_url)).not.toContain(null);
    await expectWholeBooks(world.system);
  });

  it('in two parts is offered back as far as it had come when it was booked, and the list tells of what came after', async () => {
    const order = await halfPaid();
    await workOutside(world);
    await btcpay.pay(order, { amount: '0.00002' });
    expect(await standingOf(world, order)).toMatchObject({ payments: { length: 2 }, rights: 0 });
    await btcpay.pay(order);
    expect(await standingOf(world, order)).toMatchObject({ payments: { length: 2 }, rights: 0 });
    await passTime(world, 2 * MINUTE_MS);
    await reconcilePayments(world.system, BTCPAY);
    const differences = await world.sql<{ charge_id: string; kind: string; status: string }>(
      'SELECT charge_id, kind, status FROM reconciliation_difference',
    );
    const own = differences.filter(({ charge_id }) => charge_id.startsWith(order.reference));
    expect(own).toContainEqual(expect.objectContaining({ kind: 'amount_differs', status: 'reported' }));
  });
});

describe('a price of which less than half a cent is missing', () => {
  it('is waited for, bought with at the end, and bought with once when the rest comes', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { amount: '0.00010243' });
    const holds = await world.sql('SELECT progress, missing FROM reservation WHERE invoice_id = $1', [order.invoiceId]);
    expect(holds).toEqual([{ progress: 'underpaid', missing: 1n }]);
    await passTime(world, 31 * MINUTE_MS);
    await expireInvoices(world.system);
    const bought = { order: 'paid', rights: 1, payments: [['', 'one_time', 'succeeded', 'late']], refunds: [] };
    expect(await standingOf(world, order)).toMatchObject(bought);
    await btcpay.pay(order);
    await workOutside(world);
    expect(await standingOf(world, order)).toMatchObject(bought);
    await expectWholeBooks(world.system);
  });
});

describe('an order that is withdrawn before anything was sent', () => {
  it('is closed at BTCPay too, and is not told that a payment of theirs was dropped', async () => {
    const order = await placeCoins(world, BTCPAY);
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    await workOutside(world);
    await passTime(world, 1_000);
    expect(await btcpay.look(order)).toMatchObject({ status: 'Invalid', additional_status: 'Marked' });
    expect(await standingOf(world, order)).toMatchObject({
      order: 'cancelled',
      attempts: [['btcpay', 'closed', 'cancelled_by_payer']],
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({});
  });
});

describe('money that is on its way', () => {
  it('holds the order: it does not expire, and cannot be paid another way', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { confirmations: 0 });
    const otherwise = () => placeCoins(world, CRYPTO_PAY, { buyer: order.buyer });
    await expect(otherwise()).rejects.toMatchObject({ kind: 'conflict', reason: 'invoice_reserved' });
    await passTime(world, 31 * MINUTE_MS);
    await expireInvoices(world.system);
    expect(await standingOf(world, order)).toMatchObject({
      order: 'open',
      holds: [['btcpay', 'reserved', 'confirming']],
    });
    await expect(otherwise()).rejects.toMatchObject({ kind: 'conflict', reason: 'invoice_reserved' });
    await btcpay.confirm(order);
    expect(await standingOf(world, order)).toMatchObject({
      order: 'paid',
      rights: 1,
      holds: [['btcpay', 'paid', 'confirming']],
    });
    await expectWholeBooks(world.system);
  });

  it('is honoured when the buyer withdraws the order meanwhile', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { confirmations: 0 });
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    await workOutside(world);
    await btcpay.confirm(order);
    expect(await standingOf(world, order)).toMatchObject({ order: 'paid', rights: 1, refunds: [] });
    await expectWholeBooks(world.system);
  });

  it('is paid once by each block that comes on top', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { confirmations: 0 });
    for (let block = 0; block < 3; block += 1) await btcpay.confirm(order, 1);
    expect(await paymentsOf(world, order)).toHaveLength(1);
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1 });
  });

  it('that is replaced by its sender frees the order, and sent again holds and pays it', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { confirmations: 0, rbf: true });
    await dropUntold(order);
    expect(await standingOf(world, order)).toMatchObject({
      order: 'open',
      holds: [['btcpay', 'cancelled', 'confirming']],
      attempts: [['btcpay', 'live', 'payment_dropped']],
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ payment_failed: 1 });
    await btcpay.pay(order, { confirmations: 0 });
    expect(await standingOf(world, order)).toMatchObject({ holds: [['btcpay', 'reserved', 'confirming']] });
    await btcpay.confirm(order);
    expect(await standingOf(world, order)).toMatchObject({ order: 'paid', payments: { length: 1 }, rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('that is replaced leaves the order free for another way to pay', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { confirmations: 0, rbf: true });
    await dropUntold(order);
    const again = await placeCoins(world, CRYPTO_PAY, { buyer: order.buyer });
    expect(again.invoiceId).toBe(order.invoiceId);
    expect(await btcpay.look(order)).toMatchObject({ status: 'Invalid' });
  });

  it('and is too little says what is missing; the rest completes it', async () => {
    const order = await placeCoins(world, BTCPAY);
    const { payments } = await btcpay.pay(order, { outcome: 'under', confirmations: 0 });
    expect(payments).toHaveLength(1);
    expect(await holdOf(order)).toEqual({ progress: 'underpaid', missing: 500n, instructions_url: order.url });
    await btcpay.pay(order, { confirmations: 0 });
    expect(await holdOf(order)).toEqual({ progress: 'confirming', missing: null, instructions_url: order.url });
    await btcpay.confirm(order);
    expect(await paymentsOf(world, order)).toMatchObject([
      { amount: BigInt(AMOUNTS[CATALOG.pluginUsd]), kind: 'one_time' },
    ]);
    await expectWholeBooks(world.system);
  });
});
