import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import type { WebhookEvent } from '#lib/generated/prisma/client.ts';

/** An event that was not applied, as an operator sees it: never its body. */
export type WaitingEvent = Pick<
  WebhookEvent,
  'id' | 'provider' | 'eventId' | 'kind' | 'attempts' | 'nextAttemptAt' | 'error' | 'receivedAt'
> &
  Readonly<{ status: 'failed' | 'dead' }>;

const MAX_PAGE = 100;

/**
 * Events that wait: `failed` ones are tried again by themselves, `dead` ones wait for an operator. Newest first, one page
 * (keyset by id, which is ordered by time); `next` is null on the last. Needs `webhooks:replay` or an admin.
 */
export async function listWaitingEvents(
  ctx: Ctx,
  filter: { status: 'failed' | 'dead'; before: string | null; limit: number },
): Promise<{ rows: WaitingEvent[]; next: string | null }> {
  requireScope(ctx, 'webhooks:replay');
  const limit = Math.min(Math.max(filter.limit, 1), MAX_PAGE);
  const { rows } = await ctx.pool.query<WaitingEvent>({
    name: 'list_waiting_events',
    text: `SELECT id, provider, event_id AS "eventId", kind, status, attempts, next_attempt_at AS "nextAttemptAt", error,
        received_at AS "receivedAt"
      FROM webhook_event WHERE status IN ('failed', 'dead') AND status = $1::webhook_status AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    values: [filter.status, filter.before, limit + 1],
  });
  const page = rows.slice(0, limit);
  const shown = page.map((row) => ({ ...row, eventId: ctx.vault.reveal(row.eventId) }));
  return { rows: shown, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}
