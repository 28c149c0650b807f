import { initTRPC, TRPCError } from '@trpc/server';
import { z } from 'zod';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { getUser } from '#domain/identity/find-user.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { User } from '#lib/generated/prisma/client.ts';
import { codesOf, logFailure, malformedInput, malformedRequest, presentError, toAppError } from './errors.ts';
import { type Contact, languageOfUser } from './present.ts';
import { actingFor, authenticateRequest } from './request.ts';

/** Who reads the answers, once it is known. */
export type Reader = Readonly<{ ctx: Ctx; user: User; language: Language }>;

/** One HTTP request, which may carry several calls. */
export type TrpcContext = {
  /** Acts for a stranger, with the request's id. */
  readonly ctx: Ctx;
  readonly contact: Contact;
  /** For texts of refusals: the header's wish until the reader is known. */
  language: Language;
  /** The person of the session; looked up once, however many calls the request carries. */
  readonly reader: () => Promise<Reader>;
};

/** What the calls of one request share. */
export function makeTrpcContext(request: {
  ctx: Ctx;
  contact: Contact;
  headers: Headers;
  language: Language;
}): TrpcContext {
  const { ctx, contact, headers, language } = request;
  let reader: Promise<Reader> | undefined;
  const context: TrpcContext = {
    ctx,
    contact,
    language,
    reader: () => {
      reader ??= findReader(ctx, headers).then((found) => {
        context.language = found.language;
        return found;
      });
      return reader;
    },
  };
  return context;
}

/** The Mini App speaks for a person: a server's key opens nothing here. */
async function findReader(ctx: Ctx, headers: Headers): Promise<Reader> {
  const actor = await authenticateRequest(ctx, headers);
  if (actor.kind !== 'user') throw new AppError('unauthenticated', 'session_missing');
  const own = actingFor(ctx, actor);
  const user = await getUser(own, actor.userId);
  return { ctx: own, user, language: languageOfUser(user) };
}

const t = initTRPC.context<TrpcContext>().create({
  // Stack traces never leave the server, whatever NODE_ENV says.
  isDev: false,
  errorFormatter: ({ shape, error, ctx }) => {
    const refusal = refusalOf(error);
    return {
      message: refusal.reason,
      code: shape.code,
      data: {
        code: shape.data.code,
        httpStatus: shape.data.httpStatus,
        path: shape.data.path,
        hoshi: presentError(refusal, ctx?.language ?? 'en', ctx?.ctx.requestId ?? ''),
      },
    };
  },
});

/** A tRPC error as a refusal: ours as it was thrown, tRPC's own in our words. */
export function refusalOf(error: TRPCError): AppError {
  if (error.cause instanceof AppError) return error.cause;
  // tRPC says BAD_REQUEST of inputs only; a ZodError from further in is about our own data.
  if (error.cause instanceof z.ZodError && error.code === 'BAD_REQUEST') return malformedInput(error.cause);
  switch (error.code) {
    case 'NOT_FOUND':
    case 'METHOD_NOT_SUPPORTED':
      return new AppError('not_found', 'route_not_found');
    case 'PARSE_ERROR':
    case 'BAD_REQUEST':
      return malformedRequest({ fields: 'body' });
    case 'UNSUPPORTED_MEDIA_TYPE':
      return new AppError('invalid', 'unsupported_media_type');
    case 'PAYLOAD_TOO_LARGE':
      return new AppError('invalid', 'body_too_large');
    default:
      return toAppError(error.cause ?? error);
  }
}

/** Gives refusals their code, counts each call and writes its one line. */
const account = t.middleware(async ({ ctx: context, path, type, next }) => {
  const startedAt = performance.now();
  const result = await next();
  const refusal = result.ok ? null : refusalOf(result.error);
  const status = refusal ? codesOf(refusal).status : 200;
  const { log, metrics } = context.ctx;
  const route = `trpc:${path}`;
  const ms = performance.now() - startedAt;
  metrics.requests.inc({ route, method: type === 'query' ? 'GET' : 'POST', status });
  metrics.requestSeconds.observe({ route }, ms / 1000);
  log.info({ route, status, ms: Math.round(ms), ...(refusal && { reason: refusal.reason }) }, 'request');
  if (!refusal) return result;
  logFailure(log, refusal);
  throw new TRPCError({ code: codesOf(refusal).trpc, message: refusal.reason, cause: refusal });
});

export const { router } = t;

/** For callers without a session: only signing in. */
export const publicProcedure = t.procedure.use(account);

/** For the person of the session. Throws `unauthenticated session_missing | session_expired`. */
export const personProcedure = publicProcedure.use(async ({ ctx: context, next }) =>
  next({ ctx: await context.reader() }),
);

/** Ids as clients may send them: our own letters only, so that nothing else ever reaches a query. */
export const IdInput = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);
