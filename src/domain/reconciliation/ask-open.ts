import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** How old something open is when it is asked about: what was abandoned costs a handful of questions, not one a minute. */
const AGES_MS = [2, 5, 15, 60, 240].map((minutes) => minutes * MINUTE_MS);
/** Transfers, refunds and disputes may take weeks or months: once a day for a month, then every fifth day. */
const MONTH_DAYS = 31;
const LAST_DAY = 121;
const LATER_AGES_MS = Array.from({ length: LAST_DAY }, (_, day) => day + 1)
  .filter((day) => day <= MONTH_DAYS || (day - MONTH_DAYS) % 5 === 0)
  .map((day) => day * DAY_MS);
/** When a payment is asked about that may have gone back at its provider. */
const PAID_AGES_MS = [DAY_MS / 24, DAY_MS, 3 * DAY_MS, 10 * DAY_MS, 30 * DAY_MS];
const OLDEST_MS = 2 * DAY_MS;
const BATCH = 50;
/** How many paid checkouts are passed at once for each age. */
const PASSED = 5_000;

type Open = { invoice_id: string; reference: string | null; charge_id: string | null };

// Each takes what is due and counts the question; several workers may do so at once. $1 provider, $2 how far back, $3 the
// instants before which something must have begun to be asked for the nth time.
const DUE = '(SELECT count(*) FROM unnest($3::timestamptz[]) due WHERE %s <= due)';
const claim = (name: string, table: string, since: string, rest: string, returning: string) => ({
  name,
  text: `UPDATE ${table} t SET questions = questions + 1
    WHERE t.id IN (SELECT o.id FROM ${table} o WHERE ${rest} AND o.questions < ${DUE.replace('%s', `o.${since}`)}
      ORDER BY o.${since} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING ${returning}`,
});

/** Holds whose end was not told; also those that ran out here, for as long as the provider may still have taken the money. */
const HOLDS = claim(
  'claim_open_holds',
  'reservation',
  'created_at',
  `o.provider = $1 AND o.asked_at > $2 AND (o.status = 'reserved' OR (o.status = 'cancelled' AND o.code IS NULL))`,
  't.invoice_id, NULL AS reference, t.charge_id',
);
/**
 * What is many and stays so: rows that were asked about n times are looked for by the age that is due next, $3, so that only what
 * is due is read.
 */
const dueOf = (table: string, since: string, rest: string, most: number) =>
  `SELECT o.id FROM unnest($3::timestamptz[]) WITH ORDINALITY AS age (due, nth) CROSS JOIN LATERAL (
      SELECT r.id FROM ${table} r WHERE r.provider = $1 AND r.questions = age.nth - 1
        AND r.${since} > $2 AND r.${since} <= age.due AND ${rest}
      ORDER BY r.${since} LIMIT ${most} FOR UPDATE OF r SKIP LOCKED) o`;

/** Paid holds of a provider that may give money back without a word. */
const PAID_HOLDS = {
  name: 'claim_paid_holds',
  text: `UPDATE reservation t SET questions = questions + 1
    WHERE t.id IN (${dueOf('reservation', 'paid_at', `r.status = 'paid'`, BATCH)})
    RETURNING t.invoice_id, NULL AS reference, t.charge_id`,
};
// Not EXISTS: Postgres would make a join of it, and begin with all payments where it takes them for few.
const PAID_BY = '(SELECT p.id FROM payment p WHERE p.invoice_id = r.invoice_id AND p.provider = r.provider LIMIT 1)';
/** Checkouts that were paid need no question: they count as asked for good, so that nobody walks past them again. */
const PAID_CHECKOUTS = {
  name: 'pass_paid_checkouts',
  text: `UPDATE payment_attempt t SET questions = cardinality($3::timestamptz[])
    WHERE t.id IN (${dueOf('payment_attempt', 'created_at', `r.reference IS NOT NULL AND ${PAID_BY} IS NOT NULL`, PASSED)})`,
};
/** Checkouts that somebody may have paid without our hearing of it. */
const CHECKOUTS = {
  name: 'claim_open_checkouts',
  text: `UPDATE payment_attempt t SET questions = questions + 1
    WHERE t.id IN (${dueOf('payment_attempt', 'created_at', `r.reference IS NOT NULL AND ${PAID_BY} IS NULL`, BATCH)})
    RETURNING t.invoice_id, t.reference, NULL AS charge_id`,
};
/** What stands under a payment and is open is asked about by its charge. */
const claimOfPayments = (name: string, table: string, rest: string) => ({
  name,
  text: `UPDATE ${table} t SET questions = questions + 1
    FROM payment p WHERE p.id = t.payment_id AND t.id IN (
      SELECT o.id FROM ${table} o JOIN payment q ON q.id = o.payment_id
      WHERE ${rest} AND o.created_at > $2 AND q.provider = $1 AND o.questions < ${DUE.replace('%s', 'o.created_at')}
      ORDER BY o.created_at LIMIT ${BATCH} FOR UPDATE OF o SKIP LOCKED)
    RETURNING p.invoice_id, NULL AS reference, p.charge_id`,
});
/** Refunds that their provider took and has not finished. */
const REFUNDS = claimOfPayments('claim_open_refunds', 'refund', `o.status = 'requested' AND o.reference IS NOT NULL`);
/** Disputes whose end was not told: until then the right rests and the developer's share is held. */
const DISPUTES = claimOfPayments('claim_open_disputes', 'dispute', `o.status = 'open'`);

/**
 * Asks providers about everything they hold, show, owe or dispute and never told the end of, and about what they may give back
 * without telling. Returns how many had changed; a provider that cannot be asked now is asked again at the next age.
 */
export async function askOpenOrders(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now().getTime();
  const early = instants(now, [...AGES_MS, DAY_MS]);
  const late = instants(now, [...AGES_MS, ...LATER_AGES_MS]);
  const months = new Date(now - (LAST_DAY + 1) * DAY_MS);
  let changed = 0;
  for (const { find, id, reservations } of ctx.providers.values()) {
    if (!find) continue;
    const longest = Math.max(OLDEST_MS, (reservations?.lastMs ?? 0) + DAY_MS);
    const open = [
      ...(reservations
        ? await take(ctx, HOLDS, [id, new Date(now - longest), longest > OLDEST_MS ? late : early])
        : []),
      ...(reservations?.mayReturnUntold
        ? await take(ctx, PAID_HOLDS, [id, new Date(now - MONTH_DAYS * DAY_MS), instants(now, PAID_AGES_MS)])
        : []),
      ...(await take(ctx, PAID_CHECKOUTS, [id, new Date(now - OLDEST_MS), early])),
      ...(await take(ctx, CHECKOUTS, [id, new Date(now - OLDEST_MS), early])),
      ...(await take(ctx, REFUNDS, [id, months, late])),
      ...(await take(ctx, DISPUTES, [id, months, late])),
    ];
    for (const order of open) if (await hasChanged(ctx, id, order)) changed += 1;
  }
  return changed;
}

const instants = (now: number, ages: ReadonlyArray<number>) => ages.map((age) => new Date(now - age).toISOString());

async function take(ctx: Ctx, query: { name: string; text: string }, values: unknown[]): Promise<Open[]> {
  return (await ctx.pool.query<Open>({ ...query, values })).rows;
}

async function hasChanged(ctx: Ctx, providerId: string, open: Open): Promise<boolean> {
  const about = { invoiceId: open.invoice_id, reference: open.reference, chargeId: open.charge_id };
  try {
    return (await convergeOrder(ctx, { providerId, about })) === 'applied';
  } catch (error) {
    if (error instanceof AppError) {
      ctx.log.error(
        { provider: providerId, invoice: open.invoice_id, reason: error.reason },
        'what a provider says of an order cannot be applied',
      );
      return false;
    }
    if (!(error instanceof ProviderError)) throw error;
    const { code, failure } = error;
    const log = { provider: providerId, invoice: open.invoice_id, failure, code };
    if (failure === 'unavailable') ctx.log.warn(log, 'a provider could not be asked about an order');
    else ctx.log.error(log, 'a provider’s answer about an order cannot be used: compare with its statement');
    return false;
  }
}
