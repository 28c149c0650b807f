import type Stripe from 'stripe';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SimStripePayment } from '../control-stripe.ts';
import { Bench } from '../test-bench.ts';
import { connect, order, pay, readPayment, TestMerchant, transferOrder } from './test-merchant.ts';

let merchant: TestMerchant;
let bench: Bench;
let stripe: Stripe;

beforeEach(async () => {
  merchant = await TestMerchant.start();
  bench = await Bench.start({ appUrl: merchant.server.url });
  stripe = connect(bench);
});
afterEach(async () => {
  await bench.close();
  await merchant.close();
});

async function storeAlwaysAsked(): Promise<{ customer: string; payment_method: string }> {
  const { id: customer } = await stripe.customers.create({});
  const params = { mode: 'setup', currency: 'jpy', customer, success_url: 'https://shop.test/saved' } as const;
  await pay(bench, await stripe.checkout.sessions.create(params), { card: '4000002760003184' });
  const [method] = (await stripe.customers.listPaymentMethods(customer)).data;
  return { customer, payment_method: method?.id ?? '' };
}

type Shown = { status: number; text: string; path: string };

async function open(path: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> {
  const response = await fetch(new URL(path, bench.sandbox.url), {
    headers,
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return { status: response.status, text: await response.text(), path: new URL(response.url).pathname };
}

function begin(change: Stripe.Checkout.SessionCreateParams = {}): Promise<Stripe.Checkout.Session> {
  return stripe.checkout.sessions.create(order(change));
}

const CARD = { choice: 'card', number: '4242 4242 4242 4242', expiry: '12/40', cvc: '123', email: 'hana@example.com' };

it('shows what is bought in the language of the session, and in the other', async () => {
  const { url } = await begin();
  const page = await open(String(url));
  expect(page.text).toContain('<html lang="ja">');
  expect(page.text).toContain('Pro プラン');
  expect(page.text).toContain('￥980 を支払う');
  expect(page.text).toContain('コンビニで支払う');
  expect(page.text).toContain('href="https://shop.test/cancelled"');
  const english = await open(`${url}?lang=en`);
  expect(english.text).toContain('<html lang="en">');
  expect(english.text).toContain('Pay ¥980');
});

it('escapes what the application wrote', async () => {
  const items = [
    { quantity: 1, price_data: { currency: 'jpy', unit_amount: 980, product_data: { name: '<b>Pro</b>' } } },
  ];
  expect((await open(String((await begin({ line_items: items })).url))).text).toContain('&lt;b&gt;Pro&lt;/b&gt;');
});

it('takes a card and sends the payer back with the id of the session', async () => {
  const session = await begin();
  const done = await open(`/stripe/checkout/${session.id}/pay`, CARD);
  expect(done.path).toBe(`/stripe/checkout/${session.id}`);
  expect(done.text).toContain('data-status="paid"');
  expect(done.text).toContain(`content="1; url=https://shop.test/done?session=${session.id}"`);
  expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
    ...{ status: 'complete', customer_details: { email: 'hana@example.com' } },
  });
  const count = merchant.events.length;
  expect((await open(`/stripe/checkout/${session.id}/pay`, CARD)).text).toContain('data-status="paid"');
  expect(merchant.events).toHaveLength(count);
});

it('says in the payer’s language why a card was declined, and lets them try again', async () => {
  const session = await begin();
  const declined = await open(`/stripe/checkout/${session.id}/pay`, { ...CARD, number: '4000 0000 0000 9995' });
  expect(declined.text).toContain('残高が不足しています。');
  expect(declined.text).toContain('<code>insufficient_funds</code>');
  const done = await open(`/stripe/checkout/${session.id}/pay`, { ...CARD, number: '5555 5555 5555 4444' });
  expect(done.text).toContain('data-status="paid"');
});

it('asks on the page of the bank, and goes on or back from there', async () => {
  const session = await begin();
  const asked = await open(`/stripe/checkout/${session.id}/pay`, { ...CARD, number: '4000 0027 6000 3184' });
  expect(asked.text).toContain('data-testid="challenge"');
  const refused = await open(`/stripe/checkout/${session.id}/authenticate`, { answer: 'refuse' });
  expect(refused.text).toContain('payment_intent_authentication_failure');
  await open(`/stripe/checkout/${session.id}/pay`, { ...CARD, number: '4000 0027 6000 3184' });
  const done = await open(`/stripe/checkout/${session.id}/authenticate`, { answer: 'accept' });
  expect(done.text).toContain('data-status="paid"');
});

it('pays by a wallet with one tap', async () => {
  const session = await begin();
  expect((await open(`/stripe/checkout/${session.id}/pay`, { choice: 'apple_pay' })).text).toContain(
    'data-status="paid"',
  );
  const [charge] = (await stripe.charges.list()).data;
  expect(charge?.payment_method_details?.card?.wallet?.type).toBe('apple_pay');
});

it('saves a card in setup mode', async () => {
  const { id } = await stripe.customers.create({ email: 'hana@example.com' });
  const session = await stripe.checkout.sessions.create({
    ...{ mode: 'setup', currency: 'jpy', customer: id, locale: 'en', success_url: 'https://shop.test/saved' },
  });
  expect((await open(String(session.url))).text).toContain('Save the card');
  expect((await open(`/stripe/checkout/${session.id}/pay`, CARD)).text).toContain('The card is saved');
  expect((await open('/stripe/cabinet')).text).toContain('<strong>setup_intent.succeeded</strong>');
});

it('shows a voucher, which is paid in the cabinet', async () => {
  const session = await begin();
  const waiting = await open(`/stripe/checkout/${session.id}/pay`, { choice: 'konbini', email: 'hana@example.com' });
  expect(waiting.text).toContain('data-status="unpaid"');
  expect(waiting.text).toMatch(/払込番号<\/dt><dd>\d{11}/);
  const [payment] = await bench.sim<[SimStripePayment]>('GET', '/stripe/payments?order=inv_1');
  expect((await open(`/stripe/voucher/${payment.id}`)).text).toContain('払込番号');
  const cabinet = await open('/stripe/cabinet');
  expect(cabinet.text).toContain(`/stripe/cabinet/${payment.id}/konbini`);
  const pressed = await open(`/stripe/cabinet/${payment.id}/konbini`, {});
  expect(pressed.text).toContain('succeeded');
  expect((await open(`/stripe/voucher/${payment.id}`)).text).toContain('お支払いが完了しました');
});

it('shows where to send a transfer, and takes any amount in the cabinet', async () => {
  const { id: customer } = await stripe.customers.create({ email: 'hana@example.com' });
  const session = await stripe.checkout.sessions.create(transferOrder(customer));
  const { payment, instructions_url: url } = await pay(bench, session, { method: 'bank_transfer' });
  expect((await open(String(url))).text).toContain('サンドボックス銀行');
  await open(`/stripe/cabinet/${payment}/transfer`, { amount: '380' });
  expect((await open(String(url))).text).toContain('<dd>￥600</dd>');
  expect((await open(`/stripe/cabinet/${payment}/transfer`, { amount: '' })).text).toContain('is succeeded');
  expect(await readPayment(bench, payment)).toMatchObject({ status: 'succeeded' });
});

it('has a receipt, and buttons for refunds, disputes and events in the cabinet', async () => {
  const { payment } = await pay(bench, await begin());
  const [charge] = (await stripe.charges.list()).data;
  expect((await open(String(charge?.receipt_url))).text).toContain(String(charge?.id));
  expect((await open(`/stripe/cabinet/${payment}/refund`, { amount: '100' })).text).toContain('is succeeded');
  await open(`/stripe/cabinet/${payment}/dispute`, {});
  const shown = await readPayment(bench, payment);
  expect(shown).toMatchObject({ amount_refunded: 100, disputes: [{ status: 'needs_response', amount: 880 }] });
  expect((await open(`/stripe/cabinet/${shown.disputes[0]?.id}/lose`, {})).text).toContain('is lost');
  expect((await open(`/stripe/cabinet/${shown.disputes[0]?.id}/win`, {})).text).toContain('lost already');
  const event = shown.events.find(({ type }) => type === 'charge.succeeded');
  expect((await open(`/stripe/cabinet/${event?.id}/redeliver`, {})).text).toContain('is delivered');
  expect(merchant.named('charge.succeeded')).toHaveLength(2);
  expect((await open(`/stripe/cabinet/${payment}/nonsense`, {})).text).toContain('no such button');
});

it('ends with the session, and refuses pages of other sites', async () => {
  const session = await begin();
  expect((await open(`/stripe/cabinet/${session.id}/expire`, {})).text).toContain('is expired');
  expect((await open(`/stripe/checkout/${session.id}`)).text).toContain('data-status="expired"');
  const foreign = { origin: 'https://evil.test' };
  expect((await open('/stripe/cabinet', undefined, foreign)).status).toBe(403);
  expect((await open(`/stripe/checkout/${session.id}/pay`, CARD, foreign)).status).toBe(403);
  expect((await open('/stripe/checkout/cs_test_1')).status).toBe(404);
  expect((await open('/stripe/nothing')).status).toBe(404);
});

it.each([
  ['accept', 'succeeded', 'charge.succeeded'],
  ['refuse', 'requires_payment_method', 'payment_intent.payment_failed'],
])('asks the owner of a stored card who is there, as their bank: %s', async (answer, status, told) => {
  const saved = await storeAlwaysAsked();
  const intent = await stripe.paymentIntents.create({
    ...{ ...saved, amount: 980, currency: 'jpy', confirm: true, return_url: `${bench.sandbox.url}/back` },
    capture_method: 'automatic',
  });
  expect(intent).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } });
  const url = String(intent.next_action?.redirect_to_url?.url);
  expect((await open(url)).text).toContain('data-testid="challenge"');
  // The page leads on: the answer to its form may not.
  expect((await open(url, { answer })).text).toContain(`content="1; url=${bench.sandbox.url}/back"`);
  expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({ status });
  expect(merchant.types).toContain(told);
  // It asks once.
  expect((await open(url)).status).toBe(404);
});

it('charges at once, with its fee, where capture_method says so', async () => {
  const session = await begin({ payment_intent_data: { capture_method: 'automatic' } });
  const { payment } = await pay(bench, session, { card: '4242424242424242' });
  const [event] = merchant.named('charge.succeeded');
  expect(event?.data.object).toMatchObject({ balance_transaction: expect.stringMatching(/^txn_/) });
  expect(merchant.types).not.toContain('charge.updated');
  expect(await stripe.paymentIntents.retrieve(String(payment))).toMatchObject({ capture_method: 'automatic' });
});
