import { recordAudit } from '#domain/audit/record.ts';
import { TOLD_DAYS } from '#domain/billing-key/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';

const BATCH = 200;

/**
 * Tells owners that a key of theirs ends in 30, 7 or 1 days, and that it has ended; each once, as the row remembers. Retires
 * nothing: whether a key can be encrypted to is asked of its end when it is used. Returns how many were told.
 */
export async function remindKeyEnds(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  return inTransaction(ctx, async (tx) => {
    const due = await tx.db.$queryRaw<Array<{ id: string; user_id: string; days: number }>>`
      UPDATE billing_key k SET told_days = due.days
      FROM (SELECT id, ends.days FROM billing_key, LATERAL (SELECT min(d) AS days FROM unnest(${[...TOLD_DAYS]}::int[]) AS d
          WHERE expires_at <= ${now}::timestamptz + make_interval(days => d)) AS ends
        WHERE status = 'active' AND expires_at <= ${now}::timestamptz + make_interval(days => ${Math.max(...TOLD_DAYS)}::int)
          AND (told_days IS NULL OR told_days > ends.days)
        ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE OF billing_key SKIP LOCKED) AS due
      WHERE k.id = due.id
      RETURNING k.id, k.user_id, due.days`;
    for (const { days, id } of due)
      if (days === 0) await recordAudit(tx, { action: 'billing_key.expired', objectId: id });
    await queueJobs(
      tx,
      due.map(({ id, user_id }) => noticeJob({ userId: user_id, kind: 'key_expiring', objectId: id })),
    );
    return due.length;
  });
}
