import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  graceEnd,
  isTimely,
  nextSubscriptionStatus,
  renewalPeriod,
  SUBSCRIPTION_EVENTS,
  SUBSCRIPTION_STATUSES,
  type SubscriptionEvent,
  type SubscriptionStatus,
} from './rules.ts';

const DAY_MS = 86_400_000;
const at = (day: number) => new Date(Date.UTC(2026, 10, 20) + day * DAY_MS);

describe('nextSubscriptionStatus', () => {
  // Written out whole on purpose: the table in the code holds only what applies, this one also all that must not.
  const expected: Record<SubscriptionStatus, Record<SubscriptionEvent, SubscriptionStatus | null>> = {
    active: {
      renewed: 'active',
      cancelled: 'cancelling',
      restored: null,
      renewal_failed: 'past_due',
      period_ended: 'past_due',
      grace_ended: null,
      refunded: 'revoked',
    },
    cancelling: {
      renewed: 'cancelling',
      cancelled: null,
      restored: 'active',
      renewal_failed: null,
      period_ended: 'expired',
      grace_ended: null,
      refunded: 'revoked',
    },
    past_due: {
      renewed: 'active',
      cancelled: 'cancelling',
      restored: 'active',
      renewal_failed: null,
      period_ended: null,
      grace_ended: 'expired',
      refunded: 'revoked',
    },
    expired: {
      renewed: 'active',
      cancelled: null,
      restored: null,
      renewal_failed: null,
      period_ended: null,
      grace_ended: null,
      refunded: null,
    },
    revoked: {
      renewed: null,
      cancelled: null,
      restored: null,
      renewal_failed: null,
      period_ended: null,
      grace_ended: null,
      refunded: null,
    },
  };

  it.each(SUBSCRIPTION_STATUSES.flatMap((status) => SUBSCRIPTION_EVENTS.map((event) => [status, event] as const)))(
    '%s × %s',
    (status, event) => {
      expect(nextSubscriptionStatus(status, event)).toBe(expected[status][event]);
    },
  );
});

describe('isTimely', () => {
  it.each([
    ['period_ended', 0, true],
    ['period_ended', 0.001, false],
    ['period_ended', -5, true],
    ['grace_ended', -2.999, false],
    ['grace_ended', -3, true],
    ['renewal_failed', 1, true],
    ['renewal_failed', 14.9, true],
    ['renewal_failed', 15, false],
    ['renewal_failed', 29, false],
    ['cancelled', 29, true],
    ['restored', -1, true],
  ] as const)('%s with %s days left: %s', (event, daysLeft, verdict) => {
    expect(isTimely(event, at(daysLeft), at(0))).toBe(verdict);
  });
});

describe('renewalPeriod', () => {
  const days = 30;

  it('is what the provider says, when it says', () => {
    expect(renewalPeriod({ paidUntil: at(60), occurredAt: at(31), days }, at(45))).toEqual({
      start: at(30),
      end: at(60),
    });
  });

  it.each([
    ['at the end of the current one', 30, 30, 60],
    ['a little early', 29, 30, 60],
    ['a day late', 31, 30, 60],
    ['of the one after the next, whose predecessor is not known yet', 60, 60, 90],
    ['of an earlier one, told late', 0, 0, 30],
  ])('%s', (_name, occurred, start, end) => {
    expect(renewalPeriod({ paidUntil: null, occurredAt: at(occurred), days }, at(30))).toEqual({
      start: at(start),
      end: at(end),
    });
  });

  it('begins with a charge that comes long after the last end', () => {
    expect(renewalPeriod({ paidUntil: null, occurredAt: at(47), days }, at(30))).toEqual({
      start: at(47),
      end: at(77),
    });
  });

  it('begins with the charge when nothing was there before', () => {
    expect(renewalPeriod({ paidUntil: null, occurredAt: at(3), days }, null)).toEqual({ start: at(3), end: at(33) });
  });

  it('always has its length and lies on the rhythm of the current one', () => {
    fc.assert(
      fc.property(fc.integer({ min: -400, max: 44 }), (occurred) => {
        const { end, start } = renewalPeriod({ paidUntil: null, occurredAt: at(occurred), days }, at(30));
        expect(end.getTime() - start.getTime()).toBe(days * DAY_MS);
        expect(Math.abs((start.getTime() - at(30).getTime()) % (days * DAY_MS))).toBe(0);
        expect(Math.abs(start.getTime() - at(occurred).getTime())).toBeLessThanOrEqual((days * DAY_MS) / 2);
      }),
    );
  });
});

describe('graceEnd', () => {
  it('is three days after the period', () => {
    expect(graceEnd(at(30))).toEqual(at(33));
  });
});
