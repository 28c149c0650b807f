import { afterEach, describe, expect, it } from 'vitest';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import type { SimClickPayment } from '../../sandbox/control-payme-click.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { factsOf, MINUTE_MS } from '../../testing/callers.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import { DAY_MS, openWorld } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
afterEach(() => world.sandbox.setFaults({}));

const HOUR_MS = 60 * MINUTE_MS;

/** An order that was paid on a provider's page. */
async function bought(providerId: 'click' | 'payme' = 'click') {
  const buyer = await world.newBuyer();
  const way = { surface: 'browser', method: 'credit_card', providerId } as const;
  const { invoiceId, url } = await world.order(buyer, CATALOG.pluginUzs, way);
  await world.sandbox.ask('POST', `/${providerId}/pay`, { url });
  const [payment] = await world.sql<{ id: string; charge_id: string }>(
    'SELECT id, charge_id FROM payment WHERE invoice_id = $1',
    [invoiceId],
  );
  if (!payment) throw new Error('not paid');
  return { buyer, invoiceId, paymentId: payment.id, chargeId: payment.charge_id };
}
type Bought = Awaited<ReturnType<typeof bought>>;

/** The money goes back at Click by somebody else's hand: our books hear nothing of it. */
async function giveBackAtClick({ buyer, chargeId, invoiceId }: Bought): Promise<void> {
  const { click_paydoc_id: reference } = await world.sandbox.ask<SimClickPayment>('GET', `/click/payments/${chargeId}`);
  const asked = { refundId: 'none', chargeId, reference, invoiceId, payerId: buyer.telegramId, isWhole: true };
  const amount = { amount: BigInt(AMOUNTS[CATALOG.pluginUzs]), currency: 'UZS' } as const;
  await world.system.providers
    .get('click')
    ?.refund({ ...asked, amount, isRepeat: false, known: [], paidAt: world.clock.now() });
  const payment = await world.sandbox.ask<SimClickPayment>('GET', `/click/payments/${chargeId}`);
  expect(payment.status).toBe('reversed');
}
const refundsOf = ({ paymentId }: Bought) =>
  world.sql('SELECT status, reason FROM refund WHERE payment_id = $1 ORDER BY id', [paymentId]);
const questionsOf = async ({ invoiceId }: Bought) => {
  const [row] = await world.sql<{ questions: number }>('SELECT questions FROM reservation WHERE invoice_id = $1', [
    invoiceId,
  ]);
  return row?.questions;
};
const REFUNDED = { rights: 0, payments: [['click', 'one_time', 'refunded']], holds: [['click', 'refunded']] };
const PAID = { rights: 1, payments: [['click', 'one_time', 'succeeded']], holds: [['click', 'paid']] };

describe('a payment that Click gave back without a word', () => {
  it.each([
    ['within the hour', MINUTE_MS, HOUR_MS],
    ['after two days', 2 * DAY_MS, DAY_MS],
    ['after five days', 5 * DAY_MS, 5 * DAY_MS],
  ])('%s is found by asking, and booked once', async (_name, before, after) => {
    const order = await bought();
    await world.advance(before);
    for (let age = 0; age < 4; age += 1) await askOpenOrders(world.system);
    await giveBackAtClick(order);
    expect(await factsOf(world, order.invoiceId)).toMatchObject(PAID);
    await world.advance(after);
    expect(await askOpenOrders(world.system)).toBe(1);
    expect(await factsOf(world, order.invoiceId)).toMatchObject(REFUNDED);
    expect(await refundsOf(order)).toEqual([{ status: 'succeeded', reason: 'provider' }]);
    expect(await noticesOf(world, order.buyer.id)).toMatchObject({ paid: 1, refunded: 1 });
    await world.advance(30 * DAY_MS);
    expect(await askOpenOrders(world.system)).toBe(0);
    await expectWholeBooks(world.system);
  });

  it('while we ask for it ourselves is that refund', async () => {
    const order = await bought();
    const refund = await requestRefund(world.system, { paymentId: order.paymentId });
    await giveBackAtClick(order);
    await world.advance(HOUR_MS);
    expect(await askOpenOrders(world.system)).toBe(1);
    expect(await executeRefund(world.system, refund.id)).toBe('nothing_to_do');
    expect(await refundsOf(order)).toEqual([{ status: 'succeeded', reason: 'requested' }]);
    expect(await factsOf(world, order.invoiceId)).toMatchObject(REFUNDED);
    await expectWholeBooks(world.system);
  });
});

describe('asking about what is paid', () => {
  it('happens a few times in a month, changes nothing, and ends', async () => {
    const order = await bought();
    const asked: Array<number | undefined> = [];
    for (const days of [0.01, 0.05, 0.01, 1, 2, 3, 4, 18, 2, 30]) {
      await world.advance(days * DAY_MS);
      await askOpenOrders(world.system);
      asked.push(await questionsOf(order));
    }
    expect(asked).toEqual([0, 1, 1, 2, 3, 3, 4, 4, 5, 5]);
    expect(await factsOf(world, order.invoiceId)).toMatchObject(PAID);
    expect(await refundsOf(order)).toEqual([]);
    await expectWholeBooks(world.system);
  });

  it('does not book what we gave back ourselves a second time', async () => {
    const [whole, part] = [await bought(), await bought()];
    for (const [order, amount] of [
      [whole, undefined],
      [part, 100n],
    ] as const) {
      const asked = { paymentId: order.paymentId, ...(amount === undefined ? {} : { amount }) };
      expect(await executeRefund(world.system, (await requestRefund(world.system, asked)).id)).toBe('done');
    }
    await world.advance(HOUR_MS);
    expect(await askOpenOrders(world.system)).toBe(0);
    expect(await refundsOf(whole)).toHaveLength(1);
    expect(await refundsOf(part)).toHaveLength(1);
    expect(await questionsOf(whole)).toBe(0);
    await expectWholeBooks(world.system);
  });

  it('is for Click alone: Payme says itself what it gives back', async () => {
    const order = await bought('payme');
    await world.advance(2 * DAY_MS);
    await askOpenOrders(world.system);
    expect(await questionsOf(order)).toBe(0);
  });
});
