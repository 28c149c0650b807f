import { afterEach, describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { listMethods } from '#domain/payment-method/records.ts';
import { removeMethod } from '#domain/payment-method/remove.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import type { SimClickCard, SimClickPayment } from '../../sandbox/control-payme-click.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { factsOf, MINUTE_MS } from '../../testing/callers.ts';
import { beginCard, CLICK_CARDS, clickToken, ordersOf, payByCard, storeCard } from '../../testing/cards.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { workOutside } from '../../testing/coins.ts';
import { type Buyer, openWorld } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
afterEach(() => world.sandbox.setFaults({}));

const PAID = {
  order: 'paid',
  payments: [['click', 'one_time', 'succeeded']],
  rights: 1,
  holds: [['click', 'paid']],
} as const;
const cards = () => world.sandbox.ask<SimClickCard[]>('GET', '/click/cards');
const takenFor = (invoiceId: string) =>
  world.sandbox.ask<SimClickPayment[]>('GET', `/click/payments?order=${invoiceId}`);

async function withCard(number: string = CLICK_CARDS.good): Promise<{ buyer: Buyer; methodId: string }> {
  const buyer = await world.newBuyer();
  return { buyer, methodId: await storeCard(buyer, 'click', number) };
}
/** The one order of a person. */
async function orderOf(buyer: Buyer): Promise<string> {
  const orders = await ordersOf(world, buyer);
  expect(orders).toHaveLength(1);
  return orders[0]?.id ?? '';
}

describe('storing a card', () => {
  it.each([
    ['Uzcard', CLICK_CARDS.good],
    ['Humo', CLICK_CARDS.humo],
  ])(
    'of %s goes from the browser to Click; we keep a token, sealed, and what tells it from others',
    async (brand, number) => {
      const { buyer, methodId } = await withCard(number);
      const last4 = number.slice(-4);
      expect(await listMethods(buyer.ctx, buyer.id)).toMatchObject([
        { id: methodId, provider: 'click', brand, last4, expires: null },
      ]);
      const [row] = await world.sql<{ sealed: Buffer }>('SELECT sealed FROM payment_method WHERE id = $1', [methodId]);
      const [card] = await cards();
      expect(row?.sealed.includes(card?.card_token ?? '')).toBe(false);
    },
  );

  it.each([
    ['a wrong number', '8600000000000000'],
    ['a card without SMS', CLICK_CARDS.noSms],
  ])('of %s is refused in the browser', async (_name, number) => {
    const { endpoint, publicId } = await beginCard(await world.newBuyer(), 'click');
    await expect(clickToken(endpoint, publicId, number)).rejects.toMatchObject({ code: expect.any(Number) });
  });

  it('with a wrong code stores nothing, and may be tried again', async () => {
    const buyer = await world.newBuyer();
    const { endpoint, id: methodId, publicId } = await beginCard(buyer, 'click');
    const token = await clickToken(endpoint, publicId, CLICK_CARDS.good);
    for (const code of ['00000', '', 'x', null])
      await expect(confirmMethod(buyer.ctx, { methodId, token, code })).rejects.toMatchObject({
        reason: 'provider_declined',
      });
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
    expect(await confirmMethod(buyer.ctx, { methodId, token, code: '12345' })).toMatchObject({ last4: '0011' });
  });

  it('of a token that is stored for somebody is refused, though Click would confirm it again', async () => {
    const [buyer, other] = [await world.newBuyer(), await world.newBuyer()];
    const { endpoint, id, publicId } = await beginCard(buyer, 'click');
    const token = await clickToken(endpoint, publicId, CLICK_CARDS.good);
    const { id: second } = await beginCard(other, 'click');
    expect(await confirmMethod(buyer.ctx, { methodId: id, token, code: '12345' })).toMatchObject({ status: 'active' });
    await expect(confirmMethod(other.ctx, { methodId: second, token, code: '12345' })).rejects.toMatchObject({
      kind: 'conflict',
      reason: 'method_stored_before',
    });
    expect(await listMethods(other.ctx, other.id)).toEqual([]);
    expect((await cards()).map(({ card_token }) => card_token)).toContain(token);
  });

  it('after three wrong codes is over', async () => {
    const buyer = await world.newBuyer();
    const { endpoint, id: methodId, publicId } = await beginCard(buyer, 'click');
    const token = await clickToken(endpoint, publicId, CLICK_CARDS.good);
    for (const code of ['00000', '11111', '22222', '12345'])
      await expect(confirmMethod(buyer.ctx, { methodId, token, code })).rejects.toMatchObject({
        reason: 'provider_declined',
      });
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
  });

  it.each(['a-token-of-nobody', '../../payment/status/1', ''])('with the token "%s" stores nothing', async (token) => {
    const buyer = await world.newBuyer();
    const { id: methodId } = await beginCard(buyer, 'click');
    await expect(confirmMethod(buyer.ctx, { methodId, token, code: '12345' })).rejects.toMatchObject({
      reason: 'provider_declined',
    });
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
  });

  it('whose answer was lost is finished by the same code again', async () => {
    const buyer = await world.newBuyer();
    const { endpoint, id: methodId, publicId } = await beginCard(buyer, 'click');
    const token = await clickToken(endpoint, publicId, CLICK_CARDS.good);
    await world.sandbox.setFaults({ click: { kind: 'lost_answer', method: 'card_token/verify', remaining: 1 } });
    const confirm = () => confirmMethod(buyer.ctx, { methodId, token, code: '12345' });
    await expect(confirm()).rejects.toMatchObject({ reason: 'provider_unavailable' });
    expect(await confirm()).toMatchObject({ last4: '0011' });
  });
});

describe('a charge', () => {
  it('is settled once by Prepare and Complete, and one tap is one charge', async () => {
    const { buyer, methodId } = await withCard();
    const opened = await payByCard(buyer, methodId);
    expect(opened).toMatchObject({ providerId: 'click', url: null });
    expect(await orderOf(buyer)).toBe(opened.invoiceId);
    expect(await factsOf(world, opened.invoiceId)).toMatchObject(PAID);
    expect(await takenFor(opened.invoiceId)).toMatchObject([{ status: 'paid', amount: '360000', money: 'debited' }]);
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it('tapped five times at once takes the money once', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({
      click: { kind: 'delay', delay_ms: 500, method: 'card_token/payment', remaining: 5 },
    });
    const taps = await Promise.allSettled(Array.from({ length: 5 }, () => payByCard(buyer, methodId)));
    expect(taps.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await takenFor(await orderOf(buyer))).toHaveLength(1);
    await expectWholeBooks(world.system);
  });

  it.each([
    ['has too little money', CLICK_CARDS.poor, 'insufficient_funds'],
    ['is blocked', CLICK_CARDS.blocked, 'processing_error'],
  ])(
    'of a card that %s is declined: nothing is taken, and the order can be paid by another',
    async (_name, number, failure) => {
      const { buyer, methodId } = await withCard(number);
      await expect(payByCard(buyer, methodId)).rejects.toMatchObject({
        reason: 'provider_declined',
        details: { failure },
      });
      const invoiceId = await orderOf(buyer);
      expect(await factsOf(world, invoiceId)).toMatchObject({
        order: 'open',
        payments: [],
        holds: [['click', 'cancelled']],
      });
      const good = await storeCard(buyer, 'click', CLICK_CARDS.good);
      expect((await payByCard(buyer, good)).invoiceId).toBe(invoiceId);
      expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
      await expectWholeBooks(world.system);
    },
  );

  it('of a card that lost its money since is declined, and taken again when it has some', async () => {
    const { buyer, methodId } = await withCard();
    const [card] = await cards();
    await world.sandbox.ask('PATCH', `/click/cards/${card?.card_token}`, { declines: 'insufficient_funds' });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ details: { failure: 'insufficient_funds' } });
    await world.sandbox.ask('PATCH', `/click/cards/${card?.card_token}`, { declines: null });
    await payByCard(buyer, methodId);
    expect(await factsOf(world, await orderOf(buyer))).toMatchObject({ order: 'paid', payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it.each(['lost_answer', 'malformed'] as const)(
    'whose answer is %s is paid all the same, and a second tap takes nothing',
    async (kind) => {
      const { buyer, methodId } = await withCard();
      await world.sandbox.setFaults({ click: { kind, method: 'card_token/payment', remaining: 1 } });
      const { invoiceId } = await payByCard(buyer, methodId, CATALOG.pluginUzs);
      await expect.poll(() => factsOf(world, invoiceId)).toMatchObject(PAID);
      await expect(payByCard(buyer, methodId, CATALOG.pluginUzs)).rejects.toMatchObject({ reason: 'already_owned' });
      expect(await takenFor(invoiceId)).toHaveLength(1);
      await expectWholeBooks(world.system);
    },
  );

  it('that Click begins after we gave up waiting is taken once: a second tap waits, and the truth arrives', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({
      click: { kind: 'delay', delay_ms: 9_000, method: 'card_token/payment', remaining: 1 },
    });
    const { invoiceId } = await payByCard(buyer, methodId);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', payments: [], holds: [] });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    await expect.poll(() => factsOf(world, invoiceId), { timeout: 10_000 }).toMatchObject(PAID);
    expect(await takenFor(invoiceId)).toHaveLength(1);
    await expectWholeBooks(world.system);
  });

  it('of which it is not known whether it reached Click is not made a second time: the order waits for its end', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({ click: { kind: 'lost_request', method: 'card_token/payment', remaining: 1 } });
    const { invoiceId } = await payByCard(buyer, methodId);
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    const ways = { surface: 'browser', method: 'credit_card', providerId: 'payme' } as const;
    await expect(world.order(buyer, CATALOG.proYearUzs, ways)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    expect(await takenFor(invoiceId)).toEqual([]);
    await world.advance(31 * MINUTE_MS);
    await askOpenOrders(world.system);
    await expireInvoices(world.system);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'expired', payments: [] });
    const again = await payByCard(buyer, methodId);
    expect(again.invoiceId).not.toBe(invoiceId);
    expect(await factsOf(world, again.invoiceId)).toMatchObject(PAID);
    await expectWholeBooks(world.system);
  });

  it('that Click prepared and did not complete is held: a second tap waits, and the truth arrives once', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({ click: { kind: 'lost_request', method: 'Complete', remaining: 20 } });
    const { invoiceId } = await payByCard(buyer, methodId);
    expect(await factsOf(world, invoiceId)).toMatchObject({
      order: 'open',
      payments: [],
      holds: [['click', 'reserved']],
    });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    await world.sandbox.setFaults({});
    const [payment] = await takenFor(invoiceId);
    await world.sandbox.ask('POST', `/click/payments/${payment?.click_trans_id}/complete`);
    expect(await factsOf(world, invoiceId)).toMatchObject(PAID);
    expect(await takenFor(invoiceId)).toHaveLength(1);
    await expectWholeBooks(world.system);
  });

  it('whose order is withdrawn while it runs is honoured, because the money is taken', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({ click: { kind: 'lost_request', method: 'Complete', remaining: 20 } });
    const { invoiceId } = await payByCard(buyer, methodId);
    await cancelInvoice(buyer.ctx, invoiceId);
    await world.sandbox.setFaults({});
    await workOutside(world);
    const [payment] = await takenFor(invoiceId);
    await world.sandbox.ask('POST', `/click/payments/${payment?.click_trans_id}/complete`);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });
});

describe('an order', () => {
  it('that was paid by Click’s page meanwhile is not charged', async () => {
    const { buyer, methodId } = await withCard();
    const ways = { surface: 'browser', method: 'credit_card', providerId: 'click' } as const;
    const { invoiceId, url } = await world.order(buyer, CATALOG.pluginUzs, ways);
    await world.sandbox.ask('POST', '/click/pay', { url });
    await expect(payByCard(buyer, methodId, CATALOG.pluginUzs)).rejects.toMatchObject({ reason: 'already_owned' });
    expect(await takenFor(invoiceId)).toHaveLength(1);
  });

  it('that Payme is taking the money for is not charged', async () => {
    const { buyer, methodId } = await withCard();
    const ways = { surface: 'browser', method: 'credit_card', providerId: 'payme' } as const;
    const { invoiceId, url } = await world.order(buyer, CATALOG.proYearUzs, ways);
    await world.sandbox.ask('POST', '/payme/pay', { url, stop_after: 'create' });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    expect(await takenFor(invoiceId)).toEqual([]);
  });

  it('of somebody else is not paid by a card of mine, and my card is nobody else’s', async () => {
    const mine = await withCard();
    const thief = await world.newBuyer();
    await expect(payByCard(thief, mine.methodId)).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    await expect(removeMethod(thief.ctx, mine.methodId)).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    await expect(
      confirmMethod(thief.ctx, { methodId: mine.methodId, token: 'x', code: '12345' }),
    ).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    expect(await ordersOf(world, thief)).toEqual([]);
  });
});

describe('removing a card', () => {
  it('forgets it here at once and at Click afterwards, and twice is no error', async () => {
    const { buyer, methodId } = await withCard();
    const [card] = await cards();
    await removeMethod(buyer.ctx, methodId);
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    await world.sandbox.setFaults({ click: { kind: 'lost_answer', method: 'card_token', remaining: 1 } });
    expect(await workOutside(world)).toEqual(['NO_ANSWER']);
    expect(await workOutside(world)).toEqual([]);
    expect((await cards()).map(({ card_token }) => card_token)).not.toContain(card?.card_token);
    expect(await world.sql('SELECT status, sealed FROM payment_method WHERE id = $1', [methodId])).toEqual([
      { status: 'removed', sealed: null },
    ]);
  });
});
