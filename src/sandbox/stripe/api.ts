import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimProviderFault } from '../control.ts';
import { decodePath, readBody, sendJson } from '../http.ts';
import type { Surroundings } from '../surroundings.ts';
import { ApiError, invalid } from './api-error.ts';
import { type ApiRoute, apiRoutes } from './api-routes.ts';
import { expandObject, judgePaths } from './expand.ts';
import { readForm } from './form.ts';
import { type Answer, Idempotency } from './idempotency.ts';
import type { Cause } from './objects.ts';
import type { Parts } from './parts.ts';
import { API_VERSION } from './version.ts';
import { makeId } from './world.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
const DEFAULT_DELAY_MS = 2_000;
const FAULT_KINDS: ReadonlySet<SimProviderFault['kind']> = new Set([
  'lost_answer',
  'lost_request',
  'delay',
  'malformed',
  'unavailable',
  'timeout',
  'rate_limited',
]);
const RETRY_AFTER_SECONDS = 1;

type Call = { method: string; url: URL; body: string; key: string | undefined; origin: string };
/** `delayMs`: how long the work takes, during which its `Idempotency-Key` is in use. */
type Work = Call & { delayMs: number };
type Found = { route: ApiRoute; id: string } | undefined;

/** Stripe's API below /v1. */
export class Api {
  readonly #surroundings: Surroundings;
  readonly #parts: Parts;
  readonly #idempotency: Idempotency;

  constructor(surroundings: Surroundings, parts: Parts) {
    this.#surroundings = surroundings;
    this.#parts = parts;
    this.#idempotency = new Idempotency(surroundings, parts.world);
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const found = findRoute(request.method ?? '', url.pathname);
    const name = found?.route.name ?? `${request.method} ${url.pathname}`;
    const body = (await readBody(request, BODY_LIMIT_BYTES)).toString('utf8');
    const call: Call = {
      method: request.method ?? '',
      url,
      body,
      key: readHeader(request, 'idempotency-key'),
      origin: `http://${request.headers.host ?? 'localhost'}`,
    };
    const mark = this.#surroundings.traffic.begin('from_bot', name, describe(request, call), 'stripe');
    const fault = this.#surroundings.faults.takeForProvider('stripe', name, FAULT_KINDS);
    if (fault?.kind === 'timeout') {
      response.on('close', () => mark.end('no_answer', ''));
      return;
    }
    if (fault?.kind === 'lost_request') {
      mark.end('no_answer', '');
      response.destroy();
      return;
    }
    const delayMs = fault?.kind === 'delay' ? (fault.delay_ms ?? DEFAULT_DELAY_MS) : 0;
    const { answer, isReplay } = await this.#answer(request, { ...call, delayMs }, found, refusalOf(fault));
    mark.end(fault?.kind === 'lost_answer' ? 'no_answer' : answer.status, answer.json);
    if (fault?.kind === 'lost_answer') response.destroy();
    else send(response, call, answer, { isReplay, isCut: fault?.kind === 'malformed' });
  }

  async #answer(
    request: IncomingMessage,
    call: Work,
    found: Found,
    refusal: ApiError | null,
  ): Promise<{ answer: Answer; isReplay: boolean }> {
    const requestId = makeId('req', 14);
    try {
      if (refusal !== null) throw refusal;
      this.#authorize(request);
      if (found === undefined) {
        throw new ApiError(
          404,
          'invalid_request_error',
          `Unrecognized request URL (${call.method}: ${call.url.pathname}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
        );
      }
      checkVersion(readHeader(request, 'stripe-version'));
      if (call.method === 'POST' && call.key !== undefined)
        return await this.#answerOnce(call, call.key, found, requestId);
      return { answer: await this.#run(call, found, requestId), isReplay: false };
    } catch (error) {
      return { answer: this.#refuse(error, requestId).answer, isReplay: false };
    }
  }

  /** @throws ApiError when the key is in use or belongs to another request */
  async #answerOnce(
    call: Work,
    key: string,
    found: NonNullable<Found>,
    requestId: string,
  ): Promise<{ answer: Answer; isReplay: boolean }> {
    const request = { method: call.method, path: call.url.pathname, body: call.body };
    const stored = this.#idempotency.begin(key, request);
    if (stored !== null) {
      return { answer: { status: stored.status, json: stored.json, requestId: stored.request_id }, isReplay: true };
    }
    let kept: Answer | null = null;
    try {
      const answer = await this.#run(call, found, requestId);
      kept = answer;
      return { answer, isReplay: false };
    } catch (error) {
      const { answer, isRemembered } = this.#refuse(error, requestId);
      kept = isRemembered ? answer : null;
      return { answer, isReplay: false };
    } finally {
      this.#idempotency.finish(key, request, kept);
    }
  }

  async #run(call: Work, { route, id }: NonNullable<Found>, requestId: string): Promise<Answer> {
    if (call.delayMs > 0) await sleep(call.delayMs);
    const form = readForm(call.method === 'GET' ? call.url.search.slice(1) : call.body);
    const { given, expand } = route.read(form);
    judgePaths(expand);
    const cause: Cause = {
      origin: call.origin,
      request: { id: requestId, idempotency_key: call.method === 'POST' ? (call.key ?? null) : null },
    };
    const now = this.#surroundings.clock.now();
    const result = route.run({ parts: this.#parts, given, cause, id, url: call.url.pathname, now });
    return { status: 200, json: JSON.stringify(expandObject(this.#parts.world, result, expand), null, 2), requestId };
  }

  #refuse(error: unknown, requestId: string): { answer: Answer; isRemembered: boolean } {
    if (error instanceof ApiError) {
      const json = JSON.stringify(error.body, null, 2);
      const { retryAfterSeconds: after } = error;
      const answer = { status: error.status, json, requestId, ...(after === null ? {} : { retryAfterSeconds: after }) };
      return { answer, isRemembered: error.isRemembered };
    }
    this.#surroundings.options.say(`Stripe failed: ${error instanceof Error ? error.stack : String(error)}`);
    const body = { error: { message: 'An unknown error occurred', type: 'api_error' } };
    return { answer: { status: 500, json: JSON.stringify(body), requestId }, isRemembered: true };
  }

  #authorize(request: IncomingMessage): void {
    const header = readHeader(request, 'authorization') ?? '';
    const bearer = /^Bearer (.+)$/.exec(header)?.[1];
    const basic = /^Basic (.+)$/.exec(header)?.[1];
    const key = bearer ?? (basic === undefined ? undefined : Buffer.from(basic, 'base64').toString().replace(/:$/, ''));
    if (key === undefined) {
      throw new ApiError(
        401,
        'invalid_request_error',
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
      );
    }
    const given = Buffer.from(key);
    const expected = Buffer.from(this.#surroundings.options.stripeSecretKey);
    if (given.length === expected.length && timingSafeEqual(given, expected)) return;
    throw new ApiError(
      401,
      'invalid_request_error',
      `Invalid API Key provided: ${key.slice(0, 8)}${'*'.repeat(12)}${key.slice(-4)}`,
    );
  }
}

function findRoute(method: string, pathname: string): Found {
  for (const route of apiRoutes) {
    const shape = new RegExp(`^${route.name.replace(/:id/g, '([^/]+)')}$`).exec(`${method} ${pathname}`);
    if (shape !== null) return { route, id: decodePath(shape[1] ?? '') ?? '' };
  }
  return undefined;
}

/** Another version would be answered in other shapes, which are not simulated. */
function checkVersion(version: string | undefined): void {
  if (version === undefined || version === API_VERSION) return;
  throw invalid(`Invalid Stripe API version: ${version}. The sandbox speaks ${API_VERSION}.`);
}

function refusalOf(fault: SimProviderFault | null): ApiError | null {
  if (fault?.kind === 'unavailable') return new ApiError(503, 'api_error', 'Stripe is temporarily unavailable.');
  if (fault?.kind !== 'rate_limited') return null;
  const message = 'Too many requests hit the API too quickly. We recommend an exponential backoff of your requests.';
  return new ApiError(429, 'invalid_request_error', message, { code: 'rate_limit' }, RETRY_AFTER_SECONDS);
}

function send(
  response: ServerResponse,
  { key, method }: Call,
  { status, json, requestId, retryAfterSeconds }: Answer,
  { isReplay, isCut }: { isReplay: boolean; isCut: boolean },
): void {
  if (response.destroyed) return;
  sendJson(response, status, isCut ? json.slice(0, json.length / 2) : json, {
    'request-id': requestId,
    'stripe-version': API_VERSION,
    ...(key === undefined || method !== 'POST' ? {} : { 'idempotency-key': key, 'original-request': requestId }),
    ...(isReplay ? { 'idempotent-replayed': 'true' } : {}),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
}

function readHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** For the wire log, without the key. */
function describe(request: IncomingMessage, { method, url, body, key }: Call): string {
  const version = readHeader(request, 'stripe-version');
  return JSON.stringify({
    method,
    path: `${url.pathname}${url.search}`,
    headers: {
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(version === undefined ? {} : { 'stripe-version': version }),
    },
    body: Object.fromEntries(new URLSearchParams(body)),
  });
}
