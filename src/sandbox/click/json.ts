/** The longest whole number every JSON parser keeps exactly has 15 digits. */
const LONG_NUMBER = /("(?:[^"\\]|\\.)*")|(-?\d{16,})(?![\d.eE])/g;
/** What JSON.stringify makes of a WholeNumber. */
const MARKED = /"\\u0001(-?\d+)"/g;

/** Parses JSON in which ids may exceed 2^53: such numbers become text. Null when it is no JSON object. */
export function parseLossless(text: string): Record<string, unknown> | null {
  const quoted = text.replace(LONG_NUMBER, (_all, string?: string, digits?: string) => string ?? `"${digits}"`);
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** A text of digits that is to be a JSON number, however long. */
export class WholeNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  toJSON(): string {
    return `\u0001${this.digits}`;
  }
}

/** JSON with WholeNumbers as numbers. */
export function stringifyLossless(value: unknown): string {
  return JSON.stringify(value).replace(MARKED, '$1');
}
