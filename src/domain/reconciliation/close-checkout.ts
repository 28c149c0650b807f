import { closeCheckout, withdrawTransfer } from '#domain/checkout/close.ts';
import type { Ctx } from '#domain/context/context.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';

/**
 * The job behind an order that was closed here: closes its checkout at the provider, and asks what is true where somebody
 * was quicker. Safe to run again. Throws ProviderError, so that it is tried later.
 */
export async function closeAndAsk(ctx: Ctx, attemptId: string): Promise<void> {
  const attempt = await ctx.db.paymentAttempt.findUnique({ where: { id: attemptId }, include: { invoice: true } });
  if (!attempt || attempt.reference === null) return;
  const { invoice, provider, reference } = attempt;
  if ((await closeCheckout(ctx, attempt)) === 'closed') return;
  // Whoever cancelled an order means not to pay it: a transfer that is awaited for it is called off.
  if (invoice.status === 'cancelled') await withdrawTransfer(ctx, { provider, reference });
  await convergeOrder(ctx, { providerId: provider, about: { invoiceId: invoice.id, reference, chargeId: null } });
}
