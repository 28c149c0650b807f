import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { refusalFor } from '#domain/payment-method/add.ts';
import { payWithMethod } from '#domain/payment-method/pay.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';
import { describeError } from '#lib/log.ts';
import { withinTime } from '#lib/time-box.ts';

/** How long a person waits for what became of their charge; then the order says that it is on its way. */
const TIME_BOX_MS = 5_000;

/**
 * Charges a stored method and asks its provider at once what became of that, so that the order shows it already where the
 * provider knows. Returns the id of the order; a method that was refused is no error here, for the order says why. Where a
 * charge for the same price was begun and nobody heard its end, that is asked first: it may have been made. Throws as
 * payWithMethod otherwise.
 */
export async function payStored(ctx: Ctx, request: Parameters<typeof payWithMethod>[1]): Promise<string> {
  const paid = await askUnheard(ctx, request);
  if (paid !== null) return paid;
  const opened = await payWithMethod(ctx, request).catch((error: unknown) => {
    const invoiceId = error instanceof AppError ? error.details['invoiceId'] : undefined;
    if (typeof invoiceId !== 'string') throw error;
    return { invoiceId, providerId: null };
  });
  const { invoiceId, providerId } = opened;
  if (providerId !== null) await withinTime(TIME_BOX_MS, ask(ctx, { invoiceId, providerId }), undefined);
  return invoiceId;
}

/**
 * Asks about a charge whose process ended before it heard what came of it. Returns the order when that is paid. Throws
 * unavailable provider_unavailable while nobody can say, because a second charge might be one too many.
 */
async function askUnheard(
  ctx: Ctx,
  { priceId, userId }: Readonly<{ priceId: string; userId: string }>,
): Promise<string | null> {
  requireOwnerOr(ctx, userId, 'payments:write');
  const unheard = await ctx.db.paymentAttempt.findFirst({
    where: { status: 'creating', openedBy: 'stored_method', invoice: { userId, priceId, status: 'open' } },
    select: { invoiceId: true, provider: true },
  });
  if (!unheard) return null;
  const { invoiceId, provider: providerId } = unheard;
  try {
    await convergeOrder(ctx, { providerId, about: { invoiceId, reference: null, chargeId: null } });
  } catch (error) {
    throw error instanceof ProviderError ? refusalFor(error) : error;
  }
  const invoice = await ctx.db.invoice.findUniqueOrThrow({ where: { id: invoiceId }, select: { status: true } });
  return invoice.status === 'paid' ? invoiceId : null;
}

/** Never rejects: the charge stands whatever comes of the question, and the worker asks again. */
async function ask(ctx: Ctx, { invoiceId, providerId }: { invoiceId: string; providerId: string }): Promise<void> {
  try {
    await convergeOrder(ctx, { providerId, about: { invoiceId, reference: null, chargeId: null } });
  } catch (error) {
    ctx.log.warn({ invoiceId, error: describeError(error) }, 'what became of a charge could not be asked now');
  }
}
