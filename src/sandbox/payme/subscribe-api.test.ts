import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimTraffic } from '../control.ts';
import type { SimPaymeCard } from '../control-payme-click.ts';
import { completeOptions } from '../options.ts';
import { Bench } from '../test-bench.ts';
import { CARDS, GOOD, PAGE, type Rpc, SERVER, TestApplication, type Wire, type WireCard } from './test-application.ts';
import { TestMerchant } from './test-merchant.ts';

const { paymeKey } = completeOptions({});

let merchant: TestMerchant;
let bench: Bench;
const { post, call, ask, refused, create, store, bill, stateOf } = new TestApplication(() => bench.sandbox.url);
const cards = (): Promise<SimPaymeCard[]> => bench.sim('GET', '/payme/cards');

beforeEach(async () => {
  merchant = await TestMerchant.start();
  bench = await Bench.start({ appUrl: merchant.server.url });
});
afterEach(async () => {
  await bench.close();
  await merchant.close();
});

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
