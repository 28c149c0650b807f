import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { ADDING_FOR_MS, MAX_METHODS } from '#domain/payment-method/rules.ts';
import { ProviderError, type StoredMethods } from '#domain/provider.ts';

/** Where a person goes on: to the provider's page, or with their own client to the provider's endpoint. */
export type Adding = Readonly<{ id: string; provider: string }> & Awaited<ReturnType<StoredMethods['begin']>>;

/**
 * Begins to store a payment method with a provider. What the person tells the provider never passes through here. Throws
 * invalid method_unavailable for a provider that keeps none, precondition_failed too_many_methods, unavailable
 * provider_unavailable, internal provider_misconfigured.
 */
export async function addMethod(
  ctx: Ctx,
  request: { userId: string; providerId: string; language: Language },
): Promise<Adding> {
  const { language, providerId, userId } = request;
  requireOwnerOr(ctx, userId, 'payments:write');
  const stored = ctx.providers.get(providerId)?.storedMethods;
  if (!stored) throw new AppError('invalid', 'method_unavailable');
  const id = newId(ctx, 'pmt');
  await writeRow(ctx, { id, providerId, userId });
  try {
    const returnUrl = `${ctx.policy.publicUrl}/methods/${id}`;
    const begun = await stored.begin({ id, returnUrl, language });
    await ctx.db.paymentMethod.update({ where: { id }, data: { reference: begun.reference } });
    return { id, provider: providerId, ...begun };
  } catch (error) {
    await ctx.db.paymentMethod.update({ where: { id }, data: { status: 'removed', removedAt: ctx.clock.now() } });
    throw error instanceof ProviderError ? refusalFor(error) : error;
  }
}

async function writeRow(
  ctx: Ctx,
  { id, providerId, userId }: { id: string; providerId: string; userId: string },
): Promise<void> {
  const now = ctx.clock.now();
  await inTransaction(ctx, async (tx) => {
    // Two at once must not both be the last that is allowed.
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('methods:' || ${userId}, 0))`;
    const standing = await tx.db.paymentMethod.count({
      where: {
        userId,
        OR: [{ status: 'active' }, { status: 'adding', createdAt: { gt: new Date(now.getTime() - ADDING_FOR_MS) } }],
      },
    });
    if (standing >= MAX_METHODS) throw new AppError('precondition_failed', 'too_many_methods');
    await tx.db.paymentMethod.create({ data: { id, userId, provider: providerId, status: 'adding', createdAt: now } });
    await recordAudit(tx, { action: 'payment_method.begun', objectId: id, data: { provider: providerId } });
  });
}

/** What a provider's failure means for whoever stores or uses a method. */
export function refusalFor(error: ProviderError): AppError {
  if (error.failure === 'unavailable')
    return new AppError('unavailable', 'provider_unavailable', {
      retryAfterSeconds: error.retryAfterSeconds ?? 5,
      cause: error,
    });
  if (error.failure === 'declined') return new AppError('precondition_failed', 'provider_declined', { cause: error });
  return new AppError('internal', 'provider_misconfigured', { cause: error });
}
