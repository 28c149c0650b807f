import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SimTraffic } from '../control.ts';
import type { SimPaymePayResult, SimPaymeStatement, SimPaymeTransaction } from '../control-payme-click.ts';
import { Bench, DAY } from '../test-bench.ts';
import { refuse, TestMerchant } from './test-merchant.ts';

const CARDS = {
  noSms: '8600 0609 2109 0842',
  expired: '3333 3364 1580 4657',
  blocked: '4444 4459 8745 9073',
  unknownError: '8600 1434 1777 0323',
  slow: '8600 1343 0184 9596',
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

function pay(given: Record<string, unknown> = {}): Promise<SimPaymePayResult> {
  return bench.sim('POST', '/payme/pay', { url: merchant.link('197'), ...given });
}

function transactions(): Promise<SimPaymeTransaction[]> {
  return bench.sim('GET', '/payme/transactions');
}

function statement(): Promise<SimPaymeStatement> {
  return bench.sim('POST', '/payme/statement', {});
}

describe('a payment', () => {
  it('is checked, created, performed and fiscalised; each step is sent again and answered alike', async () => {
    const { status, transaction } = await pay({
      url: merchant.link('197', ';l=en;c=https://shop.uz/r?t=:transaction&o=:account.order_id'),
    });
    expect(status).toBe('paid');
    expect(merchant.calls.map(({ method }) => method)).toEqual([
      ...['CheckPerformTransaction', 'CreateTransaction', 'CreateTransaction'],
      ...['PerformTransaction', 'PerformTransaction', 'SetFiscalData'],
    ]);
    expect(transaction).toMatchObject({
      ...{ state: 2, money: 'debited', amount: 50_000, account: { order_id: '197' }, transaction: '5000' },
      ...{ card: '8600 49** **** 6478', complaints: [], fiscal: { PERFORM: 'taken' }, reason: null },
    });
    expect(merchant.fiscal[0]).toMatchObject({ type: 'PERFORM', fiscal_data: { status_code: 0, message: 'accepted' } });
    expect(transaction?.id).toMatch(/^[0-9a-f]{24}$/);
  });

  it('goes over the wire as Payme sends it: text/json, Basic Paycom, integer ids, no jsonrpc member', async () => {
    const { transaction } = await pay();
    const [first] = merchant.server.received;
    expect(first?.headers).toMatchObject({
      'content-type': 'text/json; charset=UTF-8',
      authorization: `Basic ${Buffer.from('Paycom:HoshiSandboxPaymeKey0000000000000000').toString('base64')}`,
    });
    expect(JSON.parse(first?.body ?? '')).toEqual({
      method: 'CheckPerformTransaction',
      params: { amount: 50_000, account: { order_id: '197' } },
      id: expect.any(Number),
    });
    const [create, again] = merchant.named('CreateTransaction');
    const { id, time } = transaction as SimPaymeTransaction;
    expect(create?.params).toEqual({ id, time, amount: 50_000, account: { order_id: '197' } });
    expect(again?.params).toEqual(create?.params);
    expect(again?.id).not.toBe(create?.id);
  });

  it('names the address to go back to, with its placeholders filled in', async () => {
    const url = merchant.link('197', ';c=https://shop.uz/r?t=:transaction&o=:account.order_id;ct=3000');
    const { redirect_url: redirect, transaction } = await pay({ url });
    expect(redirect).toBe(`https://shop.uz/r?t=${transaction?.id}&o=197`);
  });

  it('carries the time of the moved clock', async () => {
    await bench.advance(10 * DAY);
    const { transaction } = await pay();
    expect((transaction?.time ?? 0) - Date.now()).toBeGreaterThan(9.9 * DAY * 1000);
  });

  it('shows in the wire log without the key', async () => {
    await pay();
    const traffic = await bench.sim<SimTraffic[]>('GET', '/traffic');
    const create = traffic.find(({ name }) => name === 'CreateTransaction');
    expect(create).toMatchObject({ peer: 'payme', direction: 'to_bot', status: 200 });
    expect(create?.request).toMatchObject({
      headers: { authorization: 'Basic •••' },
      body: { method: 'CreateTransaction' },
    });
    expect(JSON.stringify(traffic)).not.toContain(Buffer.from('HoshiSandboxPaymeKey').toString('base64').slice(0, 16));
  });
});

describe('a card that declines', () => {
  it('without SMS service never reaches the application', async () => {
    expect(await pay({ card: CARDS.noSms })).toMatchObject({ status: 'refused', error: { code: -31301 } });
    expect(merchant.named('CreateTransaction')).toEqual([]);
  });

  it('with a wrong code, number or expiry neither', async () => {
    expect(await pay({ sms: '123456' })).toMatchObject({ status: 'refused', error: { code: -31103 } });
    expect(await pay({ card: '8600 0000 0000 0000' })).toMatchObject({ status: 'refused', error: { code: -31300 } });
    expect(await pay({ expire: '12/30' })).toMatchObject({ status: 'refused', error: { code: -31300 } });
    expect(merchant.named('CreateTransaction')).toEqual([]);
  });

  it.each([
    ['expired', 2],
    ['blocked', 2],
    ['unknownError', 3],
    ['slow', 3],
  ] as const)(
    '%s: CancelTransaction with reason %i, twice, and the order can be paid afterwards',
    async (card, reason) => {
      const { status, error, transaction } = await pay({ card: CARDS[card] });
      expect(status).toBe('failed');
      expect(error?.code).toBe(-31630);
      expect(transaction).toMatchObject({ state: -1, reason, money: 'none', complaints: [] });
      expect(merchant.named('CancelTransaction').map(({ params }) => params.reason)).toEqual([reason, reason]);
      expect(merchant.named('PerformTransaction')).toEqual([]);
      expect(await pay()).toMatchObject({ status: 'paid' });
    },
  );
});

describe('an application that refuses', () => {
  it('is quoted in the language of the link', async () => {
    merchant.orders.delete('197');
    const url = merchant.link('197', ';l=uz');
    expect(await bench.sim('POST', '/payme/check', { url })).toEqual({
      ...{ status: 'refused', amount: 50_000, account: { order_id: '197' } },
      error: { code: -31050, message: 'error -31050 (uz)', data: 'order_id' },
    });
    expect(await pay({ url })).toMatchObject({ status: 'refused', transaction: null, error: { code: -31050 } });
  });

  it.each([
    ['no JSON', { raw: { body: 'oops' } }, -31623],
    ['HTTP 500', { raw: { status: 500, body: '{}' } }, -31622],
    ['no answer', { raw: null }, -31622],
    ['allow false', { result: { allow: false } }, -31623],
    ['neither result nor error', {} as { result: unknown }, -31623],
  ])('is shown as broken when it answers with %s', async (_what, answer, code) => {
    merchant.override = () => answer;
    expect(await bench.sim('POST', '/payme/check', { url: merchant.link('197') })).toMatchObject({ error: { code } });
  });

  it('to create ends it with nothing debited', async () => {
    merchant.override = ({ method }) => (method === 'CreateTransaction' ? refuse(-31008) : undefined);
    expect(await pay()).toMatchObject({
      ...{ status: 'failed', error: { code: -31008 } },
      transaction: { state: 0, money: 'none' },
    });
    expect(merchant.calls).toHaveLength(2);
  });

  it('to perform with -31008 gets the money returned and no CancelTransaction', async () => {
    merchant.override = ({ method }) => (method === 'PerformTransaction' ? refuse(-31008) : undefined);
    const { transaction } = await pay();
    expect(transaction).toMatchObject({ status: 'failed', state: -1, money: 'returned', error: { code: -31008 } });
    expect(transaction?.steps.at(-1)?.note).toContain('No CancelTransaction');
    expect(merchant.named('CancelTransaction')).toEqual([]);
  });

  it('to perform with another error gets CancelTransaction with reason 3', async () => {
    merchant.override = ({ method }) => (method === 'PerformTransaction' ? refuse(-31050, 'order_id') : undefined);
    expect((await pay()).transaction).toMatchObject({ state: -1, reason: 3, money: 'returned' });
  });
});

describe('an application that breaks the protocol', () => {
  it('by answering a repeat differently is complained of', async () => {
    merchant.override = ({ method }, honest) => {
      if (method !== 'PerformTransaction') return undefined;
      const { result } = honest() as { result: object };
      return { result: { ...result, perform_time: merchant.nowMs() + merchant.calls.length } };
    };
    const { status, transaction } = await pay();
    expect(status).toBe('paid');
    expect(transaction?.complaints).toEqual(['PerformTransaction: the repeat was answered differently']);
  });

  it('by a wrong id, an account error without its field, or a message in one language', async () => {
    merchant.override = ({ method, id }) => {
      if (method !== 'CreateTransaction') return undefined;
      const error = { code: -31060, message: 'no' };
      return { raw: { body: JSON.stringify({ error, id: id + 1 }) } };
    };
    expect((await pay()).transaction?.complaints).toEqual([
      expect.stringContaining('id is'),
      expect.stringContaining('message of error -31060'),
      expect.stringContaining('must name the field'),
    ]);
  });

  it('by answering two requests of one moment differently', async () => {
    let count = 0;
    merchant.override = ({ method }) => (method === 'CreateTransaction' && ++count === 2 ? refuse(-31008) : undefined);
    await bench.sim('PUT', '/faults', { payme: { method: 'CreateTransaction', kind: 'duplicate', remaining: 1 } });
    expect((await pay()).transaction?.complaints).toContain(
      'CreateTransaction: two requests at the same moment were answered differently',
    );
  });
});

describe('a lost answer', () => {
  it('makes Payme send the same again until there is one', async () => {
    await bench.sim('PUT', '/faults', { payme: { method: 'PerformTransaction', kind: 'lost_answer', remaining: 2 } });
    const { status, steps } = await pay();
    expect(status).toBe('paid');
    expect(steps.find(({ name }) => name === 'PerformTransaction')).toMatchObject({ tries: 3, outcome: 'accepted' });
    const [first, second] = merchant.named('PerformTransaction');
    expect(second).toEqual(first);
  });

  it('that never comes leaves it unclear, until it is resumed', async () => {
    merchant.override = ({ method }) =>
      method === 'PerformTransaction' ? { raw: { status: 502, body: '' } } : undefined;
    const { status, transaction } = await pay();
    expect(status).toBe('unclear');
    expect(transaction).toMatchObject({ state: 1, money: 'debited', error: { code: -31622 } });
    expect(merchant.named('PerformTransaction')).toHaveLength(4);
    merchant.override = () => undefined;
    expect(await bench.sim('POST', `/payme/transactions/${transaction?.id}/resume`)).toMatchObject({ status: 'paid' });
  });

  it('to create is tried with the same transaction, which runs out after twelve hours', async () => {
    merchant.override = ({ method }) => (method === 'CreateTransaction' ? { raw: null } : undefined);
    const { status, transaction } = await pay();
    expect(status).toBe('unclear');
    expect(new Set(merchant.named('CreateTransaction').map(({ params }) => params.id)).size).toBe(1);
    await bench.advance(13 * 3_600);
    await vi.waitFor(async () => expect((await transactions())[0]).toMatchObject({ status: 'failed', state: -1 }));
    expect(merchant.named('CancelTransaction')[0]?.params).toEqual({ id: transaction?.id, reason: 4 });
  });

  it.each([
    ['lost_request', 'paid'],
    ['delay', 'paid'],
    ['wrong_auth', 'failed'],
    ['malformed', 'failed'],
    ['amount_changed', 'failed'],
  ] as const)('and the fault %s on CreateTransaction: %s', async (kind, status) => {
    const fault = { method: 'CreateTransaction', kind, remaining: 1, delay_ms: 5 };
    await bench.sim('PUT', '/faults', { payme: fault });
    const result = await pay();
    expect(result.status).toBe(status);
    const codes = { wrong_auth: -32504, malformed: -32700, amount_changed: -31001 };
    if (status === 'failed') expect(result.error?.code).toBe(codes[kind as keyof typeof codes]);
    expect(await bench.sim('GET', '/faults')).toEqual({});
  });
});

describe('time', () => {
  it('cancels with reason 4 twelve hours after the time, not before, and the money comes back', async () => {
    await pay({ stop_after: 'debit' });
    await bench.advance(12 * 3_600 - 60);
    expect((await transactions())[0]).toMatchObject({ status: 'unclear', state: 1 });
    expect(merchant.named('CancelTransaction')).toEqual([]);
    await bench.advance(120);
    await vi.waitFor(async () =>
      expect((await transactions())[0]).toMatchObject({ status: 'failed', state: -1, reason: 4, money: 'returned' }),
    );
  });

  it('stops a long jump of the clock at the moment a transaction runs out', async () => {
    await pay({ stop_after: 'create' });
    merchant.nowMs = () => Date.now();
    await bench.advance(30 * DAY);
    const [transaction] = await transactions();
    expect(transaction).toMatchObject({ state: -1, reason: 4 });
    expect(transaction?.steps.at(-1)?.atMs).toBeLessThan(Date.now() + DAY * 1000);
  });

  it('goes on after a restart: ledger, clock and what is still to run out', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hoshi-payme-'));
    await bench.close();
    bench = await Bench.start({ appUrl: merchant.server.url, stateDir: dir });
    await pay({ url: merchant.link('198') });
    await pay({ stop_after: 'create' });
    const before = await transactions();
    await bench.restart();
    expect(await transactions()).toEqual(before);
    await bench.advance(13 * 3_600);
    await vi.waitFor(async () => expect((await transactions())[0]).toMatchObject({ reason: 4 }));
    expect((await statement()).differences).toEqual([]);
    await bench.sandbox.close();
    await bench.restart();
    await rm(dir, { recursive: true });
  });

  it('ends with a reset of the sandbox, and numbers are not given again', async () => {
    await pay();
    await bench.sim('POST', '/reset');
    expect(await transactions()).toEqual([]);
    await pay({ url: merchant.link('198') });
    const ids = merchant.calls.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the merchant’s cabinet', () => {
  it('refunds with reason 5, twice, and sends the receipt of the refund', async () => {
    const { transaction } = await pay();
    const refunded = await bench.sim('POST', `/payme/transactions/${transaction?.id}/refund`);
    expect(refunded).toMatchObject({
      ...{ status: 'refunded', state: -2, reason: 5, money: 'returned' },
      ...{ fiscal: { PERFORM: 'taken', CANCEL: 'taken' }, complaints: [] },
    });
    expect(merchant.named('CancelTransaction')).toHaveLength(2);
    expect(merchant.fiscal.map(({ type }) => type)).toEqual(['PERFORM', 'CANCEL']);
    expect(await bench.trySim('POST', `/payme/transactions/${transaction?.id}/refund`)).toMatchObject({ status: 409 });
  });

  it('shows -31007 as a refused refund', async () => {
    const { transaction } = await pay();
    merchant.override = ({ method }) => (method === 'CancelTransaction' ? refuse(-31007) : undefined);
    expect(await bench.sim('POST', `/payme/transactions/${transaction?.id}/refund`)).toMatchObject({
      ...{ status: 'paid', state: 2, money: 'debited', error: { code: -31007 } },
    });
  });

  it('does not mind an application without SetFiscalData', async () => {
    merchant.override = ({ method }) => (method === 'SetFiscalData' ? refuse(-32601) : undefined);
    expect((await pay()).transaction).toMatchObject({ status: 'paid', fiscal: { PERFORM: 'refused' }, complaints: [] });
  });

  it('finds a statement that agrees', async () => {
    await pay({ card: CARDS.blocked });
    await pay();
    await pay({ url: merchant.link('198') });
    const { transactions: rows, differences } = await statement();
    expect(rows).toHaveLength(3);
    expect(differences).toEqual([]);
  });

  it('finds rows that are missing, invented, changed or in another order', async () => {
    const first = (await pay()).transaction as SimPaymeTransaction;
    const second = (await pay({ url: merchant.link('198') })).transaction as SimPaymeTransaction;
    const row = merchant.kept.get(second.id);
    const invented = { ...row, id: 'f'.repeat(24), time: first.time - 1 };
    merchant.override = ({ method }) =>
      method === 'GetStatement' ? { result: { transactions: [{ ...row, amount: 1 }, invented] } } : undefined;
    expect((await statement()).differences).toEqual([
      { id: first.id, field: 'row', payme: 'there', application: 'missing' },
      { id: second.id, field: 'amount', payme: 1_234_567, application: 1 },
      { id: 'f'.repeat(24), field: 'row', payme: 'unknown', application: 'there' },
      { id: '', field: 'order', payme: 'ascending time', application: 'another order' },
    ]);
  });

  it('compares CheckTransaction with its own books', async () => {
    const { transaction } = await pay();
    const path = `/payme/transactions/${transaction?.id}/check`;
    expect(await bench.sim('POST', path)).toMatchObject({ differences: [] });
    Object.assign(merchant.kept.get(transaction?.id ?? '') ?? {}, { state: -2, reason: 5 });
    expect(await bench.sim('POST', path)).toMatchObject({
      differences: [
        { field: 'state', payme: 2, application: -2 },
        { field: 'reason', payme: null, application: 5 },
      ],
    });
  });
});
