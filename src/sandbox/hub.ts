import type { ServerResponse } from 'node:http';
import type { SimEvent, SimState } from './control.ts';

const HEARTBEAT_MS = 15_000;
const STATE_DELAY_MS = 50;
const USERS_PER_MS = 5;

/** Tells the browser clients (server-sent events) what changes. Costs nothing while nobody listens. */
export class Hub {
  readonly #listeners = new Set<ServerResponse>();
  readonly #readState: () => SimState;
  readonly #readUserCount: () => number;
  readonly #heartbeat: NodeJS.Timeout;
  #stateTimer: NodeJS.Timeout | undefined;

  constructor(readState: () => SimState, readUserCount: () => number) {
    this.#readState = readState;
    this.#readUserCount = readUserCount;
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  listen(response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
    });
    this.#listeners.add(response);
    response.on('close', () => this.#listeners.delete(response));
    response.write(encode({ type: 'state', state: this.#readState() }));
  }

  send(event: SimEvent): void {
    if (this.isHeard) this.#write(encode(event));
  }

  /** Announces the whole state soon; many changes at once make one announcement. */
  stateChanged = (): void => {
    if (!this.isHeard || this.#stateTimer !== undefined) return;
    // A load test makes thousands of users: then the long state goes out less often.
    const delayMs = STATE_DELAY_MS + this.#readUserCount() / USERS_PER_MS;
    this.#stateTimer = setTimeout(() => {
      this.#stateTimer = undefined;
      this.send({ type: 'state', state: this.#readState() });
    }, delayMs);
  };

  close(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#stateTimer);
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }

  #write(text: string): void {
    for (const listener of this.#listeners) listener.write(text);
  }
}

function encode(event: SimEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
