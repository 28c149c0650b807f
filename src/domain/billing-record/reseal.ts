import { findOwner, type RecordOwner } from '#domain/billing-record/owner.ts';
import { deliveryOf, encryptRecord } from '#domain/billing-record/seal.ts';
import type { Ctx } from '#domain/context/context.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { openBytes, sha256 } from '#lib/crypto.ts';

const BATCH = 50;
const PEOPLE = 100;

/**
 * Encrypts the records of a person that waited for a key, oldest first, and has them delivered. Returns how many; none while
 * there is no key that can be encrypted to.
 */
export async function resealRecords(ctx: Ctx, userId: string): Promise<number> {
  const owner = await findOwner(ctx, userId);
  if (!owner || owner.publicKeys.length === 0) return 0;
  let resealed = 0;
  for (;;) {
    const waiting = await ctx.db.billingRecord.findMany({
      where: { userId, status: 'waiting' },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      take: BATCH,
      select: { id: true, waiting: true, obstacle: true },
    });
    for (const record of waiting) resealed += await resealRecord(ctx, owner, record);
    if (waiting.length < BATCH) return resealed;
  }
}

async function resealRecord(
  ctx: Ctx,
  owner: RecordOwner,
  { id, obstacle, waiting }: { id: string; waiting: Uint8Array | null; obstacle: string | null },
): Promise<number> {
  if (!waiting) return 0;
  const text = openBytes(owner.dataKey, waiting).toString('utf8');
  const ciphertext = new Uint8Array(await encryptRecord(ctx, text, owner));
  const hash = new Uint8Array(sha256(ciphertext));
  return inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.billingRecord.updateMany({
      where: { id, status: 'waiting' },
      data: { status: 'sealed', ciphertext, sha256: hash, waiting: null, sealedAt: tx.clock.now() },
    });
    // What was not to be delivered still is not.
    if (count === 1 && obstacle === null) await queueJobs(tx, [deliveryOf({ id, user_id: owner.userId })]);
    return count;
  });
}

/**
 * Looks for people who have a key and records that wait all the same: their key came while a payment was being settled. Returns
 * how many records were sealed.
 */
export async function resealLeftOvers(ctx: Ctx): Promise<number> {
  const people = await ctx.db.$queryRaw<Array<{ user_id: string }>>`
    SELECT DISTINCT r.user_id FROM billing_record r
    WHERE r.status = 'waiting' AND EXISTS (SELECT 1 FROM billing_key k WHERE k.user_id = r.user_id AND k.status = 'active'
      AND (k.expires_at IS NULL OR k.expires_at > ${ctx.clock.now()}))
    LIMIT ${PEOPLE}`;
  let resealed = 0;
  for (const { user_id } of people) resealed += await resealRecords(ctx, user_id);
  return resealed;
}
