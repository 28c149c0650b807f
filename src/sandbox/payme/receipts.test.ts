import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SimPaymeCard, SimPaymeReceipt, SimPaymeStatement, SimPaymeTransaction } from '../control-payme-click.ts';
import { Bench } from '../test-bench.ts';
import { CARDS, GOOD, PAGE, type Rpc, SERVER, TestApplication, type WireReceipt } from './test-application.ts';
import { refuse, TestMerchant } from './test-merchant.ts';

let merchant: TestMerchant;
let bench: Bench;
const { call, ask, refused, create, store, bill, pay, stateOf } = new TestApplication(() => bench.sandbox.url);
const cards = (): Promise<SimPaymeCard[]> => bench.sim('GET', '/payme/cards');
const receipts = (): Promise<SimPaymeReceipt[]> => bench.sim('GET', '/payme/receipts');
const transactions = (): Promise<SimPaymeTransaction[]> => bench.sim('GET', '/payme/transactions');

beforeEach(async () => {
  merchant = await TestMerchant.start();
  bench = await Bench.start({ appUrl: merchant.server.url });
});
afterEach(async () => {
  await bench.close();
  await merchant.close();
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
