import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { describeMethod, isGivenIn, type StoredMethod } from '#domain/payment-method/records.ts';
import { giveUp } from '#domain/payment-method/remove.ts';
import { canFinish } from '#domain/payment-method/rules.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/**
 * Confirms that a card is its owner's: whoever is signed in shows the secret of the browser in which it was given. Only then
 * it can be used. Where that is somebody else, the owner's link was used by them, and their card is forgotten. Claiming twice
 * changes nothing, and in whichever order both claim, the card is not kept. Throws not_found payment_method_not_found for
 * another secret and after a day, forbidden method_of_another, forbidden not_yours for whoever is no person.
 */
export async function claimMethod(
  ctx: Ctx,
  { methodId, secret }: { methodId: string; secret: string },
): Promise<StoredMethod> {
  const { actor } = ctx;
  if (actor.kind !== 'user') throw new AppError('forbidden', 'not_yours');
  const row = await findRow(ctx, methodId);
  if (row === null || !isGivenIn(row, secret)) throw unknown();
  if (actor.userId !== row.userId) {
    await refuse(ctx, row);
    throw new AppError('forbidden', 'method_of_another');
  }
  if (canFinish(row, ctx.clock.now())) await keep(ctx, row);
  const kept = await findRow(ctx, methodId);
  if (kept?.status !== 'active') throw unknown();
  return describeMethod(ctx, kept);
}

function unknown(): AppError {
  return new AppError('not_found', 'payment_method_not_found');
}

function findRow(ctx: Ctx, id: string): Promise<PaymentMethod | null> {
  return ctx.db.paymentMethod.findUnique({ where: { id } });
}

async function keep(ctx: Ctx, { id, provider }: PaymentMethod): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const where = { id, status: 'confirming' } as const;
    const { count } = await tx.db.paymentMethod.updateMany({ where, data: { status: 'active' } });
    if (count === 1) await recordAudit(tx, { action: 'payment_method.added', objectId: id, data: { provider } });
  });
}

async function refuse(ctx: Ctx, row: PaymentMethod): Promise<void> {
  if (!canFinish(row, ctx.clock.now())) return;
  await inTransaction(ctx, (tx) => giveUp(tx, row, { from: ['confirming', 'active'], because: 'of_another' }));
}
