/** How work is bundled: at most `maxItems` at once, at most `maxInFlight` bundles at the same time. */
export type BatchLimits = Readonly<{ maxItems: number; maxInFlight: number }>;

type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };

/**
 * Bundles work that arrives while earlier work is running. A single item goes at once and alone, so it waits for nobody;
 * only what has to wait anyway waits together. `run` answers each item in its place; what it throws, each of them gets.
 */
export function makeBatcher<Item, Result>(
  run: (items: Item[]) => Promise<ReadonlyArray<PromiseSettledResult<Result>>>,
  { maxItems, maxInFlight }: BatchLimits,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;

  const answer = async (batch: Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [index, { reject, resolve }] of batch.entries()) {
        const result = results[index];
        if (result?.status === 'fulfilled') resolve(result.value);
        else reject(result ? result.reason : new Error('a batch answered fewer items than it was given'));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  const start = (): void => {
    while (waiting.length > 0 && inFlight < maxInFlight) {
      const batch = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      inFlight += 1;
      void answer(batch).then(() => {
        inFlight -= 1;
        start();
      });
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      start();
    });
}
