import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { refusalFor } from '#domain/payment-method/add.ts';
import { describeMethod, getMethod, type StoredMethod, sealMethod } from '#domain/payment-method/records.ts';
import { ProviderError, type StoredCard } from '#domain/provider.ts';
import type { PaymentMethod } from '#lib/generated/prisma/client.ts';

/**
 * Finishes adding a method: asks its provider what became of the page, or of the `token` that the person's client got there.
 * Null while the person has not finished. Finishing twice changes nothing. Throws not_found payment_method_not_found,
 * precondition_failed provider_declined for a token that is no good, unavailable provider_unavailable.
 */
export async function confirmMethod(
  ctx: Ctx,
  request: { methodId: string; token: string | null; code: string | null },
): Promise<StoredMethod | null> {
  const row = await getMethod(ctx, request.methodId, 'payments:write');
  if (row.status === 'active') return describeMethod(ctx, row);
  if (row.status !== 'adding') throw new AppError('not_found', 'payment_method_not_found');
  if (row.reference === null && request.token === null) return null;
  const { code, token } = request;
  const card = await ask(ctx, row, { reference: row.reference, token: row.reference === null ? token : null, code });
  return card && activate(ctx, row, card);
}

/** What a provider's message does when it is about a method that is being added; false when it is about something else. */
export async function finishAdding(ctx: Ctx, told: { providerId: string; reference: string }): Promise<boolean> {
  const { providerId: provider, reference } = told;
  const row = await ctx.db.paymentMethod.findUnique({ where: { provider_reference: { provider, reference } } });
  if (!row) return false;
  if (row.status !== 'adding') return true;
  const card = await ctx.providers.get(provider)?.storedMethods?.confirm({ reference, token: null, code: null });
  if (card) await activate(ctx, row, card);
  return true;
}

async function ask(
  ctx: Ctx,
  row: PaymentMethod,
  answer: { reference: string | null; token: string | null; code: string | null },
): Promise<StoredCard | null> {
  const stored = ctx.providers.get(row.provider)?.storedMethods;
  if (!stored) throw new AppError('invalid', 'method_unavailable');
  try {
    return await stored.confirm(answer);
  } catch (error) {
    throw error instanceof ProviderError ? refusalFor(error) : error;
  }
}

async function activate(ctx: Ctx, row: PaymentMethod, card: StoredCard): Promise<StoredMethod> {
  const sealed = sealMethod(ctx, card);
  return inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.paymentMethod.updateMany({
      where: { id: row.id, status: 'adding' },
      data: { status: 'active', sealed },
    });
    if (count === 1)
      await recordAudit(tx, { action: 'payment_method.added', objectId: row.id, data: { provider: row.provider } });
    return describeMethod(tx, await tx.db.paymentMethod.findUniqueOrThrow({ where: { id: row.id } }));
  });
}
