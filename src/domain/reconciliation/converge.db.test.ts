import { afterEach, describe, expect, it, vi } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import type { OrderHint } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { AskedOrder, RefundRequest } from '#domain/provider/request.ts';
import { replayWebhook } from '#domain/webhook/replay.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { type Hint, makeRail, outcomeOf, type Placed, RAIL } from '../../testing/rail.ts';
import { DAY_MS, openWorld } from '../../testing/world.ts';
import { askOpenOrders } from './ask-open.ts';
import { closeAndAsk } from './close-checkout.ts';
import { convergeOrder } from './converge.ts';

const world = openWorld();
const rail = makeRail(world);
const MINUTE_MS = 60_000;
const system = () => rail.in(world.system);

afterEach(async () => {
  vi.useRealTimers();
  rail.reset();
  // Nothing of this test is asked about in the next.
  world.clock.advance(40 * DAY_MS);
  await expectWholeBooks(world.system);
});

const NOTHING: OrderHint = { invoiceId: null, reference: null, chargeId: null };
const hintOf = (about: Partial<OrderHint>): Hint => ({ hint: { ...NOTHING, ...about }, eventId: rail.name('evt') });
const attemptOf = async ({ invoiceId }: Pick<Placed, 'invoiceId'>) => {
  const [row] = await world.sql<{ id: string; reference: string; status: string; failure: string | null }>(
    'SELECT id, reference, status::text, failure FROM payment_attempt WHERE invoice_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1',
    [invoiceId],
  );
  if (!row) throw new Error('no attempt');
  return row;
};
const inboxOf = async ({ eventId }: { eventId: string }) => {
  const [row] = await world.sql<{
    id: string;
    status: string;
    result: string | null;
    attempts: number;
    error: string | null;
  }>('SELECT id, status::text, result, attempts, error FROM webhook_event WHERE event_id = $1', [eventId]);
  if (!row) throw new Error('not kept');
  return row;
};
const orderOf = async ({ invoiceId }: Pick<Placed, 'invoiceId'>) =>
  (await world.sql<{ status: string }>('SELECT status::text FROM invoice WHERE id = $1', [invoiceId]))[0]?.status;
const pending = (placed: Placed, chargeId: string): ProviderEvent => ({
  type: 'payment_pending',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  invoiceId: placed.invoiceId,
  chargeId,
  price: { amount: 101n, currency: 'XTR' },
  progress: 'confirming',
  missing: null,
  instructionsUrl: null,
});

/** From now on the provider answers so about each order; what it was asked is in `asked`. */
function answering(answer: (order: AskedOrder) => Promise<ReadonlyArray<ProviderEvent>>): AskedOrder[] {
  const asked: AskedOrder[] = [];
  rail.change({
    find: (order) => {
      asked.push(order);
      return answer(order);
    },
  });
  return asked;
}

/** A provider at which this charge has paid for this order. */
const paying = (placed: Placed, chargeId: string) => answering(async () => [rail.paid(placed, chargeId)]);

describe('a hint', () => {
  it.each([
    ['our order', async ({ invoiceId }: Placed) => ({ invoiceId })],
    ['its checkout', async (placed: Placed) => ({ reference: (await attemptOf(placed)).reference })],
    [
      'both',
      async (placed: Placed) => ({ invoiceId: placed.invoiceId, reference: (await attemptOf(placed)).reference }),
    ],
  ] as const)('that names %s is followed with all that is known of it', async (_name, about) => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const asked = paying(placed, chargeId);
    const hint = hintOf(await about(placed));
    expect((await rail.tell(hint)).reply.status).toBe(200);
    const { reference } = await attemptOf(placed);
    expect(asked).toEqual([
      {
        invoiceId: placed.invoiceId,
        reference,
        chargeId: null,
        createdAt: world.clock.now(),
        reservation: null,
        booked: [],
        refunds: [],
        refundReference: null,
      },
    ]);
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'succeeded', hasRight: true });
    expect(await inboxOf(hint)).toMatchObject({ status: 'processed', result: 'applied', attempts: 1 });
  });

  it('that names a charge finds its order by the payment or by the hold', async () => {
    const held = await rail.place();
    const chargeId = rail.name('ch');
    await rail.tell(pending(held, chargeId));
    const asked = paying(held, chargeId);
    await rail.tell(hintOf({ chargeId }));
    const price = { amount: 101n, currency: 'XTR' };
    expect(asked).toMatchObject([
      { invoiceId: held.invoiceId, chargeId, reservation: { chargeId, reference: null, price } },
    ]);
    const again = hintOf({ chargeId });
    await rail.tell(again);
    expect(asked[1]).toMatchObject({ invoiceId: held.invoiceId, chargeId });
    expect(await inboxOf(again)).toMatchObject({ status: 'processed', result: 'duplicate' });
  });

  it('that names a refund finds its order by it, and the provider hears of all refunds of the order', async () => {
    const known: RefundRequest['known'][] = [];
    rail.change({
      refund: async (request) => {
        known.push(request.known);
        if (known.length === 1) throw new ProviderError('unavailable', 'NO_ANSWER', { mayBeDone: true });
        return { status: 'pending', reference: `re_${request.refundId}`, claimUrl: null };
      },
    });
    const { chargeId, invoiceId } = await rail.buy();
    const [row] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [chargeId]);
    const { id: refundId } = await requestRefund(rail.in(world.asServer()), { paymentId: row?.id ?? '', amount: 40n });
    const asked = answering(async () => []);
    await rail.tell(hintOf({ chargeId }));
    await expect(executeRefund(system(), refundId)).rejects.toMatchObject({ code: 'NO_ANSWER' });
    await rail.tell(hintOf({ chargeId }));
    world.clock.advance(2 * MINUTE_MS);
    await executeRefund(system(), refundId);
    await rail.tell(hintOf({ reference: `re_${refundId}` }));
    const refund = { refundId, chargeId, reference: null, status: 'requested', amount: 40n, isUnsure: false };
    const made = { ...refund, reference: `re_${refundId}` };
    expect(asked.map(({ refunds }) => refunds)).toEqual([[refund], [{ ...refund, isUnsure: true }], [made]]);
    expect(asked[2]).toMatchObject({ invoiceId, reference: made.reference, chargeId: null });
    expect(known).toEqual([[{ ...refund, isUnsure: true }], [{ ...refund, isUnsure: true }]]);
  });

  it('about something unknown is asked about all the same, and is done when its provider knows nothing of ours', async () => {
    const asked = answering(async () => []);
    const about = { invoiceId: 'inv_none', reference: 'cs_none', chargeId: 'ch_none' };
    for (const hint of [hintOf(about), hintOf({ chargeId: 'ch_none' }), hintOf({})]) {
      await rail.tell(hint);
      expect(await inboxOf(hint)).toMatchObject({ status: 'processed', result: 'ignored' });
    }
    expect(asked.map(({ invoiceId, reference, chargeId }) => [invoiceId, reference, chargeId])).toEqual([
      [null, 'cs_none', 'ch_none'],
      [null, null, 'ch_none'],
      [null, null, null],
    ]);
  });

  it('of a provider that cannot be asked changes nothing', async () => {
    const hint = hintOf({ chargeId: 'ch_none' });
    await rail.tell(hint);
    expect(await inboxOf(hint)).toMatchObject({ status: 'processed', result: 'ignored' });
  });

  it('of which fifty come at once is followed once, has one effect, and all are answered', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const asked = paying(placed, chargeId);
    const hint = hintOf({ invoiceId: placed.invoiceId });
    const answers = await Promise.all(Array.from({ length: 50 }, () => rail.tell(hint)));
    expect(new Set(answers.map(({ reply }) => reply.status))).toEqual(new Set([200]));
    expect(asked).toHaveLength(1);
    expect(await noticesOf(world, placed.buyer.id)).toEqual({ paid: 1 });
    await rail.tell(hint);
    expect(asked).toHaveLength(1);
  });

  it('by fifty messages at once is asked about each time and has one effect', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const asked = paying(placed, chargeId);
    await Promise.all(Array.from({ length: 50 }, () => rail.tell(hintOf({ invoiceId: placed.invoiceId }))));
    expect(asked).toHaveLength(50);
    expect(await noticesOf(world, placed.buyer.id)).toEqual({ paid: 1 });
  });

  it('is answered when its time is up, and followed to its end behind the answer', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    let answer: (events: ProviderEvent[]) => void = () => undefined;
    const asked = new Promise<void>((isAsked) => {
      rail.change({
        find: () => {
          isAsked();
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      });
    });
    const hint = hintOf({ invoiceId: placed.invoiceId });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const told = rail.tell(hint);
    await asked;
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await told).reply.status).toBe(200);
    vi.useRealTimers();
    expect(await inboxOf(hint)).toMatchObject({ status: 'received' });
    expect(await orderOf(placed)).toBe('open');
    // The worker leaves it to who is at it.
    expect(await retryWebhooks(system())).toBe(0);
    answer([rail.paid(placed, chargeId)]);
    await expect.poll(async () => (await inboxOf(hint)).status).toBe('processed');
    expect(await orderOf(placed)).toBe('paid');
  });

  it('that cannot be followed is kept, tried again, and applied once', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const asked = answering(() => Promise.reject(new ProviderError('unavailable', 'NO_ANSWER')));
    const hint = hintOf({ invoiceId: placed.invoiceId });
    expect((await rail.tell(hint)).reply.status).toBe(200);
    expect(await inboxOf(hint)).toMatchObject({ status: 'failed', attempts: 1, error: 'NO_ANSWER' });
    await rail.tell(hint);
    expect(await inboxOf(hint)).toMatchObject({ status: 'failed', attempts: 2 });
    world.clock.advance(5_000);
    expect(await retryWebhooks(system())).toBe(0);
    world.clock.advance(5_000);
    expect(await retryWebhooks(system())).toBe(0);
    expect([asked.length, (await inboxOf(hint)).attempts]).toEqual([3, 3]);
    const now = paying(placed, chargeId);
    world.clock.advance(20_000);
    const turns = await Promise.all([retryWebhooks(system()), retryWebhooks(system()), retryWebhooks(system())]);
    expect(turns.reduce((sum, turn) => sum + turn, 0)).toBe(1);
    expect(now).toHaveLength(1);
    expect(await inboxOf(hint)).toMatchObject({ status: 'processed', result: 'applied', error: null });
    expect(await noticesOf(world, placed.buyer.id)).toEqual({ paid: 1 });
    expect(await retryWebhooks(system())).toBe(0);
  });

  it('whose process died is taken over by the worker, or by the next delivery, a minute later', async () => {
    for (const takeOver of [() => retryWebhooks(system()), (hint: Hint) => rail.tell(hint)]) {
      const placed = await rail.place();
      const chargeId = rail.name('ch');
      answering(() => new Promise(() => undefined));
      const hint = hintOf({ invoiceId: placed.invoiceId });
      void rail.tell(hint);
      await expect
        .poll(() => world.sql('SELECT 1 FROM webhook_event WHERE event_id = $1', [hint.eventId]))
        .toHaveLength(1);
      paying(placed, chargeId);
      world.clock.advance(59_999);
      await takeOver(hint);
      expect(await inboxOf(hint)).toMatchObject({ status: 'received' });
      world.clock.advance(1);
      await takeOver(hint);
      expect(await inboxOf(hint)).toMatchObject({ status: 'processed', result: 'applied' });
      expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'succeeded' });
    }
  });

  it('can be asked about and followed again by an operator', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const asked = answering(() => Promise.reject(new ProviderError('invalid', 'WRONG')));
    const hint = hintOf({ invoiceId: placed.invoiceId, chargeId });
    await rail.tell(hint);
    const { id } = await inboxOf(hint);
    const operator = () => rail.in(world.asServer(['webhooks:replay']));
    expect(await replayWebhook(operator(), { id, isDryRun: true })).toMatchObject({ outcome: 'would_apply' });
    expect(asked).toHaveLength(1);
    await expect(replayWebhook(operator(), { id, isDryRun: false })).rejects.toMatchObject({ code: 'WRONG' });
    paying(placed, chargeId);
    expect(await replayWebhook(operator(), { id, isDryRun: false })).toMatchObject({ outcome: 'applied' });
    expect(await inboxOf(hint)).toMatchObject({ status: 'processed', result: 'applied' });
    expect(await replayWebhook(operator(), { id, isDryRun: true })).toMatchObject({ outcome: 'would_repeat' });
    expect(await replayWebhook(operator(), { id, isDryRun: false })).toMatchObject({ outcome: 'duplicate' });
  });
});

describe('what a provider tells when it is asked', () => {
  it('is applied from the oldest on and again without effect: payment, refund, dispute', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const at = { occurredAt: world.clock.now(), chargeId };
    const whole = { amount: 101n, currency: 'XTR' } as const;
    answering(async () => [
      rail.paid(placed, chargeId),
      {
        ...at,
        type: 'payment_refunded',
        eventId: 'found:1',
        invoiceId: placed.invoiceId,
        payerId: null,
        paid: { amount: 40n, currency: 'XTR' },
        reference: 're_found',
        refundId: null,
      },
      {
        ...at,
        type: 'payment_disputed',
        eventId: 'found:2',
        reference: 'dp_found',
        status: 'lost',
        amount: whole,
        fee: 15n,
      },
    ]);
    const about = { ...NOTHING, invoiceId: placed.invoiceId };
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => convergeOrder(system(), { providerId: RAIL, about })),
    );
    expect(outcomes).toContain('applied');
    expect(await convergeOrder(system(), { providerId: RAIL, about })).toBe('duplicate');
    expect(await outcomeOf(world, chargeId)).toMatchObject({
      status: 'charged_back',
      returned: 101n,
      refunds: [['succeeded', 40]],
      disputes: [['lost', 61]],
      owed: 0n,
    });
    expect(await convergeOrder(system(), { providerId: 'nobody', about })).toBe('ignored');
  });

  it('about an older checkout does not end the newer one of the same order', async () => {
    const placed = await rail.place();
    const older = await attemptOf(placed);
    world.clock.advance(MINUTE_MS);
    await world.sql("UPDATE payment_attempt SET status = 'closed' WHERE id = $1", [older.id]);
    await rail.order(placed.buyer, placed.priceId);
    const ended = {
      invoiceId: placed.invoiceId,
      chargeId: null,
      attemptId: null,
      failure: 'checkout_expired',
    } as const;
    answering(async () => [
      { type: 'payment_failed', eventId: 'found', occurredAt: world.clock.now(), ...ended, isFinal: true },
    ]);
    await rail.tell(hintOf({ reference: older.reference }));
    const newer = await attemptOf(placed);
    expect(newer).toMatchObject({ status: 'live', failure: null });
    await rail.tell(hintOf({ reference: newer.reference }));
    expect(await attemptOf(placed)).toMatchObject({ id: newer.id, status: 'closed', failure: 'checkout_expired' });
  });
});

describe('askOpenOrders', () => {
  /** At which ages, in minutes, a provider is asked about an order in so many minutes. */
  async function agesAsked(placed: Placed, asked: AskedOrder[], until: number): Promise<number[]> {
    const ages: number[] = [];
    for (let minute = 1; minute <= until; minute += 1) {
      world.clock.advance(MINUTE_MS);
      asked.length = 0;
      await askOpenOrders(system());
      for (const { invoiceId } of asked) if (invoiceId === placed.invoiceId) ages.push(minute);
    }
    return ages;
  }

  it('asks about a checkout at growing ages, with its reference, also after the order has ended', async () => {
    const placed = await rail.place();
    const { reference } = await attemptOf(placed);
    const asked = answering(async () => []);
    expect(await agesAsked(placed, asked, 70)).toEqual([2, 5, 15, 60]);
    await cancelInvoice(placed.buyer.ctx, placed.invoiceId);
    const chargeId = rail.name('ch');
    const now = paying(placed, chargeId);
    world.clock.advance(3 * 60 * MINUTE_MS);
    expect(await askOpenOrders(system())).toBe(1);
    expect(now).toMatchObject([{ invoiceId: placed.invoiceId, reference, chargeId: null }]);
    expect([await orderOf(placed), await askOpenOrders(system())]).toEqual(['paid', 0]);
    world.clock.advance(DAY_MS);
    expect([await askOpenOrders(system()), now.length]).toEqual([0, 1]);
  });

  it('does not ask about a checkout that was paid, and passes it once for good', async () => {
    const placed = await rail.place();
    const { reference } = await attemptOf(placed);
    const asked = paying(placed, rail.name('chg'));
    await convergeOrder(system(), { providerId: RAIL, about: { ...NOTHING, reference } });
    expect(asked).toHaveLength(1);
    const questionsOf = () =>
      world.sql<{ questions: number }>('SELECT questions FROM payment_attempt WHERE reference = $1', [reference]);
    expect(await questionsOf()).toEqual([{ questions: 0 }]);
    for (let day = 0; day < 2; day += 1) {
      world.clock.advance(day === 0 ? 2 * MINUTE_MS : DAY_MS);
      await askOpenOrders(system());
      expect(await questionsOf()).toEqual([{ questions: 6 }]);
    }
    expect(asked).toHaveLength(1);
  });

  it('asks about a hold, and once a day for a month while the money is on its way', async () => {
    rail.change({ createCheckout: async () => ({ url: 'https://pay.example/x', reference: null }) });
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    await rail.tell(pending(placed, chargeId));
    const asked = answering(async () => [pending(placed, chargeId)]);
    expect(await agesAsked(placed, asked, 61)).toEqual([2, 5, 15, 60]);
    world.clock.advance(5 * 60 * MINUTE_MS);
    asked.length = 0;
    await askOpenOrders(system());
    for (let day = 1; day <= 35; day += 1) {
      world.clock.advance(DAY_MS);
      await askOpenOrders(system());
    }
    expect(asked).toHaveLength(32);
    expect(asked[0]).toMatchObject({ invoiceId: placed.invoiceId, chargeId, reservation: { chargeId } });
  });

  it('asks about a refund that its provider took and has not finished', async () => {
    rail.change({
      refund: async ({ refundId }) => ({ status: 'pending', reference: `re_${refundId}`, claimUrl: null }),
    });
    const charge = await rail.buy();
    const [row] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [charge.chargeId]);
    world.clock.advance(DAY_MS);
    const { id } = await requestRefund(rail.in(world.asServer()), { paymentId: row?.id ?? '' });
    const asked = answering(async () => []);
    world.clock.advance(MINUTE_MS * 2);
    await askOpenOrders(system());
    expect(asked).toEqual([]);
    expect(await executeRefund(system(), id)).toBe('pending');
    expect([await askOpenOrders(system()), asked.length]).toEqual([0, 1]);
    expect(asked).toMatchObject([{ invoiceId: charge.invoiceId, chargeId: charge.chargeId }]);
    const done = answering(async () => [
      {
        type: 'payment_refunded',
        eventId: 'found',
        occurredAt: world.clock.now(),
        invoiceId: charge.invoiceId,
        chargeId: charge.chargeId,
        payerId: null,
        paid: { amount: 101n, currency: 'XTR' },
        reference: `re_${id}`,
        refundId: null,
      },
    ]);
    world.clock.advance(DAY_MS);
    expect(await askOpenOrders(system())).toBe(1);
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      refunds: [['succeeded', 101]],
    });
    world.clock.advance(DAY_MS);
    expect([await askOpenOrders(system()), done.length]).toEqual([0, 1]);
  });

  it('goes on with the next when one cannot be asked about or applied, and asks each once however many workers ask', async () => {
    const [broken, unknown, good] = [await rail.place(), await rail.place(), await rail.place()];
    const chargeId = rail.name('ch');
    const asked = answering(async ({ invoiceId }) => {
      if (invoiceId === broken.invoiceId) throw new ProviderError('invalid', 'UNREADABLE');
      if (invoiceId === unknown.invoiceId) return [rail.paid({ ...unknown, invoiceId: 'inv_none' }, rail.name('ch'))];
      return [rail.paid(good, chargeId)];
    });
    world.clock.advance(2 * MINUTE_MS);
    const turns = await Promise.all([1, 2, 3, 4].map(() => askOpenOrders(system())));
    expect(turns.reduce((sum, turn) => sum + turn, 0)).toBe(1);
    expect(asked.map(({ invoiceId }) => invoiceId).toSorted()).toEqual(
      [broken, unknown, good].map(({ invoiceId }) => invoiceId).toSorted(),
    );
    expect([await orderOf(good), await orderOf(broken), await orderOf(unknown)]).toEqual(['paid', 'open', 'open']);
  });
});

describe('a checkout that is closed here', () => {
  it('is closed at its provider after the commit, as often as the job runs', async () => {
    const closed: string[] = [];
    rail.change({
      closeCheckout: async ({ reference }) => {
        closed.push(reference);
        return 'closed';
      },
    });
    const placed = await rail.place();
    const { id, reference } = await attemptOf(placed);
    await cancelInvoice(placed.buyer.ctx, placed.invoiceId);
    expect(
      await world.sql("SELECT payload FROM job WHERE name = 'close_checkout' AND lane = $1", [`checkout:${id}`]),
    ).toEqual([{ payload: { attemptId: id } }]);
    await closeAndAsk(system(), id);
    await closeAndAsk(system(), id);
    await closeAndAsk(system(), 'att_none');
    expect(closed).toEqual([reference, reference]);
  });

  it('and cannot be any more is asked about: money that came is honoured', async () => {
    const placed = await rail.place();
    const { id } = await attemptOf(placed);
    await cancelInvoice(placed.buyer.ctx, placed.invoiceId);
    rail.change({ closeCheckout: async () => 'busy' });
    const chargeId = rail.name('ch');
    paying(placed, chargeId);
    await closeAndAsk(system(), id);
    expect(await orderOf(placed)).toBe('paid');
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'succeeded', hasRight: true });
  });

  it('is tried again when the provider cannot be reached', async () => {
    const placed = await rail.place();
    const { id } = await attemptOf(placed);
    rail.change({ closeCheckout: () => Promise.reject(new ProviderError('unavailable', 'NO_ANSWER')) });
    await expect(closeAndAsk(system(), id)).rejects.toMatchObject({ failure: 'unavailable' });
  });
});

describe('choosing another way to pay', () => {
  it('closes the first checkout at its provider before another is opened', async () => {
    const events: string[] = [];
    const placed = await rail.place();
    const { id, reference } = await attemptOf(placed);
    rail.change({
      closeCheckout: async (checkout) => {
        events.push(`closed ${checkout.reference}, ${(await attemptOf(placed)).status}`);
        return 'closed';
      },
    });
    world.clock.advance(MINUTE_MS);
    const other = await world.order({ ...placed.buyer, ctx: rail.in(placed.buyer.ctx) }, CATALOG.pluginOnce, {
      providerId: 'telegram-stars',
    });
    expect(other).toMatchObject({ invoiceId: placed.invoiceId, providerId: 'telegram-stars', isResumed: false });
    expect(events).toEqual([`closed ${reference}, live`]);
    expect(await world.sql('SELECT status::text FROM payment_attempt WHERE id = $1', [id])).toEqual([
      { status: 'closed' },
    ]);
  });

  it('is refused while somebody pays there, and what is true is found out behind the refusal', async () => {
    const placed = await rail.place();
    const { id } = await attemptOf(placed);
    rail.change({ closeCheckout: async () => 'busy' });
    const switching = () =>
      world.order({ ...placed.buyer, ctx: rail.in(placed.buyer.ctx) }, CATALOG.pluginOnce, {
        providerId: 'telegram-stars',
      });
    await expect(switching()).rejects.toMatchObject({ reason: 'invoice_reserved', retryAfterSeconds: 60 });
    expect(await attemptOf(placed)).toMatchObject({ id, status: 'live' });
    const chargeId = rail.name('ch');
    paying(placed, chargeId);
    const [job] = await world.sql<{ payload: { attemptId: string } }>('SELECT payload FROM job WHERE lane = $1', [
      `checkout:${id}`,
    ]);
    await closeAndAsk(system(), job?.payload.attemptId ?? '');
    expect(await orderOf(placed)).toBe('paid');
    await expect(switching()).rejects.toMatchObject({ reason: 'already_owned' });
  });

  it('is refused when the first provider cannot say, and nothing changes', async () => {
    const placed = await rail.place();
    const { id } = await attemptOf(placed);
    rail.change({ closeCheckout: () => Promise.reject(new ProviderError('unavailable', 'NO_ANSWER')) });
    await expect(
      world.order({ ...placed.buyer, ctx: rail.in(placed.buyer.ctx) }, CATALOG.pluginOnce, {
        providerId: 'telegram-stars',
      }),
    ).rejects.toMatchObject({ reason: 'provider_unavailable' });
    expect(await attemptOf(placed)).toMatchObject({ id, status: 'live' });
  });
});
