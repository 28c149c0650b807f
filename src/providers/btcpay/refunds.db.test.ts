import { describe, expect, it } from 'vitest';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import {
  attentionsOf,
  BTCPAY,
  btcpayHand,
  type Placed,
  passTime,
  paymentsOf,
  placeCoins,
  refundsOf,
  standingOf,
  workOutside,
} from '../../testing/coins.ts';
import { DAY_MS, openWorld, type PriceId } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
const btcpay = btcpayHand(world);

const MINUTE_MS = 60_000;
const PRICE = AMOUNTS[CATALOG.pluginUsd];
/** The public values of the sandbox's store. */
const STORE = 'HoshiSandboxStore00000000000000000000000000000';
const KEY = 'HoshiSandboxBtcpayApiKey0000000000000000';

async function bought(
  priceId: PriceId = CATALOG.pluginUsd,
  confirmations = 6,
): Promise<Placed & { paymentId: string }> {
  const order = await placeCoins(world, BTCPAY, { priceId });
  await btcpay.pay(order, { confirmations });
  if (confirmations === 0) await btcpay.confirm(order);
  const [payment] = await paymentsOf(world, order);
  return { ...order, paymentId: payment?.id ?? '' };
}

/** Asks for a refund, has it offered, and returns the pull payment. */
async function offered({ paymentId, ...order }: Placed & { paymentId: string }, amount?: bigint): Promise<string> {
  await requestRefund(world.system, { paymentId, ...(amount === undefined ? {} : { amount }) });
  expect(await workOutside(world)).toEqual([]);
  return (await refundsOf(world, order)).find(({ status }) => status === 'requested')?.reference ?? '';
}

/** The buyer claims, and the operator pays. */
async function claimAndPay(pullPayment: string, amount?: string): Promise<void> {
  const { id } = await btcpay.claim(pullPayment, amount);
  await btcpay.payout(id, 'complete');
}

/** The operator takes an offer back. */
async function archive(pullPayment: string): Promise<void> {
  const url = `${world.sandboxUrl}/btcpay/api/v1/stores/${STORE}/pull-payments/${pullPayment}`;
  const { status } = await fetch(url, { method: 'DELETE', headers: { authorization: `token ${KEY}` } });
  expect(status).toBe(200);
}

/** BTCPay has no event for an offer that was taken back: we ask, after two minutes the first time. */
async function askLater(): Promise<void> {
  await passTime(world, 2 * MINUTE_MS);
  await askOpenOrders(world.system);
}

const STANDS = { order: 'paid', rights: 1, payments: [['', 'one_time', 'succeeded', null]] };

describe('a refund of the whole', () => {
  it('is offered in coins that nobody need approve, and done when the payout is', async () => {
    const order = await bought();
    const pullPayment = await offered(order);
    const [refund] = await refundsOf(world, order);
    expect(refund).toMatchObject({
      status: 'requested',
      claim_url: `${world.sandboxUrl}/btcpay/pull-payments/${pullPayment}`,
    });
    expect(await standingOf(world, order)).toMatchObject({
      rights: 1,
      payments: [['', 'one_time', 'refunding', null]],
    });
    const payout = await btcpay.claim(pullPayment);
    expect(payout).toMatchObject({ state: 'AwaitingPayment', original_currency: 'BTC' });
    await btcpay.payout(payout.id, 'start');
    expect(await standingOf(world, order)).toMatchObject({ rights: 1 });
    await btcpay.payout(payout.id, 'complete');
    expect(await standingOf(world, order)).toMatchObject({
      order: 'paid',
      rights: 0,
      payments: [['', 'one_time', 'refunded', null]],
      refunds: [['succeeded', PRICE, null]],
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, refund_to_claim: 1, refunded: 1 });
    await expectWholeBooks(world.system);
  });

  it.each([
    ['EUR', CATALOG.pluginEur],
    ['JPY', CATALOG.pluginJpy],
    ['BTC', CATALOG.pluginBtc],
  ] as const)('of a price in %s gives all of it back', async (_currency, priceId) => {
    const order = await bought(priceId);
    await claimAndPay(await offered(order));
    expect(await standingOf(world, order)).toMatchObject({
      rights: 0,
      refunds: [['succeeded', AMOUNTS[priceId], null]],
    });
    await expectWholeBooks(world.system);
  });

  it('of what was held for confirmations ends the hold with it', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { confirmations: 0 });
    await btcpay.confirm(order);
    const [payment] = await paymentsOf(world, order);
    await claimAndPay(await offered({ ...order, paymentId: payment?.id ?? '' }));
    expect(await standingOf(world, order)).toMatchObject({ rights: 0, holds: [['btcpay', 'refunded', 'confirming']] });
    await expectWholeBooks(world.system);
  });

  it('is done once it was claimed in two parts and both were paid', async () => {
    const order = await bought(CATALOG.pluginBtc);
    const pullPayment = await offered(order);
    await claimAndPay(pullPayment, '0.00004');
    expect(await standingOf(world, order)).toMatchObject({
      rights: 1,
      payments: [['', 'one_time', 'refunding', null]],
      refunds: [
        ['requested', 6_001, null],
        ['succeeded', 4_000, null],
      ],
    });
    await expectWholeBooks(world.system);
    await claimAndPay(pullPayment);
    expect(await standingOf(world, order)).toMatchObject({
      rights: 0,
      payments: [['', 'one_time', 'refunded', null]],
      refunds: [
        ['succeeded', 4_000, null],
        ['succeeded', 6_001, null],
      ],
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({
      paid: 1,
      refund_to_claim: 1,
      part_refunded: 1,
      refunded: 1,
    });
    await expectWholeBooks(world.system);
  });

  it('whose claim was cancelled can be claimed again', async () => {
    const order = await bought();
    const pullPayment = await offered(order);
    await btcpay.payout((await btcpay.claim(pullPayment)).id, 'cancel');
    expect(await standingOf(world, order)).toMatchObject({ rights: 1, refunds: [['requested', PRICE, null]] });
    await claimAndPay(pullPayment);
    expect(await standingOf(world, order)).toMatchObject({ rights: 0, refunds: [['succeeded', PRICE, null]] });
    expect(await attentionsOf(world, order)).toEqual([]);
  });

  it.each([
    ['of what was paid at once', 1],
    ['of what was held for confirmations', 0],
  ])('%s is found by asking when all that BTCPay tells is lost', async (_name, confirmations) => {
    const order = await bought(CATALOG.pluginUsd, confirmations);
    const pullPayment = await offered(order);
    await world.sandbox.setFaults({ btcpay: { kind: 'wrong_auth', remaining: 100 } });
    await claimAndPay(pullPayment);
    await world.sandbox.setFaults({});
    expect(await standingOf(world, order)).toMatchObject({ rights: 1 });
    await askLater();
    expect(await standingOf(world, order)).toMatchObject({ rights: 0, refunds: [['succeeded', PRICE, null]] });
    expect(await askOpenOrders(world.system)).toBe(0);
    await expectWholeBooks(world.system);
  });

  it('is found by asking also when its buyer claims it after three months', async () => {
    const order = await bought();
    const pullPayment = await offered(order);
    await world.advance(92 * DAY_MS);
    expect(await askOpenOrders(world.system)).toBe(0);
    await world.sandbox.setFaults({ btcpay: { kind: 'wrong_auth', remaining: 100 } });
    await claimAndPay(pullPayment);
    await world.sandbox.setFaults({});
    expect(await standingOf(world, order)).toMatchObject({ rights: 1 });
    await world.advance(5 * DAY_MS);
    expect(await askOpenOrders(world.system)).toBe(1);
    expect(await standingOf(world, order)).toMatchObject({ rights: 0, refunds: [['succeeded', PRICE, null]] });
  });
});

describe('an offer is made once', () => {
  const offers = async ({ reference }: Placed) => (await btcpay.look({ reference } as Placed)).refunds.length;

  it('when it is asked for ten times at once', async () => {
    const order = await bought();
    const { paymentId } = order;
    const refunds = await Promise.all(Array.from({ length: 10 }, () => requestRefund(world.system, { paymentId })));
    expect(new Set(refunds.map(({ id }) => id)).size).toBe(1);
    await workOutside(world);
    expect(await offers(order)).toBe(1);
  });

  it('when two workers ask for it at once, and both find nothing made', async () => {
    const order = await bought();
    const { id } = await requestRefund(world.system, { paymentId: order.paymentId });
    await world.sandbox.setFaults({
      btcpay: { kind: 'delay', delay_ms: 200, method: 'invoices/refund', remaining: 2 },
    });
    const outcomes = await Promise.allSettled([executeRefund(world.system, id), executeRefund(world.system, id)]);
    expect(outcomes).toContainEqual({ status: 'fulfilled', value: 'pending' });
    expect(await workOutside(world)).toEqual([]);
    expect(await offers(order)).toBe(1);
    for (const pullPayment of (await btcpay.look(order)).refunds) await claimAndPay(pullPayment);
    expect(await standingOf(world, order)).toMatchObject({ rights: 0, refunds: [['succeeded', PRICE, null]] });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, refund_to_claim: 1, refunded: 1 });
    await expectWholeBooks(world.system);
  });

  it.each(['lost_answer', 'malformed'] as const)('when the answer is %s', async (kind) => {
    const order = await bought();
    await requestRefund(world.system, { paymentId: order.paymentId });
    await world.sandbox.setFaults({ btcpay: { kind, method: 'invoices/refund', remaining: 1 } });
    expect(await workOutside(world)).toHaveLength(1);
    expect(await workOutside(world)).toEqual(['BEING_ASKED']);
    await passTime(world, 2 * MINUTE_MS);
    expect(await workOutside(world)).toEqual([]);
    expect(await offers(order)).toBe(1);
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, refund_to_claim: 1 });
  });

  it('when we were killed before we had written it down, and it was claimed meanwhile', async () => {
    const order = await bought();
    const { id: refundId } = await requestRefund(world.system, { paymentId: order.paymentId });
    const gone = new Proxy(world.system.db, {
      get: (target, name) =>
        name === '$transaction' ? () => Promise.reject(new Error('killed')) : Reflect.get(target, name),
    });
    await expect(executeRefund({ ...world.system, db: gone }, refundId)).rejects.toThrow('killed');
    expect(await refundsOf(world, order)).toMatchObject([{ status: 'requested', reference: null }]);
    const [pullPayment = ''] = (await btcpay.look(order)).refunds;
    await claimAndPay(pullPayment);
    expect(await refundsOf(world, order)).toMatchObject([{ status: 'succeeded', reference: pullPayment }]);
    await workOutside(world);
    expect(await offers(order)).toBe(1);
    await expectWholeBooks(world.system);
  });

  it('when a worker that had read it before another offered it comes late', async () => {
    const order = await bought();
    const { id } = await requestRefund(world.system, { paymentId: order.paymentId });
    const { db } = world.system;
    const stale = await db.refund.findUnique({ where: { id }, include: { payment: true } });
    expect(await executeRefund(world.system, id)).toBe('pending');
    const refund = new Proxy(db.refund, {
      get: (target, name) => (name === 'findUnique' ? async () => stale : Reflect.get(target, name)),
    });
    const before = new Proxy(db, {
      get: (target, name) => (name === 'refund' ? refund : Reflect.get(target, name)),
    });
    const late = { ...world.system, db: before };
    await expect(executeRefund(late, id)).rejects.toMatchObject({ code: 'BEING_ASKED' });
    expect(await executeRefund(world.system, id)).toBe('pending');
    expect(await offers(order)).toBe(1);
  });

  it('when the key may not make offers: it waits, and nothing is lost', async () => {
    const order = await bought();
    await requestRefund(world.system, { paymentId: order.paymentId });
    await world.sandbox.ask('PUT', '/btcpay/settings', {
      permissions: ['btcpay.store.canviewinvoices', 'btcpay.store.canviewpullpayments'],
    });
    expect(await workOutside(world)).toEqual(['missing-permission']);
    await world.sandbox.ask('PUT', '/btcpay/settings', { permissions: null });
    expect(await refundsOf(world, order)).toMatchObject([{ status: 'requested', reference: null }]);
    expect(await workOutside(world)).toEqual([]);
    expect(await offers(order)).toBe(1);
  });
});

describe('a part', () => {
  it('is offered in the currency of the price, waits for an approval, and leaves the right', async () => {
    const order = await bought();
    const pullPayment = await offered(order, 333n);
    const payout = await btcpay.claim(pullPayment);
    expect(payout).toMatchObject({ state: 'AwaitingApproval', original_amount: '3.33', original_currency: 'USD' });
    await btcpay.payout(payout.id, 'complete');
    expect(await standingOf(world, order)).toMatchObject({ ...STANDS, refunds: [['succeeded', 333, null]] });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, refund_to_claim: 1, part_refunded: 1 });
    await expectWholeBooks(world.system);
  });

  it('and the rest give the whole back, to the cent, and take the right', async () => {
    const order = await bought();
    for (const amount of [333n, 1n, undefined]) {
      await claimAndPay(await offered(order, amount));
      await passTime(world, 1_000);
    }
    expect(await standingOf(world, order)).toMatchObject({
      rights: 0,
      payments: [['', 'one_time', 'refunded', null]],
      refunds: [
        ['succeeded', 333, null],
        ['succeeded', 1, null],
        ['succeeded', PRICE - 334, null],
      ],
    });
    await expectWholeBooks(world.system);
  });

  it('more than what is left is refused, and so is a second one while the first waits', async () => {
    const order = await bought();
    const { paymentId } = order;
    await expect(requestRefund(world.system, { paymentId, amount: BigInt(PRICE) + 1n })).rejects.toMatchObject({
      reason: 'refund_amount_wrong',
    });
    await offered(order, 333n);
    await expect(requestRefund(world.system, { paymentId, amount: 1n })).rejects.toMatchObject({
      reason: 'refund_in_progress',
    });
  });
});

describe('an offer that is taken back', () => {
  it.each([
    ['before it was claimed', async () => undefined],
    ['when it was claimed and not paid', (pullPayment: string) => btcpay.claim(pullPayment)],
  ])('%s failed: the payment stands, and the operator is told once', async (_name, before) => {
    const order = await bought();
    const pullPayment = await offered(order);
    await before(pullPayment);
    await archive(pullPayment);
    await askLater();
    await askLater();
    expect(await standingOf(world, order)).toMatchObject({
      ...STANDS,
      refunds: [['failed', PRICE, 'pull-payment-archived']],
    });
    expect(await attentionsOf(world, order)).toEqual(['failed']);
    await expectWholeBooks(world.system);
  });

  it('can be made anew', async () => {
    const order = await bought();
    await archive(await offered(order));
    await askLater();
    await claimAndPay(await offered(order));
    expect(await standingOf(world, order)).toMatchObject({
      rights: 0,
      refunds: [
        ['failed', PRICE, 'pull-payment-archived'],
        ['succeeded', PRICE, null],
      ],
    });
    await expectWholeBooks(world.system);
  });

  /** 39.0006 % of 9.99 USD, rounded up. */
  const PART = 391;
  it.each([
    ['and told', async () => undefined],
    [
      'and found by asking',
      async () => {
        await world.sandbox.setFaults({});
        await askLater();
      },
    ],
  ])(
    'after a part of it was paid %s leaves that part given back, and only the rest can be offered again',
    async (how, look) => {
      const order = await bought();
      const { paymentId } = order;
      const pullPayment = await offered(order);
      if (how !== 'and told') await world.sandbox.setFaults({ btcpay: { kind: 'wrong_auth', remaining: 100 } });
      await claimAndPay(pullPayment, '0.00004');
      await look();
      await archive(pullPayment);
      await passTime(world, 3 * MINUTE_MS);
      await askOpenOrders(world.system);
      const standing = {
        ...STANDS,
        refunds: [
          ['failed', PRICE - PART, 'pull-payment-archived'],
          ['succeeded', PART, null],
        ],
      };
      expect(await standingOf(world, order)).toMatchObject(standing);
      expect(await attentionsOf(world, order)).toEqual(['failed']);
      await expectWholeBooks(world.system);
      await expect(requestRefund(world.system, { paymentId, amount: BigInt(PRICE) })).rejects.toMatchObject({
        reason: 'refund_amount_wrong',
      });

      const payout = await btcpay.claim(await offered(order));
      expect(payout).toMatchObject({ original_amount: '6.08', original_currency: 'USD' });
      await btcpay.payout(payout.id, 'complete');
      expect(await standingOf(world, order)).toMatchObject({
        rights: 0,
        payments: [['', 'one_time', 'refunded', null]],
        refunds: [...standing.refunds, ['succeeded', PRICE - PART, null]],
      });
      await expectWholeBooks(world.system);
    },
  );

  it('after it was paid stays done, however often BTCPay is asked', async () => {
    const order = await bought();
    const pullPayment = await offered(order);
    await claimAndPay(pullPayment);
    const before = await standingOf(world, order);
    await archive(pullPayment);
    const deliveries = await world.sandbox.ask<{ id: string }[]>(
      'GET',
      `/btcpay/deliveries?invoice=${order.reference}`,
    );
    for (const { id } of deliveries) await world.sandbox.ask('POST', `/btcpay/deliveries/${id}/redeliver`);
    await askLater();
    expect(await standingOf(world, order)).toEqual(before);
    expect(await attentionsOf(world, order)).toEqual([]);
    await expectWholeBooks(world.system);
  });
});

describe('a refund that somebody made in BTCPay with the description of ours', () => {
  async function madeByHand({ reference }: Placed): Promise<string> {
    const answer = await fetch(`${world.sandboxUrl}/btcpay/api/v1/invoices/${reference}/refund`, {
      method: 'POST',
      headers: { authorization: `token ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        refundVariant: 'CurrentRate',
        name: 'by hand',
        description: `Refund of ${reference}: 9.99 USD`,
      }),
    });
    return ((await answer.json()) as { id: string }).id;
  }
  const GIVEN = { rights: 0, payments: [['', 'one_time', 'refunded', null]], refunds: [['succeeded', PRICE, null]] };

  it('is found by what BTCPay tells of its payout', async () => {
    const order = await bought();
    await claimAndPay(await madeByHand(order));
    expect(await standingOf(world, order)).toMatchObject(GIVEN);
    await expectWholeBooks(world.system);
  });

  it('is found by comparing the lists when all that is lost', async () => {
    const order = await bought();
    await world.sandbox.setFaults({ btcpay: { kind: 'wrong_auth', remaining: 100 } });
    await claimAndPay(await madeByHand(order));
    await world.sandbox.setFaults({});
    await passTime(world, 2 * MINUTE_MS);
    expect(await standingOf(world, order)).toMatchObject({ rights: 1 });
    expect(await reconcilePayments(world.system, BTCPAY)).toMatchObject({ settled: 1, reported: 0 });
    expect(await standingOf(world, order)).toMatchObject(GIVEN);
    expect(await reconcilePayments(world.system, BTCPAY)).toMatchObject({ settled: 0, reported: 0 });
    await expectWholeBooks(world.system);
  });
});

describe('a refund of what was settled by hand', () => {
  async function settledByHand(pay: (order: Placed) => Promise<unknown>): Promise<Placed & { paymentId: string }> {
    const order = await placeCoins(world, BTCPAY);
    await pay(order);
    await btcpay.mark(order, 'Settled');
    const payment = (await paymentsOf(world, order)).find(({ charge_id }) => charge_id === order.reference);
    return { ...order, paymentId: payment?.id ?? '' };
  }

  it('without a payment fails: no money is offered that never came, and the operator is told', async () => {
    const order = await settledByHand(async () => undefined);
    expect(await offered(order)).toBe('');
    expect((await btcpay.look(order)).refunds).toEqual([]);
    expect(await standingOf(world, order)).toMatchObject({
      rights: 1,
      payments: [['', 'one_time', 'succeeded', 'underpaid']],
      refunds: [['failed', PRICE, 'NO_MONEY_TO_RETURN']],
    });
    expect(await attentionsOf(world, order)).toEqual(['odd', 'failed']);
    await expectWholeBooks(world.system);
  });

  it('for less than the price offers what came, and ends the order', async () => {
    const order = await settledByHand((placed) => btcpay.pay(placed, { outcome: 'under' }));
    const payout = await btcpay.claim(await offered(order));
    expect(payout).toMatchObject({ original_currency: 'BTC', original_amount: '0.00005118' });
    await btcpay.payout(payout.id, 'complete');
    expect(await standingOf(world, order)).toMatchObject({
      rights: 0,
      payments: [['', 'one_time', 'refunded', 'underpaid']],
      refunds: [['succeeded', PRICE, null]],
    });
    await expectWholeBooks(world.system);
  });

  it('that is claimed after the invoice was marked as invalid changes nothing any more', async () => {
    const order = await settledByHand((placed) => btcpay.pay(placed, { outcome: 'under' }));
    const pullPayment = await offered(order);
    await btcpay.mark(order, 'Invalid');
    const lost = {
      rights: 0,
      payments: [['', 'one_time', 'charged_back', 'underpaid']],
      refunds: [['failed', PRICE, 'nothing_left']],
    };
    expect(await standingOf(world, order)).toMatchObject(lost);
    await claimAndPay(pullPayment);
    await workOutside(world);
    expect(await standingOf(world, order)).toMatchObject(lost);
    await expectWholeBooks(world.system);
  });
});

describe('money that nothing is owed for', () => {
  it('above the price goes back at the rate of its payment, and the order stands', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { outcome: 'over' });
    await workOutside(world);
    const [refund] = await refundsOf(world, order);
    const payout = await btcpay.claim(refund?.reference ?? '');
    expect(payout).toMatchObject({ state: 'AwaitingPayment', original_amount: '0.00001024' });
    await btcpay.payout(payout.id, 'complete');
    expect(await standingOf(world, order)).toMatchObject({
      order: 'paid',
      rights: 1,
      payments: [
        ['', 'one_time', 'succeeded', 'excess'],
        ['excess', 'surplus', 'refunded', null],
      ],
    });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, refund_to_claim: 1, surplus_refunded: 1 });
    await expectWholeBooks(world.system);
  });

  it('below the price goes back', async () => {
    const order = await placeCoins(world, BTCPAY);
    await btcpay.pay(order, { outcome: 'under' });
    await passTime(world, 31 * MINUTE_MS);
    await workOutside(world);
    const [refund] = await refundsOf(world, order);
    await claimAndPay(refund?.reference ?? '');
    expect(await standingOf(world, order)).toMatchObject({
      rights: 0,
      payments: [['partial', 'surplus', 'refunded', null]],
      refunds: [['succeeded', 499, null]],
    });
    await expectWholeBooks(world.system);
  });
});
