import { recordAudit } from '#domain/audit/record.ts';
import { type Obstacle, obstaclesEndedBy, type RecordType } from '#domain/billing-record/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { RETENTION } from '#domain/context/retention.ts';
import { inTransaction } from '#domain/context/transaction.ts';

/** Between this mark and the end of sending nobody knows whether a record arrived: it is not sent again by itself. */
const SENDING = 'sending';

/** A record that is to be delivered now. */
export type Delivery = Readonly<{
  id: string;
  userId: string;
  type: RecordType;
  ciphertext: Uint8Array;
  createdAt: Date;
}>;

/** To whom a record is to be delivered; null when it was, or when its owner was erased. */
export async function findAddressee(ctx: Ctx, recordId: string): Promise<string | null> {
  const record = await ctx.db.billingRecord.findUnique({
    where: { id: recordId, status: 'sealed', user: { link: { isNot: null } } },
    select: { userId: true },
  });
  return record?.userId ?? null;
}

/**
 * Marks a record as being sent and returns it. Null when there is nothing to send: it was delivered, waits for a key or for
 * its owner, or a process died while it sent it, which is then what its owner sees.
 */
export async function beginDelivery(ctx: Ctx, recordId: string): Promise<Delivery | null> {
  const [row] = await ctx.db.billingRecord.updateManyAndReturn({
    where: {
      id: recordId,
      status: 'sealed',
      OR: [{ obstacle: null }, { obstacle: { in: obstaclesEndedBy('time') } }],
    },
    data: { obstacle: SENDING },
    select: { id: true, userId: true, type: true, ciphertext: true, createdAt: true },
  });
  if (row?.ciphertext) return { ...row, ciphertext: row.ciphertext };
  // Whoever set the mark is gone: its lease ended before this began.
  const { count } = await ctx.db.billingRecord.updateMany({
    where: { id: recordId, status: 'sealed', obstacle: SENDING },
    data: { obstacle: 'interrupted' satisfies Obstacle },
  });
  if (count === 1)
    ctx.log.warn({ recordId, event: 'record_interrupted' }, 'nobody knows whether a record was delivered');
  return null;
}

/** Records why a record was not delivered, or null that it may be tried again at once. */
export async function failDelivery(ctx: Ctx, recordId: string, obstacle: Obstacle | null): Promise<void> {
  await ctx.db.billingRecord.updateMany({ where: { id: recordId, status: 'sealed' }, data: { obstacle } });
}

/** Records that a record arrived. Where its owner keeps no copy here, ours goes at once. */
export async function completeDelivery(ctx: Ctx, recordId: string, { keepDays }: { keepDays: number }): Promise<void> {
  const now = ctx.clock.now();
  const dropped = keepDays === 0 ? { ciphertext: null, droppedAt: now } : {};
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.billingRecord.updateMany({
      where: { id: recordId, status: 'sealed' },
      data: { status: 'delivered', deliveredAt: now, obstacle: null, ...dropped },
    });
    if (count === 1) await recordAudit(tx, { action: 'record.delivered', objectId: recordId });
  });
}

const BATCH = 500;

/** Drops copies that their owners wanted kept for no longer. Returns how many. */
export async function dropDelivered(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  return ctx.db.$executeRaw`
    UPDATE billing_record SET ciphertext = NULL, dropped_at = ${now} WHERE id IN (
      SELECT r.id FROM billing_record r LEFT JOIN personal_log l ON l.user_id = r.user_id
      WHERE r.status = 'delivered' AND r.ciphertext IS NOT NULL
        AND r.delivered_at <= ${now}::timestamptz - make_interval(days => coalesce(l.keep_days, ${RETENTION.deliveredCopyDays}))
      ORDER BY r.delivered_at LIMIT ${BATCH})`;
}
