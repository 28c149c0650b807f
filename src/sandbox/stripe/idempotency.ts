import { createHash } from 'node:crypto';
import type { Surroundings } from '../surroundings.ts';
import { ApiError } from './api-error.ts';
import type { StoredAnswer, World } from './world.ts';

const KEPT_MS = 24 * 3_600_000;
const LONGEST_KEY = 255;

export type Answer = { status: number; json: string; requestId: string; retryAfterSeconds?: number };

/** `Idempotency-Key`: the first answer to a key is given again for a day of the sandbox clock. */
export class Idempotency {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #inFlight = new Set<string>();

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
  }

  /** The stored answer, or null after the key was taken: then `finish` must follow. @throws ApiError */
  begin(key: string, request: { method: string; path: string; body: string }): StoredAnswer | null {
    if (key.length > LONGEST_KEY) {
      throw new ApiError(400, 'invalid_request_error', 'Idempotency keys may be at most 255 characters long.');
    }
    if (this.#inFlight.has(key)) {
      throw new ApiError(
        409,
        'idempotency_error',
        `There is currently another in-progress request using this Idempotent Key: ${key}.`,
        { code: 'idempotency_key_in_use' },
      );
    }
    const stored = this.#world.answers.get(key);
    if (stored !== undefined && this.#surroundings.clock.nowMs() - stored.at_ms < KEPT_MS) {
      if (stored.fingerprint === fingerprintOf(request)) return stored;
      throw new ApiError(
        400,
        'idempotency_error',
        `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      );
    }
    this.#inFlight.add(key);
    return null;
  }

  /** Frees a key; with an answer it is given again from now on. */
  finish(key: string, request: { method: string; path: string; body: string }, answer: Answer | null): void {
    this.#inFlight.delete(key);
    if (answer === null) return;
    this.#world.answers.set(key, {
      fingerprint: fingerprintOf(request),
      status: answer.status,
      json: answer.json,
      request_id: answer.requestId,
      at_ms: this.#surroundings.clock.nowMs(),
    });
  }
}

function fingerprintOf({ method, path, body }: { method: string; path: string; body: string }): string {
  const sorted = [...new URLSearchParams(body)].map(([name, value]) => `${name}=${value}`).sort();
  return createHash('sha256')
    .update([method, path, ...sorted].join('\n'))
    .digest('hex');
}
