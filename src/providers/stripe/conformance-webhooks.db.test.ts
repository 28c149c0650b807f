import { describe, expect, it } from 'vitest';
import { concealReferences } from '#domain/context/conceal-references.ts';
import type { Ctx } from '#domain/context/context.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import {
  type Order,
  openStripe,
  type SendOptions,
  STRIPE,
  STRIPE_KEY,
  STRIPE_SECRET,
  stripeSignature,
} from '../../testing/stripe.ts';
import { makeStripe } from './adapter.ts';

const rail = openStripe();
const { world } = rail;

const nowSeconds = () => Math.floor(world.clock.now().getTime() / 1_000);
const { send } = rail;

let events = 0;
/** A message of Stripe's about an object, as its wire has it. */
function message(type: string, object: object, rest: object = {}): string {
  events += 1;
  const id = `evt_conformance${String(events).padStart(6, '0')}`;
  const meta = { object: 'event', api_version: '2026-10-28.endive', created: nowSeconds(), livemode: false };
  return JSON.stringify({ id, ...meta, type, data: { object }, request: null, pending_webhooks: 1, ...rest });
}
const paidMessage = ({ invoiceId, session }: Order, rest: object = {}) =>
  message(
    'checkout.session.completed',
    {
      id: session,
      object: 'checkout.session',
      mode: 'payment',
      metadata: { invoice: invoiceId },
    },
    rest,
  );

/** An order that was paid, of which we have heard nothing yet. */
async function paidInSilence(): Promise<Order> {
  const order = await rail.order();
  await rail.loseMessages();
  await rail.pay(order);
  expect(await rail.facts(order)).toMatchObject({ order: 'open', payments: [] });
  return order;
}

const rows = async () => Number((await world.sql<{ count: string }>('SELECT count(*) FROM webhook_event'))[0]?.count);
/** How often a reading was counted. */
async function counted(kind: string, outcome: string): Promise<number> {
  const { values } = await world.door.metrics.webhooks.get();
  const fits = values.find(
    ({ labels }) => labels['provider'] === STRIPE && labels['kind'] === kind && labels['outcome'] === outcome,
  );
  return fits?.value ?? 0;
}

describe('the door', () => {
  it('takes a message that Stripe signed', async () => {
    const order = await paidInSilence();
    expect(await send(paidMessage(order))).toMatchObject({ status: 200 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
  });

  const flip = (body: string) => body.replace('"livemode":false', '"livemode":true ');
  it.each<[string, string, (body: string) => [string | Uint8Array, SendOptions]]>([
    [
      'signed by another endpoint’s secret',
      'webhook_secret_wrong',
      (body) => [body, { secret: 'whsec_another_endpoint0000' }],
    ],
    ['signed by an empty secret', 'webhook_secret_wrong', (body) => [body, { secret: '' }]],
    ['without a signature', 'webhook_secret_wrong', (body) => [body, { header: '' }]],
    [
      'whose signature is no hexadecimal',
      'webhook_secret_wrong',
      (body) => [body, { header: `t=${nowSeconds()},v1=zz` }],
    ],
    [
      'with only a signature of another scheme',
      'webhook_secret_wrong',
      (body) => [body, { header: `t=${nowSeconds()},v0=${stripeSignature(body, nowSeconds())}` }],
    ],
    [
      'whose body was changed by one byte',
      'webhook_secret_wrong',
      (body) => [flip(body), { header: `t=${nowSeconds()},v1=${stripeSignature(body, nowSeconds())}` }],
    ],
    [
      'whose time was changed',
      'webhook_secret_wrong',
      (body) => [body, { header: `t=${nowSeconds() + 1},v1=${stripeSignature(body, nowSeconds())}` }],
    ],
    [
      'with two times',
      'webhook_secret_wrong',
      (body) => [body, { header: `t=${nowSeconds()},t=1,v1=${stripeSignature(body, nowSeconds())}` }],
    ],
    ['that is 301 seconds old', 'webhook_too_old', (body) => [body, { at: nowSeconds() - 301 }]],
    ['that is 301 seconds ahead', 'webhook_from_future', (body) => [body, { at: nowSeconds() + 301 }]],
    ['that is no JSON', 'malformed_request', () => ['{"id":"evt_1"', {}]],
    ['that is empty', 'malformed_request', () => ['', {}]],
    [
      'that is no UTF-8',
      'malformed_request',
      (body) => [Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0xff, 0xfe]), Buffer.from('}')]), {}],
    ],
    ['that is an event of nothing', 'malformed_request', () => ['{"object":"event"}', {}]],
    ['of Click, rightly signed', 'malformed_request', () => ['click_trans_id=1&service_id=2&action=0', {}]],
  ])('refuses a message %s, counts it and keeps nothing', async (_name, reason, forge) => {
    const order = await paidInSilence();
    const [before, count] = [await rows(), await counted('rejected', reason)];
    const { status } = await send(...forge(paidMessage(order)));
    expect(status).toBe(reason === 'malformed_request' ? 400 : 401);
    expect(await rows()).toBe(before);
    expect(await counted('rejected', reason)).toBeGreaterThan(count);
    expect(await rail.facts(order)).toMatchObject({ order: 'open', payments: [] });
  });

  it.each([-300, -1, 1, 300])('takes a message whose time is %i seconds off', async (offset) => {
    const order = await paidInSilence();
    await send(paidMessage(order), { at: nowSeconds() + offset });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid' });
  });

  it('takes either of two signatures, as while a secret is rolled', async () => {
    const order = await paidInSilence();
    const [body, at] = [paidMessage(order), nowSeconds()];
    const header = `t=${at},v1=${stripeSignature(body, at, 'whsec_not_known_here_yet')},v1=${stripeSignature(body, at)},v0=00`;
    expect(await send(body, { header })).toMatchObject({ status: 200 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid' });
  });

  it('takes what the sandbox signs with two secrets', async () => {
    await world.sandbox.setFaults({ stripe_second_secret: 'whsec_the_next_one_000000' });
    expect(await rail.facts(await rail.buy())).toMatchObject({ order: 'paid' });
  });

  it('takes a secret that is replaced until its day, and says so each time; afterwards it refuses and counts it', async () => {
    const until = new Date(world.clock.now().getTime() + 3_600_000);
    const heard: boolean[] = [];
    const door = doorWith({
      secrets: {
        current: 'whsec_the_new_one_00000000',
        previous: { secret: STRIPE_SECRET, until },
        onPrevious: (isOverdue) => heard.push(isOverdue),
      },
    });
    const order = await paidInSilence();
    expect(await send(paidMessage(order), { door })).toMatchObject({ status: 200 });
    expect(heard).toEqual([false]);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid' });
    world.clock.advance(3_600_000);
    const count = await counted('rejected', 'webhook_secret_wrong');
    expect(await send(paidMessage(order), { door })).toMatchObject({ status: 401 });
    expect(heard).toEqual([false, true]);
    expect(await counted('rejected', 'webhook_secret_wrong')).toBeGreaterThan(count);
    expect(await send(paidMessage(order), { door, secret: 'whsec_the_new_one_00000000' })).toMatchObject({
      status: 200,
    });
    expect(heard).toHaveLength(2);
  });

  it('reads a message of 1 MB, and one that is longer is refused before it is read', async () => {
    const order = await paidInSilence();
    const small = paidMessage(order, { filling: '' });
    const whole = paidMessage(order, { filling: 'x'.repeat(1_048_576 - Buffer.byteLength(small)) });
    expect(Buffer.byteLength(whole)).toBe(1_048_576);
    expect(await send(whole)).toMatchObject({ status: 200 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid' });
    expect(await send(`${whole} `)).toMatchObject({ status: 413 });
  });

  it.each(['customer.subscription.created', 'invoice.paid', 'payout.paid', 'no.such.type'])(
    'answers 200 to %s, which is counted and not kept',
    async (type) => {
      const [before, count] = [await rows(), await counted('other', 'ignored')];
      expect(await send(message(type, { id: 'x_1', object: 'x' }))).toMatchObject({ status: 200 });
      expect([await rows(), await counted('other', 'ignored')]).toEqual([before, count + 1]);
    },
  );

  it('reads a message of another API version all the same, and warns once it hears of it', async () => {
    const heard: string[] = [];
    const order = await paidInSilence();
    const door = doorWith({ onOtherVersion: (version) => heard.push(version) });
    expect(await send(paidMessage(order, { api_version: '2024-06-20' }), { door })).toMatchObject({ status: 200 });
    expect(await rail.facts(order)).toMatchObject({ order: 'paid' });
    expect(heard).toEqual(['2024-06-20']);
  });

  it('warns of a charge that a card company calls fraud, counts it, and leaves the order as it is', async () => {
    const order = await rail.buy();
    const before = await rail.facts(order);
    const heard: string[] = [];
    const door = doorWith({ onFraudWarning: (chargeId) => heard.push(chargeId) });
    const type = 'radar.early_fraud_warning.created';
    const count = await counted(type, 'ignored');
    const warning = { id: 'issfr_1', object: 'radar.early_fraud_warning', charge: 'ch_1', payment_intent: 'pi_1' };
    expect(await send(message(type, warning), { door })).toMatchObject({ status: 200 });
    expect([heard, await counted(type, 'ignored')]).toEqual([['pi_1'], count + 1]);
    expect(await rail.facts(order)).toEqual(before);
  });

  it('counts money in a balance, which by itself pays for nothing', async () => {
    const type = 'cash_balance.funds_available';
    const [before, count] = [await rows(), await counted(type, 'ignored')];
    const balance = { object: 'cash_balance', customer: 'cus_1', available: { eur: 500 } };
    expect(await send(message(type, balance))).toMatchObject({ status: 200 });
    expect([await rows(), await counted(type, 'ignored')]).toEqual([before, count + 1]);
  });

  it('passes a message of live mode by while our key is of test mode, and counts it', async () => {
    const order = await paidInSilence();
    const [before, count] = [await rows(), await counted('livemode_mismatch', 'ignored')];
    expect(await send(paidMessage(order, { livemode: true }))).toMatchObject({ status: 200 });
    expect([await rows(), await counted('livemode_mismatch', 'ignored')]).toEqual([before, count + 1]);
    expect(await rail.facts(order)).toMatchObject({ order: 'open' });
  });

  it('keeps what it cannot read of an authentic message for an operator, once', async () => {
    const body = message('charge.succeeded', { id: 'ch_1', object: 'charge', payment_intent: 7 });
    for (let time = 0; time < 2; time += 1) expect(await send(body)).toMatchObject({ status: 200 });
    const kept = await world.sql("SELECT id FROM webhook_event WHERE status = 'dead'");
    expect(kept).toHaveLength(1);
    await world.sql("DELETE FROM webhook_event WHERE status = 'dead'");
  });

  it('keeps the bodies of messages sealed', async () => {
    const order = await rail.buy();
    const bodies = await world.sql<{ body: Buffer }>("SELECT body FROM webhook_event WHERE provider = 'stripe'");
    expect(bodies.length).toBeGreaterThan(0);
    for (const { body } of bodies) expect(body.includes(order.invoiceId)).toBe(false);
  });
});

/** The door of a process whose Stripe is set up otherwise. */
function doorWith(rest: Partial<Parameters<typeof makeStripe>[0]>): Ctx {
  const stripe = makeStripe({
    secretKey: STRIPE_KEY,
    apiUrl: world.sandboxUrl,
    secrets: { current: STRIPE_SECRET, previous: null, onPrevious: () => undefined },
    bankCountry: 'DE',
    onOtherVersion: () => undefined,
    onFraudWarning: () => undefined,
    clock: () => world.clock.now(),
    ...rest,
  });
  return {
    ...world.door,
    providers: new Map([...world.door.providers, [STRIPE, concealReferences(stripe, world.door.vault)]]),
  };
}

/** A page that another program of the merchant's made, with our ids on it, and that somebody paid. */
async function paidElsewhere(invoiceId: string, { amount, currency }: { amount: number; currency: string }) {
  const { id, url } = await rail.api<{ id: string; url: string }>('checkout/sessions', {
    mode: 'payment',
    ui_mode: 'hosted_page',
    'line_items[0][quantity]': '1',
    'line_items[0][price_data][currency]': currency,
    'line_items[0][price_data][unit_amount]': String(amount),
    'line_items[0][price_data][product_data][name]': 'Elsewhere',
    'payment_intent_data[metadata][invoice]': invoiceId,
    'metadata[invoice]': invoiceId,
    success_url: 'https://shop.test/',
  });
  await rail.pay({ url });
  return id;
}

describe('money whose page we did not make', () => {
  it.each([
    ['one unit short', 998, 'usd', { amount: 998, currency: 'USD' }],
    ['one unit over', 1_000, 'usd', { amount: 1_000, currency: 'USD' }],
    ['in another currency', 999, 'eur', { amount: 999, currency: 'EUR' }],
    ['in yen', 999, 'jpy', { amount: 999, currency: 'JPY' }],
  ])('%s is booked as surplus and given back; the order stays open', async (_name, amount, currency, booked) => {
    const order = await rail.order();
    await paidElsewhere(order.invoiceId, { amount, currency });
    expect(await rail.facts(order)).toMatchObject({
      order: 'open',
      rights: 0,
      payments: [{ kind: 'surplus', status: 'refunding', developer: 0, ...booked }],
    });
    expect(await rail.runRefunds()).toEqual(['done']);
    expect(await rail.facts(order)).toMatchObject({ order: 'open', payments: [{ status: 'refunded' }], rights: 0 });
    await expectWholeBooks(world.system);
    await rail.pay(order);
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('that names somebody else’s paid order goes back, and takes nothing from them', async () => {
    const paid = await rail.buy();
    await paidElsewhere(paid.invoiceId, { amount: 999, currency: 'usd' });
    expect(await rail.facts(paid)).toMatchObject({
      order: 'paid',
      rights: 1,
      payments: [
        { kind: 'one_time', status: 'succeeded' },
        { kind: 'surplus', status: 'refunding' },
      ],
    });
    expect(await rail.runRefunds()).toEqual(['done']);
    expect(await rail.facts(paid)).toMatchObject({
      rights: 1,
      payments: [{ status: 'succeeded' }, { status: 'refunded' }],
    });
    await expectWholeBooks(world.system);
  });

  it('that names an order we do not know books nothing, is no fault that is tried again, and is reported', async () => {
    const unknown = 'inv_00000000000000000000000000';
    const booked = await world.sql('SELECT id FROM payment ORDER BY id');
    await paidElsewhere(unknown, { amount: 999, currency: 'usd' });
    expect(await world.sql("SELECT id FROM webhook_event WHERE status IN ('failed', 'dead')")).toEqual([]);
    expect(await world.sql('SELECT id FROM payment ORDER BY id')).toEqual(booked);
    world.clock.advance(120_000);
    const { reported } = await reconcilePayments(world.system, STRIPE);
    expect(reported).toBe(1);
    expect(await world.sql("SELECT kind FROM reconciliation_difference WHERE status = 'reported'")).toEqual([
      { kind: 'unknown_order' },
    ]);
    await expectWholeBooks(world.system);
  });

  it.each([
    ['at the same price', '999'],
    ['at another price', '5000'],
  ])('%s, whose payer wrote our order into its address, buys and returns nothing', async (_name, amount) => {
    const order = await rail.order();
    const page = await rail.api<{ url: string }>('checkout/sessions', {
      mode: 'payment',
      ui_mode: 'hosted_page',
      'line_items[0][quantity]': '1',
      'line_items[0][price_data][currency]': 'usd',
      'line_items[0][price_data][unit_amount]': amount,
      'line_items[0][price_data][product_data][name]': 'Elsewhere',
      client_reference_id: order.invoiceId,
      success_url: 'https://shop.test/',
    });
    await rail.pay(page);
    expect(await rail.runRefunds()).toEqual([]);
    expect(await rail.facts(order)).toMatchObject({ order: 'open', payments: [], rights: 0 });
    await expectWholeBooks(world.system);
  });

  it('of another program, without our ids, is none of ours', async () => {
    const [before] = [await rows()];
    const { url } = await rail.api<{ url: string }>('checkout/sessions', {
      mode: 'payment',
      ui_mode: 'hosted_page',
      'line_items[0][quantity]': '1',
      'line_items[0][price_data][currency]': 'usd',
      'line_items[0][price_data][unit_amount]': '999',
      'line_items[0][price_data][product_data][name]': 'Elsewhere',
      success_url: 'https://shop.test/',
    });
    const { payment } = await rail.pay({ url });
    expect(await rows()).toBe(before);
    // Refunds and disputes do not say whose they are: Stripe is asked, and it is not ours.
    await rail.act(`payments/${payment}/refund`, { amount: 100 });
    await rail.act(`payments/${payment}/dispute`);
    const ids = (await rail.look(payment)).events.map(({ id }) => id);
    const outcomes = await world.sql('SELECT DISTINCT status, result FROM webhook_event WHERE event_id = ANY($1)', [
      ids,
    ]);
    expect(outcomes).toEqual([{ status: 'processed', result: 'ignored' }]);
    await expectWholeBooks(world.system);
  });
});

describe('the same message', () => {
  it('fifty times at once has one effect, and each is answered 200', async () => {
    const order = await paidInSilence();
    const body = paidMessage(order);
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });

  it('as fifty different ones about one payment at once has one effect, and each is answered 200', async () => {
    const order = await paidInSilence();
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(paidMessage(order))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
    await expectWholeBooks(world.system);
  });
});
