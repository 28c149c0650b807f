import type { SandboxOptions } from '../options.ts';
import type { Args } from './args.ts';
import type { Telegram } from './telegram.ts';

/** What a method may use. `abandoned` fires when the caller has gone (long polling). */
export type Call = { args: Args; telegram: Telegram; options: SandboxOptions; abandoned: AbortSignal };

/** A result with the `description` some methods add to it. */
export class Described {
  readonly result: unknown;
  readonly description: string;

  constructor(result: unknown, description: string) {
    this.result = result;
    this.description = description;
  }
}

/** Answers with the result, or a promise of it; refuses by throwing ApiError. */
export type Method = (call: Call) => unknown;
