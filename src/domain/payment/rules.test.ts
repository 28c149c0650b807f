import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bookPayment,
  judgePayment,
  nextPaymentStatus,
  PAYMENT_STATUSES,
  type PaymentStatus,
  type PaymentStatusEvent,
  type SettlingCharge,
  type SettlingOrder,
  standingStatus,
  takesRight,
} from './rules.ts';

const DAY_MS = 86_400_000;
const at = (day: number) => new Date(Date.UTC(2026, 10, 20) + day * DAY_MS);

describe('nextPaymentStatus', () => {
  const events = [
    'refund_requested',
    'part_refunded',
    'refund_completed',
    'refund_failed',
    'dispute_opened',
    'dispute_won',
    'dispute_lost',
  ] as const satisfies PaymentStatusEvent[];
  const expected: Record<PaymentStatus, Record<PaymentStatusEvent, PaymentStatus | null>> = {
    succeeded: {
      refund_requested: 'refunding',
      part_refunded: 'succeeded',
      refund_completed: 'refunded',
      refund_failed: 'succeeded',
      dispute_opened: 'disputed',
      dispute_won: null,
      dispute_lost: 'charged_back',
    },
    refunding: {
      refund_requested: null,
      part_refunded: 'succeeded',
      refund_completed: 'refunded',
      refund_failed: 'succeeded',
      dispute_opened: 'disputed',
      dispute_won: null,
      dispute_lost: 'charged_back',
    },
    refunded: {
      refund_requested: null,
      part_refunded: null,
      refund_completed: null,
      refund_failed: 'succeeded',
      dispute_opened: null,
      dispute_won: null,
      dispute_lost: null,
    },
    disputed: {
      refund_requested: null,
      part_refunded: 'disputed',
      refund_completed: 'refunded',
      refund_failed: 'disputed',
      dispute_opened: null,
      dispute_won: 'succeeded',
      dispute_lost: 'charged_back',
    },
    charged_back: {
      refund_requested: null,
      part_refunded: 'charged_back',
      refund_completed: 'charged_back',
      refund_failed: 'charged_back',
      dispute_opened: null,
      dispute_won: null,
      dispute_lost: 'charged_back',
    },
  };
  it.each(PAYMENT_STATUSES.flatMap((status) => events.map((event) => [status, event] as const)))(
    '%s × %s',
    (status, event) => {
      expect(nextPaymentStatus(status, event)).toBe(expected[status][event]);
    },
  );
});

describe('standingStatus', () => {
  it.each([
    ['succeeded', 0, 0, 'succeeded'],
    ['succeeded', 0, 1, 'refunding'],
    ['succeeded', 2, 1, 'disputed'],
    ['refunded', 1, 1, 'refunded'],
    ['charged_back', 1, 0, 'charged_back'],
    ['disputed', 0, 1, 'disputed'],
  ] as const)('%s with %d disputes and %d refunds open is %s', (next, disputes, refunds, status) => {
    expect(standingStatus(next, { disputes, refunds })).toBe(status);
  });
});

it('takesRight: what is refunded, disputed or charged back is not the buyer’s', () => {
  expect(PAYMENT_STATUSES.filter(takesRight)).toEqual(['refunded', 'disputed', 'charged_back']);
});

const order: SettlingOrder = {
  kind: 'one_time',
  interval: 'once',
  status: 'open',
  price: { amount: 100n, currency: 'XTR' },
  buyer: 'seven',
  platformFeeBps: 3_000,
  developerUserId: null,
  subscription: null,
  hasOtherRenewing: false,
  hasLastingRight: false,
  paidTimeEnd: null,
  isForgotten: false,
};
const charge: SettlingCharge = {
  payer: 'seven',
  paid: { amount: 100n, currency: 'XTR' },
  occurredAt: at(0),
  renewal: 'none',
  paidUntil: null,
  renewalDays: null,
};
const surplus = (reason: string) => ({ kind: 'surplus', reason });

describe('judgePayment', () => {
  it.each([
    ['payer_is_not_buyer', order, { ...charge, payer: 'eight' }],
    ['currency_mismatch', order, { ...charge, paid: { amount: 100n, currency: 'USD' } }],
    ['amount_mismatch', order, { ...charge, paid: { amount: 99n, currency: 'XTR' } }],
    ['amount_mismatch', order, { ...charge, paid: { amount: 101n, currency: 'XTR' } }],
    ['invoice_already_paid', { ...order, status: 'paid' }, charge],
    ['invoice_already_paid', { ...order, status: 'paid', isForgotten: true }, charge],
    ['invoice_expired', { ...order, status: 'expired', isForgotten: true }, charge],
    ['already_owned', { ...order, hasLastingRight: true }, charge],
  ] as const)('surplus: %s', (reason, given, paid) => {
    expect(judgePayment(given, paid)).toEqual(surplus(reason));
  });

  it.each(['open', 'cancelled', 'expired'] as const)('honours money for an order that is %s', (status) => {
    expect(judgePayment({ ...order, status }, charge)).toEqual({
      kind: 'one_time',
      period: { start: at(0), end: null },
    });
  });

  it('adds a year to time that is left, and begins now when it has run out', () => {
    const year: SettlingOrder = { ...order, interval: 'year' };
    expect(judgePayment({ ...year, paidTimeEnd: at(10) }, charge)).toEqual({
      kind: 'one_time',
      period: { start: at(10), end: new Date('2027-11-30T00:00:00Z') },
    });
    expect(judgePayment({ ...year, paidTimeEnd: at(-10) }, charge)).toMatchObject({ period: { start: at(0) } });
    expect(judgePayment({ ...year, hasLastingRight: true }, charge).kind).toBe('one_time');
  });
});

describe('judgePayment of a subscription', () => {
  const monthly: SettlingOrder = { ...order, kind: 'subscription', interval: 'month' };
  const running = { id: 'sub_1', status: 'active', currentPeriodEnd: at(30), firstPeriodStart: at(0) } as const;
  const first: SettlingCharge = { ...charge, renewal: 'first', paidUntil: at(30), renewalDays: 30 };
  const renewal: SettlingCharge = {
    ...charge,
    renewal: 'renewal',
    paidUntil: at(60),
    renewalDays: 30,
    occurredAt: at(30),
  };

  it.each([renewal, first])(
    'gives back what came for one that ended so long ago that nobody knows it any more',
    (late) => {
      const ended = {
        ...monthly,
        status: 'paid',
        subscription: { ...running, status: 'expired' },
        isForgotten: true,
      } as const;
      expect(judgePayment(ended, late)).toEqual(surplus('invoice_expired'));
    },
  );

  it('takes the first charge, by the provider’s dates or by its own', () => {
    expect(judgePayment(monthly, first)).toEqual({ kind: 'first', period: { start: at(0), end: at(30) } });
    expect(judgePayment(monthly, { ...first, renewal: 'none', paidUntil: null, renewalDays: null })).toEqual({
      kind: 'first',
      period: { start: at(0), end: at(30) },
    });
  });

  it('takes a first charge that comes after a renewal began the subscription', () => {
    const order = {
      ...monthly,
      status: 'paid',
      subscription: { ...running, currentPeriodEnd: at(60), firstPeriodStart: null },
    } as const;
    expect(judgePayment(order, first)).toEqual({ kind: 'first', period: { start: at(0), end: at(30) } });
  });

  it('gives back a second first charge, and one beside another renewing subscription', () => {
    expect(judgePayment({ ...monthly, status: 'paid', subscription: running }, first)).toEqual(
      surplus('invoice_already_paid'),
    );
    expect(judgePayment({ ...monthly, hasOtherRenewing: true }, first)).toEqual(surplus('already_subscribed'));
  });

  it.each(['active', 'cancelling', 'past_due', 'expired', 'revoked'] as const)(
    'takes a renewal of one that is %s',
    (status) => {
      expect(judgePayment({ ...monthly, subscription: { ...running, status } }, renewal)).toEqual({
        kind: 'renewal',
        period: { start: at(30), end: at(60) },
      });
    },
  );

  it('takes a renewal whose first charge was never heard of', () => {
    expect(judgePayment(monthly, renewal).kind).toBe('renewal');
  });

  it('gives back the renewal of an old subscription beside a new one', () => {
    const old = { ...monthly, hasOtherRenewing: true, subscription: { ...running, status: 'past_due' } } as const;
    expect(judgePayment(old, renewal)).toEqual(surplus('already_subscribed'));
    expect(judgePayment({ ...old, subscription: running }, renewal).kind).toBe('renewal');
    const found = { ...renewal, renewal: 'unknown', paidUntil: null } as const;
    expect(judgePayment(old, found)).toEqual(surplus('already_subscribed'));
  });

  describe('found in the provider’s list, which does not say which charge it is', () => {
    const found = (day: number): SettlingCharge => ({
      ...charge,
      renewal: 'unknown',
      occurredAt: at(day),
      renewalDays: 30,
    });
    it('is the first when none is known', () => {
      expect(judgePayment(monthly, found(0))).toEqual({ kind: 'first', period: { start: at(0), end: at(30) } });
    });
    it.each([29, 30, 31])('is a renewal on day %s', (day) => {
      expect(judgePayment({ ...monthly, subscription: running }, found(day))).toEqual({
        kind: 'renewal',
        period: { start: at(30), end: at(60) },
      });
    });
    it('is a renewal also when a later one is known already', () => {
      const subscription = { ...running, currentPeriodEnd: at(90) };
      expect(judgePayment({ ...monthly, subscription }, found(30))).toEqual({
        kind: 'renewal',
        period: { start: at(30), end: at(60) },
      });
    });
    it.each([30, 60, 120])('is surplus minutes after the first, with %s days paid', (paidDays) => {
      const subscription = { ...running, currentPeriodEnd: at(paidDays) };
      expect(judgePayment({ ...monthly, subscription }, found(0.01))).toEqual(surplus('invoice_already_paid'));
    });
  });
});

describe('bookPayment', () => {
  const processor = { bps: 300, fixed: 1n, network: false, isKept: false };
  const orders = fc.record({
    platformFeeBps: fc.integer({ min: 0, max: 10_000 }),
    developerUserId: fc.option(fc.constant('usr_developer')),
  });

  it('books any charge in balance, and lets nobody earn on surplus', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 12n }), orders, fc.boolean(), (amount, terms, isSurplus) => {
        const verdict = isSurplus
          ? ({ kind: 'surplus', reason: 'amount_mismatch' } as const)
          : ({ kind: 'one_time', period: { start: at(0), end: null } } as const);
        const booked = bookPayment({
          providerId: 'p',
          paid: { amount, currency: 'XTR' },
          verdict,
          order: terms,
          processor,
          keptFee: null,
        });
        expect(booked.entries.reduce((sum, entry) => sum + entry.amount, 0n)).toBe(0n);
        const { developerShare, platformFee, processorFee } = booked.split;
        expect(developerShare + platformFee + processorFee).toBe(amount);
        if (isSurplus) expect(booked).toMatchObject({ developerUserId: null, split: { platformFee: amount } });
        else expect(booked.developerUserId).toBe(terms.developerUserId);
      }),
    );
  });

  it('takes what the provider says it kept before what its table says, also of surplus', () => {
    const book = (kind: 'one_time' | 'surplus', keptFee: bigint | null) =>
      bookPayment({
        providerId: 'p',
        paid: { amount: 1_000n, currency: 'USD' },
        verdict:
          kind === 'surplus' ? { kind, reason: 'amount_mismatch' } : { kind, period: { start: at(0), end: null } },
        order: { platformFeeBps: 3_000, developerUserId: null },
        processor,
        keptFee,
      }).split.processorFee;
    expect([book('one_time', null), book('one_time', 0n), book('one_time', 59n)]).toEqual([31n, 0n, 59n]);
    expect([book('surplus', null), book('surplus', 59n)]).toEqual([0n, 59n]);
  });
});
