import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { type MerchantApi, makeMerchantApi } from './client.ts';

const SECRET = 'secret-key-that-must-not-show';
const PAYMENT_ID = '9007199254740995';
const TOKEN = '3B1DF3F1-7358-407C-B57F-0F6351310803';
const fixture = (name: string) => readFileSync(new URL(`fixtures/merchant-${name}.txt`, import.meta.url), 'utf8');

type Call = { line: string; headers: IncomingMessage['headers']; body: string };
const calls: Call[] = [];
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let apiUrl = '';
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const line = `${request.method} ${request.url}`;
    calls.push({ line, headers: request.headers, body: Buffer.concat(chunks).toString() });
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
  answer(fixture('status-paid'));
});

function answer(text: string, status = 200, headers: Record<string, string> = {}): void {
  respond = (_request, response) => response.writeHead(status, headers).end(text);
}
const makeApi = (options: { apiUrl?: string; timeoutMs?: number } = {}) =>
  makeMerchantApi({
    apiUrl,
    serviceId: '85335',
    merchantUserId: '123',
    secretKey: SECRET,
    clock: () => new Date('2018-02-19T14:39:03.999Z'),
    ...options,
  });
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (reason: unknown) => reason,
  );
const failureOf = async (work: Promise<unknown>) => {
  const error = await errorOf(work);
  return error instanceof ProviderError ? [error.failure, error.code] : error;
};

const CALLS: ReadonlyArray<readonly [string, (api: MerchantApi) => Promise<unknown>]> = [
  ['findPayment', (api) => api.findPayment('inv_1', '2026-11-20')],
  ['getPayment', (api) => api.getPayment(PAYMENT_ID)],
  ['reverse', (api) => api.reverse(PAYMENT_ID)],
  ['reversePart', (api) => api.reversePart(PAYMENT_ID, '100.00')],
  ['deleteCard', (api) => api.deleteCard(TOKEN)],
];

describe('a call', () => {
  it.each([
    [0, 'GET /v2/merchant/payment/status_by_mti/85335/inv_1/2026-11-20'],
    [1, `GET /v2/merchant/payment/status/85335/${PAYMENT_ID}`],
    [2, `DELETE /v2/merchant/payment/reversal/85335/${PAYMENT_ID}`],
    [3, `DELETE /v2/merchant/payment/partial_reversal/85335/${PAYMENT_ID}/100.00`],
    [4, `DELETE /v2/merchant/card_token/85335/${TOKEN}`],
  ])('%d has its address', async (index, line) => {
    await CALLS[index]?.[1](makeApi());
    expect(calls.map((call) => call.line)).toEqual([line]);
  });

  it.each(CALLS)('%s is signed with the seconds of our clock, asks for JSON and has no body', async (_name, call) => {
    await call(makeApi());
    const digest = createHash('sha1').update(`1519051143${SECRET}`).digest('hex');
    expect(calls[0]?.headers).toMatchObject({ auth: `123:${digest}:1519051143`, accept: 'application/json' });
    expect(calls[0]?.headers['content-length'] ?? '0').toBe('0');
  });

  it('escapes what it puts into an address', async () => {
    await makeApi().findPayment('a/../b?c#d e', '2026-11-20');
    expect(calls[0]?.line).toBe('GET /v2/merchant/payment/status_by_mti/85335/a%2F..%2Fb%3Fc%23d%20e/2026-11-20');
  });
});

describe('a card', () => {
  const auth = `123:${createHash('sha1').update(`1519051143${SECRET}`).digest('hex')}:1519051143`;
  const headers = { auth, accept: 'application/json', 'content-type': 'application/json' };

  it('is confirmed with the code of the SMS, a number as Click’s table has it', async () => {
    answer(fixture('card-verified'));
    const card = { token: TOKEN, brand: 'Uzcard', last4: '3244', expires: null };
    expect(await makeApi().verifyCard(TOKEN, '012345')).toEqual(card);
    const body = `{"service_id":85335,"card_token":"${TOKEN}","sms_code":12345}`;
    expect(calls).toMatchObject([{ line: 'POST /v2/merchant/card_token/verify', headers, body }]);
  });

  it.each([
    ['50000.00', '50000'],
    ['38400.50', '38400.5'],
    ['0.01', '0.01'],
    ['99999999.99', '99999999.99'],
  ])('is charged %s so’m, a number with the same digits', async (amount, written) => {
    answer(fixture('card-charged'));
    const charge = { token: TOKEN, amount, merchantTransId: 'inv_1' };
    expect(await makeApi().chargeCard(charge)).toEqual({ id: PAYMENT_ID, status: 1 });
    const body = `{"service_id":85335,"card_token":"${TOKEN}","amount":${written},"transaction_parameter":"inv_1"}`;
    expect(calls).toMatchObject([{ line: 'POST /v2/merchant/card_token/payment', headers, body }]);
  });

  it('is deleted, or that is refused with Click’s code', async () => {
    answer(fixture('card-deleted'));
    expect(await makeApi().deleteCard(TOKEN)).toBeUndefined();
    answer(fixture('refused'));
    expect(await failureOf(makeApi().deleteCard(TOKEN))).toEqual(['declined', '-500']);
  });
});

describe('a payment by its order', () => {
  it('comes with its id digit for digit', async () => {
    expect(await makeApi().findPayment('inv_1', '2026-11-20')).toEqual({ id: PAYMENT_ID, status: 2 });
  });

  it('is asked about once more when the answer has no status, as published samples have none', async () => {
    respond = (request, response) =>
      response.end(fixture(request.url?.includes('status_by_mti') ? 'status-by-order' : 'status-processing'));
    expect(await makeApi().findPayment('inv_1', '2026-11-20')).toEqual({ id: PAYMENT_ID, status: 1 });
    expect(calls.map((call) => call.line)).toEqual([
      'GET /v2/merchant/payment/status_by_mti/85335/inv_1/2026-11-20',
      `GET /v2/merchant/payment/status/85335/${PAYMENT_ID}`,
    ]);
  });

  it('is none when Click refuses to find it', async () => {
    answer(fixture('refused'));
    expect(await makeApi().findPayment('inv_1', '2026-11-20')).toBeNull();
  });
});

describe('what goes wrong', () => {
  it.each([
    [400, ['invalid', 'HTTP_400']],
    [401, ['misconfigured', 'HTTP_401']],
    [403, ['misconfigured', 'HTTP_403']],
    [404, ['misconfigured', 'HTTP_404']],
    [406, ['misconfigured', 'HTTP_406']],
    [410, ['misconfigured', 'HTTP_410']],
    [429, ['unavailable', 'HTTP_429']],
    [500, ['unavailable', 'HTTP_500']],
    [502, ['unavailable', 'HTTP_502']],
  ])('HTTP %d, with JSON, a page or nothing behind it', async (status, failure) => {
    for (const text of ['{"error_code":0}', '<html>down</html>', '']) {
      answer(text, status);
      for (const [, call] of CALLS.slice(0, 3)) expect(await failureOf(call(makeApi()))).toEqual(failure);
    }
  });

  it('a redirect is not followed', async () => {
    answer('{}', 302, { location: '/elsewhere' });
    expect(await failureOf(makeApi().getPayment('7'))).toEqual(['unavailable', 'HTTP_302']);
    expect(calls).toHaveLength(1);
  });

  it('says how long to wait where Click does', async () => {
    answer('{}', 429, { 'retry-after': '17' });
    expect(await errorOf(makeApi().getPayment('7'))).toMatchObject({ retryAfterSeconds: 17 });
  });

  it.each([
    ['a page', '<html>'],
    ['nothing', ''],
  ])('a success that is %s is no answer', async (_name, text) => {
    answer(text);
    expect(await failureOf(makeApi().reverse('7'))).toEqual(['unavailable', 'NO_ANSWER']);
  });

  it('no answer in time, a broken connection, nobody there', async () => {
    respond = () => undefined;
    expect(await failureOf(makeApi({ timeoutMs: 50 }).reverse('7'))).toEqual(['unavailable', 'NO_ANSWER']);
    respond = (request) => request.socket.destroy();
    expect(await failureOf(makeApi().reverse('7'))).toEqual(['unavailable', 'NO_ANSWER']);
    expect(await failureOf(makeApi({ apiUrl: 'http://127.0.0.1:1' }).reverse('7'))).toEqual([
      'unavailable',
      'NO_ANSWER',
    ]);
  });

  it('a refused reversal is declined with Click’s code', async () => {
    answer(fixture('refused'));
    expect(await failureOf(makeApi().reverse('7'))).toEqual(['declined', '-500']);
    expect(await failureOf(makeApi().reversePart('7', '1.00'))).toEqual(['declined', '-500']);
  });

  it('no error shows the secret, the note or a cause', async () => {
    const outcomes: Array<() => void> = [
      () => answer(fixture('refused')),
      () => answer(`{"error_code":-1,"error_note":"${SECRET}"}`),
      () => answer(SECRET, 401),
      () => answer(SECRET),
      () => {
        respond = (request) => request.socket.destroy();
      },
    ];
    for (const arrange of outcomes) {
      arrange();
      const error = await errorOf(makeApi().reverse('7'));
      expect(error).toBeInstanceOf(ProviderError);
      const shown = `${JSON.stringify(error, Object.getOwnPropertyNames(error))}`;
      expect(shown).not.toContain(SECRET);
      expect(shown).not.toContain('998901234567');
      expect((error as ProviderError).cause).toBeUndefined();
    }
  });
});

describe('a part given back', () => {
  const UNKNOWN = ['declined', 'PARTIAL_REVERSAL_OUTCOME_UNKNOWN'];

  it.each([
    ['an error of the server', () => answer('{}', 500)],
    ['a gateway that gave up', () => answer('<html>', 502)],
    ['an answer nobody can read', () => answer('{}')],
    ['no JSON', () => answer('')],
    [
      'a broken connection',
      () => {
        respond = (request) => request.socket.destroy();
      },
    ],
  ])('is not asked for again by itself after %s: it may be done, and twice is twice', async (_name, arrange) => {
    arrange();
    expect(await failureOf(makeApi().reversePart('7', '1.00'))).toEqual(UNKNOWN);
    expect(calls).toHaveLength(1);
  });

  it.each([
    [401, ['misconfigured', 'HTTP_401']],
    [400, ['invalid', 'HTTP_400']],
    [429, ['unavailable', 'HTTP_429']],
  ])('is surely not done after HTTP %d', async (status, failure) => {
    answer('{}', status);
    expect(await failureOf(makeApi().reversePart('7', '1.00'))).toEqual(failure);
  });
});
