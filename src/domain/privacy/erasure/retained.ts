import type { Ctx } from '#domain/context/context.ts';
import type { ErasureReport, RetainedClass } from '#domain/privacy/erasure/rules.ts';
import { countOwnAudit } from '#domain/privacy/own-audit.ts';

export type Retained = ErasureReport['retained'][number];

const BOOKS = { basis: 'GDPR 17(3)(b)', law: 'Bookkeeping; Japan: Corporation Tax Act, 7 years' } as const;
const CLAIMS = { basis: 'GDPR 17(3)(e)', law: null } as const;

/** What of each class is kept, and on what ground. None of it says who the person was. */
const REASONS: Readonly<Record<RetainedClass, Pick<Retained, 'fields' | 'basis' | 'law'>>> = {
  payments: {
    fields: [
      'id',
      'opaque user id',
      'order id',
      'kind',
      'amount',
      'fees',
      'shares',
      'developer of the plugin',
      'currency',
      'state',
      'times',
      'period',
      'provider',
      'way of paying',
      'charge id',
    ],
    ...BOOKS,
  },
  refunds: { fields: ['id', 'payment id', 'amount', 'currency', 'state', 'times', 'provider’s id'], ...BOOKS },
  disputes: { fields: ['id', 'payment id', 'amount', 'currency', 'state', 'times', 'provider’s id'], ...BOOKS },
  ledger: { fields: ['payment or refund id', 'account', 'amount', 'currency', 'time'], ...BOOKS },
  orders: {
    fields: [
      'id',
      'opaque user id',
      'kind',
      'interval',
      'amount',
      'currency',
      'developer of the plugin',
      'fee',
      'place',
      'state',
      'times',
      'tries to pay',
      'provider',
      'way of paying',
      'provider’s ids',
      'fiscal receipts',
    ],
    ...BOOKS,
  },
  subscriptions: {
    fields: ['id', 'opaque user id', 'amount', 'currency', 'state', 'times', 'first charge id'],
    ...BOOKS,
  },
  agreements: { fields: ['opaque user id', 'text', 'version', 'place', 'time'], ...CLAIMS },
  provider_messages: {
    fields: ['raw message, encrypted with the server’s key'],
    basis: 'GDPR 6(1)(f): repeats and faults of payment services',
    law: null,
  },
  audit: { fields: ['opaque ids', 'action', 'amounts', 'states', 'times'], ...CLAIMS },
};

type Counts = Record<Exclude<RetainedClass, 'provider_messages' | 'audit'>, number> & { last_paid: Date | null };

// The books of one person: a few rows per payment, each found by the id of its payment.
const COUNT = `
  WITH mine AS (SELECT id, invoice_id, paid_at FROM payment WHERE user_id = $1),
    back AS (SELECT id FROM refund WHERE payment_id IN (SELECT id FROM mine)),
    doubted AS (SELECT id FROM dispute WHERE payment_id IN (SELECT id FROM mine)),
    booked AS (SELECT id FROM mine UNION ALL SELECT id FROM back UNION ALL SELECT id || '/undo' FROM back
      UNION ALL SELECT id FROM doubted UNION ALL SELECT id || '/end' FROM doubted),
    ordered AS (SELECT id FROM invoice WHERE user_id = $1),
    renewing AS (SELECT id FROM subscription WHERE user_id = $1)
  SELECT (SELECT count(*)::int FROM mine) AS payments, (SELECT count(*)::int FROM back) AS refunds,
    (SELECT count(*)::int FROM doubted) AS disputes,
    (SELECT count(*)::int FROM ledger_entry WHERE transaction_id IN (SELECT id FROM booked)) AS ledger,
    (SELECT count(*)::int FROM ordered) AS orders, (SELECT count(*)::int FROM renewing) AS subscriptions,
    (SELECT count(*)::int FROM consent WHERE user_id = $1) AS agreements,
    (SELECT max(paid_at) FROM mine) AS last_paid`;

/**
 * What stays of a person, from their rows as they are now; what there is none of is left out. `orphaned`: audit entries that named
 * something of theirs which is deleted by now, and which cannot be found by it any more.
 */
export async function listRetained(ctx: Ctx, userId: string, orphaned = 0): Promise<Retained[]> {
  const [[counts], audit] = await Promise.all([
    ctx.db.$queryRawUnsafe<Counts[]>(COUNT, userId),
    countOwnAudit(ctx, userId),
  ]);
  if (!counts) throw new Error('a query without FROM answered no row');
  const { last_paid, ...byClass } = counts;
  const now = ctx.clock.now();
  const books = yearsAfter(last_paid ?? now, ctx.policy.retentionYears);
  const bodies = new Date(now.getTime() + ctx.policy.webhookBodyRetentionDays * 86_400_000);
  const rows: Array<readonly [RetainedClass, number | null, Date | null]> = [
    ...(Object.entries(byClass) as Array<[keyof typeof byClass, number]>)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => [name, count, books] as const),
    ...(byClass.orders > 0 ? ([['provider_messages', null, bodies]] as const) : []),
    ['audit', audit + orphaned, null],
  ];
  return rows.map(([name, count, until]) => ({
    class: name,
    count,
    ...REASONS[name],
    until: until?.toISOString().slice(0, 10) ?? null,
  }));
}

function yearsAfter(at: Date, years: number): Date {
  const end = new Date(at);
  end.setUTCFullYear(end.getUTCFullYear() + years);
  return end;
}
