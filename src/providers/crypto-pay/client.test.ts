import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { type CryptoPayApi, makeCryptoPayApi } from './client.ts';

const TOKEN = '12345:AAtoken-that-must-not-show';
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');
const ok = (result: string) => `{"ok":true,"result":${result}}`;
const items = (...rows: string[]) => ok(`{"items":[${rows.join(',')}]}`);

type Call = { line: string; headers: IncomingMessage['headers']; body: unknown };
const calls: Call[] = [];
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let apiUrl = '';
const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => {
    calls.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: JSON.parse(text) });
    respond(request, response);
  });
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
  calls.length = 0;
});

function answer(text: string, status = 200, headers: Record<string, string> = {}): void {
  respond = (_request, response) => response.writeHead(status, headers).end(text);
}
const makeApi = (options: { apiUrl?: string; timeoutMs?: number } = {}) =>
  makeCryptoPayApi({ apiUrl, token: TOKEN, ...options });
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (reason: unknown) => reason,
  );
const failureOf = async (work: Promise<unknown>) => {
  const error = await errorOf(work);
  return error instanceof ProviderError ? [error.failure, error.code] : error;
};

type Asked = readonly [string, (api: CryptoPayApi) => Promise<unknown>, unknown, string];
const CALLS: ReadonlyArray<Asked> = [
  ['createInvoice', (api) => api.createInvoice({ amount: '1' }), { amount: '1' }, ok(fixture('invoice-active'))],
  ['deleteInvoice', (api) => api.deleteInvoice('528890'), { invoice_id: 528_890 }, ok('true')],
  ['getInvoices', (api) => api.findInvoice('528890'), { invoice_ids: '528890', count: 1 }, items()],
  ['getInvoices', (api) => api.listInvoices(['7', '8']), { invoice_ids: '7,8', count: 2 }, items()],
  ['getInvoices', (api) => api.listPaidInvoices(20, 10), { status: 'paid', offset: 20, count: 10 }, items()],
  ['transfer', (api) => api.transfer({ spend_id: 'ref_1' }), { spend_id: 'ref_1' }, ok(fixture('transfer'))],
  ['getTransfers', (api) => api.findTransfer('ref_1'), { spend_id: 'ref_1', count: 1 }, items()],
  ['getTransfers', (api) => api.listTransfers(20, 10), { offset: 20, count: 10 }, items()],
];

describe('a call', () => {
  it.each(CALLS)('%s has its address, token and body', async (method, call, body, text) => {
    answer(text);
    await call(makeApi());
    expect(calls.map((made) => [made.line, made.body])).toEqual([[`POST /api/${method}`, body]]);
    expect(calls[0]?.headers).toMatchObject({ 'crypto-pay-api-token': TOKEN, 'content-type': 'application/json' });
  });

  it.each(CALLS)('%s does not take an answer of another form for its own', async (_method, call) => {
    for (const text of ['{"ok":true}', ok('{"items":[{}]}'), ok('"yes"'), ok('false')]) {
      answer(text);
      expect(await failureOf(call(makeApi()))).toEqual(['unavailable', 'UNREADABLE_ANSWER']);
    }
  });
});

describe('a look-up', () => {
  it('takes only what it asked for', async () => {
    answer(items(fixture('invoice-coin-priced'), fixture('invoice-settled')));
    expect(await makeApi().findInvoice('528890')).toMatchObject({ invoice_id: 528_890, status: 'paid' });
    expect(await makeApi().findInvoice('7')).toBeNull();
    answer(items(fixture('transfer')));
    expect(await makeApi().findTransfer('ref_01kb2v')).toMatchObject({ transfer_id: 7_701 });
    expect(await makeApi().findTransfer('ref_other')).toBeNull();
    answer(items(fixture('transfer').replace('"spend_id":"ref_01kb2v",', '')));
    expect(await makeApi().findTransfer('ref_01kb2v')).toMatchObject({ transfer_id: 7_701 });
    expect(await makeApi().findTransfer('ref_other')).toBeNull();
    answer(items());
    expect([await makeApi().findInvoice('528890'), await makeApi().findTransfer('ref_1')]).toEqual([null, null]);
  });
});

describe('what goes wrong', () => {
  it.each([
    [400, ['invalid', 'HTTP_400']],
    [401, ['misconfigured', 'HTTP_401']],
    [403, ['misconfigured', 'HTTP_403']],
    [404, ['misconfigured', 'HTTP_404']],
    [405, ['misconfigured', 'HTTP_405']],
    [429, ['unavailable', 'HTTP_429']],
    [500, ['unavailable', 'HTTP_500']],
    [502, ['unavailable', 'HTTP_502']],
  ])('HTTP %d, with JSON, a page or nothing behind it', async (status, failure) => {
    for (const text of ['{}', '<html>down</html>', '']) {
      answer(text, status);
      for (const [, call] of CALLS) expect(await failureOf(call(makeApi()))).toEqual(failure);
    }
  });

  it('a refusal is known by its name, and says how long to wait', async () => {
    answer('{"ok":false,"error":{"code":400,"name":"EXPIRES_IN_INVALID"}}', 400);
    expect(await failureOf(makeApi().createInvoice({}))).toEqual(['invalid', 'EXPIRES_IN_INVALID']);
    answer('{"ok":false,"error":{"code":429,"name":"TOO_MANY_REQUESTS"}}', 429, { 'retry-after': '17' });
    expect(await errorOf(makeApi().createInvoice({}))).toMatchObject({
      failure: 'unavailable',
      code: 'TOO_MANY_REQUESTS',
      retryAfterSeconds: 17,
    });
  });

  it('a redirect is not followed', async () => {
    answer('{}', 302, { location: '/elsewhere' });
    expect(await failureOf(makeApi().findInvoice('7'))).toEqual(['unavailable', 'HTTP_302']);
    expect(calls).toHaveLength(1);
  });

  it.each(['<html>', ''])('a success that is no JSON is no answer: "%s"', async (text) => {
    answer(text);
    expect(await failureOf(makeApi().transfer({}))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('no answer in time, a broken connection, nobody there', async () => {
    respond = () => undefined;
    expect(await failureOf(makeApi({ timeoutMs: 50 }).findInvoice('7'))).toEqual(['unavailable', 'NO_ANSWER']);
    respond = (request) => request.socket.destroy();
    expect(await failureOf(makeApi().findInvoice('7'))).toEqual(['unavailable', 'NO_ANSWER']);
    const nobody = makeApi({ apiUrl: 'http://127.0.0.1:1' });
    expect(await failureOf(nobody.findInvoice('7'))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('no error shows the token or a cause', async () => {
    const outcomes: Array<() => void> = [
      () => answer(`{"ok":false,"error":{"code":400,"name":"${TOKEN}"}}`, 400),
      () => answer(TOKEN, 401),
      () => answer(TOKEN),
      () => {
        respond = (request) => request.socket.destroy();
      },
    ];
    for (const arrange of outcomes) {
      arrange();
      const error = await errorOf(makeApi().findInvoice('7'));
      expect(error).toBeInstanceOf(ProviderError);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(TOKEN);
      expect((error as ProviderError).cause).toBeUndefined();
    }
  });
});
