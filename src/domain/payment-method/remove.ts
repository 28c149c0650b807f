import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { getMethod, openMethod } from '#domain/payment-method/records.ts';
import { ProviderError } from '#domain/provider.ts';

/**
 * Removes a stored method: from this moment nobody can use it, and its provider is told to forget it after the commit.
 * Removing twice changes nothing. Throws not_found payment_method_not_found.
 */
export async function removeMethod(ctx: Ctx, methodId: string): Promise<void> {
  const row = await getMethod(ctx, methodId, 'payments:write');
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.paymentMethod.updateMany({
      where: { id: methodId, status: 'active' },
      data: { status: 'removing' },
    });
    if (count === 1) {
      await recordAudit(tx, { action: 'payment_method.removed', objectId: methodId, data: { provider: row.provider } });
      await queueJobs(tx, [{ name: 'forget_method', lane: `method:${methodId}`, payload: { methodId } }]);
      return;
    }
    const data = { status: 'removed' as const, removedAt: tx.clock.now() };
    await tx.db.paymentMethod.updateMany({ where: { id: methodId, status: 'adding' }, data });
  });
}

/**
 * The job behind it: has the provider forget the token, then forgets it here. Safe to run again. Throws ProviderError
 * `unavailable`, so that it is tried later.
 */
export async function forgetMethod(ctx: Ctx, methodId: string): Promise<void> {
  const row = await ctx.db.paymentMethod.findUnique({ where: { id: methodId } });
  if (row?.status !== 'removing') return;
  const stored = ctx.providers.get(row.provider)?.storedMethods;
  if (!stored) throw new ProviderError('misconfigured', 'not_registered');
  await stored.remove(openMethod(ctx, row).token);
  await ctx.db.paymentMethod.updateMany({
    where: { id: methodId, status: 'removing' },
    data: { status: 'removed', sealed: null, removedAt: ctx.clock.now() },
  });
}
