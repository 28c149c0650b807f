import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SimStripeEvent } from '../control-stripe.ts';
import { Bench, DAY } from '../test-bench.ts';
import type { Received } from '../test-server.ts';
import { connect, order, pay, TestMerchant, WEBHOOK_SECRET } from './test-merchant.ts';

let merchant: TestMerchant;
let bench: Bench;

beforeEach(async () => {
  merchant = await TestMerchant.start();
  bench = await Bench.start({ appUrl: merchant.server.url });
});
afterEach(async () => {
  await bench.close();
  await merchant.close();
});

async function buy(): Promise<string> {
  return String((await pay(bench, await connect(bench).checkout.sessions.create(order()))).payment);
}

function events(type: string): Promise<SimStripeEvent[]> {
  return bench.sim('GET', `/stripe/events?type=${type}`);
}

function setFault(fault: Record<string, unknown>): Promise<unknown> {
  return bench.sim('PUT', '/faults', { stripe: { remaining: 1, ...fault } });
}

describe('an event', () => {
  it('goes over the wire as Stripe sends it, signed by the sandbox clock', async () => {
    await bench.advance(10 * DAY);
    await buy();
    const { headers, body, path } = merchant.server.received[0] as Received;
    expect(path).toBe('/api/v1/payment/webhooks/stripe');
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['user-agent']).toContain('Stripe/1.0');
    const at = Number(/^t=(\d+),v1=[0-9a-f]{64},v0=[0-9a-f]{64}$/.exec(String(headers['stripe-signature']))?.[1]);
    expect(at - Date.now() / 1000).toBeGreaterThan(9.9 * DAY);
    const event = JSON.parse(body) as Stripe.Event;
    expect(event).toMatchObject({ object: 'event', livemode: false });
    expect(event.created).toBeLessThanOrEqual(at);
    expect(event.created - Date.now() / 1000).toBeGreaterThan(9.9 * DAY);
    expect(() =>
      Stripe.webhooks.constructEvent(body.replace('980', '981'), String(headers['stripe-signature']), WEBHOOK_SECRET),
    ).toThrow();
  });

  it('names the request that caused it', async () => {
    const payment = await buy();
    await connect(bench).refunds.create({ payment_intent: payment }, { idempotencyKey: 'refund:1' });
    await vi.waitFor(() => expect(merchant.types).toContain('refund.created'));
    expect(merchant.named('refund.created')[0]?.request).toEqual({
      id: expect.stringMatching(/^req_/),
      idempotency_key: 'refund:1',
    });
  });

  it('keeps the state of its moment', async () => {
    const payment = await buy();
    await connect(bench).refunds.create({ payment_intent: payment });
    const [event] = (await connect(bench).events.list({ type: 'charge.succeeded' })).data;
    expect(event?.data.object).toMatchObject({ amount_refunded: 0, balance_transaction: null });
  });

  it('is signed with two secrets while one is rolled', async () => {
    await bench.sim('PUT', '/faults', { stripe_second_secret: 'whsec_next' });
    await buy();
    const { headers, body } = merchant.server.received[0] as Received;
    const signature = String(headers['stripe-signature']);
    expect(signature.match(/v1=/g)).toHaveLength(2);
    for (const secret of [WEBHOOK_SECRET, 'whsec_next']) {
      expect(Stripe.webhooks.constructEvent(body, signature, secret)).toMatchObject({ object: 'event' });
    }
  });
});

describe('a delivery', () => {
  it.each([500, 302, 404])('answered with %i is tried again until it is taken', async (status) => {
    let left = 3;
    merchant.override = ({ type }) => (type === 'charge.succeeded' && left-- > 0 ? { status, body: 'no' } : undefined);
    await buy();
    await vi.waitFor(async () => expect((await events('charge.succeeded'))[0]?.state).toBe('delivered'));
    expect((await events('charge.succeeded'))[0]?.deliveries.map((one) => one.status)).toEqual([
      status,
      status,
      status,
      200,
    ]);
    const sent = merchant.named('charge.succeeded');
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  });

  it('is given up after three days, and can be sent again by hand', async () => {
    merchant.override = ({ type }) => (type === 'charge.succeeded' ? null : undefined);
    await buy();
    await bench.advance(3 * DAY - 60);
    expect((await events('charge.succeeded'))[0]?.state).toBe('pending');
    await bench.advance(120);
    const [given] = await events('charge.succeeded');
    expect(given).toMatchObject({
      state: 'given_up',
      deliveries: expect.arrayContaining([expect.objectContaining({ status: null })]),
    });
    merchant.override = () => undefined;
    expect(await bench.sim('POST', `/stripe/events/${given?.id}/redeliver`)).toMatchObject({ state: 'delivered' });
    expect(await bench.trySim('POST', '/stripe/events/evt_1/redeliver')).toMatchObject({ status: 404 });
  });

  it('goes only to the types the endpoint listens to', async () => {
    await buy();
    expect((await events('payment_intent.created'))[0]).toMatchObject({ state: 'quiet', deliveries: [] });
    expect(merchant.types).not.toContain('payment_intent.created');
  });

  it('holds the payer back until checkout.session.completed is answered', async () => {
    let isAnswered = false;
    merchant.override = async ({ type }) => {
      if (type !== 'checkout.session.completed') return { body: '{}' };
      await new Promise((resolve) => setImmediate(resolve));
      isAnswered = true;
      return { body: '{}' };
    };
    await buy();
    expect(isAnswered).toBe(true);
  });

  it('that is not answered holds the payer back only for a time', async () => {
    await bench.close();
    bench = await Bench.start({ appUrl: merchant.server.url, stripeAnswerMs: 1 });
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    merchant.override = ({ type }) => (type === 'checkout.session.completed' ? held.then(() => undefined) : undefined);
    const session = await connect(bench).checkout.sessions.create(order());
    const form = new URLSearchParams({ choice: 'apple_pay' });
    const page = await fetch(`${session.url}/pay`, { method: 'POST', body: form });
    expect(await page.text()).toContain('data-status="paid"');
    expect((await events('checkout.session.completed'))[0]?.state).toBe('pending');
    answer();
    await vi.waitFor(async () => expect((await events('checkout.session.completed'))[0]?.state).toBe('delivered'));
  });

  it('goes on after a restart, with the books as they were', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hoshi-stripe-'));
    await bench.close();
    bench = await Bench.start({ appUrl: merchant.server.url, stateDir: dir, retryScale: 1_000 });
    merchant.override = ({ type }) => (type === 'charge.succeeded' ? { status: 500, body: '' } : undefined);
    const id = await buy();
    const open = await connect(bench).checkout.sessions.create(order());
    merchant.override = () => undefined;
    await bench.restart();
    await vi.waitFor(async () => expect((await events('charge.succeeded'))[0]?.state).toBe('delivered'));
    expect(await connect(bench).paymentIntents.retrieve(id)).toMatchObject({ status: 'succeeded' });
    await bench.advance(DAY + 60);
    expect(await connect(bench).checkout.sessions.retrieve(open.id)).toMatchObject({ status: 'expired' });
    await bench.sim('POST', '/reset');
    expect(await bench.sim('GET', '/stripe/payments')).toEqual([]);
    await bench.sandbox.close();
    await rm(dir, { recursive: true });
    bench = await Bench.start({ appUrl: merchant.server.url });
  });
});

describe('an accident', () => {
  it.each(['lost_answer', 'lost_request', 'wrong_auth', 'malformed', 'delay'])(
    'of kind %s is made good by a second try',
    async (kind) => {
      await setFault({ kind, method: 'charge.succeeded', delay_ms: 5 });
      await buy();
      await vi.waitFor(async () => expect((await events('charge.succeeded'))[0]?.state).toBe('delivered'));
      const [event] = await events('charge.succeeded');
      expect(event?.deliveries).toHaveLength(kind === 'delay' ? 1 : 2);
      expect(merchant.named('charge.succeeded')).toHaveLength(kind === 'lost_answer' ? 2 : 1);
      expect(merchant.refused).toHaveLength(kind === 'wrong_auth' || kind === 'malformed' ? 1 : 0);
      expect(await bench.sim('GET', '/faults')).toEqual({});
    },
  );

  it('of kind duplicate sends the same event twice', async () => {
    await setFault({ kind: 'duplicate', method: 'checkout.session.completed' });
    await buy();
    const sent = merchant.named('checkout.session.completed');
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
  });

  it('of kind reorder sends an event after the one that comes next', async () => {
    await setFault({ kind: 'reorder', method: 'charge.succeeded', delay_ms: 5_000 });
    await buy();
    expect(merchant.types.indexOf('charge.succeeded')).toBeGreaterThan(0);
  });
});
