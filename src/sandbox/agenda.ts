/** What is to happen at a moment of the sandbox clock. */
type Entry = { atMs: number; sequence: number; isStep: boolean; run: () => void };

/** Node's timers overflow above this. */
const LONGEST_TIMER_MS = 2_000_000_000;

/**
 * Everything that waits for a time of the sandbox clock, in order of that time. It wakes itself up as real time passes,
 * and `runDue` is called when the clock is moved. Entries are never taken out: who planned one checks, when it runs,
 * whether it still applies.
 */
export class Agenda {
  readonly #nowMs: () => number;
  readonly #heap: Entry[] = [];
  readonly #steps: Entry[] = [];
  #sequence = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isHeld = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * Plans `run` for `atMs`. A step is an event of the simulated world (a renewal), at which a long jump of the clock
   * pauses; other entries are only waiting times.
   */
  plan(atMs: number, run: () => void, isStep = false): void {
    const entry = { atMs, sequence: this.#sequence++, isStep, run };
    push(this.#heap, entry);
    if (isStep) push(this.#steps, entry);
    if (atMs < this.#timerAtMs) this.#arm();
  }

  /** Time of the next step up to `untilMs`, together with those which follow within `gatherMs`; null when none. */
  nextStep(untilMs: number, gatherMs: number): number | null {
    const first = this.#steps[0];
    if (first === undefined || first.atMs > untilMs) return null;
    const limit = Math.min(untilMs, first.atMs + gatherMs);
    return this.#steps.reduce((latest, entry) => (entry.atMs <= limit ? Math.max(latest, entry.atMs) : latest), 0);
  }

  /** Until `runDue` nothing runs by itself: the clock has moved but its followers do not know yet. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Runs all that is due, in the order of its time. */
  runDue(): void {
    this.#isHeld = false;
    for (let entry = this.#heap[0]; entry !== undefined && entry.atMs <= this.#nowMs(); entry = this.#heap[0]) {
      pop(this.#heap);
      if (entry.isStep) pop(this.#steps);
      entry.run();
    }
    this.#arm();
  }

  /** Forgets everything. */
  clear(): void {
    this.#heap.length = 0;
    this.#steps.length = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
    if (this.#isHeld || !Number.isFinite(this.#timerAtMs)) return;
    const delay = Math.min(Math.max(0, this.#timerAtMs - this.#nowMs()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#onTimer(), delay);
  }

  #onTimer(): void {
    if (!this.#isHeld) this.runDue();
  }
}

function isEarlier(left: Entry, right: Entry): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);
}

function push(heap: Entry[], entry: Entry): void {
  heap.push(entry);
  let index = heap.length - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Entry;
    if (!isEarlier(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isEarlier(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
    if (!isEarlier(heap[child] as Entry, last)) break;
    heap[index] = heap[child] as Entry;
    index = child;
  }
  heap[index] = last;
}
