import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SimClickPayment } from '../control-payme-click.ts';
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

type Shown = { status: number; text: string; path: string };

async function open(path: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> {
  const response = await fetch(`${bench.sandbox.url}${path}`, {
    headers,
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return {
    status: response.status,
    text: (await response.text()).replaceAll('\u00a0', ' '),
    path: new URL(response.url).pathname,
  };
}

function payPath(order: string, amount = '500.00', more: Record<string, string> = {}): string {
  return `/click/services/pay/${new URL(merchant.link(order, amount, more)).search}`;
}

it('shows amount and order in the language of the browser or of the address', async () => {
  const english = await open(payPath('198', '38400.50'), undefined, { 'accept-language': 'en-GB' });
  expect(english.text).toContain('38 400.50 UZS');
  expect(english.text).toContain('<dd>198</dd>');
  const uzbek = await open(`${payPath('198', '38400.50')}&lang=uz`);
  expect(uzbek.text).toContain('38 400,50 soʻm');
  expect(merchant.calls).toEqual([]);
});

it('pays and goes back to return_url', async () => {
  const path = payPath('197', '500.00', { return_url: 'https://shop.uz/done?a=1&b=2' });
  const done = await open(path, { outcome: 'paid' });
  expect(done.path).toMatch(/^\/click\/payment\/\d+$/);
  expect(done.text).toContain('data-status="paid"');
  expect(done.text).toContain('content="2; url=https://shop.uz/done?a=1&amp;b=2"');
});

it.each([
  ['insufficient_funds', 'failed'],
  ['cancelled', 'failed'],
  ['lost_answer', 'paid'],
  ['stop_after_prepare', 'unclear'],
])('has a button for %s', async (outcome, status) => {
  const page = await open(payPath('197'));
  expect(page.text).toContain(`name="outcome" value="${outcome}"`);
  expect((await open(payPath('197'), { outcome })).text).toContain(`data-status="${status}"`);
});

it('refuses wrong links and forms of other sites, and escapes what it shows', async () => {
  const wrong = await open(payPath('197', '500.00', { card_type: '<script>' }));
  expect(wrong.status).toBe(400);
  const odd = await open(payPath('<script>alert(1)</script>'));
  expect(odd.text).not.toContain('<script>');
  expect((await open(payPath('197'), { outcome: 'paid' }, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await open(payPath('197'), { outcome: 'everything' })).status).toBe(400);
  expect((await open('/click/nothing')).status).toBe(404);
});

it('lists what support has to look into, with a way out', async () => {
  merchant.override = (fields) => (fields['action'] === '1' ? refuse(-7) : undefined);
  expect((await open(payPath('197'), { outcome: 'paid' })).text).toContain('data-status="investigation"');
  const [payment] = await bench.sim<SimClickPayment[]>('GET', '/click/investigations');
  expect((await open('/click/cabinet')).text).toContain(`/click/cabinet/${payment?.click_trans_id}/complete`);
  merchant.override = () => undefined;
  const after = await open(`/click/cabinet/${payment?.click_trans_id}/complete`, {});
  expect(after.text).toContain('the payment is paid now');
});
