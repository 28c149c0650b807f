import { recordAudit } from '#domain/audit/record.ts';
import { accessEnd } from '#domain/catalog/rules.ts';
import type { Ctx } from '#domain/context/context.ts';

/**
 * After time of a plan was revoked: time that was bought to follow it begins as early as its own payment allows, so that
 * nobody waits out a year that was given back. `from` is where the revoked time began. In the transaction of `tx`, under
 * the lock that purchases of time take.
 */
export async function bringForward(tx: Ctx, gap: { userId: string; planId: string; from: Date }): Promise<void> {
  const { from, planId, userId } = gap;
  await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('time:' || ${userId} || ':' || ${planId}, 0))`;
  const held = { userId, planId, revokedAt: null };
  const before = await tx.db.entitlement.aggregate({
    where: { ...held, startsAt: { lt: from } },
    _max: { endsAt: true },
  });
  const following = await tx.db.entitlement.findMany({
    where: { ...held, subscriptionId: null, startsAt: { gte: from }, endsAt: { not: null } },
    include: { payment: { include: { invoice: { select: { interval: true } } } } },
    orderBy: [{ startsAt: 'asc' }, { id: 'asc' }],
    take: 100,
  });
  let free = before._max.endsAt;
  for (const right of following) {
    if (!right.payment || !right.endsAt) continue;
    const { paidAt } = right.payment;
    const start = free && free > paidAt ? free : paidAt;
    const end = accessEnd(start, right.payment.invoice.interval);
    free = end;
    if (start >= right.startsAt) continue;
    await tx.db.entitlement.update({ where: { id: right.id }, data: { startsAt: start, endsAt: end } });
    await tx.db.payment.update({ where: { id: right.payment.id }, data: { periodStart: start, periodEnd: end } });
    await recordAudit(tx, { action: 'entitlement.brought_forward', objectId: right.id });
  }
}
