import { describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { concealReferences } from '#domain/context/conceal-references.ts';
import { asActor } from '#domain/context/context.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { lapseReservations } from '#domain/reservation/end.ts';
import { type ReservationInquiry, type StepAnswer, takeStep } from '#domain/reservation/take-step.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import { type Buyer, openWorld, STARS } from '../../testing/world.ts';

const world = openWorld();
const HOUR_MS = 3_600_000;
const PRICE = { amount: BigInt(AMOUNTS[CATALOG.proYear]), currency: 'XTR' };

/** Two providers that take money in two steps: one asks us before the debit, the other tells us after it. */
const ASKS = 'asks-first';
const TELLS = 'tells-after';
let charges = 0;
const newCharge = () => {
  charges += 1;
  return `charge-${charges}`;
};

function door(providerId: string) {
  const stars = world.door.providers.get(STARS);
  if (!stars) throw new Error('not registered');
  const standIn = (id: string, lapseCode: number | null): [string, Provider] => [
    id,
    {
      ...stars,
      id,
      reservations: { lastMs: 12 * HOUR_MS, lapseCode },
      refund: async () => ({ status: 'done', reference: null, claimUrl: null }),
    },
  ];
  const providers = new Map([standIn(ASKS, 4), standIn(TELLS, null)]);
  return asActor({ ...world.door, providers }, { kind: 'provider', providerId });
}

function step(providerId: string, inquiry: ReservationInquiry): Promise<StepAnswer> {
  const key = inquiry.type === 'list' ? 'list' : inquiry.chargeId;
  const receivedAt = world.clock.now();
  const id = `whe_${crypto.randomUUID()}`;
  const inbox = {
    id,
    providerId,
    eventId: world.door.vault.conceal(`${inquiry.type}:${key}`),
    kind: inquiry.type,
    receivedAt,
    body: null,
  };
  return takeStep(door(providerId), { providerId, inquiry: concealed(inquiry), inbox });
}

/** The step as its provider's border hands it on. */
function concealed(inquiry: ReservationInquiry): ReservationInquiry {
  const { conceal } = world.door.vault;
  if (inquiry.type === 'list') return inquiry;
  const chargeId = conceal(inquiry.chargeId);
  return inquiry.type === 'reserve'
    ? { ...inquiry, chargeId, reference: inquiry.reference && conceal(inquiry.reference) }
    : { ...inquiry, chargeId };
}

const reserve = (
  providerId: string,
  chargeId: string,
  invoiceId: string,
  rest: { amount?: bigint; askedAt?: Date } = {},
) =>
  step(providerId, {
    type: 'reserve',
    inquiryId: '1',
    chargeId,
    reference: `ref-${chargeId}`,
    invoiceId,
    price: { ...PRICE, amount: rest.amount ?? PRICE.amount },
    askedAt: rest.askedAt ?? world.clock.now(),
  });
const capture = (providerId: string, chargeId: string) =>
  step(providerId, { type: 'capture', inquiryId: '2', chargeId, claim: null, isDebited: providerId === TELLS });
const release = (providerId: string, chargeId: string, code = 5) =>
  step(providerId, { type: 'release', inquiryId: '3', chargeId, claim: null, code, undoesPaid: providerId === ASKS });
const lookUp = (providerId: string, chargeId: string) =>
  step(providerId, { type: 'look_up', inquiryId: '4', chargeId });

const said = (answer: StepAnswer) => (answer.ok ? (answer.reservation?.status ?? 'listed') : answer.reason);
const newOrder = async (): Promise<{ buyer: Buyer; invoiceId: string }> => {
  const buyer = await world.newBuyer();
  return { buyer, invoiceId: (await world.order(buyer, CATALOG.proYear)).invoiceId };
};
const payments = (invoiceId: string) =>
  world.sql('SELECT kind, status, provider FROM payment WHERE invoice_id = $1 ORDER BY kind', [invoiceId]);
const statusOf = async (invoiceId: string) =>
  (await world.sql<{ status: string }>('SELECT status FROM invoice WHERE id = $1', [invoiceId]))[0]?.status;

describe('an order that is reserved, then captured', () => {
  it('is granted once, with its books whole, and each step says the same again', async () => {
    const { buyer, invoiceId } = await newOrder();
    const chargeId = newCharge();
    const first = await reserve(ASKS, chargeId, invoiceId);
    world.clock.advance(1_000);
    expect(await reserve(ASKS, chargeId, invoiceId)).toEqual(first);
    const paid = await capture(ASKS, chargeId);
    expect(said(paid)).toBe('paid');
    world.clock.advance(1_000);
    expect(await capture(ASKS, chargeId)).toEqual(paid);
    expect(await lookUp(ASKS, chargeId)).toEqual(paid);
    expect(said(await reserve(ASKS, chargeId, invoiceId))).toBe('reservation_closed');
    expect(await payments(invoiceId)).toEqual([{ kind: 'one_time', status: 'succeeded', provider: ASKS }]);
    expect(await world.sql('SELECT count(*)::int FROM entitlement WHERE user_id = $1', [buyer.id])).toEqual([
      { count: 1 },
    ]);
    expect(await statusOf(invoiceId)).toBe('paid');
    await expectWholeBooks(world.system);
  });

  it('is held once however many ask for it at the same instant, and captured once', async () => {
    const { invoiceId } = await newOrder();
    const chargeId = newCharge();
    const held = await Promise.all(Array.from({ length: 50 }, () => reserve(ASKS, chargeId, invoiceId)));
    expect(new Set(held.map((answer) => JSON.stringify(answer, bigints)))).toHaveProperty('size', 1);
    const taken = await Promise.all(Array.from({ length: 50 }, () => capture(ASKS, chargeId)));
    expect(new Set(taken.map((answer) => JSON.stringify(answer, bigints)))).toHaveProperty('size', 1);
    expect(await payments(invoiceId)).toHaveLength(1);
    await expectWholeBooks(world.system);
  });

  it('goes to one of many charges that race for it; the others hear that it is being paid', async () => {
    const { invoiceId } = await newOrder();
    const rivals = Array.from({ length: 10 }, (_, n) => reserve(n % 2 ? ASKS : TELLS, newCharge(), invoiceId));
    const answers = (await Promise.all(rivals)).map(said).sort();
    expect(answers).toEqual([...Array.from({ length: 9 }, () => 'invoice_reserved'), 'reserved']);
  });

  it('ends as captured or as released when both come at the same instant, never as both', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { invoiceId } = await newOrder();
      const chargeId = newCharge();
      await reserve(ASKS, chargeId, invoiceId);
      await Promise.all([capture(ASKS, chargeId), release(ASKS, chargeId)]);
      const ended = said(await lookUp(ASKS, chargeId));
      expect(['cancelled', 'refunded']).toContain(ended);
      expect(await payments(invoiceId)).toEqual(
        ended === 'cancelled' ? [] : [{ kind: 'one_time', status: 'refunded', provider: ASKS }],
      );
    }
    await expectWholeBooks(world.system);
  });
});

const bigints = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);

describe('what cannot be reserved', () => {
  it.each([
    ['an order nobody knows', 'invoice_not_found', async () => 'inv_none'],
    [
      'an order that was cancelled',
      'invoice_cancelled',
      async (order: { buyer: Buyer; invoiceId: string }) => {
        await cancelInvoice(order.buyer.ctx, order.invoiceId);
        return order.invoiceId;
      },
    ],
    [
      'an order that was paid',
      'invoice_already_paid',
      async (order: { invoiceId: string }) => {
        const chargeId = newCharge();
        await reserve(ASKS, chargeId, order.invoiceId);
        await capture(ASKS, chargeId);
        return order.invoiceId;
      },
    ],
    [
      'an order whose time is over',
      'invoice_expired',
      async (order: { invoiceId: string }) => {
        world.clock.advance(31 * 60_000);
        return order.invoiceId;
      },
    ],
  ] as const)('%s', async (_name, reason, prepare) => {
    const invoiceId = await prepare(await newOrder());
    expect(said(await reserve(ASKS, newCharge(), invoiceId))).toBe(reason);
  });

  it('an amount that is one unit off, and a charge that holds another order', async () => {
    const one = await newOrder();
    const other = await newOrder();
    for (const amount of [PRICE.amount - 1n, PRICE.amount + 1n])
      expect(said(await reserve(ASKS, newCharge(), one.invoiceId, { amount }))).toBe('amount_mismatch');
    const chargeId = newCharge();
    await reserve(ASKS, chargeId, one.invoiceId);
    expect(said(await reserve(ASKS, chargeId, one.invoiceId, { amount: PRICE.amount + 1n }))).toBe('amount_mismatch');
    expect(said(await reserve(ASKS, chargeId, other.invoiceId))).toBe('reservation_closed');
  });
});

describe('a reserved order', () => {
  it('does not expire, cannot be ordered another way, and may be withdrawn: then the money goes back unasked', async () => {
    const { buyer, invoiceId } = await newOrder();
    const chargeId = newCharge();
    await reserve(ASKS, chargeId, invoiceId);
    world.clock.advance(40 * 60_000);
    await expireInvoices(world.system);
    expect(await statusOf(invoiceId)).toBe('open');
    await cancelInvoice(buyer.ctx, invoiceId);
    expect(said(await capture(ASKS, chargeId))).toBe('reservation_closed');
    expect(await payments(invoiceId)).toEqual([]);
  });

  it('can be paid by another charge once it was given up', async () => {
    const { invoiceId } = await newOrder();
    const [lost, won] = [newCharge(), newCharge()];
    await reserve(ASKS, lost, invoiceId);
    const ended = await release(ASKS, lost, 3);
    expect(ended).toMatchObject({ ok: true, reservation: { status: 'cancelled', code: 3 } });
    world.clock.advance(1_000);
    expect(await release(ASKS, lost, 5)).toEqual(ended);
    expect(said(await capture(ASKS, lost))).toBe('reservation_closed');
    expect(said(await reserve(ASKS, lost, invoiceId))).toBe('reservation_closed');
    expect([said(await reserve(TELLS, won, invoiceId)), said(await capture(TELLS, won))]).toEqual(['reserved', 'paid']);
    await expectWholeBooks(world.system);
  });

  it('is free again after twelve hours of the provider’s own clock, whether or not somebody asks', async () => {
    const { invoiceId } = await newOrder();
    const chargeId = newCharge();
    const askedAt = new Date(world.clock.now().getTime() - 12 * HOUR_MS + 1_000);
    expect(said(await reserve(ASKS, chargeId, invoiceId, { askedAt }))).toBe('reserved');
    world.clock.advance(999);
    expect(said(await lookUp(ASKS, chargeId))).toBe('reserved');
    world.clock.advance(1);
    expect(await capture(ASKS, chargeId)).toMatchObject({
      ok: false,
      reason: 'reservation_closed',
      reservation: { status: 'cancelled', code: 4 },
    });
    const unasked = newCharge();
    const almost = new Date(world.clock.now().getTime() - 12 * HOUR_MS + 1);
    expect(said(await reserve(ASKS, unasked, invoiceId, { askedAt: almost }))).toBe('reserved');
    world.clock.advance(1);
    expect(await lapseReservations(door(ASKS))).toBeGreaterThanOrEqual(1);
    expect(said(await lookUp(ASKS, unasked))).toBe('cancelled');
  });
});

describe('money that was taken already', () => {
  it('is booked although the hold had run out', async () => {
    const { invoiceId } = await newOrder();
    const chargeId = newCharge();
    await reserve(TELLS, chargeId, invoiceId);
    world.clock.advance(13 * HOUR_MS);
    await lapseReservations(door(TELLS));
    expect(said(await capture(TELLS, chargeId))).toBe('paid');
    expect(await payments(invoiceId)).toEqual([{ kind: 'one_time', status: 'succeeded', provider: TELLS }]);
    expect(said(await capture(TELLS, chargeId))).toBe('reservation_closed');
    expect(said(await release(TELLS, chargeId))).toBe('refund_not_possible');
    await expectWholeBooks(world.system);
  });

  it('goes back by itself when the order was paid meanwhile', async () => {
    const { invoiceId } = await newOrder();
    const [late, quick] = [newCharge(), newCharge()];
    await reserve(TELLS, late, invoiceId);
    world.clock.advance(13 * HOUR_MS);
    await lapseReservations(door(TELLS));
    const { invoiceId: again, buyer } = await newOrder();
    await world.sql('UPDATE reservation SET invoice_id = $1 WHERE charge_id = $2', [again, late]);
    await reserve(ASKS, quick, again);
    await capture(ASKS, quick);
    expect(said(await capture(TELLS, late))).toBe('paid');
    expect(await payments(again)).toEqual([
      { kind: 'one_time', status: 'succeeded', provider: ASKS },
      { kind: 'surplus', status: 'refunding', provider: TELLS },
    ]);
    const [refund] = await world.sql<{ id: string }>(
      "SELECT r.id FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.user_id = $1 AND r.status = 'requested'",
      [buyer.id],
    );
    expect(await executeRefund(door(TELLS), refund?.id ?? '')).toBe('done');
    expect(said(await lookUp(TELLS, late))).toBe('refunded');
    await expectWholeBooks(world.system);
  });
});

describe('a capture that got lost', () => {
  const asking = (answer: Provider['find']) => {
    const ctx = door(TELLS);
    const [tells] = [...ctx.providers.values()].filter(({ id }) => id === TELLS);
    if (!tells || !answer) throw new Error('not registered');
    return { ...ctx, providers: new Map([[TELLS, concealReferences({ ...tells, find: answer }, ctx.vault)]]) };
  };
  const paid = (chargeId: string, invoiceId: string): ProviderEvent => ({
    type: 'payment_succeeded',
    eventId: 'found',
    occurredAt: world.clock.now(),
    invoiceId,
    chargeId,
    payerId: null,
    paid: { amount: PRICE.amount, currency: 'XTR' },
    ...PLAIN_CHARGE,
  });

  it('is asked for when the provider said nothing for two minutes, and booked once', async () => {
    const { invoiceId } = await newOrder();
    const chargeId = newCharge();
    await reserve(TELLS, chargeId, invoiceId);
    const asked: unknown[] = [];
    const ctx = asking(async (order) => {
      asked.push(order.reservation);
      return order.invoiceId === invoiceId ? [paid(chargeId, invoiceId)] : [];
    });
    await askOpenOrders(ctx);
    expect(asked.filter((reservation) => JSON.stringify(reservation, bigints).includes(`"${chargeId}"`))).toEqual([]);
    world.clock.advance(2 * 60_000);
    expect(await askOpenOrders(ctx)).toBe(1);
    expect(asked).toContainEqual({ chargeId, reference: `ref-${chargeId}`, price: { ...PRICE } });
    expect(await askOpenOrders(ctx)).toBe(0);
    expect(await payments(invoiceId)).toEqual([{ kind: 'one_time', status: 'succeeded', provider: TELLS }]);
    await expectWholeBooks(world.system);
  });

  it('is asked for at growing ages only, whatever the provider answers; what it says was paid is booked', async () => {
    const { invoiceId } = await newOrder();
    const chargeId = newCharge();
    await reserve(TELLS, chargeId, invoiceId);
    let times = 0;
    const answers = [
      () => Promise.resolve([]),
      () => Promise.reject(new ProviderError('unavailable', 'NO_ANSWER')),
      () => Promise.reject(new ProviderError('invalid', 'UNMATCHED_PAYMENT')),
      () => Promise.resolve([paid('another-charge', invoiceId)]),
    ];
    const ctx = asking(async (order) => {
      if (order.invoiceId !== invoiceId) return [];
      times += 1;
      return (answers[times - 1] ?? (() => Promise.resolve([])))();
    });
    const changed: number[] = [];
    for (let minute = 0; minute < 61; minute += 1) {
      world.clock.advance(60_000);
      expect(await payments(invoiceId)).toEqual([]);
      changed.push(await askOpenOrders(ctx));
      if (times === 4) break;
    }
    // Two, five, fifteen and sixty minutes after it was made.
    expect([times, changed.length]).toEqual([4, 60]);
    expect(changed.reduce((sum, count) => sum + count, 0)).toBe(1);
    // By another charge than the one that holds the order: the order is paid, the hold runs out as any other.
    expect(await payments(invoiceId)).toEqual([{ kind: 'one_time', status: 'succeeded', provider: TELLS }]);
    expect(said(await lookUp(TELLS, chargeId))).toBe('reserved');
    await expectWholeBooks(world.system);
  });
});

describe('a payment that the provider takes back', () => {
  it('ends the right, reverses the books and repeats its answer', async () => {
    const { buyer, invoiceId } = await newOrder();
    const chargeId = newCharge();
    await reserve(ASKS, chargeId, invoiceId);
    await capture(ASKS, chargeId);
    const back = await release(ASKS, chargeId, 5);
    expect(back).toMatchObject({ ok: true, reservation: { status: 'refunded', code: 5 } });
    world.clock.advance(1_000);
    expect(await Promise.all(Array.from({ length: 20 }, () => release(ASKS, chargeId, 2)))).toEqual(
      Array.from({ length: 20 }, () => back),
    );
    expect(await payments(invoiceId)).toEqual([{ kind: 'one_time', status: 'refunded', provider: ASKS }]);
    expect(
      await world.sql('SELECT revoked_at IS NOT NULL AS revoked FROM entitlement WHERE user_id = $1', [buyer.id]),
    ).toEqual([{ revoked: true }]);
    await expectWholeBooks(world.system);
  });
});

describe('questions', () => {
  it('are answered with what stands: nothing known, receipts kept, a statement by the provider’s own times', async () => {
    expect(said(await lookUp(ASKS, 'unknown'))).toBe('reservation_not_found');
    expect(said(await capture(ASKS, 'unknown'))).toBe('reservation_not_found');
    expect(said(await release(ASKS, 'unknown'))).toBe('reservation_not_found');
    const from = new Date(world.clock.now().getTime() + 60_000);
    const times = [3, 1, 2].map((minutes) => new Date(from.getTime() + minutes * 60_000));
    for (const askedAt of times) await reserve(ASKS, newCharge(), (await newOrder()).invoiceId, { askedAt });
    const to = new Date(from.getTime() + 3 * 60_000);
    const statement = await step(ASKS, { type: 'list', inquiryId: '9', from, to });
    const listed = statement.ok ? statement.reservations.map(({ askedAt }) => askedAt.getTime()) : [];
    expect(listed).toEqual(times.map((at) => at.getTime()).sort());
    const none = await step(ASKS, { type: 'list', inquiryId: '9', from: new Date(0), to: new Date(1) });
    expect(none).toEqual({ ok: true, reservation: null, reservations: [] });

    const [receipt] = statement.ok ? statement.reservations : [];
    const keep = (chargeId: string) =>
      step(ASKS, { type: 'keep_receipt', inquiryId: '8', chargeId, side: 'charge', receipt: '{"receipt_id":7}' });
    expect(said(await keep(world.door.vault.reveal(receipt?.chargeId ?? '')))).toBe('reserved');
    expect(said(await keep('unknown'))).toBe('reservation_not_found');
    expect(await world.sql('SELECT receipts FROM reservation WHERE id = $1', [receipt?.id])).toEqual([
      { receipts: { charge: '{"receipt_id":7}' } },
    ]);
  });
});
