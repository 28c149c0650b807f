import { type Ctx, newId } from '#domain/context/context.ts';
import type { InboxEntry } from '#domain/context/inbox.ts';
import { AppError } from '#domain/errors.ts';
import { ProviderError } from '#domain/provider.ts';
import { nextAttempt } from '#domain/webhook/rules.ts';
import { sealBytes } from '#lib/crypto.ts';

/** A provider's message as the inbox keeps it, its body sealed under the server's key. */
export function toInbox(
  ctx: Ctx,
  providerId: string,
  { body, eventId, kind }: { eventId: string; kind: string; body: Uint8Array },
): InboxEntry {
  const sealed = sealBytes(ctx.dataKey, body);
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
