import { describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { getInvoice } from '#domain/checkout/records.ts';
import { closeAndAsk } from '#domain/reconciliation/close-checkout.ts';
import { expectWholeBooks, jobsOf, noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { CARDS, type Order, openStripe } from '../../testing/stripe.ts';
import type { PriceId } from '../../testing/world.ts';

const rail = openStripe();
const { world } = rail;

const MINUTE_MS = 60_000;
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { reason?: string }) => error.reason ?? String(error),
  );
type Page = { status: string; expires_at: number; amount_total: number; currency: string };
const sessionOf = ({ session }: Order) => rail.read<Page>(`checkout/sessions/${session}`);
/** The jobs that close the pages of an order, as the worker runs them. */
async function closePages({ invoiceId }: Order) {
  for (const { attemptId = '' } of await jobsOf(world, 'close_checkout')) {
    const [row] = await world.sql('SELECT 1 FROM payment_attempt WHERE id = $1 AND invoice_id = $2', [
      attemptId,
      invoiceId,
    ]);
    if (row) await closeAndAsk(world.system, attemptId);
  }
}

describe('a card', () => {
  it.each<[PriceId, string, object]>([
    [CATALOG.pluginUsd, 'USD', { amount: 999, fee: 59, platform: 282, developer: 658 }],
    [CATALOG.pluginEur, 'EUR', { amount: 950, fee: 53, platform: 269, developer: 628 }],
    // 3.6 % of ¥1001 are 36.036: the table rounds up, Stripe does not. What it says it kept counts.
    [CATALOG.pluginJpy, 'JPY', { amount: 1_001, fee: 36, platform: 290, developer: 675 }],
  ])(
    'that is good pays %s in %s, at the fee that Stripe kept, and the developer gets their share',
    async (priceId, currency, sums) => {
      const paid = await rail.buy(priceId);
      expect(await rail.facts(paid)).toEqual({
        order: 'paid',
        tries: [['closed', null]],
        payments: [{ kind: 'one_time', status: 'succeeded', currency, method: 'credit_card', returned: 0, ...sums }],
        holds: [],
        refunds: [],
        disputes: [],
        rights: 1,
      });
      expect(await rail.look(paid.chargeId)).toMatchObject({ currency: currency.toLowerCase(), status: 'succeeded' });
      expect(await noticesOf(world, paid.buyer.id)).toEqual({ paid: 1 });
      await expectWholeBooks(world.system);
    },
  );

  it('pays yen as they are: a page over ¥1001 asks for 1001', async () => {
    const placed = await rail.order(CATALOG.pluginJpy);
    expect(await sessionOf(placed)).toMatchObject({ amount_total: 1_001, currency: 'jpy' });
  });

  it('in the name of nobody: Stripe gets no Telegram id, name or address of the buyer', async () => {
    const { buyer, chargeId, invoiceId } = await rail.buy();
    const payment = await rail.look(chargeId);
    expect(payment.customer).toBeNull();
    expect(Object.keys(payment.metadata).sort()).toEqual(['attempt', 'invoice']);
    expect(payment.metadata['invoice']).toBe(invoiceId);
    expect(JSON.stringify(payment)).not.toContain(String(buyer.telegramId));
    expect(JSON.stringify(payment)).not.toContain(buyer.id);
  });

  it.each([
    ['that is declined', CARDS.declined, 'card_declined'],
    ['without enough on it', CARDS.insufficient, 'insufficient_funds'],
    ['that was lost', CARDS.lost, 'card_declined'],
    ['that has expired', CARDS.expired, 'card_expired'],
    ['with a wrong code', CARDS.cvcWrong, 'card_data_wrong'],
  ])('%s leaves the page open and says why; another card then pays there', async (_name, card, failure) => {
    const placed = await rail.order();
    expect(await rail.pay(placed, { card })).toMatchObject({ status: 'declined' });
    expect(await rail.facts(placed)).toMatchObject({
      order: 'open',
      tries: [['live', failure]],
      payments: [],
      holds: [],
    });
    const invoice = await getInvoice(placed.buyer.ctx, placed.invoiceId);
    expect(invoice.attempts[0]).toMatchObject({ failure, status: 'live', url: placed.url });
    expect(await noticesOf(world, placed.buyer.id)).toEqual({});

    expect(await rail.pay(placed)).toMatchObject({ status: 'paid' });
    expect(await rail.facts(placed)).toMatchObject({ order: 'paid', rights: 1, payments: [{ status: 'succeeded' }] });
    await expectWholeBooks(world.system);
  });

  it('that is wrong already on the page never reaches us: nothing is said of it', async () => {
    const placed = await rail.order();
    expect(await rail.pay(placed, { card: '4000000000000001' })).toMatchObject({ status: 'declined' });
    expect(await rail.facts(placed)).toMatchObject({ order: 'open', tries: [['live', null]] });
  });

  it('is declined three times with three reasons, of which the last one is shown', async () => {
    const placed = await rail.order();
    for (const card of [CARDS.declined, CARDS.expired, CARDS.insufficient]) await rail.pay(placed, { card });
    expect(await rail.facts(placed)).toMatchObject({ order: 'open', tries: [['live', 'insufficient_funds']] });
  });

  it.each([CARDS.asksAlways, CARDS.asksUntilSaved])(
    '%s is paid once its owner has said yes to the bank',
    async (card) => {
      const placed = await rail.order();
      expect(await rail.pay(placed, { card, authenticate: 'leave' })).toMatchObject({ status: 'challenge' });
      expect(await rail.facts(placed)).toMatchObject({ order: 'open', holds: [], tries: [['live', null]] });
      expect(await rail.pay(placed, { card, authenticate: 'accept' })).toMatchObject({ status: 'paid' });
      expect(await rail.facts(placed)).toMatchObject({ order: 'paid', rights: 1 });
      await expectWholeBooks(world.system);
    },
  );

  it('whose owner says no to the bank is not charged, and may be tried again', async () => {
    const placed = await rail.order();
    await rail.pay(placed, { card: CARDS.asksAlways, authenticate: 'refuse' });
    expect(await rail.facts(placed)).toMatchObject({ order: 'open', tries: [['live', 'authentication_failed']] });
    expect(await rail.pay(placed, { card: CARDS.asksAlways })).toMatchObject({ status: 'paid' });
    expect(await rail.facts(placed)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
  });
});

describe('a wallet', () => {
  it.each(['apple_pay', 'google_pay', 'link'] as const)('%s is booked as what it was', async (method) => {
    const placed = await rail.order(CATALOG.pluginUsd, { method: 'digital_wallet' });
    expect(await rail.pay(placed, { method })).toMatchObject({ status: 'paid' });
    expect(await rail.facts(placed)).toMatchObject({
      order: 'paid',
      payments: [{ method: 'digital_wallet', fee: 59, developer: 658 }],
    });
    await expectWholeBooks(world.system);
  });

  it('on a page for cards is booked as a wallet, and Link is not offered there', async () => {
    const placed = await rail.order();
    await expect(rail.pay(placed, { method: 'link' })).rejects.toThrow('METHOD_NOT_OFFERED');
    await rail.pay(placed, { method: 'apple_pay' });
    expect(await rail.facts(placed)).toMatchObject({ payments: [{ method: 'digital_wallet' }] });
  });

  it('chosen and then paid by card is booked as a card', async () => {
    const placed = await rail.order(CATALOG.pluginUsd, { method: 'digital_wallet' });
    await rail.pay(placed);
    expect(await rail.facts(placed)).toMatchObject({ payments: [{ method: 'credit_card' }] });
  });
});

describe('a page', () => {
  it('lives as long as its order at least, and is found again by a second tap', async () => {
    const placed = await rail.order();
    const again = await rail.order(CATALOG.pluginUsd, { buyer: placed.buyer });
    expect(again).toEqual(placed);
    const { expires_at } = await sessionOf(placed);
    const [row] = await world.sql<{ expires_at: Date }>('SELECT expires_at FROM invoice WHERE id = $1', [
      placed.invoiceId,
    ]);
    expect(expires_at * 1_000).toBeGreaterThanOrEqual(row?.expires_at.getTime() ?? 0);
  });

  it('that ran out at Stripe ends the try and says so; the order can be paid anew', async () => {
    const placed = await rail.order();
    await rail.act(`sessions/${placed.session}/expire`);
    expect(await rail.facts(placed)).toMatchObject({ order: 'open', tries: [['closed', 'checkout_expired']] });
    const again = await rail.order(CATALOG.pluginUsd, { buyer: placed.buyer });
    expect(again.invoiceId).toBe(placed.invoiceId);
    expect(again.session).not.toBe(placed.session);
    await rail.pay(again);
    expect(await rail.facts(placed)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('that ran out after a card was declined there ends the same way', async () => {
    const placed = await rail.order();
    await rail.pay(placed, { card: CARDS.declined });
    await rail.act(`sessions/${placed.session}/expire`);
    expect(await rail.facts(placed)).toMatchObject({ order: 'open', tries: [['closed', 'checkout_expired']] });
  });

  it('is closed at Stripe when its buyer turns to a bank transfer, and cannot be paid any more', async () => {
    const placed = await rail.order();
    const other = await rail.order(CATALOG.pluginUsd, { buyer: placed.buyer, method: 'bank_transfer' });
    expect(other.invoiceId).toBe(placed.invoiceId);
    expect(await sessionOf(placed)).toMatchObject({ status: 'expired' });
    await expect(rail.pay(placed)).rejects.toThrow('SESSION_NOT_OPEN');
    expect(await rail.facts(placed)).toMatchObject({
      order: 'open',
      tries: [
        ['closed', 'checkout_expired'],
        ['live', null],
      ],
    });
    expect(await sessionOf(other)).toMatchObject({ status: 'open' });
  });

  it('that was paid meanwhile refuses the change to another way, and what was paid is found', async () => {
    const placed = await rail.order();
    await rail.loseMessages();
    await rail.pay(placed);
    expect(await rail.facts(placed)).toMatchObject({ order: 'open', payments: [] });
    const change = rail.order(CATALOG.pluginUsd, { buyer: placed.buyer, method: 'bank_transfer' });
    expect(await reasonOf(change)).toBe('invoice_reserved');
    await closePages(placed);
    expect(await rail.facts(placed)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it('whose order was cancelled is closed by the job behind it', async () => {
    const placed = await rail.order();
    await cancelInvoice(placed.buyer.ctx, placed.invoiceId);
    await closePages(placed);
    expect(await sessionOf(placed)).toMatchObject({ status: 'expired' });
    expect(await rail.facts(placed)).toMatchObject({ order: 'cancelled', payments: [] });
  });

  it('that was paid in the moment of the cancel is honoured: the person paid the price they saw', async () => {
    const placed = await rail.order();
    await rail.loseMessages();
    await rail.pay(placed);
    await cancelInvoice(placed.buyer.ctx, placed.invoiceId);
    await closePages(placed);
    expect(await rail.facts(placed)).toMatchObject({ order: 'paid', rights: 1, payments: [{ status: 'succeeded' }] });
    await expectWholeBooks(world.system);
  });

  it('outlives an order that was nearly over, and money that comes there then is honoured', async () => {
    const placed = await rail.order();
    world.clock.advance(31 * MINUTE_MS);
    expect(await expireInvoices(world.system)).toBeGreaterThan(0);
    expect(await rail.facts(placed)).toMatchObject({ order: 'expired', tries: [['closed', null]] });
    expect(await rail.pay(placed)).toMatchObject({ status: 'paid' });
    expect(await rail.facts(placed)).toMatchObject({ order: 'paid', rights: 1, payments: [{ kind: 'one_time' }] });
    await expectWholeBooks(world.system);
  });

  it('of an order that expired is closed by the job behind it', async () => {
    const placed = await rail.order();
    world.clock.advance(31 * MINUTE_MS);
    await expireInvoices(world.system);
    await closePages(placed);
    expect(await sessionOf(placed)).toMatchObject({ status: 'expired' });
    await expect(rail.pay(placed)).rejects.toThrow('SESSION_NOT_OPEN');
  });
});
