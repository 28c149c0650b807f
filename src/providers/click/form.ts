import { isUtf8 } from 'node:buffer';

const MAX_BODY_BYTES = 16_384;
const MAX_FIELDS = 64;

/**
 * Fields of a form (application/x-www-form-urlencoded). Null for what is too long, a field that comes twice, a broken
 * escape and bytes that are no UTF-8: two readers of such a body could read two different messages.
 */
export function parseForm(body: Uint8Array): ReadonlyMap<string, string> | null {
  if (body.byteLength > MAX_BODY_BYTES) return null;
  const pairs = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1').split('&');
  if (pairs.length > MAX_FIELDS) return null;
  const fields = new Map<string, string>();
  for (const pair of pairs) {
    if (pair === '') continue;
    const split = pair.indexOf('=');
    const name = decode(split === -1 ? pair : pair.slice(0, split));
    const value = decode(split === -1 ? '' : pair.slice(split + 1));
    if (name === null || value === null || fields.has(name)) return null;
    fields.set(name, value);
  }
  return fields;
}

/** Undoes the escapes of a form. `latin1` has one character for each byte. */
function decode(latin1: string): string | null {
  if (/%(?![0-9a-f]{2})/i.test(latin1)) return null;
  const unescaped = latin1
    .replaceAll('+', ' ')
    .replace(/%(..)/g, (_escape, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  const bytes = Buffer.from(unescaped, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}
