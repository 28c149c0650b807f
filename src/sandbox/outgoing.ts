import { setTimeout as sleep } from 'node:timers/promises';
import type { SimPeer, SimProviderFault } from './control.ts';
import { HttpClient } from './http-client.ts';
import type { Surroundings } from './surroundings.ts';

/** Before the second, third and fourth try. */
const RETRY_DELAYS_MS = [1_000, 5_000, 30_000];
const DEFAULT_DELAY_MS = 2_000;
const KINDS: ReadonlySet<SimProviderFault['kind']> = new Set([
  'lost_answer',
  'lost_request',
  'duplicate',
  'delay',
  'wrong_auth',
  'malformed',
  'amount_changed',
]);
const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'auth']);

/** What one sending came back with. */
export type Reply = { kind: 'answered'; status: number; body: string } | { kind: 'no_answer'; message: string };

/** A request as it goes over the wire. */
export type Wire = { headers: Record<string, string>; body: string };

export type Sending = {
  /** For the wire log and for faults. */
  name: string;
  /** Makes the request; called again for every try. `bend` says that it must be wrong in that way. */
  compose: (bend: 'wrong_auth' | 'amount_changed' | null) => Wire;
  /** Whether the request names an amount that a fault could change. */
  hasAmount: boolean;
  /** The answer is to be lost whatever the faults say. */
  isAnswerLost?: boolean;
  /** Where to, when it is not the provider's own webhook of the application. */
  url?: string;
};

/** How a payment provider's server calls the application: faults, wire log, and tries until there is an answer. */
export class Outgoing {
  readonly #peer: SimPeer;
  readonly #surroundings: Surroundings;
  readonly #client = new HttpClient();
  readonly #closing = new AbortController();

  constructor(peer: SimPeer, surroundings: Surroundings) {
    this.#peer = peer;
    this.#surroundings = surroundings;
  }

  /** Sends once. More than one reply when a fault made a duplicate. */
  async send(sending: Sending): Promise<[Reply, ...Reply[]]> {
    const { faults } = this.#surroundings;
    const kinds = sending.hasAmount ? KINDS : new Set([...KINDS].filter((kind) => kind !== 'amount_changed'));
    const fault = faults.takeForProvider(this.#peer, sending.name, kinds);
    if (fault?.kind === 'delay') await this.#sleep(fault.delay_ms ?? DEFAULT_DELAY_MS);
    const isBent = fault?.kind === 'wrong_auth' || fault?.kind === 'amount_changed';
    const wire = sending.compose(isBent ? (fault.kind as 'wrong_auth' | 'amount_changed') : null);
    if (fault?.kind === 'malformed') wire.body = wire.body.slice(0, wire.body.length / 2);
    if (fault?.kind === 'lost_request') return [this.#dropRequest(sending.name, wire)];
    const isLost = fault?.kind === 'lost_answer' || sending.isAnswerLost === true;
    if (fault?.kind !== 'duplicate') return [await this.#post(sending, wire, isLost)];
    return await Promise.all([this.#post(sending, wire, false), this.#post(sending, wire, false)]);
  }

  /** Sends until `isUsable`, at most four times. */
  async insist(
    sending: Sending,
    isUsable: (replies: readonly Reply[]) => boolean,
  ): Promise<{ replies: [Reply, ...Reply[]]; tries: number }> {
    let replies = await this.send(sending);
    let tries = 1;
    for (const delayMs of RETRY_DELAYS_MS) {
      if (isUsable(replies)) break;
      await this.pause(delayMs);
      replies = await this.send(sending);
      tries += 1;
    }
    return { replies, tries };
  }

  /** Waits in real time, scaled like all retry delays. Rejects when the sandbox closes. */
  async pause(ms: number): Promise<void> {
    await this.#sleep(ms * this.#surroundings.options.retryScale);
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  close(): void {
    this.#closing.abort();
    this.#client.close();
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal });
  }

  #dropRequest(name: string, wire: Wire): Reply {
    this.#surroundings.traffic.begin('to_bot', name, describe(wire), this.#peer).end('dropped', '');
    return { kind: 'no_answer', message: 'the request was lost' };
  }

  async #post(sending: Sending, wire: Wire, isAnswerLost: boolean): Promise<Reply> {
    const { traffic, options } = this.#surroundings;
    const mark = traffic.begin('to_bot', sending.name, describe(wire), this.#peer);
    const url = sending.url ?? `${options.appUrl}/api/v1/payment/webhooks/${this.#peer}`;
    const result = await this.#client.post({ url, ...wire, timeoutMs: options.providerTimeoutMs });
    if (this.isClosed) throw new Error('the sandbox is closing');
    if (result.kind !== 'answered') {
      mark.end('no_answer', result.message);
      return { kind: 'no_answer', message: result.message };
    }
    mark.end(isAnswerLost ? 'no_answer' : result.status, result.body);
    if (isAnswerLost) return { kind: 'no_answer', message: 'the answer was lost' };
    return { kind: 'answered', status: result.status, body: result.body };
  }
}

/** For the wire log, without secrets. */
function describe({ headers, body }: Wire): string {
  const shown = Object.entries(headers).map(([name, value]) => [name, SECRET_HEADERS.has(name) ? mask(value) : value]);
  return JSON.stringify({ headers: Object.fromEntries(shown), body: readBody(body) });
}

function mask(value: string): string {
  return value.replace(/^(\w+ )?.*$/s, '$1•••');
}

function readBody(body: string): unknown {
  if (!body.startsWith('{')) return Object.fromEntries(new URLSearchParams(body));
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
