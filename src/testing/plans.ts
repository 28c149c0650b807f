import type pg from 'pg';

/** A statement as a verb sent it. */
export type Sent = { text: string; values: unknown[] };

/**
 * Runs `work` and returns every statement that went over the pool's connections meanwhile, whoever sent it: our prepared
 * SQL and what Prisma made of a model call.
 */
export async function recordStatements(pool: pg.Pool, work: () => Promise<unknown>): Promise<Sent[]> {
  const sent: Sent[] = [];
  const connect = pool.connect.bind(pool);
  const restore: Array<() => void> = [];
  const heard = new WeakSet<pg.PoolClient>();
  const spy = (client: pg.PoolClient) => {
    if (heard.has(client)) return;
    heard.add(client);
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    Object.assign(client, {
      query: (...given: unknown[]) => {
        const [first, second] = given;
        if (typeof first === 'string') sent.push({ text: first, values: Array.isArray(second) ? second : [] });
        else if (isQuery(first))
          sent.push({ text: first.text, values: first.values ?? (Array.isArray(second) ? second : []) });
        return query(...given);
      },
    });
    restore.push(() => Object.assign(client, { query }));
  };
  // pool.query takes its client through connect as well, with a callback.
  Object.assign(pool, {
    connect: (callback?: (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void) => {
      if (!callback)
        return connect().then((client) => {
          spy(client);
          return client;
        });
      return connect((error, client, done) => {
        if (client) spy(client);
        callback(error, client, done);
      });
    },
  });
  try {
    await work();
  } finally {
    Object.assign(pool, { connect });
    for (const undo of restore.reverse()) undo();
  }
  return sent;
}

function isQuery(value: unknown): value is { text: string; values?: unknown[] } {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string';
}

type PlanNode = { 'Node Type': string; 'Relation Name'?: string; 'Index Name'?: string; Plans?: PlanNode[] };

/** The steps of the plan that Postgres makes for a statement, as `kind table index`. */
export async function explain(pool: pg.Pool, statement: Sent): Promise<string[]> {
  const { rows } = await pool.query<{ 'QUERY PLAN': Array<{ Plan: PlanNode }> }>(
    `EXPLAIN (FORMAT JSON) ${statement.text}`,
    statement.values,
  );
  const steps: string[] = [];
  const walk = (node: PlanNode) => {
    steps.push([node['Node Type'], node['Relation Name'], node['Index Name']].filter(Boolean).join(' '));
    for (const child of node.Plans ?? []) walk(child);
  };
  for (const { Plan } of rows[0]?.['QUERY PLAN'] ?? []) walk(Plan);
  return steps;
}
