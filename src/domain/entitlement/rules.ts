export const DAY_MS = 86_400_000;
/** People are told of a renewal, and of the end of time that was paid once, this long before. */
export const REMINDER_DAYS = 3;

/** After a failed renewal access lasts this much longer. */
export const GRACE_DAYS = 3;

/**
 * A right to a plan for a time, as far as its validity goes. `isRenewing`: it belongs to a subscription that is meant to
 * go on (active or past due), whose next charge may be under way.
 */
export type Right = Readonly<{ startsAt: Date; endsAt: Date | null; revokedAt: Date | null; isRenewing: boolean }>;

/** When the right stops to count: its end, later by the days of grace while a renewal is awaited; null for good. */
export function validUntil(right: Pick<Right, 'endsAt' | 'isRenewing'>): Date | null {
  if (!right.endsAt || !right.isRenewing) return right.endsAt;
  return new Date(right.endsAt.getTime() + GRACE_DAYS * DAY_MS);
}

/** Whether the right counts at `now`. Its end is exclusive. */
export function isValid(right: Right, now: Date): boolean {
  if (right.revokedAt || right.startsAt > now) return false;
  const until = validUntil(right);
  return until === null || until > now;
}
