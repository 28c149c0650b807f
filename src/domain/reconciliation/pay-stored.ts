import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { payWithMethod } from '#domain/payment-method/pay.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';
import { describeError } from '#lib/log.ts';
import { withinTime } from '#lib/time-box.ts';

/** How long a person waits for what became of their charge; then the order says that it is on its way. */
const TIME_BOX_MS = 5_000;

/**
 * Charges a stored method and asks its provider at once what became of that, so that the order shows it already where the
 * provider knows. Returns the id of the order; a method that was refused is no error here, for the order says why. Throws
 * as payWithMethod otherwise.
 */
export async function payStored(ctx: Ctx, request: Parameters<typeof payWithMethod>[1]): Promise<string> {
  const opened = await payWithMethod(ctx, request).catch((error: unknown) => {
    const invoiceId = error instanceof AppError ? error.details['invoiceId'] : undefined;
    if (typeof invoiceId !== 'string') throw error;
    return { invoiceId, providerId: null };
  });
  const { invoiceId, providerId } = opened;
  if (providerId !== null) await withinTime(TIME_BOX_MS, ask(ctx, { invoiceId, providerId }), undefined);
  return invoiceId;
}

/** Never rejects: the charge stands whatever comes of the question, and the worker asks again. */
async function ask(ctx: Ctx, { invoiceId, providerId }: { invoiceId: string; providerId: string }): Promise<void> {
  try {
    await convergeOrder(ctx, { providerId, about: { invoiceId, reference: null, chargeId: null } });
  } catch (error) {
    ctx.log.warn({ invoiceId, error: describeError(error) }, 'what became of a charge could not be asked now');
  }
}
