import { describe, expect, it } from 'vitest';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { CARDS, openStripe } from '../../testing/stripe.ts';
import { DAY_MS } from '../../testing/world.ts';

const rail = openStripe();
const { world } = rail;

const SECOND_MS = 1_000;
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { reason?: string }) => error.reason ?? String(error),
  );
/** $9.99 by card: Stripe keeps 59, the developer gets 658. */
const PAID = { developer_payable: -658, platform_revenue: -341, processor_fees: 59, provider_receivable: 940 };
/** All of it went back, but for the fee that Stripe keeps. */
const RETURNED = { processor_fees: 59, provider_receivable: -59 };

describe('a refund', () => {
  it('of the whole takes the right and every share; Stripe keeps its fee', async () => {
    const paid = await rail.buy();
    expect(await rail.balances(paid)).toEqual(PAID);
    expect(await rail.giveBack(paid)).toMatchObject({ outcome: 'done' });
    expect(await rail.facts(paid)).toMatchObject({
      order: 'paid',
      payments: [{ status: 'refunded', returned: 999 }],
      refunds: [['succeeded', 999]],
      rights: 0,
    });
    expect(await rail.balances(paid)).toEqual(RETURNED);
    expect(await rail.look(paid.chargeId)).toMatchObject({ amount_refunded: 999, refunds: { length: 1 } });
    expect(await noticesOf(world, paid.buyer.id)).toEqual({ paid: 1, refunded: 1 });
    await expectWholeBooks(world.system);
  });

  it('in parts leaves the right until the last one, and the parts sum to the whole', async () => {
    const paid = await rail.buy();
    for (const [amount, returned] of [
      [333n, 333],
      [1n, 334],
      [332n, 666],
    ] as const) {
      expect(await rail.giveBack(paid, amount)).toMatchObject({ outcome: 'done' });
      expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'succeeded', returned }], rights: 1 });
      await expectWholeBooks(world.system);
    }
    await rail.giveBack(paid);
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'refunded', returned: 999 }],
      refunds: [
        ['succeeded', 1],
        ['succeeded', 332],
        ['succeeded', 333],
        ['succeeded', 333],
      ],
      rights: 0,
    });
    expect(await rail.balances(paid)).toEqual(RETURNED);
    expect(await noticesOf(world, paid.buyer.id)).toEqual({ paid: 1, part_refunded: 3, refunded: 1 });
    await expectWholeBooks(world.system);
  });

  it('of a yen price goes back in whole yen', async () => {
    const paid = await rail.buy(CATALOG.pluginJpy);
    await rail.giveBack(paid, 500n);
    expect(await rail.look(paid.chargeId)).toMatchObject({ amount_refunded: 500, refunds: [{ amount: 500 }] });
    await rail.giveBack(paid);
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'refunded', returned: 1_001 }] });
    await expectWholeBooks(world.system);
  });

  it.each([
    ['whole', undefined, [{ status: 'refunded', returned: 999 }], [['succeeded', 999]], 0],
    ['a part', 400, [{ status: 'succeeded', returned: 400 }], [['succeeded', 400]], 1],
  ] as const)('made in the Dashboard, %s, arrives by itself', async (_name, amount, payments, refunds, rights) => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/refund`, amount === undefined ? {} : { amount });
    expect(await rail.facts(paid)).toMatchObject({ payments, refunds, rights });
    await expectWholeBooks(world.system);
  });

  it('of two parts, one here and one in the Dashboard, is whole', async () => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/refund`, { amount: 400 });
    await rail.giveBack(paid);
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'refunded', returned: 999 }],
      refunds: [
        ['succeeded', 400],
        ['succeeded', 599],
      ],
    });
    expect(await rail.balances(paid)).toEqual(RETURNED);
    await expectWholeBooks(world.system);
  });

  it('of the Dashboard that we did not hear of is found when we ask for the same one', async () => {
    const paid = await rail.buy();
    await rail.loseMessages();
    await rail.act(`payments/${paid.chargeId}/refund`);
    expect(await rail.giveBack(paid)).toMatchObject({ outcome: 'done' });
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'refunded' }], refunds: [['succeeded', 999]] });
    expect(await rail.look(paid.chargeId)).toMatchObject({ amount_refunded: 999, refunds: { length: 1 } });
    await rail.catchUp();
    await expectWholeBooks(world.system);
  });

  it('asked for twice is one, here and at Stripe', async () => {
    const paid = await rail.buy();
    const [first, second] = [await rail.askBack(paid), await rail.askBack(paid)];
    expect(second.id).toBe(first.id);
    expect(await reasonOf(rail.askBack(paid, 100n))).toBe('refund_in_progress');
    const outcomes = await Promise.allSettled([
      executeRefund(world.system, first.id),
      executeRefund(world.system, first.id),
    ]);
    expect(outcomes).toContainEqual({ status: 'fulfilled', value: 'done' });
    expect(await executeRefund(world.system, first.id)).toBe('nothing_to_do');
    expect((await rail.askBack(paid)).id).toBe(first.id);
    expect(await rail.look(paid.chargeId)).toMatchObject({ amount_refunded: 999, refunds: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it.each([
    ['whole', undefined],
    ['of a part', 400n],
  ])('%s, whose worker was killed between Stripe and our commit, is done once', async (_name, amount) => {
    const paid = await rail.buy();
    await rail.loseMessages();
    const refund = await rail.askBack(paid, amount);
    const gone = { ...world.system, db: killedAtCommit(world.system.db) };
    await expect(executeRefund(gone, refund.id)).rejects.toThrow('killed');
    expect(await rail.facts(paid)).toMatchObject({ refunds: [['requested', Number(amount ?? 999n)]] });
    // More than a day later Stripe has forgotten our key: only its own list keeps a part from going back twice.
    await world.advance(2 * DAY_MS);
    expect(await executeRefund(world.system, refund.id)).toBe('done');
    expect(await rail.look(paid.chargeId)).toMatchObject({
      amount_refunded: Number(amount ?? 999n),
      refunds: { length: 1 },
    });
    await rail.catchUp();
    await expectWholeBooks(world.system);
  });

  it('whose answer was lost is tried again and done once', async () => {
    const paid = await rail.buy();
    const refund = await rail.askBack(paid, 400n);
    await world.sandbox.setFaults({ stripe: { kind: 'lost_answer', method: 'POST /v1/refunds', remaining: 2 } });
    const first = await executeRefund(world.system, refund.id).catch((error: Error) => error.message);
    await executeRefund(world.system, refund.id);
    expect(first).not.toBe('failed');
    expect(await rail.facts(paid)).toMatchObject({ refunds: [['succeeded', 400]], payments: [{ returned: 400 }] });
    expect(await rail.look(paid.chargeId)).toMatchObject({ amount_refunded: 400, refunds: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it('that waits at Stripe is running here, and done when Stripe says so', async () => {
    const paid = await rail.buy(CATALOG.pluginUsd, { card: CARDS.refundPends });
    const { outcome } = await rail.giveBack(paid);
    expect(outcome).toBe('pending');
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'refunding' }],
      refunds: [['requested', 999]],
      rights: 1,
    });
    expect(await executeRefund(world.system, (await rail.askBack(paid)).id)).toBe('pending');
    await world.advance(301 * SECOND_MS);
    await expect.poll(() => rail.facts(paid)).toMatchObject({ refunds: [['succeeded', 999]] });
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'refunded' }], rights: 0 });
    expect(await rail.balances(paid)).toEqual(RETURNED);
    await expectWholeBooks(world.system);
  });

  it('that waits and whose end we did not hear is found by asking', async () => {
    const paid = await rail.buy(CATALOG.pluginUsd, { card: CARDS.refundPends });
    await rail.giveBack(paid);
    await rail.loseMessages();
    await world.advance(301 * SECOND_MS);
    await askOpenOrders(world.system);
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'refunded' }], refunds: [['succeeded', 999]] });
    await rail.catchUp();
    await expectWholeBooks(world.system);
  });

  it('that waits and then fails leaves the payment as it was', async () => {
    const paid = await rail.buy(CATALOG.pluginUsd, { card: CARDS.refundPends });
    await rail.giveBack(paid);
    const [refund] = (await rail.look(paid.chargeId)).refunds;
    await rail.act(`refunds/${refund?.id}/settle`, { outcome: 'failed' });
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'succeeded', returned: 0 }],
      refunds: [['failed', 999]],
      rights: 1,
    });
    expect(await rail.balances(paid)).toEqual(PAID);
    await expectWholeBooks(world.system);
  });

  it('that was done and comes back from the bank is undone, and can be tried again', async () => {
    const paid = await rail.buy(CATALOG.pluginUsd, { card: CARDS.refundFails });
    expect(await rail.giveBack(paid)).toMatchObject({ outcome: 'done' });
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'refunded' }], rights: 0 });
    await world.advance(301 * SECOND_MS);
    await expect.poll(() => rail.facts(paid)).toMatchObject({ refunds: [['failed', 999]] });
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'succeeded', returned: 0 }], rights: 1 });
    expect(await rail.balances(paid)).toEqual(PAID);
    await expectWholeBooks(world.system);
    expect(await rail.giveBack(paid)).toMatchObject({ outcome: 'done' });
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'refunded' }], rights: 0 });
    await expectWholeBooks(world.system);
  });

  it.each([
    ['in dollars', CATALOG.pluginUsd, 999],
    ['in yen', CATALOG.pluginJpy, 1_001],
  ] as const)('of a bank transfer %s goes into the customer’s balance at Stripe', async (_name, priceId, amount) => {
    const placed = await rail.order(priceId, { method: 'bank_transfer' });
    const { payment } = await rail.pay(placed, { method: 'bank_transfer' });
    await rail.act(`payments/${payment}/transfer`, { amount });
    const { chargeId, id } = await rail.paymentOf(placed);
    expect(await rail.giveBack({ ...placed, chargeId, paymentId: id })).toMatchObject({ outcome: 'done' });
    expect(await rail.facts(placed)).toMatchObject({
      payments: [{ status: 'refunded' }],
      holds: [['refunded', expect.anything(), null]],
    });
    await expectWholeBooks(world.system);
  });

  it('of a voucher waits until the buyer has told Stripe their account', async () => {
    const placed = await rail.order(CATALOG.pluginJpy, { method: 'bank_transfer' });
    const { payment } = await rail.pay(placed, { method: 'konbini' });
    await rail.act(`payments/${payment}/konbini`);
    const { chargeId, id } = await rail.paymentOf(placed);
    expect(await rail.giveBack({ ...placed, chargeId, paymentId: id })).toMatchObject({ outcome: 'pending' });
    const [refund] = (await rail.look(chargeId)).refunds;
    await rail.act(`refunds/${refund?.id}/settle`, { outcome: 'succeeded' });
    expect(await rail.facts(placed)).toMatchObject({
      payments: [{ status: 'refunded' }],
      refunds: [['succeeded', 1_001]],
    });
    await expectWholeBooks(world.system);
  });
});

/** The database of a process that is killed when it is about to write what Stripe answered. */
function killedAtCommit<Db extends object>(db: Db): Db {
  const killed = () => Promise.reject(new Error('killed'));
  return new Proxy(db, { get: (target, name) => (name === '$transaction' ? killed : Reflect.get(target, name)) });
}
