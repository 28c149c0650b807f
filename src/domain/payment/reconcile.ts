import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { databaseCode } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { recordRefund } from '#domain/payment/record-refund.ts';
import { settlePayment } from '#domain/payment/settle.ts';
import { type Provider, ProviderError, type ProviderTransaction } from '#domain/provider.ts';

const PAGE = 100;
const MAX_PAGES = 100;
/** A younger row's own message is probably still on its way. */
const MIN_AGE_MS = 90_000;
/** Providers stop delivering after a day (telegram.md §1.5): rows older than this never change and are not read again. */
const FINAL_AGE_MS = 2 * 86_400_000;

export type ReconciliationResult = Readonly<{ checked: number; settled: number; reported: number }>;

type Ours = { charge_id: string; status: 'succeeded' | 'refunding' | 'refunded'; amount: bigint; currency: string };
type Difference = {
  kind: 'missing_payment' | 'missing_refund' | 'unknown_order' | 'amount_differs' | 'not_at_provider';
  chargeId: string;
  status: 'settled' | 'reported';
};

/**
 * Compares a provider's own list with ours and settles what was lost on the way: charges and refunds we never heard of.
 * What cannot be settled (an order we do not know, another amount, a payment the provider does not list) is reported once.
 * Safe to run at any time and in parallel; throws ProviderError when the list cannot be read.
 */
export async function reconcilePayments(ctx: Ctx, providerId: string): Promise<ReconciliationResult> {
  const provider = ctx.providers.get(providerId);
  if (!provider) throw new ProviderError('misconfigured', 'not_registered');
  const list = provider.listTransactions?.bind(provider);
  if (!list) return { checked: 0, settled: 0, reported: 0 };
  const start = await startOffset(ctx, providerId, list);
  let offset = start;
  let finalRows = 0;
  const seen = new Set<string>();
  const differences: Difference[] = [];
  let oldest: Date | null = null;
  let isWhole = false;

  for (let page = 0; page < MAX_PAGES && !isWhole; page += 1) {
    const rows = await list(offset, PAGE);
    const sales = rows.filter((row) => row !== null);
    oldest ??= sales[0]?.occurredAt ?? null;
    for (const row of sales) seen.add(row.chargeId);
    differences.push(...(await comparePage(ctx, providerId, sales)));
    if (finalRows === offset - start) finalRows += countFinal(rows, ctx.clock.now());
    offset += rows.length;
    isWhole = rows.length < PAGE;
  }
  if (isWhole && oldest) differences.push(...(await findUnlisted(ctx, providerId, oldest, seen)));

  const settled = differences.filter(({ status }) => status === 'settled').length;
  const result = { checked: offset - start, settled, reported: await report(ctx, providerId, differences) };
  const cursor = { offset: start + finalRows, finishedAt: ctx.clock.now(), ...result };
  await ctx.db.reconciliationCursor.upsert({
    where: { provider: providerId },
    create: { provider: providerId, ...cursor },
    update: cursor,
  });
  return result;
}

/** Where to read from; from the beginning again when the provider's list has become shorter than what was read. */
async function startOffset(
  ctx: Ctx,
  providerId: string,
  list: NonNullable<Provider['listTransactions']>,
): Promise<number> {
  const cursor = await ctx.db.reconciliationCursor.findUnique({ where: { provider: providerId } });
  if (!cursor || cursor.offset === 0) return 0;
  return (await list(cursor.offset - 1, 1)).length > 0 ? cursor.offset : 0;
}

/** How many rows from the start of a page are old enough to be final. Rows that are no sales never hold the cursor back. */
function countFinal(rows: ReadonlyArray<ProviderTransaction | null>, now: Date): number {
  const firstOpen = rows.findIndex((row) => row !== null && now.getTime() - row.occurredAt.getTime() < FINAL_AGE_MS);
  return firstOpen === -1 ? rows.length : firstOpen;
}

async function comparePage(
  ctx: Ctx,
  providerId: string,
  rows: ReadonlyArray<ProviderTransaction>,
): Promise<Difference[]> {
  if (rows.length === 0) return [];
  const { rows: found } = await ctx.pool.query<Ours>({
    name: 'find_charges',
    text: 'SELECT charge_id, status, amount, currency FROM payment WHERE provider = $1 AND charge_id = ANY($2)',
    values: [providerId, rows.map((row) => row.chargeId)],
  });
  const ours = new Map(found.map((payment) => [payment.charge_id, payment]));
  const differences: Difference[] = [];
  for (const row of rows) {
    const difference = await compare(ctx, providerId, row, ours.get(row.chargeId));
    if (difference) differences.push(difference);
  }
  return differences;
}

async function compare(
  ctx: Ctx,
  providerId: string,
  row: ProviderTransaction,
  ours: Ours | undefined,
): Promise<Difference | null> {
  const { chargeId } = row;
  if (ours && (ours.amount !== row.amount.amount || ours.currency !== row.amount.currency))
    return { kind: 'amount_differs', chargeId, status: 'reported' };
  const isSettled = row.direction === 'charge' ? ours !== undefined : ours?.status === 'refunded';
  if (isSettled || ctx.clock.now().getTime() - row.occurredAt.getTime() < MIN_AGE_MS) return null;
  const kind = row.direction === 'charge' ? 'missing_payment' : 'missing_refund';
  try {
    await settle(ctx, providerId, row);
    return { kind, chargeId, status: 'settled' };
  } catch (error) {
    if (error instanceof AppError && error.reason === 'invoice_not_found')
      return { kind: 'unknown_order', chargeId, status: 'reported' };
    if (error instanceof AppError && error.reason === 'payment_not_found')
      return { kind, chargeId, status: 'reported' };
    // A row that the database refuses is refused each time: it must not stand before all that follow.
    if (isRefusedRow(error)) return { kind, chargeId, status: 'reported' };
    throw error;
  }
}

/** SQLSTATE classes of data that no table of ours can hold (data exception, integrity constraint). */
function isRefusedRow(error: unknown): boolean {
  return /^2[23]/.test(databaseCode(error) ?? '');
}

async function settle(ctx: Ctx, providerId: string, row: ProviderTransaction): Promise<void> {
  if (!row.invoiceId || row.payerId === null) throw new AppError('not_found', 'invoice_not_found');
  const charge = {
    eventId: `reconciliation:${row.direction}:${row.chargeId}`,
    occurredAt: row.occurredAt,
    invoiceId: row.invoiceId,
    chargeId: row.chargeId,
    payerId: row.payerId,
    paid: row.amount,
  };
  if (row.direction === 'refund') {
    await recordRefund(ctx, { providerId, event: { ...charge, type: 'payment_refunded' }, inbox: null });
    return;
  }
  const renewal = row.renewalDays === null ? 'none' : 'unknown';
  await settlePayment(ctx, {
    providerId,
    event: { ...charge, type: 'payment_succeeded', renewal, paidUntil: null, renewalDays: row.renewalDays },
    inbox: null,
  });
}

const MAX_UNLISTED = 10_000;
/** Our time of a payment is its message's, the list's its transaction's: at both ends of the list they may fall apart. */
const EDGE_MS = 10 * 60_000;

/** Payments of ours in the time the list covered that the provider does not know. */
async function findUnlisted(
  ctx: Ctx,
  providerId: string,
  from: Date,
  seen: ReadonlySet<string>,
): Promise<Difference[]> {
  const rows = await ctx.db.payment.findMany({
    where: {
      provider: providerId,
      paidAt: { gt: new Date(from.getTime() + EDGE_MS), lt: new Date(ctx.clock.now().getTime() - EDGE_MS) },
    },
    select: { chargeId: true },
    orderBy: { paidAt: 'desc' },
    take: MAX_UNLISTED,
  });
  return rows
    .filter(({ chargeId }) => !seen.has(chargeId))
    .map(({ chargeId }) => ({ kind: 'not_at_provider', chargeId, status: 'reported' }));
}

/** Writes differences down, each once; returns how many unsettled ones are new. */
async function report(ctx: Ctx, providerId: string, differences: ReadonlyArray<Difference>): Promise<number> {
  let reported = 0;
  for (const { chargeId, kind, status } of differences) {
    const id = newId(ctx, 'dif');
    const { count } = await ctx.db.reconciliationDifference.createMany({
      data: [{ id, provider: providerId, chargeId, kind, status, createdAt: ctx.clock.now() }],
      skipDuplicates: true,
    });
    if (count === 0) continue;
    ctx.metrics.reconciliation.inc({ provider: providerId, kind, outcome: status });
    await recordAudit(ctx, { action: `reconciliation.${status}`, objectId: id, data: { kind } });
    if (status === 'settled') continue;
    reported += 1;
    ctx.log.error({ difference: id, kind }, 'provider and books differ');
  }
  return reported;
}
