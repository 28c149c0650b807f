import { z } from '@hono/zod-openapi';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { getInvoice, type InvoiceRecord } from '#domain/checkout/records.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Language } from '#domain/identity/rules.ts';
import { PAYMENT_STATUSES } from '#domain/payment/rules.ts';
import { METHODS } from '#domain/provider/capability.ts';
import { PAYMENT_FAILURES, PROGRESSES } from '#domain/provider/event.ts';
import { decodeCursor } from '../cursor.ts';
import { showInvoice, showPayments, showReceipt } from '../show.ts';
import { type InvoiceView, type PaymentView, type ReceiptView, type RefundView, TIMELINE_KINDS } from '../views.ts';
import { IntervalName } from './catalog-routes.ts';
import { type Named, resolvePerson } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import {
  FeePart,
  IdText,
  Instant,
  MethodName,
  Minor,
  MONEY_FIELDS,
  PAGE_QUERY,
  PastName,
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
  returned_amount: Minor.openapi({ description: 'What went back of it by refunds and lost disputes' }),
  plan_name: PastName,
  product_name: PastName,
  payment_method: MethodName,
  provider: z.string(),
  paid_at: Instant,
};
const PaymentResource = z.object(PAYMENT_FIELDS).openapi('Payment');

const RefundPart = z
  .object({
    refund_id: z.string(),
    status: z.enum(['requested', 'succeeded', 'failed']),
    reason: z.enum(['surplus', 'requested', 'provider']),
    ...MONEY_FIELDS,
    reference: z.string().nullable().openapi({ description: 'The provider’s id of it, once it has one' }),
    claim_url: z.url().nullable().openapi({ description: 'Where the buyer says how they want their money' }),
    at: Instant,
  })
  .openapi('Refund');

const ReceiptResource = z
  .object({
    object: z.literal('payment'),
    ...PAYMENT_FIELDS,
    invoice_id: z.string(),
    charge_id: z.string().openapi({ description: 'The provider’s id of the charge' }),
    period: z.object({ from: Instant, until: Instant }).nullable(),
    fees: z.array(FeePart),
    refund: RefundPart.nullable().openapi({ description: 'The newest of refunds' }),
    refunds: z.array(RefundPart),
    disputes: z.array(
      z.object({
        dispute_id: z.string(),
        status: z.enum(['open', 'won', 'lost']),
        ...MONEY_FIELDS,
        opened_at: Instant,
        closed_at: Instant.nullable(),
      }),
    ),
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
    plan_id: PastName,
    plan_name: PastName,
    product_code: PastName,
    product_name: PastName,
    payment_method: MethodName.nullable().openapi({ description: 'As the last attempt asks for it' }),
    provider: z.string().nullable(),
    payment_url: z.url().nullable(),
    pending: z
      .object({
        provider: z.string(),
        progress: z.enum(PROGRESSES),
        missing: z.object(MONEY_FIELDS).nullable().openapi({ description: 'What is still to be sent' }),
        instructions_url: z.url().nullable().openapi({ description: 'Where the payer reads how to send it' }),
      })
      .nullable()
      .openapi({ description: 'Money that is on its way; the order is held for it' }),
    failure: z
      .object({ code: z.enum(PAYMENT_FAILURES), text: z.string() })
      .nullable()
      .openapi({ description: 'Why the last attempt failed, with one next step' }),
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
    returned_amount: view.returned?.amount ?? '0',
    plan_name: view.planName,
    product_name: view.productName,
    payment_method: view.method,
    provider: view.provider,
    paid_at: view.paidAt.iso,
  };
}

function receiptResource(view: ReceiptView): z.input<typeof ReceiptResource> {
  const refunds = view.refunds.map(refundPart);
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
    refund: refunds[0] ?? null,
    refunds,
    disputes: view.disputes.map(({ closedAt, id, money, openedAt, status }) => ({
      dispute_id: id,
      status,
      amount: money.amount,
      currency: money.currency,
      amount_text: money.text,
      opened_at: openedAt.iso,
      closed_at: closedAt?.iso ?? null,
    })),
    timeline: view.timeline.map(({ kind, at }) => ({ kind, at: at.iso })),
  };
}

function refundPart({ at, claimUrl, id, money, reason, reference, status }: RefundView): z.input<typeof RefundPart> {
  return {
    refund_id: id,
    status,
    reason,
    amount: money.amount,
    currency: money.currency,
    amount_text: money.text,
    reference,
    claim_url: claimUrl,
    at: at.iso,
  };
}

function orderResource(view: InvoiceView, { attempts: [attempt] }: InvoiceRecord): z.input<typeof OrderResource> {
  const { entitlement, failure, payment, pending, price } = view;
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
    payment_method: METHODS.find((method) => method === attempt?.method) ?? null,
    provider: attempt?.provider ?? null,
    payment_url: view.url,
    pending: pending && {
      provider: pending.provider,
      progress: pending.progress,
      missing: pending.missing && {
        amount: pending.missing.amount,
        currency: pending.missing.currency,
        amount_text: pending.missing.text,
      },
      instructions_url: pending.instructionsUrl,
    },
    failure: failure && { code: failure.failure, text: failure.text },
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
    if (!id.startsWith('inv_'))
      return { success: true as const, payment: receiptResource(await showReceipt(ctx, id, language)) };
    return { success: true as const, payment: await showOrder(ctx, await getInvoice(ctx, id), language) };
  },
});

async function showOrder(ctx: Ctx, invoice: InvoiceRecord, language: Language): Promise<z.input<typeof OrderResource>> {
  return orderResource(await showInvoice(ctx, invoice, { language, surface: 'api' }), invoice);
}

const cancelRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payments/{id}/cancel',
  access: { kind: 'person', scope: 'payments:write' },
  tag: 'Payments',
  summary: 'Cancel an order that is still open',
  description:
    'Takes the payment_id that `create` answered (inv_…). Its links cannot be paid any more; money that is on its way all the same is honoured when it arrives. An order that is closed already stays as it is and is answered; a paid one is refused (409): refund it instead.',
  params: z.object({ id: IdText }),
  body: z.strictObject({}),
  answer: {
    status: 200,
    description: 'The order, closed',
    schema: z.object({ success: Success, payment: OrderResource }).openapi('CancelledOrder'),
  },
  refusals: [404, 409],
  run: async ({ ctx, params, language }) => ({
    success: true as const,
    payment: await showOrder(ctx, await cancelInvoice(ctx, params.id), language),
  }),
});

/** Orders, and what was paid. */
export const paymentRoutes: ReadonlyArray<Route> = [historyOfRoute, historyRoute, paymentRoute, cancelRoute];
