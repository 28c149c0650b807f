import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';

const BATCH = 200;

/** Columns that lie under the server's own key, each with the key of its table. */
const SEALED = [
  { table: 'identity_link', id: 'user_id', column: 'data_key' },
  { table: 'payment_method', id: 'id', column: 'sealed' },
  { table: 'payment_method', id: 'id', column: 'page' },
  { table: 'webhook_event', id: 'id', column: 'body' },
] as const;
type Place = (typeof SEALED)[number];

/**
 * Puts everything that lies under the previous data key under the present one. What people's own keys hold stays as it is: only
 * those keys are wrapped anew. Safe to run while Hoshi works, to break off and to run again. Returns how much was changed, by
 * column; when all are 0 the previous key can be taken away. Throws where something opens with neither key.
 */
export async function rotateDataKey(ctx: Ctx): Promise<Record<string, number>> {
  const changed: Record<string, number> = {};
  for (const place of SEALED) changed[`${place.table}.${place.column}`] = await rotateColumn(ctx, place);
  return changed;
}

async function rotateColumn(ctx: Ctx, place: Place): Promise<number> {
  let changed = 0;
  let after = '';
  for (;;) {
    const batch = await inTransaction(ctx, (tx) => rotateBatch(tx, place, after));
    changed += batch.changed;
    if (batch.last === null) return changed;
    after = batch.last;
  }
}

/** Table and column names are of the closed list above. */
async function rotateBatch(tx: Ctx, { column, id, table }: Place, after: string) {
  const rows = await tx.db.$queryRawUnsafe<Array<{ id: string; sealed: Uint8Array }>>(
    `SELECT ${id} AS id, ${column} AS sealed FROM ${table} WHERE ${id} > $1 AND ${column} IS NOT NULL
     ORDER BY ${id} LIMIT ${BATCH} FOR UPDATE`,
    after,
  );
  const old = rows.filter(({ sealed }) => !tx.vault.isCurrent(sealed));
  for (const { id: key, sealed } of old)
    await tx.db.$executeRawUnsafe(
      `UPDATE ${table} SET ${column} = $2 WHERE ${id} = $1`,
      key,
      tx.vault.seal(tx.vault.open(sealed)),
    );
  return { changed: old.length, last: rows.at(-1)?.id ?? null };
}
