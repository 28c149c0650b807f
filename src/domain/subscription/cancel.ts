import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { findTelegramId, telegramIdOf } from '#domain/identity/account.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { changeSubscription, findOtherRenewing } from '#domain/subscription/change.ts';
import { getSubscription } from '#domain/subscription/records.ts';
import { setRenewal } from '#domain/subscription/set-renewal.ts';
import type { Subscription } from '#lib/generated/prisma/client.ts';

/**
 * Stops the renewal; access lasts to the period's end. The provider confirms before our state changes, so that nobody is
 * told "cancelled" while they go on paying. Cancelling twice changes nothing. Throws not_found subscription_not_found,
 * precondition_failed subscription_not_active, unavailable provider_unavailable.
 */
export async function cancelSubscription(ctx: Ctx, subscriptionId: string): Promise<Subscription> {
  const subscription = await getSubscription(ctx, subscriptionId);
  requireOwnerOr(ctx, subscription.userId, 'subscriptions:write');
  if (subscription.status === 'cancelling') return subscription;
  if (subscription.status !== 'active' && subscription.status !== 'past_due')
    throw new AppError('precondition_failed', 'subscription_not_active');
  await askProvider(ctx, subscription, false);
  return (await changeSubscription(ctx, { subscriptionId, event: 'cancelled', by: 'hoshi' })).subscription;
}

/**
 * Lets a subscription renew again that was cancelled here. One that was cancelled in Telegram can only be resumed there.
 * Throws not_found subscription_not_found, precondition_failed subscription_not_cancelled | resume_in_telegram |
 * already_subscribed, unavailable provider_unavailable.
 */
export async function resumeSubscription(ctx: Ctx, subscriptionId: string): Promise<Subscription> {
  const subscription = await getSubscription(ctx, subscriptionId);
  requireOwnerOr(ctx, subscription.userId, 'subscriptions:write');
  if (subscription.status === 'active') return subscription;
  const isOver = subscription.currentPeriodEnd <= ctx.clock.now();
  if (subscription.status !== 'cancelling' || isOver)
    throw new AppError('precondition_failed', 'subscription_not_cancelled');
  if (subscription.cancelledBy === 'user') throw new AppError('precondition_failed', 'resume_in_telegram');
  if (await findOtherRenewing(ctx, subscription)) throw new AppError('precondition_failed', 'already_subscribed');
  await askProvider(ctx, subscription, true);
  return (await changeSubscription(ctx, { subscriptionId, event: 'restored', by: 'hoshi' })).subscription;
}

/**
 * The job behind a purchase that takes a subscription's place, and behind a refund: makes sure the provider charges no
 * more. Safe to run again. Throws ProviderError `unavailable` so that the job is tried later.
 */
export async function stopRenewal(ctx: Ctx, subscriptionId: string): Promise<void> {
  const subscription = await getSubscription(ctx, subscriptionId);
  const payerId = await findTelegramId(ctx, subscription.userId);
  try {
    await setRenewal(ctx, {
      providerId: subscription.provider,
      chargeId: subscription.firstChargeId,
      payerId,
      renews: false,
    });
  } catch (error) {
    // Telegram may have ended it with the refund or with its last period; then there is nothing left to stop. Of somebody
    // who was erased it cannot be told: what is charged all the same goes back.
    const isOver = payerId === null || subscription.status === 'revoked' || subscription.status === 'expired';
    if (!(error instanceof ProviderError) || error.failure !== 'invalid' || !isOver) throw error;
    ctx.log.info({ subscriptionId, code: error.code }, 'renewal was stopped already');
  }
  await changeSubscription(ctx, { subscriptionId, event: 'cancelled', by: 'hoshi' });
}

async function askProvider(ctx: Ctx, subscription: Subscription, renews: boolean): Promise<void> {
  const payerId = await telegramIdOf(ctx, subscription.userId);
  try {
    await setRenewal(ctx, {
      providerId: subscription.provider,
      chargeId: subscription.firstChargeId,
      payerId,
      renews,
    });
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    ctx.log.warn(
      { subscriptionId: subscription.id, failure: error.failure, code: error.code },
      'provider did not change the renewal',
    );
    if (error.failure === 'misconfigured') throw new AppError('internal', 'provider_misconfigured', { cause: error });
    if (error.failure === 'unavailable')
      throw new AppError('unavailable', 'provider_unavailable', {
        retryAfterSeconds: error.retryAfterSeconds ?? 5,
        cause: error,
      });
    throw new AppError('precondition_failed', 'provider_declined', { cause: error });
  }
}
