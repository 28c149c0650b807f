import type { World } from './world.ts';

/**
 * The ids of all that a person has at this moment, whatever table it stands in, found without any list of tables: by the column
 * that names them, or that names something of theirs.
 */
export async function ownIds(world: World, userId: string): Promise<Set<string>> {
  const columns = await world.sql<{ name: string; column: string }>(
    `SELECT quote_ident(t.table_name) AS name, quote_ident(c.column_name) AS column
     FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
     WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name IN ('user_id', 'payment_id', 'invoice_id')
       AND EXISTS (SELECT 1 FROM information_schema.columns i
         WHERE i.table_schema = t.table_schema AND i.table_name = t.table_name AND i.column_name = 'id' AND i.data_type = 'text')`,
  );
  const ids = new Set([userId]);
  // What is theirs by what is theirs is found in the second round.
  for (let round = 0; round < 2; round += 1)
    for (const { column, name } of columns)
      for (const { id } of await world.sql<{ id: string }>(`SELECT id FROM ${name} WHERE ${column} = ANY($1)`, [
        [...ids],
      ]))
        ids.add(id);
  return ids;
}

/** The audit entries that name a person, or one of these ids, as numbers in text, in order. */
export async function entriesNaming(world: World, userId: string, ids: ReadonlySet<string>): Promise<string[]> {
  const rows = await world.sql<{ seq: bigint }>(
    'SELECT seq FROM audit_event WHERE actor = $1 OR object_id = ANY($2) ORDER BY seq',
    [userId, [...ids]],
  );
  return rows.map(({ seq }) => String(seq));
}
