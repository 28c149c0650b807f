import { GRACE_DAYS } from '#domain/entitlement/rules.ts';

/** States of a subscription. `expired` and `revoked` are over; `revoked` ended at once, by a refund. */
export const SUBSCRIPTION_STATUSES = ['active', 'cancelling', 'past_due', 'expired', 'revoked'] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

export const SUBSCRIPTION_EVENTS = [
  'renewed',
  'cancelled',
  'restored',
  'renewal_failed',
  'period_ended',
  'grace_ended',
  'refunded',
] as const;
export type SubscriptionEvent = (typeof SUBSCRIPTION_EVENTS)[number];

/** status × event → status. An event that is not in the row changes nothing: it is late, doubled or beside the point. */
const TRANSITIONS: Record<SubscriptionStatus, Partial<Record<SubscriptionEvent, SubscriptionStatus>>> = {
  active: {
    renewed: 'active',
    cancelled: 'cancelling',
    renewal_failed: 'past_due',
    period_ended: 'past_due',
    refunded: 'revoked',
  },
  cancelling: { renewed: 'cancelling', restored: 'active', period_ended: 'expired', refunded: 'revoked' },
  past_due: {
    renewed: 'active',
    cancelled: 'cancelling',
    restored: 'active',
    grace_ended: 'expired',
    refunded: 'revoked',
  },
  expired: { renewed: 'active' },
  revoked: {},
};

/** The state after an event, or null when the event does not apply in this state. */
export function nextSubscriptionStatus(
  status: SubscriptionStatus,
  event: SubscriptionEvent,
): SubscriptionStatus | null {
  return TRANSITIONS[status][event] ?? null;
}

const DAY_MS = 86_400_000;

/** Until when access lasts while a failed renewal may still succeed. */
export function graceEnd(periodEnd: Date): Date {
  return new Date(periodEnd.getTime() + GRACE_DAYS * DAY_MS);
}

/** A failed renewal is told around the end of its period; told with more time left than this, it is about an earlier one. */
const FAILURE_LEAD_MS = 15 * DAY_MS;

/**
 * Whether an event about time still fits a subscription paid until `periodEnd`. A renewal may have come between looking
 * and locking, or before a message that was held up: then nothing has ended and nothing failed.
 */
export function isTimely(event: SubscriptionEvent, periodEnd: Date, now: Date): boolean {
  if (event === 'period_ended') return periodEnd <= now;
  if (event === 'grace_ended') return graceEnd(periodEnd) <= now;
  if (event === 'renewal_failed') return periodEnd.getTime() - now.getTime() < FAILURE_LEAD_MS;
  return true;
}

/** The period a renewal pays for. `paidUntil` is the provider's word; without it the period follows the current one. */
export function renewalPeriod(
  renewal: { paidUntil: Date | null; occurredAt: Date; days: number },
  currentPeriodEnd: Date | null,
): { start: Date; end: Date } {
  const lengthMs = renewal.days * DAY_MS;
  if (renewal.paidUntil) return { start: new Date(renewal.paidUntil.getTime() - lengthMs), end: renewal.paidUntil };
  const start = new Date(startOnRhythm(renewal.occurredAt.getTime(), currentPeriodEnd?.getTime() ?? null, lengthMs));
  return { start, end: new Date(start.getTime() + lengthMs) };
}

/**
 * A provider charges around a period's end, and periods follow each other: a charge within half a period after the
 * current end continues it, and an earlier one, found late, belongs to the period that began nearest to it.
 */
function startOnRhythm(chargedMs: number, currentEndMs: number | null, lengthMs: number): number {
  if (currentEndMs === null || chargedMs - currentEndMs >= lengthMs / 2) return chargedMs;
  return currentEndMs + Math.round((chargedMs - currentEndMs) / lengthMs) * lengthMs;
}
