import { closeCheckout } from '#domain/checkout/close.ts';
import type { Ctx } from '#domain/context/context.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';

/**
 * The job behind an order that was closed here: closes its checkout at the provider, and asks what is true where somebody
 * was quicker. Safe to run again. Throws ProviderError, so that it is tried later.
 */
export async function closeAndAsk(ctx: Ctx, attemptId: string): Promise<void> {
  const attempt = await ctx.db.paymentAttempt.findUnique({ where: { id: attemptId } });
  if (!attempt || attempt.reference === null) return;
  const { invoiceId, provider: providerId, reference } = attempt;
  if ((await closeCheckout(ctx, attempt)) === 'busy')
    await convergeOrder(ctx, { providerId, about: { invoiceId, reference, chargeId: null } });
}
