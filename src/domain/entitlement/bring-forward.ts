import { recordAudit } from '#domain/audit/record.ts';
import { accessEnd } from '#domain/catalog/rules.ts';
import type { Ctx } from '#domain/context/context.ts';

/**
 * After time of a plan was revoked: time that was bought to follow it begins where it would have begun without it, so
 * that nobody waits out a year that was given back. Time that has begun stays where it is: a late refund must not end it.
 * `from` is where the revoked time began. In the transaction of `tx`, under the lock that purchases of time take.
 */
export async function bringForward(tx: Ctx, gap: { userId: string; planId: string; from: Date }): Promise<void> {
  const { from, planId, userId } = gap;
  await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('time:' || ${userId} || ':' || ${planId}, 0))`;
  // In the order they were settled: each purchase followed the time that stood then, renewals of months included.
  const held = await tx.db.entitlement.findMany({
    where: { userId, planId, revokedAt: null, endsAt: { not: null } },
    include: { payment: { include: { invoice: { select: { interval: true } } } } },
    orderBy: [{ createdAt: 'asc' }, { startsAt: 'asc' }, { id: 'asc' }],
  });
  const now = tx.clock.now();
  let free: Date | null = null;
  for (const { endsAt, id, payment, startsAt, subscriptionId } of held) {
    let end = endsAt;
    if (payment && subscriptionId === null && startsAt >= from && startsAt > now) {
      const { paidAt } = payment;
      const start = free && free > paidAt ? free : paidAt;
      if (start < startsAt) {
        end = accessEnd(start, payment.invoice.interval);
        await tx.db.entitlement.update({ where: { id }, data: { startsAt: start, endsAt: end } });
        await tx.db.payment.update({ where: { id: payment.id }, data: { periodStart: start, periodEnd: end } });
        await recordAudit(tx, { action: 'entitlement.brought_forward', objectId: id });
      }
    }
    if (end && (!free || end > free)) free = end;
  }
}
