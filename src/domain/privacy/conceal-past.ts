import type { Ctx } from '#domain/context/context.ts';

const BATCH = 500;

/** Columns of what providers call things. Each has a constraint of its name that is not valid while plaintext may stand in it. */
export const CONCEALED = [
  ['payment', 'charge_id'],
  ['subscription', 'first_charge_id'],
  ['reservation', 'charge_id'],
  ['reservation', 'reference'],
  ['reservation', 'instructions_url'],
  ['refund', 'reference'],
  ['refund', 'claim_url'],
  ['dispute', 'reference'],
  ['payment_attempt', 'reference'],
  ['payment_attempt', 'url'],
  ['payment_method', 'reference'],
  ['reconciliation_difference', 'charge_id'],
  ['webhook_event', 'event_id'],
] as const;
type Place = Pick<Ctx, 'db' | 'vault'>;
type Column = Readonly<{ table: string; column: string }>;

/**
 * Conceals what stands in plaintext from before, once: a column whose constraint is valid is not looked at again. Several starters
 * may do so at once, and one that is killed is gone on with. Returns how many values were changed. No other process of Hoshi may
 * run meanwhile: it would refuse what it finds concealed half way.
 */
export async function concealPast(place: Place): Promise<number> {
  const open = await place.db.$queryRaw<Array<{ conname: string }>>`
    SELECT conname FROM pg_constraint WHERE conname LIKE '%\\_concealed' AND NOT convalidated`;
  const isOpen = new Set(open.map(({ conname }) => conname));
  let concealed = 0;
  for (const [table, column] of CONCEALED) {
    const constraint = `${table}_${column}_concealed`;
    if (!isOpen.has(constraint)) continue;
    concealed += await concealColumn(place, { table, column });
    await place.db.$executeRawUnsafe(`ALTER TABLE ${table} VALIDATE CONSTRAINT ${constraint}`);
  }
  return concealed;
}

async function concealColumn(place: Place, at: Column): Promise<number> {
  let changed = 0;
  let after = '';
  for (;;) {
    const batch = await concealBatch(place, at, after);
    changed += batch.length;
    const last = batch.at(-1);
    if (last === undefined || batch.length < BATCH) return changed;
    after = last.id;
  }
}

/** Table and column are of the closed list above. What another starter has concealed meanwhile is left as it is. */
async function concealBatch({ db, vault }: Place, { column, table }: Column, after: string) {
  const rows = await db.$queryRawUnsafe<Array<{ id: string; plain: string }>>(
    `SELECT id, ${column} AS plain FROM ${table} WHERE id > $1 AND ${column} NOT LIKE '~%' ORDER BY id LIMIT ${BATCH}`,
    after,
  );
  await db.$executeRawUnsafe(
    `UPDATE ${table} t SET ${column} = known.concealed
     FROM unnest($1::text[], $2::text[], $3::text[]) AS known(id, plain, concealed) WHERE t.id = known.id AND t.${column} = known.plain`,
    rows.map(({ id }) => id),
    rows.map(({ plain }) => plain),
    rows.map(({ plain }) => vault.conceal(plain)),
  );
  return rows;
}
