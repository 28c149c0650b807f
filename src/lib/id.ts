import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A time-ordered id: the prefix, 10 characters of milliseconds and 16 of randomness (80 bits), in Crockford's base 32
 * (the ULID layout in lower case). Ids of one prefix sort by the time of their making.
 */
export function makeId(prefix: string, nowMs: number): string {
  let time = '';
  for (let rest = nowMs, index = 0; index < 10; index += 1, rest = Math.floor(rest / 32))
    time = ALPHABET[rest % 32] + time;
  let random = '';
  for (const byte of randomBytes(16)) random += ALPHABET[byte & 31];
  return `${prefix}_${time}${random}`;
}
