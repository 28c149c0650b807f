import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { DAY_MS, REMINDER_DAYS } from '#domain/entitlement/rules.ts';

const BATCH = 200;

/**
 * Queues the notice before time that was paid once ends, for everyone whose right ends within the reminder days and is not
 * followed by another to the same plan; once per right and end, by the job's key. Subscriptions have their own notices.
 * Whether the person wants it is asked when it is sent. Returns how many were queued.
 */
export async function remindEnds(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  const until = new Date(now.getTime() + REMINDER_DAYS * DAY_MS);
  const due = await ctx.db.$queryRaw<Array<{ id: string; user_id: string; payment_id: string; ends_at: Date }>>`
    SELECT e.id, e.user_id, e.payment_id, e.ends_at FROM entitlement e
    WHERE e.subscription_id IS NULL AND e.revoked_at IS NULL AND e.payment_id IS NOT NULL
      AND e.ends_at > ${now} AND e.ends_at <= ${until} AND e.starts_at < ${new Date(now.getTime() - DAY_MS)}
      AND NOT EXISTS (SELECT 1 FROM entitlement l WHERE l.user_id = e.user_id AND l.product_id = e.product_id AND l.plan_id = e.plan_id
        AND l.revoked_at IS NULL AND (l.ends_at IS NULL OR l.ends_at > e.ends_at))
      AND NOT EXISTS (SELECT 1 FROM job j WHERE j.key = 'end_ahead:' || e.id || ':' || to_char(e.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
    ORDER BY e.ends_at LIMIT ${BATCH}`;
  await queueJobs(
    ctx,
    due.map(({ ends_at, id, payment_id, user_id }) =>
      noticeJob(
        { userId: user_id, kind: 'end_ahead', objectId: payment_id },
        { key: `end_ahead:${id}:${ends_at.toISOString().slice(0, 10)}` },
      ),
    ),
  );
  return due.length;
}
