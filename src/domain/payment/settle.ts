import type { Pool } from 'pg';
import { findOwner, openOwner, type RecordOwner } from '#domain/billing-record/owner.ts';
import { sealRecords } from '#domain/billing-record/seal.ts';
import { type OrderDetails, openDetails } from '#domain/checkout/details.ts';
import type { Ctx } from '#domain/context/context.ts';
import { announceJobs, toJobRow } from '#domain/context/queue.ts';
import { databaseCode, isRetryable } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { decideSettlement } from '#domain/payment/decide.ts';
import { describePayment, describeShare } from '#domain/payment/describe.ts';
import {
  type ChargeKey,
  type LoadedCharge,
  loadCharges,
  payerSubject,
  type SettleRequest,
  type SucceededEvent,
} from '#domain/payment/load.ts';
import { judgePayment } from '#domain/payment/rules.ts';
import { makeBatcher } from '#lib/batch.ts';

export type SettleOutcome = 'applied' | 'duplicate';
type Written = SettleOutcome | 'stale' | 'released';

const MAX_TRIES = 5;
const UNIQUE_VIOLATION = '23505';
/** Measured on two cores: more charges per commit or more commits at once gain nothing (npm run bench). */
const TOGETHER = { maxItems: 32, maxInFlight: 2 };

type Settling = Readonly<{ ctx: Ctx; request: SettleRequest }>;
type Settle = (settling: Settling) => Promise<SettleOutcome>;

/** One per pool of connections: charges that wait for the same database wait together. */
const queues = new WeakMap<Pool, Settle>();

/**
 * Settles one charge with all its consequences, exactly once however often and in whatever order it is told: payment,
 * order, subscription, entitlement, books, audit, notices, and the refund of money nothing is owed for.
 *
 * Phases: load (one query) → decide (pure) → seal (OpenPGP) → commit (one SQL function). Charges that arrive while others
 * are being settled share their query and their commit. Throws `not_found invoice_not_found` for a charge that names no order of ours, `conflict reservation_closed` when the provider gave its hold
 * up meanwhile or the money is not owed and not taken yet; database errors pass through and nothing is written.
 */
export function settlePayment(ctx: Ctx, request: SettleRequest): Promise<SettleOutcome> {
  let settle = queues.get(ctx.pool);
  if (!settle) {
    settle = makeBatcher(settleTogether, TOGETHER);
    queues.set(ctx.pool, settle);
  }
  return settle({ ctx, request });
}

/** Settles what arrived together in one commit. What this commit cannot decide, each charge decides for itself. */
async function settleTogether(settlings: Settling[]): Promise<PromiseSettledResult<SettleOutcome>[]> {
  const outcomes = settlings.length > 1 ? await commitTogether(settlings) : new Map<Settling, SettleOutcome>();
  const results = new Map<Settling, Promise<SettleOutcome>>();
  let before: Promise<unknown> = Promise.resolve();
  for (const settling of settlings) {
    const outcome = outcomes.get(settling);
    // One after the other: those that are left are mostly about the same person, and would only race again.
    const result = outcome ? Promise.resolve(outcome) : before.then(() => settleAlone(settling));
    if (!outcome) before = result.catch(() => {});
    results.set(settling, result);
  }
  return Promise.allSettled(results.values());
}

/** One load and one commit for all that are about different people. Returns what was decided for good. */
async function commitTogether(settlings: ReadonlyArray<Settling>): Promise<Map<Settling, SettleOutcome>> {
  const ofDifferentPeople = new Map(settlings.map((settling) => [payerOf(settling), settling] as const));
  // In the order of the invoices, which is the order of their row locks: two commits at once cannot block each other.
  const batch = [...ofDifferentPeople.values()].sort((a, b) => (invoiceOf(a) < invoiceOf(b) ? -1 : 1));
  const outcomes = new Map<Settling, SettleOutcome>();
  const [first] = batch;
  if (!first) return outcomes;
  try {
    const loaded = await loadCharges(first.ctx, batch.map(keyOf));
    const plans = batch.flatMap((settling, position) => {
      const charge = loaded[position];
      if (!charge?.payerUserId || !isWanted(settling, charge)) return [];
      const decided = decideSettlement(settling.ctx, settling.request, charge, charge.payerUserId);
      return [{ settling, decided: { ...decided, loaded: charge } }];
    });
    const sealed: Sealed[] = [];
    for (const { decided, settling } of plans) sealed.push(await seal(settling.ctx, decided));
    const written = await commit(first.ctx, sealed);
    for (const [position, { settling }] of plans.entries()) {
      const outcome = written[position];
      if (outcome === 'applied' || outcome === 'duplicate') outcomes.set(settling, outcome);
    }
  } catch (error) {
    // One charge among them stands in the way of all, or raced with another process: nothing was written.
    if (!isAboutRows(error)) throw error;
  }
  return outcomes;
}

async function settleAlone({ ctx, request }: Settling): Promise<SettleOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    const [loaded] = await loadCharges(ctx, [keyOf({ ctx, request })]);
    if (!loaded) throw new AppError('not_found', 'invoice_not_found');
    if (!isWanted({ ctx, request }, loaded)) throw new AppError('conflict', 'reservation_closed');
    const payerUserId = loaded.payerUserId ?? (await meetPayer(ctx, request.event)).id;
    try {
      const decided = decideSettlement(ctx, request, loaded, payerUserId);
      const [outcome = 'stale'] = await commit(ctx, [await seal(ctx, { ...decided, loaded })]);
      if (outcome === 'released') throw new AppError('conflict', 'reservation_closed');
      if (outcome !== 'stale') return outcome;
    } catch (error) {
      // Two different charges raced for one right: the loser looks again and finds itself surplus.
      if (!isRetryable(error) && databaseCode(error) !== UNIQUE_VIOLATION) throw error;
    }
    if (attempt >= MAX_TRIES) throw new AppError('conflict', 'busy');
  }
}

/**
 * Writes decisions in one transaction. `stale`: what was loaded is no longer so; `released`: the provider gave its hold up.
 * Nothing of such a charge was written.
 */
async function commit(ctx: Ctx, plans: ReadonlyArray<Sealed>): Promise<ReadonlyArray<Written>> {
  if (plans.length === 0) return [];
  const { rows } = await ctx.pool.query<{ outcomes: Written[] }>({
    name: 'settle_payments',
    text: 'SELECT settle_payments($1::jsonb) AS outcomes',
    values: [JSON.stringify(plans)],
  });
  announceJobs(ctx);
  return rows[0]?.outcomes ?? [];
}

/** Somebody who paid and whom we never saw: they may be written to, and their money may have to go back to them. */
function meetPayer(ctx: Ctx, { payerId }: SucceededEvent) {
  if (payerId === null) throw new Error('a charge without a payer has the buyer of its order');
  return ensureUser(ctx, { telegramId: payerId, languageCode: null });
}

/** Whether a charge that can still be refused is owed. A repeat of one that stands already is none of these. */
function isWanted({ ctx, request: { event, hold } }: Settling, { existing, order }: LoadedCharge): boolean {
  if (!hold || hold.isDebited || existing) return true;
  return (
    order.status === 'open' && judgePayment(order, { ...event, payer: payerSubject(ctx, event) }).kind !== 'surplus'
  );
}

/** SQLSTATE classes that speak of the rows written, not of the database's own state (data, integrity, rollback, raised, locks). */
const ABOUT_ROWS = new Set(['22', '23', '40', 'P0', '55']);

function isAboutRows(error: unknown): boolean {
  return ABOUT_ROWS.has((databaseCode(error) ?? '').slice(0, 2));
}

function keyOf({ ctx, request: { event, providerId } }: Settling): ChargeKey {
  return { providerId, chargeId: event.chargeId, invoiceId: event.invoiceId, payer: payerSubject(ctx, event) };
}

/** Who paid; a provider that does not know its payers is asked for one order at a time. */
function payerOf({ request: { event } }: Settling): bigint | string {
  return event.payerId ?? event.invoiceId;
}

function invoiceOf(settling: Settling): string {
  return settling.request.event.invoiceId;
}

type Decided = ReturnType<typeof decideSettlement> & Readonly<{ loaded: LoadedCharge }>;
type Sealed = Awaited<ReturnType<typeof seal>>;

/**
 * Encrypts what is to be remembered of a decided charge, for whoever paid and for the developer with a share of it. A payer
 * who was met just now has no key yet, and their record waits.
 */
async function seal(ctx: Ctx, { charge, developerUserId, loaded, payerUserId, rows }: Decided) {
  // Told before: nothing of it will be written.
  if (loaded.existing) return { ...rows, records: [] };
  const paying = loaded.payer ? await openOwner(ctx, loaded.payer) : await findOwner(ctx, payerUserId);
  const sharing = developerUserId && loaded.developer ? await openOwner(ctx, loaded.developer) : null;
  const drafts = [
    ...(paying
      ? [{ ...describePayment(paying, charge, detailsFor(ctx, loaded, paying)), isLogged: loaded.invoice.isLogged }]
      : []),
    ...(sharing ? [describeShare(sharing, charge)] : []),
  ];
  const records = await sealRecords(ctx, drafts);
  const jobs = records.jobs.map((job) => toJobRow(job, ctx.clock.now()));
  return { ...rows, records: records.rows, jobs: [...rows.jobs, ...jobs] };
}

/** What the seller's server said of the order, for nobody but its buyer. A payment does not wait where it cannot be read. */
function detailsFor(ctx: Ctx, { invoice }: LoadedCharge, paying: RecordOwner): OrderDetails {
  if (!invoice.sealed || paying.userId !== invoice.userId) return {};
  try {
    return openDetails(paying.dataKey, invoice.sealed);
  } catch (error) {
    // By its name alone: a message could repeat what was said.
    const name = error instanceof Error ? error.name : 'unknown';
    ctx.log.error(
      { invoiceId: invoice.id, error: name },
      'the details of an order cannot be read; its record is made without',
    );
    return {};
  }
}
