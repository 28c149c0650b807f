import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import type { Subscription } from '#lib/generated/prisma/client.ts';

const MAX_ROWS = 50;

/** A person's subscriptions, newest first, at most 50. */
export async function listSubscriptions(ctx: Ctx, userId: string): Promise<Subscription[]> {
  requireOwnerOr(ctx, userId, 'subscriptions:read');
  return ctx.db.subscription.findMany({
    where: { userId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: MAX_ROWS,
  });
}

/** A subscription by id. A stranger's looks like none: `not_found subscription_not_found`. */
export async function getSubscription(ctx: Ctx, subscriptionId: string): Promise<Subscription> {
  const hidden = new AppError('not_found', 'subscription_not_found');
  const subscription = await ctx.db.subscription.findUnique({ where: { id: subscriptionId } });
  if (!subscription) throw hidden;
  requireOwnerOr(ctx, subscription.userId, 'subscriptions:read', hidden);
  return subscription;
}
