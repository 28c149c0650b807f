import { describe, expect, it } from 'vitest';
import type { LinkedOrderView } from '#api/views.ts';
import type { Started } from '#ui/pay/started.ts';
import { NOTHING_SEEN, nextLookMs, type Seen, stateOf } from '#ui/pay/state.ts';
import type { Problem } from '#ui/problem.ts';

const STARTED: Started = { method: 'credit_card', provider: 'payme', url: null };
const money = { amount: '36000000', currency: 'UZS', text: '360,000 so’m', label: '360,000 so’m' } as const;

function order(change: Partial<LinkedOrderView> = {}): LinkedOrderView {
  return {
    id: 'inv_1',
    status: 'open',
    isRefunded: false,
    planName: 'Pro',
    productName: 'Personal log',
    price: { id: 'prc_1', interval: 'year', money, renewsEveryDays: null },
    expiresAt: { iso: '2026-11-20T16:00:00.000Z', text: '20 November 2026' },
    minutesLeft: 30,
    until: null,
    methods: [],
    ...change,
  };
}

function problem(change: Partial<Problem> = {}): Problem {
  return { kind: 'unavailable', reason: null, text: 'In words.', requestId: null, retryAfterSeconds: null, ...change };
}

const seen = (change: Partial<LinkedOrderView> = {}): Seen => ({ order: order(change), problem: null });

describe('what the page shows', () => {
  it('begins with nothing', () => {
    expect(stateOf(NOTHING_SEEN, null)).toEqual({ kind: 'loading' });
  });

  it.each(['not_found', 'invalid'] as const)('takes an answer of %s for an unknown order', (kind) => {
    expect(stateOf({ order: null, problem: problem({ kind }) }, null)).toEqual({ kind: 'unknown' });
  });

  it('says so when nothing could be learned, and keeps what was known when it was', () => {
    const refused = problem({ kind: 'network' });
    expect(stateOf({ order: null, problem: refused }, null)).toEqual({ kind: 'trouble', problem: refused });
    expect(stateOf({ order: order(), problem: refused }, null).kind).toBe('choosing');
  });

  it('lets an open order be paid, and waits once a payment was begun', () => {
    expect(stateOf(seen(), null).kind).toBe('choosing');
    expect(stateOf(seen(), STARTED)).toMatchObject({ kind: 'waiting', started: STARTED });
  });

  it.each([
    [{ status: 'paid' }, 'paid'],
    [{ status: 'paid', isRefunded: true }, 'refunded'],
    [{ status: 'expired' }, 'expired'],
    [{ status: 'cancelled' }, 'cancelled'],
  ] as const)('believes the server about %j, whatever was begun here', (change, kind) => {
    expect(stateOf(seen(change), null).kind).toBe(kind);
    expect(stateOf(seen(change), STARTED).kind).toBe(kind);
  });
});

describe('when the server is asked again', () => {
  it('is every two seconds for a minute, then every five', () => {
    expect(nextLookMs(seen(), null, 0)).toBe(2_000);
    expect(nextLookMs(seen(), STARTED, 59_999)).toBe(2_000);
    expect(nextLookMs(seen(), null, 60_000)).toBe(5_000);
    expect(nextLookMs(seen(), null, 3_600_000)).toBe(5_000);
  });

  it.each(['paid', 'cancelled', 'expired'] as const)('is never once the order is %s', (status) => {
    expect(nextLookMs(seen({ status }), null, 0)).toBeNull();
  });

  it('is for ten more minutes when the order ran out while it was being paid', () => {
    expect(nextLookMs(seen({ status: 'expired' }), STARTED, 0)).toBe(5_000);
    expect(nextLookMs(seen({ status: 'expired' }), STARTED, 600_000)).toBeNull();
    expect(nextLookMs(seen({ status: 'cancelled' }), STARTED, 0)).toBeNull();
  });

  it('waits as long as the server asks after a problem, and gives up only on an unknown order', () => {
    const delayAfter = (change: Partial<Problem>) => nextLookMs({ order: null, problem: problem(change) }, null, 0);
    expect(delayAfter({ kind: 'network' })).toBe(5_000);
    expect(delayAfter({ kind: 'rate_limited', retryAfterSeconds: 42 })).toBe(42_000);
    expect(delayAfter({ kind: 'rate_limited', retryAfterSeconds: 1 })).toBe(5_000);
    expect(delayAfter({ kind: 'not_found' })).toBeNull();
    expect(delayAfter({ kind: 'invalid' })).toBeNull();
  });
});
