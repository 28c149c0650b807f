import type Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type StripeWatch, validateEvent, watchStripe } from '#testing/stripe-wire.ts';
import { Bench, DAY } from '../test-bench.ts';
import { connect, order, pay, readPayment, TestMerchant, transferOrder } from './test-merchant.ts';

let merchant: TestMerchant;
let bench: Bench;
let watch: StripeWatch;
let stripe: Stripe;

beforeEach(async () => {
  merchant = await TestMerchant.start();
  bench = await Bench.start({ appUrl: merchant.server.url });
  watch = watchStripe();
  stripe = connect(bench, watch.fetch);
});
afterEach(async () => {
  const { data } = await stripe.events.list({ limit: 100 });
  expect(data.flatMap(validateEvent)).toEqual([]);
  expect(merchant.server.received.flatMap(({ body }) => validateEvent(JSON.parse(body)))).toEqual([]);
  expect(watch.complaints).toEqual([]);
  expect(merchant.refused).toEqual([]);
  await bench.close();
  await merchant.close();
});

/** Of one object, as it is now. */
function chargeOf(id: string | null): Promise<Stripe.Charge> {
  return stripe.paymentIntents
    .retrieve(String(id), { expand: ['latest_charge.balance_transaction', 'latest_charge.refunds'] })
    .then(({ latest_charge: charge }) => charge as Stripe.Charge);
}

describe('a card payment', () => {
  it('goes from the link to the books: charge, fee, events, and the way back', async () => {
    const session = await stripe.checkout.sessions.create(order({ customer_email: 'hana@example.com' }));
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      payment_intent: null,
      amount_total: 980,
    });
    expect(session.payment_method_types).toEqual(['card', 'link', 'konbini']);
    expect(session.url).toBe(`${bench.sandbox.url}/stripe/checkout/${session.id}`);
    const result = await pay(bench, session);
    expect(result).toEqual({
      ...{ status: 'paid', session: session.id, payment: expect.stringMatching(/^pi_/) },
      redirect_url: `https://shop.test/done?session=${session.id}`,
    });
    const charge = await chargeOf(result.payment);
    expect(charge).toMatchObject({
      ...{ status: 'succeeded', amount: 980, currency: 'jpy', metadata: { invoice: 'inv_1' }, refunded: false },
      payment_method_details: { type: 'card', card: { brand: 'visa', last4: '4242', wallet: null } },
      // 3.6 % of ¥980, rounded half up.
      balance_transaction: { type: 'charge', amount: 980, fee: 35, net: 945 },
    });
    expect([...merchant.types].sort()).toEqual([
      'charge.succeeded',
      'charge.updated',
      'checkout.session.completed',
      'payment_intent.succeeded',
    ]);
    expect(merchant.named('charge.succeeded')[0]?.data.object).toMatchObject({ balance_transaction: null });
    expect(merchant.named('checkout.session.completed')[0]).toMatchObject({
      ...{ api_version: '2026-10-28.endive', livemode: false, pending_webhooks: 1 },
      data: { object: { payment_status: 'paid', client_reference_id: 'inv_1', payment_intent: result.payment } },
    });
    expect(await bench.sim('GET', '/stripe/balance')).toEqual({ jpy: 945 });
  });

  it.each([
    ['4000000000000002', 'card_declined', 'generic_decline'],
    ['4000000000009995', 'card_declined', 'insufficient_funds'],
    ['4000000000009987', 'card_declined', 'lost_card'],
    ['4000000000000069', 'expired_card', undefined],
    ['4000000000000127', 'incorrect_cvc', undefined],
  ])('with %s is declined (%s), and the session can be paid afterwards', async (card, code, declineCode) => {
    const session = await stripe.checkout.sessions.create(order());
    const declined = await pay(bench, session, { card });
    expect(declined).toMatchObject({ status: 'declined', error: { code } });
    expect(declined.error?.decline_code).toBe(declineCode);
    expect([...merchant.types].sort()).toEqual(['charge.failed', 'payment_intent.payment_failed']);
    expect(merchant.named('charge.failed')[0]?.data.object).toMatchObject({ failure_code: code, status: 'failed' });
    const paid = await pay(bench, session);
    expect(paid).toMatchObject({ status: 'paid', payment: declined.payment });
    expect(
      (await stripe.charges.list({ payment_intent: String(paid.payment) })).data.map(({ status }) => status),
    ).toEqual(['succeeded', 'failed']);
  });

  it('never reaches a bank with a wrong number, expiry or code', async () => {
    const session = await stripe.checkout.sessions.create(order());
    for (const [wish, code] of [
      [{ card: '4111111111111112' }, 'incorrect_number'],
      [{ expiry: '01/20' }, 'invalid_expiry_year'],
      [{ cvc: '1' }, 'invalid_cvc'],
    ] as const) {
      expect(await pay(bench, session, wish)).toMatchObject({ status: 'declined', error: { code }, payment: null });
    }
    expect(merchant.types).toEqual([]);
  });

  it.each(['4000002500003155', '4000002760003184'])('with %s waits for the payer’s bank', async (card) => {
    const session = await stripe.checkout.sessions.create(order());
    expect(await pay(bench, session, { card, authenticate: 'leave' })).toMatchObject({ status: 'challenge' });
    expect(merchant.types).toEqual(['payment_intent.requires_action']);
    expect(await pay(bench, session, { card, authenticate: 'refuse' })).toMatchObject({
      ...{ status: 'declined', error: { code: 'payment_intent_authentication_failure' } },
    });
    const { payment } = await pay(bench, session, { card });
    expect((await chargeOf(payment)).payment_method_details?.card?.three_d_secure).toMatchObject({
      result: 'authenticated',
    });
    expect(merchant.named('charge.failed')).toEqual([]);
  });

  it.each([
    ['apple_pay', { type: 'card', card: { wallet: { type: 'apple_pay' } } }],
    ['google_pay', { type: 'card', card: { wallet: { type: 'google_pay' } } }],
    ['link', { type: 'link' }],
  ])('by %s says so in the charge', async (method, details) => {
    const { payment } = await pay(bench, await stripe.checkout.sessions.create(order()), { method });
    expect((await chargeOf(payment)).payment_method_details).toMatchObject(details);
  });

  it('by Link where only cards are allowed is a card with a wallet', async () => {
    const session = await stripe.checkout.sessions.create(order({ allowed_payment_method_types: ['card'] }));
    const { payment } = await pay(bench, session, { method: 'link' });
    expect((await chargeOf(payment)).payment_method_details).toMatchObject({
      type: 'card',
      card: { wallet: { type: 'link' } },
    });
  });

  it('costs its fee in each currency', async () => {
    for (const [currency, fee] of [
      ['usd', 65],
      ['eur', 60],
    ] as const) {
      const items = [{ quantity: 2, price_data: { currency, unit_amount: 600, product_data: { name: 'Pro' } } }];
      const { payment } = await pay(bench, await stripe.checkout.sessions.create(order({ line_items: items })));
      expect((await chargeOf(payment)).balance_transaction).toMatchObject({ amount: 1_200, fee, net: 1_200 - fee });
    }
  });

  it('is not taken twice', async () => {
    const session = await stripe.checkout.sessions.create(order());
    await pay(bench, session);
    expect(await bench.trySim('POST', '/stripe/pay', { url: session.url ?? session.id })).toMatchObject({
      ...{ status: 409, content: { error: 'SESSION_NOT_OPEN' } },
    });
  });
});

describe('a session', () => {
  it('expires at its time, or when it is told to', async () => {
    const now = Math.floor(Date.now() / 1000);
    const first = await stripe.checkout.sessions.create(order({ expires_at: now + 1_900 }));
    const second = await stripe.checkout.sessions.create(order());
    expect(await stripe.checkout.sessions.expire(second.id)).toMatchObject({ status: 'expired', url: null });
    await bench.advance(1_000);
    expect(await stripe.checkout.sessions.retrieve(first.id)).toMatchObject({ status: 'open' });
    await bench.advance(1_000);
    expect(await stripe.checkout.sessions.retrieve(first.id)).toMatchObject({ status: 'expired' });
    expect(merchant.types).toEqual(['checkout.session.expired', 'checkout.session.expired']);
    await expect(stripe.checkout.sessions.expire(first.id)).rejects.toMatchObject({
      code: 'checkout_session_not_open',
    });
  });

  it('takes the payment that was tried in it along', async () => {
    const session = await stripe.checkout.sessions.create(order());
    const { payment } = await pay(bench, session, { card: '4000000000000002' });
    await expect(stripe.paymentIntents.cancel(String(payment))).rejects.toMatchObject({ statusCode: 400 });
    await stripe.checkout.sessions.expire(session.id);
    expect(await stripe.paymentIntents.retrieve(String(payment))).toMatchObject({ status: 'canceled' });
  });
});

describe('a saved card', () => {
  async function save(card?: string): Promise<{ customer: string; method: string }> {
    const customer = await stripe.customers.create({ email: 'hana@example.com', metadata: { user: 'usr_1' } });
    const session = await stripe.checkout.sessions.create({
      ...{ mode: 'setup', currency: 'jpy', customer: customer.id, success_url: 'https://shop.test/saved' },
      setup_intent_data: { metadata: { user: 'usr_1' } },
    });
    expect(session.setup_intent).toMatch(/^seti_/);
    expect(await pay(bench, session, card === undefined ? {} : { card })).toMatchObject({ status: 'saved' });
    const intent = await stripe.setupIntents.retrieve(String(session.setup_intent), { expand: ['payment_method'] });
    expect(intent).toMatchObject({ status: 'succeeded', usage: 'off_session', metadata: { user: 'usr_1' } });
    const method = intent.payment_method as Stripe.PaymentMethod;
    expect(method).toMatchObject({ customer: customer.id, card: { last4: (card ?? '4242').slice(-4) } });
    return { customer: customer.id, method: method.id };
  }

  function charge(saved: { customer: string; method: string }, key: string): Promise<Stripe.PaymentIntent> {
    return stripe.paymentIntents.create(
      {
        ...{ amount: 980, currency: 'jpy', customer: saved.customer, payment_method: saved.method },
        ...{ confirm: true, off_session: true, metadata: { invoice: 'inv_2' }, expand: ['latest_charge'] },
      },
      { idempotencyKey: key },
    );
  }

  it('is charged while the payer is away', async () => {
    const saved = await save();
    expect([...merchant.types].sort()).toEqual(['checkout.session.completed', 'setup_intent.succeeded']);
    const intent = await charge(saved, 'renewal-1');
    expect(intent).toMatchObject({ status: 'succeeded', latest_charge: { metadata: { invoice: 'inv_2' } } });
    expect((await charge(saved, 'renewal-1')).id).toBe(intent.id);
    expect((await stripe.charges.list({ customer: saved.customer })).data).toHaveLength(1);
  });

  it('that asked once is not asked again; one that always asks is declined', async () => {
    expect(await charge(await save('4000002500003155'), 'a')).toMatchObject({ status: 'succeeded' });
    await expect(charge(await save('4000002760003184'), 'b')).rejects.toMatchObject({
      ...{ type: 'StripeCardError', statusCode: 402, code: 'authentication_required' },
      payment_intent: { status: 'requires_payment_method' },
    });
  });

  it('may be declined later, and the answer to its key stays', async () => {
    const saved = await save();
    await bench.sim('PUT', '/faults', { stripe: { kind: 'decline', remaining: 1 } });
    const declined = { code: 'card_declined', decline_code: 'generic_decline' };
    await expect(charge(saved, 'c')).rejects.toMatchObject(declined);
    await expect(charge(saved, 'c')).rejects.toMatchObject(declined);
    expect(await charge(saved, 'd')).toMatchObject({ status: 'succeeded' });
  });

  it('is not saved when the bank declines or the payer refuses', async () => {
    const session = await stripe.checkout.sessions.create({
      ...{ mode: 'setup', currency: 'jpy', success_url: 'https://shop.test/saved' },
    });
    expect(await pay(bench, session, { card: '4000000000000002' })).toMatchObject({ status: 'declined' });
    expect(await pay(bench, session, { card: '4000002760003184', authenticate: 'refuse' })).toMatchObject({
      error: { code: 'setup_intent_authentication_failure' },
    });
    expect(merchant.types).toEqual(['setup_intent.setup_failed', 'setup_intent.setup_failed']);
  });

  it('is listed, detached and no longer chargeable', async () => {
    const saved = await save();
    expect((await stripe.customers.listPaymentMethods(saved.customer)).data.map(({ id }) => id)).toEqual([
      saved.method,
    ]);
    expect(await stripe.paymentMethods.detach(saved.method)).toMatchObject({ customer: null });
    expect((await stripe.customers.listPaymentMethods(saved.customer)).data).toEqual([]);
    await expect(charge(saved, 'e')).rejects.toMatchObject({ param: 'payment_method' });
    await stripe.paymentMethods.attach(saved.method, { customer: saved.customer });
    expect(await charge(saved, 'f')).toMatchObject({ status: 'succeeded' });
  });

  it('in passing, with setup_future_usage, makes a customer of the payer', async () => {
    const params = order({ payment_intent_data: { setup_future_usage: 'off_session' } });
    const { session } = await pay(bench, await stripe.checkout.sessions.create(params), { email: 'new@example.com' });
    const { customer } = await stripe.checkout.sessions.retrieve(session, { expand: ['customer'] });
    expect(customer).toMatchObject({ email: 'new@example.com' });
    expect((await stripe.customers.listPaymentMethods((customer as Stripe.Customer).id)).data).toHaveLength(1);
  });
});

describe('konbini', () => {
  async function print(): Promise<string> {
    const params = order({ payment_method_options: { konbini: { expires_after_days: 3 } } });
    const session = await stripe.checkout.sessions.create(params);
    const result = await pay(bench, session, { method: 'konbini', email: 'hana@example.com' });
    expect(result).toMatchObject({
      status: 'unpaid',
      instructions_url: expect.stringContaining('/stripe/voucher/pi_'),
    });
    expect(merchant.named('checkout.session.completed')[0]?.data.object).toMatchObject({ payment_status: 'unpaid' });
    return String(result.payment);
  }

  it('is unpaid until the voucher is paid at a shop', async () => {
    const id = await print();
    expect((await stripe.paymentIntents.retrieve(id)).next_action?.konbini_display_details).toMatchObject({
      ...{ expires_at: expect.any(Number), stores: { lawson: { payment_code: expect.stringMatching(/^\d{11}$/) } } },
    });
    await bench.sim('POST', `/stripe/payments/${id}/konbini`, { store: 'seicomart' });
    expect((await chargeOf(id)).payment_method_details).toMatchObject({ konbini: { store: { chain: 'seicomart' } } });
    expect(merchant.types).toContain('payment_intent.processing');
    expect(merchant.named('checkout.session.async_payment_succeeded')[0]?.data.object).toMatchObject({
      payment_status: 'paid',
    });
  });

  it('fails when the voucher runs out', async () => {
    const id = await print();
    await bench.advance(3 * DAY + 60);
    expect(await readPayment(bench, id)).toMatchObject({ status: 'requires_payment_method' });
    expect(merchant.types).toContain('checkout.session.async_payment_failed');
    expect(await bench.trySim('POST', `/stripe/payments/${id}/konbini`)).toMatchObject({ status: 409 });
  });

  it('is refunded through an e-mail to the payer', async () => {
    const id = await print();
    await bench.sim('POST', `/stripe/payments/${id}/konbini`);
    const refund = await stripe.refunds.create({ payment_intent: id });
    expect(refund).toMatchObject({ status: 'requires_action', instructions_email: 'hana@example.com' });
    await bench.sim('POST', `/stripe/refunds/${refund.id}/settle`, { outcome: 'succeeded' });
    expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({ status: 'succeeded' });
  });

  it('is for yen and one-time payments only', async () => {
    const items = [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 980, product_data: { name: 'Pro' } } }];
    const params = order({ allowed_payment_method_types: ['konbini'], line_items: items });
    await expect(stripe.checkout.sessions.create(params)).rejects.toMatchObject({ type: 'StripeInvalidRequestError' });
  });
});

describe('a bank transfer', () => {
  async function begin(): Promise<{ id: string; customer: string }> {
    const { id: customer } = await stripe.customers.create({ email: 'hana@example.com' });
    const session = await stripe.checkout.sessions.create(transferOrder(customer));
    const result = await pay(bench, session, { method: 'bank_transfer' });
    expect(result.status).toBe('unpaid');
    return { id: String(result.payment), customer };
  }

  function send(id: string, amount: number): Promise<unknown> {
    return bench.sim('POST', `/stripe/payments/${id}/transfer`, { amount });
  }

  async function instructions(id: string): Promise<Stripe.PaymentIntent.NextAction.DisplayBankTransferInstructions> {
    const { next_action: next } = await stripe.paymentIntents.retrieve(id);
    return next?.display_bank_transfer_instructions as Stripe.PaymentIntent.NextAction.DisplayBankTransferInstructions;
  }

  it('of less is added up, and what is too much stays with the customer', async () => {
    const { id, customer } = await begin();
    expect(await instructions(id)).toMatchObject({
      ...{ amount_remaining: 980, currency: 'jpy', type: 'jp_bank_transfer' },
      ...{ hosted_instructions_url: expect.stringContaining('/stripe/instructions/') },
      financial_addresses: [{ type: 'zengin', zengin: { account_number: expect.stringMatching(/^\d{7}$/) } }],
    });
    await send(id, 500);
    expect(await instructions(id)).toMatchObject({ amount_remaining: 480 });
    expect(merchant.types).toContain('payment_intent.partially_funded');
    await send(id, 1_000);
    expect(await readPayment(bench, id)).toMatchObject({ status: 'succeeded', amount_remaining: null });
    expect(merchant.types).toContain('checkout.session.async_payment_succeeded');
    const moves = merchant
      .named('customer_cash_balance_transaction.created')
      .map(({ data }) => data.object as Stripe.CustomerCashBalanceTransaction);
    const sums = moves.map(({ type, net_amount: net }) => `${type} ${net}`);
    expect(sums.sort()).toEqual(['applied_to_payment -480', 'applied_to_payment -500', 'funded 1000', 'funded 500']);
    // ¥520 are left and are used first for the next payment.
    const next = await pay(bench, await stripe.checkout.sessions.create(transferOrder(customer)), {
      method: 'bank_transfer',
    });
    expect(await instructions(String(next.payment))).toMatchObject({ amount_remaining: 460 });
  });

  it.each([
    ['usd', { type: 'us_bank_transfer' }, { type: 'aba' }],
    [
      'eur',
      { type: 'eu_bank_transfer', eu_bank_transfer: { country: 'DE' } },
      { type: 'iban', iban: { country: 'DE' } },
    ],
  ] as const)('in %s has an account of that country', async (currency, transfer, address) => {
    const { id: customer } = await stripe.customers.create({ email: 'alex@example.com' });
    const session = await stripe.checkout.sessions.create({
      ...transferOrder(customer),
      line_items: [{ quantity: 1, price_data: { currency, unit_amount: 1_200, product_data: { name: 'Pro' } } }],
      payment_method_options: { customer_balance: { funding_type: 'bank_transfer', bank_transfer: transfer } },
    });
    const { payment } = await pay(bench, session, { method: 'bank_transfer' });
    expect((await instructions(String(payment))).financial_addresses).toMatchObject([address]);
    await send(String(payment), 1_200);
    expect(await chargeOf(payment)).toMatchObject({ status: 'succeeded', id: expect.stringMatching(/^py_/) });
  });

  it('that was sent before pays at once', async () => {
    const { id, customer } = await begin();
    await send(id, 2_000);
    const session = await stripe.checkout.sessions.create(transferOrder(customer));
    expect(await pay(bench, session, { method: 'bank_transfer' })).toMatchObject({ status: 'paid' });
  });

  it('is refunded into the balance of the customer', async () => {
    const { id } = await begin();
    await send(id, 980);
    const refund = await stripe.refunds.create({ payment_intent: id, amount: 300 });
    expect(refund).toMatchObject({ status: 'succeeded', destination_details: { type: 'customer_cash_balance' } });
  });

  it('that does not come fails, and needs a customer from the beginning', async () => {
    const { id } = await begin();
    await bench.sim('POST', `/stripe/payments/${id}/fail`);
    expect(merchant.types).toContain('checkout.session.async_payment_failed');
    const { customer: _, ...params } = transferOrder('');
    await expect(stripe.checkout.sessions.create(params)).rejects.toMatchObject({ param: 'customer' });
  });

  it('can be cancelled before it is whole, and what came stays with the customer', async () => {
    const { id } = await begin();
    await send(id, 100);
    expect(await stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' })).toMatchObject({
      ...{ status: 'canceled', cancellation_reason: 'abandoned' },
    });
    await expect(stripe.paymentIntents.cancel(id)).rejects.toMatchObject({ code: 'payment_intent_unexpected_state' });
    await vi.waitFor(() => expect(merchant.types).toContain('payment_intent.canceled'));
    await bench.advance(1);
    const moves = merchant.named('customer_cash_balance_transaction.created').map(({ data }) => data.object);
    expect(moves).toContainEqual(
      expect.objectContaining({ type: 'unapplied_from_payment', net_amount: 100, ending_balance: 100 }),
    );
  });
});

describe('a refund', () => {
  async function buy(card?: string): Promise<string> {
    const session = await stripe.checkout.sessions.create(order());
    return String((await pay(bench, session, card === undefined ? {} : { card })).payment);
  }

  it('in parts up to the whole, by payment or charge, leaves the fee', async () => {
    const id = await buy();
    const first = await stripe.refunds.create({ payment_intent: id, amount: 300, metadata: { refund: 'ref_1' } });
    expect(first).toMatchObject({ status: 'succeeded', amount: 300, metadata: { refund: 'ref_1' } });
    const charge = await chargeOf(id);
    expect(charge).toMatchObject({ amount_refunded: 300, refunded: false });
    expect(charge.refunds?.data.map((refund) => refund.id)).toEqual([first.id]);
    await expect(stripe.refunds.create({ charge: charge.id, amount: 681 })).rejects.toMatchObject({ param: 'amount' });
    await stripe.refunds.create({ charge: charge.id });
    expect(await chargeOf(id)).toMatchObject({ amount_refunded: 980, refunded: true });
    await expect(stripe.refunds.create({ payment_intent: id })).rejects.toMatchObject({
      code: 'charge_already_refunded',
    });
    const transactions = await stripe.balanceTransactions.list({ source: first.id, expand: ['data.source'] });
    expect(transactions.data).toMatchObject([
      { type: 'refund', amount: -300, fee: 0, net: -300, source: { id: first.id } },
    ]);
    expect(await bench.sim('GET', '/stripe/balance')).toEqual({ jpy: -35 });
    await vi.waitFor(() => expect(merchant.named('charge.refunded')).toHaveLength(2));
    const told = merchant.named('charge.refunded').map(({ data }) => (data.object as Stripe.Charge).amount_refunded);
    expect(told.sort((one, other) => one - other)).toEqual([300, 980]);
    expect(merchant.named('charge.refunded')[0]?.data.object).not.toHaveProperty('refunds');
  });

  it('of 4000000000007726 is pending first and succeeds later', async () => {
    const { id } = await stripe.refunds.create({ payment_intent: await buy('4000000000007726') });
    expect(await stripe.refunds.retrieve(id)).toMatchObject({ status: 'pending', pending_reason: 'processing' });
    await bench.advance(600);
    expect(await stripe.refunds.retrieve(id)).toMatchObject({ status: 'succeeded' });
    expect(merchant.types).toContain('refund.updated');
  });

  it('of 4000000000005126 succeeds first and fails later: the money is back', async () => {
    const payment = await buy('4000000000005126');
    const { id } = await stripe.refunds.create({ payment_intent: payment });
    expect(await stripe.refunds.retrieve(id)).toMatchObject({ status: 'succeeded' });
    await bench.advance(600);
    expect(await stripe.refunds.retrieve(id, { expand: ['failure_balance_transaction'] })).toMatchObject({
      ...{ status: 'failed', failure_reason: 'expired_or_canceled_card' },
      failure_balance_transaction: { type: 'refund_failure', amount: 980 },
    });
    expect(await chargeOf(payment)).toMatchObject({ amount_refunded: 0, refunded: false });
    expect(merchant.types).toContain('refund.failed');
    expect(await bench.sim('GET', '/stripe/balance')).toEqual({ jpy: 945 });
  });

  it('may come from the Dashboard, without our asking', async () => {
    const id = await buy();
    await bench.sim('POST', `/stripe/payments/${id}/refund`, { amount: 100 });
    expect(merchant.named('refund.created')[0]).toMatchObject({
      request: { id: null },
      data: { object: { amount: 100 } },
    });
    expect(await bench.trySim('POST', `/stripe/payments/${id}/refund`, { amount: 900 })).toMatchObject({ status: 409 });
  });
});

describe('a dispute', () => {
  it('of 4000000000000259 opens by itself, takes money and fee, and gives the money back when won', async () => {
    const { payment } = await pay(bench, await stripe.checkout.sessions.create(order()), { card: '4000000000000259' });
    const [dispute] = (await stripe.disputes.list({ payment_intent: String(payment) })).data;
    expect(dispute).toMatchObject({ status: 'needs_response', reason: 'fraudulent', amount: 980 });
    expect(dispute?.balance_transactions).toMatchObject([{ amount: -980, fee: 1_500, net: -2_480 }]);
    await expect(stripe.refunds.create({ payment_intent: String(payment) })).rejects.toMatchObject({
      code: 'charge_disputed',
    });
    await bench.sim('POST', `/stripe/disputes/${dispute?.id}/close`, { outcome: 'won' });
    expect(await stripe.disputes.retrieve(String(dispute?.id))).toMatchObject({ status: 'won' });
    expect([...merchant.types].filter((type) => type.startsWith('charge.dispute')).sort()).toEqual([
      'charge.dispute.closed',
      'charge.dispute.created',
      'charge.dispute.funds_reinstated',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.updated',
    ]);
    expect(await bench.sim('GET', '/stripe/balance')).toEqual({ jpy: 945 - 1_500 });
  });

  it('opened at any time and lost keeps the money away', async () => {
    const { payment } = await pay(bench, await stripe.checkout.sessions.create(order()));
    const { id } = await bench.sim<Stripe.Dispute>('POST', `/stripe/payments/${payment}/dispute`, {
      reason: 'general',
    });
    await bench.sim('POST', `/stripe/disputes/${id}/close`, { outcome: 'lost' });
    expect(await stripe.disputes.retrieve(id, { expand: ['charge'] })).toMatchObject({
      ...{ status: 'lost', charge: { disputed: true } },
    });
    expect(merchant.types).not.toContain('charge.dispute.funds_reinstated');
    expect(await bench.trySim('POST', `/stripe/disputes/${id}/close`, { outcome: 'won' })).toMatchObject({
      status: 409,
    });
  });
});
