import { afterEach, beforeEach, expect, it } from 'vitest';
import { isAddress, makeAddress } from './address.ts';
import { btcpayStoreId, TestStore } from './test-store.ts';

let store: TestStore;

beforeEach(async () => {
  store = await TestStore.start();
});
afterEach(async () => {
  await store.close();
});

type Shown = { status: number; text: string };

async function open(url: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> {
  const response = await fetch(new URL(url, store.bench.sandbox.url), {
    headers: { 'accept-language': 'en', ...headers },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return { status: response.status, text: await response.text() };
}

it('shows amount, address, link and QR code, in the language of the invoice', async () => {
  const invoice = await store.create({ checkout: { defaultLanguage: 'ja-JP' } });
  const [chain, lightning] = await store.get('GET', `invoices/${invoice.id}/payment-methods`);
  const { text } = await open(invoice.checkoutLink);
  expect(text).toContain('<p class="amount" data-testid="due">0.001 BTC</p>');
  expect(text).toContain('お支払い待ち');
  expect(text).toContain('残り約15分');
  expect(text).toContain(chain.destination);
  expect(text).toContain(`href="${chain.paymentLink}"`);
  expect(text).toMatch(/<svg class="qr" viewBox="-2 -2 \d+ \d+"/);
  const other = await open(`${invoice.checkoutLink}?lang=en&method=BTC-LN`);
  expect(other.text).toContain(lightning.destination);
  expect(other.text).toContain('Waiting for the payment');
});

it('pays short, then the rest, from the wallet on the page', async () => {
  const { id } = await store.create();
  const path = `/btcpay/i/${id}`;
  const short = await open(path, { action: 'under', method: 'BTC-CHAIN' });
  expect(short.text).toContain('data-status="New" data-additional="PaidPartial"');
  const whole = await open(path, { action: 'send', method: 'BTC-CHAIN', amount: '0.0005', rbf: 'yes' });
  expect(whole.text).toContain('data-status="Processing"');
  expect((await open(path, { action: 'drop' })).text).toContain('data-status="New"');
  await open(path, { action: 'over', method: 'BTC-CHAIN' });
  await open(path, { action: 'confirm' });
  const settled = await open(path, { action: 'confirm_all' });
  expect(settled.text).toContain('data-status="Settled" data-additional="PaidOver"');
  expect(store.types(id).at(-1)).toBe('InvoiceSettled');
});

it('says what is wrong with an amount, and with a second replacement', async () => {
  const { id } = await store.create();
  expect((await open(`/btcpay/i/${id}`, { action: 'send', amount: '0,1' })).text).toContain('at most 8 decimals');
  expect((await open(`/btcpay/i/${id}`, { action: 'drop' })).text).toContain('no payment without a confirmation');
});

it('sends the buyer back, with the ids filled in', async () => {
  const checkout = { redirectURL: 'https://hoshi.example/back/{InvoiceId}/{OrderId}', redirectAutomatically: true };
  const { id } = await store.create({ checkout });
  expect(await store.pay(id)).toMatchObject({ redirect_url: `https://hoshi.example/back/${id}/pay_01` });
  const { text } = await open(`/btcpay/i/${id}`);
  expect(text).toContain(`content="3; url=https://hoshi.example/back/${id}/pay_01"`);
});

it('lets the buyer claim a refund with an address or with a fresh one', async () => {
  const { id } = await store.create();
  await store.pay(id);
  const body = { refundVariant: 'Fiat', payoutMethods: ['BTC-CHAIN'], description: '<i>Sorry</i>' };
  const { viewLink } = await store.get('POST', `invoices/${id}/refund`, body);
  const page = await open(viewLink, undefined, { 'accept-language': 'ja' });
  expect(page.text).toContain('返金の受け取り');
  expect(page.text).toContain('97.5 USD');
  expect(page.text).toContain('&lt;i&gt;Sorry');
  const form = { method: 'BTC-CHAIN' };
  expect((await open(viewLink, { ...form, action: 'claim', destination: 'here' })).text).toContain('A valid address');
  const claimed = await open(viewLink, { ...form, action: 'fresh' });
  expect(claimed.text).toContain('data-state="AwaitingApproval"');
  const [payout] = await store.get('GET', `stores/${btcpayStoreId}/payouts`);
  expect((await open('/btcpay/cabinet')).text).toContain(payout.destination);
  await open(`/btcpay/cabinet/payouts/${payout.id}/approve`, {});
  await open(`/btcpay/cabinet/payouts/${payout.id}/start`, {});
  await open(`/btcpay/cabinet/payouts/${payout.id}/complete`, {});
  expect((await open(viewLink)).text).toContain('data-state="Completed"');
  const refused = await open(`/btcpay/cabinet/payouts/${payout.id}/cancel`, {});
  expect(refused.text).toContain('not in a state');
});

it('has a cabinet that confirms, replaces, marks and redelivers', async () => {
  const { id } = await store.create({ metadata: { orderId: '<script>' } });
  await store.pay(id, { confirmations: 0 });
  const cabinet = await open('/btcpay/cabinet');
  expect(cabinet.text).toContain('&lt;script&gt;');
  expect(cabinet.text).not.toContain('<script>');
  await open(`/btcpay/cabinet/invoices/${id}/drop`, {});
  await open(`/btcpay/cabinet/invoices/${id}/Invalid`, {});
  expect((await open(`/btcpay/cabinet/invoices/${id}/Invalid`, {})).text).toContain('cannot be Invalid now');
  const [delivery] = await store.deliveries();
  await open(`/btcpay/cabinet/deliveries/${delivery?.id}/redeliver`, {});
  expect(store.events.at(-1)).toMatchObject({ type: 'InvoiceInvalid', isRedelivery: true });
});

it('knows no foreign forms and no unknown ids', async () => {
  const { id } = await store.create();
  const foreign = { origin: 'https://evil.example' };
  expect((await open(`/btcpay/i/${id}`, { action: 'under' }, foreign)).status).toBe(403);
  expect((await open('/btcpay/cabinet', {}, foreign)).status).toBe(403);
  expect((await open('/btcpay/i/nothing')).status).toBe(404);
  expect((await open('/btcpay/pull-payments/nothing')).status).toBe(404);
  expect((await open('/btcpay/elsewhere')).status).toBe(404);
});

it('makes addresses with the checksum of BIP 173', () => {
  expect(isAddress(makeAddress())).toBe(true);
  expect(isAddress('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080')).toBe(true);
  expect(isAddress('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081')).toBe(false);
  expect(isAddress('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toBe(false);
});
