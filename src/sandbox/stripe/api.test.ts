import type Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchStripe } from '#testing/stripe-wire.ts';
import { ROUTES } from '../../../scripts/stripe-schema/scope.mjs';
import type { SimTraffic } from '../control.ts';
import { Bench, DAY } from '../test-bench.ts';
import { apiRoutes } from './api-routes.ts';
import { connect, order, pay, SECRET_KEY, TestMerchant } from './test-merchant.ts';

let merchant: TestMerchant;
let bench: Bench;
let stripe: Stripe;

beforeEach(async () => {
  merchant = await TestMerchant.start();
  bench = await Bench.start({ appUrl: merchant.server.url });
  stripe = connect(bench);
});
afterEach(async () => {
  await bench.close();
  await merchant.close();
});

type Answered = {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { error?: Record<string, unknown> };
};

/** A request as curl would make it, for what the SDK would not send. */
async function call(method: string, path: string, form = '', headers: Record<string, string> = {}): Promise<Answered> {
  const response = await fetch(`${bench.sandbox.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${SECRET_KEY}`,
      ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      ...headers,
    },
    ...(method === 'POST' ? { body: form } : {}),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answered['body'] };
}

const CUSTOMER = 'email=hana%40example.com&metadata[user]=usr_1';

describe('the door', () => {
  it('lets in only the secret key, as Bearer or as the user of Basic', async () => {
    expect(await call('GET', '/v1/customers', '', { authorization: '' })).toMatchObject({
      ...{
        status: 401,
        body: { error: { type: 'invalid_request_error', message: expect.stringContaining('API key') } },
      },
    });
    const wrong = await call('GET', '/v1/customers', '', { authorization: 'Bearer sk_test_wrong' });
    expect(wrong).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringContaining('Invalid API Key') } },
    });
    const basic = `Basic ${Buffer.from(`${SECRET_KEY}:`).toString('base64')}`;
    expect(await call('GET', '/v1/customers', '', { authorization: basic })).toMatchObject({ status: 200 });
    await expect(connect(bench, fetch, 'sk_test_wrong').customers.list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
    });
  });

  it('names the request and the version it speaks, and refuses another version', async () => {
    const { headers, body } = await call('POST', '/v1/customers', CUSTOMER, { 'idempotency-key': 'k' });
    expect(headers.get('request-id')).toMatch(/^req_\w{14}$/);
    expect(headers.get('stripe-version')).toBe('2026-10-28.endive');
    expect(headers.get('idempotency-key')).toBe('k');
    expect(body).toMatchObject({ object: 'customer', metadata: { user: 'usr_1' } });
    const old = await call('GET', '/v1/customers', '', { 'stripe-version': '2024-06-20' });
    expect(old).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('2024-06-20') } } });
  });

  it.each([
    ['an unknown address', 'GET', '/v1/nothing', '', 404, undefined, undefined],
    ['an unknown object', 'GET', '/v1/charges/ch_1', '', 404, 'resource_missing', 'id'],
    ['an unknown parameter', 'POST', '/v1/customers', 'emial=a', 400, 'parameter_unknown', 'emial'],
    ['a missing parameter', 'POST', '/v1/payment_intents', 'amount=1000', 400, 'parameter_missing', 'currency'],
    ['a word for a number', 'GET', '/v1/charges?limit=ten', '', 400, 'parameter_invalid_integer', 'limit'],
    ['a wrong nesting', 'POST', '/v1/customers', 'metadata[a[b]=1', 400, undefined, 'metadata[a[b]'],
    ['an unknown cursor', 'GET', '/v1/charges?starting_after=ch_1', '', 400, 'resource_missing', 'starting_after'],
    [
      'a customer that is not',
      'POST',
      '/v1/payment_intents',
      'amount=1000&currency=jpy&customer=cus_1',
      400,
      'resource_missing',
      'customer',
    ],
    ['a small amount', 'POST', '/v1/payment_intents', 'amount=49&currency=usd', 400, 'amount_too_small', 'amount'],
  ])('refuses %s in Stripe’s words', async (_what, method, path, form, status, code, param) => {
    const { status: answered, body } = await call(method, path, form);
    expect(answered).toBe(status);
    expect(body.error).toMatchObject({ type: 'invalid_request_error', message: expect.any(String) });
    expect([body.error?.['code'], body.error?.['param']]).toEqual([code, param]);
  });

  it('answers every request that can be checked against the schemas, and no other', () => {
    expect(apiRoutes.map(({ name }) => name).sort()).toEqual([...ROUTES].sort());
  });

  it('changes a customer, merging the metadata', async () => {
    const { id } = await stripe.customers.create({ name: 'Hana', metadata: { a: '1', b: '2' } });
    const changed = await stripe.customers.update(id, {
      name: '',
      email: 'h@example.com',
      metadata: { a: '', c: '3' },
    });
    expect(changed).toMatchObject({ name: null, email: 'h@example.com', metadata: { b: '2', c: '3' } });
    expect(changed.metadata).not.toHaveProperty('a');
    const [event] = (await stripe.events.list({ type: 'customer.updated' })).data;
    expect(event?.data.previous_attributes).toEqual({ name: 'Hana', email: null, metadata: { a: '1', b: '2' } });
    expect((await stripe.customers.list({ email: 'h@example.com' })).data.map((one) => one.id)).toEqual([id]);
  });

  it('expands what is asked for, and refuses what cannot be expanded', async () => {
    const { payment } = await pay(bench, await stripe.checkout.sessions.create(order()));
    const { data } = await stripe.charges.list({ expand: ['data.balance_transaction', 'data.payment_intent'] });
    expect(data).toMatchObject([{ balance_transaction: { fee: 35 }, payment_intent: { id: payment } }]);
    await expect(stripe.charges.list({ expand: ['data.shop'] })).rejects.toMatchObject({ param: 'expand' });
  });

  it('shows in the wire log without the key', async () => {
    await stripe.customers.create({ email: 'hana@example.com' }, { idempotencyKey: 'customer-1' });
    const traffic = await bench.sim<SimTraffic[]>('GET', '/traffic');
    expect(traffic.find(({ name }) => name === 'POST /v1/customers')).toMatchObject({
      ...{ peer: 'stripe', direction: 'from_bot', status: 200 },
      request: { body: { email: 'hana@example.com' }, headers: { 'idempotency-key': 'customer-1' } },
    });
    expect(JSON.stringify(traffic)).not.toContain(SECRET_KEY);
  });
});

describe('a Checkout Session', () => {
  const now = Math.floor(Date.now() / 1000);
  const item = (currency: string, amount: number): Stripe.Checkout.SessionCreateParams => ({
    line_items: [{ quantity: 1, price_data: { currency, unit_amount: amount, product_data: { name: 'Pro' } } }],
  });

  it.each([
    ['payment_method_types', { payment_method_types: ['card'] }, 'payment_method_types_no_longer_supported'],
    ['an old ui_mode', { ui_mode: 'hosted' }, undefined],
    ['no success_url', { success_url: undefined }, 'parameter_missing'],
    ['no line items', { line_items: undefined }, 'parameter_missing'],
    ['¥49', item('jpy', 49), 'amount_too_small'],
    ['49 cents', item('usd', 49), 'amount_too_small'],
    ['an end too near', { expires_at: now + 1_700 }, undefined],
    ['an end too far', { expires_at: now + DAY + 100 }, undefined],
    ['a path for an address', { success_url: '/done' }, 'url_invalid'],
    ['mode subscription', { mode: 'subscription' }, undefined],
    [
      'bank transfers in another currency',
      {
        ...item('usd', 980),
        customer: 'cus_x',
        payment_method_options: {
          customer_balance: { funding_type: 'bank_transfer', bank_transfer: { type: 'jp_bank_transfer' } },
        },
      },
      undefined,
    ],
  ])('with %s is refused', async (_what, change, code) => {
    const params = { ...order(), ...change } as Stripe.Checkout.SessionCreateParams;
    const refusal = await stripe.checkout.sessions.create(params).then(
      () => null,
      (error: Stripe.errors.StripeError) => error,
    );
    expect(refusal).toMatchObject({ type: 'StripeInvalidRequestError', statusCode: 400 });
    expect(refusal?.code).toBe(code);
  });

  it('takes the currencies in their own minor units', async () => {
    for (const [currency, amount] of [
      ['jpy', 50],
      ['usd', 50],
      ['eur', 99_999_999],
    ] as const) {
      expect(await stripe.checkout.sessions.create({ ...order(), ...item(currency, amount) })).toMatchObject({
        ...{ currency, amount_total: amount },
      });
    }
  });
});

describe('a list', () => {
  it('goes newest first, by cursor in both directions, and by time', async () => {
    const watch = watchStripe();
    const watched = connect(bench, watch.fetch);
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) ids.unshift((await watched.customers.create({ name })).id);
    const first = await watched.customers.list({ limit: 2 });
    expect(first).toMatchObject({ has_more: true, url: '/v1/customers' });
    expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const next = await watched.customers.list({ limit: 2, starting_after: String(ids[1]) });
    expect(next.data.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    const back = await watched.customers.list({ limit: 2, ending_before: String(ids[3]) });
    expect(back.data.map(({ id }) => id)).toEqual(ids.slice(1, 3));
    const all: string[] = [];
    for await (const { id } of watched.customers.list({ limit: 2 })) all.push(id);
    expect(all).toEqual(ids);
    const now = Math.floor(Date.now() / 1000);
    expect((await watched.customers.list({ created: { gt: now + 60 } })).data).toEqual([]);
    expect((await watched.customers.list({ created: { gte: now - 60, lte: now + 60 } })).data).toHaveLength(5);
    expect(watch.complaints).toEqual([]);
  });

  it('of events is told apart by type and forgets after thirty days', async () => {
    await pay(bench, await stripe.checkout.sessions.create(order()));
    expect((await stripe.events.list({ type: 'charge.succeeded' })).data).toHaveLength(1);
    expect((await stripe.events.list({ types: ['charge.succeeded', 'charge.updated'] })).data).toHaveLength(2);
    const [event] = (await stripe.events.list({ type: 'checkout.session.*' as 'checkout.session.completed' })).data;
    expect(await stripe.events.retrieve(String(event?.id))).toMatchObject({ pending_webhooks: 0 });
    await bench.advance(31 * DAY);
    expect((await stripe.events.list()).data).toEqual([]);
  });

  it('of sessions finds the one of a payment', async () => {
    const { payment, session } = await pay(bench, await stripe.checkout.sessions.create(order()));
    await stripe.checkout.sessions.create(order());
    const found = await stripe.checkout.sessions.list({ payment_intent: String(payment) });
    expect(found.data.map(({ id }) => id)).toEqual([session]);
    expect((await stripe.checkout.sessions.list({ status: 'open' })).data).toHaveLength(1);
  });
});

describe('an Idempotency-Key', () => {
  it('gets the first answer again, whatever the order of the parameters', async () => {
    const first = await call('POST', '/v1/customers', 'name=Hana&email=h%40e.com', { 'idempotency-key': 'one' });
    const again = await call('POST', '/v1/customers', 'email=h%40e.com&name=Hana', { 'idempotency-key': 'one' });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('request-id')).toBe(first.headers.get('request-id'));
    expect((await stripe.customers.list()).data).toHaveLength(1);
  });

  it('with other parameters is an error, and free again after a day', async () => {
    await call('POST', '/v1/customers', 'name=Hana', { 'idempotency-key': 'one' });
    const other = await call('POST', '/v1/customers', 'name=Alex', { 'idempotency-key': 'one' });
    expect(other).toMatchObject({ status: 400, body: { error: { type: 'idempotency_error' } } });
    await bench.advance(DAY + 1);
    expect(await call('POST', '/v1/customers', 'name=Alex', { 'idempotency-key': 'one' })).toMatchObject({
      status: 200,
    });
  });

  it('of a request that is wrong in itself is not used up', async () => {
    expect(await call('POST', '/v1/customers', 'emial=a', { 'idempotency-key': 'one' })).toMatchObject({ status: 400 });
    expect(await call('POST', '/v1/customers', 'email=a', { 'idempotency-key': 'one' })).toMatchObject({ status: 200 });
  });

  it('keeps an outcome that was a refusal', async () => {
    const { payment } = await pay(bench, await stripe.checkout.sessions.create(order()));
    const form = `payment_intent=${payment}`;
    await call('POST', '/v1/refunds', form);
    const refused = await call('POST', '/v1/refunds', form, { 'idempotency-key': 'two' });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 'charge_already_refunded' } } });
    const again = await call('POST', '/v1/refunds', form, { 'idempotency-key': 'two' });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body).toEqual(refused.body);
  });

  it('in use by another request is a conflict', async () => {
    await bench.sim('PUT', '/faults', { stripe: { kind: 'delay', delay_ms: 300, remaining: 1 } });
    const first = call('POST', '/v1/customers', 'name=Hana', { 'idempotency-key': 'one' });
    await vi.waitFor(async () => expect(await bench.sim('GET', '/faults')).toEqual({}));
    const second = await call('POST', '/v1/customers', 'name=Hana', { 'idempotency-key': 'one' });
    expect(second).toMatchObject({ status: 409, body: { error: { code: 'idempotency_key_in_use' } } });
    expect(await first).toMatchObject({ status: 200 });
  });

  it('survives a lost answer: the work was done once', async () => {
    await bench.sim('PUT', '/faults', { stripe: { kind: 'lost_answer', method: 'POST /v1/customers', remaining: 1 } });
    const create = (): Promise<Stripe.Customer> =>
      stripe.customers.create({ name: 'Hana' }, { idempotencyKey: 'one', maxNetworkRetries: 1 });
    const { id } = await create();
    expect((await stripe.customers.list()).data.map((one) => one.id)).toEqual([id]);
  });
});

describe('a fault of the API', () => {
  it.each([
    ['unavailable', { type: 'StripeAPIError', statusCode: 503 }],
    ['rate_limited', { type: 'StripeRateLimitError', statusCode: 429, headers: { 'retry-after': '1' } }],
    ['malformed', { type: 'StripeAPIError' }],
    ['lost_request', { type: 'StripeConnectionError' }],
  ])('%s comes once, for the method it names', async (kind, expected) => {
    await bench.sim('PUT', '/faults', { stripe: { kind, method: 'GET /v1/customers', remaining: 1 } });
    await stripe.charges.list();
    await expect(stripe.customers.list()).rejects.toMatchObject(expected);
    expect((await stripe.customers.list()).data).toEqual([]);
  });

  it('timeout never answers', async () => {
    await bench.sim('PUT', '/faults', { stripe: { kind: 'timeout', remaining: 1 } });
    const limit = { timeout: 50, maxNetworkRetries: 0 };
    await expect(stripe.customers.list({}, limit)).rejects.toMatchObject({ type: 'StripeConnectionError' });
    await vi.waitFor(async () => {
      const [last] = await bench.sim<SimTraffic[]>('GET', '/traffic');
      expect(last).toMatchObject({ name: 'GET /v1/customers', status: 'no_answer' });
    });
  });
});
