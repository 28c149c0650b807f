import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { ProviderReading } from '#domain/provider/contract.ts';
import { type Applied, applyEvent } from '#domain/reconciliation/apply.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';
import { failReceived, finishReceived } from '#domain/webhook/store.ts';
import type { WebhookEvent } from '#lib/generated/prisma/client.ts';
import { describeError } from '#lib/log.ts';

const BATCH = 50;
const LEASE_MS = 60_000;

/** Tries events that failed or were left unfinished and are due; returns how many became processed. Several workers share the work by claiming rows. */
export async function retryWebhooks(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  const claimed = await ctx.db.$queryRaw<Array<{ id: string }>>`
    UPDATE webhook_event SET next_attempt_at = ${new Date(now.getTime() + LEASE_MS)}
    WHERE id IN (SELECT id FROM webhook_event WHERE status IN ('received', 'failed') AND next_attempt_at <= ${now} ORDER BY next_attempt_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
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
    const next = await failReceived(ctx, { id: row.id, attempts }, error);
    const log = { event: row.id, kind: row.kind, attempts, error: describeError(error) };
    if (next) ctx.log.warn(log, 'event failed again');
    else ctx.log.error(log, 'event is dead: look at it and replay it');
    return false;
  }
}

/** Applies a stored message from its sealed body. Throws `precondition_failed webhook_event_body_gone` after the retention. */
export async function applyStored(ctx: Ctx, row: WebhookEvent): Promise<Applied> {
  const { id, provider: providerId } = row;
  const reading = readStored(ctx, row);
  const asProvider = asActor(ctx, { kind: 'provider', providerId }, ctx.requestId);
  if (reading.kind === 'hint') {
    const outcome = await convergeOrder(asProvider, { providerId, about: reading.about });
    await finishReceived(ctx, id, outcome);
    return outcome;
  }
  const inbox = { id, providerId, eventId: row.eventId, kind: row.kind, receivedAt: row.receivedAt, body: null };
  return applyEvent(asProvider, { providerId, event: reading.event, inbox });
}

/** Translates a stored body again. It was verified when it was received, so its signature is not asked for. */
export function readStored(
  ctx: Ctx,
  row: Pick<WebhookEvent, 'body' | 'provider' | 'receivedAt'>,
): Extract<ProviderReading, { kind: 'event' | 'hint' }> {
  const provider = ctx.providers.get(row.provider);
  if (!provider || !row.body) throw new AppError('precondition_failed', 'webhook_event_body_gone');
  const reading = provider.readStored(ctx.vault.open(row.body), row.receivedAt);
  if (reading.kind === 'event' || reading.kind === 'hint') return reading;
  throw new AppError('precondition_failed', 'webhook_event_body_gone');
}
