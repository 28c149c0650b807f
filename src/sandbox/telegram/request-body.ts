import { isUtf8 } from 'node:buffer';
import { Args, asObject, type Upload } from './args.ts';
import { readMultipart } from './multipart.ts';

/**
 * Arguments from the query string and the body: JSON, urlencoded or multipart, whichever its type says. Null when the
 * body claims to be JSON or multipart and is not.
 */
export function parseArguments(query: URLSearchParams, contentType: string, body: Buffer): Args | null {
  const values = new Map<string, unknown>(query);
  if (body.length === 0) return new Args(values);
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json') return parseJson(values, body);
  if (type === 'multipart/form-data') return parseMultipart(values, contentType, body);
  const text = body.toString('utf8');
  for (const [name, value] of new URLSearchParams(text)) values.set(name, value);
  return new Args(values, new Map(), isUtf8(body) && !hasBrokenEscape(text));
}

function parseJson(values: Map<string, unknown>, body: Buffer): Args | null {
  try {
    const object = asObject(JSON.parse(body.toString('utf8')));
    if (object === null) return null;
    for (const [name, value] of Object.entries(object)) values.set(name, value);
    return new Args(values, new Map(), isUtf8(body));
  } catch {
    return null;
  }
}

function parseMultipart(values: Map<string, unknown>, contentType: string, body: Buffer): Args | null {
  const form = readMultipart(contentType, body);
  if (form === null) return null;
  for (const [name, value] of form.fields) values.set(name, value);
  return new Args(values, new Map<string, Upload>(form.uploads));
}

/** Percent escapes that decode to no UTF-8 (decodeURIComponent refuses them, URLSearchParams does not). */
function hasBrokenEscape(text: string): boolean {
  if (!text.includes('%')) return false;
  try {
    decodeURIComponent(text);
    return false;
  } catch {
    return true;
  }
}
