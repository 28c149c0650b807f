import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { applyStored, readStored } from '#domain/webhook/retry.ts';

export type Replay = Readonly<{
  eventId: string;
  kind: string;
  isDryRun: boolean;
  outcome: 'applied' | 'duplicate' | 'ignored' | 'would_apply' | 'would_repeat';
}>;

/**
 * Applies a stored event again, as an operator's answer to a dead one; whatever stands already stays as it is. A dry run
 * says whether the charge or refund is known, and writes nothing. Needs `webhooks:replay` or an admin. Throws
 * not_found webhook_event_not_found, precondition_failed webhook_event_body_gone, and what applying throws.
 */
export async function replayWebhook(ctx: Ctx, request: { id: string; isDryRun: boolean }): Promise<Replay> {
  requireScope(ctx, 'webhooks:replay');
  const row = await ctx.db.webhookEvent.findUnique({ where: { id: request.id } });
  if (!row) throw new AppError('not_found', 'webhook_event_not_found');
  const said = { eventId: row.id, kind: row.kind, isDryRun: request.isDryRun };
  if (request.isDryRun)
    return {
      ...said,
      outcome: (await isKnown(ctx, row.provider, readStored(ctx, row))) ? 'would_repeat' : 'would_apply',
    };
  const outcome = await applyStored(ctx, row);
  await recordAudit(ctx, { action: 'webhook.replayed', objectId: row.id, data: { outcome } });
  return { ...said, outcome };
}

async function isKnown(ctx: Ctx, provider: string, event: ReturnType<typeof readStored>): Promise<boolean> {
  if (event.type === 'subscription_changed') return false;
  const payment = await ctx.db.payment.findUnique({
    where: { provider_chargeId: { provider, chargeId: event.chargeId } },
  });
  return event.type === 'payment_succeeded' ? payment !== null : payment?.status === 'refunded';
}
