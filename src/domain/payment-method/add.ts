import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { hashSecret, lockMethods, sealPage } from '#domain/payment-method/records.ts';
import { ADDING_FOR_MS, BEGUN_WINDOW_MS, MAX_BEGUN, MAX_METHODS } from '#domain/payment-method/rules.ts';
import type { StoredMethods } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { makeSecret } from '#lib/crypto.ts';

/** Where a person goes on: to the provider's page, or with their own client to the provider's endpoint. */
export type Adding = Readonly<{ id: string; provider: string }> & Awaited<ReturnType<StoredMethods['begin']>>;

/**
 * Begins to store a payment method with a provider. What the person tells the provider never passes through here. Throws
 * invalid method_unavailable for a provider that keeps none, precondition_failed too_many_methods, rate_limited
 * too_many_begun, unavailable provider_unavailable, internal provider_misconfigured.
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
  // Only the browser that its provider sends back is told it: whoever has the link alone is not.
  const secret = makeSecret();
  await writeRow(ctx, { id, providerId, userId, secret });
  try {
    const pageUrl = `${ctx.policy.publicUrl}/methods/${id}`;
    const begun = await stored.begin({ id, pageUrl, returnUrl: `${pageUrl}?back=${secret}`, language });
    await ctx.db.paymentMethod.update({
      where: { id },
      data: { reference: begun.reference, page: sealPage(ctx, begun) },
    });
    return { id, provider: providerId, ...begun };
  } catch (error) {
    await ctx.db.paymentMethod.update({ where: { id }, data: { status: 'removed', removedAt: ctx.clock.now() } });
    throw error instanceof ProviderError ? refusalFor(error) : error;
  }
}

async function writeRow(
  ctx: Ctx,
  begun: { id: string; providerId: string; userId: string; secret: string },
): Promise<void> {
  const { id, providerId: provider, secret, userId } = begun;
  const now = ctx.clock.now();
  const row = { id, userId, provider, status: 'adding', createdAt: now, returnSecret: hashSecret(secret) } as const;
  await inTransaction(ctx, async (tx) => {
    await lockMethods(tx, userId);
    const standing = await tx.db.paymentMethod.count({
      where: {
        userId,
        OR: [
          { status: { in: ['active', 'confirming'] } },
          { status: 'adding', createdAt: { gt: new Date(now.getTime() - ADDING_FOR_MS) } },
        ],
      },
    });
    if (standing >= MAX_METHODS) throw new AppError('precondition_failed', 'too_many_methods');
    await checkBegun(tx, userId);
    await tx.db.paymentMethod.create({ data: row });
    await recordAudit(tx, { action: 'payment_method.begun', objectId: id, data: { provider } });
  });
}

/** Refuses who began too often within a day, also what failed or was removed since. */
async function checkBegun(tx: Ctx, userId: string): Promise<void> {
  const now = tx.clock.now().getTime();
  const begun = await tx.db.paymentMethod.findMany({
    where: { userId, createdAt: { gt: new Date(now - BEGUN_WINDOW_MS) } },
    orderBy: { createdAt: 'desc' },
    take: MAX_BEGUN,
    select: { createdAt: true },
  });
  const oldestThatCounts = begun[MAX_BEGUN - 1];
  if (!oldestThatCounts) return;
  const waitMs = oldestThatCounts.createdAt.getTime() + BEGUN_WINDOW_MS - now;
  throw new AppError('rate_limited', 'too_many_begun', { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });
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
