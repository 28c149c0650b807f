import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { Currency } from '#domain/money.ts';
import { METHODS, type Method } from '#domain/provider/capability.ts';

/**
 * What was taken in a span of time and where it is, in minor units. `net` is what has not gone back, and the sum of the three
 * parts below it, which are without what went back of them.
 */
export type RevenueSum = Readonly<{
  payments: bigint;
  gross: bigint;
  returned: bigint;
  net: bigint;
  processorFees: bigint;
  developerShare: bigint;
  platform: bigint;
}>;

/** One currency's sums, whole and apart. `method` is null for payments from before methods were kept. */
export type CurrencyRevenue = RevenueSum &
  Readonly<{
    currency: Currency;
    byMethod: ReadonlyArray<RevenueSum & { method: Method | null }>;
    byProvider: ReadonlyArray<RevenueSum & { provider: string }>;
  }>;

export type RevenueReport = Readonly<{
  currencies: ReadonlyArray<CurrencyRevenue>;
  /** Why tries of payers failed, most often first. */
  failures: ReadonlyArray<{ code: string; count: bigint }>;
}>;

type Span = Readonly<{ from: Date; to: Date }>;
type Row = Omit<RevenueSum, 'net' | 'platform'> & { currency: string; provider: string; method: string | null };

/** What all payments of [from, to) brought, and why others failed. For admins and `revenue:read`. */
export async function analyseRevenue(ctx: Ctx, span: Span): Promise<RevenueReport> {
  requireScope(ctx, 'revenue:read');
  const [rows, failures] = await Promise.all([sumPayments(ctx, span), countFailures(ctx, span)]);
  const sums = rows.map((row) => ({
    ...row,
    net: row.gross - row.returned,
    platform: row.gross - row.returned - row.processorFees - row.developerShare,
    method: METHODS.find((method) => method === row.method) ?? null,
  }));
  const currencies = group(sums, ({ currency }) => currency).map(([currency, ofCurrency]) => ({
    currency: Currency.parse(currency),
    ...add(ofCurrency),
    byMethod: group(ofCurrency, ({ method }) => method).map(([method, parts]) => ({ method, ...add(parts) })),
    byProvider: group(ofCurrency, ({ provider }) => provider).map(([provider, parts]) => ({ provider, ...add(parts) })),
  }));
  return { currencies, failures };
}

/**
 * As the books have it (ledger/rules.ts): shares go back with what goes back; a fee does not where its provider keeps it, nor
 * by a lost dispute, and what a dispute cost is a fee too.
 */
async function sumPayments(ctx: Ctx, { from, to }: Span): Promise<Row[]> {
  const kept = [...ctx.providers.values()].flatMap(({ accepts, id }) =>
    accepts.filter(({ fee }) => fee.isKept).map(({ currency }) => ({ id, currency })),
  );
  const providers = kept.map(({ id }) => id);
  const currencies = kept.map(({ currency }) => currency);
  return ctx.db.$queryRaw<Row[]>`
    WITH kept AS (SELECT DISTINCT provider, currency FROM unnest(${providers}::text[], ${currencies}::text[]) AS k(provider, currency))
    SELECT p.currency, p.provider, p.method, count(*) AS payments,
      sum(p.amount)::int8 AS gross,
      sum(p.returned_amount)::int8 AS returned,
      sum(p.processor_fee + coalesce(d.fee, 0) - CASE WHEN kept.provider IS NULL
        THEN div(p.processor_fee::numeric * (p.returned_amount - coalesce(d.returned, 0)), p.amount) ELSE 0 END)::int8 AS "processorFees",
      sum(p.developer_share - div(p.developer_share::numeric * p.returned_amount, p.amount))::int8 AS "developerShare"
    FROM payment p LEFT JOIN kept ON kept.provider = p.provider AND kept.currency = p.currency
      LEFT JOIN LATERAL (SELECT sum(returned_amount) AS returned, sum(fee) AS fee FROM dispute
        WHERE payment_id = p.id AND status IN ('won', 'lost')) d ON true
    WHERE p.paid_at >= ${from} AND p.paid_at < ${to}
    GROUP BY p.currency, p.provider, p.method ORDER BY p.currency, p.provider, p.method`;
}

const MAX_CODES = 50;

async function countFailures(ctx: Ctx, { from, to }: Span): Promise<Array<{ code: string; count: bigint }>> {
  return ctx.db.$queryRaw`
    SELECT failure AS code, count(*) AS count FROM payment_attempt
    WHERE failure IS NOT NULL AND created_at >= ${from} AND created_at < ${to}
    GROUP BY failure ORDER BY count DESC, code LIMIT ${MAX_CODES}`;
}

function group<Item, Key>(items: ReadonlyArray<Item>, keyOf: (item: Item) => Key): Array<[Key, Item[]]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups];
}

const NAMES = ['payments', 'gross', 'returned', 'net', 'processorFees', 'developerShare', 'platform'] as const;

function add(sums: ReadonlyArray<RevenueSum>): RevenueSum {
  const total = { payments: 0n, gross: 0n, returned: 0n, net: 0n, processorFees: 0n, developerShare: 0n, platform: 0n };
  for (const sum of sums) for (const name of NAMES) total[name] += sum[name];
  return total;
}
