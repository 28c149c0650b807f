import type { Ctx } from '#domain/context/context.ts';
import type { InboxEntry } from '#domain/context/inbox.ts';
import { recordDispute } from '#domain/payment/record-dispute.ts';
import { recordRefund, recordRefundFailure, recordRefundPart } from '#domain/payment/record-refund.ts';
import { settlePayment } from '#domain/payment/settle.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import { recordFailure } from '#domain/reservation/fail.ts';
import { holdOrder } from '#domain/reservation/hold.ts';
import { applySubscriptionEvent } from '#domain/subscription/apply-event.ts';

export type Applied = 'applied' | 'duplicate' | 'ignored';

/**
 * Brings an event of a provider to its effect, once. `inbox` is the message that told it; null when the provider was asked,
 * by `reference` where a checkout was asked about.
 */
export async function applyEvent(
  ctx: Ctx,
  received: { providerId: string; event: ProviderEvent; inbox: InboxEntry | null; reference?: string | null },
): Promise<Applied> {
  const { event, inbox, providerId } = received;
  switch (event.type) {
    case 'payment_succeeded': {
      const outcome = await settlePayment(ctx, { providerId, event, inbox });
      if (outcome === 'applied') ctx.metrics.payments.inc({ provider: providerId, kind: event.renewal });
      return outcome;
    }
    case 'payment_pending':
      return holdOrder(ctx, { providerId, event, inbox });
    case 'payment_failed':
      return recordFailure(ctx, { providerId, event, inbox, reference: received.reference ?? null });
    case 'payment_refunded':
      return recordRefund(ctx, { providerId, event, inbox });
    case 'refund_part_paid':
      return recordRefundPart(ctx, { providerId, event, inbox });
    case 'refund_failed':
      return recordRefundFailure(ctx, { providerId, event, inbox });
    case 'payment_disputed':
      return recordDispute(ctx, { providerId, event, inbox });
    case 'subscription_changed':
      return applySubscriptionEvent(ctx, { event, inbox });
  }
}
