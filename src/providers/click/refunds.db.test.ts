import { afterEach, describe, expect, it } from 'vitest';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import type { SimClickPayment } from '../../sandbox/control-payme-click.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { MINUTE_MS } from '../../testing/callers.ts';
import { CLICK_CARDS, payByCard, storeCard } from '../../testing/cards.ts';
import { attentionsOf, passTime, paymentsOf, standingOf, workOutside } from '../../testing/coins.ts';
import { type Buyer, openWorld } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
afterEach(async () => {
  await world.sandbox.setFaults({});
  await expectWholeBooks(world.system);
});

const PRICE = 36_000_000;
const PART = 100_000n;
const UNKNOWN = 'PARTIAL_REVERSAL_OUTCOME_UNKNOWN';

type Bought = Readonly<{ buyer: Buyer; invoiceId: string; paymentId: string }>;

async function bought(): Promise<Bought> {
  const buyer = await world.newBuyer();
  const { invoiceId } = await payByCard(buyer, await storeCard(buyer, 'click', CLICK_CARDS.good));
  const [payment] = await paymentsOf(world, { invoiceId });
  return { buyer, invoiceId, paymentId: payment?.id ?? '' };
}

/** What Click has given back of an order, in tiyin. */
async function reversedOf({ invoiceId }: Bought): Promise<number> {
  const [payment] = await world.sandbox.ask<SimClickPayment[]>('GET', `/click/payments?order=${invoiceId}`);
  return payment?.reversed_tiyin ?? 0;
}

/** The world of a worker whose commit after Click's answer fails. */
function withoutCommit() {
  const db = new Proxy(world.system.db, {
    get: (target, name) =>
      name === '$transaction' ? () => Promise.reject(new Error('killed')) : Reflect.get(target, name),
  });
  return { ...world.system, db };
}

describe('a part of a charge', () => {
  it('goes back once, and the next part after it', async () => {
    const order = await bought();
    for (const [amount, reversed] of [
      [PART, 100_000],
      [250_001n, 350_001],
    ] as const) {
      await requestRefund(world.system, { paymentId: order.paymentId, amount });
      expect(await workOutside(world)).toEqual([]);
      expect(await reversedOf(order)).toBe(reversed);
    }
    expect(await standingOf(world, order)).toMatchObject({
      rights: 1,
      refunds: [
        ['succeeded', 100_000, null],
        ['succeeded', 250_001, null],
      ],
    });
  });

  it('whose commit failed after Click had given it is not given again: it failed, and the operators are told', async () => {
    const order = await bought();
    const { id } = await requestRefund(world.system, { paymentId: order.paymentId, amount: PART });
    await expect(executeRefund(withoutCommit(), id)).rejects.toThrow('killed');
    expect(await workOutside(world)).toEqual(['BEING_ASKED']);
    await passTime(world, 2 * MINUTE_MS);
    expect(await workOutside(world)).toEqual([]);
    expect(await reversedOf(order)).toBe(100_000);
    expect(await standingOf(world, order)).toMatchObject({
      rights: 1,
      payments: [[expect.any(String), 'one_time', 'succeeded', null]],
      refunds: [['failed', 100_000, UNKNOWN]],
    });
    expect(await attentionsOf(world, order)).toEqual(['failed']);
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1 });
  });

  it('whose answer was lost is not given again either', async () => {
    const order = await bought();
    await requestRefund(world.system, { paymentId: order.paymentId, amount: PART });
    await world.sandbox.setFaults({
      click: { kind: 'lost_answer', method: 'payment/partial_reversal', remaining: 1 },
    });
    expect(await workOutside(world)).toEqual([]);
    expect(await reversedOf(order)).toBe(100_000);
    expect(await standingOf(world, order)).toMatchObject({ refunds: [['failed', 100_000, UNKNOWN]] });
    expect(await attentionsOf(world, order)).toEqual(['failed']);
  });

  it('that Click had no time for is asked for again, and given once', async () => {
    const order = await bought();
    await requestRefund(world.system, { paymentId: order.paymentId, amount: PART });
    await world.sandbox.setFaults({
      click: { kind: 'http_error', http_status: 429, method: 'payment/partial_reversal', remaining: 1 },
    });
    expect(await workOutside(world)).toEqual(['HTTP_429']);
    expect(await workOutside(world)).toEqual([]);
    expect(await reversedOf(order)).toBe(100_000);
    expect(await standingOf(world, order)).toMatchObject({ refunds: [['succeeded', 100_000, null]] });
    expect(await attentionsOf(world, order)).toEqual([]);
  });

  it('that two workers ask for at once is given once', async () => {
    const order = await bought();
    const { id } = await requestRefund(world.system, { paymentId: order.paymentId, amount: PART });
    await world.sandbox.setFaults({
      click: { kind: 'delay', delay_ms: 200, method: 'payment/partial_reversal', remaining: 2 },
    });
    const outcomes = await Promise.allSettled([executeRefund(world.system, id), executeRefund(world.system, id)]);
    expect(outcomes).toContainEqual({ status: 'fulfilled', value: 'done' });
    expect(await workOutside(world)).toEqual([]);
    expect(await reversedOf(order)).toBe(100_000);
    expect(await standingOf(world, order)).toMatchObject({ refunds: [['succeeded', 100_000, null]] });
  });
});

describe('the whole of a charge', () => {
  it('whose commit failed after Click had given it is found given, and done', async () => {
    const order = await bought();
    const { id } = await requestRefund(world.system, { paymentId: order.paymentId });
    await expect(executeRefund(withoutCommit(), id)).rejects.toThrow('killed');
    await passTime(world, 2 * MINUTE_MS);
    expect(await workOutside(world)).toEqual([]);
    expect(await reversedOf(order)).toBe(PRICE);
    expect(await standingOf(world, order)).toMatchObject({ rights: 0, refunds: [['succeeded', PRICE, null]] });
    expect(await attentionsOf(world, order)).toEqual([]);
  });
});
