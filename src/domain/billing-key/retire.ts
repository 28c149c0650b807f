import { recordAudit } from '#domain/audit/record.ts';
import { getKey } from '#domain/billing-key/records.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';

/**
 * Takes a key out of use: nothing is encrypted to it any more. What was stays readable with it, and it stays in the list.
 * Doing so twice changes nothing. Throws not_found billing_key_not_found.
 */
export async function retireKey(ctx: Ctx, keyId: string): Promise<void> {
  await getKey(ctx, keyId);
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.billingKey.updateMany({
      where: { id: keyId, status: { not: 'retired' } },
      data: { status: 'retired', challenge: null, retiredAt: tx.clock.now() },
    });
    if (count === 1) await recordAudit(tx, { action: 'billing_key.retired', objectId: keyId, data: { why: 'asked' } });
  });
}
