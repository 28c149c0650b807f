import { z } from '@hono/zod-openapi';
import { getInvoice } from '#domain/checkout/records.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { revealRefund } from '#domain/payment/records.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { holdPayment } from '#domain/privacy/hold-payment.ts';
import { AmountInput } from './checkout-routes.ts';
import { asSystem } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import { IdText, Instant, Minor, Success } from './schemas.ts';

const RefundAnswer = z
  .object({
    success: Success,
    refund: z.object({
      refund_id: z.string().openapi({ example: 'ref_01kahw9d6xq3v7c0mtz8b5r2ny' }),
      payment_id: z.string(),
      status: z.enum(['requested', 'succeeded', 'failed']),
      amount: Minor,
      currency: z.string(),
      reference: z.string().nullable().openapi({ description: 'The provider’s id of it, once it has one' }),
      claim_url: z.url().nullable().openapi({ description: 'Where the buyer says how they want their money' }),
      requested_at: Instant,
      completed_at: Instant.nullable(),
    }),
  })
  .openapi('RefundAnswer');

const RefundAmount = AmountInput.openapi({ description: 'Minor units: a part of what has not gone back yet' });

const refundRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payments/{id}/refund',
  access: { kind: 'server', scope: 'refunds:write' },
  tag: 'Payments',
  summary: 'Give a payment back, or a part of it',
  description:
    'Takes the id of a payment or of its order. Without an amount, all that has not gone back yet. The provider is asked afterwards; asking again while it runs answers the same refund.',
  params: z.object({ id: IdText }),
  body: z.strictObject({ amount: RefundAmount.optional() }).openapi('RequestRefund'),
  answer: { status: 202, description: 'The refund', schema: RefundAnswer },
  refusals: [404, 409, 412],
  run: async ({ ctx, params, body }) => {
    const paymentId = await paymentIdOf(ctx, params.id);
    const requested = await requestRefund(ctx, {
      paymentId,
      ...(body.amount !== undefined && { amount: body.amount }),
    });
    const refund = revealRefund(ctx.vault, requested);
    return {
      success: true as const,
      refund: {
        refund_id: refund.id,
        payment_id: refund.paymentId,
        status: refund.status,
        amount: refund.amount.toString(),
        currency: refund.currency,
        reference: refund.reference,
        claim_url: refund.claimUrl,
        requested_at: refund.createdAt.toISOString(),
        completed_at: refund.completedAt?.toISOString() ?? null,
      },
    };
  },
});

/** The payment that an order was paid with. An order that was not paid has nothing to give back. */
async function paymentIdOf(ctx: Ctx, id: string): Promise<string> {
  if (!id.startsWith('inv_')) return id;
  requireScope(ctx, 'refunds:write');
  // Whoever may refund may see what; the key need not have payments:read as well.
  const { payments } = await getInvoice(asSystem(ctx), id);
  const [payment] = payments;
  if (!payment) throw new AppError('precondition_failed', 'refund_not_possible');
  return payment.id;
}

const HoldAnswer = z
  .object({ success: Success, payment_id: z.string(), held_until: Instant.nullable() })
  .openapi('HoldAnswer');

const holdRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payments/{id}/hold',
  access: { kind: 'server', scope: 'payments:write' },
  tag: 'Payments',
  summary: 'Keep a payment in the books beyond their time',
  description:
    'For a payment that is part of a quarrel: its order is not deleted before `until`. Null lets it go with the others again.',
  params: z.object({ id: IdText }),
  body: z.strictObject({ until: z.iso.datetime().nullable() }).openapi('HoldPayment'),
  answer: { status: 200, description: 'Until when it is held', schema: HoldAnswer },
  refusals: [404],
  run: async ({ ctx, params, body }) => {
    const until = body.until === null ? null : new Date(body.until);
    await holdPayment(ctx, { paymentId: params.id, until });
    return { success: true as const, payment_id: params.id, held_until: until?.toISOString() ?? null };
  },
});

/** Giving back, and keeping what is in question. */
export const refundRoutes: ReadonlyArray<Route> = [refundRoute, holdRoute];
