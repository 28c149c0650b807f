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

/** A payment with the plan it is for; null where nobody on this server knows it any more. */
export type NamedPayment = Payment & { planId: string | null };

/**
 * The plans that payments are for, by payment: told by the right, the order or the subscription that still names it. Money that
 * came once more for an order of the same person is for what that order was.
 */
export async function findPlanIds(ctx: Ctx, paymentIds: ReadonlyArray<string>): Promise<Map<string, string>> {
  if (paymentIds.length === 0) return new Map();
  const rows = await ctx.db.$queryRaw<Array<{ id: string; plan_id: string | null }>>`
    SELECT p.id, coalesce(e.plan_id, i.plan_id, s.plan_id, (SELECT o.plan_id FROM payment q JOIN entitlement o ON o.payment_id = q.id
      WHERE q.invoice_id = p.invoice_id AND o.user_id = p.user_id LIMIT 1)) AS plan_id
    FROM payment p JOIN invoice i ON i.id = p.invoice_id
    LEFT JOIN entitlement e ON e.payment_id = p.id
    LEFT JOIN subscription s ON s.id = p.subscription_id
    WHERE p.id = ANY(${paymentIds})`;
  return new Map(rows.flatMap(({ id, plan_id }) => (plan_id === null ? [] : [[id, plan_id]])));
}

/** A person's payments, newest first, one page (keyset). `next` is null on the last page. */
export async function listPayments(
  ctx: Ctx,
  filter: PaymentFilter,
): Promise<{ rows: NamedPayment[]; next: PaymentCursor | null }> {
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
  const plans = await findPlanIds(
    ctx,
    page.map(({ id }) => id),
  );
  const named = page.map((payment) => ({ ...payment, planId: plans.get(payment.id) ?? null }));
  return { rows: named, next: rows.length > limit && last ? { paidAt: last.paidAt, id: last.id } : null };
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

/**
 * One payment with all that belongs to it, as it is shown: what its provider calls it and its refunds is revealed. `audit` is its
 * and its order's history, oldest first.
 */
export type PaymentRecord = NamedPayment & {
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
  const planId = (await findPlanIds(ctx, [paymentId])).get(paymentId) ?? null;
  return { ...payment, ...revealIds(ctx, payment), planId, audit };
}

type Named = { chargeId: string; refunds: Refund[]; disputes: Dispute[] };

function revealIds({ vault }: Ctx, { chargeId, disputes, refunds }: Named): Named {
  return {
    chargeId: vault.reveal(chargeId),
    refunds: refunds.map((refund) => revealRefund(vault, refund)),
    disputes: disputes.map((dispute) => ({ ...dispute, reference: vault.reveal(dispute.reference) })),
  };
}

/** A refund as it is shown: with what its provider calls it, and where it is claimed. */
export function revealRefund<Row extends Pick<Refund, 'reference' | 'claimUrl'>>(
  vault: Ctx['vault'],
  refund: Row,
): Row {
  const { claimUrl, reference } = refund;
  return { ...refund, reference: reference && vault.reveal(reference), claimUrl: claimUrl && vault.reveal(claimUrl) };
}
