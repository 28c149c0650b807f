/** After this many tries a job is dead and an operator is told. With the back-off this is about two days. */
export const MAX_ATTEMPTS = 60;
const FIRST_DELAY_SECONDS = 2;
const LONGEST_DELAY_SECONDS = 3_600;

/** Seconds until a job that failed `attempts` times is tried again: 2, 4, 8 … up to an hour. */
export function retryDelaySeconds(attempts: number): number {
  return Math.min(FIRST_DELAY_SECONDS * 2 ** Math.max(0, attempts - 1), LONGEST_DELAY_SECONDS);
}
