import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { type GreenfieldApi, makeGreenfieldApi } from './client.ts';

const API_KEY = 'key-that-must-not-show';
const changed = (name: string, change: Record<string, unknown>) =>
  JSON.stringify({ ...JSON.parse(fixture(name)), ...change });
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');

type Call = { line: string; headers: IncomingMessage['headers']; body: string };
const calls: Call[] = [];
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let url = '';
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    calls.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    respond(request, response);
  });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  calls.length = 0;
});

function answer(text: string, status = 200, headers: Record<string, string> = {}): void {
  respond = (_request, response) => response.writeHead(status, headers).end(text);
}
const makeApi = (options: { url?: string; timeoutMs?: number } = {}) =>
  makeGreenfieldApi({ url, storeId: 's1', apiKey: API_KEY, ...options });
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (reason: unknown) => reason,
  );
const failureOf = async (work: Promise<unknown>) => {
  const error = await errorOf(work);
  return error instanceof ProviderError ? [error.failure, error.code] : error;
};

type Asked = readonly [string, string, (api: GreenfieldApi) => Promise<unknown>, string, object | null];
const SINCE = new Date(1_795_163_400_999);
const CALLS: ReadonlyArray<Asked> = [
  [
    'POST /api/v1/stores/s1/invoices',
    'an invoice',
    (api) => api.createInvoice({ amount: '1' }),
    fixture('invoice'),
    { amount: '1' },
  ],
  ['GET /api/v1/stores/s1/invoices/i1', 'one invoice', (api) => api.findInvoice('i1'), fixture('invoice'), null],
  [
    'GET /api/v1/stores/s1/invoices?orderId=inv_1&includeArchived=true',
    'those of an order',
    (api) => api.listInvoicesOf('inv_1'),
    `[${fixture('invoice')}]`,
    null,
  ],
  [
    'GET /api/v1/stores/s1/invoices?startDate=1795163400&includeArchived=true&includePaymentMethods=true&skip=20&take=10',
    'the list',
    (api) => api.listInvoicesSince(SINCE, 20, 10),
    '[]',
    null,
  ],
  [
    'GET /api/v1/stores/s1/invoices/i1/payment-methods?onlyAccountedPayments=false',
    'payments',
    (api) => api.listPayments('i1'),
    fixture('payment-methods'),
    null,
  ],
  [
    'POST /api/v1/stores/s1/invoices/i1/status',
    'an end',
    (api) => api.markInvalid('i1'),
    fixture('invoice'),
    { status: 'Invalid' },
  ],
  [
    'POST /api/v1/stores/s1/invoices/i1/refund',
    'a refund',
    (api) => api.refund('i1', { refundVariant: 'Fiat' }),
    fixture('pull-payment'),
    { refundVariant: 'Fiat' },
  ],
  ['GET /api/v1/pull-payments/p1', 'an offer', (api) => api.findPullPayment('p1'), fixture('pull-payment'), null],
  [
    'GET /api/v1/stores/s1/pull-payments?includeArchived=true',
    'all offers',
    (api) => api.listPullPayments(),
    `[${fixture('pull-payment')}]`,
    null,
  ],
  [
    'GET /api/v1/pull-payments/p1/payouts?includeCancelled=true',
    'what was paid of one',
    (api) => api.listPayouts('p1'),
    fixture('payouts'),
    null,
  ],
];

describe('a call', () => {
  it.each(CALLS)('%s asks for %s', async (line, _name, call, text, body) => {
    answer(text);
    await call(makeApi());
    expect(calls.map((made) => made.line)).toEqual([line]);
    expect(calls[0]?.headers).toMatchObject({ authorization: `token ${API_KEY}` });
    expect(calls[0]?.body).toBe(body === null ? '' : JSON.stringify(body));
  });

  it.each(CALLS)('%s does not take an answer of another form for its own', async (_line, _name, call) => {
    for (const text of ['null', '{"id":7}', '[{}]', '"yes"']) {
      answer(text);
      expect(await failureOf(call(makeApi()))).toEqual(['unavailable', 'UNREADABLE_ANSWER']);
    }
  });

  it('escapes what it puts into an address', async () => {
    answer(fixture('invoice'));
    await makeApi().findInvoice('a/../b?c#d e');
    expect(calls[0]?.line).toBe('GET /api/v1/stores/s1/invoices/a%2F..%2Fb%3Fc%23d%20e');
  });

  it('has the payments of all methods in one list', async () => {
    answer(fixture('payment-methods'));
    expect(await makeApi().listPayments('i1')).toEqual([
      { receivedDate: new Date(1_795_164_000_000), status: 'Settled' },
      { receivedDate: new Date(1_795_164_600_000), status: 'Settled' },
    ]);
  });

  it('knows what is not there from a wrong address', async () => {
    answer('{"code":"invoice-not-found","message":"x"}', 404);
    expect(await makeApi().findInvoice('i1')).toBeNull();
    expect(await failureOf(makeApi().findPullPayment('p1'))).toEqual(['misconfigured', 'invoice-not-found']);
    answer('{"code":"pullpayment-not-found","message":"x"}', 404);
    expect(await makeApi().findPullPayment('p1')).toBeNull();
    answer('{"code":"store-not-found"}', 404);
    expect(await failureOf(makeApi().findInvoice('i1'))).toEqual(['misconfigured', 'store-not-found']);
  });
});

describe('what goes wrong', () => {
  it.each([
    [400, ['invalid', 'HTTP_400']],
    [401, ['misconfigured', 'HTTP_401']],
    [403, ['misconfigured', 'HTTP_403']],
    [404, ['misconfigured', 'HTTP_404']],
    [422, ['invalid', 'HTTP_422']],
    [429, ['unavailable', 'HTTP_429']],
    [500, ['unavailable', 'HTTP_500']],
    [502, ['unavailable', 'HTTP_502']],
  ])('HTTP %d, with JSON, a page or nothing behind it', async (status, failure) => {
    for (const text of ['{}', '<html>down</html>', '']) {
      answer(text, status);
      for (const [, , call] of CALLS) expect(await failureOf(call(makeApi()))).toEqual(failure);
    }
  });

  it('what does not fit is named by its path, and a wait is told', async () => {
    answer('[{"path":"checkout.defaultLanguage","message":"does not exist"}]', 422);
    expect(await failureOf(makeApi().createInvoice({}))).toEqual(['invalid', 'invalid-checkout_defaultLanguage']);
    answer('{}', 429, { 'retry-after': '17' });
    expect(await errorOf(makeApi().createInvoice({}))).toMatchObject({ retryAfterSeconds: 17 });
  });

  it('a list of offers is read to its end, or is none: it has no pages', async () => {
    const list = (megabytes: number) =>
      `[${fixture('pull-payment')},${changed('pull-payment', { description: 'x'.repeat(megabytes * 1_000_000) })}]`;
    answer(list(31));
    expect(await makeApi().listPullPayments()).toHaveLength(2);
    answer(list(33));
    expect(await failureOf(makeApi().listPullPayments())).toEqual(['misconfigured', 'TOO_MANY_PULL_PAYMENTS']);
    answer(list(5));
    expect(await failureOf(makeApi().listPayouts('p1'))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('a redirect is not followed', async () => {
    answer('', 302, { location: '/elsewhere' });
    expect(await failureOf(makeApi().findInvoice('i1'))).toEqual(['unavailable', 'HTTP_302']);
    expect(calls).toHaveLength(1);
  });

  it.each(['<html>', ''])('a success that is no JSON is no answer: "%s"', async (text) => {
    answer(text);
    expect(await failureOf(makeApi().refund('i1', {}))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('no answer in time, a broken connection, nobody there', async () => {
    respond = () => undefined;
    expect(await failureOf(makeApi({ timeoutMs: 50 }).findInvoice('i1'))).toEqual(['unavailable', 'NO_ANSWER']);
    respond = (request) => request.socket.destroy();
    expect(await failureOf(makeApi().findInvoice('i1'))).toEqual(['unavailable', 'NO_ANSWER']);
    const nobody = makeApi({ url: 'http://127.0.0.1:1' });
    expect(await failureOf(nobody.findInvoice('i1'))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('no error shows the key, a sentence or a cause', async () => {
    const outcomes: Array<() => void> = [
      () => answer(`{"code":"Key ${API_KEY}","message":"${API_KEY}"}`, 400),
      () => answer(`[{"path":"amount","message":"${API_KEY}"}]`, 422),
      () => answer(API_KEY, 401),
      () => answer(API_KEY),
      () => {
        respond = (request) => request.socket.destroy();
      },
    ];
    for (const arrange of outcomes) {
      arrange();
      const error = await errorOf(makeApi().findInvoice('i1'));
      expect(error).toBeInstanceOf(ProviderError);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(API_KEY);
      expect((error as ProviderError).cause).toBeUndefined();
    }
  });
});
