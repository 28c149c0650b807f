import { createHash, createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { expectWholeBooks, noticesOf } from '../testing/books.ts';
import { knock } from '../testing/callers.ts';
import {
  BTCPAY,
  btcpayHand,
  CRYPTO_PAY,
  calmDown,
  type Placed,
  passTime,
  payCryptoPay,
  paymentsOf,
  placeCoins,
  standingOf,
} from '../testing/coins.ts';
import { DAY_MS, openWorld } from '../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
const btcpay = btcpayHand(world);
afterEach(() => calmDown(world));

const MINUTE_MS = 60_000;
/** The public values of the sandbox. */
const TOKEN = '90004:AAHoshiSandboxCryptoPayToken00000';
const SECRET = 'HoshiSandboxBtcpayWebhookSecret';
const STORE = 'HoshiSandboxStore00000000000000000000000000000';
const KEY = 'HoshiSandboxBtcpayApiKey0000000000000000';
const STANDS = { order: 'paid', rights: 1, payments: [['', 'one_time', 'succeeded', null]] };

type Message = Readonly<{ headers: Record<string, string>; body: string | Uint8Array }>;
/** What a message says: what it is about, when it was made, and which type it has. */
type Said = Readonly<{ reference: string; invoiceId: string; ageMs?: number; type?: string }>;

type Rail = Readonly<{
  id: string;
  /** How old a message may be, and how far ahead. */
  pastMs: number;
  futureMs: number;
  /** The call by which it is asked about an order. */
  asked: string;
  write: (said: Said) => string;
  sign: (body: string | Uint8Array) => Record<string, string>;
  pay: (order: Placed) => Promise<unknown>;
  /** Somebody else's order in the same account, paid there. Returns the provider's id of it. */
  payForeign: (payload: string) => Promise<string>;
}>;

let events = 0;
const hmac = (key: string | Buffer, body: string | Uint8Array) => createHmac('sha256', key).update(body).digest('hex');

const RAILS: ReadonlyArray<Rail> = [
  {
    id: CRYPTO_PAY,
    pastMs: 600_000,
    futureMs: 300_000,
    asked: 'getInvoices',
    write: ({ ageMs = 0, invoiceId, reference, type = 'invoice_paid' }) =>
      JSON.stringify({
        update_id: 1,
        update_type: type,
        request_date: new Date(world.clock.now().getTime() - ageMs).toISOString(),
        payload: { invoice_id: Number(reference), status: 'paid', payload: invoiceId },
      }),
    sign: (body) => ({ 'crypto-pay-api-signature': hmac(createHash('sha256').update(TOKEN).digest(), body) }),
    pay: (order) => payCryptoPay(world, order),
    payForeign: async (payload) => {
      const made = await fetch(`${world.sandboxUrl}/crypto-pay/api/createInvoice`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'crypto-pay-api-token': TOKEN },
        body: JSON.stringify({ currency_type: 'fiat', fiat: 'USD', amount: '9.99', payload }),
      });
      const { result } = (await made.json()) as { result: { invoice_id: number; bot_invoice_url: string } };
      await world.sandbox.ask('POST', '/crypto-pay/pay', { url: result.bot_invoice_url });
      return String(result.invoice_id);
    },
  },
  {
    id: BTCPAY,
    pastMs: 61 * DAY_MS,
    futureMs: 3_600_000,
    asked: 'invoices/get',
    write: ({ ageMs = 0, invoiceId, reference, type = 'InvoiceSettled' }) => {
      events += 1;
      const id = `delivery-${events}`;
      const timestamp = Math.floor((world.clock.now().getTime() - ageMs) / 1_000);
      const ids = { deliveryId: id, webhookId: 'w', originalDeliveryId: id, isRedelivery: false };
      const about = { storeId: STORE, invoiceId: reference, metadata: { orderId: invoiceId } };
      return JSON.stringify({ ...ids, type, timestamp, ...about }, null, 2);
    },
    sign: (body) => ({ 'btcpay-sig': `sha256=${hmac(SECRET, body)}` }),
    pay: (order) => btcpay.pay(order),
    payForeign: async (orderId) => {
      const made = await fetch(`${world.sandboxUrl}/btcpay/api/v1/stores/${STORE}/invoices`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `token ${KEY}` },
        body: JSON.stringify({ amount: '9.99', currency: 'USD', metadata: { orderId } }),
      });
      const { checkoutLink: url, id } = (await made.json()) as { checkoutLink: string; id: string };
      await world.sandbox.ask('POST', '/btcpay/pay', { url });
      return id;
    },
  },
];
const otherOf = ({ id }: Rail) => RAILS.find((rail) => rail.id !== id) as Rail;

describe.each(RAILS)('$id', (rail) => {
  const { asked, futureMs, id, pastMs, pay, payForeign, sign, write } = rail;
  const place = () => placeCoins(world, id);
  const message = (said: Said): Message => {
    const body = write(said);
    return { headers: sign(body), body };
  };
  const send = (sent: Message) => knock(world, id, sent);
  const inbox = async () => (await world.sql('SELECT id FROM webhook_event')).length;

  /** An order that was paid without our hearing of it. */
  async function paidUnheard(): Promise<Placed> {
    await loseMessages();
    const order = await place();
    await pay(order);
    expect(await standingOf(world, order)).toMatchObject({ order: 'open', payments: [] });
    return order;
  }
  /** An order whose payment we hear of once, and cannot ask about at that moment. */
  async function heardWhileDown(kind: Parameters<typeof breakOnce>[0]): Promise<Placed> {
    // Crypto Pay tells one thing, until it hears 200; BTCPay tells each thing several times.
    const order = id === CRYPTO_PAY ? await place() : await paidUnheard();
    await breakOnce(kind);
    if (id === CRYPTO_PAY) await pay(order);
    else expect((await send(message(order))).status).toBe(200);
    return order;
  }
  const loseMessages = () => world.sandbox.setFaults({ [id]: { kind: 'wrong_auth', remaining: 10_000 } });
  const breakOnce = (kind: 'unavailable' | 'rate_limited' | 'malformed' | 'lost_answer' | 'timeout') =>
    world.sandbox.setFaults({ [id]: { kind, method: asked, remaining: 1 } });
  const eventsOf = ({ reference }: Pick<Placed, 'reference'>) =>
    world.sql<{ status: string; attempts: number; result: string | null }>(
      'SELECT status, attempts, result FROM webhook_event WHERE provider = $1 AND event_id = ANY($2) ORDER BY received_at',
      [id, id === BTCPAY ? [`delivery-${events}`] : [`invoice_paid:${reference}`]],
    );

  it.each<[string, (genuine: Message, order: Placed) => Message]>([
    ['is not signed', ({ body }) => ({ headers: {}, body })],
    ['is signed with another secret', ({ body }) => ({ headers: sign(`${body} `), body })],
    [
      'has an empty signature',
      ({ body, headers }) => ({ body, headers: Object.fromEntries(Object.keys(headers).map((name) => [name, ''])) }),
    ],
    [
      'was changed after it was signed',
      ({ body, headers }) => ({ headers, body: String(body).replace('inv_', 'inV_') }),
    ],
    [
      'was written anew after it was signed',
      ({ body, headers }) => ({ headers, body: JSON.stringify(JSON.parse(String(body)), null, 1) }),
    ],
    ['is older than it may be', (_, order) => message({ ...order, ageMs: pastMs + 2_000 })],
    ['is from the future', (_, order) => message({ ...order, ageMs: -futureMs - 2_000 })],
    [
      'is another provider’s',
      (_, order) => {
        const body = otherOf(rail).write({ ...order, reference: '528001' });
        return { headers: otherOf(rail).sign(body), body };
      },
    ],
    [
      'is another provider’s, rightly signed',
      (_, order) => {
        const body = otherOf(rail).write({ ...order, reference: '528001' });
        return { headers: sign(body), body };
      },
    ],
    ['is no JSON', () => ({ headers: sign('invoice=1'), body: 'invoice=1' })],
    ['is empty', () => ({ headers: sign(''), body: '' })],
    [
      'is no UTF-8',
      ({ body }) => {
        const bytes = Buffer.concat([Buffer.from(String(body)), Buffer.from([0xff, 0xfe])]);
        return { headers: sign(bytes), body: bytes };
      },
    ],
    [
      'is a megabyte',
      ({ body }) => {
        const bytes = String(body) + ' '.repeat(1_000_000);
        return { headers: sign(bytes), body: bytes };
      },
    ],
  ])('refuses a message that %s, and keeps nothing of it', async (_name, change) => {
    const order = await paidUnheard();
    const before = await inbox();
    const { status } = await send(change(message(order), order));
    expect([400, 401]).toContain(status);
    expect(await inbox()).toBe(before);
    expect(await standingOf(world, order)).toMatchObject({ order: 'open', payments: [] });
  });

  it('takes a message that is as old and as far ahead as it may be', async () => {
    for (const ageMs of [pastMs - 2_000, -futureMs + 2_000]) {
      const order = await paidUnheard();
      expect((await send(message({ ...order, ageMs }))).status).toBe(200);
      expect(await standingOf(world, order)).toMatchObject(STANDS);
      await world.sandbox.setFaults({});
    }
  });

  it('answers a type it does not know, and does nothing', async () => {
    const order = await paidUnheard();
    const before = await inbox();
    expect((await send(message({ ...order, type: 'invoice_swapped' }))).status).toBe(200);
    expect([await inbox(), (await standingOf(world, order)).order]).toEqual([before, 'open']);
  });

  it.each([
    ['an invoice that is not there', { reference: '999000111', invoiceId: 'inv_00000000000000000000000000' }],
    [
      'an invoice that is not there, for an order with a NUL in its name',
      { reference: '999000112', invoiceId: 'inv_\0' },
    ],
  ])('answers what is said about %s, and does nothing', async (_name, said) => {
    expect((await send(message(said))).status).toBe(200);
    await retryWebhooks(world.system);
    await expectWholeBooks(world.system);
  });

  it('answers what is told of somebody else’s order in the same account, once and for all, and books nothing', async () => {
    const reference = await payForeign(`shop-7-${id}`);
    expect((await send(message({ reference, invoiceId: `shop-7-${id}` }))).status).toBe(200);
    expect(await eventsOf({ reference })).toMatchObject([{ status: 'processed', result: 'ignored' }]);
    await passTime(world, 2 * MINUTE_MS);
    for (let run = 0; run < 2; run += 1) await reconcilePayments(world.system, id);
    // BTCPay's invoices say who made them; of Crypto Pay's only the application's own token can.
    const differences = id === 'btcpay' ? [] : [{ kind: 'unknown_order', status: 'reported' }];
    expect(
      await world.sql('SELECT kind, status FROM reconciliation_difference WHERE charge_id = $1', [reference]),
    ).toEqual(differences);
    await expectWholeBooks(world.system);
  });

  it('that says an order of ours is paid, when it is not, is not believed', async () => {
    const order = await place();
    expect((await send(message(order))).status).toBe(200);
    expect(await standingOf(world, order)).toMatchObject({ order: 'open', payments: [], holds: [] });
  });

  it('that names another order of ours for an invoice pays the one that the invoice is for', async () => {
    const other = await place();
    const order = await paidUnheard();
    expect((await send(message({ ...order, invoiceId: other.invoiceId }))).status).toBe(200);
    expect([(await standingOf(world, order)).order, (await standingOf(world, other)).order]).toEqual(['paid', 'open']);
    await expectWholeBooks(world.system);
  });

  it('told 50 times at once pays once, and hears 200 each time', async () => {
    const order = await paidUnheard();
    const one = message(order);
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(one)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    await expect.poll(() => standingOf(world, order)).toMatchObject(STANDS);
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it('told by 20 different messages at once pays once', async () => {
    const order = await paidUnheard();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(message(order))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await expect.poll(() => standingOf(world, order)).toMatchObject(STANDS);
    expect(await paymentsOf(world, order)).toHaveLength(1);
    expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it.each(['unavailable', 'rate_limited', 'malformed', 'lost_answer'] as const)(
    'that cannot be asked just now (%s) is asked again, and the money is booked once',
    async (kind) => {
      const order = await heardWhileDown(kind);
      expect(await eventsOf(order)).toMatchObject([{ status: 'failed' }]);
      expect(await retryWebhooks(world.system)).toBe(0);
      await world.advance(6_000);
      await retryWebhooks(world.system);
      expect(await eventsOf(order)).toMatchObject([{ status: 'processed', result: 'applied' }]);
      expect(await standingOf(world, order)).toMatchObject(STANDS);
      await expectWholeBooks(world.system);
    },
  );

  it('that does not answer at all keeps nobody waiting for it, and is asked again', async () => {
    const order = await heardWhileDown('timeout');
    await expect.poll(() => eventsOf(order), { timeout: 9_000 }).toMatchObject([{ status: 'failed' }]);
    await world.advance(6_000);
    await retryWebhooks(world.system);
    expect(await standingOf(world, order)).toMatchObject(STANDS);
    await expectWholeBooks(world.system);
  }, 30_000);

  it.each([
    ['asking about open orders', async () => askOpenOrders(world.system)],
    ['comparing its list', async () => reconcilePayments(world.system, id)],
  ])('whose messages are lost for a day is found out by %s', async (_name, look) => {
    const order = await paidUnheard();
    await passTime(world, 20 * MINUTE_MS);
    await expireInvoices(world.system);
    await look();
    expect(await standingOf(world, order)).toMatchObject(STANDS);
    await passTime(world, DAY_MS);
    await look();
    await expectWholeBooks(world.system);
    expect(await paymentsOf(world, order)).toHaveLength(1);
  });

  it('whose messages are lost, and whose order has expired here meanwhile, is honoured when it is found a day later', async () => {
    const order = await paidUnheard();
    await passTime(world, DAY_MS);
    await expireInvoices(world.system);
    expect(await standingOf(world, order)).toMatchObject({ order: 'expired' });
    await askOpenOrders(world.system);
    expect(await standingOf(world, order)).toMatchObject(STANDS);
    await expectWholeBooks(world.system);
  });

  it('whose money comes for an order that was withdrawn is honoured', async () => {
    const order = await paidUnheard();
    await cancelInvoice(order.buyer.ctx, order.invoiceId);
    expect((await send(message(order))).status).toBe(200);
    expect(await standingOf(world, order)).toMatchObject(STANDS);
    await expectWholeBooks(world.system);
  });
});
