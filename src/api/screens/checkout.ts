import { z } from 'zod';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { previewCheckout } from '#domain/checkout/preview.ts';
import { getInvoice } from '#domain/checkout/records.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import { listMethods } from '#domain/payment-method/records.ts';
import { METHODS } from '#domain/provider/capability.ts';
import { payStored } from '#domain/reconciliation/pay-stored.ts';
import { AGREEMENT } from '#messages/versions.ts';
import { presentPreview } from '../present.ts';
import { methodsFor } from '../present-method.ts';
import { showInvoice } from '../show.ts';
import { IdInput, personProcedure, router } from '../trpc.ts';

/** Sessions are made from Mini App launches only, so this is where every buyer here stands. */
const SURFACE = 'mini_app';

const PreviewInput = z.strictObject({ priceId: IdInput });
const StartInput = z.strictObject({
  priceId: IdInput,
  method: z.enum(METHODS),
  provider: IdInput.optional(),
  storedMethodId: IdInput.optional(),
});
const InvoiceInput = z.strictObject({ invoiceId: IdInput });

/** Checkout and paying. */
export const checkoutRouter = router({
  preview: personProcedure.input(PreviewInput).query(async ({ ctx: { ctx, user, language }, input }) => {
    const [offer, stored] = await Promise.all([
      previewCheckout(ctx, { userId: user.id, priceId: input.priceId, surface: SURFACE }),
      listMethods(ctx, user.id),
    ]);
    return presentPreview(offer, language, methodsFor(ctx, stored, offer));
  }),

  start: personProcedure.input(StartInput).mutation(async ({ ctx: { ctx, user, language }, input }) => {
    const { method, priceId, provider, storedMethodId } = input;
    const order = { userId: user.id, priceId, surface: SURFACE, language, agreesTo: AGREEMENT } as const;
    const choice = { method, ...(provider !== undefined && { providerId: provider }) };
    const invoiceId =
      storedMethodId === undefined
        ? (await startCheckout(ctx, { ...order, ...choice })).invoiceId
        : await payStored(ctx, { ...order, methodId: storedMethodId });
    return showInvoice(ctx, await getInvoice(ctx, invoiceId), { language, surface: SURFACE });
  }),

  status: personProcedure
    .input(InvoiceInput)
    .query(async ({ ctx: { ctx, language }, input }) =>
      showInvoice(ctx, await getInvoice(ctx, input.invoiceId), { language, surface: SURFACE }),
    ),

  cancel: personProcedure
    .input(InvoiceInput)
    .mutation(async ({ ctx: { ctx, language }, input }) =>
      showInvoice(ctx, await cancelInvoice(ctx, input.invoiceId), { language, surface: SURFACE }),
    ),
});
