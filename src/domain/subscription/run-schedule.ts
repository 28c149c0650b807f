import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { GRACE_DAYS, REMINDER_DAYS } from '#domain/entitlement/rules.ts';
import { changeSubscription } from '#domain/subscription/change.ts';

const BATCH = 200;
const DAY_MS = 86_400_000;
/** The provider has this long to tell of a renewal before it counts as failed; access goes on meanwhile. */
const SILENCE_MS = 3_600_000;

/**
 * Moves subscriptions whose time is over: a renewing one without a renewal becomes past due, a cancelled one ends, a past
 * due one ends with its grace. Returns how many moved. Each is locked and judged alone, so several workers may run it.
 */
export async function endSubscriptions(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  const due = await ctx.db.subscription.findMany({
    where: {
      OR: [
        { status: 'active', currentPeriodEnd: { lte: new Date(now.getTime() - SILENCE_MS) } },
        { status: 'cancelling', currentPeriodEnd: { lte: now } },
        { status: 'past_due', currentPeriodEnd: { lte: new Date(now.getTime() - GRACE_DAYS * DAY_MS) } },
      ],
    },
    orderBy: { currentPeriodEnd: 'asc' },
    take: BATCH,
    select: { id: true, status: true },
  });
  let moved = 0;
  for (const { id, status } of due) {
    const event = status === 'past_due' ? 'grace_ended' : 'period_ended';
    const { isChanged } = await changeSubscription(ctx, { subscriptionId: id, event, by: 'hoshi' });
    if (isChanged) moved += 1;
  }
  return moved;
}

/**
 * Queues the notice before a renewal for everyone whose period ends within the reminder days; once per subscription and
 * period, by the job's key. Whether the person wants it is asked when it is sent. Returns how many were looked at.
 */
export async function remindRenewals(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  const due = await ctx.db.$queryRaw<Array<{ id: string; user_id: string; current_period_end: Date }>>`
    SELECT s.id, s.user_id, s.current_period_end FROM subscription s
    WHERE s.status = 'active' AND s.current_period_end > ${now} AND s.current_period_end <= ${new Date(now.getTime() + REMINDER_DAYS * DAY_MS)}
      AND s.current_period_start < ${new Date(now.getTime() - DAY_MS)}
      AND NOT EXISTS (SELECT 1 FROM job j WHERE j.key = 'renewal_ahead:' || s.id || ':' || to_char(s.current_period_end AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
    ORDER BY s.current_period_end LIMIT ${BATCH}`;
  await queueJobs(
    ctx,
    due.map(({ current_period_end, id, user_id }) =>
      noticeJob(
        { userId: user_id, kind: 'renewal_ahead', objectId: id },
        { key: `renewal_ahead:${id}:${current_period_end.toISOString().slice(0, 10)}` },
      ),
    ),
  );
  return due.length;
}
