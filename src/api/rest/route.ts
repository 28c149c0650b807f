import { z } from '@hono/zod-openapi';
import type { Ctx, Scope } from '#domain/context/context.ts';
import type { Language } from '#domain/identity/rules.ts';
import { malformedInput } from '../errors.ts';

/**
 * Who may call a route. `person`: the person it is about, or a server whose key has the scope. `server`: only such a
 * server, or staff. `session`: only a person, about themselves. The verbs check ownership themselves; the door refuses what
 * can be refused without looking.
 */
export type Access = Readonly<{ kind: 'public' } | { kind: 'session' } | { kind: 'person' | 'server'; scope: Scope }>;

export const PUBLIC: Access = { kind: 'public' };
export const SESSION: Access = { kind: 'session' };

/** A checked request. `ctx` acts for the caller. */
export type Call<Params, Query, Body> = Readonly<{
  ctx: Ctx;
  params: Params;
  query: Query;
  body: Body;
  language: Language;
}>;

/** What a raw route gets: nothing is checked yet. */
export type RawCall = Readonly<{ ctx: Ctx; request: Request; requestId: string }>;

/** An input as it arrived, before its schemas. */
export type RawInput = Readonly<{ params: unknown; query: unknown; body: unknown }>;
/** A file that is answered instead of JSON. `name` is what it is saved under, `etag` the same for the same bytes only. */
export type FileReply = Readonly<{ bytes: Uint8Array; contentType: string; name: string; etag: string }>;
export type Reply = Readonly<{ status: number; body: unknown } | { status: number; file: FileReply }>;

type Documented = Readonly<{
  method: 'get' | 'post' | 'put' | 'delete';
  /** In OpenAPI's form: `/api/v1/payments/history/{user_id}`. Also the name of the route in metrics and logs. */
  path: string;
  access: Access;
  tag: string;
  summary: string;
  description?: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodObject;
  answer: Readonly<{ status: number; description: string; schema: z.ZodType; contentType?: string }>;
  /** Has an ETag: who names it in If-None-Match is answered 304 while it is the same. */
  isRevalidated?: true;
  /** Statuses of refusals beyond those that every route of its kind has. */
  refusals?: ReadonlyArray<number>;
}>;

/** JSON in, JSON out. `prepare` checks the input (throws `malformed_request`) and returns what does the work. */
export type JsonRoute = Documented &
  Readonly<{ kind: 'json'; prepare(input: RawInput, ctx: Ctx, language: Language): () => Promise<Reply> }>;
/** Answers by itself: webhooks, metrics. */
export type RawRoute = Documented &
  Readonly<{
    kind: 'raw';
    /** True: what it answers is counted and logged inside; what it throws is not. */
    accountsForItself: boolean;
    /** Also asked with methods that are not documented, because the protocol has an answer for them. */
    isForEveryMethod?: boolean;
    respond(call: RawCall): Promise<Response>;
  }>;
export type Route = JsonRoute | RawRoute;

/** A part of a request that is not there is an empty object. */
type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<string, never>;

type JsonSpec<Params, Query, Body, Answer extends z.ZodType> = Omit<
  Documented,
  'params' | 'query' | 'body' | 'answer'
> &
  Readonly<{
    params?: Params;
    query?: Query;
    body?: Body;
    answer: Readonly<{ status: number; description: string; schema: Answer }>;
    /** Refuses an input that must not even be read, before its schemas say anything about it. */
    guard?(input: RawInput): void;
    /** Does the work. The status is `answer.status` unless another is given. */
    run(call: Call<Parsed<Params>, Parsed<Query>, Parsed<Body>>): Promise<z.input<Answer>>;
  }>;

const NOTHING = z.object({});

function parse<Schema extends z.ZodObject | undefined>(schema: Schema, input: unknown): Parsed<Schema> {
  const parsed = (schema ?? NOTHING).safeParse(input);
  if (!parsed.success) throw malformedInput(parsed.error);
  return parsed.data as Parsed<Schema>;
}

/** Joins a route's schemas to its work, so that `run` only ever sees checked and typed input. */
export function defineRoute<
  Answer extends z.ZodType,
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodObject | undefined = undefined,
>(spec: JsonSpec<Params, Query, Body, Answer>): JsonRoute {
  const { guard, run, params, query, body, ...documented } = spec;
  return {
    ...documented,
    kind: 'json',
    ...(params && { params }),
    ...(query && { query }),
    ...(body && { body }),
    prepare: (input, ctx, language) => {
      guard?.(input);
      const call = {
        ctx,
        language,
        params: parse(params as Params, input.params),
        query: parse(query as Query, input.query),
        body: parse(body as Body, input.body),
      };
      return async () => ({ status: spec.answer.status, body: await run(call) });
    },
  };
}

/** A route that answers a file of one kind, and refuses in JSON as all others do. */
export function defineDownload<Params extends z.ZodObject>(
  spec: Omit<Documented, 'method' | 'params' | 'query' | 'body' | 'answer'> &
    Readonly<{
      params: Params;
      description: string;
      contentType: string;
      run(call: Call<z.output<Params>, unknown, unknown>): Promise<Omit<FileReply, 'contentType'>>;
    }>,
): JsonRoute {
  const { contentType, params, run, ...documented } = spec;
  const schema = z.string().openapi({ format: 'binary' });
  return {
    ...documented,
    kind: 'json',
    method: 'get',
    params,
    isRevalidated: true,
    answer: { status: 200, description: documented.summary, schema, contentType },
    prepare: (input, ctx, language) => {
      const call = {
        ctx,
        language,
        params: parse(params, input.params) as z.output<Params>,
        query: input.query,
        body: input.body,
      };
      return async () => ({ status: 200, file: { ...(await run(call)), contentType } });
    },
  };
}
