import { describe, expect, it } from 'vitest';
import type { LinkedOrderView } from '#api/views.ts';
import type { Started } from '#ui/pay/started.ts';
import { NOTHING_SEEN, nextLookMs, type Seen, stateOf } from '#ui/pay/state.ts';
import type { Problem } from '#ui/problem.ts';

const STARTED: Started = { method: 'credit_card', provider: 'payme', url: null, failedBefore: null };
const money = { amount: '36000000', currency: 'UZS', text: '360,000 so’m', label: '360,000 so’m' } as const;

function order(change: Partial<LinkedOrderView> = {}): LinkedOrderView {
  return {
    id: 'inv_1',
    status: 'open',
    paymentStatus: null,
    pending: null,
    failure: null,
    blocked: null,
    planName: 'Pro',
    productName: 'Personal log',
    price: { interval: 'year', money, renewsEveryDays: null },
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

  it('keeps to a transfer that is awaited, unless another way is being chosen and may be', () => {
    const awaited = {
      provider: 'stripe',
      progress: 'awaiting_transfer',
      missing: money,
      instructionsUrl: null,
    } as const;
    const pending = { ...awaited, canBeReplaced: true };
    expect(stateOf(seen({ pending }), STARTED)).toMatchObject({ kind: 'pending', pending });
    expect(stateOf(seen({ pending }), STARTED, true).kind).toBe('choosing');
    expect(stateOf(seen({ pending: { ...pending, canBeReplaced: false } }), null, true).kind).toBe('pending');
    expect(stateOf(seen({ status: 'paid', pending }), null, true).kind).toBe('paid');
  });

  it('lets an open order be paid, and waits once a payment was begun', () => {
    expect(stateOf(seen(), null).kind).toBe('choosing');
    expect(stateOf(seen(), STARTED)).toMatchObject({ kind: 'waiting', started: STARTED });
  });

  it.each([
    [{ status: 'paid' }, 'paid'],
    [{ status: 'paid', paymentStatus: 'succeeded' }, 'paid'],
    [{ status: 'paid', paymentStatus: 'refunding' }, 'refunding'],
    [{ status: 'paid', paymentStatus: 'refunded' }, 'refunded'],
    [{ status: 'paid', paymentStatus: 'disputed' }, 'disputed'],
    [{ status: 'paid', paymentStatus: 'charged_back' }, 'charged_back'],
    [{ status: 'expired' }, 'expired'],
    [{ status: 'cancelled' }, 'cancelled'],
  ] as const)('believes the server about %j, whatever was begun here', (change, kind) => {
    expect(stateOf(seen(change), null).kind).toBe(kind);
    expect(stateOf(seen(change), STARTED).kind).toBe(kind);
  });
});

describe('money that is on its way', () => {
  const pending = {
    provider: 'stripe',
    progress: 'awaiting_transfer',
    missing: null,
    instructionsUrl: null,
    canBeReplaced: false,
  } as const;

  it('is shown before anything that could be chosen, whatever was begun here', () => {
    const failure = { failure: 'card_declined', text: 'In words.' } as const;
    const blocked = { reason: 'already_owned', text: 'In words.' } as const;
    for (const started of [null, STARTED])
      expect(stateOf(seen({ pending, failure, blocked }), started)).toMatchObject({ kind: 'pending', pending });
  });

  it('is over with the order', () => {
    expect(stateOf(seen({ pending, status: 'paid' }), null).kind).toBe('paid');
    expect(stateOf(seen({ pending, status: 'expired' }), null).kind).toBe('expired');
  });

  it('is looked at like an open order', () => expect(nextLookMs(seen({ pending }), null, 0)).toBe(2_000));
});

describe('an order that its buyer cannot buy now', () => {
  const blocked = { reason: 'already_owned', text: 'You already own this.' } as const;

  it('says so before anything is pressed', () => {
    expect(stateOf(seen({ blocked }), null)).toMatchObject({ kind: 'blocked', text: blocked.text });
    expect(stateOf(seen({ blocked }), STARTED).kind).toBe('blocked');
  });
});

describe('a try that failed', () => {
  const declined = { failure: 'card_declined', text: 'In words.' } as const;

  it('brings the choice back', () => {
    expect(stateOf(seen({ failure: declined }), STARTED).kind).toBe('choosing');
  });

  it('is not taken for the end of the next one', () => {
    const again = { ...STARTED, failedBefore: 'card_declined' } as const;
    expect(stateOf(seen({ failure: declined }), again).kind).toBe('waiting');
    const other = { failure: 'insufficient_funds', text: 'In words.' } as const;
    expect(stateOf(seen({ failure: other }), again).kind).toBe('choosing');
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

  it('is for ten minutes while its money goes back', () => {
    const refunding = seen({ status: 'paid', paymentStatus: 'refunding' });
    expect(nextLookMs(refunding, null, 0)).toBe(5_000);
    expect(nextLookMs(refunding, null, 600_000)).toBeNull();
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
