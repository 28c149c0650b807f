import type { Ctx } from '#domain/context/context.ts';
import { telegramIdOf } from '#domain/identity/account.ts';
import { ProviderError } from '#domain/provider.ts';
import { setRenewal } from '#domain/subscription/set-renewal.ts';

/**
 * A subscription that was bought a second time by accident goes back as surplus; this stops the provider from charging
 * it every month. Safe to run again. Throws ProviderError `unavailable` so that the job is tried later.
 */
export async function cancelSurplusRenewal(ctx: Ctx, paymentId: string): Promise<void> {
  const payment = await ctx.db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const payerId = await telegramIdOf(ctx, payment.userId);
  try {
    await setRenewal(ctx, {
      providerId: payment.provider,
      chargeId: payment.chargeId,
      payerId,
      renews: false,
    });
  } catch (error) {
    // The refund may have ended the subscription at the provider already.
    if (!(error instanceof ProviderError) || error.failure !== 'invalid') throw error;
    ctx.log.info({ paymentId, code: error.code }, 'surplus subscription was over already');
  }
}
