import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimTraffic } from '../control.ts';
import type { SimClickPayment, SimClickPayResult } from '../control-payme-click.ts';
import { completeOptions } from '../options.ts';
import { Bench } from '../test-bench.ts';
import { refuse, TestMerchant } from './test-merchant.ts';

const { clickSecretKey, clickServiceId, clickMerchantUserId } = completeOptions({});
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

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

function pay(given: Record<string, unknown> = {}): Promise<SimClickPayResult> {
  return bench.sim('POST', '/click/pay', { url: merchant.link('197'), ...given });
}

function investigations(): Promise<SimClickPayment[]> {
  return bench.sim('GET', '/click/investigations');
}

const completeErrors = (): (string | undefined)[] => merchant.named('Complete').map((call) => call['error']);

describe('a payment', () => {
  it('is prepared, debited and completed, form-encoded, in the fields of the documentation', async () => {
    const {
      status,
      payment,
      redirect_url: redirect,
    } = await pay({
      url: merchant.link('197', '500.00', { return_url: 'https://shop.uz/done' }),
    });
    expect(status).toBe('paid');
    expect(redirect).toBe('https://shop.uz/done');
    expect(payment).toMatchObject({
      money: 'debited',
      merchant_prepare_id: '701',
      merchant_confirm_id: '701',
      complaints: [],
    });
    const [prepare, complete] = merchant.calls;
    expect(Object.keys(prepare ?? {})).toEqual([
      ...['click_trans_id', 'service_id', 'click_paydoc_id', 'merchant_trans_id', 'amount', 'action'],
      ...['error', 'error_note', 'sign_time', 'sign_string'],
    ]);
    expect(prepare).toMatchObject({
      action: '0',
      error: '0',
      amount: '500.00',
      click_trans_id: payment?.click_trans_id,
    });
    expect(complete).toMatchObject({ action: '1', error: '0', merchant_prepare_id: '701' });
    expect(prepare?.['sign_time']).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  it.each(['500', '500.0', '500.00'])('is signed over the amount text of the link: %s', async (amount) => {
    await pay({ url: merchant.link('197', amount) });
    const [prepare = {}, complete = {}] = merchant.calls;
    const start = `${prepare['click_trans_id']}${clickServiceId}${clickSecretKey}197`;
    expect(prepare['sign_string']).toBe(md5(`${start}${amount}0${prepare['sign_time']}`));
    expect(complete['sign_string']).toBe(md5(`${start}701${amount}1${complete['sign_time']}`));
  });

  it('may have ids above 2^53, which must come back digit by digit', async () => {
    const { payment } = await pay({ large_ids: true });
    expect(BigInt(payment?.click_trans_id ?? 0)).toBeGreaterThan(2n ** 53n);
    expect(BigInt(payment?.click_paydoc_id ?? 0)).toBeGreaterThan(2n ** 53n);
    expect(payment?.complaints).toEqual([]);
    merchant.override = (fields, honest) => ({ ...honest(), click_trans_id: Number(fields['click_trans_id']) });
    const rounded = await pay({ url: merchant.link('198', '38400.50'), large_ids: true });
    expect(rounded.payment?.complaints).toContainEqual(expect.stringContaining('click_trans_id came back as'));
  });

  it('shows in the wire log of both directions', async () => {
    await pay();
    const traffic = await bench.sim<SimTraffic[]>('GET', '/traffic');
    expect(traffic.find(({ name }) => name === 'Prepare')).toMatchObject({
      ...{ peer: 'click', direction: 'to_bot', status: 200, request: { body: { merchant_trans_id: '197' } } },
    });
    expect(JSON.stringify(traffic)).not.toContain(clickSecretKey);
  });

  it.each([
    ['another service', { service_id: '1' }, 'service_id'],
    ['another merchant', { merchant_id: '1' }, 'merchant_id'],
    ['an amount of three decimals', { amount: '1.005' }, 'amount'],
    ['no amount', { amount: '0.00' }, 'amount'],
    ['no order', { transaction_param: '' }, 'transaction_param'],
    ['a script as the way back', { return_url: 'javascript:alert(1)' }, 'return_url'],
    ['an unknown card', { card_type: 'visa' }, 'card_type'],
  ])('is not begun from a link with %s', async (_what, change, field) => {
    expect(await pay({ url: merchant.link('197', '500', change) })).toMatchObject({
      status: 'refused',
      error: { data: field },
    });
    expect(merchant.calls).toEqual([]);
  });
});

describe('a payment without money', () => {
  it.each([
    ['insufficient_funds', undefined, '-5017'],
    ['cancelled', undefined, '-1'],
    ['error', -31, '-31'],
  ] as const)('%s ends with Complete and the negative error', async (outcome, error, code) => {
    const result = await pay({ outcome, ...(error === undefined ? {} : { error }) });
    expect(result).toMatchObject({ status: 'failed', payment: { money: 'none', complaints: [] } });
    expect(completeErrors()).toEqual([code]);
  });

  it('complains of an application that answers 0 to it', async () => {
    merchant.override = (fields, honest) => (fields['error'] === '0' ? undefined : { ...honest(), error: 0 });
    const { payment } = await pay({ outcome: 'insufficient_funds' });
    expect(payment?.complaints).toContainEqual(expect.stringContaining('error 0 to a cancellation'));
  });

  it.each([-2, -5, -9])('is what a Prepare refused with %i ends as: Complete cancels', async (code) => {
    merchant.override = (fields) => (fields['action'] === '0' ? refuse(code) : undefined);
    expect(await pay()).toMatchObject({ status: 'failed', error: { code }, payment: { money: 'none' } });
    expect(completeErrors()).toEqual(['-1']);
  });

  it('hears no Complete when Prepare says that the order is paid', async () => {
    await pay();
    expect(await pay()).toMatchObject({ status: 'failed', error: { code: -4 } });
    expect(merchant.named('Complete')).toHaveLength(1);
  });

  it('is given up when Prepare is never answered', async () => {
    merchant.override = () => ({ raw: { status: 500, body: '' } });
    expect(await pay()).toMatchObject({ status: 'failed', payment: { money: 'none' } });
    expect(merchant.named('Prepare')).toHaveLength(4);
  });
});

describe('a lost answer', () => {
  it('to Complete makes Click prepare again; -4 says it is confirmed', async () => {
    const { status, steps } = await pay({ outcome: 'lost_answer' });
    expect(status).toBe('paid');
    expect(merchant.calls.map((call) => call['action'])).toEqual(['0', '1', '0']);
    expect(steps.at(-1)).toMatchObject({ name: 'Prepare', is_repeat: true, outcome: 'refused' });
  });

  it('to Complete is followed by a confirming Complete whatever the new Prepare says; -4 is then a success', async () => {
    let prepares = 0;
    merchant.override = (fields) => (fields['action'] === '0' && ++prepares === 2 ? refuse(-9) : undefined);
    expect(await pay({ outcome: 'lost_answer' })).toMatchObject({ status: 'paid' });
    expect(completeErrors()).toEqual(['0', '0']);
    expect(await investigations()).toEqual([]);
  });

  it('that never comes ends in a manual investigation, which a later Complete can close', async () => {
    merchant.override = (fields) => (fields['action'] === '1' ? { raw: null } : undefined);
    const { status, payment } = await pay();
    expect(status).toBe('investigation');
    expect(payment).toMatchObject({ money: 'debited' });
    expect(merchant.named('Complete')).toHaveLength(4);
    merchant.override = () => undefined;
    const path = `/click/payments/${payment?.click_trans_id}/complete`;
    expect(await bench.sim('POST', path)).toMatchObject({ status: 'paid' });
    expect(await investigations()).toEqual([]);
  });

  it.each([
    ['lost_request', 'Prepare', 'paid'],
    ['lost_answer', 'Prepare', 'paid'],
    ['lost_answer', 'Complete', 'paid'],
    ['duplicate', 'Complete', 'paid'],
    ['delay', 'Complete', 'paid'],
    ['wrong_auth', 'Prepare', 'failed'],
    ['amount_changed', 'Prepare', 'failed'],
    ['wrong_auth', 'Complete', 'investigation'],
    ['amount_changed', 'Complete', 'investigation'],
  ] as const)('and the fault %s of %s: %s', async (kind, method, status) => {
    await bench.sim('PUT', '/faults', { click: { method, kind, remaining: 1, delay_ms: 5 } });
    expect(await pay()).toMatchObject({ status });
    expect(await bench.sim('GET', '/faults')).toEqual({});
  });
});

describe('money taken and not confirmed', () => {
  it.each([-1, -2, -4, -6, -7, -9])('with %i is looked into by hand', async (code) => {
    merchant.override = (fields) => (fields['action'] === '1' ? refuse(code) : undefined);
    expect(await pay()).toMatchObject({ status: 'investigation', error: { code }, payment: { money: 'debited' } });
    const [open] = await investigations();
    const returned = await bench.sim('POST', `/click/payments/${open?.click_trans_id}/return`);
    expect(returned).toMatchObject({ status: 'failed', money: 'returned' });
    expect(await investigations()).toEqual([]);
  });

  it('with an answer that is none, too', async () => {
    merchant.override = (fields) => (fields['action'] === '1' ? { error: '0' } : undefined);
    expect(await pay()).toMatchObject({ status: 'investigation' });
  });
});

describe('the Merchant API', () => {
  type ApiAnswer = { status: number; text: string; body: Record<string, unknown> };

  async function nowSeconds(): Promise<number> {
    return Math.floor((await bench.state()).nowMs / 1000);
  }

  async function call(verb: string, path: string, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    const time = await nowSeconds();
    const response = await fetch(`${bench.sandbox.url}/click/v2/merchant/${path}`, {
      method: verb,
      headers: { accept: 'application/json', 'content-type': 'application/json', auth: authOf(time), ...headers },
    });
    const text = await response.text();
    return { status: response.status, text, body: JSON.parse(text) as Record<string, unknown> };
  }

  function authOf(time: number, secret = clickSecretKey): string {
    return `${clickMerchantUserId}:${createHash('sha1').update(`${time}${secret}`).digest('hex')}:${time}`;
  }

  const status = (id: string | undefined): string => `payment/status/${clickServiceId}/${id}`;
  const reversal = (id: string | undefined): string => `payment/reversal/${clickServiceId}/${id}`;

  it('tells the state of a payment by its number, also above 2^53', async () => {
    const { payment } = await pay({ large_ids: true });
    const { text } = await call('GET', status(payment?.click_paydoc_id));
    expect(text).toBe(
      `{"error_code":0,"error_note":"Success","payment_id":${payment?.click_paydoc_id},"payment_status":2}`,
    );
    const failed = await pay({ outcome: 'insufficient_funds', url: merchant.link('198', '38400.50') });
    const answer = await call('GET', status(failed.payment?.click_paydoc_id));
    expect(answer.body['payment_status']).toBeLessThan(0);
    expect((await call('GET', status('1'))).body['error_code']).not.toBe(0);
  });

  it('finds a payment by order and its day in Tashkent', async () => {
    const now = await nowSeconds();
    const toMidnight = 86_400 - ((now + 5 * 3_600) % 86_400);
    await bench.advance(toMidnight + 3_600);
    const { payment } = await pay();
    const today = new Date((await nowSeconds()) * 1000 + 5 * 3_600_000).toISOString().slice(0, 10);
    const yesterday = new Date((await nowSeconds()) * 1000 - 19 * 3_600_000).toISOString().slice(0, 10);
    const path = `payment/status_by_mti/${clickServiceId}/197`;
    expect((await call('GET', `${path}/${today}`)).body).toMatchObject({
      ...{ error_code: 0, payment_id: Number(payment?.click_paydoc_id), payment_status: 2, merchant_trans_id: '197' },
    });
    expect((await call('GET', `${path}/${yesterday}`)).body['error_code']).not.toBe(0);
  });

  it('answers only who can sign the time', async () => {
    const { payment } = await pay();
    const path = status(payment?.click_paydoc_id);
    const now = await nowSeconds();
    expect((await call('GET', path, { auth: '' })).status).toBe(401);
    expect((await call('GET', path, { auth: authOf(now, 'other') })).status).toBe(401);
    expect((await call('GET', path, { auth: authOf(now - 700) })).status).toBe(401);
    expect((await call('GET', path, { auth: authOf(now + 700) })).status).toBe(401);
    expect((await call('GET', path, { auth: authOf(now - 500) })).status).toBe(200);
    expect((await call('GET', path, { auth: authOf(now).replace(/^\d+/, '1') })).status).toBe(401);
  });

  it('has HTTP answers for what is no call of it', async () => {
    expect((await call('GET', 'payment/unknown')).status).toBe(404);
    expect((await call('POST', status('1'))).status).toBe(403);
    expect((await call('GET', 'payment/status/1/1')).status).toBe(403);
    expect((await call('GET', status('1'), { accept: 'text/html' })).status).toBe(406);
  });

  it('gives money back once, whole', async () => {
    const { payment } = await pay();
    const id = payment?.click_paydoc_id;
    expect((await call('DELETE', reversal(id))).body).toEqual({
      ...{ error_code: 0, error_note: 'Success', payment_id: Number(id) },
    });
    expect((await call('DELETE', reversal(id))).body['error_code']).not.toBe(0);
    expect((await call('GET', status(id))).body['payment_status']).toBeLessThan(0);
    expect(await bench.sim('GET', `/click/payments/${payment?.click_trans_id}`)).toMatchObject({
      ...{ status: 'reversed', money: 'returned', reversed_tiyin: 50_000 },
    });
  });

  it('gives money back in parts, not more than there was', async () => {
    const { payment } = await pay({ url: merchant.link('198', '38400.50') });
    const path = (amount: string): string =>
      `payment/partial_reversal/${clickServiceId}/${payment?.click_paydoc_id}/${amount}`;
    expect((await call('DELETE', path('400.50'))).body['error_code']).toBe(0);
    expect((await call('DELETE', path('38000.01'))).body['error_code']).not.toBe(0);
    expect((await call('GET', status(payment?.click_paydoc_id))).body['payment_status']).toBe(2);
    expect((await call('DELETE', path('38000'))).body['error_code']).toBe(0);
    expect((await call('GET', status(payment?.click_paydoc_id))).body['payment_status']).toBeLessThan(0);
  });

  it('refuses the reversal of UZCARD payments when that is switched on', async () => {
    const { payment } = await pay({ card_type: 'uzcard' });
    await bench.sim('PUT', '/faults', { click_uzcard_refuses_reversal: true });
    expect((await call('DELETE', reversal(payment?.click_paydoc_id))).body['error_note']).toContain('UZCARD');
  });

  it('can fail in every way of HTTP', async () => {
    const { payment } = await pay();
    const path = reversal(payment?.click_paydoc_id);
    const fault = (kind: string, more = {}): Promise<unknown> =>
      bench.sim('PUT', '/faults', { click: { method: 'payment/reversal', kind, remaining: 1, ...more } });
    await fault('http_error', { http_status: 502 });
    expect((await call('DELETE', path)).status).toBe(502);
    await fault('malformed');
    await expect(call('GET', status(payment?.click_paydoc_id))).resolves.toMatchObject({ status: 200 });
    await fault('lost_request');
    await expect(call('DELETE', path)).rejects.toThrow();
    expect((await call('GET', status(payment?.click_paydoc_id))).body['payment_status']).toBe(2);
    await fault('lost_answer');
    await expect(call('DELETE', path)).rejects.toThrow();
    expect((await call('GET', status(payment?.click_paydoc_id))).body['payment_status']).toBeLessThan(0);
    const traffic = await bench.sim<SimTraffic[]>('GET', '/traffic');
    expect(traffic.find(({ name }) => name === 'payment/reversal')).toMatchObject({
      ...{ peer: 'click', direction: 'from_bot', request: { headers: { auth: expect.stringContaining(':•••:') } } },
    });
  });
});

it('goes on after a restart, and a payment cut off after the debit is looked into', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hoshi-click-'));
  await bench.close();
  bench = await Bench.start({ appUrl: merchant.server.url, stateDir: dir });
  const first = await pay();
  const cutOff = new Promise<void>((resolve) => {
    merchant.override = (fields) => {
      if (fields['action'] === '0') return undefined;
      resolve();
      return { raw: null };
    };
  });
  const second = pay({ url: merchant.link('198', '38400.50') }).catch(() => null);
  await cutOff;
  await bench.restart();
  await second;
  expect(await bench.sim('GET', `/click/payments/${first.payment?.click_trans_id}`)).toEqual(first.payment);
  expect(await investigations()).toMatchObject([{ merchant_trans_id: '198', money: 'debited' }]);
  const third = await pay();
  expect(BigInt(third.payment?.click_trans_id ?? 0)).toBeGreaterThan(BigInt(first.payment?.click_trans_id ?? 0));
  await bench.sim('POST', '/reset');
  expect(await bench.sim('GET', '/click/payments')).toEqual([]);
  await bench.sandbox.close();
  await bench.restart();
  await rm(dir, { recursive: true });
});
