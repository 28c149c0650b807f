import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { codesOf, logFailure, presentError, toAppError } from './errors.ts';
import type { Contact } from './present.ts';
import { ANSWER_HEADERS, isJson, languageOf, parseJson, readBody, requestIdFor } from './request.ts';
import { appRouter } from './router.ts';
import { makeTrpcContext, refusalOf } from './trpc.ts';

export const TRPC_PATH = '/api/trpc';
/** A public key of the largest size that is looked at, its line ends escaped. */
const BODY_LIMIT_BYTES = 131_072;
/** Inputs of queries stand in the address. */
const ADDRESS_LIMIT = 8_192;
export const MAX_BATCH = 10;

export type TrpcOptions = Readonly<{ ctx: Ctx; contact: Contact }>;

/**
 * The tRPC door as a fetch handler for `TRPC_PATH`. Every answer carries X-Request-Id; a refusal for a while also
 * Retry-After. Bodies over 64 kB, addresses over 8 kB and batches over ten calls are refused before anything is read.
 */
export function makeTrpcHandler({ ctx, contact }: TrpcOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const requestId = requestIdFor(ctx, request.headers.get('x-request-id'));
    const own = asActor(ctx, { kind: 'stranger' }, requestId);
    const language = languageOf(request.headers.get('accept-language'));
    try {
      const checked = await check(request);
      return await answer({ ctx: own, contact, request: checked, language });
    } catch (error) {
      return refuse(own, toAppError(error), language);
    }
  };
}

/** The same request with its body read and found harmless. */
async function check(request: Request): Promise<Request> {
  if (request.url.length > ADDRESS_LIMIT) throw new AppError('invalid', 'body_too_large');
  if (request.method !== 'POST') return request;
  if (!isJson(request.headers.get('content-type'))) throw new AppError('invalid', 'unsupported_media_type');
  const body = await readBody(request, BODY_LIMIT_BYTES);
  if (body.byteLength > 0) parseJson(body);
  return new Request(request.url, { method: 'POST', headers: request.headers, body: Buffer.from(body) });
}

async function answer(call: { ctx: Ctx; contact: Contact; request: Request; language: Language }): Promise<Response> {
  const { ctx, contact, request, language } = call;
  let unread: AppError | undefined;
  const response = await fetchRequestHandler({
    endpoint: TRPC_PATH,
    req: request,
    router: appRouter,
    maxBatchSize: MAX_BATCH,
    createContext: () => makeTrpcContext({ ctx, contact, headers: request.headers, language }),
    responseMeta: ({ errors }) => {
      const waits = errors.map((error) => refusalOf(error).retryAfterSeconds ?? 0);
      const longest = Math.max(0, ...waits);
      // tRPC adds these to its own headers, and names the type itself.
      const { 'content-type': _, ...headers } = headersFor(ctx);
      return { headers: { ...headers, ...(longest > 0 && { 'retry-after': String(longest) }) } };
    },
    onError: ({ ctx: context, error, path }) => {
      // A known procedure has accounted for itself; this is for what never reached one.
      if (error.cause instanceof AppError) return;
      const refusal = refusalOf(error);
      // Not even a context was made, and without one tRPC's answer has no request id.
      if (!context) {
        unread = refusal;
        return;
      }
      ctx.metrics.requests.inc({ route: 'trpc:unmatched', method: request.method, status: codesOf(refusal).status });
      ctx.log.info(
        { route: 'trpc:unmatched', status: codesOf(refusal).status, isBatch: path === undefined },
        'request',
      );
      logFailure(ctx.log, refusal);
    },
  });
  if (unread) throw unread;
  return response;
}

/** What is refused before tRPC sees it, or before it understood it, in the shape its client reads. */
function refuse(ctx: Ctx, error: AppError, language: Language): Response {
  logFailure(ctx.log, error);
  const { status, trpc } = codesOf(error);
  ctx.metrics.requests.inc({ route: 'trpc:unmatched', method: 'POST', status });
  ctx.log.info({ route: 'trpc:unmatched', status, reason: error.reason }, 'request');
  const body = {
    error: {
      message: error.reason,
      code: TRPC_ERROR_CODES_BY_KEY[trpc],
      data: { code: trpc, httpStatus: status, hoshi: presentError(error, language, ctx.requestId) },
    },
  };
  return new Response(JSON.stringify(body), { status, headers: headersFor(ctx) });
}

function headersFor(ctx: Ctx) {
  return { ...ANSWER_HEADERS, 'x-request-id': ctx.requestId };
}
