import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';

const BATCH = 200;
/** What is looked through, or deleted of rows that stand alone, in one statement. */
const MOST = 1_000;
/** Runs are a day apart; what is still there after two was left over. */
const PATIENCE_MS = 2 * 86_400_000;

/** Rows that went, or would go, by table. */
export type Retired = Record<string, number>;

/**
 * Deletes what is over the time of the books: orders in which nothing has moved since then, whole, with their payments,
 * refunds, disputes and entries; what the entries came to goes on to stand, so no balance changes. Then differences with
 * providers, and what is left of people who were erased. The audit is never touched: it holds ids only, and its chain would
 * break. Returns how many rows of each table went. In batches, each whole in a transaction of its own.
 */
export async function retireBooks(ctx: Ctx): Promise<Retired> {
  const before = endOfBooks(ctx);
  const gone: Retired = {};
  for (;;) {
    const batch = await inTransaction(ctx, (tx) => retireBatch(tx, before));
    if (!batch) break;
    add(gone, batch);
  }
  add(gone, { reconciliation_difference: await retireDifferences(ctx, before) });
  add(gone, { users: await retirePeople(ctx, before) });
  return gone;
}

/** Null when nothing is due. */
async function retireBatch(tx: Ctx, before: Date): Promise<Retired | null> {
  const due = await listDue(tx, { before, after: START, most: BATCH });
  // In an order, as others lock them: two runs at once wait for each other and find the rest.
  const rows = await tx.db.$queryRaw<Array<{ id: string }>>`
    SELECT id FROM invoice WHERE id = ANY(${due.map(({ id }) => id)}) ORDER BY id FOR UPDATE`;
  if (rows.length === 0) return null;
  const carried = newId(tx, 'car');
  const [answer] = await tx.db.$queryRaw<Array<{ gone: Retired }>>`
    SELECT retire_orders(${rows.map(({ id }) => id)}, ${carried}, ${tx.clock.now()}) AS gone`;
  const gone = answer?.gone ?? {};
  await recordAudit(tx, { action: 'retention.orders', objectId: carried, data: gone });
  return gone;
}

async function retireDifferences(ctx: Ctx, before: Date): Promise<number> {
  for (let total = 0; ; ) {
    const count = await ctx.db.$executeRaw`
      DELETE FROM reconciliation_difference WHERE id IN (
        SELECT id FROM reconciliation_difference WHERE created_at < ${before} ORDER BY created_at LIMIT ${MOST})`;
    total += count;
    if (count < MOST) return total;
  }
}

async function retirePeople(ctx: Ctx, before: Date): Promise<number> {
  for (let total = 0; ; ) {
    const count = await inTransaction(ctx, async (tx) => {
      const [row] = await tx.db.$queryRaw<Array<{ count: number }>>`SELECT retire_people(${before}, ${BATCH}) AS count`;
      const gone = row?.count ?? 0;
      if (gone > 0)
        await recordAudit(tx, { action: 'retention.people', objectId: newId(tx, 'car'), data: { users: gone } });
      return gone;
    });
    total += count;
    if (count === 0) return total;
  }
}

/** What `retireBooks` would delete now, by table; deletes nothing. */
export async function previewRetirement(ctx: Ctx): Promise<Retired> {
  const before = endOfBooks(ctx);
  const gone: Retired = {};
  for (let after = START; ; ) {
    const due = await listDue(ctx, { before, after, most: MOST });
    add(
      gone,
      await countRows(
        ctx,
        due.map(({ id }) => id),
      ),
    );
    const last = due.at(-1);
    if (!last || due.length < MOST) break;
    after = last;
  }
  add(gone, {
    reconciliation_difference: await ctx.db.reconciliationDifference.count({ where: { createdAt: { lt: before } } }),
  });
  return gone;
}

async function countRows(ctx: Ctx, orders: ReadonlyArray<string>): Promise<Retired> {
  const [row] = await ctx.db.$queryRaw<Array<{ counts: Retired }>>`
    WITH p AS (SELECT id FROM payment WHERE invoice_id = ANY(${orders})), r AS (SELECT id FROM refund WHERE payment_id IN (SELECT id FROM p)),
      d AS (SELECT id FROM dispute WHERE payment_id IN (SELECT id FROM p)),
      causes AS (SELECT id FROM p UNION ALL SELECT id FROM r UNION ALL SELECT id || '/undo' FROM r UNION ALL SELECT id FROM d
        UNION ALL SELECT id || '/end' FROM d)
    SELECT jsonb_build_object(
      'ledger_entry', (SELECT count(*) FROM ledger_entry WHERE transaction_id IN (SELECT id FROM causes)),
      'refund', (SELECT count(*) FROM r), 'dispute', (SELECT count(*) FROM d), 'payment', (SELECT count(*) FROM p),
      'subscription', (SELECT count(*) FROM subscription WHERE invoice_id = ANY(${orders})),
      'reservation', (SELECT count(*) FROM reservation WHERE invoice_id = ANY(${orders})),
      'payment_attempt', (SELECT count(*) FROM payment_attempt WHERE invoice_id = ANY(${orders})),
      'invoice', ${orders.length}::int) AS counts`;
  return row?.counts ?? {};
}

/** How many orders are left over that should have gone days ago; counts to 1,000. */
export async function countOverdue(ctx: Ctx): Promise<number> {
  const before = new Date(endOfBooks(ctx).getTime() - PATIENCE_MS);
  return (await listDue(ctx, { before, after: START, most: MOST })).length;
}

type Due = Readonly<{ id: string; closed_at: Date }>;
const START: Due = { id: '', closed_at: new Date(0) };

function listDue(ctx: Ctx, { after, before, most }: { before: Date; after: Due; most: number }): Promise<Due[]> {
  return ctx.db.$queryRaw<Due[]>`
    SELECT id, closed_at FROM orders_over(${before}, ${ctx.clock.now()}, ${after.closed_at}, ${after.id}, ${most}::int)`;
}

/** What was over before this is over its time. */
function endOfBooks({ clock, policy }: Ctx): Date {
  const end = new Date(clock.now());
  end.setUTCFullYear(end.getUTCFullYear() - policy.retentionYears);
  return end;
}

function add(total: Retired, more: Retired): void {
  for (const [table, count] of Object.entries(more)) total[table] = (total[table] ?? 0) + Number(count);
}
