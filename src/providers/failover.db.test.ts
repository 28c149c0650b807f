import { afterEach, describe, expect, it } from 'vitest';
import { openLink, payLink } from '#domain/checkout/open-link.ts';
import type { SimFaults } from '../sandbox/control.ts';
import type { SimBtcpayInvoice, SimCryptoPayInvoice } from '../sandbox/control-crypto.ts';
import { expectWholeBooks } from '../testing/books.ts';
import { CATALOG } from '../testing/catalog.ts';
import {
  BTCPAY,
  btcpayHand,
  CRYPTO_PAY,
  calmDown,
  payCryptoPay,
  placeCoins,
  standingOf,
  workOutside,
} from '../testing/coins.ts';
import { type Buyer, openWorld, type PriceId } from '../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
const btcpay = btcpayHand(world);
afterEach(async () => {
  await calmDown(world);
  await world.sql('UPDATE provider_breaker SET failures = 0, open_until = NULL');
});

const CREATE = { [CRYPTO_PAY]: 'createInvoice', [BTCPAY]: 'invoices/create' } as const;
const down = (
  providerId: keyof typeof CREATE,
  remaining: number,
  kind: 'unavailable' | 'lost_answer' = 'unavailable',
) => world.sandbox.setFaults({ [providerId]: { kind, method: CREATE[providerId], remaining } });
const leftOf = async (providerId: keyof typeof CREATE) =>
  (await world.sandbox.ask<SimFaults>('GET', '/faults'))[providerId]?.remaining ?? 0;

/** A checkout by whoever takes coins. */
async function place(priceId: PriceId = CATALOG.pluginUsd, given?: Buyer) {
  const buyer = given ?? (await world.newBuyer());
  const opened = await world.order(buyer, priceId, { surface: 'browser', method: 'cryptocurrency' });
  return { ...opened, buyer };
}

/** What can be paid at this moment at any provider, of all orders of a person. */
async function payableOf({ id }: Buyer): Promise<string[]> {
  const orders = await world.sql<{ id: string }>('SELECT id FROM invoice WHERE user_id = $1', [id]);
  const found: string[] = [];
  for (const order of orders) {
    const coins = await world.sandbox.ask<SimCryptoPayInvoice[]>('GET', `/crypto-pay/invoices?payload=${order.id}`);
    const chain = await world.sandbox.ask<SimBtcpayInvoice[]>('GET', `/btcpay/invoices?order=${order.id}`);
    found.push(...coins.filter(({ status }) => status === 'active').map(() => CRYPTO_PAY));
    found.push(...chain.filter(({ status }) => status === 'New').map(() => BTCPAY));
  }
  return found;
}

const liveOf = ({ id }: Buyer) =>
  world.sql<{ provider: string }>("SELECT provider FROM payment_attempt WHERE user_id = $1 AND status = 'live'", [id]);
const auditOf = (invoiceId: string) =>
  world.sql<{ action: string; data: Record<string, string> }>(
    'SELECT action, data FROM audit_event WHERE object_id = $1 ORDER BY seq',
    [invoiceId],
  );

/** The providers of which the page of an order says that they do not answer. */
async function restingOf(invoiceId: string): Promise<string[]> {
  const { offer } = await openLink(world.door, invoiceId);
  return (offer?.methods ?? []).flatMap(({ isResting, providerId }) => (isResting ? [providerId] : []));
}

describe('a provider that cannot open a checkout', () => {
  it('is replaced by the next, which is audited and said', async () => {
    await down(CRYPTO_PAY, 1);
    const { buyer, invoiceId, passedOver, providerId } = await place();
    expect([providerId, passedOver]).toEqual([BTCPAY, [CRYPTO_PAY]]);
    expect(await standingOf(world, { invoiceId })).toMatchObject({
      attempts: [
        ['btcpay', 'live', null],
        ['crypto-pay', 'failed', 'unavailable'],
      ],
    });
    const audit = await auditOf(invoiceId);
    expect(audit).toMatchObject([
      { action: 'invoice.opened', data: { provider: CRYPTO_PAY } },
      { action: 'checkout.failed', data: { failure: 'unavailable' } },
      { action: 'checkout.attempted', data: { provider: BTCPAY, passed_over: `${CRYPTO_PAY}:SERVICE_UNAVAILABLE` } },
    ]);
    expect(await payableOf(buyer)).toEqual([BTCPAY]);
    await expectWholeBooks(world.system);
  });

  it('three times in a row is passed over unasked for half a minute, and then asked again', async () => {
    await down(CRYPTO_PAY, 100);
    for (let times = 0; times < 3; times += 1) expect((await place()).providerId).toBe(BTCPAY);
    expect(await leftOf(CRYPTO_PAY)).toBe(97);
    const { invoiceId, passedOver, providerId } = await place();
    expect([providerId, passedOver, await leftOf(CRYPTO_PAY)]).toEqual([BTCPAY, [CRYPTO_PAY], 97]);
    expect(await auditOf(invoiceId)).toMatchObject([
      { action: 'invoice.opened', data: { passed_over: `${CRYPTO_PAY}:breaker_open` } },
    ]);
    expect(await restingOf(invoiceId)).toEqual([CRYPTO_PAY]);
    await world.sandbox.setFaults({});
    await world.advance(31_000);
    expect(await restingOf(invoiceId)).toEqual([]);
    expect(await place()).toMatchObject({ providerId: CRYPTO_PAY, passedOver: [] });
    await expectWholeBooks(world.system);
  });

  it('and is the only one is asked all the same, however often it failed', async () => {
    await down(CRYPTO_PAY, 100);
    for (let times = 0; times < 4; times += 1)
      await expect(place(CATALOG.pluginEth)).rejects.toMatchObject({
        kind: 'unavailable',
        reason: 'provider_unavailable',
      });
    expect(await leftOf(CRYPTO_PAY)).toBe(96);
    await world.sandbox.setFaults({});
    expect((await place(CATALOG.pluginEth)).providerId).toBe(CRYPTO_PAY);
  });

  it('and was chosen by name is not replaced', async () => {
    await down(CRYPTO_PAY, 1);
    await expect(placeCoins(world, CRYPTO_PAY)).rejects.toMatchObject({ reason: 'provider_unavailable' });
  });

  it('three times in a row by name is shown as resting to who looks at the order again', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await placeCoins(world, BTCPAY, { buyer });
    await down(CRYPTO_PAY, 3);
    const pay = () =>
      payLink(world.door, { invoiceId, method: 'cryptocurrency', providerId: CRYPTO_PAY, language: 'en' });
    for (let times = 1; times <= 3; times += 1) {
      expect(await restingOf(invoiceId)).toEqual([]);
      await expect(pay()).rejects.toMatchObject({ reason: 'provider_unavailable' });
    }
    expect(await restingOf(invoiceId)).toEqual([CRYPTO_PAY]);
    // It may be back: who chooses it is not refused unasked.
    expect((await pay()).providerId).toBe(CRYPTO_PAY);
    expect(await restingOf(invoiceId)).toEqual([]);
  });

  it('like all others leaves the order open, without a way to pay', async () => {
    const faults = { kind: 'unavailable', remaining: 100 } as const;
    await world.sandbox.setFaults({ 'crypto-pay': faults, btcpay: faults });
    const buyer = await world.newBuyer();
    await expect(place(CATALOG.pluginUsd, buyer)).rejects.toMatchObject({ reason: 'provider_unavailable' });
    expect([await payableOf(buyer), await liveOf(buyer)]).toEqual([[], []]);
    await world.sandbox.setFaults({});
    expect((await place(CATALOG.pluginUsd, buyer)).url).not.toBeNull();
    await expectWholeBooks(world.system);
  });

  it('and opened one all the same, whose answer was lost: money that comes by it buys the order, and later money goes back', async () => {
    await down(CRYPTO_PAY, 1, 'lost_answer');
    const { buyer, invoiceId, providerId, url } = await place();
    expect(providerId).toBe(BTCPAY);
    const [stray] = await world.sandbox.ask<SimCryptoPayInvoice[]>('GET', `/crypto-pay/invoices?payload=${invoiceId}`);
    const order = { buyer, invoiceId, providerId, url: url ?? '', reference: '' };
    await payCryptoPay(world, { ...order, url: stray?.bot_invoice_url ?? '' });
    await btcpay.pay(order);
    await workOutside(world);
    expect(await standingOf(world, order)).toMatchObject({
      order: 'paid',
      rights: 1,
      payments: [
        ['', 'one_time', 'succeeded', null],
        ['', 'surplus', 'refunding', null],
      ],
      refunds: [['requested', 999, null]],
    });
    await expectWholeBooks(world.system);
  });
});

describe('never two that can be paid', () => {
  const click = (buyer: Buyer, providerId: string) => placeCoins(world, providerId, { buyer });

  it('when two ways are tapped at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const buyer = await world.newBuyer();
      await Promise.allSettled([click(buyer, CRYPTO_PAY), click(buyer, BTCPAY)]);
      await workOutside(world);
      expect([(await liveOf(buyer)).length, (await payableOf(buyer)).length]).toEqual([1, 1]);
    }
    await expectWholeBooks(world.system);
  });

  it('when twenty requests with different providers come at once', async () => {
    const buyer = await world.newBuyer();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => click(buyer, n % 2 === 0 ? CRYPTO_PAY : BTCPAY)),
    );
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.reason] : []));
    for (const reason of reasons) expect(['busy', 'too_many_attempts']).toContain(reason);
    await workOutside(world);
    const live = await liveOf(buyer);
    expect(live.length).toBeLessThanOrEqual(1);
    expect(await payableOf(buyer)).toEqual(live.map(({ provider }) => provider));
    await expectWholeBooks(world.system);
  });

  it('when ways are changed as often as the limit lets one, and the last one is paid', async () => {
    const buyer = await world.newBuyer();
    for (const providerId of [CRYPTO_PAY, BTCPAY, CRYPTO_PAY]) {
      await click(buyer, providerId);
      expect(await payableOf(buyer)).toEqual([providerId]);
    }
    const order = await click(buyer, BTCPAY);
    expect(await payableOf(buyer)).toEqual([BTCPAY]);
    await btcpay.pay(order);
    await workOutside(world);
    expect(await standingOf(world, order)).toMatchObject({ order: 'paid', payments: { length: 1 }, refunds: [] });
    await expectWholeBooks(world.system);
  });

  it('when money arrives at the one that was left: it buys the order, and money for the other goes back', async () => {
    const buyer = await world.newBuyer();
    const left = await click(buyer, BTCPAY);
    const order = await click(buyer, CRYPTO_PAY);
    // A wallet that has the address already pays although the page is closed.
    await expect(btcpay.look(left)).resolves.toMatchObject({ status: 'Invalid' });
    await btcpay.pay(left);
    expect(await standingOf(world, order)).toMatchObject({ order: 'paid', rights: 1 });
    // Until the other page is closed too, by a job, its money may come.
    await payCryptoPay(world, order, 'USDT');
    await world.sandbox.ask('PUT', '/crypto-pay/settings', { balances: { USDT: '100' } });
    await workOutside(world);
    expect(await standingOf(world, order)).toMatchObject({
      rights: 1,
      payments: [
        ['', 'one_time', 'succeeded', 'late'],
        ['', 'surplus', 'refunded', null],
      ],
    });
    expect(await payableOf(buyer)).toEqual([]);
    await expectWholeBooks(world.system);
  });

  it('when money arrives at the one that was left: nothing can be paid at the other any more', async () => {
    const buyer = await world.newBuyer();
    const left = await click(buyer, BTCPAY);
    const order = await click(buyer, CRYPTO_PAY);
    await btcpay.pay(left);
    expect(await payableOf(buyer)).toEqual([CRYPTO_PAY]);
    await workOutside(world);
    expect(await payableOf(buyer)).toEqual([]);
    expect(await standingOf(world, order)).toMatchObject({ order: 'paid', payments: { length: 1 }, refunds: [] });
    await expectWholeBooks(world.system);
  });
});
