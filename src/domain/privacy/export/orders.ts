import type { Ctx } from '#domain/context/context.ts';
import { decimalOf, type ExportRow, type ExportScope, money } from '#domain/privacy/export/books.ts';
import { madeAfter } from '#domain/privacy/export/lists.ts';
import { iso, PAGE, readPages, readParts } from '#domain/privacy/export/pages.ts';
import { openBytes } from '#lib/crypto.ts';
import type { Invoice, PaymentAttempt, Reservation } from '#lib/generated/prisma/client.ts';

/** A page of orders with how they were to be paid. */
export type OrdersPage = Readonly<{
  orders: ReadonlyArray<ExportRow>;
  /** Each opening of a checkout of a payment service. */
  attempts: ReadonlyArray<ExportRow>;
  /** What payment services hold of them, or held. */
  reservations: ReadonlyArray<ExportRow>;
}>;

/** A person's orders, paid or not, oldest first, each with its attempts and holds. */
export async function* readOrders(ctx: Ctx, scope: ExportScope, dataKey: Uint8Array): AsyncGenerator<OrdersPage> {
  const pages = readPages<Invoice>(
    PAGE,
    ({ createdAt }) => createdAt,
    (after, take) => ctx.db.invoice.findMany({ ...madeAfter(scope, after), take }),
  );
  for await (const rows of pages) {
    const theirs = { invoiceId: { in: rows.map(({ id }) => id) }, createdAt: { lte: scope.asOf } };
    const attempts = await readParts((id, take) =>
      ctx.db.paymentAttempt.findMany({ where: { ...theirs, id }, orderBy: { id: 'asc' }, take }),
    );
    const reservations = await readParts((id, take) =>
      ctx.db.reservation.findMany({ where: { ...theirs, id }, orderBy: { id: 'asc' }, take }),
    );
    yield {
      orders: rows.map((row) => writeOrder(row, dataKey)),
      attempts: attempts.map((row) => writeAttempt(ctx, row)),
      reservations: reservations.map((row) => writeReservation(ctx, row)),
    };
  }
}

function writeOrder(row: Invoice, dataKey: Uint8Array): ExportRow {
  return {
    order_id: row.id,
    status: row.status,
    kind: row.kind,
    interval: row.interval,
    product_id: row.productId,
    plan_id: row.planId,
    currency: row.currency,
    amount: decimalOf(row.amount, row.currency),
    amount_minor: row.amount.toString(),
    ordered_through: row.surface,
    record_is_delivered: row.isLogged,
    // JSON, as the seller's server said it.
    said_by_seller: row.sealed && openBytes(dataKey, row.sealed).toString('utf8'),
    created_at: row.createdAt.toISOString(),
    expires_at: row.expiresAt.toISOString(),
    closed_at: iso(row.closedAt),
  };
}

function writeAttempt({ vault }: Ctx, row: PaymentAttempt): ExportRow {
  return {
    attempt_id: row.id,
    order_id: row.invoiceId,
    provider: row.provider,
    method: row.method,
    status: row.status,
    failure: row.failure,
    opened_by: row.openedBy,
    provider_reference: row.reference && vault.reveal(row.reference),
    url: row.url && vault.reveal(row.url),
    created_at: row.createdAt.toISOString(),
  };
}

function writeReservation({ vault }: Ctx, row: Reservation): ExportRow {
  return {
    reservation_id: row.id,
    number: row.number.toString(),
    order_id: row.invoiceId,
    provider: row.provider,
    charge_id: vault.reveal(row.chargeId),
    provider_reference: row.reference && vault.reveal(row.reference),
    status: row.status,
    currency: row.currency,
    ...money('amount', row.amount, row.currency),
    missing: row.missing === null ? null : decimalOf(row.missing, row.currency),
    missing_minor: row.missing?.toString() ?? null,
    waits_for: row.progress,
    end_code: row.code?.toString() ?? null,
    instructions_url: row.instructionsUrl && vault.reveal(row.instructionsUrl),
    ...writeReceipts(vault, row.receipts),
    asked_at: row.askedAt.toISOString(),
    created_at: row.createdAt.toISOString(),
    paid_at: iso(row.paidAt),
    cancelled_at: iso(row.cancelledAt),
  };
}

/** Fiscal receipts, JSON as the payment service sent it; those from before they were concealed lie as objects. */
function writeReceipts({ reveal }: Ctx['vault'], receipts: Reservation['receipts']): ExportRow {
  const kept: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(receipts ?? {}));
  const textOf = (said: unknown) => {
    if (said === undefined || said === null) return null;
    return typeof said === 'string' ? reveal(said) : JSON.stringify(said);
  };
  return { fiscal_receipt: textOf(kept['charge']), refund_fiscal_receipt: textOf(kept['refund']) };
}
