import { badRequest } from './errors.ts';

/** A file sent with a multipart request. */
export type Upload = { name: string; type: string; bytes: Buffer };

/**
 * The arguments of one call. Telegram's server reads every argument as text, whichever way it was sent; structured
 * ones are JSON text. So a number, its digits in a string, and a form field mean the same.
 */
export class Args {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #uploads: ReadonlyMap<string, Upload>;
  readonly #isUtf8: boolean;

  constructor(values: ReadonlyMap<string, unknown>, uploads: ReadonlyMap<string, Upload> = new Map(), isUtf8 = true) {
    this.#values = values;
    this.#uploads = uploads;
    this.#isUtf8 = isUtf8;
  }

  /** Whether the argument was given at all, be it empty. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Empty when absent or null. */
  text(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value;
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }

  requiredText(name: string): string {
    const value = this.text(name);
    if (value === '') throw badRequest(`Parameter "${name}" is required`);
    return value;
  }

  /** Digits at the beginning count, as in the original; anything else is 0. Clamped to the given bounds. */
  integer(name: string, fallback: number, least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.text(name);
    if (value === '') return fallback;
    const number = Number.parseInt(value, 10);
    return Math.min(most, Math.max(least, Number.isSafeInteger(number) ? number : 0));
  }

  flag(name: string): boolean {
    return ['true', 'yes', '1'].includes(this.text(name).toLowerCase());
  }

  /** A structured argument; undefined when absent. */
  json(name: string, complaint: string): unknown {
    const value = this.#values.get(name);
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value);
    } catch {
      throw badRequest(complaint);
    }
  }

  /** The file of a multipart request, under the argument's own name or as `attach://name`. */
  upload(name: string): Upload | undefined {
    const reference = this.text(name);
    const attached = reference.startsWith('attach://') ? reference.slice('attach://'.length) : name;
    return this.#uploads.get(attached);
  }

  /** False when the text holds bytes that were no UTF-8. */
  isUtf8(name: string): boolean {
    return this.#isUtf8 || !this.text(name).includes('\ufffd');
  }

  userId(name = 'user_id'): number {
    const id = this.integer(name, 0);
    if (id <= 0) throw badRequest(`Invalid ${name} specified`);
    return id;
  }
}

/** A JSON object, or null for anything else. */
export function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
