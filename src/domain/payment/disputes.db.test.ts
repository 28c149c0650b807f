import { afterEach, describe, expect, it } from 'vitest';
import { checkEntitlement } from '#domain/entitlement/check.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import { getRevenueStats } from '#domain/revenue/stats.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG, DEVELOPER } from '../../testing/catalog.ts';
import { type Charge, makeRail, outcomeOf } from '../../testing/rail.ts';
import { openWorld } from '../../testing/world.ts';
import { executeRefund } from './execute-refund.ts';
import { requestRefund } from './request-refund.ts';

const world = openWorld();
const rail = makeRail(world);
/** What the developer gets of the 101 Stars of the plugin. */
const SHARE = 66n;
const FEE = 15n;

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

type Disputed = Extract<ProviderEvent, { type: 'payment_disputed' }>;
const disputed = (charge: Charge, status: Disputed['status'], rest: Partial<Disputed> = {}): Disputed => ({
  type: 'payment_disputed',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  chargeId: charge.chargeId,
  reference: `dp_${charge.chargeId}`,
  status,
  amount: { amount: charge.amount, currency: charge.currency },
  fee: FEE,
  ...rest,
});
const refunded = (charge: Charge, amount: bigint, reference = rail.name('re')): ProviderEvent => ({
  type: 'payment_refunded',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  invoiceId: charge.invoiceId,
  chargeId: charge.chargeId,
  payerId: null,
  paid: { amount, currency: charge.currency },
  reference,
  refundId: null,
});
const refundFailed = (charge: Charge, reference: string): ProviderEvent => ({
  type: 'refund_failed',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  chargeId: charge.chargeId,
  reference,
  refundId: null,
  code: 'charge_disputed',
  undoesDone: true,
});
const ask = async ({ chargeId }: Charge, amount: bigint) => {
  const [row] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [chargeId]);
  return requestRefund(rail.in(world.asServer()), { paymentId: row?.id ?? '', amount });
};
const outcome = ({ chargeId }: Charge) => outcomeOf(world, chargeId);
/** What the provider holds for us of a charge and what fees it has cost. */
const heldAtProvider = async ({ chargeId }: Charge) =>
  (
    await world.sql<{ receivable: number; fees: number }>(
      `SELECT sum(l.amount) FILTER (WHERE l.account = 'provider_receivable')::int AS receivable,
         sum(l.amount) FILTER (WHERE l.account = 'processor_fees')::int AS fees
       FROM payment p JOIN ledger_entry l ON split_part(l.transaction_id, '/', 1) IN (
         SELECT p.id UNION ALL SELECT id FROM dispute WHERE payment_id = p.id UNION ALL SELECT id FROM refund WHERE payment_id = p.id)
       WHERE p.charge_id = $1`,
      [chargeId],
    )
  )[0];
const operatorsHeard = async (charge: Charge) =>
  (
    await world.sql<{ what: string }>(
      `SELECT j.payload->>'what' AS what FROM job j JOIN dispute d ON d.id = j.payload->>'objectId' JOIN payment p ON p.id = d.payment_id
       WHERE j.name = 'tell_operators' AND p.charge_id = $1 ORDER BY j.id`,
      [charge.chargeId],
    )
  ).map(({ what }) => what);

/** Who is told what of a charge's disputes, in the order it was queued. */
const told = async ({ chargeId }: Charge) =>
  (
    await world.sql<{ kind: string; whose: string }>(
      `SELECT j.payload->>'kind' AS kind, CASE j.payload->>'userId' WHEN p.user_id THEN 'buyer' WHEN p.developer_user_id THEN 'developer' END AS whose
       FROM job j JOIN dispute d ON d.id = j.payload->>'objectId' JOIN payment p ON p.id = d.payment_id
       WHERE j.name = 'send_notice' AND p.charge_id = $1 ORDER BY j.id`,
      [chargeId],
    )
  ).map(({ kind, whose }) => `${whose}: ${kind}`);
const TOLD = {
  open: ['buyer: dispute_opened', 'developer: share_held'],
  won: ['buyer: dispute_won', 'developer: share_released'],
  lost: ['buyer: dispute_lost', 'developer: share_lost'],
} as const;

const OPEN = { status: 'disputed', returned: 0n, owed: SHARE, held: SHARE, hasRight: false };
const WON = { status: 'succeeded', returned: 0n, owed: SHARE, held: 0n, hasRight: true };
const LOST = { status: 'charged_back', returned: 101n, owed: 0n, held: 0n, hasRight: false };

describe('a dispute', () => {
  it('that is opened lets right and share rest; won, both come back and the fee is booked', async () => {
    const charge = await rail.buy();
    await rail.tell(disputed(charge, 'open'));
    expect(await outcome(charge)).toMatchObject({ ...OPEN, disputes: [['open', 0]] });
    const entitled = () => checkEntitlement(charge.buyer.ctx, { userId: charge.buyer.id, productCode: 'plugin' });
    expect((await entitled()).isEntitled).toBe(false);
    expect(await heldAtProvider(charge)).toEqual({ receivable: 95, fees: 6 });
    await rail.tell(disputed(charge, 'won'));
    expect(await outcome(charge)).toMatchObject({ ...WON, disputes: [['won', 0]] });
    expect((await entitled()).isEntitled).toBe(true);
    expect(await heldAtProvider(charge)).toEqual({ receivable: 80, fees: 21 });
    expect(await operatorsHeard(charge)).toEqual(['open', 'won']);
    expect(await told(charge)).toEqual([...TOLD.open, ...TOLD.won]);
  });

  it('that is lost takes the money, every share and the right; both fees stay', async () => {
    const charge = await rail.buy();
    await rail.tell(disputed(charge, 'open'));
    await rail.tell(disputed(charge, 'lost'));
    expect(await outcome(charge)).toMatchObject({ ...LOST, disputes: [['lost', 101]] });
    expect(await heldAtProvider(charge)).toEqual({ receivable: -21, fees: 21 });
    expect(await operatorsHeard(charge)).toEqual(['open', 'lost']);
    expect(await told(charge)).toEqual([...TOLD.open, ...TOLD.lost]);
  });

  it.each([
    ['won', WON],
    ['lost', LOST],
  ] as const)('that is told as %s before it is told as open ends the same', async (status, expected) => {
    const charge = await rail.buy();
    const end = disputed(charge, status);
    for (const event of [end, disputed(charge, 'open'), end, disputed(charge, status)]) {
      await rail.tell(event);
      expect(await outcome(charge)).toMatchObject({ ...expected, disputes: [[status, expected === LOST ? 101 : 0]] });
    }
    // What was decided first stays: providers do not decide twice.
    await rail.tell(disputed(charge, status === 'won' ? 'lost' : 'won'));
    expect(await outcome(charge)).toMatchObject(expected);
    expect(await operatorsHeard(charge)).toEqual(['open', status]);
    expect(await told(charge)).toEqual([...TOLD.open, ...TOLD[status]]);
  });

  it.each([
    ['won', WON],
    ['lost', LOST],
  ] as const)('is one however it is told: open and %s, twenty at the same second', async (status, expected) => {
    const charge = await rail.buy();
    await Promise.all(Array.from({ length: 20 }, (_, n) => rail.tell(disputed(charge, n % 2 ? 'open' : status))));
    expect(await outcome(charge)).toMatchObject(expected);
    expect((await outcome(charge)).disputes).toHaveLength(1);
    expect(await operatorsHeard(charge)).toEqual(['open', status]);
    expect(await told(charge)).toEqual([...TOLD.open, ...TOLD[status]]);
  });

  it('of a charge without a developer holds nothing and is booked all the same', async () => {
    const lost = await rail.buy(CATALOG.proYearUsd);
    await rail.tell(disputed(lost, 'open'));
    expect(await outcome(lost)).toMatchObject({ status: 'disputed', owed: 0n, held: 0n, hasRight: false });
    await rail.tell(disputed(lost, 'lost'));
    expect(await outcome(lost)).toMatchObject({ status: 'charged_back', returned: 2_999n, hasRight: false });
    const won = await rail.buy(CATALOG.proYearUsd);
    await rail.tell(disputed(won, 'won', { fee: 0n }));
    expect(await outcome(won)).toMatchObject({ status: 'succeeded', returned: 0n, hasRight: true });
    expect(await told(lost)).toEqual(['buyer: dispute_opened', 'buyer: dispute_lost']);
    expect(
      await world.sql(
        `SELECT 1 FROM ledger_entry l JOIN dispute d ON d.id = split_part(l.transaction_id, '/', 1) JOIN payment p ON p.id = d.payment_id WHERE p.charge_id = $1`,
        [won.chargeId],
      ),
    ).toEqual([]);
  });

  it('of another currency or of a charge that is not known yet waits in the inbox', async () => {
    const charge = await rail.buy();
    const other = disputed(charge, 'open', { amount: { amount: 5n, currency: 'USD' } });
    const early = disputed({ ...charge, chargeId: 'ch_unknown' }, 'open');
    await rail.tell(other);
    await rail.tell(early);
    expect(
      await world.sql('SELECT error FROM webhook_event WHERE event_id = ANY($1) ORDER BY received_at, error', [
        [other.eventId, early.eventId],
      ]),
    ).toEqual([{ error: 'currency_mismatch' }, { error: 'payment_not_found' }]);
    expect(await outcome(charge)).toMatchObject({ status: 'succeeded', disputes: [] });
  });
});

describe('a dispute over a part', () => {
  it('holds its part of the share; lost, only that part has gone back, and the rest still may', async () => {
    const charge = await rail.buy();
    const part = { amount: { amount: 50n, currency: 'XTR' } } as const;
    await rail.tell(disputed(charge, 'open', part));
    expect(await outcome(charge)).toMatchObject({ status: 'disputed', owed: SHARE, held: 32n });
    await rail.tell(disputed(charge, 'lost', part));
    expect(await outcome(charge)).toMatchObject({ status: 'charged_back', returned: 50n, owed: 34n, held: 0n });
    await rail.tell(refunded(charge, 51n));
    expect(await outcome(charge)).toMatchObject({ ...LOST, disputes: [['lost', 50]], refunds: [['succeeded', 51]] });
  });

  it('beside another: the right rests until the last is decided, and each takes what is left', async () => {
    const charge = await rail.buy();
    const over = (n: number) =>
      ({ reference: `dp_${n}_${charge.chargeId}`, amount: { amount: 60n, currency: 'XTR' } }) as const;
    await rail.tell(disputed(charge, 'open', over(1)));
    await rail.tell(disputed(charge, 'open', over(2)));
    await rail.tell(disputed(charge, 'open', over(3)));
    await rail.tell(disputed(charge, 'won', over(1)));
    expect(await outcome(charge)).toMatchObject({ status: 'disputed', hasRight: false, owed: SHARE });
    await rail.tell(disputed(charge, 'lost', over(2)));
    expect(await outcome(charge)).toMatchObject({ status: 'charged_back', returned: 60n, owed: 27n });
    await rail.tell(disputed(charge, 'lost', over(3)));
    expect(await outcome(charge)).toMatchObject({
      ...LOST,
      disputes: [
        ['lost', 41],
        ['lost', 60],
        ['won', 0],
      ],
    });
  });
});

describe('a dispute beside refunds', () => {
  it('after a part went back takes no more than the rest', async () => {
    const charge = await rail.buy();
    await rail.tell(refunded(charge, 40n));
    await rail.tell(disputed(charge, 'open'));
    expect(await outcome(charge)).toMatchObject({ status: 'disputed', returned: 40n, owed: 40n, held: 40n });
    await rail.tell(disputed(charge, 'lost'));
    expect(await outcome(charge)).toMatchObject({ ...LOST, disputes: [['lost', 61]], refunds: [['succeeded', 40]] });
  });

  it.each([
    ['won', { status: 'refunded', returned: 101n, owed: 0n, held: 0n, hasRight: false }],
    ['lost', { status: 'refunded', returned: 101n, owed: 0n, held: 0n, hasRight: false }],
  ] as const)('over all of which the money went back meanwhile changes nothing: %s', async (status, expected) => {
    const charge = await rail.buy();
    await rail.tell(disputed(charge, 'open'));
    await rail.tell(refunded(charge, 101n));
    expect(await outcome(charge)).toMatchObject({ status: 'refunded', owed: 0n, held: SHARE, hasRight: false });
    await rail.tell(disputed(charge, status));
    expect(await outcome(charge)).toMatchObject({ ...expected, disputes: [[status, 0]] });
  });

  it('while a part goes back: lost takes the rest, won leaves the right', async () => {
    for (const [status, expected] of [
      ['won', { ...WON, returned: 40n, owed: 40n }],
      ['lost', LOST],
    ] as const) {
      const charge = await rail.buy();
      await rail.tell(disputed(charge, 'open'));
      await rail.tell(refunded(charge, 40n));
      expect(await outcome(charge)).toMatchObject({ status: 'disputed', returned: 40n, owed: 40n, hasRight: false });
      await rail.tell(disputed(charge, status));
      expect(await outcome(charge)).toMatchObject(expected);
    }
  });

  it('finds a refund of ours running: it goes on when the dispute was won, and ends when nothing is left', async () => {
    const won = await rail.buy();
    const running = await ask(won, 40n);
    await rail.tell(disputed(won, 'open'));
    expect(await outcome(won)).toMatchObject({ status: 'disputed', refunds: [['requested', 40]] });
    await rail.tell(disputed(won, 'won'));
    expect(await outcome(won)).toMatchObject({ status: 'refunding', hasRight: true });
    expect(await executeRefund(rail.in(world.system), running.id)).toBe('done');
    expect(await outcome(won)).toMatchObject({ status: 'succeeded', returned: 40n });

    const lost = await rail.buy();
    const needless = await ask(lost, 40n);
    await rail.tell(disputed(lost, 'lost'));
    expect(await outcome(lost)).toMatchObject({ ...LOST, refunds: [['failed', 40]] });
    expect(await executeRefund(rail.in(world.system), needless.id)).toBe('nothing_to_do');

    const part = await rail.buy();
    const { id } = await ask(part, 40n);
    await rail.tell(disputed(part, 'lost', { amount: { amount: 50n, currency: 'XTR' } }));
    expect(await outcome(part)).toMatchObject({ status: 'charged_back', refunds: [['requested', 40]] });
    await rail.tell(refundFailed(part, `re_${id}`));
    rail.change({ refund: async () => ({ status: 'done', reference: null, claimUrl: null }) });
    expect(await executeRefund(rail.in(world.system), id)).toBe('done');
    expect(await outcome(part)).toMatchObject({ status: 'charged_back', returned: 90n, refunds: [['succeeded', 40]] });
  });

  it('keeps the right from coming back when a refund is undone', async () => {
    const charge = await rail.buy();
    const whole = rail.name('re');
    await rail.tell(disputed(charge, 'open'));
    await rail.tell(refunded(charge, 101n, whole));
    await rail.tell(refundFailed(charge, whole));
    expect(await outcome(charge)).toMatchObject(OPEN);
    await rail.tell(disputed(charge, 'won'));
    expect(await outcome(charge)).toMatchObject(WON);
  });

  it('cannot be answered by a refund of ours', async () => {
    const charge = await rail.buy();
    await rail.tell(disputed(charge, 'open'));
    await expect(ask(charge, 40n)).rejects.toMatchObject({ reason: 'refund_not_possible' });
  });
});

describe('what was bought beside a disputed charge', () => {
  it('for good stays the only one of its kind when the dispute is won', async () => {
    const charge = await rail.buy();
    await rail.tell(disputed(charge, 'open'));
    const { invoiceId } = await rail.order(charge.buyer, CATALOG.pluginOnce);
    const again = rail.name('ch');
    await rail.tell(rail.paid({ ...charge, invoiceId }, again));
    await rail.tell(disputed(charge, 'won'));
    expect(await outcome(charge)).toMatchObject({ status: 'succeeded', hasRight: false });
    expect(await outcomeOf(world, again)).toMatchObject({ status: 'succeeded', hasRight: true });
  });

  it('to follow it moves up when the dispute is lost, and not before', async () => {
    const charge = await rail.buy(CATALOG.proYearUsd);
    const { invoiceId } = await rail.order(charge.buyer, CATALOG.proYearUsd);
    await rail.tell(rail.paid({ ...charge, invoiceId }, rail.name('ch')));
    const startsOf = async () =>
      (
        await world.sql<{ starts_at: Date }>(
          'SELECT starts_at FROM entitlement WHERE user_id = $1 AND revoked_at IS NULL ORDER BY starts_at',
          [charge.buyer.id],
        )
      ).map(({ starts_at }) => starts_at.getTime());
    const [begun, following] = await startsOf();
    await rail.tell(disputed(charge, 'open'));
    expect(await startsOf()).toEqual([following]);
    await rail.tell(disputed(charge, 'lost'));
    expect(await startsOf()).toEqual([begun]);
  });
});

describe('what developers are shown', () => {
  it('is what the books hold for them, after all that went back in part, in whole and by disputes', async () => {
    const span = { from: new Date(0), to: new Date(world.clock.now().getTime() + 1_000) };
    const stats = await getRevenueStats(world.system, { userId: DEVELOPER.id, ...span });
    const booked = await world.sql<{ currency: string; share: string }>(
      `SELECT currency, (-sum(amount))::text AS share FROM ledger_entry
        WHERE account IN ('developer_payable', 'dispute_hold') AND owner = $1 GROUP BY currency`,
      [DEVELOPER.id],
    );
    expect(stats.map(({ currency, developerShare }) => ({ currency, share: String(developerShare) }))).toEqual(booked);
    for (const { developerShare, gross, platformFee, processorFee } of stats)
      expect(platformFee + processorFee + developerShare).toBe(gross);
    // The tests above have given back in whole, in part, and lost disputes.
    const [stars] = stats;
    expect(stars?.refunded).toBeGreaterThan(0n);
    expect(stars?.gross).toBeGreaterThan(0n);
  });
});
