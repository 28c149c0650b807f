import { afterEach, describe, expect, it } from 'vitest';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import type { PaymentFailure, ProviderEvent } from '#domain/provider/event.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { makeRail, outcomeOf, type Placed, RAIL } from '../../testing/rail.ts';
import { DAY_MS, openWorld } from '../../testing/world.ts';
import { lapseReservations } from './end.ts';

const world = openWorld();
const rail = makeRail(world);
const MINUTE_MS = 60_000;

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

type Pending = Extract<ProviderEvent, { type: 'payment_pending' }>;
type Failed = Extract<ProviderEvent, { type: 'payment_failed' }>;
const pending = (placed: Placed, chargeId: string, rest: Partial<Pending> = {}): Pending => ({
  type: 'payment_pending',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  invoiceId: placed.invoiceId,
  chargeId,
  price: { amount: 101n, currency: 'XTR' },
  progress: 'awaiting_transfer',
  missing: null,
  instructionsUrl: 'https://pay.example/how',
  ...rest,
});
const failed = ({ invoiceId }: Placed, rest: Partial<Failed> = {}): Failed => ({
  type: 'payment_failed',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  invoiceId,
  chargeId: null,
  attemptId: null,
  failure: 'card_declined',
  isFinal: true,
  ...rest,
});
const holdsOf = ({ invoiceId }: Placed) =>
  world.sql<{ charge_id: string; status: string }>(
    'SELECT charge_id, status::text, progress, missing, instructions_url FROM reservation WHERE invoice_id = $1 ORDER BY number',
    [invoiceId],
  );
const statesOf = async (placed: Placed) => (await holdsOf(placed)).map(({ status }) => status);
const orderOf = async ({ invoiceId }: Placed) =>
  (await world.sql<{ status: string }>('SELECT status::text FROM invoice WHERE id = $1', [invoiceId]))[0]?.status;
const attemptsOf = ({ invoiceId }: Placed) =>
  world.sql<{ id: string; status: string; failure: PaymentFailure | null }>(
    'SELECT id, status::text, failure FROM payment_attempt WHERE invoice_id = $1 ORDER BY created_at, id',
    [invoiceId],
  );
const resultOf = async ({ eventId }: ProviderEvent) =>
  (await world.sql<{ result: string }>('SELECT result FROM webhook_event WHERE event_id = $1', [eventId]))[0]?.result;
const tell = async (event: ProviderEvent) => {
  await rail.tell(event);
  return resultOf(event);
};

describe('money that is on its way', () => {
  it('holds its order: it does not expire, and cannot be paid another way', async () => {
    const placed = await rail.place();
    const short = { progress: 'underpaid', missing: 30n } as const;
    expect(await tell(pending(placed, rail.name('ch'), short))).toBe('applied');
    world.clock.advance(40 * MINUTE_MS);
    await expireInvoices(world.system);
    expect(await orderOf(placed)).toBe('open');
    await expect(rail.order(placed.buyer, placed.priceId)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    await expect(world.order(placed.buyer, CATALOG.pluginOnce)).rejects.toMatchObject({ reason: 'invoice_reserved' });
    expect(await noticesOf(world, placed.buyer.id)).toEqual({ payment_waiting: 1 });
  });

  it('told again brings the hold up to date, once for each news', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    await rail.tell(pending(placed, chargeId));
    const short = { progress: 'underpaid', missing: 30n } as const;
    expect(await tell(pending(placed, chargeId, short))).toBe('applied');
    expect(await tell(pending(placed, chargeId, short))).toBe('duplicate');
    expect(await holdsOf(placed)).toEqual([
      { charge_id: chargeId, status: 'reserved', ...short, instructions_url: 'https://pay.example/how' },
    ]);
    expect(await tell(pending(placed, chargeId, { progress: 'confirming', instructionsUrl: null }))).toBe('applied');
    expect(await holdsOf(placed)).toMatchObject([{ progress: 'confirming', missing: null, instructions_url: null }]);
  });

  it('pays its order when it comes, also after the hold ran out', async () => {
    const [quick, slow] = [await rail.place(), await rail.place()];
    const [first, second] = [rail.name('ch'), rail.name('ch')];
    await rail.tell(pending(quick, first));
    await rail.tell(rail.paid(quick, first));
    expect([await orderOf(quick), await statesOf(quick)]).toEqual(['paid', ['paid']]);
    await rail.tell(pending(slow, second));
    world.clock.advance(31 * DAY_MS);
    await lapseReservations(rail.in(world.system));
    await expireInvoices(world.system);
    expect([await orderOf(slow), await statesOf(slow)]).toEqual(['expired', ['cancelled']]);
    await rail.tell(rail.paid(slow, second));
    expect([await orderOf(slow), await statesOf(slow)]).toEqual(['paid', ['paid']]);
    expect(await outcomeOf(world, second)).toMatchObject({ status: 'succeeded', hasRight: true });
  });

  it('is honoured for an order that was cancelled meanwhile', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    await rail.tell(pending(placed, chargeId));
    await cancelInvoice(placed.buyer.ctx, placed.invoiceId);
    await rail.tell(rail.paid(placed, chargeId));
    expect([await orderOf(placed), await statesOf(placed)]).toEqual(['paid', ['paid']]);
  });

  it('holds nothing where the order is closed or held by another charge', async () => {
    const [closed, held] = [await rail.place(), await rail.place()];
    await cancelInvoice(closed.buyer.ctx, closed.invoiceId);
    expect(await tell(pending(closed, rail.name('ch')))).toBe('ignored');
    expect(await holdsOf(closed)).toEqual([]);
    const [first, second] = [rail.name('ch'), rail.name('ch')];
    await rail.tell(pending(held, first));
    expect(await tell(pending(held, second))).toBe('ignored');
    expect(await holdsOf(held)).toMatchObject([{ charge_id: first }]);
    // What comes all the same is booked: the first that comes pays, the other goes back.
    await rail.tell(rail.paid(held, second));
    await rail.tell(rail.paid(held, first));
    expect(await outcomeOf(world, second)).toMatchObject({ status: 'succeeded', hasRight: true });
    expect(await outcomeOf(world, first)).toMatchObject({ status: 'refunding', hasRight: false });
  });

  it('told after it came changes nothing, with a hold or without', async () => {
    for (const isAnnounced of [true, false]) {
      const placed = await rail.place();
      const chargeId = rail.name('ch');
      if (isAnnounced) await rail.tell(pending(placed, chargeId));
      await rail.tell(rail.paid(placed, chargeId));
      const before = await holdsOf(placed);
      expect(await tell(pending(placed, chargeId, { progress: 'confirming' }))).toBe('duplicate');
      expect(await holdsOf(placed)).toEqual(before);
    }
  });

  it('told after it came and was not enough does not hold the order that is still open', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    await rail.tell({ ...rail.paid(placed, chargeId), paid: { amount: 50n, currency: 'XTR' } } as ProviderEvent);
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'refunding' });
    expect(await tell(pending(placed, chargeId))).toBe('duplicate');
    expect([await orderOf(placed), await holdsOf(placed)]).toEqual(['open', []]);
  });

  it('is held once, told twenty times at the same instant or by as many charges', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const same = Array.from({ length: 20 }, () => pending(placed, chargeId));
    const results = await Promise.all(same.map(tell));
    expect(results.toSorted()).toEqual(['applied', ...Array.from({ length: 19 }, () => 'duplicate')]);
    expect(await statesOf(placed)).toEqual(['reserved']);
    expect(await noticesOf(world, placed.buyer.id)).toEqual({ payment_waiting: 1 });

    const rivals = await rail.place();
    const charges = Array.from({ length: 20 }, () => rail.name('ch'));
    await Promise.all(charges.map((id) => rail.tell(pending(rivals, id))));
    expect(await statesOf(rivals)).toEqual(['reserved']);
    await Promise.all(charges.map((id) => rail.tell(rail.paid(rivals, id))));
    const kept = await world.sql("SELECT 1 FROM payment WHERE invoice_id = $1 AND kind <> 'surplus'", [
      rivals.invoiceId,
    ]);
    expect(kept).toHaveLength(1);
  });
});

describe('money that was announced and does not come', () => {
  it('frees its order, ends its checkout and says why; the order can be paid another way', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const [attempt] = await attemptsOf(placed);
    await rail.tell(pending(placed, chargeId));
    const end = failed(placed, { chargeId, attemptId: attempt?.id ?? '', failure: 'transfer_failed' });
    expect(await tell(end)).toBe('applied');
    expect(await holdsOf(placed)).toMatchObject([{ status: 'cancelled', missing: null, instructions_url: null }]);
    expect(await attemptsOf(placed)).toMatchObject([{ status: 'closed', failure: 'transfer_failed' }]);
    expect(await noticesOf(world, placed.buyer.id)).toEqual({ payment_waiting: 1, payment_failed: 1 });
    expect(await tell({ ...end, eventId: rail.name('evt') })).toBe('duplicate');
    expect((await rail.order(placed.buyer, placed.priceId)).invoiceId).toBe(placed.invoiceId);
  });

  it('is written down once, told twenty times at the same instant', async () => {
    const placed = await rail.place();
    const tellings = Array.from({ length: 20 }, () => failed(placed, { isFinal: false }));
    const results = await Promise.all(tellings.map(tell));
    expect(results.toSorted()).toEqual(['applied', ...Array.from({ length: 19 }, () => 'duplicate')]);
    const written = await world.sql("SELECT 1 FROM audit_event WHERE object_id = $1 AND action = 'checkout.declined'", [
      placed.invoiceId,
    ]);
    expect(written).toHaveLength(1);
  });

  it('frees an order whose time is over, which then ends', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    await rail.tell(pending(placed, chargeId));
    world.clock.advance(2 * DAY_MS);
    await rail.tell(failed(placed, { chargeId }));
    await expireInvoices(world.system);
    expect([await orderOf(placed), await statesOf(placed)]).toEqual(['expired', ['cancelled']]);
  });

  it('dropped and sent again is the same charge: the order is held anew, and paid by it', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    await rail.tell(pending(placed, chargeId));
    await rail.tell(failed(placed, { chargeId, failure: 'payment_dropped' }));
    world.clock.advance(MINUTE_MS);
    expect(await tell(pending(placed, chargeId, { progress: 'confirming' }))).toBe('applied');
    expect(await holdsOf(placed)).toMatchObject([{ status: 'reserved', progress: 'confirming' }]);
    await rail.tell(failed(placed, { chargeId, failure: 'payment_dropped' }));
    await rail.tell(rail.paid(placed, chargeId));
    expect([await orderOf(placed), await statesOf(placed)]).toEqual(['paid', ['paid']]);
  });

  it('is not held anew where another charge holds the order, or it is closed', async () => {
    const placed = await rail.place();
    const [dropped, other] = [rail.name('ch'), rail.name('ch')];
    await rail.tell(pending(placed, dropped));
    await rail.tell(failed(placed, { chargeId: dropped }));
    await rail.tell(pending(placed, other));
    expect(await tell(pending(placed, dropped))).toBe('ignored');
    await rail.tell(failed(placed, { chargeId: other }));
    await cancelInvoice(placed.buyer.ctx, placed.invoiceId);
    expect(await tell(pending(placed, dropped))).toBe('ignored');
    expect(await statesOf(placed)).toEqual(['cancelled', 'cancelled']);
  });

  it('told as failed before it was announced, or after it came, changes nothing', async () => {
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    expect(await tell(failed(placed, { chargeId }))).toBe('duplicate');
    await rail.tell(rail.paid(placed, chargeId));
    expect(await tell(failed(placed, { chargeId }))).toBe('duplicate');
    expect([await orderOf(placed), await statesOf(placed)]).toEqual(['paid', []]);
  });
});

describe('a try that was refused', () => {
  it('is shown with the checkout, which stays open until it is over', async () => {
    const placed = await rail.place();
    expect(await tell(failed(placed, { isFinal: false }))).toBe('applied');
    expect(await attemptsOf(placed)).toMatchObject([{ status: 'live', failure: 'card_declined' }]);
    expect(await tell(failed(placed, { isFinal: false }))).toBe('duplicate');
    // An end that names neither checkout nor charge ends none.
    expect(await tell(failed(placed))).toBe('duplicate');
    expect(await attemptsOf(placed)).toMatchObject([{ status: 'live' }]);
    expect(await noticesOf(world, placed.buyer.id)).toEqual({});
  });

  it('of an older checkout closes neither the newer one nor what it holds', async () => {
    const placed = await rail.place();
    const [older] = await attemptsOf(placed);
    world.clock.advance(MINUTE_MS);
    await world.sql("UPDATE payment_attempt SET status = 'closed' WHERE id = $1", [older?.id]);
    await rail.order(placed.buyer, placed.priceId);
    const chargeId = rail.name('ch');
    await rail.tell(pending(placed, chargeId));
    await rail.tell(failed(placed, { attemptId: older?.id ?? '', failure: 'checkout_expired' }));
    expect(await attemptsOf(placed)).toMatchObject([
      { id: older?.id, status: 'closed', failure: 'checkout_expired' },
      { status: 'live', failure: null },
    ]);
    expect(await statesOf(placed)).toEqual(['reserved']);
    // The newest's own end frees the order, also where the provider does not name the charge.
    const [, newest] = await attemptsOf(placed);
    await rail.tell(failed(placed, { attemptId: newest?.id ?? '', failure: 'checkout_expired' }));
    expect(await statesOf(placed)).toEqual(['cancelled']);
  });

  it('of somebody else’s order or provider is nobody’s', async () => {
    const [placed, other] = [await rail.place(), await rail.place()];
    const [attempt] = await attemptsOf(other);
    expect(await tell(failed(placed, { attemptId: attempt?.id ?? '' }))).toBe('duplicate');
    expect(await attemptsOf(other)).toMatchObject([{ status: 'live', failure: null }]);
    expect(
      await world.sql('SELECT DISTINCT provider FROM payment_attempt WHERE invoice_id = $1', [other.invoiceId]),
    ).toEqual([{ provider: RAIL }]);
  });
});
