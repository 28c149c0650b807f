import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { ProviderEvent } from '#domain/provider.ts';
import { applyEvent } from '#domain/webhook/apply.ts';
import { nextAttempt } from '#domain/webhook/rules.ts';
import { errorCode } from '#domain/webhook/store.ts';
import { openBytes } from '#lib/crypto.ts';
import type { WebhookEvent } from '#lib/generated/prisma/client.ts';
import { describeError } from '#lib/log.ts';

const BATCH = 50;
const LEASE_MS = 60_000;

/** Tries failed events that are due; returns how many became processed. Several workers share the work by claiming rows. */
export async function retryWebhooks(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  const claimed = await ctx.db.$queryRaw<Array<{ id: string }>>`
    UPDATE webhook_event SET next_attempt_at = ${new Date(now.getTime() + LEASE_MS)}
    WHERE id IN (SELECT id FROM webhook_event WHERE status = 'failed' AND next_attempt_at <= ${now} ORDER BY next_attempt_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING id`;
  let processed = 0;
  for (const { id } of claimed)
    if (await retryOne(ctx, await ctx.db.webhookEvent.findUniqueOrThrow({ where: { id } }))) processed += 1;
  return processed;
}

async function retryOne(ctx: Ctx, row: WebhookEvent): Promise<boolean> {
  try {
    await applyStored(ctx, row);
    return true;
  } catch (error) {
    const attempts = row.attempts + 1;
    const next = nextAttempt(attempts, ctx.clock.now());
    await ctx.db.webhookEvent.updateMany({
      where: { id: row.id, status: 'failed' },
      data: { attempts, status: next ? 'failed' : 'dead', nextAttemptAt: next, error: errorCode(error) },
    });
    const log = { event: row.id, kind: row.kind, attempts, error: describeError(error) };
    if (next) ctx.log.warn(log, 'event failed again');
    else ctx.log.error(log, 'event is dead: look at it and replay it');
    return false;
  }
}

/** Applies a stored event from its sealed body. Throws `precondition_failed webhook_event_body_gone` after the retention. */
export async function applyStored(ctx: Ctx, row: WebhookEvent): Promise<'applied' | 'duplicate' | 'ignored'> {
  const event = readStored(ctx, row);
  const inbox = {
    id: row.id,
    providerId: row.provider,
    eventId: row.eventId,
    kind: row.kind,
    receivedAt: row.receivedAt,
    body: null,
  };
  const asProvider = asActor(ctx, { kind: 'provider', providerId: row.provider }, ctx.requestId);
  return applyEvent(asProvider, { providerId: row.provider, event, inbox });
}

/** Translates a stored body again. It was verified when it was received, so its signature is not asked for. */
export function readStored(ctx: Ctx, row: Pick<WebhookEvent, 'body' | 'provider' | 'receivedAt'>): ProviderEvent {
  const provider = ctx.providers.get(row.provider);
  if (!provider || !row.body) throw new AppError('precondition_failed', 'webhook_event_body_gone');
  const reading = provider.readStored(openBytes(ctx.dataKey, row.body), row.receivedAt);
  if (reading.kind !== 'event') throw new AppError('precondition_failed', 'webhook_event_body_gone');
  return reading.event;
}
