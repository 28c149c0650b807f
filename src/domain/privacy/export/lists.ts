import type { Ctx } from '#domain/context/context.ts';
import { openCard } from '#domain/privacy/cards.ts';
import { listConsents } from '#domain/privacy/consents.ts';
import { decimalOf, type ExportRow, type ExportScope } from '#domain/privacy/export/books.ts';
import { iso, PAGE, readPages } from '#domain/privacy/export/pages.ts';
import type { DataExport, Erasure, PaymentMethod, Subscription } from '#lib/generated/prisma/client.ts';

/** What makes a page of a list that is ordered by when its rows were made. */
export function madeAfter({ asOf, userId }: ExportScope, after: { at: Date; id: string }) {
  return {
    where: {
      userId,
      createdAt: { gte: after.at, lte: asOf },
      OR: [{ createdAt: { gt: after.at } }, { id: { gt: after.id } }],
    },
    orderBy: [{ createdAt: 'asc' as const }, { id: 'asc' as const }],
  };
}

const madeAt = ({ createdAt }: { createdAt: Date }) => createdAt;

/** A person's subscriptions, oldest first. */
export async function* readSubscriptions(ctx: Ctx, scope: ExportScope): AsyncGenerator<ExportRow[]> {
  const pages = readPages<Subscription>(PAGE, madeAt, (after, take) =>
    ctx.db.subscription.findMany({ ...madeAfter(scope, after), take }),
  );
  for await (const rows of pages)
    yield rows.map((row) => writeSubscription({ ...row, firstChargeId: ctx.vault.reveal(row.firstChargeId) }));
}

function writeSubscription(row: Subscription): ExportRow {
  return {
    subscription_id: row.id,
    order_id: row.invoiceId,
    status: row.status,
    product_id: row.productId,
    plan_id: row.planId,
    currency: row.currency,
    amount: decimalOf(row.amount, row.currency),
    amount_minor: row.amount.toString(),
    provider: row.provider,
    first_charge_id: row.firstChargeId,
    cancelled_by: row.cancelledBy,
    created_at: row.createdAt.toISOString(),
    current_period_start: row.currentPeriodStart.toISOString(),
    current_period_end: row.currentPeriodEnd.toISOString(),
    grace_until: iso(row.graceUntil),
    ended_at: iso(row.endedAt),
  };
}

/** A person's stored cards, oldest first; of one that they have not said to be theirs, nothing but that it was begun. */
export async function* readCards(ctx: Ctx, scope: ExportScope): AsyncGenerator<ExportRow[]> {
  const pages = readPages<PaymentMethod>(PAGE, madeAt, (after, take) =>
    ctx.db.paymentMethod.findMany({ ...madeAfter(scope, after), take }),
  );
  for await (const rows of pages) yield rows.map((row) => writeCard(ctx, row));
}

function writeCard(ctx: Ctx, row: PaymentMethod): ExportRow {
  const card = openCard(ctx, row);
  return {
    method_id: row.id,
    provider: row.provider,
    status: row.status,
    brand: card?.brand ?? null,
    last4: card?.last4 ?? null,
    expires: card?.expires ?? null,
    created_at: row.createdAt.toISOString(),
    removed_at: iso(row.removedAt),
  };
}

/** What a person agreed to, and where; a few rows. */
export async function* readAgreements(ctx: Ctx, { userId }: ExportScope): AsyncGenerator<ExportRow[]> {
  const rows = await listConsents(ctx, userId);
  yield rows.map(({ givenAt, kind, surface, version, withdrawnAt }) => ({
    ...{ kind, version, surface },
    given_at: iso(givenAt),
    withdrawn_at: iso(withdrawnAt),
  }));
}

/** The copies of their data that a person asked for, this one among them, as long as that is kept. */
export async function* readCopies(ctx: Ctx, scope: ExportScope): AsyncGenerator<ExportRow[]> {
  const pages = readPages<DataExport>(PAGE, madeAt, (after, take) =>
    ctx.db.dataExport.findMany({ ...madeAfter(scope, after), take }),
  );
  for await (const rows of pages)
    yield rows.map((row) => ({
      copy_id: row.id,
      status: row.status,
      obstacle: row.obstacle,
      documents: row.parts.toString(),
      sha256: row.sha256 && Buffer.from(row.sha256).toString('hex'),
      created_at: row.createdAt.toISOString(),
      completed_at: iso(row.completedAt),
    }));
}

/** A person's wishes that their data be erased: taken back, waiting, or refused because something stood in the way. */
export async function* readErasures(ctx: Ctx, { asOf, userId }: ExportScope): AsyncGenerator<ExportRow[]> {
  const pages = readPages<Erasure>(
    PAGE,
    ({ requestedAt }) => requestedAt,
    (after, take) =>
      ctx.db.erasure.findMany({
        where: {
          userId,
          requestedAt: { gte: after.at, lte: asOf },
          OR: [{ requestedAt: { gt: after.at } }, { id: { gt: after.id } }],
        },
        orderBy: [{ requestedAt: 'asc' }, { id: 'asc' }],
        take,
      }),
  );
  for await (const rows of pages)
    yield rows.map((row) => ({
      erasure_id: row.id,
      status: row.status,
      requested_at: row.requestedAt.toISOString(),
      due_at: row.dueAt.toISOString(),
      begun_at: iso(row.begunAt),
      told_at: iso(row.toldAt),
      completed_at: iso(row.completedAt),
      // JSON.
      erased_so_far: JSON.stringify(row.counts),
      report: row.report === null ? null : JSON.stringify(row.report),
    }));
}
