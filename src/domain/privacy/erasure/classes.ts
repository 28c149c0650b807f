import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import type { ErasedClass } from '#domain/privacy/erasure/rules.ts';

type Deletion = Readonly<{
  class: Exclude<ErasedClass, 'settings' | 'identity_link'>;
  /** As the report calls it. */
  method: 'deleted' | 'emptied';
  table: string;
  /** Which rows are `$1`'s. */
  where: string;
  /** What is set instead of deleting the row. */
  set?: string;
}>;

/**
 * What goes, row by row, in this order: what others would be made from goes before what is made of it. Texts of SQL of this
 * file alone. Jobs that are done have no index by their reader; erasures are rare, and those jobs live a month.
 */
const DELETIONS: ReadonlyArray<Deletion> = [
  { class: 'stored_cards', method: 'deleted', table: 'payment_method', where: "user_id = $1 AND status = 'removed'" },
  { class: 'personal_log', method: 'deleted', table: 'personal_log', where: 'user_id = $1' },
  { class: 'encrypted_records', method: 'deleted', table: 'billing_record', where: 'user_id = $1' },
  { class: 'billing_keys', method: 'deleted', table: 'billing_key', where: 'user_id = $1' },
  { class: 'rights', method: 'deleted', table: 'entitlement', where: 'user_id = $1' },
  { class: 'messages', method: 'deleted', table: 'job', where: "lane IN ('chat:' || $1, 'log:' || $1)" },
  { class: 'answers', method: 'deleted', table: 'idempotency_key', where: 'scope = $1' },
  {
    class: 'payment_links',
    method: 'emptied',
    table: 'payment_attempt',
    where: "user_id = $1 AND url IS NOT NULL AND status IN ('failed', 'closed')",
    set: 'url = NULL',
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
      const rows = await tx.db.$executeRawUnsafe(statementOf(deletion), userId);
      if (rows > 0) await onErased(tx, deletion.class, rows);
      return rows;
    });
    if (count > 0) return count;
  }
  return 0;
}

/** Counts what went in the transaction in which it went. */
export type OnErased = (tx: Ctx, name: ErasedClass, count: number) => Promise<void>;

function statementOf({ set, table, where }: Deletion): string {
  const rows = `ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${where} LIMIT ${BATCH} FOR UPDATE))`;
  return set ? `UPDATE ${table} SET ${set} WHERE ${rows}` : `DELETE FROM ${table} WHERE ${rows}`;
}

/** How much of each class there is now; of cards also those that are still in use. */
export async function countErasable(ctx: Ctx, userId: string): Promise<Record<ErasedClass, number>> {
  const counts = DELETIONS.map(({ class: name, table, where }) => {
    const mine = name === 'stored_cards' ? 'user_id = $1' : where;
    return `(SELECT count(*)::int FROM ${table} WHERE ${mine}) AS ${name}`;
  });
  const [row] = await ctx.db.$queryRawUnsafe<Array<Record<Deletion['class'], number>>>(
    `SELECT ${counts.join(', ')}`,
    userId,
  );
  if (!row) throw new Error('a query without FROM answered no row');
  return { ...row, settings: 1, identity_link: 1 };
}
