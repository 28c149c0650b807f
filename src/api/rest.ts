import { Hono } from 'hono';
import { actorRef, asActor, type Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { codesOf, logFailure, malformedRequest, presentError, toAppError } from './errors.ts';
import { claimKey, type KeyedRequest, keepAnswer, keyedRequest, releaseKey } from './idempotency.ts';
import {
  ANSWER_HEADERS,
  actingFor,
  authenticateRequest,
  isJson,
  languageOf,
  parseJson,
  readBody,
  requestIdFor,
} from './request.ts';
import { analyticsRoutes } from './rest/analytics-routes.ts';
import { auditRoutes } from './rest/audit-routes.ts';
import { catalogRoutes } from './rest/catalog-routes.ts';
import { checkoutRoutes } from './rest/checkout-routes.ts';
import { isWrite, makeDocument } from './rest/document.ts';
import { entitlementRoutes } from './rest/entitlement-routes.ts';
import { exportRoutes } from './rest/export-routes.ts';
import { keyRoutes } from './rest/key-routes.ts';
import { methodRoutes } from './rest/method-routes.ts';
import { makeOperationsRoutes } from './rest/operations-routes.ts';
import { paymentRoutes } from './rest/payment-routes.ts';
import { receiptRoutes } from './rest/receipt-routes.ts';
import { refundRoutes } from './rest/refund-routes.ts';
import { revenueRoutes } from './rest/revenue-routes.ts';
import type { JsonRoute, Reply, Route } from './rest/route.ts';
import { subscriptionRoutes } from './rest/subscription-routes.ts';
import type { MessageHandler } from './webhook.ts';

export type RestOptions = Readonly<{
  ctx: Ctx;
  /** The bot, for Telegram's updates that are not about money. */
  handleBotUpdate: MessageHandler;
  /** Null hides /metrics. */
  metricsToken: string | null;
}>;

export type Rest = Readonly<{
  fetch(request: Request): Promise<Response>;
  /** Answers, and accounts for, a request of which no `Request` could be made: its Host header is missing or broken. */
  refuse(thrown: unknown): Promise<Response>;
}>;

const BODY_LIMIT_BYTES = 262_144;
const DOCUMENT_PATH = '/api/v1/openapi.json';

/** Every REST route of the product. */
export function makeRoutes(
  options: Omit<RestOptions, 'ctx' | 'handleBotUpdate'> & { onMessage: MessageHandler; providers: Ctx['providers'] },
): Route[] {
  return [
    ...makeOperationsRoutes(options),
    ...catalogRoutes,
    ...checkoutRoutes,
    ...methodRoutes,
    ...keyRoutes,
    ...exportRoutes,
    ...paymentRoutes,
    ...refundRoutes,
    ...receiptRoutes,
    ...subscriptionRoutes,
    ...entitlementRoutes,
    ...revenueRoutes,
    ...analyticsRoutes,
    ...auditRoutes,
  ];
}

/**
 * REST, webhooks, health, metrics and the OpenAPI document as one fetch function without state of its own: the production
 * server and Next's route handlers mount the same. Every answer is JSON but metrics, and carries X-Request-Id.
 */
export function makeRest({ ctx, handleBotUpdate, metricsToken }: RestOptions): Rest {
  const routes = makeRoutes({ metricsToken, onMessage: handleBotUpdate, providers: ctx.providers });
  const document = JSON.stringify(makeDocument(routes));
  const app = new Hono();
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    const methods = route.kind === 'raw' && route.isForEveryMethod ? [...METHODS] : [route.method.toUpperCase()];
    app.on(methods, path, (context) => serve(ctx, route, context.req.raw, context.req.param()));
  }
  app.get(DOCUMENT_PATH, (context) =>
    accounted(
      ctx,
      { route: DOCUMENT_PATH },
      context.req.raw,
      async () => new Response(document, { headers: ANSWER_HEADERS }),
    ),
  );
  app.notFound((context) =>
    accounted(ctx, { route: 'unmatched' }, context.req.raw, () =>
      Promise.reject(new AppError('not_found', 'route_not_found')),
    ),
  );
  return {
    fetch: async (request) => app.fetch(request),
    refuse: (thrown) => {
      const isUnreadable = thrown instanceof Error && thrown.name === 'RequestError';
      const error = isUnreadable ? malformedRequest({ fields: 'Host' }) : thrown;
      return accounted(ctx, { route: 'unmatched' }, NOWHERE, () => Promise.reject(error));
    },
  };
}

/** Stands for a request that is none. */
const NOWHERE = new Request('http://localhost/');

/** One request's surroundings. `ctx` acts for a stranger until the caller is known. */
type Arrival = Readonly<{ ctx: Ctx; request: Request; language: Language }>;

/** Methods as metrics name them: a closed set, whatever clients invent. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);

type Accounting = Readonly<{ route: string; isDoneInside?: boolean }>;

/** Runs the work of a request; turns whatever it throws into an answer; counts it and writes its one line. */
async function accounted(
  ctx: Ctx,
  { route, isDoneInside = false }: Accounting,
  request: Request,
  work: (arrival: Arrival) => Promise<Response>,
): Promise<Response> {
  const startedAt = performance.now();
  const requestId = requestIdFor(ctx, request.headers.get('x-request-id'));
  const own = asActor(ctx, { kind: 'stranger' }, requestId);
  const language = languageOf(request.headers.get('accept-language'));
  let isAccounted = isDoneInside;
  const response = await work({ ctx: own, request, language }).catch((thrown: unknown) => {
    const error = toAppError(thrown);
    logFailure(own.log, error);
    isAccounted = false;
    return toResponse(refusal(error, language, requestId));
  });
  response.headers.set('x-request-id', requestId);
  if (isAccounted) return response;
  const ms = performance.now() - startedAt;
  const { status } = response;
  const method = METHODS.has(request.method) ? request.method : 'OTHER';
  ctx.metrics.requests.inc({ route, method, status });
  ctx.metrics.requestSeconds.observe({ route }, ms / 1000);
  if (own.outside.ms > 0) ctx.metrics.ownSeconds.observe({ route }, (ms - own.outside.ms) / 1000);
  own.log.info({ route, method, status, ms: Math.round(ms) }, 'request');
  return response;
}

/** An answer in JSON as text, so that it can be kept: a response would have to be copied, which costs 70 µs. */
type Said = Readonly<{ status: number; body: string; retryAfterSeconds?: number | undefined }>;

function refusal(error: AppError, language: Language, requestId: string): Said {
  const body = JSON.stringify({ success: false, error: presentError(error, language, requestId) });
  return { status: codesOf(error).status, body, retryAfterSeconds: error.retryAfterSeconds };
}

function toResponse({ body, retryAfterSeconds, status }: Said, more: Record<string, string> = {}): Response {
  const wait = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return new Response(body, { status, headers: { ...ANSWER_HEADERS, ...wait, ...more } });
}

function serve(ctx: Ctx, route: Route, request: Request, params: Record<string, string>): Promise<Response> {
  const accounting = { route: route.path, isDoneInside: route.kind === 'raw' && route.accountsForItself };
  return accounted(ctx, accounting, request, (arrival) =>
    route.kind === 'raw'
      ? route.respond({ ctx: route.accountsForItself ? ctx : arrival.ctx, request, requestId: arrival.ctx.requestId })
      : serveJson(route, arrival, params),
  );
}

/** The order of every JSON route: who, may they, what, and only then the work. */
async function serveJson(
  route: JsonRoute,
  { ctx, request, language }: Arrival,
  params: Record<string, string>,
): Promise<Response> {
  const caller = await admit(ctx, route, request);
  const bytes = isWrite(route) ? await readBody(request, BODY_LIMIT_BYTES) : new Uint8Array();
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const run = route.prepare({ params, query, body: readJson(request, bytes) }, caller, language);
  const key = isWrite(route) ? request.headers.get('idempotency-key') : null;
  if (key === null) return answer(await run(), request);
  const keyed = keyedRequest(caller, actorRef(caller.actor), key, {
    method: request.method,
    url: request.url,
    body: bytes,
  });
  return once(caller, keyed, language, async () => sayReply(await run()));
}

/** Lets the caller in, as whom they are. Ownership is the verbs' to check; what needs no look is refused here. */
async function admit(ctx: Ctx, route: JsonRoute, request: Request): Promise<Ctx> {
  const { access } = route;
  if (access.kind === 'public') return ctx;
  const actor = await authenticateRequest(ctx, request.headers);
  if (actor.kind === 'stranger') throw new AppError('unauthenticated', 'session_missing');
  const caller = actingFor(ctx, actor);
  if (access.kind === 'session') {
    if (actor.kind !== 'user') throw new AppError('unauthenticated', 'session_missing');
    return caller;
  }
  if (access.kind === 'server' || actor.kind === 'api_key') requireScope(caller, access.scope);
  return caller;
}

/** The body of a write. None at all is an empty object, for routes that need nothing. */
function readJson(request: Request, bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return {};
  if (!isJson(request.headers.get('content-type'))) throw new AppError('invalid', 'unsupported_media_type');
  return parseJson(bytes);
}

function sayReply(reply: Reply): Said {
  if ('file' in reply) throw new Error('a file is no answer to a write');
  return { status: reply.status, body: JSON.stringify(reply.body) };
}

function answer(reply: Reply, request: Request): Response {
  if (!('file' in reply)) return toResponse(sayReply(reply));
  const { bytes, contentType, etag, name } = reply.file;
  const headers = {
    ...ANSWER_HEADERS,
    'content-type': contentType,
    'content-disposition': `attachment; filename="${name}"`,
    // Its reader may keep it and asks whether it is still so.
    'cache-control': 'private, no-cache',
    etag,
    vary: 'accept-language, authorization, x-api-key',
    // Telegram's downloadFile asks for it (telegram.md § 2.3); the link or a credential is needed all the same.
    'access-control-allow-origin': 'https://web.telegram.org',
  };
  const known = request.headers.get('if-none-match')?.split(',') ?? [];
  if (known.some((each) => each.trim().replace(/^W\//, '') === etag))
    return new Response(null, { status: 304, headers });
  return new Response(new Uint8Array(bytes), { status: reply.status, headers });
}

/** Does the work of a keyed request once, or repeats the answer it had. */
async function once(ctx: Ctx, keyed: KeyedRequest, language: Language, work: () => Promise<Said>): Promise<Response> {
  const claim = await claimKey(ctx, keyed);
  if (claim.kind === 'known') return toResponse(claim, { 'idempotency-hit': 'true' });
  const said = await work().catch((thrown: unknown) => {
    const error = toAppError(thrown);
    logFailure(ctx.log, error);
    return refusal(error, language, ctx.requestId);
  });
  const isFinal = said.status < 500 && said.retryAfterSeconds === undefined;
  if (isFinal) await keepAnswer(ctx, keyed, claim.lockedUntil, said);
  // Trying later is what the answer asks for: the key must not stand in the way.
  else await releaseKey(ctx, keyed, claim.lockedUntil);
  return toResponse(said);
}
