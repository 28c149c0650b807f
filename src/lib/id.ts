import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Random bytes are asked for in bulk: the system call costs more than the id. */
const POOL_BYTES = 4_096;
const RANDOM_BYTES = 16;
let pool = Buffer.alloc(0);
let used = 0;

/** The time part of the last millisecond, which many ids share. */
let lastMs = Number.NaN;
let lastTime = '';

/**
 * A time-ordered id: the prefix, 10 characters of milliseconds and 16 of randomness (80 bits), in Crockford's base 32
 * (the ULID layout in lower case). Ids of one prefix sort by the time of their making.
 */
export function makeId(prefix: string, nowMs: number): string {
  if (used + RANDOM_BYTES > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  let random = '';
  for (const end = used + RANDOM_BYTES; used < end; used += 1) random += ALPHABET[(pool[used] ?? 0) & 31];
  return `${prefix}_${timePart(nowMs)}${random}`;
}

function timePart(nowMs: number): string {
  if (nowMs === lastMs) return lastTime;
  let time = '';
  for (let rest = nowMs, index = 0; index < 10; index += 1, rest = Math.floor(rest / 32))
    time = ALPHABET[rest % 32] + time;
  lastMs = nowMs;
  lastTime = time;
  return time;
}
