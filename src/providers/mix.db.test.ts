import { beforeAll, describe, expect, it } from 'vitest';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import type { Method } from '#domain/provider/capability.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { lapseReservations } from '#domain/reservation/end.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import type { SimFaults, SimProviderFault } from '../sandbox/control.ts';
import type { SimPaymeTransaction } from '../sandbox/control-payme-click.ts';
import { expectWholeBooks } from '../testing/books.ts';
import { CLICK_CARDS, PAYME_CARDS, payByCard, storeCard } from '../testing/cards.ts';
import { CATALOG } from '../testing/catalog.ts';
import {
  btcpayHand,
  type Placed,
  passTime,
  payCryptoPay,
  paymentsOf,
  refundsOf,
  workOutside,
} from '../testing/coins.ts';
import { ourSums, providersSums } from '../testing/ledgers.ts';
import { openWorld, type PriceId } from '../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
const btcpay = btcpayHand(world);
beforeAll(() => world.connect());

const MINUTE_MS = 60_000;
const ORDERS = 60;
const SEED = 20_261_120;

type Roll = (below: number) => number;

/** The same numbers each time (a linear congruential generator). */
function dice(seed: number): Roll {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}
const pick = <Item>(roll: Roll, items: ReadonlyArray<Item>): Item => items[roll(items.length)] as Item;
const ask = <Answer>(path: string, body: object = {}) => world.sandbox.ask<Answer>('POST', path, body);

async function open(providerId: string, method: Method, priceId: PriceId): Promise<Placed> {
  const buyer = await world.newBuyer();
  const opened = await world.order(buyer, priceId, { surface: 'browser', method, providerId });
  const [attempt] = await world.sql<{ reference: string | null }>(
    'SELECT reference FROM payment_attempt WHERE invoice_id = $1',
    [opened.invoiceId],
  );
  return { ...opened, buyer, url: opened.url ?? '', reference: attempt?.reference ?? '' };
}

/** Gives money of an order back, where it is known to have come. */
async function giveBack(order: Pick<Placed, 'invoiceId'>, part?: bigint): Promise<void> {
  const payment = (await paymentsOf(world, order)).find(({ kind }) => kind !== 'surplus');
  if (!payment) return;
  await requestRefund(world.system, { paymentId: payment.id, ...(part === undefined ? {} : { amount: part }) });
  await workOutside(world);
}

/** The buyer claims all that is offered to them. */
async function claimAll(order: Placed): Promise<void> {
  await workOutside(world);
  for (const { reference, status } of await refundsOf(world, order)) {
    if (reference === null || status !== 'requested') continue;
    await btcpay.payout((await btcpay.claim(reference)).id, 'complete');
  }
}

type Journey = (roll: Roll) => Promise<unknown>;

const JOURNEYS: Readonly<Record<string, Journey>> = {
  async 'telegram-stars'(roll) {
    const order = await open('telegram-stars', 'telegram_stars', CATALOG.pluginOnce);
    const payer = Number(order.buyer.telegramId);
    if (roll(5) === 0) return;
    await world.sandbox.pay(order.url, payer);
    const end = roll(4);
    if (end === 0) await giveBack(order);
    if (end === 1) await world.sandbox.refundByStore((await world.sandbox.transactions(payer))[0]?.id ?? '');
  },

  async stripe(roll) {
    const order = await open('stripe', 'credit_card', CATALOG.pluginUsd);
    if (roll(3) === 0) await ask('/stripe/pay', { url: order.url, card: '4000000000000002' });
    if (roll(6) === 0) return;
    const { payment } = await ask<{ payment: string }>('/stripe/pay', { url: order.url });
    const end = roll(5);
    if (end === 0) await giveBack(order);
    if (end === 1) await giveBack(order, 333n);
    if (end === 2) await ask(`/stripe/payments/${payment}/refund`, { amount: 250 });
    if (end === 3) {
      const { id } = await ask<{ id: string }>(`/stripe/payments/${payment}/dispute`);
      await ask(`/stripe/disputes/${id}/close`, { outcome: pick(roll, ['won', 'lost']) });
    }
  },

  async payme(roll) {
    if (roll(2) === 0) {
      const buyer = await world.newBuyer();
      await world.sandbox.setFaults({});
      const card = await storeCard(buyer, 'payme', pick(roll, [PAYME_CARDS.good, PAYME_CARDS.blocked]));
      await breakSomething('payme', roll);
      return payByCard(buyer, card).catch(() => undefined);
    }
    const order = await open('payme', 'credit_card', CATALOG.pluginUzs);
    const card = pick(roll, [undefined, undefined, '4444 4459 8745 9073']);
    await ask('/payme/pay', { url: order.url, ...(card === undefined ? {} : { card }) });
    const found = await world.sandbox.ask<SimPaymeTransaction[]>(
      'GET',
      `/payme/transactions?account=${order.invoiceId}`,
    );
    if (found[0]?.status === 'paid' && roll(3) === 0) await ask(`/payme/transactions/${found[0].id}/refund`);
  },

  async click(roll) {
    if (roll(2) === 0) {
      const buyer = await world.newBuyer();
      await world.sandbox.setFaults({});
      const card = await storeCard(buyer, 'click', pick(roll, [CLICK_CARDS.good, CLICK_CARDS.humo, CLICK_CARDS.poor]));
      await breakSomething('click', roll);
      return payByCard(buyer, card).catch(() => undefined);
    }
    const order = await open('click', 'credit_card', CATALOG.pluginUzs);
    const outcome = pick(roll, ['paid', 'paid', 'insufficient_funds', 'cancelled', 'lost_answer']);
    await ask('/click/pay', { url: order.url, outcome });
    const end = roll(4);
    if (end === 0) await giveBack(order);
    if (end === 1) await giveBack(order, 1_234_500n);
  },

  async 'crypto-pay'(roll) {
    const priceId = pick(roll, [CATALOG.pluginUsd, CATALOG.pluginEur, CATALOG.pluginBtc, CATALOG.pluginEth]);
    const order = await open('crypto-pay', 'cryptocurrency', priceId);
    if (roll(5) === 0) return;
    await payCryptoPay(world, order);
    if (roll(3) === 0) await giveBack(order);
  },

  async btcpay(roll) {
    const priceId = pick(roll, [CATALOG.pluginUsd, CATALOG.pluginEur, CATALOG.pluginJpy, CATALOG.pluginBtc]);
    const order = await open('btcpay', 'cryptocurrency', priceId);
    const outcome = pick(roll, ['exact', 'exact', 'under', 'over', 'late', 'dropped'] as const);
    if (outcome === 'late') await passTime(world, 31 * MINUTE_MS);
    if (outcome === 'dropped') {
      await btcpay.pay(order, { confirmations: 0, rbf: true });
      await btcpay.drop(order);
      return;
    }
    await btcpay.pay(order, { outcome: outcome === 'late' ? 'exact' : outcome });
    if (outcome === 'under') await passTime(world, 31 * MINUTE_MS);
    const end = roll(3);
    if (end === 0) await giveBack(order);
    if (end === 1) await giveBack(order, 7n);
    await claimAll(order);
  },
};

const ACCIDENTS: ReadonlyArray<SimProviderFault['kind']> = [
  'wrong_auth',
  'duplicate',
  'lost_answer',
  'malformed',
  'unavailable',
];

/** One in three orders meets an accident, of any call in either direction. */
async function breakSomething(providerId: string, roll: Roll): Promise<void> {
  const isTelegram = providerId === 'telegram-stars';
  const kind = pick(roll, ACCIDENTS);
  const remaining = 1 + roll(2);
  const isBroken = roll(3) === 0;
  if (!isBroken) return void (await world.sandbox.setFaults({}));
  const faults: SimFaults = isTelegram
    ? { updates: { type: 'message', kind: pick(roll, ['drop', 'duplicate']), remaining } }
    : { [providerId]: { kind, remaining } };
  await world.sandbox.setFaults(faults);
}

/** All that workers do until nothing is left to be done. */
async function heal(): Promise<void> {
  await world.sandbox.setFaults({});
  for (let round = 0; round < 6; round += 1) {
    await passTime(world, 16 * MINUTE_MS);
    await lapseReservations(world.system);
    await expireInvoices(world.system);
    await retryWebhooks(world.system);
    await askOpenOrders(world.system);
    for (const id of world.system.providers.keys()) await reconcilePayments(world.system, id);
    await workOutside(world);
  }
}

describe('sixty orders over all six rails, with accidents', () => {
  it('leave whole books, and no provider’s ledger says otherwise', async () => {
    const roll = dice(SEED);
    const rails = Object.keys(JOURNEYS);
    const failed: string[] = [];
    for (let n = 0; n < ORDERS; n += 1) {
      const rail = rails[n % rails.length] ?? '';
      await breakSomething(rail, roll);
      // An accident before a checkout is open ends in a refusal, which is an end like any other.
      await JOURNEYS[rail]?.(roll).catch((error: unknown) => failed.push(String(error)));
    }
    await heal();
    await expectWholeBooks(world.system);
    const ours = await ourSums(world);
    expect(ours).toEqual(await providersSums(world));
    expect(new Set(Object.keys(ours).map((key) => key.split(' ')[0]))).toEqual(new Set(rails));
    for (const refusal of failed) expect(refusal).toContain('provider_unavailable');
  }, 120_000);
});
