import { z } from 'zod';
import { openLink, payLink } from '#domain/checkout/open-link.ts';
import { Language } from '#domain/identity/rules.ts';
import { METHODS } from '#domain/provider/capability.ts';
import { AGREEMENT } from '#messages/versions.ts';
import { presentBlocked, presentMethod } from '../present.ts';
import { showInvoice } from '../show.ts';
import { IdInput, publicProcedure, router } from '../trpc.ts';
import type { LinkedOrderView } from '../views.ts';

const OrderInput = z.strictObject({ invoiceId: IdInput, language: Language });
const StartInput = z.strictObject({
  invoiceId: IdInput,
  language: Language,
  method: z.enum(METHODS),
  provider: IdInput,
});

/** The browser checkout, for whoever holds the link of an order; nobody is signed in there. */
export const payRouter = router({
  order: publicProcedure.input(OrderInput).query(async ({ ctx: context, input }): Promise<LinkedOrderView> => {
    const { ctx } = context;
    context.language = input.language;
    const { invoice, offer } = await openLink(ctx, input.invoiceId);
    const view = await showInvoice(ctx, invoice, { language: input.language, surface: 'browser' });
    const { entitlement, expiresAt, failure, id, minutesLeft, payment, pending, planName, price, productName, status } =
      view;
    return {
      id,
      status,
      paymentStatus: payment?.status ?? null,
      // Whoever holds the link does not end what the owner began, nor an order whose own time is over.
      pending: pending && {
        ...pending,
        canBeReplaced: pending.canBeReplaced && offer !== null && invoice.attempts[0]?.openedBy === 'link',
      },
      failure,
      planName,
      productName,
      price,
      expiresAt,
      minutesLeft,
      until: entitlement?.until ?? null,
      blocked: offer && presentBlocked(offer, input.language),
      methods: (offer?.methods ?? []).map((method) => presentMethod(method, input.language)),
    };
  }),

  start: publicProcedure
    .input(StartInput)
    .mutation(async ({ ctx: context, input }): Promise<{ invoiceId: string; url: string | null }> => {
      context.language = input.language;
      const { invoiceId, language, method, provider: providerId } = input;
      const opened = await payLink(context.ctx, {
        invoiceId,
        language,
        method,
        providerId,
        agreesTo: AGREEMENT,
      });
      return { invoiceId: opened.invoiceId, url: opened.url };
    }),
});
