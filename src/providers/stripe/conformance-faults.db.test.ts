import { describe, expect, it } from 'vitest';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { storeReceived, toInbox } from '#domain/webhook/store.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { type Order, openStripe, STRIPE } from '../../testing/stripe.ts';
import type { Weather } from '../../testing/stripe-wire.ts';
import { DAY_MS } from '../../testing/world.ts';

const rail = openStripe();
const { world } = rail;

const COMPLETED = 'checkout.session.completed';
const OPEN = 'POST /v1/checkout/sessions';
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    ({ reason, retryAfterSeconds }: { reason?: string; retryAfterSeconds?: number }) => ({ reason, retryAfterSeconds }),
  );
/** What the inbox keeps of Stripe's messages about an order that was paid. */
async function inboxOf(chargeId: string) {
  const ids = (await rail.look(chargeId)).events.map(({ id }) => id);
  const rows = await world.sql<{
    kind: string;
    status: string;
    attempts: number;
    result: string | null;
    error: string | null;
  }>('SELECT kind, status, attempts, result, error FROM webhook_event WHERE event_id = ANY($1) ORDER BY kind', [ids]);
  return Object.fromEntries(rows.map(({ kind, ...rest }) => [kind, rest]));
}
/** An order that was paid while nothing that Stripe sent was taken, and one message about it. */
async function paidInSilence() {
  const order = await rail.order();
  await rail.loseMessages();
  const { payment } = await rail.pay(order);
  const chargeId = payment ?? '';
  const messages = await rail.messagesOf(chargeId);
  const completed = messages.find(({ type }) => type === 'checkout.session.completed');
  if (!completed) throw new Error('Stripe says nothing of the page');
  return { order, chargeId, completed };
}
const settled = async (order: Order) => {
  expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1, payments: { length: 1 } });
  expect(await noticesOf(world, order.buyer.id)).toEqual({ paid: 1 });
  await expectWholeBooks(world.system);
};

describe('on the way from Stripe to us', () => {
  it.each([
    ['duplicate', 'checkout.session.completed'],
    ['duplicate', 'charge.succeeded'],
    ['lost_answer', 'checkout.session.completed'],
    ['lost_answer', 'charge.succeeded'],
    ['lost_request', 'checkout.session.completed'],
    ['reorder', 'charge.succeeded'],
    ['reorder', 'checkout.session.completed'],
    ['wrong_auth', 'charge.succeeded'],
    ['malformed', 'charge.succeeded'],
  ] as const)('%s of %s settles once', async (kind, method) => {
    const order = await rail.order();
    await world.sandbox.setFaults({ stripe: { kind, method, remaining: 1 } });
    await rail.pay(order);
    await rail.catchUp();
    await settled(order);
  });
});

/** What Stripe answers to the next `times` questions about a payment. */
function answer(kind: Weather, times: number): void {
  let left = times;
  rail.tap.weather = async (name) => {
    if (!name.startsWith('GET /v1/payment_intents/') || left === 0) return 'fair';
    left -= 1;
    return kind;
  };
}

describe('while Stripe is away', () => {
  it.each<[Weather, number]>([
    [503, 1],
    [500, 1],
    [429, 1],
    ['cut', 1],
    // The SDK itself tries a broken connection a second time.
    ['lost', 2],
  ])('(%s) a message is kept, tried again after five seconds and applied once', async (kind, times) => {
    const { chargeId, completed, order } = await paidInSilence();
    answer(kind, times);
    expect(await rail.send(completed.body)).toMatchObject({ status: 200 });
    expect((await inboxOf(chargeId))[COMPLETED]).toMatchObject({ status: 'failed', attempts: 1 });
    expect(await rail.facts(order)).toMatchObject({ order: 'open', payments: [] });
    expect(await retryWebhooks(world.system)).toBe(0);
    world.clock.advance(5_000);
    expect(await retryWebhooks(world.system)).toBe(1);
    expect((await inboxOf(chargeId))[COMPLETED]).toMatchObject({ status: 'processed', error: null });
    await settled(order);
  });

  it('and a message is sent again by Stripe meanwhile, it is tried again at once', async () => {
    const { chargeId, completed, order } = await paidInSilence();
    answer(503, 1);
    await rail.send(completed.body);
    expect((await inboxOf(chargeId))[COMPLETED]).toMatchObject({ status: 'failed' });
    expect(await rail.send(completed.body)).toMatchObject({ status: 200 });
    await settled(order);
  });

  it('without an answer, Stripe hears 200 before its patience ends, and the message is not lost', async () => {
    const { chargeId, completed, order } = await paidInSilence();
    answer('silent', 1);
    const kept = async () => (await inboxOf(chargeId))[COMPLETED]?.status;
    expect(await rail.send(completed.body)).toMatchObject({ status: 200 });
    expect(await kept()).toBe('received');
    await expect.poll(kept, { timeout: 15_000 }).toBe('failed');
    world.clock.advance(5_000);
    await retryWebhooks(world.system);
    await settled(order);
  });

  it('for hours, a message is tried until Stripe is back', async () => {
    const { chargeId, completed, order } = await paidInSilence();
    answer(503, 7);
    await rail.send(completed.body);
    for (let retry = 0; retry < 6; retry += 1) {
      world.clock.advance(3_600_000);
      await retryWebhooks(world.system);
    }
    expect((await inboxOf(chargeId))[COMPLETED]).toMatchObject({ status: 'failed', attempts: 7, error: 'api_error' });
    world.clock.advance(3_600_000);
    await retryWebhooks(world.system);
    await settled(order);
  });
});

describe('a process that died', () => {
  it('after it kept a message leaves it to the next delivery or the worker, once its lease is over', async () => {
    for (const isRedelivered of [true, false]) {
      const { completed, order } = await paidInSilence();
      const eventId = world.door.vault.conceal(completed.id);
      const entry = { eventId, kind: completed.type, body: Buffer.from(completed.body) };
      await storeReceived(world.system, toInbox(world.system, STRIPE, entry));
      // While its lease runs it may still be at work.
      expect(await rail.send(completed.body)).toMatchObject({ status: 200 });
      expect(await retryWebhooks(world.system)).toBe(0);
      expect(await rail.facts(order)).toMatchObject({ order: 'open', payments: [] });
      world.clock.advance(60_000);
      if (isRedelivered) await rail.send(completed.body);
      else expect(await retryWebhooks(world.system)).toBe(1);
      await settled(order);
    }
  });
});

describe('when every message of a day is lost', () => {
  it('the payment is found by asking, and its refund and dispute by Stripe’s list', async () => {
    await rail.loseMessages();
    const [refunded, disputed, plain] = [await rail.order(), await rail.order(), await rail.order()];
    const charges = [];
    for (const order of [refunded, disputed, plain]) charges.push((await rail.pay(order)).payment ?? '');
    world.clock.advance(180_000);
    expect(await askOpenOrders(world.system)).toBe(3);
    for (const order of [refunded, disputed, plain])
      expect(await rail.facts(order)).toMatchObject({ order: 'paid', rights: 1 });

    await rail.act(`payments/${charges[0]}/refund`, { amount: 400 });
    await rail.act(`payments/${charges[1]}/dispute`);
    world.clock.advance(DAY_MS);
    await askOpenOrders(world.system);
    await reconcilePayments(world.system, STRIPE);
    expect(await rail.facts(refunded)).toMatchObject({ refunds: [['succeeded', 400]], rights: 1 });
    expect(await rail.facts(disputed)).toMatchObject({ disputes: [['open', 999]], rights: 0 });
    expect(await rail.facts(plain)).toMatchObject({ payments: [{ status: 'succeeded' }], rights: 1 });
    await expectWholeBooks(world.system);
  });

  it('the end of a dispute is found by Stripe’s list, also where its beginning was heard', async () => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/dispute`);
    expect(await rail.facts(paid)).toMatchObject({ disputes: [['open', 999]] });
    await rail.loseMessages();
    const [opened] = (await rail.look(paid.chargeId)).disputes;
    await rail.act(`disputes/${opened?.id}/close`, { outcome: 'won' });
    world.clock.advance(120_000);
    expect(await reconcilePayments(world.system, STRIPE)).toMatchObject({ settled: 1, reported: 0 });
    expect(await rail.facts(paid)).toMatchObject({ disputes: [['won', 999]], rights: 1 });
    expect(await reconcilePayments(world.system, STRIPE)).toMatchObject({ settled: 0, reported: 0 });
    await expectWholeBooks(world.system);
  });

  it.each(['won', 'lost'] as const)(
    'a dispute that was %s after the list had passed it is found by asking',
    async (outcome) => {
      const paid = await rail.buy();
      await rail.act(`payments/${paid.chargeId}/dispute`);
      world.clock.advance(30 * DAY_MS);
      expect(await askOpenOrders(world.system)).toBe(0);
      await reconcilePayments(world.system, STRIPE);
      expect(await rail.facts(paid)).toMatchObject({ disputes: [['open', 999]], rights: 0 });
      await rail.loseMessages();
      const [opened] = (await rail.look(paid.chargeId)).disputes;
      await rail.act(`disputes/${opened?.id}/close`, { outcome });
      expect(await reconcilePayments(world.system, STRIPE)).toMatchObject({ settled: 0, reported: 0 });
      expect(await rail.facts(paid)).toMatchObject({ disputes: [['open', 999]] });
      expect(await askOpenOrders(world.system)).toBe(1);
      expect(await rail.facts(paid)).toMatchObject({ disputes: [[outcome, 999]], rights: outcome === 'won' ? 1 : 0 });
      const questions = () =>
        world.sql<{ questions: number }>('SELECT questions FROM dispute WHERE payment_id = $1', [paid.paymentId]);
      const asked = await questions();
      world.clock.advance(5 * DAY_MS);
      expect(await askOpenOrders(world.system)).toBe(0);
      expect(await questions()).toEqual(asked);
      await expectWholeBooks(world.system);
    },
  );

  it('a dispute that stays open is asked about for four months and not for ever', async () => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/dispute`);
    const asked = async () => {
      const [row] = await world.sql<{ questions: number }>('SELECT questions FROM dispute WHERE payment_id = $1', [
        paid.paymentId,
      ]);
      return row?.questions ?? 0;
    };
    world.clock.advance(120 * DAY_MS);
    await askOpenOrders(world.system);
    expect(await asked()).toBe(1);
    world.clock.advance(3 * DAY_MS);
    await askOpenOrders(world.system);
    expect(await asked()).toBe(1);
  });

  it('Stripe’s list alone finds payments, and says each difference once', async () => {
    const { order } = await paidInSilence();
    world.clock.advance(120_000);
    expect(await reconcilePayments(world.system, STRIPE)).toMatchObject({ settled: 1, reported: 0 });
    await settled(order);
    expect(await reconcilePayments(world.system, STRIPE)).toMatchObject({ settled: 0, reported: 0 });
  });
});

describe('a checkout while Stripe is away', () => {
  const breaker = async () =>
    (
      await world.sql<{ failures: number; is_open: boolean }>(
        'SELECT failures, coalesce(open_until > $1, false) AS is_open FROM provider_breaker WHERE provider = $2',
        [world.clock.now(), STRIPE],
      )
    )[0];

  it('three times in a row opens the breaker; alone Stripe is asked all the same, and one success closes it', async () => {
    await world.sandbox.setFaults({ stripe: { kind: 'unavailable', method: OPEN, remaining: 3 } });
    for (let time = 1; time <= 3; time += 1) {
      expect(await refusalOf(rail.order())).toMatchObject({ reason: 'provider_unavailable' });
      expect(await breaker()).toMatchObject({ failures: time, is_open: time === 3 });
    }
    const order = await rail.order();
    expect(await breaker()).toEqual({ failures: 0, is_open: false });
    await rail.pay(order);
    await settled(order);
  });

  it('that is asked too often says when to come again', async () => {
    await world.sandbox.setFaults({ stripe: { kind: 'rate_limited', method: OPEN, remaining: 1 } });
    expect(await refusalOf(rail.order())).toEqual({ reason: 'provider_unavailable', retryAfterSeconds: 1 });
    await rail.order();
  });

  it('whose answer is lost opens another page on the next tap, and only that can be paid', async () => {
    const buyer = await world.newBuyer();
    await world.sandbox.setFaults({ stripe: { kind: 'lost_answer', method: OPEN, remaining: 2 } });
    expect(await refusalOf(rail.order(CATALOG.pluginUsd, { buyer }))).toMatchObject({ reason: 'provider_unavailable' });
    const order = await rail.order(CATALOG.pluginUsd, { buyer });
    await rail.pay(order);
    await settled(order);
  });

  it('whose connection breaks once is opened all the same, as one page', async () => {
    const before = (await rail.read<{ data: object[] }>('checkout/sessions?limit=100')).data.length;
    await world.sandbox.setFaults({ stripe: { kind: 'lost_answer', method: OPEN, remaining: 1 } });
    const order = await rail.order();
    expect((await rail.read<{ data: object[] }>('checkout/sessions?limit=100')).data).toHaveLength(before + 1);
    await rail.pay(order);
    await settled(order);
  });

  it('keeps a page that cannot be closed at Stripe: nobody gets a second one beside it', async () => {
    const order = await rail.order();
    await world.sandbox.setFaults({
      stripe: { kind: 'unavailable', method: 'POST /v1/checkout/sessions/:id/expire', remaining: 1 },
    });
    const change = rail.order(CATALOG.pluginUsd, { buyer: order.buyer, method: 'bank_transfer' });
    expect(await refusalOf(change)).toMatchObject({ reason: 'provider_unavailable' });
    expect(await rail.order(CATALOG.pluginUsd, { buyer: order.buyer })).toEqual(order);
    await rail.pay(order);
    await settled(order);
  });
});
