import { type Actor, type Ctx, newId } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { authenticateApiKey } from '#domain/identity/api-key.ts';
import { LANGUAGES, type Language } from '#domain/identity/rules.ts';
import { authenticate } from '#domain/identity/session.ts';
import { malformedRequest } from './errors.ts';

/** A UUID, or the 32 hex digits of a trace: what proxies and servers make by chance. */
const REQUEST_ID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/**
 * The caller's own request id where it says nothing, else a new one: it stands in the audit, which is never changed, so nobody may
 * write a name there.
 */
export function requestIdFor(ctx: Ctx, given: string | null | undefined): string {
  return given && REQUEST_ID.test(given) ? given : newId(ctx, 'req');
}

const MAX_LANGUAGE_TAGS = 20;

/** The best of our languages for an Accept-Language header (RFC 9110 § 12.5.4), English when it names none of them. */
export function languageOf(header: string | null | undefined): Language {
  const wishes = (header ?? '').split(',', MAX_LANGUAGE_TAGS).map((wish, index) => {
    const [tag = '', ...parameters] = wish.trim().toLowerCase().split(';');
    const weight = parameters.find((parameter) => parameter.trim().startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.trim().slice(2));
    return { primary: tag.split('-')[0], quality: Number.isFinite(quality) ? quality : 0, index };
  });
  const accepted = wishes.filter((wish) => wish.quality > 0).sort((a, b) => b.quality - a.quality || a.index - b.index);
  for (const wish of accepted) {
    const language = LANGUAGES.find((candidate) => candidate === wish.primary);
    if (language) return language;
  }
  return 'en';
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,4096}) *$/i;
const MAX_KEY_LENGTH = 256;

/**
 * Who sends a request: the person of a session (`Authorization: Bearer <session>`), a server (`X-API-Key`, or its key as
 * the bearer), or a stranger when there is no credential. A credential that is not valid is refused, never ignored.
 */
export async function authenticateRequest(ctx: Ctx, headers: Headers): Promise<Actor> {
  const apiKey = headers.get('x-api-key');
  if (apiKey !== null) return authenticateKey(ctx, apiKey);
  const authorization = headers.get('authorization');
  if (authorization === null) return { kind: 'stranger' };
  const credential = BEARER.exec(authorization)?.[1];
  if (!credential) throw new AppError('unauthenticated', 'session_missing');
  // A session is a JWT, which always has two dots; our keys have none.
  return credential.includes('.') ? authenticate(ctx, credential) : authenticateKey(ctx, credential);
}

function authenticateKey(ctx: Ctx, key: string): Promise<Actor> {
  if (key === '' || key.length > MAX_KEY_LENGTH) throw new AppError('unauthenticated', 'api_key_unknown');
  return authenticateApiKey(ctx, key);
}

/** The same request, from here on for somebody. Its logger and its id stay. */
export function actingFor(ctx: Ctx, actor: Actor): Ctx {
  return { ...ctx, actor };
}

/**
 * Reads a body of at most `limitBytes`. What is larger is refused as soon as that is known, without reading the rest:
 * `body_too_large`. A sender that goes away in the middle is `malformed_request`: its broken connection says nothing
 * about ours to the database.
 */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new AppError('invalid', 'body_too_large', { details: { limitBytes } });
  const announced = request.headers.get('content-length');
  if (Number(announced ?? 0) > limitBytes) throw tooLarge();
  // Node reads no more than was announced, and a stream costs more than the rest of the request.
  if (announced !== null) return new Uint8Array(await request.arrayBuffer().catch(goneAway));
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(goneAway);
    if (done) return Buffer.concat(chunks, size);
    size += value.byteLength;
    if (size > limitBytes) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
}

function goneAway(): never {
  throw malformedRequest({ fields: 'body' });
}

/** Ours are two levels deep. */
export const MAX_JSON_DEPTH = 8;

/** Parses JSON in UTF-8 that is nested at most `MAX_JSON_DEPTH` deep; anything else is `malformed_request`. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (isDeeperThan(text, MAX_JSON_DEPTH)) throw new SyntaxError('nested too deep');
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw malformedRequest({ fields: 'body' });
    throw error;
  }
}

/** Counts brackets outside strings before anything is built from them. */
function isDeeperThan(json: string, limit: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index += 1) {
    const character = json[index];
    if (isInString) {
      if (character === '\\') index += 1;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > limit) return true;
    } else if (character === '}' || character === ']') depth -= 1;
  }
  return false;
}

/** Whether a Content-Type header says JSON. */
export function isJson(contentType: string | null): boolean {
  return /^application\/json(\s*;|\s*$)/i.test(contentType ?? '');
}

/** On every JSON answer: it is data for one reader, never a page, never cached. */
export const ANSWER_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'content-type': 'application/json',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;
