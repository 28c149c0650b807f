import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { ERASED_CLASSES, type ErasedClass } from '#domain/privacy/erasure/rules.ts';

type Deletion = Readonly<{
  class: Exclude<ErasedClass, 'settings' | 'identity_link'>;
  /** As the report calls it. */
  method: 'deleted' | 'emptied';
  table: string;
  /** Which rows are `$1`'s. */
  where: string;
  /** What is set instead of deleting the row. */
  set?: string;
  /** Audit entries may name its rows by their id. */
  isAudited?: boolean;
}>;

/** The jobs that write to a person. */
const LANES = "lane IN ('chat:' || $1, 'log:' || $1, 'export:' || $1)";

/**
 * What goes, row by row, in this order: what others would be made from goes before what is made of it. Texts of SQL of this
 * file alone.
 */
const DELETIONS: ReadonlyArray<Deletion> = [
  {
    class: 'stored_cards',
    method: 'deleted',
    table: 'payment_method',
    where: "user_id = $1 AND status = 'removed'",
    isAudited: true,
  },
  { class: 'personal_log', method: 'deleted', table: 'personal_log', where: 'user_id = $1' },
  { class: 'encrypted_records', method: 'deleted', table: 'billing_record', where: 'user_id = $1', isAudited: true },
  { class: 'billing_keys', method: 'deleted', table: 'billing_key', where: 'user_id = $1', isAudited: true },
  { class: 'rights', method: 'deleted', table: 'entitlement', where: 'user_id = $1', isAudited: true },
  {
    class: 'order_items',
    method: 'emptied',
    table: 'invoice',
    where: "user_id = $1 AND status <> 'open' AND plan_id IS NOT NULL",
    set: 'price_id = NULL, plan_id = NULL, product_id = NULL, sealed = NULL',
  },
  {
    class: 'subscription_items',
    method: 'emptied',
    table: 'subscription',
    where: 'user_id = $1 AND ended_at IS NOT NULL AND plan_id IS NOT NULL',
    set: 'price_id = NULL, plan_id = NULL, product_id = NULL',
  },
  { class: 'copies', method: 'deleted', table: 'data_export', where: 'user_id = $1', isAudited: true },
  // Two indexes: one of jobs that wait, one of those that are done.
  { class: 'messages', method: 'deleted', table: 'job', where: `${LANES} AND done_at IS NULL` },
  { class: 'messages', method: 'deleted', table: 'job', where: `${LANES} AND done_at IS NOT NULL` },
  { class: 'answers', method: 'deleted', table: 'idempotency_key', where: 'scope = $1' },
  {
    class: 'payment_links',
    method: 'emptied',
    table: 'payment_attempt',
    where: "user_id = $1 AND url IS NOT NULL AND status IN ('failed', 'closed')",
    set: 'url = NULL',
  },
  // Where to send money that never came.
  {
    class: 'payment_links',
    method: 'emptied',
    table: 'reservation',
    where:
      "instructions_url IS NOT NULL AND status <> 'reserved' AND invoice_id IN (SELECT id FROM invoice WHERE user_id = $1)",
    set: 'instructions_url = NULL',
  },
];

/** How each class is erased, as the report says it. */
export const METHODS: Readonly<Record<ErasedClass, string>> = {
  ...(Object.fromEntries(DELETIONS.map(({ class: name, method }) => [name, method])) as Record<
    Deletion['class'],
    string
  >),
  settings: 'reset',
  identity_link: 'key_destroyed',
};

const BATCH = 500;

/** Deletes one batch of what is a person's. Returns how many rows went, 0 when nothing is left. */
export async function eraseBatch(ctx: Ctx, userId: string, onErased: OnErased = async () => {}): Promise<number> {
  for (const deletion of DELETIONS) {
    const count = await inTransaction(ctx, async (tx) => {
      const [gone] = await tx.db.$queryRawUnsafe<Gone[]>(statementOf(deletion), userId);
      const { entries, rows } = gone ?? { entries: 0, rows: 0 };
      if (rows > 0) await onErased(tx, deletion.class, rows);
      if (entries > 0) await onErased(tx, 'audit', entries);
      return rows;
    });
    if (count > 0) return count;
  }
  return 0;
}

/** Rows that went, and audit entries of others than the person that named one of them: they stay, and nothing leads there now. */
type Gone = Readonly<{ rows: number; entries: number }>;

/** Counts what went in the transaction in which it went; of `audit` what stays without what it named. */
export type OnErased = (tx: Ctx, name: ErasedClass | 'audit', count: number) => Promise<void>;

function statementOf({ isAudited, set, table, where }: Deletion): string {
  const rows = `ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${where} LIMIT ${BATCH} FOR UPDATE))`;
  const change = set ? `UPDATE ${table} SET ${set} WHERE ${rows}` : `DELETE FROM ${table} WHERE ${rows}`;
  const entries = `SELECT count(*)::int FROM gone, LATERAL (
    SELECT 1 FROM audit_event WHERE object_id = gone.id AND actor <> $1 OFFSET 0) AS e`;
  return `WITH gone AS (${change} RETURNING ${isAudited ? 'id' : '1'})
    SELECT count(*)::int AS rows, (${isAudited ? entries : 'SELECT 0'}) AS entries FROM gone`;
}

/** How much of each class there is now; of cards also those that are still in use. */
export async function countErasable(ctx: Ctx, userId: string): Promise<Record<ErasedClass, number>> {
  const counts = DELETIONS.map(({ class: name, table, where }) => {
    const mine = name === 'stored_cards' ? 'user_id = $1' : where;
    return `SELECT '${name}' AS class, count(*)::int AS count FROM ${table} WHERE ${mine}`;
  });
  const rows = await ctx.db.$queryRawUnsafe<Array<{ class: ErasedClass; count: number }>>(
    counts.join(' UNION ALL '),
    userId,
  );
  const total = Object.fromEntries(ERASED_CLASSES.map((name) => [name, 0])) as Record<ErasedClass, number>;
  for (const row of rows) total[row.class] += row.count;
  return { ...total, settings: 1, identity_link: 1 };
}
