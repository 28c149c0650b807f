import { type CheckoutOffer, previewCheckout } from '#domain/checkout/preview.ts';
import { getInvoice, type InvoiceRecord } from '#domain/checkout/records.ts';
import type { Agreement, OpenInvoice } from '#domain/checkout/request.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import { asActor, type Ctx } from '#domain/context/context.ts';
import { AppError, type Reason } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { Method } from '#domain/provider/capability.ts';

/** An order as whoever holds its link sees it. `offer` says how it can be paid in a browser; null when it is closed. */
export type LinkedOrder = Readonly<{ invoice: InvoiceRecord; offer: CheckoutOffer | null }>;

const CLOSED: Readonly<Record<'paid' | 'expired' | 'cancelled', Reason>> = {
  paid: 'invoice_already_paid',
  expired: 'invoice_expired',
  cancelled: 'invoice_cancelled',
};

/** The id of an order holds 80 random bits: whoever was given it may look at the order and pay it, and learns no more. */
function asHolder(ctx: Ctx): Ctx {
  return asActor(ctx, { kind: 'system', name: 'link' }, ctx.requestId);
}

/** The order behind a link. Throws `not_found invoice_not_found`. */
export async function openLink(ctx: Ctx, invoiceId: string): Promise<LinkedOrder> {
  const holder = asHolder(ctx);
  const invoice = await getInvoice(holder, invoiceId);
  const { priceId, userId } = invoice;
  if (priceId === null || invoice.status !== 'open' || invoice.expiresAt <= ctx.clock.now())
    return { invoice, offer: null };
  return { invoice, offer: await previewCheckout(holder, { userId, priceId, surface: 'browser' }) };
}

/** Whether a link leads to an order at all. */
export async function hasLink(ctx: Ctx, invoiceId: string): Promise<boolean> {
  return (await ctx.db.invoice.findUnique({ where: { id: invoiceId }, select: { id: true } })) !== null;
}

/**
 * Opens a way to pay the order behind a link, in a browser. Throws as startCheckout, and precondition_failed
 * invoice_expired | invoice_cancelled | invoice_already_paid for an order that is closed.
 */
export async function payLink(
  ctx: Ctx,
  request: { invoiceId: string; method: Method; providerId: string; language: Language; agreesTo?: Agreement },
): Promise<OpenInvoice> {
  const { invoiceId, ...choice } = request;
  const { invoice, offer } = await openLink(ctx, invoiceId);
  if (!offer) throw new AppError('precondition_failed', CLOSED[invoice.status === 'open' ? 'expired' : invoice.status]);
  return startCheckout(asHolder(ctx), {
    ...choice,
    userId: invoice.userId,
    priceId: offer.price.id,
    surface: 'browser',
    isByLink: true,
  });
}
