import type { Ctx } from '#domain/context/context.ts';

const BATCH = 500;
/** A table may be large, and another starter at work on it. */
const STATEMENT_LASTS_MS = 3_600_000;
const LOCK_WAIT_MS = 120_000;

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
/** A row's columns in the order of its table's; null where one says nothing. */
type Row = Readonly<{ id: string; said: ReadonlyArray<string | null> }>;

/**
 * Conceals what stands in plaintext from before, once: a table whose constraints are valid is not looked at again. Several starters
 * may do so at once, and one that is killed is gone on with. Returns how many values were changed. Throws while another process of
 * Hoshi is connected: it is of an earlier version, would hand concealed ids to providers, and take their no for an answer.
 */
export async function concealPast(place: Place): Promise<number> {
  // Before the look at the constraints: where another starter has begun to serve meanwhile, none is open any more.
  const running = await place.db.$queryRaw<Array<{ application_name: string }>>`
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name IN ('hoshi-web', 'hoshi-worker') ORDER BY 1`;
  const open = await place.db.$queryRaw<Array<{ conname: string }>>`
    SELECT conname FROM pg_constraint WHERE conname LIKE '%\\_concealed' AND NOT convalidated`;
  if (open.length > 0 && running.length > 0)
    throw new Error(
      `Hoshi still runs on this database (${running.map(({ application_name: name }) => name).join(', ')}): stop it everywhere, then start again.`,
    );
  const isOpen = new Set(open.map(({ conname }) => conname));
  let concealed = 0;
  for (const table of new Set(CONCEALED.map(([name]) => name))) {
    const columns = CONCEALED.flatMap(([name, column]) => (name === table ? [column] : []));
    const constraints = columns.map((column) => `${table}_${column}_concealed`).filter((name) => isOpen.has(name));
    if (constraints.length === 0) continue;
    concealed += await concealTable(place, table, columns);
    for (const constraint of constraints)
      await unhurried(place, ({ db }) =>
        db.$executeRawUnsafe(`ALTER TABLE ${table} VALIDATE CONSTRAINT ${constraint}`),
      );
  }
  return concealed;
}

/** In a transaction that is not cut off as a request's is: what takes a table's whole length would never be done. */
function unhurried<T>(place: Place, work: (tx: Place) => Promise<T>): Promise<T> {
  return place.db.$transaction(
    async (db) => {
      await db.$executeRawUnsafe(`SET LOCAL statement_timeout = ${STATEMENT_LASTS_MS}`);
      await db.$executeRawUnsafe(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`);
      return work({ ...place, db });
    },
    { timeout: STATEMENT_LASTS_MS, maxWait: LOCK_WAIT_MS },
  );
}

/** A row at once with all its columns: a change of one of them is refused while another one stands in plaintext. */
async function concealTable(place: Place, table: string, columns: ReadonlyArray<string>): Promise<number> {
  let changed = 0;
  let after = '';
  for (;;) {
    const rows = await unhurried(place, (tx) => concealBatch(tx, { table, columns, after }));
    changed += rows.flatMap(({ said }) => said).filter((text) => text !== null && isPlain(text)).length;
    const last = rows.at(-1);
    if (last === undefined) return changed;
    after = last.id;
  }
}

/**
 * Tables and columns are of the closed list above. Rows are locked in the order of their ids, so that starters at the same time wait
 * for one another; what one of them has concealed the next does not find any more.
 */
async function concealBatch(
  { db, vault }: Place,
  { after, columns, table }: { table: string; columns: ReadonlyArray<string>; after: string },
): Promise<Row[]> {
  const rows = await db.$queryRawUnsafe<Row[]>(
    `SELECT id, ARRAY[${columns.join(', ')}] AS said FROM ${table}
     WHERE id > $1 AND (${columns.map((column) => `${column} NOT LIKE '~%'`).join(' OR ')}) ORDER BY id LIMIT ${BATCH} FOR UPDATE`,
    after,
  );
  const conceal = (text: string | null) => (text !== null && isPlain(text) ? vault.conceal(text) : text);
  await db.$executeRawUnsafe(
    `UPDATE ${table} t SET ${columns.map((column) => `${column} = known.${column}`).join(', ')}
     FROM unnest($1::text[], ${columns.map((_, index) => `$${index + 2}::text[]`).join(', ')}) AS known(id, ${columns.join(', ')})
     WHERE t.id = known.id`,
    rows.map(({ id }) => id),
    ...columns.map((_, index) => rows.map(({ said }) => conceal(said[index] ?? null))),
  );
  return rows;
}

function isPlain(text: string): boolean {
  return !text.startsWith('~');
}
