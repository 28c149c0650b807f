/** What the clock says: `nowMs` is the sandbox's time, `offsetMs` how far it is ahead of the real one. */
export type ClockReading = { nowMs: number; offsetMs: number };

/**
 * The sandbox's idea of now: real time plus an offset. Other processes follow the offset by long polling; after a move
 * the clock waits a moment until those which were waiting have asked again and so surely know the new time.
 */
export class Clock {
  readonly #realNow: () => number;
  readonly #waiting = new Set<() => void>();
  #offsetMs = 0;
  #missing = 0;
  #onAllBack: () => void = () => undefined;

  constructor(realNow: () => number) {
    this.#realNow = realNow;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  nowMs(): number {
    return this.#realNow() + this.#offsetMs;
  }

  /** Unix seconds. */
  now(): number {
    return Math.floor(this.nowMs() / 1000);
  }

  read(): ClockReading {
    return { nowMs: this.nowMs(), offsetMs: this.#offsetMs };
  }

  /** Sets the offset without telling anybody (at start). */
  restore(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }

  /** Answers at once when the offset is not `after`, else when it changes, after `waitMs`, or when the asker leaves. */
  async follow(after: number, waitMs: number, abandoned: AbortSignal): Promise<ClockReading> {
    this.#countReturn(after);
    if (after !== this.#offsetMs || abandoned.aborted) return this.read();
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        abandoned.removeEventListener('abort', finish);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, waitMs);
      abandoned.addEventListener('abort', finish);
      this.#waiting.add(finish);
    });
    return this.read();
  }

  /** Moves the clock and waits until every follower has asked again with the new offset, at most `waitMs`. */
  async moveTo(offsetMs: number, waitMs: number): Promise<void> {
    this.#offsetMs = offsetMs;
    this.#missing = this.#waiting.size;
    for (const finish of [...this.#waiting]) finish();
    if (this.#missing === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#onAllBack = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#missing = 0;
  }

  #countReturn(after: number): void {
    if (this.#missing === 0 || after !== this.#offsetMs) return;
    this.#missing -= 1;
    if (this.#missing === 0) this.#onAllBack();
  }
}
