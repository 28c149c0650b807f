import type { Ctx } from '#domain/context/context.ts';
import type { InboxEntry } from '#domain/context/inbox.ts';
import { recordRefund } from '#domain/payment/record-refund.ts';
import { settlePayment } from '#domain/payment/settle.ts';
import type { ProviderEvent } from '#domain/provider.ts';
import { applySubscriptionEvent } from '#domain/subscription/apply-event.ts';

/** Brings an event of a provider to its effect, once; the inbox row is written with it. */
export async function applyEvent(
  ctx: Ctx,
  received: { providerId: string; event: ProviderEvent; inbox: InboxEntry },
): Promise<'applied' | 'duplicate' | 'ignored'> {
  const { event, inbox, providerId } = received;
  switch (event.type) {
    case 'payment_succeeded': {
      const outcome = await settlePayment(ctx, { providerId, event, inbox });
      if (outcome === 'applied') ctx.metrics.payments.inc({ provider: providerId, kind: event.renewal });
      return outcome;
    }
    case 'payment_refunded':
      return recordRefund(ctx, { providerId, event, inbox });
    case 'subscription_changed':
      return applySubscriptionEvent(ctx, { event, inbox });
  }
}
