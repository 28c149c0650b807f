import type { World } from './world.ts';

/** Where the catalogue itself stands, which names everything. */
const CATALOGUE = ['product', 'plan', 'price', '_prisma_migrations'];

/** Every row of every table but the catalogue, as JSON, by table. */
export async function readTables(world: Pick<World, 'sql'>): Promise<Map<string, string[]>> {
  const tables = await world.sql<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  const rows = new Map<string, string[]>();
  for (const { name } of tables) {
    if (CATALOGUE.includes(name)) continue;
    const found = await world.sql<{ row: string }>(`SELECT row_to_json(t)::text AS row FROM "${name}" t`);
    rows.set(
      name,
      found.map(({ row }) => row),
    );
  }
  return rows;
}

/** The tables of which some row says what `pattern` matches. */
export async function tablesSaying(world: Pick<World, 'sql'>, pattern: RegExp): Promise<string[]> {
  const tables = await readTables(world);
  return [...tables].filter(([, rows]) => rows.some((row) => pattern.test(row))).map(([name]) => name);
}
