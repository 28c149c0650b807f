import Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import type { AskedOrder, CheckoutRequest, RefundRequest } from '#domain/provider/request.ts';
import { makeStripe, type StripeOptions } from './adapter.ts';
import {
  ATTEMPT,
  CREATED,
  charge,
  dispute,
  event,
  INVOICE,
  intent,
  paymentMethod,
  refund,
  session,
  setupIntent,
  transferIntent,
} from './fixtures/objects.ts';
import { type Answer, listOf, makeLoopback, refusal } from './testing/loopback.ts';

const PI = 'pi_3SVhoshi0000000000000001';
const CS = 'cs_test_a1HoshiFixture000000000000000001';
const TOKEN = 'cus_HoshiFixture01/pm_1SVhoshi0000000000000009';
const REFUND = 'ref_01kb2v9d3h8mzq4x7c5n6t0r2y';
const now = new Date(CREATED * 1_000);
const stripe = makeLoopback();
let apiUrl = '';
beforeAll(async () => {
  apiUrl = await stripe.start();
});
afterAll(() => stripe.stop());
beforeEach(() => stripe.reset());

const makeProvider = (change: Partial<StripeOptions> = {}) =>
  makeStripe({
    secretKey: 'sk_test_fixture',
    apiUrl,
    secrets: { current: 'whsec_fixture', previous: null, onPrevious: () => undefined },
    bankCountry: 'DE',
    onOtherVersion: () => undefined,
    onFraudWarning: () => undefined,
    clock: () => now,
    ...change,
  });
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof ProviderError ? [error.failure, error.code] : error),
  );

const request: CheckoutRequest = {
  invoiceId: INVOICE,
  attemptId: ATTEMPT,
  method: 'credit_card',
  price: { amount: 999n, currency: 'USD' },
  title: 'Channels Starter',
  description: 'One month.',
  language: 'ja',
  renewalDays: null,
  chatId: 7_000_000_101n,
  returnUrl: 'https://hoshi.example/pay?invoice=1&x=ё',
  expiresAt: new Date(now.getTime() + 45 * 60_000),
  token: null,
};
const invalidRequest = refusal(400, { type: 'invalid_request_error' });

describe('what Stripe can do', () => {
  it('is three methods in three currencies, paid once', () => {
    const { accepts } = makeProvider();
    expect(accepts.map(({ currency, method }) => `${method} ${currency}`)).toEqual(
      ['credit_card', 'digital_wallet', 'bank_transfer'].flatMap((method) =>
        ['USD', 'EUR', 'JPY'].map((currency) => `${method} ${currency}`),
      ),
    );
    for (const { fee, maxAmount, renewalDays, surfaces } of accepts) {
      expect(fee).toMatchObject({ network: false, isKept: true });
      expect([maxAmount, renewalDays]).toEqual([{ oneTime: 99_999_999n, renewing: 0n }, []]);
      expect(surfaces).toEqual(['mini_app', 'bot', 'browser', 'api']);
    }
  });

  it.each([
    ['credit_card', 'USD', 290, 30n, 'medium', 1],
    ['credit_card', 'EUR', 290, 25n, 'medium', 1],
    ['credit_card', 'JPY', 360, 0n, 'medium', 1],
    ['digital_wallet', 'USD', 290, 30n, 'medium', 1],
    ['bank_transfer', 'USD', 0, 100n, 'low', 2_880],
    ['bank_transfer', 'EUR', 50, 0n, 'low', 2_880],
    ['bank_transfer', 'JPY', 360, 0n, 'low', 2_880],
  ])('%s in %s costs what the table says', (method, currency, bps, fixed, privacy, settlesInMinutes) => {
    const found = makeProvider().accepts.find((row) => row.method === method && row.currency === currency);
    expect(found).toMatchObject({ fee: { bps, fixed }, privacy, settlesInMinutes });
  });

  it('costs what a contract says instead', () => {
    const { accepts } = makeProvider({ fees: { credit_card: { JPY: { bps: 340, fixed: 5n } } } });
    expect(accepts.filter(({ fee }) => fee.bps === 340)).toMatchObject([{ method: 'credit_card', currency: 'JPY' }]);
  });

  it('is refunds in parts, holds of thirty days and no renewals', () => {
    const { id, refunds, reservations, reply, setRenewal } = makeProvider();
    expect([id, refunds, reservations]).toEqual(['stripe', 'parts', { lastMs: 2_592_000_000, lapseCode: null }]);
    expect(setRenewal).toBeUndefined();
    const inquiry = { type: 'look_up', inquiryId: '1', chargeId: '1' } as const;
    expect(reply(inquiry, { ok: true, reservation: null, reservations: [] })).toBeNull();
  });

  it.each([
    { current: '', previous: null },
    { current: 'whsec_fixture', previous: { secret: '', until: now } },
  ])('is nothing with an empty secret, which anyone can sign with', (secrets) => {
    const make = () => makeProvider({ secrets: { ...secrets, onPrevious: () => undefined } });
    expect(make).toThrow(new ProviderError('misconfigured', 'EMPTY_SECRET'));
  });
});

describe('a page for a card', () => {
  beforeEach(() => stripe.ok('POST /v1/checkout/sessions', session()));

  it('is asked for with the order and nothing about the person', async () => {
    expect(await makeProvider().createCheckout(request)).toEqual({
      url: 'https://checkout.stripe.com/c/pay/cs_test_a1HoshiFixture000000000000000001',
      reference: CS,
    });
    expect(stripe.lines()).toEqual(['POST /v1/checkout/sessions']);
    expect(stripe.calls[0]?.form).toEqual({
      mode: 'payment',
      ui_mode: 'hosted_page',
      'line_items[0][quantity]': '1',
      'line_items[0][price_data][currency]': 'usd',
      'line_items[0][price_data][unit_amount]': '999',
      'line_items[0][price_data][product_data][name]': 'Channels Starter',
      'line_items[0][price_data][product_data][description]': 'One month.',
      'allowed_payment_method_types[0]': 'card',
      'wallet_options[link][display]': 'never',
      'adaptive_pricing[enabled]': 'false',
      client_reference_id: INVOICE,
      'metadata[invoice]': INVOICE,
      'metadata[attempt]': ATTEMPT,
      'payment_intent_data[metadata][invoice]': INVOICE,
      'payment_intent_data[metadata][attempt]': ATTEMPT,
      'payment_intent_data[capture_method]': 'automatic',
      locale: 'ja',
      expires_at: String(CREATED + 45 * 60),
      success_url: 'https://hoshi.example/pay?invoice=1&x=ё',
      cancel_url: 'https://hoshi.example/pay?invoice=1&x=ё',
    });
    expect(stripe.calls[0]?.headers['idempotency-key']).toBe(`checkout:${ATTEMPT}`);
    expect(JSON.stringify(stripe.calls)).not.toContain('7000000101');
  });

  it('for ¥980 is asked for with 980', async () => {
    await makeProvider().createCheckout({ ...request, price: { amount: 980n, currency: 'JPY' } });
    expect(stripe.calls[0]?.form).toMatchObject({
      'line_items[0][price_data][currency]': 'jpy',
      'line_items[0][price_data][unit_amount]': '980',
    });
  });

  it('asked for twice by one try is the same request, also later', async () => {
    const soon = { ...request, expiresAt: new Date(now.getTime() + 30 * 60_000) };
    await makeProvider().createCheckout(soon);
    await makeProvider({ clock: () => new Date(now.getTime() + 20_000) }).createCheckout(soon);
    const [first, second] = stripe.calls;
    expect(second?.form).toEqual(first?.form);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });

  it.each([
    [60, 60],
    [31, 31],
    [30, 61],
    [5, 36],
    [3_000, 1_439],
  ])('for an order of %d minutes lives %d', async (order, page) => {
    await makeProvider().createCheckout({ ...request, expiresAt: new Date(now.getTime() + order * 60_000) });
    expect(stripe.calls[0]?.form['expires_at']).toBe(String(CREATED + page * 60));
  });

  it.each([
    ['ja', 'ja'],
    ['en', 'en'],
    ['en-GB', 'en'],
    ['ru', 'ru'],
    ['uz', 'auto'],
  ])('in %s speaks %s', async (language, locale) => {
    await makeProvider().createCheckout({ ...request, language });
    expect(stripe.calls[0]?.form['locale']).toBe(locale);
  });

  it('without a description sends none', async () => {
    await makeProvider().createCheckout({ ...request, description: '' });
    expect(Object.keys(stripe.calls[0]?.form ?? {}).filter((name) => name.includes('description'))).toEqual([]);
  });

  it.each<[string, Partial<CheckoutRequest>, [string, string]]>([
    ['another currency', { price: { amount: 100n, currency: 'UZS' } }, ['invalid', 'CURRENCY_NOT_TAKEN']],
    ['nothing', { price: { amount: 0n, currency: 'USD' } }, ['invalid', 'AMOUNT_NOT_TAKEN']],
    ['too much', { price: { amount: 100_000_000n, currency: 'USD' } }, ['invalid', 'AMOUNT_NOT_TAKEN']],
    ['another method', { method: 'cryptocurrency' }, ['invalid', 'METHOD_NOT_TAKEN']],
    ['a renewal', { renewalDays: 30 }, ['invalid', 'NO_RENEWALS']],
  ])('is not asked for with %s', async (_name, change, failure) => {
    expect(await failureOf(makeProvider().createCheckout({ ...request, ...change }))).toEqual(failure);
    expect(stripe.lines()).toEqual([]);
  });

  it('is refused where Stripe refuses the sum', async () => {
    stripe.answer(
      'POST /v1/checkout/sessions',
      refusal(400, { type: 'invalid_request_error', code: 'amount_too_small' }),
    );
    expect(await failureOf(makeProvider().createCheckout(request))).toEqual(['declined', 'amount_too_small']);
  });

  it('that has no address is no page', async () => {
    stripe.ok('POST /v1/checkout/sessions', session({ url: null }));
    expect(await failureOf(makeProvider().createCheckout(request))).toEqual(['unavailable', 'NO_PAGE']);
  });
});

describe('a page for another method', () => {
  beforeEach(() => {
    stripe.ok('POST /v1/checkout/sessions', session());
    stripe.ok('POST /v1/customers', { id: 'cus_order', object: 'customer' });
  });
  const partOf = (index: number, pattern: RegExp) =>
    Object.fromEntries(Object.entries(stripe.calls[index]?.form ?? {}).filter(([name]) => pattern.test(name)));

  it('for a wallet has cards too, which is how Apple Pay and Google Pay come', async () => {
    await makeProvider().createCheckout({ ...request, method: 'digital_wallet' });
    expect(stripe.lines()).toEqual(['POST /v1/checkout/sessions']);
    expect(Object.values(partOf(0, /^allowed_|^wallet_|^customer/))).toEqual([
      'card',
      'link',
      'amazon_pay',
      'cashapp',
      'paypay',
      'revolut_pay',
      'alipay',
    ]);
  });

  it.each([
    ['USD', ['customer_balance'], { type: 'us_bank_transfer' }],
    ['EUR', ['customer_balance'], { type: 'eu_bank_transfer', country: 'NL' }],
    ['JPY', ['customer_balance', 'konbini'], { type: 'jp_bank_transfer' }],
  ] as const)('for a transfer in %s has a customer for this order only', async (currency, types, { type, ...euro }) => {
    const transfer = { ...request, method: 'bank_transfer', price: { amount: 980n, currency } } as const;
    await makeProvider({ bankCountry: 'NL' }).createCheckout(transfer);
    expect(stripe.lines()).toEqual(['POST /v1/customers', 'POST /v1/checkout/sessions']);
    expect(stripe.calls[0]?.form).toEqual({ 'metadata[invoice]': INVOICE, 'metadata[attempt]': ATTEMPT });
    expect(stripe.calls[0]?.headers['idempotency-key']).toBe(`customer:${ATTEMPT}`);
    expect(Object.values(partOf(1, /^allowed_/))).toEqual(types);
    const options = 'payment_method_options[customer_balance]';
    expect(partOf(1, /^payment_method_options|^customer/)).toEqual({
      customer: 'cus_order',
      [`${options}[funding_type]`]: 'bank_transfer',
      [`${options}[bank_transfer][type]`]: type,
      ...('country' in euro ? { [`${options}[bank_transfer][eu_bank_transfer][country]`]: euro.country } : {}),
    });
  });
});

describe('a charge of a stored card', () => {
  const stored = { ...request, token: TOKEN };
  const CHARGE = 'POST /v1/payment_intents';
  /** `made`: the charges of this card that Stripe has before, and where it is asked again, afterwards. */
  const pay = (...made: ReadonlyArray<ReadonlyArray<unknown>>) => {
    stripe.ok('GET /v1/payment_intents', ...(made.length === 0 ? [[]] : made).map((rows) => listOf(rows)));
    return makeProvider().createCheckout(stored);
  };
  const sent = (line: string) => stripe.calls.filter((call) => call.line === line);

  it('is made at once', async () => {
    stripe.ok('POST /v1/payment_intents', intent());
    expect(await pay()).toEqual({ url: null, reference: PI });
    expect(sent(CHARGE)[0]?.form).toEqual({
      amount: '999',
      currency: 'usd',
      customer: 'cus_HoshiFixture01',
      payment_method: 'pm_1SVhoshi0000000000000009',
      'allowed_payment_method_types[0]': 'card',
      capture_method: 'automatic',
      confirm: 'true',
      return_url: stored.returnUrl,
      'metadata[invoice]': INVOICE,
      'metadata[attempt]': ATTEMPT,
    });
    expect(sent(CHARGE)[0]?.headers['idempotency-key']).toBe(`charge:${ATTEMPT}`);
    expect(stripe.lines()[0]).toBe('GET /v1/payment_intents?customer=cus_HoshiFixture01&limit=100');
  });

  it('may go on for a while', async () => {
    stripe.ok('POST /v1/payment_intents', intent({ status: 'processing', latest_charge: null }));
    expect(await pay()).toEqual({ url: null, reference: PI });
  });

  it('leads to the bank’s page where it wants to ask', async () => {
    const url = 'https://hooks.stripe.com/3d_secure_2/hosted?merchant=fixture';
    const action = { type: 'redirect_to_url', redirect_to_url: { url, return_url: stored.returnUrl } };
    stripe.ok(
      'POST /v1/payment_intents',
      intent({ status: 'requires_action', next_action: action, latest_charge: null }),
    );
    expect(await pay()).toEqual({ url, reference: PI });
  });

  it.each([
    ['the bank gave no page', null],
    ['its page needs a script', { type: 'use_stripe_sdk' }],
    ['its page has no address', { type: 'redirect_to_url', redirect_to_url: { url: null, return_url: null } }],
  ])('leads to Stripe’s page where %s', async (_name, action) => {
    stripe.ok(
      'POST /v1/payment_intents',
      intent({ status: 'requires_action', next_action: action, latest_charge: null }),
    );
    stripe.ok('POST /v1/checkout/sessions', session({ customer: 'cus_HoshiFixture01' }));
    expect(await pay()).toEqual({ url: session().url, reference: CS });
  });

  it('leads to Stripe’s page where the bank refused to go on without its customer', async () => {
    const asking = { type: 'card_error', code: 'authentication_required', decline_code: 'authentication_required' };
    stripe.answer('POST /v1/payment_intents', refusal(402, asking));
    stripe.ok('POST /v1/checkout/sessions', session({ customer: 'cus_HoshiFixture01' }));
    expect(await pay()).toEqual({ url: session().url, reference: CS });
    expect(sent('POST /v1/checkout/sessions')[0]?.form).toMatchObject({
      mode: 'payment',
      customer: 'cus_HoshiFixture01',
      'allowed_payment_method_types[0]': 'card',
      'saved_payment_method_options[allow_redisplay_filters][0]': 'always',
      'saved_payment_method_options[allow_redisplay_filters][1]': 'limited',
      'saved_payment_method_options[allow_redisplay_filters][2]': 'unspecified',
      'metadata[invoice]': INVOICE,
    });
    expect(sent('POST /v1/checkout/sessions')[0]?.headers['idempotency-key']).toBe(`checkout:${ATTEMPT}`);
  });

  it.each([
    ['requires_payment_method', { type: 'card_error', code: 'expired_card' }, 'card_expired'],
    ['requires_payment_method', null, 'card_declined'],
    ['canceled', null, 'card_declined'],
  ] as const)('that ends as %s is declined', async (status, error, code) => {
    stripe.ok('POST /v1/payment_intents', intent({ status, last_payment_error: error, latest_charge: null }));
    expect(await failureOf(pay())).toEqual(['declined', code]);
  });

  it('is declined by the issuer', async () => {
    const declined = { type: 'card_error', code: 'card_declined', decline_code: 'insufficient_funds' };
    stripe.answer('POST /v1/payment_intents', refusal(402, declined));
    expect(await failureOf(pay())).toEqual(['declined', 'insufficient_funds']);
  });

  it.each([
    ['succeeded', null],
    ['processing', null],
    ['requires_action', 'https://hooks.stripe.com/3d'],
  ] as const)('is not made again while one stands for the order: %s', async (status, url) => {
    const action = { type: 'redirect_to_url', redirect_to_url: { url, return_url: null } };
    const standing = intent({ status, latest_charge: null, ...(url === null ? {} : { next_action: action }) });
    expect(await pay([standing])).toEqual({ url, reference: PI });
    expect(sent(CHARGE)).toEqual([]);
  });

  it.each([
    ['of another order', intent({ metadata: { invoice: 'inv_other' } })],
    ['that was declined', intent({ status: 'requires_payment_method', latest_charge: null })],
    ['that was given up', intent({ status: 'canceled', latest_charge: null })],
  ])('is made beside one %s', async (_name, other) => {
    stripe.ok(CHARGE, intent());
    expect(await pay([other])).toEqual({ url: null, reference: PI });
    expect(sent(CHARGE)).toHaveLength(1);
  });

  it.each<[string, Answer]>([
    ['broke off', 'down'],
    ['was an error of Stripe’s', refusal(500, { type: 'api_error' })],
  ])('whose answer %s is looked for: made, not made, or nobody can say', async (_name, lost) => {
    stripe.answer(CHARGE, lost);
    expect(await pay([], [intent()])).toEqual({ url: null, reference: PI });
    expect(await failureOf(pay([], []))).toMatchObject(['unavailable', expect.any(String)]);
    stripe.answer('GET /v1/payment_intents', { status: 200, body: listOf([]) }, 'down');
    expect(await makeProvider().createCheckout(stored)).toEqual({ url: null, reference: null });
  });

  it('that Stripe turned away for its rate was not made', async () => {
    stripe.answer(CHARGE, refusal(429, { type: 'invalid_request_error', code: 'rate_limit' }));
    expect(await failureOf(pay([], [intent()]))).toEqual(['unavailable', 'rate_limit']);
  });

  it.each(['resource_missing', 'payment_method_unexpected_state'])(
    'that is gone at Stripe (%s) is a refused card',
    async (code) => {
      stripe.answer(CHARGE, refusal(400, { type: 'invalid_request_error', code }));
      expect(await failureOf(pay())).toEqual(['declined', 'card_declined']);
    },
  );

  it.each(['', 'pm_1', 'cus_1', 'cus_1/pm_', 'cus_1/pm_1/x', 'pm_1/cus_1', 'cus_1/../pm_1'])(
    'needs a token of ours: %s',
    async (token) => {
      expect(await failureOf(makeProvider().createCheckout({ ...request, token }))).toEqual([
        'declined',
        'TOKEN_UNKNOWN',
      ]);
      expect(stripe.lines()).toEqual([]);
    },
  );
});

describe('closing a checkout', () => {
  const close = (reference: string) => makeProvider().closeCheckout({ reference, voidsTransfer: false });
  const EXPIRE = `POST /v1/checkout/sessions/${CS}/expire`;
  const CANCEL = `POST /v1/payment_intents/${PI}/cancel`;

  it('expires a page, and cancels a charge that waits', async () => {
    stripe.ok(EXPIRE, session({ status: 'expired' }));
    stripe.ok(CANCEL, intent({ status: 'canceled' }));
    expect([await close(CS), await close(PI)]).toEqual(['closed', 'closed']);
    expect(stripe.lines()).toEqual([EXPIRE, CANCEL]);
    expect(stripe.calls[1]?.form).toEqual({ cancellation_reason: 'abandoned' });
  });

  it.each([
    ['closed', session({ status: 'expired' })],
    ['closed', session({ status: 'complete', payment_intent: intent({ status: 'canceled' }) })],
    ['closed', session({ status: 'complete', payment_intent: intent({ status: 'requires_payment_method' }) })],
    ['busy', session({ status: 'complete', payment_intent: intent() })],
    ['busy', session({ status: 'complete', payment_intent: intent({ status: 'processing' }) })],
    ['busy', session({ status: 'complete', payment_intent: transferIntent(980) })],
    ['busy', session({ status: 'open', payment_intent: intent({ status: 'processing' }) })],
    ['busy', session({ status: 'open', payment_intent: intent({ status: 'requires_payment_method' }) })],
    ['busy', session({ status: 'open' })],
    ['busy', session({ status: 'complete', payment_intent: PI })],
  ])('that Stripe refuses is %s, by what the page says', async (outcome, page) => {
    stripe.answer(EXPIRE, invalidRequest);
    stripe.ok(`GET /v1/checkout/sessions/${CS}`, page);
    expect(await close(CS)).toBe(outcome);
  });

  it.each([
    ['closed', 'canceled'],
    ['closed', 'requires_payment_method'],
    ['busy', 'succeeded'],
    ['busy', 'processing'],
  ])('that Stripe refuses is %s for a charge that is %s', async (outcome, status) => {
    stripe.answer(CANCEL, refusal(400, { type: 'invalid_request_error', code: 'payment_intent_unexpected_state' }));
    stripe.ok(`GET /v1/payment_intents/${PI}`, intent({ status }));
    expect(await close(PI)).toBe(outcome);
  });

  it('is not known to be done while Stripe is away', async () => {
    for (const line of [EXPIRE, CANCEL]) stripe.answer(line, refusal(503, { type: 'api_error' }));
    expect(await failureOf(close(CS))).toEqual(['unavailable', 'api_error']);
    expect(await failureOf(close(PI))).toEqual(['unavailable', 'api_error']);
  });
});

describe('messages', () => {
  const body = event('charge.succeeded', charge());
  const read = (change: Partial<StripeOptions>, payload = body) =>
    makeProvider(change).read(
      {
        method: 'POST',
        headers: {
          'stripe-signature': new Stripe('sk_test_x').webhooks.generateTestHeaderString({
            payload,
            secret: 'whsec_fixture',
            timestamp: CREATED,
          }),
        },
        body: Buffer.from(payload),
        remoteAddress: null,
      },
      now,
    );

  it.each([
    ['sk_test_1', 'hint'],
    ['rk_test_1', 'hint'],
    ['sk_live_1', 'ignored'],
    ['rk_live_1', 'ignored'],
    ['key_of_tomorrow', 'hint'],
  ])('of the test mode, with %s: %s', (secretKey, kind) => {
    expect(read({ secretKey })).toMatchObject({ kind });
  });

  it('are read alike when they were kept, and their version is heard once', () => {
    const heard: string[] = [];
    const old = event('charge.succeeded', charge(), { api_version: '2026-03-25.dahlia' });
    const provider = { onOtherVersion: (version: string) => void heard.push(version) };
    const reading = read(provider, old);
    expect(makeProvider(provider).readStored(Buffer.from(old), now)).toEqual(reading);
    expect(heard).toEqual(['2026-03-25.dahlia']);
  });

  it('are heard once also where they warn of fraud', () => {
    const heard: string[] = [];
    const object = { object: 'radar.early_fraud_warning', charge: 'ch_1' };
    const provider = makeProvider({ onFraudWarning: (chargeId) => void heard.push(chargeId) });
    const body = event('radar.early_fraud_warning.created', object);
    expect(provider.readStored(Buffer.from(body), now)).toEqual(read({ onFraudWarning: (id) => heard.push(id) }, body));
    expect(heard).toEqual(['ch_1']);
  });
});

describe('asking about an order', () => {
  const order: AskedOrder = { invoiceId: INVOICE, reference: CS, chargeId: null, createdAt: now, reservation: null };
  const find = (change: Partial<AskedOrder> = {}) => makeProvider().find({ ...order, ...change });
  const typesOf = async (change: Partial<AskedOrder> = {}) => (await find(change)).map(({ type }) => type);
  const nothingElse = () => {
    stripe.ok('GET /v1/refunds', listOf([]));
    stripe.ok('GET /v1/disputes', listOf([]));
  };

  it('by its page takes one call until it is paid', async () => {
    stripe.ok(`GET /v1/checkout/sessions/${CS}`, session());
    expect(await find()).toEqual([]);
    expect(stripe.calls).toHaveLength(1);
  });

  it('by its page has payment, refunds and disputes', async () => {
    stripe.ok(`GET /v1/checkout/sessions/${CS}`, session({ status: 'complete', payment_intent: intent() }));
    stripe.ok('GET /v1/refunds', listOf([refund()]));
    stripe.ok('GET /v1/disputes', listOf([dispute()]));
    expect(await typesOf()).toEqual(['payment_succeeded', 'payment_refunded', 'payment_disputed']);
    expect(stripe.calls).toHaveLength(3);
  });

  it('by a page whose payment came unexpanded asks for that', async () => {
    stripe.ok(`GET /v1/checkout/sessions/${CS}`, session({ status: 'complete', payment_intent: PI }));
    stripe.ok(`GET /v1/payment_intents/${PI}`, intent());
    nothingElse();
    expect(await typesOf()).toEqual(['payment_succeeded']);
  });

  it.each<[string, Partial<AskedOrder>]>([
    ['its charge', { chargeId: PI }],
    ['its charge, of which no order is known', { chargeId: PI, invoiceId: null, reference: null }],
    ['a charge that is its checkout', { reference: PI }],
    [
      'the hold that stands for it',
      { reference: null, reservation: { chargeId: PI, reference: null, price: { amount: 999n, currency: 'USD' } } },
    ],
  ])('may be by %s', async (_name, change) => {
    stripe.ok(`GET /v1/payment_intents/${PI}`, intent());
    nothingElse();
    expect(await typesOf(change)).toEqual(['payment_succeeded']);
  });

  it('by a page does not ask about the hold of an older one', async () => {
    stripe.ok(`GET /v1/checkout/sessions/${CS}`, session({ status: 'complete', payment_intent: intent() }));
    nothingElse();
    const held = { chargeId: 'pi_older', reference: null, price: { amount: 999n, currency: 'USD' } } as const;
    expect(await typesOf({ reservation: held })).toEqual(['payment_succeeded']);
  });

  it('by a charge that failed looks whether its page is open', async () => {
    const failed = { type: 'card_error', code: 'card_declined' } as const;
    const tried = intent({ status: 'requires_payment_method', last_payment_error: failed, latest_charge: null });
    stripe.ok(`GET /v1/payment_intents/${PI}`, tried);
    stripe.ok('GET /v1/checkout/sessions', listOf([session({ payment_intent: PI })]), listOf([]));
    expect(await find({ chargeId: PI })).toMatchObject([{ type: 'payment_failed', isFinal: false }]);
    expect(await find({ chargeId: PI })).toMatchObject([{ type: 'payment_failed', isFinal: true }]);
  });

  it('of another’s has nothing for us', async () => {
    stripe.ok(`GET /v1/payment_intents/${PI}`, intent({ metadata: {} }));
    nothingElse();
    expect(await find({ chargeId: PI, invoiceId: null, reference: null })).toEqual([]);
  });

  it('that has no id at Stripe asks nothing', async () => {
    expect(await find({ reference: null })).toEqual([]);
    expect(stripe.calls).toHaveLength(0);
  });

  it('is not answered by "nothing" while Stripe is away', async () => {
    stripe.answer(`GET /v1/checkout/sessions/${CS}`, 'down');
    expect(await failureOf(find())).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('the list', () => {
  const list = (cursor: string | null, limit = 2) => makeProvider().listTransactions({ since: now, cursor, limit });

  it('has charges first, then refunds, then disputes, page by page', async () => {
    const others = charge({ id: 'ch_2', metadata: {} });
    stripe.ok('GET /v1/charges', listOf([charge(), others], true), listOf([charge({ id: 'ch_3' })]));
    const ours = refund({ payment_intent: intent() });
    stripe.ok('GET /v1/refunds', listOf([ours], true), listOf([]));
    const disputes = [
      dispute({ payment_intent: intent() }),
      dispute({ payment_intent: intent(), status: 'lost' }),
      dispute({ payment_intent: intent(), status: 'warning_needs_response' }),
      dispute({ payment_intent: intent({ metadata: {} }) }),
      dispute(),
    ];
    stripe.ok('GET /v1/disputes', listOf(disputes));
    const pages = [];
    for (let cursor: string | null = null, page = 0; page === 0 || cursor !== null; page += 1) {
      const answer = await list(cursor);
      pages.push([answer.rows.map((row) => row?.direction ?? null), answer.next, answer.resume]);
      cursor = answer.next;
    }
    expect(pages).toEqual([
      [['charge', null], 'charges:ch_2', null],
      [['charge'], 'refunds:', null],
      [['refund'], 'refunds:re_3SVhoshi0000000000000001', null],
      [[], 'disputes:', null],
      [['dispute', 'dispute_end', null, null, null], null, null],
    ]);
    expect(stripe.lines().map((line) => line.replace(`created[gte]=${CREATED}&limit=2`, 'since'))).toEqual([
      'GET /v1/charges?since',
      'GET /v1/charges?since&starting_after=ch_2',
      'GET /v1/refunds?since&expand[0]=data.payment_intent',
      'GET /v1/refunds?since&starting_after=re_3SVhoshi0000000000000001&expand[0]=data.payment_intent',
      'GET /v1/disputes?since&expand[0]=data.payment_intent',
    ]);
  });

  it.each(['', 'x', 'charges', 'payouts:po_1', 'charges:../x'])('has no cursor %s', async (cursor) => {
    expect(await failureOf(list(cursor))).toEqual(['invalid', 'CURSOR_UNKNOWN']);
  });
});

describe('a refund', () => {
  const asked: RefundRequest = {
    refundId: REFUND,
    chargeId: PI,
    reference: null,
    invoiceId: INVOICE,
    payerId: 7_000_000_101n,
    amount: { amount: 400n, currency: 'USD' },
    isWhole: false,
    isRepeat: false,
    known: [],
    paidAt: now,
  };
  const give = () => makeProvider().refund(asked);
  const RE = 're_3SVhoshi0000000000000001';
  beforeEach(() => stripe.ok('GET /v1/refunds', listOf([])));

  it('is asked for by charge, sum and our id', async () => {
    stripe.ok('POST /v1/refunds', refund({ amount: 400 }));
    expect(await give()).toEqual({ status: 'done', reference: RE, claimUrl: null });
    expect(stripe.calls[1]?.form).toEqual({ payment_intent: PI, amount: '400', 'metadata[refund]': REFUND });
    expect(stripe.calls[1]?.headers['idempotency-key']).toBe(`refund:${REFUND}`);
  });

  it.each([
    ['succeeded', 'done'],
    ['pending', 'pending'],
    ['requires_action', 'pending'],
    ['a_status_of_tomorrow', 'pending'],
    [null, 'pending'],
  ])('that is %s is %s', async (status, answered) => {
    stripe.ok('POST /v1/refunds', refund({ status }));
    expect(await give()).toMatchObject({ status: answered, reference: RE });
  });

  it.each([
    ['failed', 'declined', 'declined'],
    ['failed', undefined, 'failed'],
    ['canceled', undefined, 'canceled'],
  ])('that is %s at once was declined', async (status, reason, code) => {
    stripe.ok('POST /v1/refunds', refund({ status, ...(reason ? { failure_reason: reason } : {}) }));
    expect(await failureOf(give())).toEqual(['declined', code]);
  });

  it('that was asked for before is that one, however long ago', async () => {
    stripe.ok('GET /v1/refunds', listOf([refund({ id: 're_other', metadata: {} }), refund({ status: 'pending' })]));
    expect(await give()).toEqual({ status: 'pending', reference: RE, claimUrl: null });
    expect(stripe.lines()).toEqual([`GET /v1/refunds?payment_intent=${PI}&limit=100`]);
  });

  it('of what was given back in the Dashboard is done', async () => {
    const byHand = refund({ id: 're_by_hand', amount: 400, metadata: {} });
    stripe.ok('GET /v1/refunds', listOf([]), listOf([refund({ id: 're_no', status: 'failed' }), byHand]));
    stripe.answer('POST /v1/refunds', refusal(400, { type: 'invalid_request_error', code: 'charge_already_refunded' }));
    expect(await give()).toEqual({ status: 'done', reference: 're_by_hand', claimUrl: null });
  });

  it.each([
    ['another sum', { amount: 1, metadata: {} }],
    ['another refund of ours', { amount: 400, metadata: { refund: 'ref_other' } }],
  ])('of which %s was given back is declined: what Stripe has is asked for and booked as it is', async (_name, row) => {
    stripe.ok('GET /v1/refunds', listOf([]), listOf([refund({ id: 're_by_hand', ...row })]));
    stripe.answer('POST /v1/refunds', refusal(400, { type: 'invalid_request_error', code: 'charge_already_refunded' }));
    expect(await failureOf(give())).toEqual(['declined', 'charge_already_refunded']);
  });

  it.each([
    ['charge_already_refunded', ['declined', 'charge_already_refunded']],
    ['charge_disputed', ['declined', 'charge_disputed']],
    ['balance_insufficient', ['declined', 'balance_insufficient']],
    ['parameter_invalid_integer', ['declined', 'parameter_invalid_integer']],
  ])('that Stripe refuses (%s) is declined', async (code, failure) => {
    stripe.answer('POST /v1/refunds', refusal(400, { type: 'invalid_request_error', code }));
    expect(await failureOf(give())).toEqual(failure);
  });

  it('is not known to be done while Stripe is away', async () => {
    stripe.answer('POST /v1/refunds', 'down');
    expect(await failureOf(give())).toEqual(['unavailable', 'NO_ANSWER']);
  });
});

describe('stored cards', () => {
  const { storedMethods } = makeProvider({ apiUrl: 'http://127.0.0.1:1' });
  const cards = () => makeProvider().storedMethods;
  const begun = {
    id: 'pme_1',
    pageUrl: 'https://hoshi.example/cards',
    returnUrl: 'https://hoshi.example/cards?back=secret',
    language: 'uz',
  };
  const confirm = (reference: string | null = CS) => cards().confirm({ reference, token: null, code: null });
  const setup = (change: Parameters<typeof session>[0] = {}) =>
    stripe.ok(
      `GET /v1/checkout/sessions/${CS}`,
      session({
        mode: 'setup',
        status: 'complete',
        customer: 'cus_HoshiFixture01',
        setup_intent: setupIntent(),
        ...change,
      }),
    );

  it('are credit cards for every currency', () => {
    expect([storedMethods.method, storedMethods.currencies]).toEqual(['credit_card', ['USD', 'EUR', 'JPY']]);
  });

  it('begin on a page, with a customer of their own', async () => {
    stripe.ok('POST /v1/customers', { id: 'cus_card' });
    stripe.ok('POST /v1/checkout/sessions', session({ mode: 'setup' }));
    expect(await cards().begin(begun)).toEqual({ url: session().url, reference: CS, client: null });
    expect(stripe.calls.map(({ form, headers }) => [form, headers['idempotency-key']])).toEqual([
      [{ 'metadata[method]': 'pme_1' }, 'method-customer:pme_1'],
      [
        {
          mode: 'setup',
          ui_mode: 'hosted_page',
          customer: 'cus_card',
          'allowed_payment_method_types[0]': 'card',
          'wallet_options[link][display]': 'never',
          'metadata[method]': 'pme_1',
          'setup_intent_data[metadata][method]': 'pme_1',
          locale: 'auto',
          success_url: 'https://hoshi.example/cards?back=secret',
          cancel_url: 'https://hoshi.example/cards',
        },
        'method:pme_1',
      ],
    ]);
  });

  it('do not begin without a page', async () => {
    stripe.ok('POST /v1/customers', { id: 'cus_card' });
    stripe.ok('POST /v1/checkout/sessions', session({ mode: 'setup', url: null }));
    stripe.ok('DELETE /v1/customers/cus_card', { id: 'cus_card', deleted: true });
    expect(await failureOf(cards().begin(begun))).toEqual(['unavailable', 'NO_PAGE']);
    expect(stripe.lines().at(-1)).toBe('DELETE /v1/customers/cus_card');
  });

  it('leave no customer at Stripe when their page ran out', async () => {
    setup({ status: 'expired' });
    stripe.ok('DELETE /v1/customers/cus_HoshiFixture01', { id: 'cus_HoshiFixture01', deleted: true });
    expect(await failureOf(confirm())).toEqual(['declined', 'checkout_expired']);
    expect(stripe.lines().at(-1)).toBe('DELETE /v1/customers/cus_HoshiFixture01');
  });

  it('are known by brand, last digits and month', async () => {
    setup();
    expect(await confirm()).toEqual({ token: TOKEN, brand: 'visa', last4: '4242', expires: '2030-04' });
    expect(stripe.lines()).toEqual([`GET /v1/checkout/sessions/${CS}?expand[0]=setup_intent.payment_method`]);
  });

  it.each([
    ['the page is open', { status: 'open', setup_intent: null }],
    ['it is being looked at', { setup_intent: setupIntent({ status: 'processing' }) }],
  ] as const)('are not known while %s', async (_name, change) => {
    setup(change);
    expect(await confirm()).toBeNull();
  });

  it.each<[string, Parameters<typeof session>[0], [string, string]]>([
    ['the page ran out', { status: 'expired', customer: null }, ['declined', 'checkout_expired']],
    [
      'the card was refused',
      {
        setup_intent: setupIntent({
          status: 'requires_payment_method',
          last_setup_error: { type: 'card_error', code: 'expired_card' },
        }),
      },
      ['declined', 'card_expired'],
    ],
    ['it was cancelled', { setup_intent: setupIntent({ status: 'canceled' }) }, ['declined', 'card_declined']],
    [
      'it is no card',
      {
        setup_intent: setupIntent({ payment_method: { ...paymentMethod({ type: 'link' }), card: undefined } as never }),
      },
      ['declined', 'NOT_A_CARD'],
    ],
    ['nobody has it', { customer: null }, ['unavailable', 'UNREADABLE_ANSWER']],
    ['it was not expanded', { setup_intent: 'seti_1' }, ['unavailable', 'UNREADABLE_ANSWER']],
    [
      'its card was not expanded',
      { setup_intent: setupIntent({ payment_method: 'pm_1' }) },
      ['unavailable', 'UNREADABLE_ANSWER'],
    ],
  ])('are none when %s', async (_name, change, failure) => {
    setup(change);
    expect(await failureOf(confirm())).toEqual(failure);
  });

  it('are asked for by their page', async () => {
    expect(await failureOf(confirm(null))).toEqual(['invalid', 'REFERENCE_NEEDED']);
  });

  it('are forgotten with their customer, also twice', async () => {
    const DETACH = 'POST /v1/payment_methods/pm_1SVhoshi0000000000000009/detach';
    const DELETE = 'DELETE /v1/customers/cus_HoshiFixture01';
    stripe.answer(DETACH, { status: 200, body: { id: 'pm_1' } }, invalidRequest);
    const gone = refusal(404, { type: 'invalid_request_error', code: 'resource_missing' });
    stripe.answer(DELETE, { status: 200, body: { id: 'cus_1', deleted: true } }, gone);
    await cards().remove(TOKEN);
    await cards().remove(TOKEN);
    expect(stripe.lines()).toEqual([DETACH, DELETE, DETACH, DELETE]);
  });

  it('are not forgotten when Stripe does not say so', async () => {
    stripe.ok('POST /v1/payment_methods/pm_1SVhoshi0000000000000009/detach', { id: 'pm_1' });
    stripe.answer('DELETE /v1/customers/cus_HoshiFixture01', invalidRequest);
    expect(await failureOf(cards().remove(TOKEN))).toEqual(['invalid', 'invalid_request_error']);
  });

  it('are not known to be forgotten while Stripe is away', async () => {
    expect(await failureOf(cards().remove(TOKEN))).toEqual(['unavailable', 'not_arranged']);
    expect(await failureOf(cards().remove('nothing'))).toEqual(['declined', 'TOKEN_UNKNOWN']);
  });
});
