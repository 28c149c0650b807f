import { z } from '@hono/zod-openapi';
import { measureBacklog } from '#domain/audit/backlog.ts';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { countOverdue } from '#domain/privacy/retention.ts';
import { listWaitingEvents } from '#domain/webhook/list.ts';
import { replayWebhook } from '#domain/webhook/replay.ts';
import { isEqualSecret } from '#lib/crypto.ts';
import { describeError } from '#lib/log.ts';
import { ANSWER_HEADERS, readBody } from '../request.ts';
import {
  handleWebhook,
  hearsMethod,
  type MessageHandler,
  WEBHOOK_BODY_LIMIT_BYTES,
  webhookPathsOf,
} from '../webhook.ts';
import { defineRoute, PUBLIC, type RawRoute, type Route } from './route.ts';
import { IdText, Instant, Success } from './schemas.ts';

const DATABASE_WAIT_MS = 1000;

/** Whether the database answers within a second. Throws what it failed with. */
async function pingDatabase(ctx: Ctx): Promise<void> {
  const late = new AppError('unavailable', 'service_unavailable', { retryAfterSeconds: 5 });
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late), DATABASE_WAIT_MS);
  });
  try {
    await Promise.race([ctx.pool.query('SELECT 1'), limit]);
  } finally {
    clearTimeout(timer);
  }
}

const Alive = z.object({ status: z.literal('ok') }).openapi('Alive');

const liveRoute = defineRoute({
  method: 'get',
  path: '/health/live',
  access: PUBLIC,
  tag: 'Operation',
  summary: 'The process answers',
  answer: { status: 200, description: 'Alive', schema: Alive },
  run: async () => ({ status: 'ok' as const }),
});

const readyRoute = defineRoute({
  method: 'get',
  path: '/health/ready',
  access: PUBLIC,
  tag: 'Operation',
  summary: 'The process can serve: its database answers within a second',
  answer: { status: 200, description: 'Ready', schema: Alive },
  refusals: [503],
  run: async ({ ctx }) => {
    await pingDatabase(ctx);
    return { status: 'ok' as const };
  },
});

const Health = z
  .object({
    success: Success,
    status: z.literal('healthy'),
    service: z.literal('hoshi'),
    time: Instant,
    providers: z.array(z.string()).openapi({ example: ['telegram-stars'] }),
  })
  .openapi('Health');

const healthRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payments/health',
  access: PUBLIC,
  tag: 'Operation',
  summary: 'Whether payments can be taken',
  answer: { status: 200, description: 'Healthy', schema: Health },
  refusals: [503],
  run: async ({ ctx }) => {
    await pingDatabase(ctx);
    return {
      success: true as const,
      status: 'healthy' as const,
      service: 'hoshi' as const,
      time: ctx.clock.now().toISOString(),
      providers: [...ctx.providers.keys()],
    };
  },
});

/** The queues are the database's, whichever process asks. Without it the rest is still told, and the backlog is not. */
async function gatherBacklog(ctx: Ctx): Promise<void> {
  const { backlog, backlogSeconds, retentionOverdue } = ctx.metrics;
  backlog.reset();
  backlogSeconds.reset();
  try {
    const [{ counts, oldestSeconds }, overdue] = await Promise.all([measureBacklog(ctx), countOverdue(ctx)]);
    retentionOverdue.set(overdue);
    for (const [what, count] of Object.entries(counts)) backlog.set({ what }, count);
    for (const [what, seconds] of Object.entries(oldestSeconds)) backlogSeconds.set({ what }, seconds ?? 0);
  } catch (error) {
    ctx.log.warn({ error: describeError(error) }, 'the backlog could not be measured');
  }
}

/** Prometheus. Without a configured token, and for anyone without it, there is nothing at this address. */
function metricsRoute(metricsToken: string | null): RawRoute {
  return {
    kind: 'raw',
    accountsForItself: false,
    method: 'get',
    path: '/metrics',
    access: PUBLIC,
    tag: 'Operation',
    summary: 'Metrics for Prometheus; Authorization: Bearer METRICS_TOKEN, else 404',
    answer: { status: 200, description: 'The metrics', schema: z.string(), contentType: 'text/plain' },
    refusals: [404],
    respond: async ({ ctx, request }) => {
      const given = request.headers.get('authorization') ?? '';
      if (metricsToken === null || !isEqualSecret(given, `Bearer ${metricsToken}`))
        throw new AppError('not_found', 'route_not_found');
      await gatherBacklog(ctx);
      const { registry } = ctx.metrics;
      const headers = { ...ANSWER_HEADERS, 'content-type': registry.contentType };
      return new Response(await registry.metrics(), { headers });
    },
  };
}

const Replay = z
  .object({
    success: Success,
    event_id: z.string().openapi({ example: 'whe_01kahw9d6xq3v7c0mtz8b5r2ny' }),
    kind: z.string().openapi({ example: 'payment_succeeded' }),
    dry_run: z.boolean(),
    outcome: z.enum(['applied', 'duplicate', 'ignored', 'would_apply', 'would_repeat']),
  })
  .openapi('Replay');

const replayRoute = defineRoute({
  method: 'post',
  path: '/api/v1/webhooks/{id}/replay',
  access: { kind: 'server', scope: 'webhooks:replay' },
  tag: 'Operation',
  summary: 'Apply a stored provider event again',
  description:
    'What stands already stays as it is. With dry_run=true nothing is written and the answer says what would happen.',
  params: z.object({ id: IdText }),
  query: z.object({ dry_run: z.enum(['true', 'false']).default('false') }),
  body: z.strictObject({}),
  answer: { status: 200, description: 'What happened, or would', schema: Replay },
  refusals: [404, 409, 412],
  run: async ({ ctx, params, query }) => {
    const { eventId, kind, isDryRun, outcome } = await replayWebhook(ctx, {
      id: params.id,
      isDryRun: query.dry_run === 'true',
    });
    return { success: true as const, event_id: eventId, kind, dry_run: isDryRun, outcome };
  },
});

const WaitingEvents = z
  .object({
    success: Success,
    events: z.array(
      z.object({
        event_id: z.string().openapi({ example: 'whe_01kahw9d6xq3v7c0mtz8b5r2ny' }),
        provider: z.string(),
        provider_event_id: z.string(),
        kind: z.string(),
        status: z.enum(['failed', 'dead']),
        attempts: z.number().int(),
        next_attempt_at: Instant.nullable(),
        error: z.string().nullable().openapi({ description: 'A short code, never a message' }),
        received_at: Instant,
      }),
    ),
    next_cursor: z.string().nullable(),
  })
  .openapi('WaitingEvents');

const waitingRoute = defineRoute({
  method: 'get',
  path: '/api/v1/webhooks',
  access: { kind: 'server', scope: 'webhooks:replay' },
  tag: 'Operation',
  summary: 'Provider events that were not applied',
  description: 'failed: tried again by itself. dead: waits for an operator, who looks at it and replays it.',
  query: z.object({
    status: z.enum(['failed', 'dead']).default('dead'),
    cursor: z
      .string()
      .regex(/^whe_[0-9a-z]{1,36}$/)
      .optional()
      .openapi({ description: 'next_cursor of the page before' }),
    limit: z.coerce.number().int().min(1).max(100).default(20),
  }),
  answer: { status: 200, description: 'What waits, newest first', schema: WaitingEvents },
  run: async ({ ctx, query }) => {
    const { cursor, limit, status } = query;
    const { next, rows } = await listWaitingEvents(ctx, { status, before: cursor ?? null, limit });
    const events = rows.map((row) => ({
      event_id: row.id,
      provider: row.provider,
      provider_event_id: row.eventId,
      kind: row.kind,
      status: row.status,
      attempts: row.attempts,
      next_attempt_at: row.nextAttemptAt?.toISOString() ?? null,
      error: row.error,
      received_at: row.receivedAt.toISOString(),
    }));
    return { success: true as const, events, next_cursor: next };
  },
});

/** Stands for a body of which no more was read. */
const TOO_LONG = new Uint8Array(WEBHOOK_BODY_LIMIT_BYTES + 1);

/** A provider's address. The production server calls `handleWebhook` without coming through here. */
function webhookRoute(
  path: string,
  providerId: string,
  { isForEveryMethod, onMessage }: { isForEveryMethod: boolean; onMessage: MessageHandler },
): RawRoute {
  return {
    kind: 'raw',
    // The production server calls it past this door.
    accountsForItself: true,
    isForEveryMethod,
    method: 'post',
    path,
    access: PUBLIC,
    tag: 'Webhooks',
    summary: `Messages of ${providerId}`,
    description: 'Verified by the provider’s own signature or secret. The answer is in the provider’s words.',
    answer: { status: 200, description: 'Taken in', schema: z.looseObject({}) },
    refusals: [400, 401, 413, 503],
    respond: async ({ ctx, request, requestId }) => {
      // What is too long is not read, and refused behind this door, where the provider's words are known.
      const body = await readBody(request, WEBHOOK_BODY_LIMIT_BYTES).catch((error: unknown) => {
        if (error instanceof AppError && error.reason === 'body_too_large') return TOO_LONG;
        throw error;
      });
      const headers = { ...Object.fromEntries(request.headers), 'x-request-id': requestId };
      // Where Next serves this, nobody says who the client is: an allow-list of addresses then refuses everyone.
      const received = { method: request.method, headers, body, remoteAddress: null };
      const answer = await handleWebhook(ctx, providerId, received, onMessage);
      const wait = answer.retryAfterSeconds === undefined ? {} : { 'retry-after': String(answer.retryAfterSeconds) };
      return new Response(answer.body, {
        status: answer.status,
        headers: { ...ANSWER_HEADERS, 'content-type': answer.contentType, ...wait },
      });
    },
  };
}

/** Health, metrics, replay and the doors of the providers that are set up. */
export function makeOperationsRoutes(options: {
  metricsToken: string | null;
  onMessage: MessageHandler;
  providers: Ctx['providers'];
}): Route[] {
  const { onMessage, providers } = options;
  const webhooks = [...webhookPathsOf(providers)].map(([path, providerId]) =>
    webhookRoute(path, providerId, { onMessage, isForEveryMethod: hearsMethod(providers, providerId, 'GET') }),
  );
  const metrics = metricsRoute(options.metricsToken);
  return [liveRoute, readyRoute, healthRoute, metrics, waitingRoute, replayRoute, ...webhooks];
}
