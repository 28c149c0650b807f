import type { Ctx } from '#domain/context/context.ts';
import { findTelegramId } from '#domain/identity/account.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { setRenewal } from '#domain/subscription/set-renewal.ts';

/**
 * A subscription that was bought a second time by accident goes back as surplus; this stops the provider from charging
 * it every month, also one whose buyer was erased since. `firstChargeId`: by which the provider knows it, the payment's own when null.
 * Safe to run again. Throws ProviderError `unavailable` so that the job is tried later.
 */
export async function cancelSurplusRenewal(
  ctx: Ctx,
  paymentId: string,
  firstChargeId: string | null = null,
): Promise<void> {
  const payment = await ctx.db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const payerId = await findTelegramId(ctx, payment.userId);
  try {
    await setRenewal(ctx, {
      providerId: payment.provider,
      chargeId: firstChargeId ?? payment.chargeId,
      payerId,
      renews: false,
    });
  } catch (error) {
    // The refund may have ended the subscription at the provider already, or its payer is known to nobody any more.
    if (!(error instanceof ProviderError) || error.failure !== 'invalid') throw error;
    ctx.log.info({ paymentId, code: error.code }, 'surplus subscription was over already');
  }
}
