import { type Ctx, newId } from '#domain/context/context.ts';

/** A message being handled for longer than this belongs to a process that died: the next delivery may have it. */
const LEASE_MS = 30_000;

/**
 * Claims a provider's message that is not about money, so that a repeated delivery is not answered twice.
 * `claimed`: handle it, then call finishMessage. `done`: it was handled. `busy`: another process has it right now.
 */
export async function claimMessage(
  ctx: Ctx,
  message: { providerId: string; eventId: string; kind: string },
): Promise<'claimed' | 'done' | 'busy'> {
  const now = ctx.clock.now();
  const rows = await ctx.db.$queryRaw<Array<{ claimed: boolean }>>`
    INSERT INTO webhook_event (id, provider, event_id, kind, status, received_at)
    VALUES (${newId(ctx, 'whe')}, ${message.providerId}, ${message.eventId}, ${message.kind}, 'ignored', ${now})
    ON CONFLICT (provider, event_id) DO UPDATE SET received_at = excluded.received_at, attempts = webhook_event.attempts + 1
      WHERE webhook_event.processed_at IS NULL AND webhook_event.status = 'ignored' AND webhook_event.received_at < ${new Date(now.getTime() - LEASE_MS)}
    RETURNING true AS claimed`;
  if (rows.length > 0) return 'claimed';
  const standing = await ctx.db.webhookEvent.findUnique({
    where: { provider_eventId: { provider: message.providerId, eventId: message.eventId } },
  });
  return standing?.processedAt ? 'done' : 'busy';
}

/** Marks a claimed message as handled. */
export async function finishMessage(ctx: Ctx, message: { providerId: string; eventId: string }): Promise<void> {
  await ctx.db.webhookEvent.updateMany({
    where: { provider: message.providerId, eventId: message.eventId, status: 'ignored' },
    data: { processedAt: ctx.clock.now() },
  });
}

/** Gives a claimed message back, because it could not be handled now. */
export async function releaseMessage(ctx: Ctx, message: { providerId: string; eventId: string }): Promise<void> {
  await ctx.db.webhookEvent.deleteMany({
    where: { provider: message.providerId, eventId: message.eventId, status: 'ignored', processedAt: null },
  });
}
