import type { OpenInvoice, StartRequest } from '#domain/checkout/request.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { getMethod, openMethod } from '#domain/payment-method/records.ts';

/**
 * Opens an order and charges a stored method for it. What became of the charge is told by the provider or asked for: the
 * answer only says that it began, with a `url` where the person must confirm it. Throws as startCheckout, not_found
 * payment_method_not_found, invalid method_unavailable for a price in a currency the method does not pay.
 */
export async function payWithMethod(
  ctx: Ctx,
  request: Omit<StartRequest, 'method' | 'providerId' | 'token' | 'chatId'> & { methodId: string },
): Promise<OpenInvoice> {
  const { methodId, ...order } = request;
  const row = await getMethod(ctx, methodId, 'payments:write');
  // A server may act for everybody, and still only with the buyer's own card.
  if (row.userId !== order.userId || row.status !== 'active')
    throw new AppError('not_found', 'payment_method_not_found');
  const stored = ctx.providers.get(row.provider)?.storedMethods;
  if (!stored) throw new AppError('invalid', 'method_unavailable');
  const { token } = openMethod(ctx, row);
  return startCheckout(ctx, { ...order, method: stored.method, providerId: row.provider, token });
}
