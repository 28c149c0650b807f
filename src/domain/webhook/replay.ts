import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
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

/** Whether what a message tells stands already, as far as that can be said without asking its provider. */
async function isKnown(ctx: Ctx, provider: string, reading: ReturnType<typeof readStored>): Promise<boolean> {
  const chargeId = reading.kind === 'hint' ? reading.about.chargeId : chargeOf(reading.event);
  if (chargeId === null) return false;
  const where = { provider_chargeId: { provider, chargeId } };
  const payment = await ctx.db.payment.findUnique({ where, include: { refunds: true, disputes: true } });
  if (reading.kind === 'hint') return payment !== null;
  const { event } = reading;
  switch (event.type) {
    case 'payment_succeeded':
      return payment !== null;
    case 'payment_refunded':
      return (
        payment?.refunds.some(({ reference, status }) => reference === event.reference && status === 'succeeded') ??
        false
      );
    case 'refund_part_paid':
      return payment?.refunds.some(({ reference }) => reference === event.part) ?? false;
    case 'refund_failed':
      return (
        payment?.refunds.some(({ reference, status }) => reference === event.reference && status === 'failed') ?? false
      );
    case 'payment_disputed':
      return (
        payment?.disputes.some(({ reference, status }) => reference === event.reference && status === event.status) ??
        false
      );
    default:
      return false;
  }
}

function chargeOf(event: ProviderEvent): string | null {
  return 'chargeId' in event ? event.chargeId : null;
}
