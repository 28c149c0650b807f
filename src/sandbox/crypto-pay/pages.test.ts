import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestApplication } from './test-application.ts';

let app: TestApplication;

beforeEach(async () => {
  app = await TestApplication.start();
});
afterEach(async () => {
  await app.close();
});

type Shown = { status: number; text: string };

async function open(url: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> {
  const response = await fetch(new URL(url, app.bench.sandbox.url), {
    headers,
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return { status: response.status, text: await response.text() };
}

const FIAT = { currency_type: 'fiat', fiat: 'USD', amount: '29.99', accepted_assets: 'TON,BTC' };

it('leads from all three links to the choice of a coin, in Japanese or English', async () => {
  const invoice = await app.result('createInvoice', { ...FIAT, description: '<b>Plan</b>', expires_in: 600 });
  for (const url of [invoice.bot_invoice_url, invoice.mini_app_invoice_url, invoice.web_app_invoice_url]) {
    const { text } = await open(url, undefined, { 'accept-language': 'ja-JP,ja;q=0.9' });
    expect(text).toContain('お支払いに使う通貨を選んでください');
    expect(text).toContain('0.00030759 BTC');
    expect(text).toContain('&lt;b&gt;Plan');
  }
  expect((await open(`${invoice.web_app_invoice_url}?lang=en`)).text).toContain('Choose what to pay with');
});

it('shows the amount in the coin, pays, and goes on by the button of the seller', async () => {
  const button = {
    paid_btn_name: 'callback',
    paid_btn_url: 'https://hoshi.example/done',
    hidden_message: 'Your key: 1',
  };
  const invoice = await app.result('createInvoice', { ...FIAT, ...button });
  const confirm = await open(`${invoice.web_app_invoice_url}?asset=BTC&lang=en`);
  expect(confirm.text).toContain('Pay 0.00030759 BTC');
  const done = await open(`${invoice.web_app_invoice_url}?lang=en`, { action: 'pay', asset: 'BTC', anonymous: 'yes' });
  expect(done.text).toContain('data-status="paid"');
  expect(done.text).toContain('href="https://hoshi.example/done"');
  expect(done.text).toContain('Your key: 1');
  expect(app.updates).toMatchObject([{ payload: { paid_anonymously: true } }]);
});

it('can be left without paying, and refuses what it must', async () => {
  const invoice = await app.result('createInvoice', FIAT);
  const url = invoice.web_app_invoice_url;
  expect((await open(`${url}?lang=en`, { action: 'cancel' })).text).toContain('Nothing was paid');
  expect((await open(url, { action: 'pay', asset: 'ETH' })).status).toBe(400);
  expect((await open(url, { action: 'pay', asset: 'BTC' }, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await open('/crypto-pay/invoices/IVnothing')).status).toBe(404);
  expect((await open('/crypto-pay/elsewhere')).status).toBe(404);
  expect(app.updates).toEqual([]);
});

it('says when an invoice has expired', async () => {
  const invoice = await app.result('createInvoice', { ...FIAT, expires_in: 60 });
  await app.bench.advance(61);
  expect((await open(`${invoice.bot_invoice_url}&lang=en`)).text).toContain('This invoice has expired');
});

it('gives the money of a check to whoever opens its link', async () => {
  const check = await app.result('createCheck', { asset: 'TON', amount: '2.5' });
  expect((await open(`${check.bot_check_url}&lang=en`)).text).toContain('Take 2.5 TON');
  expect((await open(`${check.bot_check_url}&lang=ja`, {})).text).toContain('受け取りました');
  expect((await app.result('getChecks')).items).toMatchObject([{ status: 'activated' }]);
});

it('has a cabinet with a button for everything', async () => {
  const invoice = await app.result('createInvoice', { ...FIAT, payload: 'pay_07' });
  const check = await app.result('createCheck', { asset: 'TON', amount: '1' });
  expect((await open('/crypto-pay/cabinet')).text).toContain('pay_07');
  expect((await open(`/crypto-pay/cabinet/invoices/${invoice.invoice_id}/TON`, {})).text).toContain('answered 200');
  expect((await open(`/crypto-pay/cabinet/invoices/${invoice.invoice_id}/TON`, {})).text).toContain(
    'This invoice is paid',
  );
  expect((await open('/crypto-pay/cabinet/deliveries/1/send', {})).text).toContain('answered 200');
  expect((await open('/crypto-pay/cabinet/deliveries/1/wrong', {})).text).toContain('wrong token');
  expect((await open(`/crypto-pay/cabinet/checks/${check.check_id}/activate`, {})).text).toContain('activated');
  expect((await open('/crypto-pay/cabinet/transfer', {})).text).toContain('METHOD_DISABLED');
  expect((await open('/crypto-pay/cabinet/transfer', {})).text).toContain('Transfers are allowed');
  expect(app.updates).toHaveLength(3);
  expect((await open('/crypto-pay/cabinet/transfer', {}, { origin: 'https://evil.example' })).status).toBe(403);
});
