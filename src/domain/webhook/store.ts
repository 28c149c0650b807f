import { type Ctx, newId } from '#domain/context/context.ts';
import type { InboxEntry } from '#domain/context/inbox.ts';
import { AppError } from '#domain/errors.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { nextAttempt } from '#domain/webhook/rules.ts';

/** A provider's message as the inbox keeps it, its body sealed under the server's key. */
export function toInbox(
  ctx: Ctx,
  providerId: string,
  { body, eventId, kind }: { eventId: string; kind: string; body: Uint8Array },
): InboxEntry {
  const sealed = ctx.vault.seal(body);
  return { id: newId(ctx, 'whe'), providerId, eventId, kind, receivedAt: ctx.clock.now(), body: sealed };
}

/**
 * Keeps an event that could not be applied for the worker to try again. A row that was processed meanwhile stays
 * processed. Throws the database's error when not even this can be written: then the provider keeps the event.
 */
export async function storeFailure(ctx: Ctx, inbox: InboxEntry, cause: unknown): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.$executeRaw`
    INSERT INTO webhook_event (id, provider, event_id, kind, status, attempts, next_attempt_at, error, body, received_at)
    VALUES (${inbox.id}, ${inbox.providerId}, ${inbox.eventId}, ${inbox.kind}, 'failed', 1, ${nextAttempt(1, now)}, ${errorCode(cause)}, ${inbox.body}, ${inbox.receivedAt})
    ON CONFLICT (provider, event_id) DO NOTHING`;
}

/** While a hint is being followed nobody else takes it; longer, and its process died. */
const LEASE_MS = 60_000;

/**
 * Keeps a message before anything is done about it. Returns its id and which try this is when it is to be handled now: it is
 * new, or its last try failed; null when it is done, dead, or being handled.
 */
export async function storeReceived(ctx: Ctx, inbox: InboxEntry): Promise<{ id: string; attempts: number } | null> {
  const lease = new Date(ctx.clock.now().getTime() + LEASE_MS);
  const { rows } = await ctx.pool.query<{ id: string; attempts: number }>({
    name: 'store_received',
    text: `INSERT INTO webhook_event AS e (id, provider, event_id, kind, status, next_attempt_at, body, received_at)
      VALUES ($1, $2, $3, $4, 'received', $5, $6, $7)
      ON CONFLICT (provider, event_id) DO UPDATE SET next_attempt_at = excluded.next_attempt_at, status = 'received', attempts = e.attempts + 1
        WHERE e.status = 'failed' OR (e.status = 'received' AND e.next_attempt_at <= excluded.received_at)
      RETURNING id, attempts`,
    values: [inbox.id, inbox.providerId, inbox.eventId, inbox.kind, lease, inbox.body, inbox.receivedAt],
  });
  return rows[0] ?? null;
}

/** Marks a kept message as done. */
export async function finishReceived(ctx: Ctx, id: string, result: string): Promise<void> {
  await ctx.pool.query({
    name: 'finish_received',
    text: `UPDATE webhook_event SET status = 'processed', result = $2, error = NULL, next_attempt_at = NULL, processed_at = $3
      WHERE id = $1 AND status IN ('received', 'failed', 'dead')`,
    values: [id, result, ctx.clock.now()],
  });
}

/** Marks a kept message as failed after so many attempts: it is tried again, or dead. Returns when it is tried next. */
export async function failReceived(
  ctx: Ctx,
  { attempts, id }: { id: string; attempts: number },
  cause: unknown,
): Promise<Date | null> {
  const nextAttemptAt = nextAttempt(attempts, ctx.clock.now());
  await ctx.db.webhookEvent.updateMany({
    where: { id, status: { in: ['received', 'failed'] } },
    data: { attempts, status: nextAttemptAt ? 'failed' : 'dead', nextAttemptAt, error: errorCode(cause) },
  });
  return nextAttemptAt;
}

/**
 * Keeps an authentic message about money that nobody could read, as dead: trying again would not help, refusing it would
 * block what comes after it, and reconciliation settles the money meanwhile. False when it is kept already.
 */
export async function storeUnreadable(ctx: Ctx, inbox: InboxEntry): Promise<boolean> {
  const count = await ctx.db.$executeRaw`
    INSERT INTO webhook_event (id, provider, event_id, kind, status, error, body, received_at)
    VALUES (${inbox.id}, ${inbox.providerId}, ${inbox.eventId}, ${inbox.kind}, 'dead', 'malformed_request', ${inbox.body}, ${inbox.receivedAt})
    ON CONFLICT (provider, event_id) DO NOTHING`;
  return count === 1;
}

/** The short code of an error as the inbox shows it: a reason of ours, a provider's or the database's code. Never a message. */
export function errorCode(error: unknown): string {
  if (error instanceof AppError) return error.reason;
  if (error instanceof ProviderError) return error.code;
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
