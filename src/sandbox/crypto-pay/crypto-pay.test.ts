import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimTraffic } from '../control.ts';
import type { SimCryptoPayInvoice } from '../control-crypto.ts';
import { cryptoPayToken, TestApplication } from './test-application.ts';

let app: TestApplication;

beforeEach(async () => {
  app = await TestApplication.start();
});
afterEach(async () => {
  await app.close();
});

const FIAT = { currency_type: 'fiat', fiat: 'USD', amount: '29.99' };

describe('the API', () => {
  it('answers only who has the token, in its envelope', async () => {
    expect(await app.call('getMe', {}, '1:wrong')).toEqual({
      ...{ status: 401, ok: false, error: { code: 401, name: 'UNAUTHORIZED' } },
    });
    expect(await app.result('getMe')).toMatchObject({
      app_id: 90004,
      payment_processing_bot_username: 'CryptoTestnetBot',
    });
    expect(await app.refusal('getNothing')).toBe('405 METHOD_NOT_FOUND');
  });

  it('reads parameters from query, JSON, form and multipart, with GET and POST', async () => {
    const url = `${app.bench.sandbox.url}/crypto-pay/api/createInvoice`;
    const headers = { 'crypto-pay-api-token': cryptoPayToken };
    const query = new URLSearchParams({ asset: 'BTC', amount: '0.00031' });
    const multipart = new FormData();
    for (const [name, value] of query) multipart.set(name, value);
    const answers = await Promise.all([
      fetch(`${url}?${query}`, { headers }),
      fetch(url, { method: 'POST', headers, body: query }),
      fetch(url, { method: 'POST', headers, body: multipart }),
      fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{"asset":"BTC","amount":0.00031}',
      }),
    ]);
    for (const answer of answers) {
      expect(await answer.json()).toMatchObject({ ok: true, result: { asset: 'BTC', amount: '0.00031' } });
    }
  });

  it.each([
    ['CURRENCY_TYPE_INVALID', { currency_type: 'stock' }],
    ['ASSET_REQUIRED', { currency_type: 'crypto' }],
    ['ASSET_INVALID', { currency_type: 'crypto', asset: 'XYZ' }],
    ['FIAT_REQUIRED', { fiat: '' }],
    ['FIAT_INVALID', { fiat: 'JPY' }],
    ['ACCEPTED_ASSETS_INVALID', { accepted_assets: 'BTC,XYZ' }],
    ['AMOUNT_REQUIRED', { amount: '' }],
    ['AMOUNT_INVALID', { amount: '29.999' }],
    ['AMOUNT_INVALID', { amount: '0' }],
    ['AMOUNT_INVALID', { currency_type: 'crypto', asset: 'BTC', amount: '0.000000001' }],
    ['AMOUNT_INVALID', { currency_type: 'crypto', asset: 'BTC', amount: 1e-7 }],
    ['EXPIRES_IN_INVALID', { expires_in: 0 }],
    ['EXPIRES_IN_INVALID', { expires_in: 2_678_401 }],
    ['DESCRIPTION_INVALID', { description: 'x'.repeat(1_025) }],
    ['HIDDEN_MESSAGE_INVALID', { hidden_message: 'x'.repeat(2_049) }],
    ['PAYLOAD_INVALID', { payload: '契'.repeat(1_400) }],
    ['SWAP_TO_INVALID', { swap_to: 'XYZ' }],
    ['PAID_BTN_NAME_INVALID', { paid_btn_name: 'dance' }],
    ['PAID_BTN_URL_REQUIRED', { paid_btn_name: 'callback' }],
    ['PAID_BTN_URL_INVALID', { paid_btn_name: 'callback', paid_btn_url: 'tg://x' }],
    ['ALLOW_COMMENTS_INVALID', { allow_comments: 'maybe' }],
  ])('refuses an invoice with %s: %j', async (name, args) => {
    expect(await app.refusal('createInvoice', { ...FIAT, ...args })).toBe(`400 ${name}`);
  });

  it('can be down, slow, hurried and cut off', async () => {
    await app.fault({ kind: 'unavailable' });
    expect(await app.refusal('getMe')).toBe('503 SERVICE_UNAVAILABLE');
    await app.fault({ kind: 'rate_limited', method: 'getMe' });
    expect(await app.refusal('getMe')).toBe('429 TOO_MANY_REQUESTS');
    await app.fault({ kind: 'http_error', http_status: 500 });
    expect((await app.call('getMe')).status).toBe(500);
    await app.fault({ kind: 'malformed' });
    await expect(app.call('getMe')).rejects.toThrow();
    await app.fault({ kind: 'lost_request' });
    await expect(app.createInvoice()).rejects.toThrow();
    expect((await app.result('getInvoices')).items).toEqual([]);
    await app.fault({ kind: 'lost_answer' });
    await expect(app.createInvoice()).rejects.toThrow();
    expect((await app.result('getInvoices')).items).toHaveLength(1);
    await app.fault({ kind: 'delay', delay_ms: 5 });
    expect((await app.call('getMe')).ok).toBe(true);
  });

  it('can leave a call without any answer', async () => {
    await app.fault({ kind: 'timeout' });
    const gaveUp = new AbortController();
    const call = fetch(`${app.bench.sandbox.url}/crypto-pay/api/getMe`, { signal: gaveUp.signal });
    const seen = await app.bench.until(async () =>
      (await app.bench.sim<SimTraffic[]>('GET', '/traffic')).find(({ name }) => name === 'getMe'),
    );
    expect(seen).toMatchObject({ peer: 'crypto-pay', direction: 'from_bot', status: 'no_answer' });
    gaveUp.abort();
    await expect(call).rejects.toThrow();
  });
});

describe('an invoice', () => {
  it('is priced in a fiat currency or a coin, without members that have no value', async () => {
    const fiat = await app.createInvoice({ expires_in: 1_800, description: 'Plan', accepted_assets: ['BTC', 'TON'] });
    expect(fiat).toEqual({
      invoice_id: expect.any(Number),
      hash: expect.stringMatching(/^IV\w{10}$/),
      ...{ currency_type: 'fiat', fiat: 'USD', amount: '29.99', accepted_assets: ['BTC', 'TON'], description: 'Plan' },
      pay_url: fiat.bot_invoice_url,
      bot_invoice_url: `${app.bench.sandbox.url}/crypto-pay/CryptoTestnetBot?start=${fiat.hash}`,
      mini_app_invoice_url: `${app.bench.sandbox.url}/crypto-pay/CryptoTestnetBot/app?startapp=invoice-${fiat.hash}`,
      web_app_invoice_url: `${app.bench.sandbox.url}/crypto-pay/invoices/${fiat.hash}`,
      ...{ status: 'active', allow_comments: true, allow_anonymous: true, payload: 'pay_01' },
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      expiration_date: expect.stringMatching(/Z$/),
    });
    const coins = await app.createInvoice({ currency_type: 'crypto', asset: 'ETH', amount: '0.012345678901234567' });
    expect(coins).toMatchObject({ currency_type: 'crypto', asset: 'ETH', amount: '0.012345678901234567' });
    expect(coins).not.toHaveProperty('fiat');
  });

  it.each([
    ['USDT', '29.99'],
    ['TON', '9.227692308'],
    ['BTC', '0.00030759'],
    ['ETH', '0.008216438356164384'],
  ])('is paid in %s with %s, to the last decimal, and announced', async (asset, amount) => {
    const invoice = await app.createInvoice();
    const { invoice: paid, delivery } = await app.pay(invoice.mini_app_invoice_url, { asset, comment: 'Thanks' });
    expect(paid).toMatchObject({ status: 'paid', paid_asset: asset, paid_amount: amount, comment: 'Thanks' });
    expect(delivery).toMatchObject({ status: 'delivered', invoice_id: invoice.invoice_id });
    expect(app.updates).toMatchObject([{ update_type: 'invoice_paid', payload: paid }]);
  });

  it('takes a fee of its own and the rest to the balance', async () => {
    await app.bench.sim('PUT', '/crypto-pay/settings', { fee_bps: 100, balances: { BTC: '1' } });
    const { invoice } = await app.pay(
      (await app.createInvoice({ currency_type: 'crypto', asset: 'BTC', amount: '0.5' })).bot_invoice_url,
    );
    expect(invoice).toMatchObject({
      fee_asset: 'BTC',
      fee_amount: '0.005',
      fee_in_usd: '487.5',
      paid_usd_rate: '97500',
    });
    const balances = (await app.result('getBalance')) as { currency_code: string; available: string; onhold: string }[];
    expect(balances.find(({ currency_code: code }) => code === 'BTC')).toEqual({
      ...{ currency_code: 'BTC', available: '1.495', onhold: '0' },
    });
  });

  it('follows the rates that are set', async () => {
    await app.bench.sim('PUT', '/crypto-pay/settings', { asset_usd: { BTC: '100000' }, fiat_per_usd: { EUR: '0.5' } });
    const { invoice } = await app.pay((await app.createInvoice({ fiat: 'EUR', amount: '50' })).bot_invoice_url, {
      asset: 'BTC',
    });
    expect(invoice).toMatchObject({ paid_amount: '0.001', paid_fiat_rate: '50000' });
    expect(await app.result('getExchangeRates')).toContainEqual({
      ...{ is_valid: true, is_crypto: true, is_fiat: false, source: 'BTC', target: 'EUR', rate: '50000' },
    });
  });

  it('is paid once, in a coin it accepts, before its time is over', async () => {
    const invoice = await app.createInvoice({ accepted_assets: 'TON', expires_in: 60 });
    const url = invoice.web_app_invoice_url;
    expect((await app.bench.trySim('POST', '/crypto-pay/pay', { url, asset: 'BTC' })).content).toMatchObject({
      error: 'ASSET_NOT_ACCEPTED',
    });
    await app.pay(url);
    expect((await app.bench.trySim('POST', '/crypto-pay/pay', { url })).status).toBe(409);
    const late = await app.createInvoice({ expires_in: 60 });
    await app.bench.advance(61);
    expect((await app.bench.trySim('POST', '/crypto-pay/pay', { url: late.bot_invoice_url })).status).toBe(409);
    const { items } = await app.result('getInvoices', { invoice_ids: String(late.invoice_id) });
    expect(items).toMatchObject([{ status: 'expired' }]);
    expect(app.updates).toHaveLength(1);
  });

  it('is deleted as long as nobody has paid it', async () => {
    const { invoice_id: id, bot_invoice_url: url } = await app.createInvoice();
    expect(await app.result('deleteInvoice', { invoice_id: id })).toBe(true);
    expect(await app.refusal('deleteInvoice', { invoice_id: id })).toBe('400 INVOICE_NOT_FOUND');
    expect((await app.bench.trySim('POST', '/crypto-pay/pay', { url })).status).toBe(404);
    expect(await app.refusal('deleteInvoice')).toBe('400 INVOICE_ID_REQUIRED');
  });

  it('is listed newest first, filtered and in pages', async () => {
    const first = await app.createInvoice();
    await app.createInvoice({ fiat: 'EUR' });
    const third = await app.createInvoice({ currency_type: 'crypto', asset: 'BTC', amount: '1' });
    await app.pay(third.bot_invoice_url);
    const list = async (args: Record<string, unknown>): Promise<number[]> =>
      (await app.result('getInvoices', args)).items.map((item: SimCryptoPayInvoice) => item.invoice_id);
    expect(await list({})).toEqual([third.invoice_id, first.invoice_id + 1, first.invoice_id]);
    expect(await list({ offset: 1, count: 1 })).toEqual([first.invoice_id + 1]);
    expect(await list({ status: 'paid' })).toEqual([third.invoice_id]);
    expect(await list({ status: 'active', fiat: 'USD' })).toEqual([first.invoice_id]);
    expect(await list({ asset: 'BTC' })).toEqual([third.invoice_id]);
    expect(await app.refusal('getInvoices', { status: 'expired' })).toBe('400 STATUS_INVALID');
    expect(await app.refusal('getInvoices', { count: 1_001 })).toBe('400 COUNT_INVALID');
    expect(await app.result('getStats')).toMatchObject({
      ...{
        volume: '97500',
        conversion: '33.33',
        created_invoice_count: 3,
        paid_invoice_count: 1,
        unique_users_count: 1,
      },
    });
  });
});
