import type { SimTraffic } from './control.ts';

const KEPT = 500;
/** Longest body kept, in characters. */
const BODY_LIMIT = 4_096;

type Row = Omit<SimTraffic, 'request' | 'response'> & { request: string; response: string };

/** A call or delivery under way; `end` completes its row. */
export type TrafficMark = {
  end: (status: SimTraffic['status'], response: string) => void;
};

/** The last calls and deliveries in both directions. Bodies stay text until somebody looks. */
export class TrafficLog {
  readonly #rows: Row[] = [];
  readonly #nowMs: () => number;
  readonly #changed: (row: () => SimTraffic) => void;
  #nextId = 1;

  constructor(nowMs: () => number, changed: (row: () => SimTraffic) => void) {
    this.#nowMs = nowMs;
    this.#changed = changed;
  }

  begin(
    direction: SimTraffic['direction'],
    name: string,
    request: string,
    peer: SimTraffic['peer'] = 'telegram',
  ): TrafficMark {
    const row: Row = {
      id: this.#nextId++,
      atMs: this.#nowMs(),
      peer,
      direction,
      name,
      status: 'pending',
      durationMs: 0,
      request: request.slice(0, BODY_LIMIT),
      response: '',
    };
    this.#rows.push(row);
    if (this.#rows.length > 2 * KEPT) this.#rows.splice(0, this.#rows.length - KEPT);
    this.#changed(() => present(row));
    const startedAt = performance.now();
    return {
      end: (status, response) => {
        row.status = status;
        row.durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
        row.response = response.slice(0, BODY_LIMIT);
        this.#changed(() => present(row));
      },
    };
  }

  /** Newest first. */
  list(limit: number): SimTraffic[] {
    return this.#rows.slice(-Math.min(limit, KEPT)).reverse().map(present);
  }

  clear(): void {
    this.#rows.length = 0;
  }
}

function present(row: Row): SimTraffic {
  return { ...row, request: readBody(row.request), response: readBody(row.response) };
}

/** JSON where it is whole, else the text as it stands (cut off, or another encoding). */
function readBody(text: string): unknown {
  if (!text.startsWith('{') && !text.startsWith('[')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
