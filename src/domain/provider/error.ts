/**
 * `unavailable`: nothing is known to have happened, trying again or elsewhere is right. `declined`: the provider said
 * no. `invalid`: our request was wrong. `misconfigured`: keys or set-up are wrong.
 */
export type ProviderFailure = 'unavailable' | 'declined' | 'invalid' | 'misconfigured';

type ProviderErrorOptions = { retryAfterSeconds?: number; mayBeDone?: boolean; cause?: unknown };

/**
 * A call to a provider that did not do what it should. `code` is the provider's own word, safe to log. `mayBeDone`: a
 * refund was sent and not answered, and would be given twice if it were asked for again before that arrives.
 */
export class ProviderError extends Error {
  readonly failure: ProviderFailure;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  readonly mayBeDone: boolean;

  constructor(failure: ProviderFailure, code: string, options: ProviderErrorOptions = {}) {
    super(`${failure}: ${code}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProviderError';
    this.failure = failure;
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.mayBeDone = options.mayBeDone ?? false;
  }
}
