import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { closeInbox, type InboxEntry } from '#domain/context/inbox.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import { changeSubscription } from '#domain/subscription/change.ts';
import type { SubscriptionEvent } from '#domain/subscription/rules.ts';

export type SubscriptionChangedEvent = Extract<ProviderEvent, { type: 'subscription_changed' }>;

const EVENTS: Record<SubscriptionChangedEvent['change'], SubscriptionEvent> = {
  cancelled: 'cancelled',
  restored: 'restored',
  renewal_failed: 'renewal_failed',
};

/**
 * Applies what the provider tells of a subscription: the person cancelled or resumed it there, or a renewal failed.
 * Throws `not_found subscription_not_found` when its first charge is not settled yet; the inbox tries again later.
 */
export async function applySubscriptionEvent(
  ctx: Ctx,
  request: { event: SubscriptionChangedEvent; inbox: InboxEntry | null },
): Promise<'applied' | 'duplicate' | 'ignored'> {
  const { event, inbox } = request;
  return inTransaction(ctx, async (tx) => {
    const stored = inbox && (await findStored(tx, inbox));
    if (stored?.status === 'processed') return 'duplicate';
    const subscription = await tx.db.subscription.findUnique({ where: { invoiceId: event.invoiceId } });
    if (!subscription && (await isSurplus(tx, event))) return close(tx, inbox, 'ignored');
    if (!subscription) throw new AppError('not_found', 'subscription_not_found');
    const payer = await findUserByTelegramId(tx, event.payerId);
    // A second, surplus subscription of a stranger to the same forwarded link is not this one.
    const isOwners = payer?.id === subscription.userId;
    const subscriptionId = subscription.id;
    if (await isOvertaken(tx, subscriptionId, stored?.receivedAt ?? inbox?.receivedAt ?? event.occurredAt))
      return close(tx, inbox, 'ignored');
    const { isChanged, subscription: after } = isOwners
      ? await changeSubscription(tx, { subscriptionId, event: EVENTS[event.change], by: 'user' })
      : { isChanged: false, subscription };
    // What the person wants stands also where nothing had to change: an earlier message that is tried again must see it.
    if (isOwners && !isChanged && event.change !== 'renewal_failed')
      await recordAudit(tx, { action: CONFIRMED, objectId: subscriptionId, data: { change: event.change } });
    // Restored in Telegram beside another one to the same plan: it must not be charged for, so Telegram is told to stop.
    if (isOwners && event.change === 'restored' && after.status === 'cancelling')
      await queueJobs(tx, [
        { name: 'stop_renewal', lane: `subscription:${subscriptionId}`, payload: { subscriptionId } },
      ]);
    return close(tx, inbox, isChanged ? 'applied' : 'ignored');
  });
}

async function close<Outcome extends string>(tx: Ctx, inbox: InboxEntry | null, outcome: Outcome): Promise<Outcome> {
  await closeInbox(tx, inbox, outcome);
  return outcome;
}

/** Whether the message is about a subscription that was given back as surplus: it exists at the provider only. */
async function isSurplus(tx: Ctx, event: SubscriptionChangedEvent): Promise<boolean> {
  const payer = await findUserByTelegramId(tx, event.payerId);
  if (!payer) return false;
  return (await tx.db.payment.count({ where: { invoiceId: event.invoiceId, userId: payer.id, kind: 'surplus' } })) > 0;
}

const CONFIRMED = 'subscription.confirmed';
const CHANGES = [...Object.values(EVENTS).map((event) => `subscription.${event}`), CONFIRMED];

/** A message that failed at first and is tried again must not undo one that came after it. */
async function isOvertaken(tx: Ctx, subscriptionId: string, receivedAt: Date): Promise<boolean> {
  const later = await tx.db.auditEvent.findFirst({
    where: { objectId: subscriptionId, action: { in: CHANGES }, at: { gt: receivedAt } },
    select: { seq: true },
  });
  return later !== null;
}

/**
 * How the message stands in the inbox. These messages carry no time: one that was processed could, coming a second time,
 * undo what happened since, and one that failed is as old as its first delivery.
 */
async function findStored(tx: Ctx, inbox: InboxEntry) {
  const provider_eventId = { provider: inbox.providerId, eventId: inbox.eventId };
  return tx.db.webhookEvent.findUnique({ where: { provider_eventId }, select: { status: true, receivedAt: true } });
}
