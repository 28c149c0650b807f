import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SimPaymeCard, SimPaymeReceipt, SimPaymeStatement, SimPaymeTransaction, SimTraffic } from '../control.ts';
import { completeOptions } from '../options.ts';
import { Bench } from '../test-bench.ts';
import { refuse, TestMerchant } from './test-merchant.ts';

const { paymeMerchantId, paymeKey } = completeOptions({});
const PAGE = paymeMerchantId;
const SERVER = `${paymeMerchantId}:${paymeKey}`;
const GOOD = '8600495473316478';
const CARDS = {
  noSms: '8600060921090842',
  expired: '3333336415804657',
  blocked: '4444445987459073',
  unknownError: '8600143417770323',
  slow: '8600134301849596',
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

type Wire = { status: number; headers: Headers; text: string };
type Rpc = { id: unknown; jsonrpc: string; result: never; error: { code: number; message: string; data?: string } };
type WireCard = { number: string; expire: string; token: string; recurrent: boolean; verify: boolean };
type WireReceipt = Record<string, unknown> & { _id: string; state: number };

async function post(body: string, headers: Record<string, string> = {}): Promise<Wire> {
  const response = await fetch(`${bench.sandbox.url}/payme/api`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function call(method: string, params: unknown, auth = SERVER): Promise<Rpc> {
  const { status, text } = await post(JSON.stringify({ id: 7, method, params }), { 'x-auth': auth });
  expect(status).toBe(200);
  return JSON.parse(text) as Rpc;
}

/** The result of a call that must succeed. */
async function ask<T>(method: string, params: unknown, auth?: string): Promise<T> {
  const { result, error } = await call(method, params, auth);
  if (error !== undefined) throw new Error(`${method}: ${error.code} ${error.message}`);
  return result as T;
}

async function refused(method: string, params: unknown, auth?: string): Promise<number> {
  return (await call(method, params, auth)).error.code;
}

async function create(number = GOOD, save = true): Promise<WireCard> {
  const { card } = await ask<{ card: WireCard }>('cards.create', { card: { number, expire: '0399' }, save }, PAGE);
  return card;
}

/** A verified card. */
async function store(number = GOOD, save = true): Promise<WireCard> {
  const { token } = await create(number, save);
  await ask('cards.get_verify_code', { token }, PAGE);
  return (await ask<{ card: WireCard }>('cards.verify', { token, code: '666666' }, PAGE)).card;
}

async function bill(order = '197', amount = 50_000): Promise<WireReceipt> {
  const params = { amount, account: { order_id: order }, description: 'Pro' };
  return (await ask<{ receipt: WireReceipt }>('receipts.create', params)).receipt;
}

async function pay(receipt: WireReceipt, token: string): Promise<WireReceipt> {
  return (await ask<{ receipt: WireReceipt }>('receipts.pay', { id: receipt._id, token })).receipt;
}

async function stateOf({ _id: id }: WireReceipt): Promise<number> {
  return (await ask<{ state: number }>('receipts.check', { id })).state;
}

const cards = (): Promise<SimPaymeCard[]> => bench.sim('GET', '/payme/cards');
const receipts = (): Promise<SimPaymeReceipt[]> => bench.sim('GET', '/payme/receipts');
const transactions = (): Promise<SimPaymeTransaction[]> => bench.sim('GET', '/payme/transactions');

describe('a stored card', () => {
  it('is created, gets a code and is verified by a page; its token changes then', async () => {
    const card = await create();
    expect(card).toMatchObject({ number: '860049******6478', expire: '03/99', recurrent: true, verify: false });
    const sent = await ask('cards.get_verify_code', { token: card.token }, PAGE);
    expect(sent).toEqual({ sent: true, phone: '99890*****31', wait: 60_000 });
    const verified = await ask<{ card: WireCard }>('cards.verify', { token: card.token, code: '666666' }, PAGE);
    expect(verified.card).toMatchObject({ number: '860049******6478', verify: true });
    expect(verified.card.token).not.toBe(card.token);
    expect(await refused('cards.check', { token: card.token })).toBe(-31400);
    expect(await ask('cards.check', { token: verified.card.token })).toEqual(verified);
    expect(await ask('cards.remove', { token: verified.card.token })).toEqual({ success: true });
    expect(await refused('cards.check', { token: verified.card.token })).toBe(-31400);
    expect(await cards()).toEqual([]);
  });

  it.each([
    ['an unknown number', { number: '8600000000000000', expire: '0399' }, -31300],
    ['a wrong expiry', { number: GOOD, expire: '0130' }, -31300],
    ['no expiry', { number: GOOD }, -32602],
  ])('is not made of %s', async (_what, card, code) => {
    expect(await refused('cards.create', { card, save: true }, PAGE)).toBe(code);
  });

  it('without SMS service gets no code', async () => {
    const { token } = await create(CARDS.noSms);
    expect(await refused('cards.get_verify_code', { token }, PAGE)).toBe(-31301);
  });

  it('is verified by the right code only, in time, and not after three wrong ones', async () => {
    const { token } = await create();
    const verify = (code: string): Promise<number> => refused('cards.verify', { token, code }, PAGE);
    expect(await verify('666666')).toBe(-31101);
    await ask('cards.get_verify_code', { token }, PAGE);
    await bench.advance(301);
    expect(await verify('666666')).toBe(-31101);
    await ask('cards.get_verify_code', { token }, PAGE);
    expect([await verify('1'), await verify('2'), await verify('3')]).toEqual([-31103, -31103, -31103]);
    expect(await verify('666666')).toBe(-31102);
    await ask('cards.get_verify_code', { token }, PAGE);
    await ask('cards.verify', { token, code: '666666' }, PAGE);
  });

  it('has a token of a certain form', async () => {
    expect(await refused('cards.check', { token: 'short' })).toBe(-32500);
  });
});

describe('who may ask', () => {
  it('a page the first three methods, with the id alone; a server everything, with the key', async () => {
    const { token } = await store();
    const receipt = await bill();
    for (const [method, params] of [
      ['cards.check', { token }],
      ['cards.remove', { token }],
      ['receipts.create', { amount: 1, account: { order_id: '197' } }],
      ['receipts.pay', { id: receipt._id, token }],
      ['receipts.cancel', { id: receipt._id }],
    ] as const) {
      expect(await refused(method, params, PAGE), method).toBe(-32504);
      expect(await refused(method, params, `${PAGE}:wrong`), method).toBe(-32504);
    }
    expect(await refused('cards.create', {}, '')).toBe(-32504);
    expect(await refused('cards.create', {}, `${PAGE}:wrong`)).toBe(-32504);
    expect(await refused('cards.create', {}, 'f'.repeat(24))).toBe(-31601);
    expect(merchant.calls).toEqual([]);
  });

  it('pages of another origin: preflights are answered, answers to servers are not for them', async () => {
    const preflight = await fetch(`${bench.sandbox.url}/payme/api`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-auth',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('x-auth');
    const ask = (method: string): Promise<Wire> =>
      post(JSON.stringify({ id: 1, method, params: {} }), { 'x-auth': SERVER, origin: 'https://app.example' });
    expect((await ask('cards.create')).headers.get('access-control-allow-origin')).toBe('*');
    expect((await ask('receipts.pay')).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('in JSON-RPC, answered with HTTP 200 and the same id', async () => {
    const codes = async (body: string): Promise<number> =>
      (JSON.parse((await post(body, { 'x-auth': SERVER })).text) as Rpc).error.code;
    expect(await codes('{')).toBe(-32700);
    expect(await codes('[]')).toBe(-32600);
    expect(await codes('{"id":1,"method":"cards.check"}')).toBe(-32600);
    expect(await call('cards.unknown', {})).toMatchObject({
      ...{ id: 7, jsonrpc: '2.0', error: { code: -32601, data: 'cards.unknown' } },
    });
    const get = await fetch(`${bench.sandbox.url}/payme/api`);
    expect(await get.json()).toMatchObject({ id: null, error: { code: -32300 } });
  });

  it('in the language of the asker', async () => {
    const body = JSON.stringify({ id: 1, method: 'cards.check', params: { token: 'short' } });
    const message = async (language: string): Promise<string> =>
      (JSON.parse((await post(body, { 'x-auth': SERVER, 'accept-language': language })).text) as Rpc).error.message;
    expect(await message('en-GB')).toBe('The token is malformed.');
    expect(await message('ja')).toBe('Неверный формат токена.');
  });
});

describe('a receipt', () => {
  it('is paid by a payment like any other: checked, created, performed, each again, and fiscalised', async () => {
    const { token } = await store();
    const receipt = await bill();
    expect(receipt).toMatchObject({
      ...{ state: 0, type: 1, operation: -1, pay_time: 0, cancel_time: 0, amount: 50_000, currency: 860, card: null },
      account: [{ name: 'order_id', title: 'order_id', value: '197' }],
    });
    expect(merchant.calls).toEqual([]);
    const paid = await pay(receipt, token);
    expect(paid).toMatchObject({ _id: receipt._id, state: 4, error: null, card: { number: '860049******6478' } });
    expect(paid['pay_time']).toBe([...merchant.kept.values()][0]?.perform_time);
    expect(merchant.calls.map(({ method }) => method)).toEqual([
      ...['CheckPerformTransaction', 'CreateTransaction', 'CreateTransaction'],
      ...['PerformTransaction', 'PerformTransaction', 'SetFiscalData'],
    ]);
    const [transaction] = await transactions();
    expect(transaction).toMatchObject({
      ...{ state: 2, status: 'paid', account: { order_id: '197' }, receipt_id: receipt._id, complaints: [] },
    });
    expect(merchant.named('CreateTransaction')[0]?.params.id).toBe(transaction?.id);
    expect((await bench.sim<SimPaymeStatement>('POST', '/payme/statement', {})).differences).toEqual([]);
    expect(await receipts()).toMatchObject([{ id: receipt._id, state: 4, transaction_id: transaction?.id }]);
  });

  it('is read one by one and in lists of at most fifty', async () => {
    const first = await bill();
    await bench.advance(60);
    const second = await bill('198', 1_234_567);
    const times = [first, second].map(({ create_time: time }) => Number(time));
    expect(await ask('receipts.get', { id: first._id })).toEqual({ receipt: first });
    const list = (more: object): Promise<WireReceipt[]> =>
      ask('receipts.get_all', { count: 50, from: times[0], to: times[1], offset: 0, ...more });
    expect(await list({})).toEqual([first, second]);
    expect(await list({ offset: 1 })).toEqual([second]);
    expect(await list({ count: 1 })).toEqual([first]);
    expect(await list({ to: (times[1] ?? 0) - 1 })).toEqual([first]);
    expect(await refused('receipts.get_all', { count: 51, from: 0, to: 1, offset: 0 })).toBe(-32602);
    expect(await refused('receipts.get', { id: 'f'.repeat(24) })).toBe(-31602);
  });

  it('is sent to a phone', async () => {
    const { _id: id } = await bill();
    expect(await ask('receipts.send', { id, phone: '998901234567' })).toEqual({ success: true });
    expect(await bench.sim('GET', `/payme/receipts/${id}`)).toMatchObject({ sent_to: '998901234567' });
    expect(await refused('receipts.send', { id, phone: '123' })).toBe(-32602);
  });

  it('takes fiscal data once it was paid', async () => {
    const receipt = await bill();
    const params = { id: receipt._id, fiscal_data: { receipt_id: 121, qr_code_url: 'https://ofd.soliq.uz/check?r=1' } };
    expect(await refused('receipts.set_fiscal_data', params)).toBe(-31008);
    await pay(receipt, (await store()).token);
    expect(await refused('receipts.set_fiscal_data', { id: receipt._id, fiscal_data: {} })).toBe(-32602);
    expect(await ask('receipts.set_fiscal_data', params)).toEqual({ success: true });
    expect(await bench.sim('GET', `/payme/receipts/${receipt._id}`)).toMatchObject({ fiscal_data: params.fiscal_data });
  });

  it.each([
    ['an amount of 0', { amount: 0 }, -31611],
    ['a fraction of a tiyin', { amount: 1.5 }, -31611],
    ['an amount in words', { amount: '50000' }, -31611],
    ['no account', { account: {} }, -32602],
    ['a hold', { hold: true }, -32504],
  ])('is not made with %s', async (_what, change, code) => {
    const params = { amount: 50_000, account: { order_id: '197' }, ...change };
    expect(await refused('receipts.create', params)).toBe(code);
    expect(await receipts()).toEqual([]);
  });

  it('is paid once, by a verified card, and not held', async () => {
    const receipt = await bill();
    const { token: unverified } = await create();
    expect(await refused('receipts.pay', { id: receipt._id, token: unverified })).toBe(-31400);
    const { token } = await store();
    expect(await refused('receipts.pay', { id: receipt._id, token, hold: true })).toBe(-32504);
    expect(await refused('receipts.confirm_hold', { id: receipt._id })).toBe(-32504);
    await pay(receipt, token);
    expect(await refused('receipts.pay', { id: receipt._id, token })).toBe(-31008);
    expect(await transactions()).toHaveLength(1);
  });

  it('paid with a token that was not saved takes the token with it', async () => {
    const { token } = await store(GOOD, false);
    await pay(await bill(), token);
    expect(await refused('cards.check', { token })).toBe(-31400);
  });
});

describe('a charge that fails', () => {
  it.each([
    ['expired', -31301, 2],
    ['blocked', -31301, 2],
    ['unknownError', -31002, 3],
    ['slow', -31002, 3],
  ] as const)(
    'by the test card %s: error %i, receipt 50, CancelTransaction with reason %i',
    async (card, code, reason) => {
      const { token } = await store(CARDS[card]);
      const receipt = await bill();
      expect(await refused('receipts.pay', { id: receipt._id, token })).toBe(code);
      expect(await stateOf(receipt)).toBe(50);
      expect(merchant.named('CancelTransaction')[0]?.params.reason).toBe(reason);
      expect(await refused('receipts.pay', { id: receipt._id, token })).toBe(-31008);
      expect(await pay(await bill(), (await store()).token)).toMatchObject({ state: 4 });
    },
  );

  it('by a card that was blocked, or ran empty, after it was stored, until it is good again', async () => {
    const { token } = await store();
    const [card] = await cards();
    const set = (declines: string | null): Promise<SimPaymeCard> =>
      bench.sim('PATCH', `/payme/cards/${card?.id}`, { declines });
    const charge = async (): Promise<Rpc> => call('receipts.pay', { id: (await bill())._id, token });
    expect(await set('blocked')).toMatchObject({ number: '8600 49** **** 6478', declines: 'blocked' });
    expect((await charge()).error.code).toBe(-31301);
    await set('insufficient_funds');
    expect((await charge()).error.code).toBe(-31303);
    await set(null);
    expect(await charge()).toMatchObject({ result: { receipt: { state: 4 } } });
    expect(await bench.trySim('PATCH', '/payme/cards/none', { declines: null })).toMatchObject({ status: 404 });
  });

  it('has the code -31008 whatever the reason when that is switched on', async () => {
    await bench.sim('PUT', '/faults', { payme_uniform_card_errors: true });
    const { token } = await store(CARDS.blocked);
    expect(await refused('receipts.pay', { id: (await bill())._id, token })).toBe(-31008);
    expect(await refused('cards.create', { card: { number: '1', expire: '0399' } }, PAGE)).toBe(-31008);
    expect(await refused('cards.get_verify_code', { token: (await create(CARDS.noSms)).token }, PAGE)).toBe(-31008);
  });

  it.each([
    ['CheckPerformTransaction', -31050],
    ['CreateTransaction', -31008],
    ['PerformTransaction', -31008],
    ['PerformTransaction', -31001],
  ])('because the application refuses %s with %i', async (method, code) => {
    const { token } = await store();
    const receipt = await bill();
    merchant.override = (rpc) => (rpc.method === method ? refuse(code, 'order_id') : undefined);
    expect(await refused('receipts.pay', { id: receipt._id, token })).toBe(code);
    expect(await stateOf(receipt)).toBe(50);
    expect((await transactions()).every(({ money }) => money !== 'debited')).toBe(true);
  });
});

describe('a receipt on its way', () => {
  it('stands at 1, 2 and 3 while the application is asked', async () => {
    const seen: Record<string, number> = {};
    const watch = (receipt: WireReceipt): void => {
      merchant.override = async ({ method }) => {
        seen[method] ??= await stateOf(receipt);
        return undefined;
      };
    };
    const declined = await bill();
    watch(declined);
    await refused('receipts.pay', { id: declined._id, token: (await store(CARDS.blocked)).token });
    expect(seen).toEqual({ CheckPerformTransaction: 1, CreateTransaction: 1, CancelTransaction: 2 });
    const paid = await bill('198', 1_234_567);
    watch(paid);
    await pay(paid, (await store()).token);
    expect(seen).toMatchObject({ PerformTransaction: 3, SetFiscalData: 4 });
  });

  it('stands at 30 while the answer to Perform is missing, and goes on to 4', async () => {
    merchant.override = ({ method }) => (method === 'PerformTransaction' ? { raw: null } : undefined);
    const receipt = await bill();
    expect(await pay(receipt, (await store()).token)).toMatchObject({ state: 30, pay_time: 0 });
    merchant.override = () => undefined;
    const [transaction] = await transactions();
    await bench.sim('POST', `/payme/transactions/${transaction?.id}/resume`);
    expect(await stateOf(receipt)).toBe(4);
  });

  it('ends at 50 when it runs out after twelve hours', async () => {
    merchant.override = ({ method }) => (method === 'CreateTransaction' ? { raw: null } : undefined);
    const receipt = await bill();
    expect(await pay(receipt, (await store()).token)).toMatchObject({ state: 1 });
    merchant.override = () => undefined;
    await bench.advance(13 * 3_600);
    await vi.waitFor(async () => expect(await stateOf(receipt)).toBe(50));
  });

  it('is paid although its answer comes late, or never', async () => {
    const { token } = await store();
    const late = await bill();
    const fault = (kind: string): Promise<unknown> =>
      bench.sim('PUT', '/faults', { payme: { method: 'receipts.pay', kind, delay_ms: 60_000, remaining: 1 } });
    await fault('delay');
    const hangUp = new AbortController();
    const request = fetch(`${bench.sandbox.url}/payme/api`, {
      method: 'POST',
      headers: { 'x-auth': SERVER },
      body: JSON.stringify({ id: 1, method: 'receipts.pay', params: { id: late._id, token } }),
      signal: hangUp.signal,
    });
    await vi.waitFor(async () => expect(await stateOf(late)).toBe(4));
    hangUp.abort();
    await expect(request).rejects.toThrow();
    const lost = await bill('198', 1_234_567);
    await fault('lost_answer');
    await expect(pay(lost, token)).rejects.toThrow();
    expect(await stateOf(lost)).toBe(4);
  });
});

describe('a cancelled receipt', () => {
  it('goes through the queue to 50: paid, it is refunded with reason 5', async () => {
    const receipt = await bill();
    await pay(receipt, (await store()).token);
    expect(await ask('receipts.cancel', { id: receipt._id })).toMatchObject({ receipt: { state: 21 } });
    await vi.waitFor(async () => expect(await stateOf(receipt)).toBe(50));
    expect(await transactions()).toMatchObject([{ status: 'refunded', reason: 5, money: 'returned' }]);
    expect(merchant.named('CancelTransaction').map(({ params }) => params.reason)).toEqual([5, 5]);
    expect(await refused('receipts.cancel', { id: receipt._id })).toBe(-31008);
  });

  it('that was never paid asks nobody', async () => {
    const receipt = await bill();
    await ask('receipts.cancel', { id: receipt._id });
    await vi.waitFor(async () => expect(await stateOf(receipt)).toBe(50));
    expect(merchant.calls).toEqual([]);
  });

  it('stays paid where the application refuses', async () => {
    const receipt = await bill();
    await pay(receipt, (await store()).token);
    merchant.override = ({ method }) => (method === 'CancelTransaction' ? refuse(-31007) : undefined);
    await ask('receipts.cancel', { id: receipt._id });
    await vi.waitFor(async () => expect(await stateOf(receipt)).toBe(4));
    expect(await receipts()).toMatchObject([{ error: { code: -31007 } }]);
  });

  it('may also come from the cabinet', async () => {
    const receipt = await bill();
    await pay(receipt, (await store()).token);
    const [transaction] = await transactions();
    await bench.sim('POST', `/payme/transactions/${transaction?.id}/refund`);
    expect(await stateOf(receipt)).toBe(50);
  });
});

describe('accidents of the Subscribe API', () => {
  it('lose requests, break answers and fail in the way of HTTP', async () => {
    const { token } = await store();
    const receipt = await bill();
    const params = { id: receipt._id, token };
    const fault = (kind: string, more = {}): Promise<unknown> =>
      bench.sim('PUT', '/faults', { payme: { method: 'receipts.pay', kind, remaining: 1, ...more } });
    await fault('lost_request');
    await expect(call('receipts.pay', params)).rejects.toThrow();
    expect(await stateOf(receipt)).toBe(0);
    await fault('http_error', { http_status: 503 });
    const body = JSON.stringify({ id: 1, method: 'receipts.pay', params });
    expect((await post(body, { 'x-auth': SERVER })).status).toBe(503);
    expect(await stateOf(receipt)).toBe(0);
    await fault('malformed');
    await expect(call('receipts.pay', params)).rejects.toThrow(SyntaxError);
    expect(await stateOf(receipt)).toBe(4);
  });

  it('and everything else stand in the wire log without key and card number', async () => {
    await create('8600 4954 7331 6478');
    const traffic = await bench.sim<SimTraffic[]>('GET', '/traffic');
    expect(traffic.find(({ name }) => name === 'cards.create')).toMatchObject({
      ...{ peer: 'payme', direction: 'from_bot', status: 200 },
      request: { headers: { 'x-auth': PAGE }, body: { params: { card: { number: '8600 49••••6478' } } } },
    });
    await bill();
    expect(JSON.stringify(await bench.sim('GET', '/traffic'))).not.toContain(paymeKey);
  });
});

it('goes on after a restart, with what is to be cancelled too, and ends with a reset', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hoshi-payme-cards-'));
  await bench.close();
  bench = await Bench.start({ appUrl: merchant.server.url, stateDir: dir, retryScale: 0.2 });
  const { token } = await store();
  const receipt = await bill();
  await pay(receipt, token);
  await ask('receipts.cancel', { id: receipt._id });
  await bench.restart();
  expect(await cards()).toMatchObject([{ token }]);
  await vi.waitFor(async () => expect(await stateOf(receipt)).toBe(50), 5_000);
  expect(await transactions()).toMatchObject([{ status: 'refunded' }]);
  await bench.sim('POST', '/reset');
  expect([await cards(), await receipts()]).toEqual([[], []]);
  await bench.restart();
  expect([await cards(), await receipts()]).toEqual([[], []]);
  await bench.sandbox.close();
  await bench.restart();
  await rm(dir, { recursive: true });
});

it('shows in the cabinet, where a card can be blocked', async () => {
  const { token } = await store();
  await pay(await bill(), token);
  const open = async (path: string, method = 'GET'): Promise<string> =>
    (await fetch(`${bench.sandbox.url}/payme/cabinet${path}`, { method })).text();
  const page = await open('');
  expect(page).toContain('8600 49** **** 6478');
  expect(page).toContain('4 (paid)');
  expect(page).not.toContain(token);
  const [card] = await cards();
  expect(await open(`/${card?.id}/block`, 'POST')).toContain('is blocked now');
  expect(await cards()).toMatchObject([{ declines: 'blocked' }]);
  await open(`/${card?.id}/unblock`, 'POST');
  expect((await cards())[0]).not.toHaveProperty('declines');
});
