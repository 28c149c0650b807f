import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { getMethod, openMethod } from '#domain/payment-method/records.ts';
import { ADDING_FOR_MS } from '#domain/payment-method/rules.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/** Why a card that a provider has is given up. */
export type GivenUpBecause = 'removed' | 'not_kept' | 'of_another' | 'two_browsers' | 'not_confirmed' | 'erased';

type Named = Pick<PaymentMethod, 'id' | 'provider'>;

/**
 * Removes a stored method: from this moment nobody can use it, and its provider is told to forget it after the commit.
 * Removing twice changes nothing. Throws not_found payment_method_not_found.
 */
export async function removeMethod(ctx: Ctx, methodId: string): Promise<void> {
  const row = await getMethod(ctx, methodId, 'payments:write');
  await inTransaction(ctx, async (tx) => {
    if (await giveUp(tx, row, { from: ['active', 'confirming'], because: 'removed' })) return;
    const data = { status: 'removed' as const, removedAt: tx.clock.now() };
    await tx.db.paymentMethod.updateMany({ where: { id: methodId, status: 'adding' }, data });
  });
}

/** In a transaction: takes a card from whoever has it, if it is in one of these states; its provider forgets it afterwards. */
export async function giveUp(
  tx: Ctx,
  row: Named,
  { because, from }: { from: Array<'active' | 'confirming'>; because: GivenUpBecause },
): Promise<boolean> {
  const { count } = await tx.db.paymentMethod.updateMany({
    where: { id: row.id, status: { in: from } },
    data: { status: 'removing' },
  });
  if (count === 1) await queueForgetting(tx, row, because);
  return count === 1;
}

/** In the transaction in which a method began to be removed. */
export async function queueForgetting(tx: Ctx, { id, provider }: Named, because: GivenUpBecause): Promise<void> {
  await recordAudit(tx, { action: 'payment_method.removed', objectId: id, data: { provider, because } });
  await queueJobs(tx, [{ name: 'forget_method', lane: `method:${id}`, payload: { methodId: id } }]);
}

const BATCH = 100;

/** Gives up what its owner has not confirmed within a day of its beginning. Returns how many. */
export async function forgetUnconfirmed(ctx: Ctx): Promise<number> {
  const before = new Date(ctx.clock.now().getTime() - ADDING_FOR_MS);
  const rows = await ctx.db.$queryRaw<Named[]>`
    SELECT id, provider FROM payment_method WHERE status = 'confirming' AND created_at <= ${before}
    ORDER BY created_at LIMIT ${BATCH}`;
  for (const row of rows)
    await inTransaction(ctx, (tx) => giveUp(tx, row, { from: ['confirming'], because: 'not_confirmed' }));
  return rows.length;
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
    data: { status: 'removed', sealed: null, tokenHash: null, removedAt: ctx.clock.now() },
  });
}
