import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { makeStripeApi, type StripeApi } from './client.ts';
import { toPaymentFailure, toProviderError } from './failures.ts';
import { dispute, intent, refund, session } from './fixtures/objects.ts';
import { type Answer, listOf, makeLoopback, refusal } from './testing/loopback.ts';

const PI = 'pi_3SVhoshi0000000000000001';
const CS = 'cs_test_a1HoshiFixture000000000000000001';
const KEY = 'sk_test_key_that_must_not_show';
const stripe = makeLoopback();
let apiUrl = '';
beforeAll(async () => {
  apiUrl = await stripe.start();
});
afterAll(() => stripe.stop());
beforeEach(() => stripe.reset());

const makeApi = (change: { apiUrl?: string; timeoutMs?: number } = {}) =>
  makeStripeApi({ secretKey: KEY, apiUrl, ...change });
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
const failureOf = async (work: Promise<unknown>) => {
  const error = await errorOf(work);
  return error instanceof ProviderError ? [error.failure, error.code] : error;
};
const since = new Date('2026-11-20T10:00:00.999Z');

describe('a call', () => {
  it.each<[string, unknown, (api: StripeApi) => Promise<unknown>]>([
    ['POST /v1/customers', { id: 'cus_1' }, (api) => api.createCustomer({ attempt: 'a' }, 'key')],
    ['DELETE /v1/customers/cus_1', { id: 'cus_1', deleted: true }, (api) => api.deleteCustomer('cus_1')],
    ['POST /v1/payment_methods/pm_1/detach', { id: 'pm_1' }, (api) => api.detachMethod('pm_1')],
    ['POST /v1/checkout/sessions', session(), (api) => api.openSession({ mode: 'payment' }, 'key')],
    [
      `GET /v1/checkout/sessions/${CS}?expand[0]=payment_intent.latest_charge.balance_transaction`,
      session({ payment_intent: intent() }),
      (api) => api.getSession(CS),
    ],
    [`GET /v1/checkout/sessions/${CS}?expand[0]=setup_intent.payment_method`, session(), (api) => api.getSetup(CS)],
    [
      `GET /v1/checkout/sessions?payment_intent=${PI}&limit=1`,
      listOf([session()], true),
      (api) => api.findSessionOf(PI),
    ],
    [`POST /v1/checkout/sessions/${CS}/expire`, session({ status: 'expired' }), (api) => api.expireSession(CS)],
    ['POST /v1/payment_intents', intent(), (api) => api.createIntent({ amount: 1, currency: 'jpy' }, 'key')],
    [`GET /v1/payment_intents/${PI}?expand[0]=latest_charge.balance_transaction`, intent(), (api) => api.getIntent(PI)],
    [
      `POST /v1/payment_intents/${PI}/cancel`,
      intent({ status: 'canceled' }),
      (api) => api.cancelIntent(PI, 'abandoned'),
    ],
    ['POST /v1/refunds', refund(), (api) => api.createRefund({ payment_intent: PI }, 'key')],
    [`GET /v1/refunds?payment_intent=${PI}&limit=100`, listOf([refund()]), (api) => api.listRefunds(PI)],
    [`GET /v1/disputes?payment_intent=${PI}&limit=100`, listOf([dispute()]), (api) => api.listDisputes(PI)],
    [
      'GET /v1/charges?created[gte]=1795168800&limit=50&starting_after=ch_1',
      listOf([]),
      (api) => api.pageCharges({ since, after: 'ch_1', limit: 50 }),
    ],
    [
      'GET /v1/refunds?created[gte]=1795168800&limit=100&expand[0]=data.payment_intent',
      listOf([]),
      (api) => api.pageRefunds({ since, after: null, limit: 500 }),
    ],
  ])('is %s', async (line, body, call) => {
    stripe.ok(line.split('?')[0] ?? '', body);
    await call(makeApi());
    expect(stripe.lines()).toEqual([line]);
  });

  it('has our key, the version of the SDK and no telemetry', async () => {
    stripe.ok(`GET /v1/payment_intents/${PI}`, intent());
    await makeApi().getIntent(PI);
    await makeApi().getIntent(PI);
    for (const { headers } of stripe.calls) {
      expect(headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'stripe-version': '2026-10-28.endive' });
      expect(headers).not.toHaveProperty('x-stripe-client-telemetry');
    }
  });

  it.each<[string, (api: StripeApi, key: string) => Promise<unknown>, unknown]>([
    ['/v1/customers', (api, key) => api.createCustomer({}, key), { id: 'cus_1' }],
    ['/v1/checkout/sessions', (api, key) => api.openSession({}, key), session()],
    ['/v1/payment_intents', (api, key) => api.createIntent({ amount: 1, currency: 'jpy' }, key), intent()],
    ['/v1/refunds', (api, key) => api.createRefund({}, key), refund()],
  ])('that makes something (%s) carries our idempotency key', async (path, call, body) => {
    stripe.ok(`POST ${path}`, body);
    await call(makeApi(), 'ours:1');
    expect(stripe.calls[0]?.headers['idempotency-key']).toBe('ours:1');
  });

  it('follows a long list of refunds', async () => {
    stripe.ok('GET /v1/refunds', listOf([refund({ id: 're_1' })], true), listOf([refund({ id: 're_2' })]));
    expect((await makeApi().listRefunds(PI)).map(({ id }) => id)).toEqual(['re_1', 're_2']);
    expect(stripe.lines()[1]).toContain('starting_after=re_1');
  });

  it('finds no page where there is none', async () => {
    stripe.ok('GET /v1/checkout/sessions', listOf([]));
    expect(await makeApi().findSessionOf(PI)).toBeNull();
  });
});

describe('a call that fails', () => {
  const LINE = `GET /v1/payment_intents/${PI}`;
  const get = (change = {}) => makeApi(change).getIntent(PI);

  it.each<[string, Answer, [string, string]]>([
    ['a wrong key', refusal(401, { type: 'invalid_request_error' }), ['misconfigured', 'invalid_request_error']],
    [
      'an expired key',
      refusal(401, { type: 'invalid_request_error', code: 'api_key_expired' }),
      ['misconfigured', 'api_key_expired'],
    ],
    ['a missing right', refusal(403, { type: 'invalid_request_error' }), ['misconfigured', 'invalid_request_error']],
    [
      'too many calls',
      refusal(429, { type: 'invalid_request_error', code: 'rate_limit' }),
      ['unavailable', 'rate_limit'],
    ],
    ['a lock', refusal(429, { type: 'invalid_request_error', code: 'lock_timeout' }), ['unavailable', 'lock_timeout']],
    [
      'a key in use',
      refusal(409, { type: 'idempotency_error', code: 'idempotency_key_in_use' }),
      ['unavailable', 'idempotency_key_in_use'],
    ],
    ['a key used otherwise', refusal(400, { type: 'idempotency_error' }), ['invalid', 'idempotency_error']],
    ['an outage', refusal(503, { type: 'api_error' }), ['unavailable', 'api_error']],
    ['an outage in HTML', { status: 502, body: '<html>' }, ['unavailable', 'HTTP_NONE']],
    [
      'a wrong parameter',
      refusal(400, { type: 'invalid_request_error', code: 'parameter_unknown' }),
      ['invalid', 'parameter_unknown'],
    ],
    [
      'no such thing',
      refusal(404, { type: 'invalid_request_error', code: 'resource_missing' }),
      ['invalid', 'resource_missing'],
    ],
    ['a method not allowed', refusal(405, { type: 'invalid_request_error' }), ['invalid', 'invalid_request_error']],
    [
      'too little',
      refusal(400, { type: 'invalid_request_error', code: 'amount_too_small' }),
      ['declined', 'amount_too_small'],
    ],
    [
      'too much',
      refusal(400, { type: 'invalid_request_error', code: 'amount_too_large' }),
      ['declined', 'amount_too_large'],
    ],
    [
      'a declined card',
      refusal(402, { type: 'card_error', code: 'card_declined', decline_code: 'insufficient_funds' }),
      ['declined', 'insufficient_funds'],
    ],
    [
      'a stolen card',
      refusal(402, { type: 'card_error', code: 'card_declined', decline_code: 'stolen_card' }),
      ['declined', 'card_declined'],
    ],
    ['an expired card', refusal(402, { type: 'card_error', code: 'expired_card' }), ['declined', 'card_expired']],
    ['a word that is no code', refusal(400, { type: 'Taro Yamada' }), ['invalid', 'HTTP_400']],
    [
      'an answer of another form',
      { status: 200, body: { id: PI, status: 'succeeded' } },
      ['unavailable', 'UNREADABLE_ANSWER'],
    ],
  ])('for %s', async (_name, answer, failure) => {
    stripe.answer(LINE, answer);
    expect(await failureOf(get())).toEqual(failure);
    expect(stripe.calls).toHaveLength(1);
  });

  it.each<[string, Record<string, string>, number | undefined]>([
    ['in seconds', { 'retry-after': '7' }, 7],
    ['without', {}, undefined],
    ['with a date', { 'retry-after': 'Fri, 27 Nov 2026 10:00:00 GMT' }, undefined],
    ['with less than nothing', { 'retry-after': '-1' }, undefined],
  ])('says how long to wait (%s)', async (_name, headers, seconds) => {
    stripe.answer(LINE, refusal(429, { type: 'invalid_request_error', code: 'rate_limit' }, headers));
    expect(await errorOf(get())).toMatchObject({ failure: 'unavailable', retryAfterSeconds: seconds });
  });

  it.each<[string, Answer]>([
    ['breaks off', 'down'],
    ['says nothing', 'silent'],
  ])('when Stripe %s', async (_name, answer) => {
    stripe.answer(LINE, answer);
    expect(await failureOf(get({ timeoutMs: 200 }))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('when nobody is there', async () => {
    expect(await failureOf(get({ apiUrl: 'http://127.0.0.1:1' }))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('in every way of calling', async () => {
    const api = makeApi();
    expect(await failureOf(api.listRefunds(PI))).toEqual(['unavailable', 'not_arranged']);
    expect(await failureOf(api.pageCharges({ since, after: null, limit: 1 }))).toEqual(['unavailable', 'not_arranged']);
    stripe.ok('GET /v1/refunds', listOf([{ id: 're_1' }]));
    expect(await failureOf(api.listRefunds(PI))).toEqual(['unavailable', 'UNREADABLE_ANSWER']);
    expect(await failureOf(api.pageRefunds({ since, after: null, limit: 1 }))).toEqual([
      'unavailable',
      'UNREADABLE_ANSWER',
    ]);
  });

  it('tells neither what Stripe wrote nor our key', async () => {
    stripe.answer(LINE, refusal(402, { type: 'card_error', code: 'card_declined' }));
    const error = await errorOf(get());
    expect((error as Error).cause).toBeUndefined();
    expect(`${String(error)} ${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(
      /Taro|example\.jp|sk_test/,
    );
  });

  it('for a reason that is not Stripe’s is not taken for an answer', () => {
    expect(toProviderError(new TypeError('x'))).toMatchObject({ failure: 'unavailable', code: 'UNREADABLE_ANSWER' });
  });
});

describe('where Stripe is', () => {
  it.each(['https://127.0.0.1', 'http://127.0.0.1'])('may be %s, without a port', async (address) => {
    // Whoever may listen there is not Stripe: what matters is that the call went to this machine.
    const failure = await failureOf(makeApi({ apiUrl: address }).getIntent(PI));
    expect(failure).toMatchObject({ 0: 'unavailable' });
  });
});

describe('why a payment failed', () => {
  it.each([
    ['insufficient_funds', 'insufficient_funds'],
    ['expired_card', 'card_expired'],
    ['incorrect_cvc', 'card_data_wrong'],
    ['incorrect_number', 'card_data_wrong'],
    ['invalid_expiry_year', 'card_data_wrong'],
    ['authentication_required', 'authentication_failed'],
    ['card_velocity_exceeded', 'limit_exceeded'],
    ['withdrawal_count_limit_exceeded', 'limit_exceeded'],
    ['processing_error', 'processing_error'],
    ['issuer_not_available', 'processing_error'],
    ['generic_decline', 'card_declined'],
    ['fraudulent', 'card_declined'],
    ['do_not_honor', 'card_declined'],
    ['a_word_of_tomorrow', 'card_declined'],
    [undefined, 'card_declined'],
  ])('with the issuer’s %s is %s', (decline, failure) => {
    expect(toPaymentFailure({ code: 'card_declined', decline_code: decline }, 'card')).toBe(failure);
  });

  it('is read from the issuer’s word before Stripe’s', () => {
    expect(toPaymentFailure({ code: 'processing_error', decline_code: 'expired_card' }, null)).toBe('card_expired');
  });
});
