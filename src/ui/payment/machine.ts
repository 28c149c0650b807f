import type { FailureView, InvoiceView } from '#api/views.ts';
import type { Problem } from '#ui/problem.ts';
import type { ClosedStatus } from '#ui/telegram.ts';

/**
 * A purchase as the screens see it. The client's word about its payment sheet only chooses how we wait: "paid" and "over"
 * come from the server alone, because clients have reported failed or cancelled for charged payments, and nothing at all
 * (Telegram-Mini-Apps/issues#58, tdesktop#28383).
 */
export type PaymentState =
  | { phase: 'idle' }
  /** The order is being made. */
  | { phase: 'starting'; priceId: string }
  /** The server refused to make it. */
  | { phase: 'refused'; priceId: string; problem: Problem }
  /** Telegram's payment sheet lies over the page, as far as we know. */
  | { phase: 'open'; invoice: InvoiceView }
  /** It is paid outside: on a page of its provider in a browser, or by a stored method that is being charged. */
  | { phase: 'elsewhere'; invoice: InvoiceView; failedBefore: FailureView['failure'] | null }
  /** The sheet closed; we ask the server. */
  | ({ phase: 'confirming' } & Waiting)
  /** The sheet closed without a payment, says the client, and the server has seen none either. We keep asking quietly. */
  | ({ phase: 'not_taken' } & Waiting)
  /** Nothing known after the longest wait. The chat will tell. */
  | { phase: 'unconfirmed'; invoice: InvoiceView }
  | { phase: 'succeeded'; invoice: InvoiceView }
  /** The server closed the order unpaid. */
  | { phase: 'ended'; invoice: InvoiceView };

type Waiting = { invoice: InvoiceView; hint: ClosedStatus | null; polls: number; waitedMs: number };

export type PaymentEvent =
  | { type: 'start'; priceId: string }
  | { type: 'refused'; problem: Problem }
  /** The sheet or page is being opened for this order, the first time or again. */
  | { type: 'opened'; invoice: InvoiceView }
  /** The sheet closed. `hint` is null when the client did not say how. */
  | { type: 'closed'; invoiceId: string; hint: ClosedStatus | null }
  /** The server's answer about the order. */
  | { type: 'seen'; invoice: InvoiceView }
  /** The server could not be asked. */
  | { type: 'missed'; invoiceId: string }
  /** "Check again" after the longest wait. */
  | { type: 'check' }
  | { type: 'reset' };

export const IDLE: PaymentState = { phase: 'idle' };

const FAST_POLLS = 4;
const MEDIUM_POLLS = 10;
const LONGEST_WAIT_MS = 180_000;
const OPEN_POLL_MS = 3_000;

/** Milliseconds until the server is asked again, or null when there is nothing to ask. 0.7 s ×4, 1.5 s ×10, then 4 s. */
export function pollDelayMs(state: PaymentState): number | null {
  if (state.phase === 'open' || state.phase === 'elsewhere') return OPEN_POLL_MS;
  if (state.phase !== 'confirming' && state.phase !== 'not_taken') return null;
  return state.waitedMs >= LONGEST_WAIT_MS ? null : waitBefore(state.polls);
}

function waitBefore(polls: number): number {
  if (polls < FAST_POLLS) return 700;
  return polls < FAST_POLLS + MEDIUM_POLLS ? 1_500 : 4_000;
}

/** While true, no second payment may begin and closing the app asks first. */
export function isLocked({ phase }: PaymentState): boolean {
  return phase === 'starting' || phase === 'open' || phase === 'confirming';
}

/** The next state. Events that do not belong to the current order or phase change nothing. */
export function reducePayment(state: PaymentState, event: PaymentEvent): PaymentState {
  switch (event.type) {
    case 'start':
      return isLocked(state) ? state : { phase: 'starting', priceId: event.priceId };
    case 'refused':
      return state.phase === 'starting' ? { phase: 'refused', priceId: state.priceId, problem: event.problem } : state;
    case 'opened':
      if (event.invoice.status === 'paid') return { phase: 'succeeded', invoice: event.invoice };
      if (isPaidElsewhere(event.invoice)) return elsewhere(event.invoice);
      return state.phase === 'open' || state.phase === 'confirming' ? state : { phase: 'open', invoice: event.invoice };
    case 'closed':
      if (state.phase !== 'open' || state.invoice.id !== event.invoiceId) return state;
      return { phase: 'confirming', invoice: state.invoice, hint: event.hint, polls: 0, waitedMs: 0 };
    case 'seen':
      return afterSeen(state, event.invoice);
    case 'missed':
      return invoiceOf(state)?.id === event.invoiceId ? waitOn(state) : state;
    case 'check':
      if (state.phase !== 'unconfirmed') return state;
      return { phase: 'confirming', invoice: state.invoice, hint: 'pending', polls: 0, waitedMs: 0 };
    case 'reset':
      return isLocked(state) ? state : IDLE;
  }
}

/** Neither Telegram's sheet nor the chat takes it. */
export function isPaidElsewhere({ pending, way, failure }: InvoiceView): boolean {
  if (way !== null) return way.method !== 'telegram_stars';
  return pending !== null || failure !== null;
}

/** A failure that stood there when the page was opened is not about what happens on it now. */
function elsewhere(invoice: InvoiceView): PaymentState {
  const failedBefore = invoice.url === null ? null : (invoice.failure?.failure ?? null);
  return { phase: 'elsewhere', invoice, failedBefore };
}

/** The order a state is about, or null before there is one. */
export function invoiceOf(state: PaymentState): InvoiceView | null {
  return 'invoice' in state ? state.invoice : null;
}

function afterSeen(state: PaymentState, invoice: InvoiceView): PaymentState {
  if (invoiceOf(state)?.id !== invoice.id) return state;
  if (invoice.status === 'paid') return state.phase === 'succeeded' ? state : { phase: 'succeeded', invoice };
  if (state.phase === 'succeeded') return state;
  if (state.phase === 'elsewhere')
    return invoice.status === 'open' ? { ...state, invoice } : { phase: 'ended', invoice };
  if (invoice.status === 'open') return waitOn(state);
  // A client that says "paid" or "pending" outweighs an order that ran out meanwhile: the charge may still be reported.
  const mayBeCharged = 'hint' in state && (state.hint === 'paid' || state.hint === 'pending');
  return mayBeCharged ? waitOn(state) : { phase: 'ended', invoice };
}

/** One more look that brought nothing new. */
function waitOn(state: PaymentState): PaymentState {
  if (state.phase !== 'confirming' && state.phase !== 'not_taken') return state;
  const waited = { ...state, polls: state.polls + 1, waitedMs: state.waitedMs + waitBefore(state.polls) };
  if (waited.waitedMs >= LONGEST_WAIT_MS) {
    return state.phase === 'confirming' ? { phase: 'unconfirmed', invoice: state.invoice } : waited;
  }
  return state.phase === 'confirming' && waited.polls >= looksBeforeDoubt(state.hint)
    ? { ...waited, phase: 'not_taken' }
    : waited;
}

/** How often an order must be seen open before we say that no payment came, by what the client said. */
function looksBeforeDoubt(hint: ClosedStatus | null): number {
  if (hint === 'cancelled' || hint === 'failed') return FAST_POLLS;
  return hint === null ? FAST_POLLS + MEDIUM_POLLS : Number.POSITIVE_INFINITY;
}
