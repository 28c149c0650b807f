import type { Ctx } from '#domain/context/context.ts';
import { Currency, toDecimal } from '#domain/money.ts';
import { revealRefund } from '#domain/payment/records.ts';
import { iso, PAGE, readPages, readParts } from '#domain/privacy/export/pages.ts';
import type { Dispute, Entitlement, Refund } from '#lib/generated/prisma/client.ts';

/** Whose data, in which language, and up to when: what happens while a copy is built is not in it. */
export type ExportScope = Readonly<{ userId: string; language: string; asOf: Date }>;

/** What a file of a copy says of one thing. Amounts are decimals; what ends in `_minor` counts minor units. */
export type ExportRow = Readonly<Record<string, string | boolean | null>>;

type PaymentRow = Readonly<{
  id: string;
  invoice_id: string;
  subscription_id: string | null;
  provider: string;
  charge_id: string;
  kind: string;
  status: string;
  amount: bigint;
  currency: string;
  platform_fee: bigint;
  processor_fee: bigint;
  developer_share: bigint;
  returned_amount: bigint;
  method: string | null;
  irregularity: string | null;
  period_start: Date | null;
  period_end: Date | null;
  paid_at: Date;
  product: string | null;
  plan: string | null;
  plan_name: string | null;
}>;

/** A page of payments with all that belongs to them. */
export type BooksPage = Readonly<{
  payments: ReadonlyArray<PaymentRow>;
  refunds: ReadonlyArray<ExportRow>;
  disputes: ReadonlyArray<ExportRow>;
  entitlements: ReadonlyArray<ExportRow>;
}>;

/** A person's books, oldest first: each payment is read once, with what belongs to it, so that the files agree. */
export async function* readBooks(ctx: Ctx, scope: ExportScope): AsyncGenerator<BooksPage> {
  const { asOf, language, userId } = scope;
  const pages = readPages<PaymentRow>(
    PAGE,
    ({ paid_at }) => paid_at,
    (after, size) =>
      ctx.db.$queryRaw<PaymentRow[]>`
        SELECT p.id, p.invoice_id, p.subscription_id, p.provider, p.charge_id, p.kind::text, p.status::text, p.amount,
          p.currency, p.platform_fee, p.processor_fee, p.developer_share, p.returned_amount, p.method, p.irregularity,
          p.period_start, p.period_end, p.paid_at, r.code AS product, l.code AS plan, l.texts #>> ARRAY[${language}, 'name'] AS plan_name
        FROM payment p JOIN invoice i ON i.id = p.invoice_id LEFT JOIN entitlement e ON e.payment_id = p.id
          LEFT JOIN subscription s ON s.id = p.subscription_id
          LEFT JOIN plan l ON l.id = coalesce(e.plan_id, i.plan_id, s.plan_id) LEFT JOIN product r ON r.id = l.product_id
        WHERE p.user_id = ${userId} AND p.created_at <= ${asOf} AND (p.paid_at, p.id) > (${after.at}, ${after.id})
        ORDER BY p.paid_at, p.id LIMIT ${size}`,
  );
  for await (const payments of pages) {
    const ids = payments.map(({ id }) => id);
    const { reveal } = ctx.vault;
    const paymentId = { in: ids };
    yield {
      payments: payments.map((row) => ({ ...row, charge_id: reveal(row.charge_id) })),
      refunds: await readParts((id, take) =>
        ctx.db.refund.findMany({ where: { paymentId, id }, orderBy: { id: 'asc' }, take }),
      ).then((rows) => rows.map((row) => writeRefund(revealRefund(ctx.vault, row)))),
      disputes: await readParts((id, take) =>
        ctx.db.dispute.findMany({ where: { paymentId, id }, orderBy: { id: 'asc' }, take }),
      ).then((rows) => rows.map((row) => writeDispute({ ...row, reference: reveal(row.reference) }))),
      entitlements: (await ctx.db.entitlement.findMany({ where: { paymentId } })).map(writeEntitlement),
    };
  }
  yield* readFreeRights(ctx, scope);
}

/** Rights that nothing was paid for. */
async function* readFreeRights(ctx: Ctx, { asOf, userId }: ExportScope): AsyncGenerator<BooksPage> {
  const pages = readPages<Entitlement>(
    PAGE,
    ({ createdAt }) => createdAt,
    (after, take) =>
      ctx.db.entitlement.findMany({
        where: { userId, paymentId: null, createdAt: { lte: asOf }, id: { gt: after.id } },
        orderBy: { id: 'asc' },
        take,
      }),
  );
  for await (const rows of pages)
    yield { payments: [], refunds: [], disputes: [], entitlements: rows.map(writeEntitlement) };
}

/** A sum of minor units as people write it. */
export const decimalOf = (amount: bigint, currency: string) =>
  toDecimal({ amount, currency: Currency.parse(currency) });

/** An amount under `name`, with its exact count of minor units beside it. */
export function money(name: string, amount: bigint, currency: string): ExportRow {
  return { [name]: decimalOf(amount, currency), [`${name}_minor`]: amount.toString() };
}

export function writePayment(row: BooksPage['payments'][number]): ExportRow {
  const { amount, currency, developer_share, platform_fee, processor_fee, returned_amount } = row;
  return {
    payment_id: row.id,
    order_id: row.invoice_id,
    subscription_id: row.subscription_id,
    paid_at: row.paid_at.toISOString(),
    kind: row.kind,
    status: row.status,
    product: row.product,
    plan: row.plan,
    plan_name: row.plan_name,
    currency,
    ...money('amount', amount, currency),
    ...money('returned', returned_amount, currency),
    ...money('platform_fee', platform_fee, currency),
    ...money('processor_fee', processor_fee, currency),
    ...money('developer_share', developer_share, currency),
    provider: row.provider,
    method: row.method,
    charge_id: row.charge_id,
    irregularity: row.irregularity,
    period_start: iso(row.period_start),
    period_end: iso(row.period_end),
  };
}

function writeRefund(row: Refund): ExportRow {
  return {
    refund_id: row.id,
    payment_id: row.paymentId,
    status: row.status,
    reason: row.reason,
    currency: row.currency,
    ...money('amount', row.amount, row.currency),
    requested_by: row.requestedBy,
    failure: row.failure,
    provider_reference: row.reference,
    claim_url: row.claimUrl,
    created_at: row.createdAt.toISOString(),
    completed_at: iso(row.completedAt),
  };
}

function writeDispute(row: Dispute): ExportRow {
  return {
    dispute_id: row.id,
    payment_id: row.paymentId,
    status: row.status,
    currency: row.currency,
    ...money('amount', row.amount, row.currency),
    ...money('returned', row.returnedAmount, row.currency),
    provider_reference: row.reference,
    created_at: row.createdAt.toISOString(),
    closed_at: iso(row.closedAt),
  };
}

function writeEntitlement(row: Entitlement): ExportRow {
  return {
    entitlement_id: row.id,
    payment_id: row.paymentId,
    subscription_id: row.subscriptionId,
    product_id: row.productId,
    plan_id: row.planId,
    starts_at: row.startsAt.toISOString(),
    ends_at: iso(row.endsAt),
    revoked_at: iso(row.revokedAt),
    created_at: row.createdAt.toISOString(),
  };
}
