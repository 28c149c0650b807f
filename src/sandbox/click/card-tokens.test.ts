import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimTraffic } from '../control.ts';
import type { SimClickCard, SimClickPayment } from '../control-payme-click.ts';
import { completeOptions } from '../options.ts';
import { Bench } from '../test-bench.ts';
import { refuse, TestMerchant } from './test-merchant.ts';

const { clickSecretKey, clickServiceId, clickMerchantUserId } = completeOptions({});
const CARDS = {
  uzcard: '8600120000000011',
  humo: '9860120000000022',
  poor: '8600120000005176',
  blocked: '8600120000003015',
  lostAnswer: '9860120000005039',
  noSms: '8600120000004047',
};

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

type Answer = { status: number; headers: Headers; body: Record<string, unknown> };

async function signed(): Promise<Record<string, string>> {
  const time = Math.floor((await bench.state()).nowMs / 1000);
  const digest = createHash('sha1').update(`${time}${clickSecretKey}`).digest('hex');
  return { auth: `${clickMerchantUserId}:${digest}:${time}` };
}

async function send(verb: string, path: string, fields: object | null, headers: object = {}): Promise<Answer> {
  const response = await fetch(`${bench.sandbox.url}/click/v2/merchant/card_token${path}`, {
    method: verb,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    ...(fields === null ? {} : { body: JSON.stringify({ service_id: Number(clickServiceId), ...fields }) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

async function post(path: string, fields: object): Promise<Answer['body']> {
  return (await send('POST', path, fields, await signed())).body;
}

async function request(number = CARDS.uzcard, temporary = 0): Promise<string> {
  const card = { card_number: number, expire_date: '1299', temporary };
  return String((await send('POST', '/request', card)).body['card_token']);
}

/** A verified token. */
async function store(number?: string, temporary?: number): Promise<string> {
  const token = await request(number, temporary);
  expect(await post('/verify', { card_token: token, sms_code: '12345' })).toMatchObject({ error_code: 0 });
  return token;
}

function pay(token: string, more: object = {}): Promise<Answer['body']> {
  return post('/payment', { card_token: token, amount: 500, transaction_parameter: '197', ...more });
}

async function remove(token: string): Promise<Answer['body']> {
  return (await send('DELETE', `/${clickServiceId}/${token}`, null, await signed())).body;
}

const cards = (): Promise<SimClickCard[]> => bench.sim('GET', '/click/cards');
const payments = (): Promise<SimClickPayment[]> => bench.sim('GET', '/click/payments');

describe('a card token', () => {
  it('is asked for by a page without Auth, also from another origin, or by a server with it', async () => {
    const card = { card_number: CARDS.uzcard, expire_date: '1299', temporary: 0 };
    const { status, headers, body } = await send('POST', '/request', card, { origin: 'https://app.example' });
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(body).toEqual({
      ...{ error_code: 0, error_note: 'Success', temporary: 0 },
      ...{ card_token: expect.stringMatching(/^[0-9A-F-]{36}$/), phone_number: '99890*****31' },
    });
    expect((await send('POST', '/request', card, await signed())).body).toMatchObject({ error_code: 0 });
    expect((await send('POST', '/request', card, { auth: '90003:0:1700000000' })).status).toBe(401);
    expect(await cards()).toHaveLength(2);
  });

  it('may be preflighted for the request alone', async () => {
    const preflight = (path: string): Promise<Response> =>
      fetch(`${bench.sandbox.url}/click/v2/merchant/card_token${path}`, { method: 'OPTIONS' });
    const allowed = await preflight('/request');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('*');
    expect(allowed.headers.get('access-control-allow-headers')).toContain('Content-Type');
    expect((await preflight('/payment')).headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([
    ['an unknown number', { card_number: '8600000000000000', expire_date: '1299' }],
    ['a wrong expiry', { card_number: CARDS.uzcard, expire_date: '0130' }],
    ['a card without SMS', { card_number: CARDS.noSms, expire_date: '1299' }],
  ])('is not given for %s', async (_what, card) => {
    const { status, body } = await send('POST', '/request', card);
    expect(status).toBe(200);
    expect(body['error_code']).toBeLessThan(0);
    expect(body).not.toHaveProperty('card_token');
  });

  it('is verified by the code, three tries at most', async () => {
    const token = await request();
    const verify = (code: string): Promise<Answer['body']> => post('/verify', { card_token: token, sms_code: code });
    expect((await verify('1'))['error_code']).toBeLessThan(0);
    expect(await verify('12345')).toEqual({ error_code: 0, error_note: 'Success', card_number: '860012******0011' });
    const other = await request();
    for (const code of ['1', '2', '3']) await post('/verify', { card_token: other, sms_code: code });
    expect(await post('/verify', { card_token: other, sms_code: '12345' })).toMatchObject({
      error_note: 'Too many attempts',
    });
  });

  it('is signed for by everything else, and of this service', async () => {
    const token = await store();
    const payment = { card_token: token, amount: 500, transaction_parameter: '197' };
    expect((await send('POST', '/payment', payment)).status).toBe(401);
    expect((await send('POST', '/verify', { card_token: token, sms_code: '12345' })).status).toBe(401);
    expect((await send('DELETE', `/${clickServiceId}/${token}`, null)).status).toBe(401);
    expect((await send('DELETE', `/1/${token}`, null, await signed())).status).toBe(403);
    expect((await send('POST', '/payment', { ...payment, service_id: 1 }, await signed())).status).toBe(403);
    expect((await send('POST', '/payment', { card_token: token }, await signed())).status).toBe(400);
    expect((await send('GET', '/payment', null, await signed())).status).toBe(403);
    expect(merchant.calls).toEqual([]);
  });

  it('can be deleted', async () => {
    const token = await store();
    expect(await remove(token)).toEqual({ error_code: 0, error_note: 'Success' });
    expect((await remove(token))['error_code']).toBeLessThan(0);
    expect((await pay(token))['error_code']).toBeLessThan(0);
    expect(await cards()).toEqual([]);
  });
});

describe('a payment by token', () => {
  it('is prepared and completed like one from the pay page', async () => {
    const token = await store(CARDS.humo);
    const answer = await pay(token);
    const [payment] = await payments();
    expect(answer).toEqual({
      ...{ error_code: 0, error_note: 'Success', payment_id: Number(payment?.click_paydoc_id), payment_status: 2 },
    });
    expect(payment).toMatchObject({
      ...{ status: 'paid', merchant_trans_id: '197', amount: '500', card_type: 'humo', complaints: [] },
      card_number: '986012******0022',
    });
    expect(merchant.calls.map((call) => call['action'])).toEqual(['0', '1']);
    expect(merchant.calls[0]).toMatchObject({ merchant_trans_id: '197', amount: '500', error: '0' });
  });

  it.each([38_400.5, '38400.50'])('names its amount in soʻm, as a number or a text: %s', async (amount) => {
    const answer = await pay(await store(), { amount, transaction_parameter: '198' });
    expect(answer).toMatchObject({ error_code: 0, payment_status: 2 });
    expect(merchant.calls[0]?.['amount']).toBe(String(amount));
  });

  it.each([0, -500, 1.005, 'much'])('is refused with the amount %s', async (amount) => {
    expect((await pay(await store(), { amount }))['error_code']).toBeLessThan(0);
    expect(await payments()).toEqual([]);
  });

  it('needs a verified card', async () => {
    expect((await pay(await request()))['error_code']).toBeLessThan(0);
    expect(merchant.calls).toEqual([]);
  });

  it('takes a temporary token with it', async () => {
    const token = await store(CARDS.uzcard, 1);
    expect(await pay(token)).toMatchObject({ payment_status: 2 });
    expect((await pay(token, { transaction_parameter: '198' }))['error_note']).toBe('Card token not found');
  });

  it.each([
    ['poor', -5017],
    ['blocked', -1],
  ] as const)('by the test card %s is declined with %i', async (card, code) => {
    expect(await pay(await store(CARDS[card]))).toMatchObject({ error_code: code });
    expect(merchant.named('Complete').map((call) => call['error'])).toEqual([String(code)]);
    expect(await payments()).toMatchObject([{ status: 'failed', money: 'none' }]);
  });

  it('by a card that was blocked, or ran empty, after it was stored is declined until it is good again', async () => {
    const token = await store();
    const set = (declines: string | null): Promise<SimClickCard> =>
      bench.sim('PATCH', `/click/cards/${token}`, { declines });
    expect(await set('blocked')).toMatchObject({ card_number: '860012******0011', declines: 'blocked' });
    expect(await pay(token)).toMatchObject({ error_code: -1 });
    await set('insufficient_funds');
    expect(await pay(token)).toMatchObject({ error_code: -5017 });
    await set(null);
    expect(await pay(token)).toMatchObject({ error_code: 0, payment_status: 2 });
    expect(await bench.trySim('PATCH', '/click/cards/none', { declines: null })).toMatchObject({ status: 404 });
  });

  it('that the application refuses to prepare has its error', async () => {
    expect(await pay(await store(), { transaction_parameter: 'unknown' })).toMatchObject({ error_code: -5 });
  });

  it('that the application does not confirm is under way', async () => {
    merchant.override = (fields) => (fields['action'] === '1' ? refuse(-7) : undefined);
    expect(await pay(await store())).toMatchObject({ error_code: 0, payment_status: 1 });
    expect(await bench.sim('GET', '/click/investigations')).toHaveLength(1);
  });

  it('survives a lost Complete', async () => {
    expect(await pay(await store(CARDS.lostAnswer))).toMatchObject({ error_code: 0, payment_status: 2 });
    expect(merchant.calls.map((call) => call['action'])).toEqual(['0', '1', '0']);
  });

  it('is made although its answer is lost, and can be found by its order', async () => {
    const token = await store();
    const fault = { method: 'card_token/payment', kind: 'lost_answer', remaining: 1 };
    await bench.sim('PUT', '/faults', { click: fault });
    await expect(pay(token)).rejects.toThrow();
    expect(await payments()).toMatchObject([{ status: 'paid', merchant_trans_id: '197' }]);
  });
});

it('stands in the wire log without the card number', async () => {
  await request();
  const traffic = await bench.sim<SimTraffic[]>('GET', '/traffic');
  expect(traffic.find(({ name }) => name === 'card_token/request')).toMatchObject({
    ...{ peer: 'click', direction: 'from_bot', request: { body: { card_number: '860012••••••0011' } } },
  });
  expect(JSON.stringify(traffic)).not.toContain(CARDS.uzcard);
});

it('goes on after a restart and ends with a reset', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hoshi-click-cards-'));
  await bench.close();
  bench = await Bench.start({ appUrl: merchant.server.url, stateDir: dir });
  const token = await store();
  await bench.restart();
  expect(await pay(token)).toMatchObject({ payment_status: 2 });
  await bench.sim('POST', '/reset');
  expect(await cards()).toEqual([]);
  await bench.sandbox.close();
  await bench.restart();
  await rm(dir, { recursive: true });
});

it('shows in the cabinet, where a card can be blocked', async () => {
  const token = await store();
  const open = async (path: string, method = 'GET'): Promise<string> =>
    (await fetch(`${bench.sandbox.url}/click/cabinet${path}`, { method })).text();
  expect(await open('')).toContain('860012******0011');
  expect(await open(`/${token}/block`, 'POST')).toContain('is blocked now');
  expect(await cards()).toMatchObject([{ declines: 'blocked' }]);
  await open(`/${token}/unblock`, 'POST');
  expect((await cards())[0]).not.toHaveProperty('declines');
});
