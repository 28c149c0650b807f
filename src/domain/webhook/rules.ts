/** After this many tries an event is dead: an operator looks at it and replays it. */
export const MAX_ATTEMPTS = 12;
const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 3_600_000;

/** When a failed event is tried again: 5 s, doubling up to an hour; null when it is dead. `attempts` so far, from 1. */
export function nextAttempt(attempts: number, now: Date): Date | null {
  if (attempts >= MAX_ATTEMPTS) return null;
  return new Date(now.getTime() + Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS));
}
