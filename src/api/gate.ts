/** How much runs at once, how much may wait for it, and how much of both may be one caller's. */
export type GateLimits = Readonly<{ atOnce: number; waiting: number; perCaller: number }>;

/**
 * Holds back work that would keep this process from everything else. `enter` answers null at once where there is no room,
 * else what the work comes to; what waits goes in the order it came.
 */
export function makeGate({ atOnce, perCaller, waiting }: GateLimits) {
  const queue: Array<() => void> = [];
  const inside = new Map<string, number>();
  let running = 0;

  const run = async <Result>(caller: string, work: () => Promise<Result>): Promise<Result> => {
    if (running >= atOnce) await new Promise<void>((resolve) => queue.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const left = (inside.get(caller) ?? 1) - 1;
      if (left > 0) inside.set(caller, left);
      else inside.delete(caller);
      // Whoever waits takes this place over; nobody can slip in between.
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };

  return function enter<Result>(caller: string, work: () => Promise<Result>): Promise<Result> | null {
    const ofCaller = inside.get(caller) ?? 0;
    if (ofCaller >= perCaller || (running >= atOnce && queue.length >= waiting)) return null;
    inside.set(caller, ofCaller + 1);
    return run(caller, work);
  };
}
