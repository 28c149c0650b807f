import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { databaseCode } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import type { ProviderTransaction } from '#domain/provider/request.ts';
import { applyEvent } from '#domain/reconciliation/apply.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';
import type { ReconciliationCursor } from '#lib/generated/prisma/client.ts';

const PAGE = 100;
/** What one run reads: the rest is the next run's. */
const MAX_PAGES = 100;
/** A younger row's own message is probably still on its way. */
const MIN_AGE_MS = 90_000;
/** Providers stop delivering after a day (telegram.md §1.5): rows older than this never change and are not read again. */
const FINAL_AGE_MS = 2 * 86_400_000;

/** How far back the first comparison with a list that is asked by time reaches. */
const FIRST_REACH_MS = 30 * 86_400_000;

export type ReconciliationResult = Readonly<{ checked: number; settled: number; reported: number }>;

type Ours = {
  charge_id: string;
  amount: bigint;
  currency: string;
  is_returned: boolean;
  refunds: string[];
  disputes: string[];
  ended: string[];
};
type Difference = {
  kind:
    | 'missing_payment'
    | 'missing_refund'
    | 'missing_dispute'
    | 'unknown_order'
    | 'amount_differs'
    | 'not_at_provider';
  chargeId: string;
  status: 'settled' | 'reported';
};

/**
 * Compares a provider's own list with ours and settles what was lost on the way: charges, refunds and disputes we never heard of.
 * What cannot be settled (an order we do not know, another amount, a payment the provider does not list) is reported once.
 * A list that is longer than one run reads is gone on with by the next run, and begun anew when its end was reached.
 * Safe to run at any time and in parallel; throws ProviderError when the list cannot be read.
 */
export async function reconcilePayments(ctx: Ctx, providerId: string): Promise<ReconciliationResult> {
  const provider = ctx.providers.get(providerId);
  if (!provider) throw new ProviderError('misconfigured', 'not_registered');
  const list = provider.listTransactions?.bind(provider);
  if (!list) return { checked: 0, settled: 0, reported: 0 };
  const saved = await ctx.db.reconciliationCursor.findUnique({ where: { provider: providerId } });
  const pass = openPass(saved, ctx.clock.now());
  const read = await readPages(ctx, { providerId, list }, pass).catch(async (error: unknown) => {
    // Where a place in the list is no longer known (other keys, another account), the next run begins anew.
    if (pass.isContinued && error instanceof ProviderError && error.failure === 'invalid')
      await ctx.db.reconciliationCursor.update({
        where: { provider: providerId },
        data: { next: null, begunAt: null },
      });
    throw error;
  });
  const { checked, differences, next, oldest, resume, seen } = read;
  // Of a list that was read in several runs nobody remembers all rows.
  if (next === null && oldest && !pass.isContinued)
    differences.push(...(await findUnlisted(ctx, providerId, oldest, seen)));

  const settled = differences.filter(({ status }) => status === 'settled').length;
  const result = { checked, settled, reported: await report(ctx, providerId, differences) };
  const final = new Date(pass.begunAt.getTime() - FINAL_AGE_MS);
  const position =
    next === null
      ? { next, begunAt: null, since: final > pass.since ? final : pass.since, finishedAt: ctx.clock.now() }
      : { next, begunAt: pass.begunAt, since: pass.since };
  if (next !== null) ctx.log.warn({ provider: providerId, checked }, 'a provider’s list is not read to its end yet');
  const row = { cursor: resume, ...position, ...result };
  await ctx.db.reconciliationCursor.upsert({
    where: { provider: providerId },
    create: { provider: providerId, ...row },
    update: row,
  });
  return result;
}

/** A way through a list, from its beginning to its end, which may take several runs. `from` is where this run begins. */
type Pass = Readonly<{
  begunAt: Date;
  since: Date;
  from: string | null;
  resume: string | null;
  isContinued: boolean;
  /** Whether no row that was read before can change any more. */
  areAllFinal: boolean;
}>;

function openPass(saved: ReconciliationCursor | null, now: Date): Pass {
  const since = saved?.since ?? new Date(now.getTime() - FIRST_REACH_MS);
  const resume = saved?.cursor ?? null;
  if (!saved?.next || !saved.begunAt)
    return { begunAt: now, since, from: resume, resume, isContinued: false, areAllFinal: true };
  const { begunAt, next } = saved;
  return { begunAt, since, from: next, resume, isContinued: true, areAllFinal: next === resume };
}

type Read = {
  checked: number;
  differences: Difference[];
  seen: Set<string>;
  oldest: Date | null;
  /** Where the next run goes on; null when the list was read to its end. */
  next: string | null;
  /** Where the next pass begins. */
  resume: string | null;
};

/** Reads and compares a list from where the pass stands, at most MAX_PAGES of it. Throws ProviderError. */
async function readPages(
  ctx: Ctx,
  { list, providerId }: { providerId: string; list: NonNullable<Provider['listTransactions']> },
  pass: Pass,
): Promise<Read> {
  const now = ctx.clock.now().getTime();
  const { since } = pass;
  const read: Read = {
    checked: 0,
    differences: [],
    seen: new Set(),
    oldest: null,
    next: pass.from,
    resume: pass.resume,
  };
  let { areAllFinal } = pass;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { next, resume: end, rows } = await list({ since, cursor: read.next, limit: PAGE });
    const sales = rows.filter((row) => row !== null);
    read.oldest ??= end === null ? since : (sales[0]?.occurredAt ?? null);
    for (const row of sales) read.seen.add(row.chargeId);
    read.differences.push(...(await comparePage(ctx, providerId, sales)));
    areAllFinal &&= sales.every(({ occurredAt }) => now - occurredAt.getTime() >= FINAL_AGE_MS);
    if (end !== null && areAllFinal) read.resume = end;
    read.checked += rows.length;
    read.next = next;
    if (next === null) break;
  }
  return read;
}

async function comparePage(
  ctx: Ctx,
  providerId: string,
  rows: ReadonlyArray<ProviderTransaction>,
): Promise<Difference[]> {
  if (rows.length === 0) return [];
  const { rows: found } = await ctx.pool.query<Ours>({
    name: 'find_charges',
    text: `SELECT p.charge_id, p.amount, p.currency, p.returned_amount = p.amount AS is_returned,
        ARRAY(SELECT r.reference FROM refund r WHERE r.payment_id = p.id AND r.status = 'succeeded' AND r.reference IS NOT NULL) AS refunds,
        ARRAY(SELECT d.reference FROM dispute d WHERE d.payment_id = p.id) AS disputes,
        ARRAY(SELECT d.reference FROM dispute d WHERE d.payment_id = p.id AND d.status <> 'open') AS ended
      FROM payment p WHERE p.provider = $1 AND p.charge_id = ANY($2)`,
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
  const isOther = ours && (ours.amount !== row.amount.amount || ours.currency !== row.amount.currency);
  if (isOther && row.direction === 'charge') return { kind: 'amount_differs', chargeId, status: 'reported' };
  if (isKnown(row, ours) || ctx.clock.now().getTime() - row.occurredAt.getTime() < MIN_AGE_MS) return null;
  const kind = MISSING[row.direction];
  try {
    const isChanged = await settle(ctx, providerId, row);
    return isChanged ? { kind, chargeId, status: 'settled' } : null;
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

const MISSING = {
  charge: 'missing_payment',
  refund: 'missing_refund',
  dispute: 'missing_dispute',
  dispute_end: 'missing_dispute',
} as const;

function isKnown({ direction, reference }: ProviderTransaction, ours: Ours | undefined): boolean {
  if (!ours || direction === 'charge') return ours !== undefined;
  if (direction === 'dispute') return reference !== null && ours.disputes.includes(reference);
  if (direction === 'dispute_end') return reference !== null && ours.ended.includes(reference);
  return ours.is_returned || (reference !== null && ours.refunds.includes(reference));
}

/** SQLSTATE classes of data that no table of ours can hold (data exception, integrity constraint). */
function isRefusedRow(error: unknown): boolean {
  return /^2[23]/.test(databaseCode(error) ?? '');
}

/**
 * Settles what a row tells: by asking its provider, who knows more of it than the list says, or by the row itself where it
 * cannot be asked. False when nothing of ours had to change. Throws `not_found invoice_not_found` for what is not ours.
 */
async function settle(ctx: Ctx, providerId: string, row: ProviderTransaction): Promise<boolean> {
  const { chargeId, invoiceId, reference } = row;
  if (ctx.providers.get(providerId)?.find) {
    const refundReference = row.direction === 'refund' ? reference : null;
    const about = { invoiceId, reference: null, chargeId, refundReference };
    const outcome = await convergeOrder(ctx, { providerId, about });
    if (outcome === 'ignored') throw new AppError('not_found', 'invoice_not_found');
    return outcome === 'applied';
  }
  if (invoiceId === null) throw new AppError('not_found', 'invoice_not_found');
  const charge = {
    eventId: `reconciliation:${row.direction}:${chargeId}`,
    occurredAt: row.occurredAt,
    invoiceId,
    chargeId,
    payerId: row.payerId,
    paid: row.amount,
  };
  const event: ProviderEvent =
    row.direction === 'refund'
      ? { ...charge, type: 'payment_refunded', reference: reference ?? chargeId, refundId: null }
      : {
          ...charge,
          ...PLAIN_CHARGE,
          type: 'payment_succeeded',
          renewal: row.renewalDays === null ? 'none' : 'unknown',
          renewalDays: row.renewalDays,
        };
  return (await applyEvent(ctx, { providerId, event, inbox: null })) === 'applied';
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
