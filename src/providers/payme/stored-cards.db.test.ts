import { afterEach, describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { listMethods } from '#domain/payment-method/records.ts';
import { removeMethod } from '#domain/payment-method/remove.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import type { SimPaymeCard, SimPaymeReceipt } from '../../sandbox/control-payme-click.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { factsOf, MINUTE_MS } from '../../testing/callers.ts';
import { askPayme, beginCard, ordersOf, PAYME_CARDS, payByCard, paymeToken, storeCard } from '../../testing/cards.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { workOutside } from '../../testing/coins.ts';
import { type Buyer, openWorld, PAYME } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
afterEach(() => world.sandbox.setFaults({}));

const PAID = {
  order: 'paid',
  payments: [['payme', 'one_time', 'succeeded']],
  rights: 1,
  holds: [['payme', 'paid']],
} as const;
const cards = () => world.sandbox.ask<SimPaymeCard[]>('GET', '/payme/cards');
const receiptsOf = (invoiceId: string) =>
  world.sandbox.ask<SimPaymeReceipt[]>('GET', `/payme/receipts?account=${invoiceId}`);

async function withCard(number: string = PAYME_CARDS.good): Promise<{ buyer: Buyer; methodId: string }> {
  const buyer = await world.newBuyer();
  return { buyer, methodId: await storeCard(buyer, 'payme', number) };
}
/** The one order of a person. */
async function orderOf(buyer: Buyer): Promise<string> {
  const orders = await ordersOf(world, buyer);
  expect(orders).toHaveLength(1);
  return orders[0]?.id ?? '';
}

describe('storing a card', () => {
  it('goes from the browser to Payme; we keep a token, sealed, and what tells it from others', async () => {
    const { buyer, methodId } = await withCard();
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([
      {
        id: methodId,
        status: 'active',
        provider: 'payme',
        method: 'credit_card',
        brand: 'Uzcard',
        last4: '6311',
        expires: '2099-03',
        createdAt: world.clock.now(),
      },
    ]);
    const [row] = await world.sql<{ sealed: Buffer }>('SELECT sealed FROM payment_method WHERE id = $1', [methodId]);
    const [card] = await cards();
    expect(row?.sealed.includes(card?.token ?? '')).toBe(false);
  });

  it('confirmed twice is one card', async () => {
    const buyer = await world.newBuyer();
    const { endpoint, id, publicId } = await beginCard(buyer, 'payme');
    const token = await paymeToken(endpoint, publicId, PAYME_CARDS.good);
    const answers = await Promise.all(
      [1, 2, 3].map(() => confirmMethod(buyer.ctx, { methodId: id, token, code: null })),
    );
    expect(new Set(answers.map((answer) => answer?.id))).toEqual(new Set([id]));
    expect(await listMethods(buyer.ctx, buyer.id)).toHaveLength(1);
  });

  it.each<[string, number, (endpoint: string, publicId: string) => Promise<unknown>]>([
    ['a wrong number', -31_300, (endpoint, publicId) => paymeToken(endpoint, publicId, '8600000000000000')],
    ['a card without SMS', -31_301, (endpoint, publicId) => paymeToken(endpoint, publicId, PAYME_CARDS.noSms)],
    ['a wrong code', -31_103, (endpoint, publicId) => paymeToken(endpoint, publicId, PAYME_CARDS.good, '000000')],
  ])('of %s is refused in the browser (%i)', async (_name, code, ask) => {
    const { endpoint, publicId } = await beginCard(await world.newBuyer(), 'payme');
    await expect(ask(endpoint, publicId)).rejects.toMatchObject({ code });
  });

  it('with a token that is not verified, of nobody, or no token at all stores nothing', async () => {
    const buyer = await world.newBuyer();
    const { endpoint, id: methodId, publicId } = await beginCard(buyer, 'payme');
    const params = { card: { number: PAYME_CARDS.good, expire: '0399' }, save: true };
    const made = await askPayme<{ card: { token: string } }>(endpoint, publicId, 'cards.create', params);
    for (const token of [made.card.token, 'a-token-of-nobody', ''])
      await expect(confirmMethod(buyer.ctx, { methodId, token, code: null })).rejects.toMatchObject({
        reason: 'provider_declined',
      });
    expect(await confirmMethod(buyer.ctx, { methodId, token: null, code: null })).toBeNull();
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
  });

  it('is finished later when Payme cannot be asked just now', async () => {
    const buyer = await world.newBuyer();
    const { endpoint, id: methodId, publicId } = await beginCard(buyer, 'payme');
    const token = await paymeToken(endpoint, publicId, PAYME_CARDS.good);
    await world.sandbox.setFaults({
      payme: { kind: 'http_error', http_status: 503, method: 'cards.check', remaining: 1 },
    });
    const confirm = () => confirmMethod(buyer.ctx, { methodId, token, code: null });
    await expect(confirm()).rejects.toMatchObject({ reason: 'provider_unavailable' });
    expect(await confirm()).toMatchObject({ last4: '6311' });
  });

  it('of somebody else cannot be finished', async () => {
    const { id: methodId } = await beginCard(await world.newBuyer(), 'payme');
    const thief = await world.newBuyer();
    await expect(confirmMethod(thief.ctx, { methodId, token: 'x', code: null })).rejects.toMatchObject({
      reason: 'payment_method_not_found',
    });
  });
});

describe('a charge', () => {
  it('is settled once by Payme’s own steps, and one tap is one charge', async () => {
    const { buyer, methodId } = await withCard();
    const opened = await payByCard(buyer, methodId);
    expect(opened).toMatchObject({ providerId: 'payme', url: null });
    expect(await orderOf(buyer)).toBe(opened.invoiceId);
    expect(await factsOf(world, opened.invoiceId)).toMatchObject(PAID);
    expect(await receiptsOf(opened.invoiceId)).toMatchObject([{ state: 4 }]);
    expect(await workOutside(world)).toEqual([]);
    expect(await receiptsOf(opened.invoiceId)).toMatchObject([{ state: 4 }]);
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it('of a right for good is no error for being paid already', async () => {
    const { buyer, methodId } = await withCard();
    const { invoiceId } = await payByCard(buyer, methodId, CATALOG.pluginUzs);
    expect(await factsOf(world, invoiceId)).toMatchObject(PAID);
    await expect(payByCard(buyer, methodId, CATALOG.pluginUzs)).rejects.toMatchObject({ reason: 'already_owned' });
  });

  it('tapped five times at once takes the money once', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({ payme: { kind: 'delay', delay_ms: 500, method: 'receipts.create', remaining: 5 } });
    const taps = await Promise.allSettled(Array.from({ length: 5 }, () => payByCard(buyer, methodId)));
    expect(taps.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await factsOf(world, await orderOf(buyer))).toMatchObject(PAID);
    await expectWholeBooks(world.system);
  });

  it.each([
    ['expired', PAYME_CARDS.expired, 'card_declined'],
    ['blocked', PAYME_CARDS.blocked, 'card_declined'],
    ['broken', PAYME_CARDS.broken, 'processing_error'],
  ])(
    'of a card that is %s is declined: nothing is taken, and the order can be paid by another',
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
        holds: [['payme', 'cancelled']],
      });
      expect(await ordersOf(world, buyer)).toMatchObject([{ attempts: [`failed:${failure}`] }]);
      const good = await storeCard(buyer, 'payme', PAYME_CARDS.good);
      expect((await payByCard(buyer, good)).invoiceId).toBe(invoiceId);
      expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
      await expectWholeBooks(world.system);
    },
  );

  it.each([
    ['insufficient_funds', 'insufficient_funds'],
    ['blocked', 'card_declined'],
  ])('of a card that became %s is declined as %s', async (declines, failure) => {
    const { buyer, methodId } = await withCard();
    const [card] = await cards();
    await world.sandbox.ask('PATCH', `/payme/cards/${card?.id}`, { declines });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ details: { failure } });
    await world.sandbox.ask('PATCH', `/payme/cards/${card?.id}`, { declines: null });
    await payByCard(buyer, methodId);
    expect(await factsOf(world, await orderOf(buyer))).toMatchObject({ order: 'paid', payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it('of a card that Payme has forgotten is declined', async () => {
    const { buyer, methodId } = await withCard();
    const [card] = await cards();
    await fetch(`${world.sandboxUrl}/payme/api`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-auth': `${PAYME.merchantId}:${PAYME.key}`,
      },
      body: JSON.stringify({ id: 1, method: 'cards.remove', params: { token: card?.token } }),
    });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ details: { failure: 'card_data_wrong' } });
    expect(await factsOf(world, await orderOf(buyer))).toMatchObject({ order: 'open', payments: [], holds: [] });
  });

  it.each(['lost_answer', 'malformed'] as const)(
    'whose answer is %s is paid all the same, and a second tap takes nothing',
    async (kind) => {
      const { buyer, methodId } = await withCard();
      await world.sandbox.setFaults({ payme: { kind, method: 'receipts.pay', remaining: 1 } });
      const { invoiceId } = await payByCard(buyer, methodId, CATALOG.pluginUzs);
      expect(await factsOf(world, invoiceId)).toMatchObject(PAID);
      await expect(payByCard(buyer, methodId, CATALOG.pluginUzs)).rejects.toMatchObject({ reason: 'already_owned' });
      expect(await receiptsOf(invoiceId)).toMatchObject([{ state: 4 }]);
      await expectWholeBooks(world.system);
    },
  );

  it('that never reached Payme is not charged by itself, and can be tapped again', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({ payme: { kind: 'lost_request', method: 'receipts.pay', remaining: 1 } });
    const { invoiceId } = await payByCard(buyer, methodId);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', payments: [], holds: [] });
    await world.advance(2 * MINUTE_MS);
    await askOpenOrders(world.system);
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'open', payments: [] });
    expect((await payByCard(buyer, methodId)).invoiceId).toBe(invoiceId);
    expect(await factsOf(world, invoiceId)).toMatchObject(PAID);
    // The first is in the queue of cancellations (21) or through it (50).
    const [paid, cancelled] = (await receiptsOf(invoiceId)).map(({ state }) => state).sort((a, b) => a - b);
    expect([paid, cancelled === 21 || cancelled === 50]).toEqual([4, true]);
    await expectWholeBooks(world.system);
  });

  it('of which Payme could not finish the last step is held: a second tap waits, and the truth arrives once', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({ payme: { kind: 'lost_request', method: 'PerformTransaction', remaining: 4 } });
    const { invoiceId } = await payByCard(buyer, methodId);
    expect(await factsOf(world, invoiceId)).toMatchObject({
      order: 'open',
      payments: [],
      holds: [['payme', 'reserved']],
    });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    await world.sandbox.setFaults({});
    const [receipt] = await receiptsOf(invoiceId);
    expect(receipt).toMatchObject({ state: 30 });
    await world.sandbox.ask('POST', `/payme/transactions/${receipt?.transaction_id}/resume`);
    expect(await factsOf(world, invoiceId)).toMatchObject(PAID);
    await expectWholeBooks(world.system);
  });

  it('that is withdrawn while it runs is honoured', async () => {
    const { buyer, methodId } = await withCard();
    await world.sandbox.setFaults({ payme: { kind: 'lost_request', method: 'PerformTransaction', remaining: 4 } });
    const { invoiceId } = await payByCard(buyer, methodId);
    await cancelInvoice(buyer.ctx, invoiceId);
    await world.sandbox.setFaults({});
    await workOutside(world);
    const [receipt] = await receiptsOf(invoiceId);
    await world.sandbox.ask('POST', `/payme/transactions/${receipt?.transaction_id}/resume`);
    // Payme asks before it is done: what is withdrawn is not taken, and Payme gives its money back.
    expect(await factsOf(world, invoiceId)).toMatchObject({ order: 'cancelled', payments: [], rights: 0 });
    const transaction = await world.sandbox.ask('GET', `/payme/transactions/${receipt?.transaction_id}`);
    expect(transaction).toMatchObject({ money: 'returned' });
    await expectWholeBooks(world.system);
  });
});

describe('an order', () => {
  it('that was paid by Payme’s page meanwhile is not charged', async () => {
    const { buyer, methodId } = await withCard();
    const ways = { surface: 'browser', method: 'credit_card', providerId: 'payme' } as const;
    const { invoiceId, url } = await world.order(buyer, CATALOG.pluginUzs, ways);
    await world.sandbox.ask('POST', '/payme/pay', { url });
    await expect(payByCard(buyer, methodId, CATALOG.pluginUzs)).rejects.toMatchObject({ reason: 'already_owned' });
    expect(await receiptsOf(invoiceId)).toEqual([]);
  });

  it('that Click is taking the money for is not charged', async () => {
    const { buyer, methodId } = await withCard();
    const ways = { surface: 'browser', method: 'credit_card', providerId: 'click' } as const;
    const { invoiceId, url } = await world.order(buyer, CATALOG.proYearUzs, ways);
    await world.sandbox.ask('POST', '/click/pay', { url, outcome: 'stop_after_prepare' });
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    expect(await receiptsOf(invoiceId)).toEqual([]);
  });

  it('that was opened for a page before is charged, and its old link takes nothing more', async () => {
    const { buyer, methodId } = await withCard();
    const ways = { surface: 'browser', method: 'credit_card', providerId: 'click' } as const;
    const { invoiceId, url } = await world.order(buyer, CATALOG.proYearUzs, ways);
    expect((await payByCard(buyer, methodId)).invoiceId).toBe(invoiceId);
    expect(await world.sandbox.ask('POST', '/click/pay', { url })).not.toMatchObject({ status: 'paid' });
    expect(await factsOf(world, invoiceId)).toMatchObject(PAID);
    await expectWholeBooks(world.system);
  });

  it('of somebody else is not paid by a card of mine, nor mine by a card of theirs', async () => {
    const mine = await withCard();
    const thief = await world.newBuyer();
    await expect(payByCard(thief, mine.methodId)).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    await expect(removeMethod(thief.ctx, mine.methodId)).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    await expect(listMethods(thief.ctx, mine.buyer.id)).rejects.toMatchObject({ kind: 'forbidden' });
    const server = { ...thief, ctx: world.asServer() };
    await expect(payByCard(server, mine.methodId)).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    expect(await ordersOf(world, thief)).toEqual([]);
  });

  it('in another currency is not paid by it', async () => {
    const { buyer, methodId } = await withCard();
    await expect(payByCard(buyer, methodId, CATALOG.pluginUsd)).rejects.toMatchObject({ reason: 'method_unavailable' });
  });
});

describe('removing a card', () => {
  it('forgets it here at once and at Payme afterwards, and twice is no error', async () => {
    const { buyer, methodId } = await withCard();
    const [card] = await cards();
    await removeMethod(buyer.ctx, methodId);
    expect(await listMethods(buyer.ctx, buyer.id)).toEqual([]);
    await expect(payByCard(buyer, methodId)).rejects.toMatchObject({ reason: 'payment_method_not_found' });
    await world.sandbox.setFaults({ payme: { kind: 'lost_answer', method: 'cards.remove', remaining: 1 } });
    expect(await workOutside(world)).toEqual(['NO_ANSWER']);
    expect(await workOutside(world)).toEqual([]);
    await removeMethod(buyer.ctx, methodId);
    expect(await workOutside(world)).toEqual([]);
    expect((await cards()).map(({ id }) => id)).not.toContain(card?.id);
    expect(await world.sql('SELECT status, sealed FROM payment_method WHERE id = $1', [methodId])).toEqual([
      { status: 'removed', sealed: null },
    ]);
  });
});
