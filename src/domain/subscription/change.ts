import { recordAudit } from '#domain/audit/record.ts';
import { keepRecord } from '#domain/billing-record/keep.ts';
import type { Ctx } from '#domain/context/context.ts';
import { type JobRequest, type NoticeKind, noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { graceEnd, isTimely, nextSubscriptionStatus, type SubscriptionEvent } from '#domain/subscription/rules.ts';
import type { Subscription } from '#lib/generated/prisma/client.ts';

/** What the person is told after an event that changed the state. */
const NOTICES: Partial<Record<SubscriptionEvent, NoticeKind>> = {
  cancelled: 'subscription_cancelled',
  restored: 'subscription_resumed',
  grace_ended: 'subscription_ended',
};

/** Who made the change: it decides who can undo a cancellation. */
export type ChangedBy = 'user' | 'hoshi';

/**
 * Applies an event to a subscription under a row lock, with its audit row and notice, in the transaction of `ctx` or an
 * own one. Returns the subscription and whether anything changed; an event that does not fit the state changes nothing.
 */
export async function changeSubscription(
  ctx: Ctx,
  change: { subscriptionId: string; event: SubscriptionEvent; by: ChangedBy },
): Promise<{ subscription: Subscription; isChanged: boolean }> {
  const { by, event, subscriptionId } = change;
  return inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT id FROM subscription WHERE id = ${subscriptionId} FOR UPDATE`;
    const before = await tx.db.subscription.findUnique({ where: { id: subscriptionId } });
    if (!before) throw new AppError('not_found', 'subscription_not_found');
    const status = nextSubscriptionStatus(before.status, event);
    if (!status || status === before.status) return { subscription: before, isChanged: false };
    const now = tx.clock.now();
    // Another subscription to the plan renews already (subscription_one_renewing): this one cannot come back beside it.
    const isBarred =
      !isTimely(event, before.currentPeriodEnd, now) ||
      (status === 'active' && (await findOtherRenewing(tx, before)) !== null);
    if (isBarred) return { subscription: before, isChanged: false };
    const subscription = await tx.db.subscription.update({
      where: { id: subscriptionId },
      data: {
        status,
        cancelledBy: status === 'cancelling' ? by : null,
        graceUntil: status === 'past_due' ? graceEnd(before.currentPeriodEnd) : null,
        endedAt: status === 'expired' ? now : null,
      },
    });
    await recordAudit(tx, {
      action: `subscription.${event}`,
      objectId: subscriptionId,
      data: { from: before.status, to: status, by },
    });
    await keepRecord(tx, {
      userId: subscription.userId,
      type: 'subscription_change',
      // A subscription changes many times.
      objectId: `${subscriptionId}/${now.getTime()}`,
      facts: { reason: event },
    });
    await queueJobs(tx, noticesAfter(event, subscription));
    return { subscription, isChanged: true };
  });
}

/** A period that ended in silence is told as a failed renewal; one that was cancelled before ends without a word. */
function noticesAfter(event: SubscriptionEvent, { id, status, userId }: Subscription): JobRequest[] {
  const kind = status === 'past_due' ? 'renewal_failed' : NOTICES[event];
  return kind ? [noticeJob({ userId, kind, objectId: id })] : [];
}

/** Another renewing subscription of the same person to the same plan; there is at most one. */
export async function findOtherRenewing(ctx: Ctx, subscription: Subscription): Promise<Subscription | null> {
  const { id, planId, userId } = subscription;
  return ctx.db.subscription.findFirst({ where: { userId, planId, status: 'active', id: { not: id } } });
}
