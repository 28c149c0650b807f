/** A right to a plan for a time, as far as its validity goes. */
export type Right = Readonly<{ startsAt: Date; endsAt: Date | null; graceUntil: Date | null; revokedAt: Date | null }>;

/** Whether the right counts at `now`. Its end is exclusive; days of grace come after it. */
export function isValid(right: Right, now: Date): boolean {
  if (right.revokedAt || right.startsAt > now) return false;
  if (!right.endsAt) return true;
  const end = right.graceUntil && right.graceUntil > right.endsAt ? right.graceUntil : right.endsAt;
  return end > now;
}
