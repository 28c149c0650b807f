import { recordAudit } from '#domain/audit/record.ts';
import { type Obstacle, obstaclesEndedBy } from '#domain/billing-record/rules.ts';
import { deliveryOf } from '#domain/billing-record/seal.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';

type Queued = { id: string; user_id: string; created_at: Date };

/**
 * Has a record sent that waits for its owner's word: one of which nobody knows whether it arrived, one that was refused, one
 * that was not to be delivered. Throws `not_found record_not_found`, `precondition_failed record_not_held` for one that
 * arrived, is on its way, or will go by itself.
 */
export async function sendAgain(ctx: Ctx, { recordId, userId }: { userId: string; recordId: string }): Promise<void> {
  requireOwnerOr(ctx, userId, 'subscriptions:write');
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.billingRecord.updateMany({
      where: { id: recordId, userId, status: 'sealed', obstacle: { in: obstaclesEndedBy('owner') } },
      data: { obstacle: null },
    });
    if (count === 0) {
      const record = await tx.db.billingRecord.findUnique({ where: { id: recordId, userId }, select: { id: true } });
      throw record
        ? new AppError('precondition_failed', 'record_not_held')
        : new AppError('not_found', 'record_not_found');
    }
    await queueJobs(tx, [deliveryOf({ id: recordId, user_id: userId })]);
    await recordAudit(tx, { action: 'record.sent_again', objectId: recordId });
  });
}

/** Queues a person's records again that were held by these obstacles, oldest first. Returns how many. */
export async function queueHeld(ctx: Ctx, userId: string, obstacles: ReadonlyArray<Obstacle>): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const rows = await tx.db.$queryRaw<Queued[]>`
      UPDATE billing_record SET obstacle = NULL
      WHERE user_id = ${userId} AND status = 'sealed' AND obstacle = ANY(${obstacles})
      RETURNING id, user_id, created_at`;
    await queueInOrder(tx, rows);
    return rows.length;
  });
}

const BATCH = 200;

/**
 * Queues again what no job looks after any more: its tries are used up because Telegram did not answer for days, or its
 * owner can be written to again. Returns how many.
 */
export async function queueLeftOver(ctx: Ctx): Promise<number> {
  return inTransaction(ctx, async (tx) => {
    const rows = await tx.db.$queryRaw<Queued[]>`
      UPDATE billing_record SET obstacle = NULL WHERE id IN (
        SELECT r.id FROM billing_record r JOIN users u ON u.id = r.user_id
        WHERE r.status = 'sealed'
          AND (r.obstacle IS NULL OR r.obstacle = ANY(${obstaclesEndedBy('time')})
            OR (u.is_reachable AND r.obstacle = ANY(${obstaclesEndedBy('return')})))
          AND NOT EXISTS (SELECT 1 FROM job j WHERE j.lane = 'log:' || r.user_id AND j.done_at IS NULL
            AND j.name = 'deliver_record' AND j.payload->>'recordId' = r.id)
        ORDER BY r.created_at, r.id LIMIT ${BATCH} FOR UPDATE OF r SKIP LOCKED)
      RETURNING id, user_id, created_at`;
    await queueInOrder(tx, rows);
    return rows.length;
  });
}

/** Lanes keep the order in which jobs are queued. */
async function queueInOrder(tx: Ctx, rows: Queued[]): Promise<void> {
  rows.sort((a, b) => a.created_at.getTime() - b.created_at.getTime() || (a.id < b.id ? -1 : 1));
  await queueJobs(tx, rows.map(deliveryOf));
}
