import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SimPaymeTransaction } from '../control-payme-click.ts';
import { completeOptions } from '../options.ts';
import { Bench } from '../test-bench.ts';
import { refuse, TestMerchant } from './test-merchant.ts';

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

type Shown = { status: number; text: string; headers: Headers; path: string };

async function open(path: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> {
  const response = await fetch(`${bench.sandbox.url}${path}`, {
    headers,
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  const url = new URL(response.url);
  return {
    status: response.status,
    text: (await response.text()).replaceAll('\u00a0', ' '),
    headers: response.headers,
    path: url.pathname,
  };
}

function pathOf(link: string): string {
  return `/payme/${new URL(link).pathname.slice(1)}`;
}

async function openLink(order: string, more = ''): Promise<{ page: Shown; checkout: string }> {
  const page = await open(pathOf(merchant.link(order, more)));
  return { page, checkout: /\/payme\/checkout\/[0-9a-f]{24}/.exec(page.text)?.[0] ?? '' };
}

it('asks the application first and shows amount, account and receipt, in the language of the link', async () => {
  const items = [{ title: 'Pro <b>', price: 1_234_567, count: 1 }];
  merchant.override = () => ({
    result: { allow: true, detail: { receipt_type: 0, items }, additional: { plan: 'Pro' } },
  });
  const { page } = await openLink('198', ';l=uz');
  expect(merchant.named('CheckPerformTransaction')).toHaveLength(1);
  expect(page.status).toBe(200);
  expect(page.text).toContain('<html lang="uz">');
  expect(page.text).toContain('12 345,67 soʻm');
  expect(page.text).toContain('<dd>198</dd>');
  expect(page.text).toContain('Pro &lt;b&gt; × 1');
  expect(page.text).toContain('Sandbox');
});

it('takes card and code in two forms and sends the payer back after the time of the link', async () => {
  const { checkout } = await openLink('197', ';l=en;c=https://shop.uz/r?t=:transaction&o=:account.order_id;ct=2500');
  const wrongCard = await open(`${checkout}/card`, { number: '8600 1111 1111 1111', expire: '03/99' });
  expect(wrongCard.text).toContain('role="alert"');
  const asked = await open(`${checkout}/card`, { number: '8600 4954 7331 6478', expire: '03/99' });
  expect(asked.path).toBe(checkout);
  expect(asked.text).toContain('8600 49** **** 6478');
  expect((await open(`${checkout}/pay`, { code: '111111' })).text).toContain('-31103');
  const done = await open(`${checkout}/pay`, { code: '666666' });
  const [transaction] = await bench.sim<SimPaymeTransaction[]>('GET', '/payme/transactions');
  expect(done.text).toContain('data-status="paid"');
  expect(done.text).toContain(`content="3; url=https://shop.uz/r?t=${transaction?.id}&amp;o=197"`);
  const calls = merchant.calls.length;
  await open(`${checkout}/pay`, { code: '666666' });
  expect(merchant.calls).toHaveLength(calls);
});

it('says in three languages why it cannot be paid', async () => {
  merchant.override = () => refuse(-31050, 'order_id');
  const { page } = await openLink('197');
  expect(page.text).toContain('error -31050 (ru)');
  const link = /\/payme\/checkout\/[0-9a-f]{24}\?lang=uz/.exec(page.text)?.[0] ?? '';
  const uzbek = await open(link);
  expect(uzbek.text).toContain('error -31050 (uz)');
  expect(uzbek.text).not.toContain('name="number"');
});

it('shows a decline, and the way back without a transaction', async () => {
  const { page, checkout } = await openLink('197', ';l=en;c=https://shop.uz/r?t=:transaction');
  expect(page.text).toContain('href="https://shop.uz/r?t=null"');
  await open(`${checkout}/card`, { number: '4444 4459 8745 9073', expire: '03/99' });
  const done = await open(`${checkout}/pay`, { code: '666666' });
  expect(done.text).toContain('data-status="failed"');
  expect(done.text).toContain('The card is blocked.');
  expect(done.text).not.toContain('http-equiv');
});

it('waits on a page that reloads itself while the application takes its time', async () => {
  merchant.override = ({ method }) => (method === 'CreateTransaction' ? { raw: { status: 503, body: '' } } : undefined);
  await bench.close();
  bench = await Bench.start({ appUrl: merchant.server.url, retryScale: 1 });
  const { checkout } = await openLink('197');
  await open(`${checkout}/card`, { number: '8600 4954 7331 6478', expire: '03/99' });
  const waiting = await open(`${checkout}/pay`, { code: '666666' });
  expect(waiting.text).toContain('data-status="processing"');
  expect(waiting.text).toContain('<meta http-equiv="refresh" content="1">');
});

it('takes the POST form, with the page it stood on as the way back', async () => {
  const form = {
    merchant: completeOptions({}).paymeMerchantId,
    amount: '50000',
    'account[order_id]': '197',
    lang: 'en',
  };
  const page = await open('/payme/', { ...form, description: 'Pro & more' }, { referer: 'http://localhost:3000/cart' });
  expect(page.path).toMatch(/^\/payme\/checkout\//);
  expect(page.text).toContain('Pro &amp; more');
  expect(page.text).toContain('href="http://localhost:3000/cart"');
});

it('refuses links that are wrong, and escapes what they say', async () => {
  const link = Buffer.from('m=1;<script>=1').toString('base64');
  const page = await open(`/payme/${encodeURIComponent(link)}`);
  expect(page.status).toBe(400);
  expect(page.text).toContain('&lt;script&gt;');
  expect(page.text).not.toContain('<script>');
});

it('loads nothing from elsewhere and runs no script', async () => {
  const { page } = await openLink('197');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.text).not.toMatch(/<script|style=|https?:\/\//);
  const style = await open('/pages.css');
  expect(style.headers.get('content-type')).toContain('text/css');
  expect(style.text).not.toMatch(/url\(|@import/);
});

it('has a cabinet: refund, statement, and only for pages of this machine', async () => {
  const { transaction } = await bench.sim<{ transaction: SimPaymeTransaction }>('POST', '/payme/pay', {
    url: merchant.link('197'),
  });
  const cabinet = await open('/payme/cabinet');
  expect(cabinet.text).toContain(`/payme/cabinet/${transaction.id}/refund`);
  const foreign = await open(`/payme/cabinet/${transaction.id}/refund`, {}, { origin: 'https://evil.example' });
  expect(foreign.status).toBe(403);
  merchant.override = ({ method }) => (method === 'CancelTransaction' ? refuse(-31007) : undefined);
  expect((await open(`/payme/cabinet/${transaction.id}/refund`, {})).text).toContain('The application refused');
  merchant.override = () => undefined;
  expect((await open(`/payme/cabinet/${transaction.id}/refund`, {})).text).toContain('refunded');
  const day = new Date().toISOString().slice(0, 10);
  expect((await open(`/payme/cabinet?from=2020-01-01&to=${day}`)).text).toContain('agree');
  merchant.kept.clear();
  expect((await open(`/payme/cabinet?from=2020-01-01&to=2099-01-01`)).text).toContain('the application and Payme: 1');
});
