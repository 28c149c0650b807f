/** The one source of time: everything that judges, stamps or schedules asks it. */
export type Clock = { now(): Date; stop(): void };

/** The machine's own time. */
export const systemClock: Clock = { now: () => new Date(), stop: () => {} };

/** A clock that stands still until it is moved; for tests. */
export function fixedClock(start: Date): Clock & { set(to: Date): void; advance(ms: number): void } {
  let current = start.getTime();
  return {
    now: () => new Date(current),
    stop: () => {},
    set: (to) => {
      current = to.getTime();
    },
    advance: (ms) => {
      current += ms;
    },
  };
}

const WAIT_SECONDS = 25;
const RETRY_MS = 500;

/**
 * Follows a clock that another process moves: asks `url?after=<offset>&wait=25` again and again and adds the offset it
 * answers (milliseconds). Resolves once the first offset is known, or at once as the machine's time when the address
 * does not answer; it keeps trying. `onChange` runs after each move.
 */
export async function followClock(url: string, onChange: () => void = () => {}): Promise<Clock> {
  const abort = new AbortController();
  let offsetMs = 0;
  const ask = async (query: string): Promise<boolean> => {
    const response = await fetch(url + query, {
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout((WAIT_SECONDS + 5) * 1000)]),
    });
    const answer: unknown = await response.json();
    const offset = typeof answer === 'object' && answer !== null && 'offsetMs' in answer ? answer.offsetMs : undefined;
    if (!response.ok || typeof offset !== 'number' || !Number.isFinite(offset))
      throw new Error(`clock answered ${response.status}`);
    const isMoved = offset !== offsetMs;
    offsetMs = offset;
    return isMoved;
  };
  const follow = async () => {
    while (!abort.signal.aborted) {
      try {
        if (await ask(`?after=${offsetMs}&wait=${WAIT_SECONDS}`)) onChange();
      } catch {
        // The other process is restarting: its clock stands meanwhile, and so does our offset.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  await ask('').catch(() => false);
  void follow();
  return { now: () => new Date(Date.now() + offsetMs), stop: () => abort.abort() };
}
