import { describe, expect, it } from 'vitest';
import type { InvoiceView } from '#api/views.ts';
import {
  IDLE,
  isLocked,
  type PaymentEvent,
  type PaymentState,
  pollDelayMs,
  reducePayment,
} from '#ui/payment/machine.ts';
import type { ClosedStatus } from '#ui/telegram.ts';

const at = { iso: '2026-11-20T00:00:00Z', text: '20 November 2026' };

function invoice(status: InvoiceView['status'], id = 'inv_1', change: Partial<InvoiceView> = {}): InvoiceView {
  const money = { amount: '150', currency: 'XTR', text: '150 ★', label: '150 Telegram Stars' } as const;
  return {
    id,
    status,
    price: { interval: 'month', money, renewsEveryDays: 30 },
    planId: 'pln_1',
    priceId: 'prc_1',
    planName: 'Pro',
    productCode: 'log',
    productName: 'Log',
    surface: 'mini_app',
    createdAt: at,
    expiresAt: at,
    minutesLeft: 30,
    url: 'https://t.me/$slug',
    way: { method: 'telegram_stars', provider: 'telegram-stars' },
    pending: null,
    failure: null,
    payment: null,
    entitlement: null,
    ...change,
  };
}

const problem = {
  kind: 'rate_limited',
  reason: 'too_many_attempts',
  text: 'x',
  requestId: 'req_1',
  retryAfterSeconds: 9,
} as const;
const run = (events: readonly PaymentEvent[], from: PaymentState = IDLE) => events.reduce(reducePayment, from);
const START: PaymentEvent = { type: 'start', priceId: 'prc_1' };
const OPENED: PaymentEvent = { type: 'opened', invoice: invoice('open') };
const closed = (hint: ClosedStatus | null): PaymentEvent => ({ type: 'closed', invoiceId: 'inv_1', hint });
const seen = (status: InvoiceView['status']): PaymentEvent => ({ type: 'seen', invoice: invoice(status) });
const times = (count: number, event: PaymentEvent) => Array.from({ length: count }, () => event);

const HINTS = ['paid', 'cancelled', 'failed', 'pending', null] as const;

describe('a purchase', () => {
  it.each(HINTS)('is paid when the server says so, though the client said %s', (hint) => {
    expect(run([START, OPENED, closed(hint), seen('paid')]).phase).toBe('succeeded');
  });

  it.each(HINTS)('is neither paid nor over by the client’s word %s alone', (hint) => {
    expect(run([START, OPENED, closed(hint)]).phase).toBe('confirming');
    expect(run([START, OPENED, closed(hint), seen('open')]).phase).toBe('confirming');
  });

  it('is paid also when the client never says that its sheet closed', () => {
    expect(run([START, OPENED, seen('open'), seen('paid')]).phase).toBe('succeeded');
  });

  it('stays paid whatever comes later', () => {
    const paid = run([START, OPENED, closed('paid'), seen('paid')]);
    expect(run([closed('cancelled'), seen('open'), seen('expired')], paid)).toBe(paid);
  });

  it.each(['cancelled', 'failed'] as const)('was not taken after four looks when the client said %s', (hint) => {
    expect(run([START, OPENED, closed(hint), ...times(3, seen('open'))]).phase).toBe('confirming');
    expect(run([START, OPENED, closed(hint), ...times(4, seen('open'))])).toMatchObject({ phase: 'not_taken', hint });
  });

  it('is found paid also after it seemed not taken', () => {
    expect(run([START, OPENED, closed('failed'), ...times(9, seen('open')), seen('paid')]).phase).toBe('succeeded');
  });

  it.each(['paid', 'pending'] as const)('is never called untaken when the client said %s, only unconfirmed', (hint) => {
    const state = run([START, OPENED, closed(hint), ...times(200, seen('open'))]);
    expect(state.phase).toBe('unconfirmed');
    expect(run([{ type: 'check' }, seen('paid')], state).phase).toBe('succeeded');
  });

  it('is not over while the client says paid, though the order ran out', () => {
    expect(run([START, OPENED, closed('paid'), seen('expired')]).phase).toBe('confirming');
    expect(run([START, OPENED, closed('cancelled'), seen('expired')]).phase).toBe('ended');
    expect(run([START, OPENED, seen('cancelled')]).phase).toBe('ended');
  });

  it('asks on 0.7 s ×4, 1.5 s ×10, then every 4 s for three minutes', () => {
    let state = run([START, OPENED, closed('pending')]);
    const delays: number[] = [];
    for (let delay = pollDelayMs(state); delay !== null; delay = pollDelayMs(state)) {
      delays.push(delay);
      state = reducePayment(state, { type: 'missed', invoiceId: 'inv_1' });
    }
    expect(delays.slice(0, 15)).toEqual([...Array(4).fill(700), ...Array(10).fill(1_500), 4_000]);
    const total = delays.reduce((sum, delay) => sum + delay, 0);
    expect(total).toBeGreaterThanOrEqual(180_000);
    expect(total).toBeLessThan(185_000);
    expect(state.phase).toBe('unconfirmed');
  });

  it('stops asking in the background after three minutes too', () => {
    const state = run([START, OPENED, closed('failed'), ...times(200, seen('open'))]);
    expect(state.phase).toBe('not_taken');
    expect(pollDelayMs(state)).toBeNull();
  });

  it('does not begin twice', () => {
    const once = run([START]);
    expect(reducePayment(once, START)).toBe(once);
    for (const events of [[START], [START, OPENED], [START, OPENED, closed('paid')]]) {
      const state = run(events);
      expect(isLocked(state)).toBe(true);
      expect(reducePayment(state, START)).toBe(state);
      expect(reducePayment(state, { type: 'reset' })).toBe(state);
    }
  });

  it('ignores a second word of the client and news of other orders', () => {
    const state = run([START, OPENED, closed('paid')]);
    expect(reducePayment(state, closed('cancelled'))).toBe(state);
    expect(reducePayment(state, { type: 'seen', invoice: invoice('paid', 'inv_other') })).toBe(state);
    expect(reducePayment(state, { type: 'missed', invoiceId: 'inv_other' })).toBe(state);
  });

  it('can be tried again after a refusal and after it was not taken', () => {
    const refused = run([START, { type: 'refused', problem }]);
    expect(refused).toMatchObject({ phase: 'refused', priceId: 'prc_1' });
    expect(reducePayment(refused, START).phase).toBe('starting');
    const notTaken = run([START, OPENED, closed('failed'), ...times(4, seen('open'))]);
    expect(isLocked(notTaken)).toBe(false);
    expect(reducePayment(notTaken, OPENED).phase).toBe('open');
  });

  it('is at its end at once when the order turns out to be paid', () => {
    expect(run([START, { type: 'opened', invoice: invoice('paid') }]).phase).toBe('succeeded');
  });
});

describe('a purchase on a page of its provider', () => {
  const CARD = { way: { method: 'credit_card', provider: 'stripe' }, url: 'https://checkout.example/1' } as const;
  const DECLINED = { failure: 'card_declined', text: 'In words.' } as const;
  const PENDING = {
    provider: 'stripe',
    progress: 'processing',
    missing: null,
    instructionsUrl: null,
    canBeReplaced: false,
  } as const;
  const order = (change: Partial<InvoiceView> = {}, status: InvoiceView['status'] = 'open') =>
    invoice(status, 'inv_1', { ...CARD, ...change });
  const opened = (change: Partial<InvoiceView> = {}): PaymentEvent => ({ type: 'opened', invoice: order(change) });
  const told = (...args: Parameters<typeof order>): PaymentEvent => ({ type: 'seen', invoice: order(...args) });

  it('is watched, and locks nothing: another way may be chosen, and the app closed', () => {
    const state = run([START, opened()]);
    expect(state).toMatchObject({ phase: 'elsewhere', failedBefore: null });
    expect(pollDelayMs(state)).toBe(3_000);
    expect(isLocked(state)).toBe(false);
    expect(reducePayment(state, START).phase).toBe('starting');
    expect(reducePayment(state, { type: 'reset' })).toBe(IDLE);
  });

  it('ends as the server says', () => {
    expect(run([START, opened(), told({}, 'paid')]).phase).toBe('succeeded');
    expect(run([START, opened(), told({}, 'expired')]).phase).toBe('ended');
    expect(run([START, opened(), told({}, 'cancelled')]).phase).toBe('ended');
  });

  it('shows what the server learns of it meanwhile', () => {
    const state = run([START, opened(), told({ pending: PENDING })]);
    expect(state).toMatchObject({ phase: 'elsewhere', invoice: { pending: PENDING } });
    expect(run([told({ failure: DECLINED })], state)).toMatchObject({ invoice: { failure: DECLINED, pending: null } });
  });

  it('knows an old failure from one of this try', () => {
    expect(run([START, opened({ failure: DECLINED })])).toMatchObject({ failedBefore: 'card_declined' });
    // A stored method that was refused leaves no page to go to: that is this try's end.
    const refused = { failure: DECLINED, url: null, way: null };
    expect(run([START, opened(refused)])).toMatchObject({ phase: 'elsewhere', failedBefore: null });
  });

  it('is watched as well while a stored method is being charged', () => {
    expect(run([START, opened({ pending: PENDING, url: null, way: null })]).phase).toBe('elsewhere');
  });
});
