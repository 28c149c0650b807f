import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';

/**
 * Keeps a payment with its order in the books until `until`, whatever their time; null lets it go with the others. For an
 * operator, when it is part of a quarrel. Needs `payments:write` or an admin. Throws not_found payment_not_found.
 */
export async function holdPayment(
  ctx: Ctx,
  { paymentId, until }: { paymentId: string; until: Date | null },
): Promise<void> {
  requireScope(ctx, 'payments:write');
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.payment.updateMany({ where: { id: paymentId }, data: { heldUntil: until } });
    if (count === 0) throw new AppError('not_found', 'payment_not_found');
    const data = { until: until?.toISOString() ?? null };
    await recordAudit(tx, { action: until ? 'payment.held' : 'payment.released', objectId: paymentId, data });
  });
}
