import { beforeAll, describe, expect, it } from 'vitest';
import { sealAccount } from '#domain/identity/account.ts';
import { bindLog } from '#domain/personal-log/bind.ts';
import { CONCEALED } from '#domain/privacy/conceal-past.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import type { SimPaymeTransaction } from '../sandbox/control-payme-click.ts';
import { HOUR_MS } from '../testing/callers.ts';
import { makeMarks, tracesIn, tracesInDatabase } from '../testing/canary.ts';
import { PAYME_CARDS, payByCard, storeCard } from '../testing/cards.ts';
import { CATALOG, DEVELOPER } from '../testing/catalog.ts';
import { btcpayHand } from '../testing/coins.ts';
import { CARDS, STRIPE_KEY, STRIPE_SECRET } from '../testing/stripe.ts';
import { BOT_TOKEN, CLICK, MONTH_MS, PAYME, SECRET } from '../testing/world.ts';
import { openCanaryDoors } from './testing/canary-doors.ts';
import { askBack, launchOf, meet, type Order, order, type Person, until, work } from './testing/canary-people.ts';
import { METRICS_TOKEN } from './testing/world.ts';

/*
 * Whoever pays leaves marks wherever a person or a provider can write something: names, handles, pictures, comments, card
 * holders, what a seller's server says of an order. They live a whole life on every rail, through the real doors. Afterwards
 * no mark, no secret and no Telegram id lies in the database, in a log line, in the metrics, or in what others are told.
 */

const marks = makeMarks();
const doors = openCanaryDoors(marks);
const { call, lines, world } = doors;
const btcpay = btcpayHand(world);
const sim = <Answer>(path: string, body: object = {}) => world.sandbox.ask<Answer>('POST', path, body);

/** What becomes of an order on each rail, as far as the rail has words for it. */
const LIVES: Readonly<Record<string, (person: Person) => Promise<Order>>> = {
  async 'telegram-stars'(person) {
    const placed = await order(doors, person, {
      ...{ priceId: CATALOG.basicMonth, currency: 'XTR', method: 'telegram_stars', provider: 'telegram-stars' },
    });
    await world.sandbox.pay(placed.url, Number(person.telegramId));
    await work(doors);
    await world.advance(MONTH_MS);
    await until(async () => (await world.sql("SELECT 1 FROM payment WHERE kind = 'renewal'")).length === 1);
    await askBack(doors, placed);
    return placed;
  },

  async stripe(person) {
    const wish = { priceId: CATALOG.pluginUsd, currency: 'USD', method: 'credit_card', provider: 'stripe' } as const;
    const placed = await order(doors, person, wish);
    await sim('/stripe/pay', { url: placed.url, card: CARDS.declined });
    const { payment } = await sim<{ payment: string }>('/stripe/pay', { url: placed.url, card: CARDS.good });
    await sim(`/stripe/payments/${payment}/refund`, { amount: 250 });
    const { id } = await sim<{ id: string }>(`/stripe/payments/${payment}/dispute`);
    await sim(`/stripe/disputes/${id}/close`, { outcome: 'lost' });
    return placed;
  },

  async payme(person) {
    const wish = { priceId: CATALOG.pluginUzs, currency: 'UZS', method: 'credit_card', provider: 'payme' } as const;
    const placed = await order(doors, person, wish);
    await sim('/payme/pay', { url: placed.url, card: PAYME_CARDS.blocked });
    await sim('/payme/pay', { url: placed.url, card: PAYME_CARDS.good });
    const path = `/payme/transactions?account=${placed.invoiceId}`;
    const found = await world.sandbox.ask<SimPaymeTransaction[]>('GET', path);
    const paid = found.find(({ status }) => status === 'paid');
    await sim(`/payme/transactions/${paid?.id}/refund`);
    return placed;
  },

  async click(person) {
    const wish = { priceId: CATALOG.pluginUzs, currency: 'UZS', method: 'credit_card', provider: 'click' } as const;
    const placed = await order(doors, person, wish);
    await sim('/click/pay', { url: placed.url, outcome: 'insufficient_funds' });
    await sim('/click/pay', { url: placed.url, outcome: 'paid' });
    await askBack(doors, placed, 1_234_500);
    return placed;
  },

  async 'crypto-pay'(person) {
    const wish = {
      priceId: CATALOG.pluginUsd,
      currency: 'USD',
      method: 'cryptocurrency',
      provider: 'crypto-pay',
    } as const;
    const placed = await order(doors, person, wish);
    await sim('/crypto-pay/pay', { url: placed.url, comment: marks.of('comment to Crypto Pay') });
    await askBack(doors, placed);
    return placed;
  },

  async btcpay(person) {
    const wish = { priceId: CATALOG.pluginUsd, currency: 'USD', method: 'cryptocurrency', provider: 'btcpay' } as const;
    const placed = await order(doors, person, wish);
    await sim('/btcpay/pay', { url: placed.url });
    await askBack(doors, placed);
    await work(doors);
    const rows = await world.sql<{ reference: string }>(
      "SELECT reference FROM refund WHERE reference IS NOT NULL AND status = 'requested'",
    );
    for (const { reference } of rows) await btcpay.payout((await btcpay.claim(reference)).id, 'complete');
    return placed;
  },
};

/** Somebody whose card Payme keeps buys with it: from the browser the number goes past us. */
async function payWithStoredCard(person: Person): Promise<void> {
  const card = await storeCard(person, 'payme', PAYME_CARDS.good);
  await payByCard(person, card, CATALOG.proYearUzs);
}

/** Somebody asks for a copy of their data, in which everything stands, and gets it. */
async function takeCopy({ token }: Person): Promise<void> {
  const { status } = await call('/api/v1/privacy/export', { as: token, method: 'POST', json: {} });
  expect(status).toBe(202);
  await work(doors);
}

/** A message that is never understood, because its provider does not answer: it dies. */
async function letMessageDie(person: Person): Promise<void> {
  const wish = {
    priceId: CATALOG.pluginUsd,
    currency: 'USD',
    method: 'cryptocurrency',
    provider: 'crypto-pay',
  } as const;
  const { url: page } = await order(doors, person, wish);
  await world.sandbox.setFaults({ 'crypto-pay': { kind: 'unavailable', method: 'getInvoices', remaining: 1_000 } });
  await sim('/crypto-pay/pay', { url: page, comment: marks.of('comment in a dead message') });
  const dead = async () => (await world.sql("SELECT 1 FROM webhook_event WHERE status = 'dead'")).length;
  for (let tries = 0; tries < 15 && (await dead()) === 0; tries += 1) {
    await world.advance(HOUR_MS);
    await retryWebhooks(world.system);
  }
  expect(await dead()).toBe(1);
  await world.sandbox.setFaults({});
}

/** What somebody else is told who asks for it, and what is said to requests that are wrong. */
async function othersAreTold(other: Person, orders: ReadonlyArray<Order>, owner: Person): Promise<string> {
  const { token: as } = other;
  const paths = orders.flatMap(({ invoiceId }) => [
    `/api/v1/payment/payments/${invoiceId}`,
    `/api/v1/payment/payments/${invoiceId}/receipt`,
    `/api/trpc/checkout.status?input=${encodeURIComponent(JSON.stringify({ invoiceId }))}`,
    `/api/trpc/pay.order?input=${encodeURIComponent(JSON.stringify({ invoiceId, language: 'en' }))}`,
  ]);
  const owners = ['history', 'revenue-sharing/stats'].map((what) => `/api/v1/payments/${what}/${owner.id}`);
  const told: string[] = [];
  for (const path of [...paths, ...owners, `/api/v1/entitlements/${owner.id}`])
    told.push((await call(path, { as })).text);
  for (const { invoiceId } of orders)
    told.push((await call(`/api/v1/payments/${invoiceId}/cancel`, { as, method: 'POST', json: {} })).text);
  return told.join('\n');
}

/** Requests that are wrong in every way, with something private in them. What is logged of them is read later. */
async function sendNonsense({ name, token }: Person): Promise<void> {
  const nonsense = marks.of(`nonsense of ${name}`);
  await call(`/api/v1/payment/payments/${nonsense}`, { as: token });
  await call(`/api/v1/${nonsense}?${nonsense}=${nonsense}`, { as: nonsense });
  await call('/api/v1/payments/create', {
    as: token,
    json: { item_id: nonsense, description: 7, [nonsense]: nonsense },
  });
  await call(`/api/trpc/${nonsense}`, { as: token, json: { initData: nonsense } });
  await call('/api/trpc/session.start', { json: { initData: `${launchOf(doors, name)}&hash=${nonsense}` } });
  await call('/api/trpc/privacy.addKey', { as: token, json: { publicKey: nonsense } });
  for (const provider of world.door.providers.keys())
    await doors.fetch(`/webhooks/${provider}`, { method: 'POST', body: `{"${nonsense}": "${nonsense}"` });
}

async function meetDeveloper(): Promise<void> {
  const id = marks.id('Telegram id of the developer');
  const first_name = marks.of('first name of the developer');
  await world.sandbox.createUser({ id, first_name, language_code: 'en', has_started_bot: true });
  await world.database.prisma.identityLink.create({
    data: { userId: DEVELOPER.id, ...sealAccount(world.door, BigInt(id)) },
  });
  const group = { chatId: -marks.id('group of the developer'), topicId: 7 };
  await bindLog(world.system, { userId: DEVELOPER.id, group });
}

/**
 * What providers call all that happened: the test's own statements reveal it. Short numbers, as Crypto Pay's, stand in other numbers
 * by chance.
 */
async function markIdsOfProviders(): Promise<void> {
  for (const [table, column] of CONCEALED) {
    const rows = await world.sql<{ id: string }>(
      `SELECT DISTINCT ${column} AS id FROM ${table} WHERE ${column} IS NOT NULL`,
    );
    for (const { id } of rows.filter((row) => row.id.length >= 10)) marks.add(`${table}.${column} ${id}`, id);
  }
}

const SECRETS = {
  'token of the bot': BOT_TOKEN,
  'secret of the webhook': SECRET,
  'key of Stripe': STRIPE_KEY,
  'secret of Stripe': STRIPE_SECRET,
  'key of Payme': PAYME.key,
  'secret of Click': CLICK.secretKey,
  'card at Payme': PAYME_CARDS.good,
  'card at Stripe': CARDS.good,
  'refused card at Stripe': CARDS.declined,
};

describe('whatever people and providers say of who pays', () => {
  const told: string[] = [];

  beforeAll(async () => {
    for (const [name, text] of Object.entries(SECRETS)) marks.add(name, text);
    await meetDeveloper();
    const orders: Order[] = [];
    const buyers: Person[] = [];
    for (const [rail, live] of Object.entries(LIVES)) {
      const buyer = await meet(doors, rail, { hasKey: buyers.length % 2 === 0 });
      buyers.push(buyer);
      orders.push(await live(buyer));
      await work(doors);
    }
    const [first, second] = buyers as [Person, Person];
    await payWithStoredCard(second);
    await takeCopy(buyers.at(-1) as Person);
    await sendNonsense(first);
    told.push(await othersAreTold(await meet(doors, 'somebody else'), orders, first));
    await letMessageDie(await meet(doors, 'a dead message'));
    await work(doors);
    await markIdsOfProviders();
  }, 180_000);

  it('was said, in a life that had everything', async () => {
    const [facts] = await world.sql<Record<string, number>>(`SELECT
      (SELECT count(DISTINCT provider)::int FROM payment) AS rails,
      (SELECT count(*)::int FROM payment WHERE kind = 'renewal') AS renewals,
      (SELECT count(DISTINCT p.provider)::int FROM refund r JOIN payment p ON p.id = r.payment_id WHERE r.status = 'succeeded') AS refunds,
      (SELECT count(*)::int FROM dispute WHERE status = 'lost') AS disputes,
      (SELECT count(*)::int FROM payment_attempt WHERE failure IS NOT NULL) AS failures,
      (SELECT count(DISTINCT provider)::int FROM payment WHERE developer_share > 0) AS shares,
      (SELECT count(*)::int FROM webhook_event WHERE status = 'dead') AS dead,
      (SELECT count(*)::int FROM payment_method WHERE status = 'active') AS cards,
      (SELECT count(*)::int FROM data_export WHERE status = 'sent') AS copies,
      (SELECT count(*)::int FROM personal_log WHERE sealed IS NOT NULL) AS groups,
      (SELECT count(DISTINCT status)::int FROM billing_record) AS records`);
    const once = { renewals: 1, disputes: 1, failures: 1, dead: 1, cards: 1, copies: 1, groups: 1 };
    expect(facts).toEqual({ ...once, rails: 6, refunds: 6, shares: 5, records: expect.any(Number) });
    expect(facts?.['records']).toBeGreaterThan(1);
    const said = marks.all.map(([name]) => name);
    for (const rail of Object.keys(LIVES)) expect(said).toContain(`webhooks of ${rail}`);
    // Of money that has come to its end these are gone; the one card came as a token, and nothing differed.
    const none = ['instructions_url', 'claim_url', 'payment_method', 'reconciliation_difference'];
    for (const place of CONCEALED.filter((each) => !each.some((part) => none.includes(part))))
      expect(said.filter((name) => name.startsWith(`${place.join('.')} `))).not.toEqual([]);
    for (const api of ['v1', 'payme', 'click', 'crypto-pay', 'btcpay']) expect(said).toContain(`answers of ${api}`);
  });

  it('lies nowhere in the database', async () => {
    expect(await tracesInDatabase(world.database.pool, marks)).toEqual([]);
  });

  it('stands in no log line', () => {
    expect(lines.length).toBeGreaterThan(20);
    expect([...new Set(lines.flatMap((line) => tracesIn(line.slice(0, 300), line, marks)))]).toEqual([]);
  });

  it('stands in no metric', async () => {
    const { text } = await doors.fetch('/metrics', { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
    expect(text).toContain('hoshi_');
    expect(tracesIn('metrics', text, marks)).toEqual([]);
  });

  it('is told to nobody else', () => {
    expect(told.join('')).toContain('not_found');
    expect(tracesIn('answers', told.join('\n'), marks)).toEqual([]);
  });
});
