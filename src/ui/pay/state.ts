import type { LinkedOrderView, PaymentStatusView, PendingView } from '#api/views.ts';
import type { Started } from '#ui/pay/started.ts';
import type { Problem } from '#ui/problem.ts';

/** What is known of the order: the last answer, and the problem of the last look when it brought none. */
export type Seen = Readonly<{ order: LinkedOrderView | null; problem: Problem | null }>;

export const NOTHING_SEEN: Seen = { order: null, problem: null };

/** What the page shows. Only the server says how an order ended; this browser only knows what it has begun. */
export type PayState =
  | { kind: 'loading' }
  | { kind: 'trouble'; problem: Problem }
  | { kind: 'unknown' }
  | { kind: 'choosing'; order: LinkedOrderView }
  | { kind: 'blocked'; order: LinkedOrderView; text: string }
  | { kind: 'waiting'; order: LinkedOrderView; started: Started }
  | { kind: 'pending'; order: LinkedOrderView; pending: PendingView }
  | { kind: 'expired'; order: LinkedOrderView; started: Started | null }
  | { kind: 'paid' | 'refunding' | 'refunded' | 'disputed' | 'charged_back' | 'cancelled'; order: LinkedOrderView };

const PAID: Readonly<Record<PaymentStatusView, 'paid' | 'refunding' | 'refunded' | 'disputed' | 'charged_back'>> = {
  succeeded: 'paid',
  refunding: 'refunding',
  refunded: 'refunded',
  disputed: 'disputed',
  charged_back: 'charged_back',
};

/**
 * Chooses what to show. An id that is not even well formed is an unknown order too. `isChoosingAnew`: instead of the transfer
 * that is awaited.
 */
export function stateOf({ order, problem }: Seen, started: Started | null, isChoosingAnew = false): PayState {
  if (order === null) {
    if (problem === null) return { kind: 'loading' };
    return isUnknown(problem) ? { kind: 'unknown' } : { kind: 'trouble', problem };
  }
  if (order.status === 'paid') return { kind: PAID[order.paymentStatus ?? 'succeeded'], order };
  if (order.status === 'cancelled') return { kind: 'cancelled', order };
  if (order.status === 'expired') return { kind: 'expired', order, started };
  const { pending } = order;
  if (pending !== null && !(isChoosingAnew && pending.canBeReplaced)) return { kind: 'pending', order, pending };
  if (order.blocked !== null) return { kind: 'blocked', order, text: order.blocked.text };
  if (started === null || isChoosingAnew || hasFailedSince(order, started)) return { kind: 'choosing', order };
  return { kind: 'waiting', order, started };
}

/** What was begun here has failed, unless the failure is the one that stood there before: a page may be gone back to. */
function hasFailedSince({ failure }: LinkedOrderView, started: Started): boolean {
  return failure !== null && failure.failure !== started.failedBefore;
}

function isUnknown({ kind }: Problem): boolean {
  return kind === 'not_found' || kind === 'invalid';
}

const FAST_MS = 2_000;
const SLOW_MS = 5_000;
const FAST_FOR_MS = 60_000;
const LATE_FOR_MS = 600_000;

/**
 * Milliseconds until the server is asked again, null when the last answer was final. An order that ran out while it was
 * being paid is looked at for ten more minutes, as a payment that the provider took in time still counts, and so is one whose
 * money goes back.
 *
 * @param watchedMs how long the page has been looking without a break.
 */
export function nextLookMs({ order, problem }: Seen, started: Started | null, watchedMs: number): number | null {
  if (problem !== null) return afterProblem(problem);
  if (order?.status === 'open') return watchedMs < FAST_FOR_MS ? FAST_MS : SLOW_MS;
  const mayStillBePaid = order?.status === 'expired' && started !== null;
  const isComing = mayStillBePaid || order?.paymentStatus === 'refunding';
  return isComing && watchedMs < LATE_FOR_MS ? SLOW_MS : null;
}

function afterProblem(problem: Problem): number | null {
  if (isUnknown(problem)) return null;
  return Math.max(SLOW_MS, (problem.retryAfterSeconds ?? 0) * 1_000);
}
