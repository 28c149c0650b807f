import { z } from 'zod';
import { issueReceiptLink } from '#domain/payment/receipt-link.ts';
import { listPaymentMonths, MAX_PAGE } from '#domain/payment/records.ts';
import { PAYMENT_STATUSES } from '#domain/payment/rules.ts';
import { decodeCursor, Month } from '../cursor.ts';
import { showPayments, showReceipt } from '../show.ts';
import { IdInput, personProcedure, router } from '../trpc.ts';
import type { ReceiptLinkView } from '../views.ts';

const DEFAULT_PAGE = 20;

const ListInput = z.strictObject({
  cursor: z.string().max(200).nullish(),
  limit: z.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  status: z.enum(PAYMENT_STATUSES).optional(),
  month: Month.optional(),
  /** Sent by tRPC's infinite queries; pages only go one way here. */
  direction: z.literal('forward').optional(),
});
const ReceiptInput = z.strictObject({ paymentId: IdInput });

/** History and receipts. */
export const paymentsRouter = router({
  list: personProcedure.input(ListInput).query(({ ctx: { ctx, user, language }, input }) => {
    const { cursor, limit, month, status } = input;
    const filter = { userId: user.id, limit, month, status, cursor: cursor ? decodeCursor(cursor) : undefined };
    return showPayments(ctx, filter, language);
  }),

  months: personProcedure.query(({ ctx: { ctx, user } }) => listPaymentMonths(ctx, user.id)),

  receipt: personProcedure
    .input(ReceiptInput)
    .query(({ ctx: { ctx, language }, input }) => showReceipt(ctx, input.paymentId, language)),

  receiptLink: personProcedure
    .input(ReceiptInput)
    .mutation(async ({ ctx: { ctx, language }, input }): Promise<ReceiptLinkView> => {
      const { expiresAt, token } = await issueReceiptLink(ctx, { paymentId: input.paymentId, language });
      return { url: `/api/v1/receipts/${token}`, expiresAt: expiresAt.toISOString() };
    }),
});
