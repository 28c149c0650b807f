import { afterEach, describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { sealAccount } from '#domain/identity/account.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import type { SimCryptoPayInvoice, SimCryptoPaySettings } from '../../sandbox/control-crypto.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import {
  attentionsOf,
  BTCPAY,
  CRYPTO_PAY,
  calmDown,
  type Placed,
  passTime,
  payCryptoPay,
  paymentsOf,
  placeCoins,
  refundsOf,
  standingOf,
  workOutside,
} from '../../testing/coins.ts';
import { openWorld, type PriceId } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
afterEach(() => calmDown(world));

const MINUTE_MS = 60_000;
const PRICE = AMOUNTS[CATALOG.pluginUsd];
const OTHER_RATES = { BTC: '123456', ETH: '4321', TON: '9', USDT: '2' };
const STANDS = { order: 'paid', rights: 1, payments: [['', 'one_time', 'succeeded', null]] };

const place = (priceId: PriceId = CATALOG.pluginUsd) => placeCoins(world, CRYPTO_PAY, { priceId });
const change = (settings: Partial<SimCryptoPaySettings>) =>
  world.sandbox.ask<SimCryptoPaySettings>('PUT', '/crypto-pay/settings', settings);
const balances = async () => (await change({})).balances;
/** The invoices that Crypto Pay has of an order. */
const invoicesOf = ({ invoiceId }: Placed) =>
  world.sandbox.ask<SimCryptoPayInvoice[]>('GET', `/crypto-pay/invoices?payload=${invoiceId}`);

/** A coin amount at the 18 places Crypto Pay may write. */
function toUnits(text = ''): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(18, '0'));
}

async function bought(priceId?: PriceId, asset?: string): Promise<Placed & { paymentId: string }> {
  const order = await place(priceId);
  await payCryptoPay(world, order, asset);
  const [payment] = await paymentsOf(world, order);
  return { ...order, paymentId: payment?.id ?? '' };
}

/** What an answer that was lost, or a worker that was killed, leaves behind: the transfer happened, and we do not know. */
function withoutCommit() {
  const db = new Proxy(world.system.db, {
    get: (target, name) =>
      name === '$transaction' ? () => Promise.reject(new Error('killed')) : Reflect.get(target, name),
  });
  return { ...world.system, db };
}

describe('an order', () => {
  it.each([
    ['USD', CATALOG.pluginUsd, 'BTC', 30n],
    ['USD', CATALOG.pluginUsd, 'ETH', 30n],
    ['USD', CATALOG.pluginUsd, 'TON', 30n],
    ['USD', CATALOG.pluginUsd, 'USDT', 30n],
    ['EUR', CATALOG.pluginEur, 'BTC', 29n],
    ['EUR', CATALOG.pluginEur, 'USDT', 29n],
    ['BTC', CATALOG.pluginBtc, 'BTC', 300n],
    ['ETH', CATALOG.pluginEth, 'ETH', 90_001n],
  ] as const)('priced in %s (%s) and paid in %s is booked as it was priced', async (currency, priceId, asset, fee) => {
    const order = await bought(priceId, asset);
    expect(await standingOf(world, order)).toEqual({
      ...STANDS,
      holds: [],
      attempts: [['crypto-pay', 'closed', null]],
      refunds: [],
    });
    const [payment] = await world.sql('SELECT amount, currency, processor_fee FROM payment WHERE id = $1', [
      order.paymentId,
    ]);
    expect(payment).toEqual({ amount: BigInt(AMOUNTS[priceId]), currency, processor_fee: fee });
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it('priced in yen is not offered', async () => {
    await expect(place(CATALOG.pluginJpy)).rejects.toMatchObject({ reason: 'method_unavailable' });
  });

  it('cannot be paid in a coin that was not offered, nor twice', async () => {
    const order = await place();
    await expect(payCryptoPay(world, order, 'LTC')).rejects.toThrow();
    await payCryptoPay(world, order);
    await expect(payCryptoPay(world, order)).rejects.toThrow('NOT_ACTIVE');
  });

  it('whose invoice ran out is told so without any event', async () => {
    const order = await place();
    await passTime(world, 31 * MINUTE_MS);
    await askOpenOrders(world.system);
    expect(await standingOf(world, order)).toMatchObject({ attempts: [['crypto-pay', 'closed', 'checkout_expired']] });
    await expireInvoices(world.system);
    expect(await standingOf(world, order)).toMatchObject({ order: 'expired', payments: [] });
    await expect(payCryptoPay(world, order)).rejects.toThrow('NOT_ACTIVE');
    await expectWholeBooks(world.system);
  });

  it('that is withdrawn cannot be paid there any more', async () => {
    const order = await place();
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    expect(await workOutside(world)).toEqual([]);
    expect(await invoicesOf(order)).toEqual([]);
  });

  it('that is withdrawn while it is paid is honoured, however late we hear of it', async () => {
    const order = await place();
    await world.sandbox.setFaults({ 'crypto-pay': { kind: 'wrong_auth', remaining: 100 } });
    await payCryptoPay(world, order);
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    expect(await workOutside(world)).toEqual([]);
    expect(await standingOf(world, order)).toMatchObject(STANDS);
    await expectWholeBooks(world.system);
  });

  it('that is paid another way instead has no invoice left here', async () => {
    const order = await place();
    const other = await placeCoins(world, BTCPAY, { buyer: order.buyer });
    expect(other.invoiceId).toBe(order.invoiceId);
    expect(await invoicesOf(order)).toEqual([]);
    expect(await standingOf(world, order)).toMatchObject({
      attempts: [
        ['btcpay', 'live', null],
        ['crypto-pay', 'closed', null],
      ],
    });
  });

  it('that was paid in the moment before another way was chosen is not offered twice: the choice is refused, and it is paid', async () => {
    const order = await place();
    await world.sandbox.setFaults({ 'crypto-pay': { kind: 'wrong_auth', remaining: 100 } });
    await payCryptoPay(world, order);
    const other = () => placeCoins(world, BTCPAY, { buyer: order.buyer });
    await expect(other()).rejects.toMatchObject({ kind: 'conflict', reason: 'invoice_reserved' });
    expect(await workOutside(world)).toEqual([]);
    expect(await standingOf(world, order)).toMatchObject({ ...STANDS, attempts: [['crypto-pay', 'closed', null]] });
    await expect(other()).rejects.toMatchObject({ reason: 'already_owned' });
    await expectWholeBooks(world.system);
  });

  it.each(['unavailable', 'timeout'] as const)(
    'is not offered another way while this one cannot be closed (%s)',
    async (kind) => {
      const order = await place();
      await world.sandbox.setFaults({ 'crypto-pay': { kind, method: 'getInvoices', remaining: 1 } });
      await expect(placeCoins(world, BTCPAY, { buyer: order.buyer })).rejects.toMatchObject({
        reason: 'provider_unavailable',
      });
      expect(await standingOf(world, order)).toMatchObject({ attempts: [['crypto-pay', 'live', null]] });
      expect((await placeCoins(world, BTCPAY, { buyer: order.buyer })).providerId).toBe(BTCPAY);
    },
  );
});

describe('a refund', () => {
  it.each([
    ['USD', CATALOG.pluginUsd, 'TON'],
    ['EUR', CATALOG.pluginEur, 'USDT'],
    ['BTC', CATALOG.pluginBtc, 'BTC'],
    ['ETH', CATALOG.pluginEth, 'ETH'],
  ] as const)(
    'of a price in %s sends back the very coins that came, to the last place',
    async (_currency, priceId, asset) => {
      const order = await bought(priceId, asset);
      const [invoice] = await invoicesOf(order);
      const before = (await change({})).asset_usd;
      await change({ balances: { [asset]: '1000000' }, asset_usd: OTHER_RATES });
      await requestRefund(world.system, { paymentId: order.paymentId });
      expect(await workOutside(world)).toEqual([]);
      await change({ asset_usd: before });
      expect(toUnits('1000000') - toUnits((await balances())[asset])).toBe(toUnits(invoice?.paid_amount));
      expect(await standingOf(world, order)).toMatchObject({
        rights: 0,
        refunds: [['succeeded', AMOUNTS[priceId], null]],
      });
      expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1, refunded: 1 });
      await expectWholeBooks(world.system);
    },
  );

  it('is made once, however often and at once it is asked for', async () => {
    const order = await bought(CATALOG.pluginUsd, 'USDT');
    await change({ balances: { USDT: '100' } });
    const { paymentId } = order;
    const refunds = await Promise.all(Array.from({ length: 10 }, () => requestRefund(world.system, { paymentId })));
    await Promise.allSettled(refunds.map(({ id }) => executeRefund(world.system, id)));
    await workOutside(world);
    expect((await balances())['USDT']).toBe('90.01');
    expect(await refundsOf(world, order)).toMatchObject([{ status: 'succeeded' }]);
    await expectWholeBooks(world.system);
  });

  it('that was sent when we were killed is not sent again', async () => {
    const order = await bought(CATALOG.pluginUsd, 'USDT');
    await change({ balances: { USDT: '100' } });
    const { id } = await requestRefund(world.system, { paymentId: order.paymentId });
    await expect(executeRefund(withoutCommit(), id)).rejects.toThrow('killed');
    expect(await refundsOf(world, order)).toMatchObject([{ status: 'requested', reference: null }]);
    expect(await workOutside(world)).toEqual(['BEING_ASKED']);
    await passTime(world, 2 * MINUTE_MS);
    expect(await workOutside(world)).toEqual([]);
    expect((await balances())['USDT']).toBe('90.01');
    expect(await refundsOf(world, order)).toMatchObject([{ status: 'succeeded' }]);
    await expectWholeBooks(world.system);
  });

  it.each(['lost_answer', 'malformed', 'unavailable', 'rate_limited'] as const)(
    'whose answer is %s is sent once in the end',
    async (kind) => {
      const order = await bought(CATALOG.pluginUsd, 'USDT');
      await change({ balances: { USDT: '100' } });
      await requestRefund(world.system, { paymentId: order.paymentId });
      await world.sandbox.setFaults({ 'crypto-pay': { kind, method: 'transfer', remaining: 1 } });
      expect(await workOutside(world)).toHaveLength(1);
      expect(await workOutside(world)).toEqual([]);
      expect((await balances())['USDT']).toBe('90.01');
      expect(await refundsOf(world, order)).toMatchObject([{ status: 'succeeded' }]);
    },
  );

  it('that was sent and whose job is lost is found in the list of transfers', async () => {
    const order = await bought(CATALOG.pluginUsd, 'USDT');
    await change({ balances: { USDT: '100' } });
    const { id } = await requestRefund(world.system, { paymentId: order.paymentId });
    await expect(executeRefund(withoutCommit(), id)).rejects.toThrow('killed');
    await world.sql("UPDATE job SET done_at = $1, outcome = 'dead' WHERE payload->>'refundId' = $2", [
      world.clock.now(),
      id,
    ]);
    await passTime(world, 2 * MINUTE_MS);
    expect((await reconcilePayments(world.system, CRYPTO_PAY)).settled).toBe(1);
    expect(await standingOf(world, order)).toMatchObject({ rights: 0, refunds: [['succeeded', PRICE, null]] });
    await expectWholeBooks(world.system);
  });

  it.each([
    ['METHOD_DISABLED', () => change({ disabled_methods: ['transfer'] })],
    ['INSUFFICIENT_FUNDS', () => change({ balances: { USDT: '9.98' } })],
  ] as const)(
    'that Crypto Pay refuses (%s) failed: the payment stands, and the operator is told',
    async (code, prepare) => {
      const order = await bought(CATALOG.pluginUsd, 'USDT');
      await prepare();
      await requestRefund(world.system, { paymentId: order.paymentId });
      expect(await workOutside(world)).toEqual([]);
      expect(await standingOf(world, order)).toMatchObject({ ...STANDS, refunds: [['failed', PRICE, code]] });
      expect(await attentionsOf(world, order)).toEqual(['failed']);
      expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1 });
      await change({ disabled_methods: [], balances: { USDT: '100' } });
      await requestRefund(world.system, { paymentId: order.paymentId });
      await workOutside(world);
      expect(await standingOf(world, order)).toMatchObject({ rights: 0, refunds: { length: 2 } });
      await expectWholeBooks(world.system);
    },
  );

  it('to somebody who never opened the bot (USER_NOT_FOUND) failed, and the operator is told', async () => {
    const order = await bought(CATALOG.pluginUsd, 'USDT');
    const where = { userId: order.buyer.id };
    await world.database.prisma.identityLink.update({ where, data: sealAccount(world.door, 555_000_111_222n) });
    await requestRefund(world.system, { paymentId: order.paymentId });
    expect(await workOutside(world)).toEqual([]);
    expect(await standingOf(world, order)).toMatchObject({ ...STANDS, refunds: [['failed', PRICE, 'USER_NOT_FOUND']] });
    expect(await attentionsOf(world, order)).toEqual(['failed']);
    await expectWholeBooks(world.system);
  });

  it('of a part is refused before anybody is asked', async () => {
    const { paymentId } = await bought();
    await expect(requestRefund(world.system, { paymentId, amount: 1n })).rejects.toMatchObject({
      reason: 'refund_whole_only',
    });
  });
});
