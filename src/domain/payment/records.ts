import { z } from 'zod';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import type { PaymentStatus } from '#domain/payment/rules.ts';
import type { AuditEvent, Dispute, Entitlement, Invoice, Payment, Refund } from '#lib/generated/prisma/client.ts';

export const MAX_PAGE = 50;

/** Where a page ends: the last row's time and id. */
export const PaymentCursor = z.object({ paidAt: z.coerce.date(), id: z.string().max(40) });
export type PaymentCursor = z.infer<typeof PaymentCursor>;

export type PaymentFilter = Readonly<{
  userId: string;
  limit: number;
  cursor?: PaymentCursor | undefined;
  status?: PaymentStatus | undefined;
  /** YYYY-MM, in UTC. */
  month?: string | undefined;
}>;

/** A person's payments, newest first, one page (keyset). `next` is null on the last page. */
export async function listPayments(
  ctx: Ctx,
  filter: PaymentFilter,
): Promise<{ rows: Payment[]; next: PaymentCursor | null }> {
  requireOwnerOr(ctx, filter.userId, 'payments:read');
  const limit = Math.min(Math.max(filter.limit, 1), MAX_PAGE);
  const { cursor, month, status, userId } = filter;
  const range = month ? monthRange(month) : null;
  const rows = await ctx.db.payment.findMany({
    where: {
      userId,
      ...(status ? { status } : {}),
      ...(range ? { paidAt: { gte: range.from, lt: range.to } } : {}),
      ...(cursor ? { OR: [{ paidAt: { lt: cursor.paidAt } }, { paidAt: cursor.paidAt, id: { lt: cursor.id } }] } : {}),
    },
    orderBy: [{ paidAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
  });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, next: rows.length > limit && last ? { paidAt: last.paidAt, id: last.id } : null };
}

/** The first instant of a month and of the next, UTC. `month` is YYYY-MM. */
export function monthRange(month: string): { from: Date; to: Date } {
  const from = new Date(`${month}-01T00:00:00.000Z`);
  const to = new Date(from);
  to.setUTCMonth(to.getUTCMonth() + 1);
  return { from, to };
}

/** The months (YYYY-MM, UTC) in which a person paid, newest first, at most 60. */
export async function listPaymentMonths(ctx: Ctx, userId: string): Promise<string[]> {
  requireOwnerOr(ctx, userId, 'payments:read');
  const rows = await ctx.db.$queryRaw<Array<{ month: string }>>`
    SELECT DISTINCT to_char(paid_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month FROM payment WHERE user_id = ${userId} ORDER BY month DESC LIMIT 60`;
  return rows.map(({ month }) => month);
}

/** One payment with all that belongs to it. `audit` is its and its order's history, oldest first. */
export type PaymentRecord = Payment & {
  invoice: Invoice;
  /** Newest first. */
  refunds: Refund[];
  disputes: Dispute[];
  entitlement: Entitlement | null;
  audit: AuditEvent[];
};

/** A payment by id. A stranger's payment looks like none: `not_found payment_not_found`. */
export async function getPayment(ctx: Ctx, paymentId: string): Promise<PaymentRecord> {
  const hidden = new AppError('not_found', 'payment_not_found');
  const payment = await ctx.db.payment.findUnique({
    where: { id: paymentId },
    include: {
      invoice: true,
      refunds: { orderBy: { createdAt: 'desc' } },
      disputes: { orderBy: { createdAt: 'desc' } },
      entitlement: true,
    },
  });
  if (!payment) throw hidden;
  requireOwnerOr(ctx, payment.userId, 'payments:read', hidden);
  const audit = await ctx.db.auditEvent.findMany({
    where: { objectId: { in: [payment.id, payment.invoiceId] } },
    orderBy: { seq: 'asc' },
    take: 100,
  });
  return { ...payment, audit };
}
