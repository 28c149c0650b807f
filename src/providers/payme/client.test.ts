import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { makeSubscribeApi, type SubscribeApi } from './client.ts';
import cardsCheck from './fixtures/cards-check.json';
import cardsRemove from './fixtures/cards-remove.json';
import receiptsCancel from './fixtures/receipts-cancel.json';
import receiptsCreate from './fixtures/receipts-create.json';
import receiptsGet from './fixtures/receipts-get.json';
import receiptsPay from './fixtures/receipts-pay.json';

const KEY = 'key-that-must-not-show';
const { token } = cardsCheck.request.params;
const { id } = receiptsPay.request.params;

const calls: Array<{ line: string; headers: IncomingMessage['headers']; body: unknown }> = [];
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let apiUrl = '';
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    calls.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    respond(request, response);
  });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  calls.length = 0;
});

function answer(body: unknown, status = 200, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  respond = (_request, response) => response.writeHead(status, headers).end(text);
}
const refusal = (code: number, message = 'refused') => ({
  jsonrpc: '2.0',
  id: 1,
  error: { code, message, data: null },
});
const makeApi = (options: { apiUrl?: string; timeoutMs?: number } = {}) =>
  makeSubscribeApi({ apiUrl, merchantId: '587f72c72cac0d162c722ae2', key: KEY, ...options });
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (reason: unknown) => reason,
  );
const failureOf = async (work: Promise<unknown>) => {
  const error = await errorOf(work);
  return error instanceof ProviderError ? [error.failure, error.code] : error;
};

const order = { amount: 50_000_000n, invoiceId: 'inv_01jd4q3v7k8m9n0p1q2r3s4t5v', description: 'Basic.' };
const CALLS: ReadonlyArray<
  readonly [string, { request: unknown; answer: unknown }, (api: SubscribeApi) => Promise<unknown>, unknown]
> = [
  [
    'checkCard',
    cardsCheck,
    (api) => api.checkCard(token),
    { token: `${token}_newest`, brand: 'Uzcard', last4: '6311', expires: '2099-03' },
  ],
  ['removeCard', cardsRemove, (api) => api.removeCard(token), undefined],
  ['createReceipt', receiptsCreate, (api) => api.createReceipt(order), { _id: id, state: 0 }],
  ['payReceipt', receiptsPay, (api) => api.payReceipt(id, token), { _id: id, state: 4 }],
  [
    'getReceipt',
    receiptsGet,
    (api) => api.getReceipt(id),
    expect.objectContaining({ _id: id, state: 4, amount: 50_000_000, pay_time: 1_795_168_812_000 }),
  ],
  ['cancelReceipt', receiptsCancel, (api) => api.cancelReceipt(id), { _id: id, state: 21 }],
];

describe('a call', () => {
  it.each(CALLS)('%s is the documented request, and its answer is read', async (_name, fixture, call, result) => {
    answer(fixture.answer);
    expect(await call(makeApi())).toEqual(result);
    expect(calls.map(({ body, line }) => ({ body, line }))).toEqual([{ line: 'POST /api', body: fixture.request }]);
    expect(calls[0]?.headers).toMatchObject({
      'x-auth': `587f72c72cac0d162c722ae2:${KEY}`,
      'content-type': 'application/json',
    });
  });

  it.each(CALLS)('%s takes no answer that it cannot read', async (_name, _fixture, call) => {
    for (const body of [{}, [], { result: null }, { result: {} }, { error: 'no' }, { result: { receipt: {} } }]) {
      answer(body);
      expect(await failureOf(call(makeApi()))).toEqual(['unavailable', expect.stringMatching(/^UNREADABLE_/)]);
    }
  });
});

describe('a token that is removed', () => {
  it('may have been forgotten before', async () => {
    answer(refusal(-31400));
    expect(await makeApi().removeCard(token)).toBeUndefined();
  });

  it('is not when Payme says another thing', async () => {
    answer(refusal(-31002));
    expect(await failureOf(makeApi().removeCard(token))).toEqual(['declined', '-31002']);
    answer({ result: { success: false } });
    expect(await failureOf(makeApi().removeCard(token))).toEqual(['unavailable', 'UNREADABLE_ANSWER']);
  });
});

describe('what goes wrong', () => {
  it.each([
    [-32504, 'misconfigured'],
    [-31601, 'misconfigured'],
    [-32300, 'invalid'],
    [-32600, 'invalid'],
    [-32601, 'invalid'],
    [-32602, 'invalid'],
    [-32700, 'invalid'],
    [-31602, 'invalid'],
    [-31610, 'invalid'],
    [-32400, 'unavailable'],
    [-31400, 'declined'],
    [-31050, 'declined'],
    [-1, 'declined'],
  ])('%d is %s', async (code, failure) => {
    answer(refusal(code));
    expect(await failureOf(makeApi().payReceipt(id, token))).toEqual([failure, String(code)]);
  });

  it.each([
    [400, ['invalid', 'HTTP_400']],
    [401, ['misconfigured', 'HTTP_401']],
    [403, ['misconfigured', 'HTTP_403']],
    [404, ['misconfigured', 'HTTP_404']],
    [429, ['unavailable', 'HTTP_429']],
    [500, ['unavailable', 'HTTP_500']],
    [502, ['unavailable', 'HTTP_502']],
  ])('HTTP %d, with JSON, a page or nothing behind it', async (status, failure) => {
    for (const text of [JSON.stringify(cardsCheck.answer), '<html>down</html>', '']) {
      answer(text, status);
      expect(await failureOf(makeApi().checkCard(token))).toEqual(failure);
    }
  });

  it('says how long to wait where Payme does', async () => {
    answer({}, 429, { 'retry-after': '17' });
    expect(await errorOf(makeApi().getReceipt(id))).toMatchObject({ retryAfterSeconds: 17 });
  });

  it('no answer in time, a page, a broken connection, nobody there', async () => {
    const NO_ANSWER = ['unavailable', 'NO_ANSWER'];
    respond = () => undefined;
    expect(await failureOf(makeApi({ timeoutMs: 50 }).payReceipt(id, token))).toEqual(NO_ANSWER);
    answer('<html>');
    expect(await failureOf(makeApi().checkCard(token))).toEqual(NO_ANSWER);
    respond = (request) => request.socket.destroy();
    expect(await failureOf(makeApi().checkCard(token))).toEqual(NO_ANSWER);
    expect(await failureOf(makeApi({ apiUrl: 'http://127.0.0.1:1' }).checkCard(token))).toEqual(NO_ANSWER);
  });

  it('no error shows the key, the token, the message or a cause', async () => {
    const outcomes: Array<() => void> = [
      () => answer(refusal(-31300, `${KEY} ${token}`)),
      () => answer(KEY, 401),
      () => answer(KEY),
      () => {
        respond = (request) => request.socket.destroy();
      },
    ];
    for (const arrange of outcomes) {
      arrange();
      const error = await errorOf(makeApi().checkCard(token));
      expect(error).toBeInstanceOf(ProviderError);
      const shown = JSON.stringify(error, Object.getOwnPropertyNames(error));
      expect(shown).not.toContain(KEY);
      expect(shown).not.toContain(token);
      expect((error as ProviderError).cause).toBeUndefined();
    }
  });
});
