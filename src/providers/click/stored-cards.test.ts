import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import type { AskedOrder, CheckoutRequest } from '#domain/provider/request.ts';
import { type ClickOptions, makeClick } from './adapter.ts';

const INVOICE = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
const TOKEN = '3B1DF3F1-7358-407C-B57F-0F6351310803';
const PAYMENT_ID = '9007199254740995';
const now = new Date('2026-11-20T10:00:05Z');
const merchant = (name: string) => readFileSync(new URL(`fixtures/merchant-${name}.txt`, import.meta.url), 'utf8');

/** What every call is answered: a text, an HTTP status, or a connection that breaks. */
let said: string | number | 'down' = '';
let lines: string[] = [];
let apiUrl = '';
const server = createServer((request, response) => {
  lines.push(`${request.method} ${request.url}`);
  if (said === 'down') return void request.socket.destroy();
  response.writeHead(typeof said === 'number' ? said : 200).end(typeof said === 'number' ? '' : said);
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  said = '{"error_code":-1,"error_note":"not arranged"}';
  lines = [];
});

const make = (change: Partial<ClickOptions> = {}) =>
  makeClick({
    serviceId: '85335',
    merchantId: '4321',
    merchantUserId: '123',
    checkoutUrl: 'https://my.click.uz',
    apiUrl,
    secrets: { current: 'click-fixture-secret', previous: null, onPrevious: () => undefined },
    clock: () => now,
    feeBps: 200,
    storedCards: true,
    ...change,
  });
const failureOf = (work: Promise<unknown> | undefined) =>
  Promise.resolve(work).then(
    (value) => value,
    (error: unknown) => (error instanceof ProviderError ? [error.failure, error.code] : error),
  );
const request: CheckoutRequest = {
  invoiceId: INVOICE,
  attemptId: 'att_1',
  method: 'credit_card',
  price: { amount: 3_840_050n, currency: 'UZS' },
  title: 'Line Basic',
  description: 'Basic.',
  language: 'uz',
  renewalDays: null,
  chatId: null,
  returnUrl: 'https://hoshi.example/paid',
  expiresAt: now,
  token: TOKEN,
};

const BEGUN = { id: 'stm_1', pageUrl: 'https://hoshi.example', returnUrl: 'https://hoshi.example', language: 'uz' };

describe('a service that may not charge cards', () => {
  it('stores none and charges none', async () => {
    const provider = make({ storedCards: false });
    expect(provider.storedMethods).toBeUndefined();
    expect(await failureOf(provider.createCheckout(request))).toEqual(['invalid', 'NO_STORED_CARDS']);
    expect(lines).toEqual([]);
  });
});

describe('storing a card', () => {
  const confirm = (code: string | null = '123456', token: string | null = TOKEN) =>
    failureOf(make().storedMethods?.confirm({ reference: null, token, code }));
  const remove = () => failureOf(make().storedMethods?.remove(TOKEN));

  it('is begun by nobody: the browser asks for a token by the number of the service', async () => {
    const { storedMethods } = make();
    expect(storedMethods).toMatchObject({ method: 'credit_card', currencies: ['UZS'] });
    expect(await storedMethods?.begin(BEGUN)).toEqual({
      url: null,
      reference: null,
      client: { endpoint: `${apiUrl}/v2/merchant/card_token/request`, publicId: '85335' },
    });
    expect(lines).toEqual([]);
  });

  it('is confirmed with the code of the SMS', async () => {
    said = merchant('card-verified');
    expect(await confirm()).toEqual({ token: TOKEN, brand: 'Uzcard', last4: '3244', expires: null });
    expect(lines).toEqual(['POST /v2/merchant/card_token/verify']);
  });

  it('is refused for a wrong code, and not even asked without one', async () => {
    said = merchant('refused');
    expect(await confirm()).toEqual(['declined', '-500']);
    expect(await confirm(null)).toEqual(['declined', 'CODE_MALFORMED']);
    expect(await confirm('1', null)).toEqual(['declined', 'TOKEN_MALFORMED']);
    expect(lines).toHaveLength(1);
  });

  it('is undone at Click, also when it was before', async () => {
    said = merchant('card-deleted');
    expect(await remove()).toBeUndefined();
    said = merchant('refused');
    expect(await remove()).toBeUndefined();
    const line = `DELETE /v2/merchant/card_token/85335/${TOKEN}`;
    expect(lines).toEqual([line, line]);
  });

  it('is not undone while Click does not answer, or not to us', async () => {
    said = 'down';
    expect(await remove()).toEqual(['unavailable', 'NO_ANSWER']);
    said = 401;
    expect(await remove()).toEqual(['misconfigured', 'HTTP_401']);
  });
});

describe('charging a stored card', () => {
  const charge = (change: Partial<CheckoutRequest> = {}) => failureOf(make().createCheckout({ ...request, ...change }));

  it('names the payment, with which it can be asked about', async () => {
    said = merchant('card-charged');
    expect(await charge()).toEqual({ url: null, reference: PAYMENT_ID });
    expect(lines).toEqual(['POST /v2/merchant/card_token/payment']);
  });

  it('may have no status yet', async () => {
    said = `{"error_code":0,"error_note":"Success","payment_id":${PAYMENT_ID}}`;
    expect(await charge()).toEqual({ url: null, reference: PAYMENT_ID });
  });

  it.each([
    ['{"error_code":-5017,"error_note":"funds"}', 'insufficient_funds'],
    ['{"error_code":-9,"error_note":"Transaction cancelled"}', 'processing_error'],
    [merchant('refused'), 'card_declined'],
    [merchant('status-reversed'), 'card_declined'],
  ])('that Click refuses is declined: %s', async (text, failure) => {
    said = text;
    expect(await charge()).toEqual(['declined', failure]);
  });

  it.each(['down', 500, 502, '<html>', '{}', '{"error_code":0}'])(
    'is not tried elsewhere after %j: it may be done',
    async (text) => {
      said = text;
      expect(await charge()).toEqual({ url: null, reference: null });
      expect(lines).toHaveLength(1);
    },
  );

  it.each([
    [429, ['unavailable', 'HTTP_429']],
    [400, ['invalid', 'HTTP_400']],
    [401, ['misconfigured', 'HTTP_401']],
  ])('is surely not done after HTTP %d', async (status, failure) => {
    said = status;
    expect(await charge()).toEqual(failure);
  });

  it('is no call for another currency', async () => {
    expect(await charge({ price: { amount: 999n, currency: 'USD' } })).toEqual(['invalid', 'CURRENCY_NOT_UZS']);
    expect(lines).toEqual([]);
  });
});

describe('asking about a charge', () => {
  const price = { amount: 3_840_050n, currency: 'UZS' } as const;
  const order: AskedOrder = {
    invoiceId: INVOICE,
    reference: PAYMENT_ID,
    chargeId: null,
    createdAt: now,
    reservation: { chargeId: '9007199254740993', reference: PAYMENT_ID, price },
  };
  const find = (change: Partial<AskedOrder> = {}) => failureOf(make().find?.({ ...order, ...change }));
  const UNMATCHED = ['invalid', 'UNMATCHED_PAYMENT'];

  it('that Click prepared tells of it by the number of the attempt', async () => {
    said = merchant('status-paid');
    expect(await find()).toMatchObject([
      { type: 'payment_succeeded', eventId: `payment:${PAYMENT_ID}`, chargeId: '9007199254740993', paid: price },
    ]);
    expect(lines).toEqual([`GET /v2/merchant/payment/status/85335/${PAYMENT_ID}`]);
  });

  it('that is paid and was not prepared is an error, not silence', async () => {
    said = merchant('status-paid');
    expect(await find({ reservation: null })).toEqual(UNMATCHED);
    const reservation = { chargeId: '9007199254740993', reference: null, price };
    expect(await find({ reservation })).toEqual(UNMATCHED);
  });

  it('of an order that is held for another payment asks about the order', async () => {
    said = merchant('status-paid').replace(PAYMENT_ID, '9007199254740996');
    const reservation = { chargeId: '9007199254740998', reference: '9007199254740996', price };
    expect(await find({ reservation })).toMatchObject([{ chargeId: '9007199254740998', paid: price }]);
    expect(lines).toEqual([`GET /v2/merchant/payment/status_by_mti/85335/${INVOICE}/2026-11-20`]);
    said = merchant('status-paid');
    expect(await find({ reservation })).toEqual(UNMATCHED);
  });

  it.each(['status-processing', 'status-by-order'])('that is not over tells nothing: %s', async (name) => {
    said = merchant(name);
    expect(await find()).toEqual([]);
  });

  it('that failed is over, unless money is known: then it may be the refund', async () => {
    said = merchant('status-reversed');
    expect(await find()).toMatchObject([{ type: 'payment_failed', chargeId: null, isFinal: true }]);
    expect(await find({ chargeId: '9007199254740993' })).toEqual([]);
  });

  it('fails when Click cannot be asked', async () => {
    said = 'down';
    expect(await find()).toEqual(['unavailable', 'NO_ANSWER']);
  });
});
