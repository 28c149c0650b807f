import { z } from '@hono/zod-openapi';
import { getInvoice } from '#domain/checkout/records.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { PAYMENT_STATUSES } from '#domain/payment/rules.ts';
import { decodeCursor } from '../cursor.ts';
import { showInvoice, showPayments, showReceipt } from '../show.ts';
import { type InvoiceView, type PaymentView, type ReceiptView, TIMELINE_KINDS } from '../views.ts';
import { IntervalName } from './catalog-routes.ts';
import { asSystem, type Named, resolvePerson } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import {
  FeePart,
  IdText,
  Instant,
  MethodName,
  Minor,
  MONEY_FIELDS,
  PAGE_QUERY,
  PERSON_QUERY,
  percentage,
  Success,
} from './schemas.ts';

const PaymentStatus = z.enum(PAYMENT_STATUSES);

const PAYMENT_FIELDS = {
  payment_id: z.string().openapi({ example: 'pay_01kahw9d6xq3v7c0mtz8b5r2ny' }),
  kind: z.enum(['one_time', 'first', 'renewal', 'surplus']).openapi({
    description: 'surplus: paid although nothing was owed; it goes back by itself',
  }),
  status: PaymentStatus,
  ...MONEY_FIELDS,
  plan_name: z.string(),
  product_name: z.string(),
  payment_method: MethodName,
  provider: z.string(),
  paid_at: Instant,
};
const PaymentResource = z.object(PAYMENT_FIELDS).openapi('Payment');

const ReceiptResource = z
  .object({
    object: z.literal('payment'),
    ...PAYMENT_FIELDS,
    invoice_id: z.string(),
    charge_id: z.string().openapi({ description: 'The provider’s id of the charge' }),
    period: z.object({ from: Instant, until: Instant }).nullable(),
    fees: z.array(FeePart),
    refund: z
      .object({
        refund_id: z.string(),
        status: z.enum(['requested', 'succeeded', 'failed']),
        reason: z.enum(['surplus', 'requested', 'provider']),
        at: Instant,
      })
      .nullable(),
    timeline: z.array(z.object({ kind: z.enum(TIMELINE_KINDS), at: Instant })),
  })
  .openapi('Receipt');

const OrderResource = z
  .object({
    object: z.literal('invoice'),
    payment_id: z.string().openapi({ example: 'inv_01kahw9d6xq3v7c0mtz8b5r2ny' }),
    status: z.enum(['open', 'paid', 'expired', 'cancelled']),
    ...MONEY_FIELDS,
    interval: IntervalName,
    plan_id: z.string(),
    plan_name: z.string(),
    product_code: z.string(),
    product_name: z.string(),
    payment_url: z.url().nullable(),
    created_at: Instant,
    expires_at: Instant,
    payment: z.object({ payment_id: z.string(), status: PaymentStatus }).nullable(),
    access: z.object({ since: Instant, until: Instant.nullable(), renews: z.boolean() }).nullable(),
  })
  .openapi('Order');

const PaymentPage = z
  .object({
    success: Success,
    user_id: z.string(),
    payments: z.array(PaymentResource),
    next_cursor: z.string().nullable(),
  })
  .openapi('PaymentPage');
const OnePayment = z
  .object({ success: Success, payment: z.union([OrderResource, ReceiptResource]) })
  .openapi('OnePayment');

function paymentFields(view: PaymentView): z.input<typeof PaymentResource> {
  return {
    payment_id: view.id,
    kind: view.kind,
    status: view.status,
    amount: view.money.amount,
    currency: view.money.currency,
    amount_text: view.money.text,
    plan_name: view.planName,
    product_name: view.productName,
    payment_method: view.method,
    provider: view.provider,
    paid_at: view.paidAt.iso,
  };
}

function receiptResource(view: ReceiptView): z.input<typeof ReceiptResource> {
  const { refund } = view;
  return {
    object: 'payment',
    ...paymentFields(view),
    invoice_id: view.invoiceId,
    charge_id: view.chargeId,
    period: view.period && { from: view.period.from.iso, until: view.period.until.iso },
    fees: view.split.map((part) => ({
      party: part.party,
      amount: part.money.amount,
      currency: part.money.currency,
      amount_text: part.money.text,
      percentage: percentage(part.bps),
    })),
    refund: refund && { refund_id: refund.id, status: refund.status, reason: refund.reason, at: refund.at.iso },
    timeline: view.timeline.map(({ kind, at }) => ({ kind, at: at.iso })),
  };
}

function orderResource(view: InvoiceView): z.input<typeof OrderResource> {
  const { entitlement, payment, price } = view;
  return {
    object: 'invoice',
    payment_id: view.id,
    status: view.status,
    amount: price.money.amount,
    currency: price.money.currency,
    amount_text: price.money.text,
    interval: price.interval,
    plan_id: view.planId,
    plan_name: view.planName,
    product_code: view.productCode,
    product_name: view.productName,
    payment_url: view.url,
    created_at: view.createdAt.iso,
    expires_at: view.expiresAt.iso,
    payment: payment && { payment_id: payment.id, status: payment.status },
    access: entitlement && {
      since: entitlement.since.iso,
      until: entitlement.until?.iso ?? null,
      renews: entitlement.renews,
    },
  };
}

const PageQuery = z.object(PAGE_QUERY);
type PageQuery = z.output<typeof PageQuery>;

async function history(
  ctx: Ctx,
  named: Named,
  query: PageQuery,
  language: Language,
): Promise<z.input<typeof PaymentPage>> {
  const { cursor, limit, month, status } = query;
  const position = cursor === undefined ? undefined : decodeCursor(cursor);
  const person = await resolvePerson(ctx, named, 'payments:read');
  const page = await showPayments(ctx, { userId: person.id, limit, month, status, cursor: position }, language);
  return { success: true, user_id: person.id, payments: page.rows.map(paymentFields), next_cursor: page.nextCursor };
}

const historyOfRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payments/history/{user_id}',
  access: { kind: 'person', scope: 'payments:read' },
  tag: 'Payments',
  summary: 'Payments of one person, newest first',
  description: 'For that person, or a server whose key has payments:read.',
  params: z.object({ user_id: IdText.openapi({ description: 'Our user id or a Telegram user id' }) }),
  query: PageQuery,
  answer: { status: 200, description: 'One page', schema: PaymentPage },
  refusals: [404],
  run: ({ ctx, params, query, language }) => history(ctx, { user_id: params.user_id }, query, language),
});

const historyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payment/history',
  access: { kind: 'person', scope: 'payments:read' },
  tag: 'Payments',
  summary: 'Payments of the caller, newest first',
  query: z.object({ ...PAGE_QUERY, ...PERSON_QUERY }),
  answer: { status: 200, description: 'One page', schema: PaymentPage },
  refusals: [404],
  run: ({ ctx, query, language }) => history(ctx, query, query, language),
});

const paymentRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payment/payments/{id}',
  access: { kind: 'person', scope: 'payments:read' },
  tag: 'Payments',
  summary: 'An order (inv_…) or a payment (pay_…)',
  description: 'The id that `create` answers is that of the order: ask for it until its status is no longer open.',
  params: z.object({ id: IdText }),
  answer: { status: 200, description: 'The order or the payment', schema: OnePayment },
  refusals: [404],
  run: async ({ ctx, params, language }) => {
    const { id } = params;
    const payment = id.startsWith('inv_')
      ? orderResource(await showInvoice(ctx, await getInvoice(ctx, id), { language, surface: 'api' }))
      : receiptResource(await showReceipt(ctx, id, language));
    return { success: true as const, payment };
  },
});

const RefundAnswer = z
  .object({
    success: Success,
    refund: z.object({
      refund_id: z.string().openapi({ example: 'ref_01kahw9d6xq3v7c0mtz8b5r2ny' }),
      payment_id: z.string(),
      status: z.enum(['requested', 'succeeded', 'failed']),
      amount: Minor,
      currency: z.string(),
      requested_at: Instant,
      completed_at: Instant.nullable(),
    }),
  })
  .openapi('RefundAnswer');

const refundRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payments/{id}/refund',
  access: { kind: 'server', scope: 'refunds:write' },
  tag: 'Payments',
  summary: 'Give a whole payment back',
  description:
    'Takes the id of a payment or of its order. The provider is asked afterwards; asking again answers the same refund.',
  params: z.object({ id: IdText }),
  body: z.strictObject({}),
  answer: { status: 202, description: 'The refund', schema: RefundAnswer },
  refusals: [404, 409, 412],
  run: async ({ ctx, params }) => {
    const refund = await requestRefund(ctx, { paymentId: await paymentIdOf(ctx, params.id) });
    return {
      success: true as const,
      refund: {
        refund_id: refund.id,
        payment_id: refund.paymentId,
        status: refund.status,
        amount: refund.amount.toString(),
        currency: refund.currency,
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

/** What was paid. */
export const paymentRoutes: ReadonlyArray<Route> = [historyOfRoute, historyRoute, paymentRoute, refundRoute];
