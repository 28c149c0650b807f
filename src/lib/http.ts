import { isUtf8 } from 'node:buffer';
import { Agent, errors, request } from 'undici';

/** The answer of another server: status, JSON body, headers. `text` is the body unparsed, for integers above 2^53. */
export type JsonAnswer = Readonly<{
  status: number;
  body: unknown;
  text: string;
  retryAfterSeconds: number | undefined;
}>;

/**
 * Nothing came back: the connection failed, took too long, or the answer was not JSON. Whether the work was done is not
 * known. `status` is that of an answer which began, but could not be read; `isTooLong` says that it was broken off.
 */
export class NoAnswerError extends Error {
  readonly status: number | undefined;
  readonly isTooLong: boolean;

  constructor(cause: unknown, status?: number) {
    super('no answer', { cause });
    this.name = 'NoAnswerError';
    this.status = status;
    this.isTooLong = cause instanceof errors.ResponseExceededMaxSizeError;
  }
}

type JsonCall = Readonly<{
  method: 'GET' | 'POST' | 'DELETE';
  headers: Readonly<Record<string, string>>;
  body?: unknown;
  timeoutMs: number;
  /** For a list that has no pages. */
  isLong?: boolean;
}>;

/** More than an answer needs that we ask for; what is longer is broken off while it comes. */
const MAX_ANSWER_BYTES = 4_000_000;
const MAX_LONG_ANSWER_BYTES = 32_000_000;
const CONNECTIONS_PER_HOST = 32;
/** Shorter than what servers keep: a connection that they close while we write costs a failed call. */
const KEEP_ALIVE_MS = 4_000;

// Node's fetch costs three times as much processor time, and Next replaces it by its own.
const makeAgent = (maxResponseSize: number) =>
  new Agent({ connections: CONNECTIONS_PER_HOST, keepAliveTimeout: KEEP_ALIVE_MS, maxResponseSize });
const agent = makeAgent(MAX_ANSWER_BYTES);
const longAgent = makeAgent(MAX_LONG_ANSWER_BYTES);

/**
 * Calls another server and reads its JSON answer, whatever its status. Redirects are not followed. Throws NoAnswerError
 * after `timeoutMs`, on a broken connection and for an answer that is no JSON or longer than 4 MB (`isLong`: 32 MB).
 */
export async function callJson(url: string, call: JsonCall): Promise<JsonAnswer> {
  let status: number | undefined;
  try {
    const response = await request(url, {
      method: call.method,
      headers: call.headers,
      body: call.body === undefined ? null : JSON.stringify(call.body),
      dispatcher: call.isLong ? longAgent : agent,
      signal: AbortSignal.timeout(call.timeoutMs),
    });
    status = response.statusCode;
    const retryAfter = Number(response.headers['retry-after'] ?? Number.NaN);
    const text = await response.body.text();
    return {
      status,
      body: JSON.parse(text),
      text,
      retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
    };
  } catch (error) {
    throw new NoAnswerError(error, status);
  }
}

/** Posts JSON and reads the JSON answer, as `callJson` does. */
export function postJson(url: string, body: unknown, timeoutMs: number): Promise<JsonAnswer> {
  return callJson(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, timeoutMs });
}

/** Whether an address of a connection (`socket.remoteAddress`) is this machine's own. */
export function isLoopback(address: string | undefined): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/.test(address ?? '');
}

/**
 * Who sends a request: the address of the connection, or what the last of `proxyHops` proxies of ours wrote into
 * X-Forwarded-For; entries before those were written by anyone. Null when it is not known.
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  proxyHops: number,
): string | null {
  const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim());
  const address = proxyHops === 0 ? socketAddress : hops.at(-proxyHops);
  return address ? address.replace(/^::ffff:/, '') : null;
}

/** What a body says as JSON; undefined for bytes that are no UTF-8 or no JSON. */
export function parseJsonBytes(body: Uint8Array): unknown {
  if (!isUtf8(body)) return undefined;
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
