import { describe, expect, it } from 'vitest';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import {
  attentionsOf,
  BTCPAY,
  btcpayHand,
  type Placed,
  passTime,
  paymentsOf,
  placeCoins,
  type Standing,
  standingOf,
  workOutside,
} from '../../testing/coins.ts';
import { openWorld } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
const btcpay = btcpayHand(world);

const MINUTE_MS = 60_000;
/** Half an hour to pay, a day on watch, and a little more. */
const EXPIRED_MS = 31 * MINUTE_MS;
const UNWATCHED_MS = 1_441 * MINUTE_MS;

const place = () => placeCoins(world, BTCPAY);
const standing = (order: Placed) => standingOf(world, order);

async function expire(): Promise<void> {
  await passTime(world, EXPIRED_MS);
  await expireInvoices(world.system);
}

type State = Readonly<{
  name: string;
  act: (order: Placed) => Promise<unknown>;
  /** As BTCPay has it then. */
  as: readonly [status: string, additional: string];
  standing: Partial<Standing>;
  told?: Record<string, number>;
  operators?: string[];
}>;

const LIVE: Standing['attempts'] = [['btcpay', 'live', null]];
const CLOSED: Standing['attempts'] = [['btcpay', 'closed', null]];
const ended = (failure: string): Standing['attempts'] => [['btcpay', 'closed', failure]];
const NOTHING = { payments: [], rights: 0, refunds: [] } as const;
const BOUGHT = { order: 'paid', rights: 1, attempts: CLOSED } as const;
const TAKEN_BACK = { order: 'paid', rights: 0, attempts: CLOSED, refunds: [] } as const;

const STATES: ReadonlyArray<State> = [
  {
    name: 'nobody has paid',
    act: async () => undefined,
    as: ['New', 'None'],
    standing: { ...NOTHING, order: 'open', holds: [], attempts: LIVE },
    told: {},
  },
  {
    name: 'a part is seen',
    act: (order) => btcpay.pay(order, { outcome: 'under', confirmations: 0 }),
    as: ['New', 'PaidPartial'],
    standing: { ...NOTHING, order: 'open', holds: [['btcpay', 'reserved', 'underpaid']], attempts: LIVE },
    told: { payment_waiting: 1 },
  },
  {
    name: 'a part is confirmed',
    act: (order) => btcpay.pay(order, { outcome: 'under' }),
    as: ['New', 'PaidPartial'],
    standing: { ...NOTHING, order: 'open', holds: [['btcpay', 'reserved', 'underpaid']], attempts: LIVE },
    told: { payment_waiting: 1 },
  },
  {
    name: 'all of it is seen',
    act: (order) => btcpay.pay(order, { confirmations: 0 }),
    as: ['Processing', 'None'],
    standing: { ...NOTHING, order: 'open', holds: [['btcpay', 'reserved', 'confirming']], attempts: LIVE },
    told: {},
  },
  {
    name: 'more than asked is seen',
    act: (order) => btcpay.pay(order, { outcome: 'over', confirmations: 0 }),
    as: ['Processing', 'PaidOver'],
    standing: { ...NOTHING, order: 'open', holds: [['btcpay', 'reserved', 'confirming']], attempts: LIVE },
    told: {},
  },
  {
    name: 'all of it is confirmed',
    act: (order) => btcpay.pay(order, { confirmations: 1 }),
    as: ['Settled', 'None'],
    standing: { ...BOUGHT, payments: [['', 'one_time', 'succeeded', null]], refunds: [] },
    told: { paid: 1 },
  },
  {
    name: 'it came over Lightning',
    act: (order) => btcpay.pay(order, { method: 'BTC-LN', confirmations: 0 }),
    as: ['Settled', 'None'],
    standing: { ...BOUGHT, payments: [['', 'one_time', 'succeeded', null]], refunds: [] },
    told: { paid: 1 },
  },
  {
    name: 'more than asked is confirmed',
    act: (order) => btcpay.pay(order, { outcome: 'over' }),
    as: ['Settled', 'PaidOver'],
    standing: {
      ...BOUGHT,
      payments: [
        ['', 'one_time', 'succeeded', 'excess'],
        ['excess', 'surplus', 'refunding', null],
      ],
      refunds: [['requested', 100, null]],
    },
    told: { paid: 1, refund_to_claim: 1 },
    operators: ['odd', 'odd'],
  },
  {
    name: 'the operator settles by hand what nobody paid',
    act: (order) => btcpay.mark(order, 'Settled'),
    as: ['Settled', 'Marked'],
    standing: { ...BOUGHT, holds: [], payments: [['', 'one_time', 'succeeded', 'underpaid']], refunds: [] },
    told: { paid: 1 },
    operators: ['odd'],
  },
  {
    name: 'the operator settles by hand what was paid in part',
    act: async (order) => {
      await btcpay.pay(order, { outcome: 'under' });
      await btcpay.mark(order, 'Settled');
    },
    as: ['Settled', 'Marked'],
    standing: {
      ...BOUGHT,
      holds: [['btcpay', 'paid', 'underpaid']],
      payments: [['', 'one_time', 'succeeded', 'underpaid']],
      refunds: [],
    },
    told: { payment_waiting: 1, paid: 1 },
    operators: ['odd'],
  },
  {
    name: 'its time is over',
    act: expire,
    as: ['Expired', 'None'],
    standing: { ...NOTHING, order: 'expired', holds: [], attempts: ended('checkout_expired') },
    told: {},
  },
  {
    name: 'its time is over and a part is seen',
    act: async (order) => {
      await btcpay.pay(order, { outcome: 'under', confirmations: 0 });
      await expire();
    },
    as: ['Expired', 'PaidPartial'],
    standing: {
      ...NOTHING,
      order: 'expired',
      holds: [['btcpay', 'cancelled', 'underpaid']],
      attempts: ended('underpaid'),
    },
    told: { payment_waiting: 1, payment_failed: 1 },
  },
  {
    name: 'its time is over and a part is confirmed',
    act: async (order) => {
      await btcpay.pay(order, { outcome: 'under', confirmations: 0 });
      await expire();
      await btcpay.confirm(order);
    },
    as: ['Expired', 'PaidPartial'],
    standing: {
      order: 'expired',
      payments: [['partial', 'surplus', 'refunding', null]],
      rights: 0,
      attempts: ended('underpaid'),
      refunds: [['requested', 499, null]],
    },
    told: { payment_waiting: 1, payment_failed: 1, refund_to_claim: 1 },
    operators: ['odd'],
  },
  {
    name: 'it was paid late and is not confirmed',
    act: async (order) => {
      await expire();
      await btcpay.pay(order, { confirmations: 0 });
    },
    as: ['Expired', 'PaidLate'],
    standing: { ...NOTHING, order: 'expired', holds: [], attempts: ended('checkout_expired') },
    told: {},
  },
  {
    name: 'it was paid late',
    act: async (order) => {
      await expire();
      await btcpay.pay(order);
    },
    as: ['Expired', 'PaidLate'],
    standing: {
      order: 'paid',
      rights: 1,
      payments: [['', 'one_time', 'succeeded', 'late']],
      refunds: [],
      attempts: ended('checkout_expired'),
    },
    told: { paid: 1 },
    operators: ['odd'],
  },
  {
    name: 'too much was paid late',
    act: async (order) => {
      await expire();
      await btcpay.pay(order, { outcome: 'over' });
    },
    as: ['Expired', 'PaidLate'],
    standing: {
      order: 'paid',
      rights: 1,
      payments: [
        ['', 'one_time', 'succeeded', 'late'],
        ['excess', 'surplus', 'refunding', null],
      ],
      refunds: [['requested', 100, null]],
    },
    told: { paid: 1, refund_to_claim: 1 },
    operators: ['odd', 'odd'],
  },
  {
    name: 'the operator settles by hand what was paid late and is not confirmed',
    act: async (order) => {
      await expire();
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.mark(order, 'Settled');
    },
    as: ['Settled', 'Marked'],
    standing: { order: 'paid', rights: 1, payments: [['', 'one_time', 'succeeded', null]], refunds: [] },
    told: { paid: 1 },
  },
  {
    name: 'it was never confirmed',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      await passTime(world, EXPIRED_MS + UNWATCHED_MS);
    },
    as: ['Invalid', 'None'],
    standing: {
      ...NOTHING,
      holds: [['btcpay', 'cancelled', 'confirming']],
      attempts: ended('payment_dropped'),
    },
    told: { payment_failed: 1 },
  },
  {
    name: 'the operator gives up what nobody paid',
    act: (order) => btcpay.mark(order, 'Invalid'),
    as: ['Invalid', 'Marked'],
    standing: { ...NOTHING, order: 'open', holds: [], attempts: ended('cancelled_by_payer') },
    told: {},
  },
  {
    name: 'the operator gives up what is seen',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.mark(order, 'Invalid');
    },
    as: ['Invalid', 'Marked'],
    standing: {
      ...NOTHING,
      order: 'open',
      holds: [['btcpay', 'cancelled', 'confirming']],
      attempts: ended('payment_dropped'),
    },
    told: { payment_failed: 1 },
  },
  {
    name: 'the operator gives up what is seen, and it is confirmed all the same',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.mark(order, 'Invalid');
      await btcpay.confirm(order);
    },
    as: ['Invalid', 'Marked'],
    standing: {
      order: 'paid',
      rights: 1,
      payments: [['', 'one_time', 'succeeded', 'late']],
      refunds: [],
    },
    told: { payment_failed: 1, paid: 1 },
    operators: ['odd'],
  },
  {
    name: 'the operator settles by hand what nobody paid, and takes it back',
    act: async (order) => {
      await btcpay.mark(order, 'Settled');
      await btcpay.mark(order, 'Invalid');
    },
    as: ['Invalid', 'Marked'],
    standing: { ...TAKEN_BACK, payments: [['', 'one_time', 'charged_back', 'underpaid']] },
    told: { paid: 1, dispute_opened: 1, dispute_lost: 1 },
    operators: ['odd', 'open', 'lost'],
  },
  {
    name: 'the operator settles by hand what was paid in part, and takes it back',
    act: async (order) => {
      await btcpay.pay(order, { outcome: 'under' });
      await btcpay.mark(order, 'Settled');
      await btcpay.mark(order, 'Invalid');
    },
    as: ['Invalid', 'Marked'],
    standing: { ...TAKEN_BACK, payments: [['', 'one_time', 'charged_back', 'underpaid']] },
    told: { payment_waiting: 1, paid: 1, dispute_opened: 1, dispute_lost: 1 },
    operators: ['odd', 'open', 'lost'],
  },
  {
    name: 'the operator settles by hand what is seen, and takes it back when it was replaced',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0, rbf: true });
      await btcpay.mark(order, 'Settled');
      await btcpay.drop(order);
      await btcpay.mark(order, 'Invalid');
    },
    as: ['Invalid', 'Marked'],
    standing: { ...TAKEN_BACK, payments: [['', 'one_time', 'charged_back', null]] },
    told: { paid: 1, dispute_opened: 1, dispute_lost: 1 },
    operators: ['open', 'lost'],
  },
  {
    name: 'the operator settles by hand what is seen, and takes it back before it is confirmed',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.mark(order, 'Settled');
      await btcpay.mark(order, 'Invalid');
    },
    as: ['Invalid', 'Marked'],
    standing: { ...TAKEN_BACK, payments: [['', 'one_time', 'disputed', null]] },
    told: { paid: 1, dispute_opened: 1 },
    operators: ['open'],
  },
  {
    name: 'the operator settles by hand what is seen, takes it back, and it is confirmed all the same',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.mark(order, 'Settled');
      await btcpay.mark(order, 'Invalid');
      await btcpay.confirm(order);
    },
    as: ['Invalid', 'Marked'],
    standing: { ...BOUGHT, payments: [['', 'one_time', 'succeeded', null]], refunds: [] },
    told: { paid: 1, dispute_opened: 1, dispute_won: 1 },
    operators: ['open', 'won'],
  },
  {
    name: 'the operator settles by hand what is seen, and marks it as invalid when all of it is confirmed',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.mark(order, 'Settled');
      await btcpay.confirm(order);
      await btcpay.mark(order, 'Invalid');
    },
    as: ['Invalid', 'Marked'],
    standing: { ...BOUGHT, payments: [['', 'one_time', 'succeeded', null]], refunds: [] },
    told: { paid: 1 },
  },
  {
    name: 'the operator takes back what is seen, and settles it again',
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      for (const status of ['Settled', 'Invalid', 'Settled'] as const) await btcpay.mark(order, status);
    },
    as: ['Settled', 'Marked'],
    standing: { ...BOUGHT, payments: [['', 'one_time', 'succeeded', null]], refunds: [] },
    told: { paid: 1, dispute_opened: 1, dispute_won: 1 },
    operators: ['open', 'won'],
  },
  {
    name: 'the operator takes back what nobody paid, and settles it again: what was lost stays lost',
    act: async (order) => {
      for (const status of ['Settled', 'Invalid', 'Settled'] as const) await btcpay.mark(order, status);
    },
    as: ['Settled', 'Marked'],
    standing: { ...TAKEN_BACK, payments: [['', 'one_time', 'charged_back', 'underpaid']] },
    told: { paid: 1, dispute_opened: 1, dispute_lost: 1 },
    operators: ['odd', 'open', 'lost'],
  },
  {
    name: 'a part of it went back, and the operator settles it by hand and takes it back',
    act: async (order) => {
      await btcpay.pay(order, { outcome: 'under' });
      await expire();
      await btcpay.mark(order, 'Settled');
      await btcpay.mark(order, 'Invalid');
    },
    as: ['Invalid', 'Marked'],
    standing: {
      order: 'paid',
      rights: 0,
      payments: [
        ['', 'one_time', 'charged_back', 'underpaid'],
        ['partial', 'surplus', 'refunding', null],
      ],
      refunds: [['requested', 499, null]],
    },
    operators: ['odd', 'odd', 'open', 'lost'],
    told: { payment_waiting: 1, payment_failed: 1, paid: 1, refund_to_claim: 1, dispute_opened: 1, dispute_lost: 1 },
  },
];

describe('an order, when', () => {
  it.each(STATES)('$name ($as)', async ({ act, as, operators = [], standing: expected, told = {} }) => {
    const order = await place();
    await act(order);
    expect(await workOutside(world)).toEqual([]);
    const { additional_status: additional, status } = await btcpay.look(order);
    expect([status, additional]).toEqual(as);
    expect(await standing(order)).toMatchObject(expected);
    expect(await noticesOf(world, order.buyer.id)).toEqual(told);
    expect(await attentionsOf(world, order)).toEqual(operators);
    await expectWholeBooks(world.system);
  });
});

describe('a price', () => {
  it.each([
    ['USD', CATALOG.pluginUsd, { USD: '97531.13' }],
    ['EUR', CATALOG.pluginEur, { EUR: '88123.57' }],
    ['JPY', CATALOG.pluginJpy, { JPY: '15123456.79' }],
    ['BTC', CATALOG.pluginBtc, {}],
  ] as const)('in %s is booked to its last unit, whatever the rate', async (currency, priceId, rates) => {
    await world.sandbox.ask('PUT', '/btcpay/settings', { rates });
    const order = await placeCoins(world, BTCPAY, { priceId });
    await btcpay.pay(order);
    expect(await paymentsOf(world, order)).toMatchObject([
      { kind: 'one_time', amount: BigInt(AMOUNTS[priceId]), currency },
    ]);
    await expectWholeBooks(world.system);
  });
});
