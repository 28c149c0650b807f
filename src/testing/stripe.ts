import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { WebhookAnswer } from '#api/webhook.ts';
import type { StartRequest } from '#domain/checkout/request.ts';
import type { Ctx } from '#domain/context/context.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import type { Refund } from '#lib/generated/prisma/client.ts';
import type { SimStripeEvent, SimStripePayment, SimStripePayResult } from '../sandbox/control-stripe.ts';
import { expectWholeBooks } from './books.ts';
import { knock } from './callers.ts';
import { CATALOG } from './catalog.ts';
import { type StripeTap, tapStripe } from './stripe-wire.ts';
import { type Buyer, openWorld, type PriceId, type World } from './world.ts';

export const STRIPE = 'stripe';
export const STRIPE_KEY = 'sk_test_HoshiSandboxStripe0000000000';
export const STRIPE_SECRET = 'whsec_HoshiSandboxStripeSecret0000';

const AUTHORIZED = { authorization: `Bearer ${STRIPE_KEY}` };

/** Stripe's published test cards, by what they do. */
export const CARDS = {
  good: '4242424242424242',
  declined: '4000000000000002',
  insufficient: '4000000000009995',
  lost: '4000000000009987',
  expired: '4000000000000069',
  cvcWrong: '4000000000000127',
  asksAlways: '4000002760003184',
  asksUntilSaved: '4000002500003155',
  disputed: '4000000000000259',
  refundPends: '4000000000007726',
  refundFails: '4000000000005126',
} as const;

export type Order = Readonly<{ buyer: Buyer; invoiceId: string; url: string; session: string }>;
export type Paid = Order & Readonly<{ chargeId: string; paymentId: string }>;
export type PayWish = Readonly<{
  card?: string;
  method?: 'card' | 'apple_pay' | 'google_pay' | 'link' | 'konbini' | 'bank_transfer';
  authenticate?: 'accept' | 'refuse' | 'leave';
  expiry?: string;
}>;

/** Signs as Stripe does: `v1` of the header, over the time and the bytes. */
export function stripeSignature(body: string | Uint8Array, at: number, secret = STRIPE_SECRET): string {
  return createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex');
}

/** `header` replaces what is signed with `secret` at `at` (seconds), our own time by default. */
export type SendOptions = Readonly<{ secret?: string; at?: number; header?: string; door?: Ctx | undefined }>;

/** What an order came to. Amounts as numbers. */
export type OrderFacts = Readonly<{
  order: string;
  /** The tries at a checkout, oldest first: state and why the last payment there failed. */
  tries: ReadonlyArray<readonly [status: string, failure: string | null]>;
  payments: ReadonlyArray<PaymentFacts>;
  holds: ReadonlyArray<readonly [status: string, progress: string | null, missing: number | null]>;
  /** The smallest first. */
  refunds: ReadonlyArray<readonly [status: string, amount: number]>;
  disputes: ReadonlyArray<readonly [status: string, amount: number]>;
  /** Rights that stand. */
  rights: number;
}>;
type PaymentFacts = Readonly<{
  kind: string;
  status: string;
  amount: number;
  currency: string;
  method: string | null;
  fee: number;
  platform: number;
  developer: number;
  returned: number;
}>;

const FACTS = `SELECT jsonb_build_object(
  'order', i.status,
  'tries', (SELECT coalesce(jsonb_agg(jsonb_build_array(a.status, a.failure) ORDER BY a.created_at, a.id), '[]') FROM payment_attempt a WHERE a.invoice_id = i.id),
  'payments', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', p.kind, 'status', p.status, 'amount', p.amount, 'currency', p.currency, 'method', p.method,
    'fee', p.processor_fee, 'platform', p.platform_fee, 'developer', p.developer_share, 'returned', p.returned_amount) ORDER BY p.kind, p.created_at, p.id), '[]')
    FROM payment p WHERE p.invoice_id = i.id),
  'holds', (SELECT coalesce(jsonb_agg(jsonb_build_array(r.status, r.progress, r.missing) ORDER BY r.number), '[]') FROM reservation r WHERE r.invoice_id = i.id),
  'refunds', (SELECT coalesce(jsonb_agg(jsonb_build_array(r.status, r.amount) ORDER BY r.amount, r.status), '[]') FROM refund r
    JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = i.id),
  'disputes', (SELECT coalesce(jsonb_agg(jsonb_build_array(d.status, d.amount) ORDER BY d.created_at, d.id), '[]') FROM dispute d
    JOIN payment p ON p.id = d.payment_id WHERE p.invoice_id = i.id),
  'rights', (SELECT count(*) FROM entitlement e JOIN payment p ON p.id = e.payment_id WHERE p.invoice_id = i.id AND e.revoked_at IS NULL)
) AS facts FROM invoice i WHERE i.id = $1`;

const BALANCES = `SELECT account, sum(amount)::int AS amount FROM ledger_entry WHERE split_part(transaction_id, '/', 1) IN (
    SELECT $1 UNION SELECT id FROM refund WHERE payment_id = $1 UNION SELECT id FROM dispute WHERE payment_id = $1)
  GROUP BY account HAVING sum(amount) <> 0 ORDER BY account`;

/** The Stripe rail of a world, from the checkout of an order to the books. Used inside tests and hooks only. */
export type StripeRail = Readonly<{
  world: World;
  tap: StripeTap;
  /** An order that can be paid on a page of Stripe's, of a buyer of its own unless one is given. */
  order(priceId?: PriceId, rest?: Partial<StartRequest> & { buyer?: Buyer }): Promise<Order>;
  /** Pays a page as a person would; answers when we were told. */
  pay(order: { url: string }, wish?: PayWish): Promise<SimStripePayResult>;
  /** An order that was paid by card and told. */
  buy(priceId?: PriceId, wish?: PayWish): Promise<Paid>;
  facts(order: { invoiceId: string }): Promise<OrderFacts>;
  /** A PaymentIntent in Stripe's own books. */
  look(chargeId: string | null): Promise<SimStripePayment>;
  /** Does something in the Dashboard or at a bank: `payments/<pi>/refund`, `disputes/<du>/close`. */
  act<Answer = { id: string }>(path: string, body?: object): Promise<Answer>;
  /** From now on nothing that Stripe sends is taken: as if its messages were lost. */
  loseMessages(): Promise<unknown>;
  /** Brings a message through the real door, signed as Stripe signs. */
  send(body: string | Uint8Array, options?: SendOptions): Promise<WebhookAnswer>;
  /** The messages about a payment as Stripe would send them, oldest first. */
  messagesOf(chargeId: string): Promise<ReadonlyArray<{ id: string; type: string; body: string }>>;
  /** Ends all faults; what was lost or is waiting to be sent again is delivered. */
  catchUp(): Promise<void>;
  /** Asks Stripe's API: `checkout/sessions/<id>`. */
  read<Answer>(path: string): Promise<Answer>;
  /** Calls Stripe's API as another program of the merchant's would. */
  api<Answer = { id: string }>(path: string, form: Readonly<Record<string, string>>): Promise<Answer>;
  /** Asks us for a refund, which the worker then does. */
  askBack(paid: Paid, amount?: bigint): Promise<Refund>;
  /** Asks for a refund and does it, as the worker would. */
  giveBack(paid: Paid, amount?: bigint): Promise<{ refund: Refund; outcome: string }>;
  /** What the books of one payment hold in the end, over the charge, its refunds and its disputes. */
  balances(paid: { paymentId: string }): Promise<Record<string, number>>;
  /** Runs the refunds that are asked for, as the worker would. */
  runRefunds(): Promise<string[]>;
  paymentOf(order: { invoiceId: string }): Promise<{ id: string; chargeId: string }>;
}>;

/**
 * A world in which Stripe is paid in browsers and tells us over HTTP. Every request of our adapter, and every answer to it, is
 * held against the types of the SDK; at the end of the file nothing may have been wrong, and the books must be whole.
 */
export function openStripe(): StripeRail {
  const tap: StripeTap = tapStripe();
  beforeAll(() => tap.open());
  const world = openWorld({
    policy: { surfacePolicy: 'permissive' },
    variables: (sandboxUrl) => {
      tap.to(sandboxUrl);
      return { STRIPE_API_URL: tap.url };
    },
  });
  const rail = makeRail(world, tap);
  afterEach(() => rail.catchUp());
  afterAll(async () => {
    await expectWholeBooks(world.system);
    tap.close();
    expect(tap.complaints).toEqual([]);
    expect(tap.count).toBeGreaterThan(0);
  });
  return rail;
}

function makeRail(world: World, tap: StripeTap): StripeRail {
  const order: StripeRail['order'] = async (priceId = CATALOG.pluginUsd, { buyer: given, ...rest } = {}) => {
    const buyer = given ?? (await world.newBuyer());
    // A tap comes later than what was before it.
    world.clock.advance(1_000);
    const way = { surface: 'browser', method: 'credit_card', providerId: STRIPE } as const;
    const { invoiceId, url } = await world.order(buyer, priceId, { ...way, ...rest });
    return { buyer, invoiceId, url: url ?? '', session: /cs_test_\w+/.exec(url ?? '')?.[0] ?? '' };
  };
  const pay: StripeRail['pay'] = ({ url }, wish = {}) => world.sandbox.ask('POST', '/stripe/pay', { url, ...wish });
  const act: StripeRail['act'] = (path, body = {}) => world.sandbox.ask('POST', `/stripe/${path}`, body);
  const look: StripeRail['look'] = (chargeId) => world.sandbox.ask('GET', `/stripe/payments/${chargeId}`);
  const read = async <Answer>(path: string): Promise<Answer> => {
    const response = await fetch(`${world.sandboxUrl}/v1/${path}`, { headers: AUTHORIZED });
    return (await response.json()) as Answer;
  };
  const paymentOf: StripeRail['paymentOf'] = async ({ invoiceId }) => {
    const [row] = await world.sql<{ id: string; charge_id: string }>(
      "SELECT id, charge_id FROM payment WHERE invoice_id = $1 AND kind <> 'surplus'",
      [invoiceId],
    );
    if (!row) throw new Error(`${invoiceId} is not paid`);
    return { id: row.id, chargeId: row.charge_id };
  };
  const askBack: StripeRail['askBack'] = ({ paymentId }, amount) =>
    requestRefund(world.system, { paymentId, ...(amount === undefined ? {} : { amount }) });
  return {
    world,
    tap,
    order,
    pay,
    paymentOf,
    read,
    askBack,
    async giveBack(paid, amount) {
      const refund = await askBack(paid, amount);
      return { refund, outcome: await executeRefund(world.system, refund.id) };
    },
    async balances({ paymentId }) {
      const rows = await world.sql<{ account: string; amount: number }>(BALANCES, [paymentId]);
      return Object.fromEntries(rows.map(({ account, amount }) => [account, amount]));
    },
    async buy(priceId, wish) {
      const placed = await order(priceId);
      expect(await pay(placed, wish)).toMatchObject({ status: 'paid' });
      const { chargeId, id } = await paymentOf(placed);
      return { ...placed, chargeId, paymentId: id };
    },
    async facts({ invoiceId }) {
      const [row] = await world.sql<{ facts: OrderFacts }>(FACTS, [invoiceId]);
      if (!row) throw new Error(`no order ${invoiceId}`);
      return row.facts;
    },
    look,
    act,
    // What Stripe sends is refused for its signature; our own calls to Stripe go on.
    loseMessages: () => world.sandbox.setFaults({ stripe: { kind: 'wrong_auth', remaining: 1_000_000 } }),
    send(body, { at = Math.floor(world.clock.now().getTime() / 1_000), door, header, secret } = {}) {
      const signature = header ?? `t=${at},v1=${stripeSignature(body, at, secret)}`;
      return knock(world, STRIPE, { headers: { 'stripe-signature': signature }, body, door });
    },
    async messagesOf(chargeId) {
      const { events } = await look(chargeId);
      const sent = new Set(events.filter(({ state }) => state !== 'quiet').map(({ id }) => id));
      const { data } = await read<{ data: Array<{ id: string; type: string }> }>('events?limit=100');
      const own = data.filter(({ id }) => sent.has(id)).reverse();
      return own.map((event) => ({ id: event.id, type: event.type, body: JSON.stringify(event, null, 2) }));
    },
    async catchUp() {
      tap.weather = async () => 'fair';
      await world.sandbox.setFaults({});
      const events = await world.sandbox.ask<SimStripeEvent[]>('GET', '/stripe/events?limit=500');
      for (const { id } of events.filter(({ state }) => state === 'pending').reverse())
        await act(`events/${id}/redeliver`);
    },
    async api<Answer>(path: string, form: Readonly<Record<string, string>>) {
      const response = await fetch(`${world.sandboxUrl}/v1/${path}`, {
        method: 'POST',
        headers: AUTHORIZED,
        body: new URLSearchParams(form),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
      return answer as Answer;
    },
    async runRefunds() {
      const rows = await world.sql<{ id: string }>("SELECT id FROM refund WHERE status = 'requested' ORDER BY id");
      const outcomes: string[] = [];
      for (const { id } of rows) outcomes.push(await executeRefund(world.system, id));
      return outcomes;
    },
  };
}
