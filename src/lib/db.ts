import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/prisma/client.ts';

/** One pool of connections, used two ways: prepared SQL on the hot path, Prisma's model API everywhere else. */
export type Database = {
  pool: pg.Pool;
  prisma: PrismaClient;
  /** Waits for running queries, then closes every connection. */
  close: () => Promise<void>;
};

export type DatabaseOptions = {
  url: string;
  /** Shown in pg_stat_activity, so that an operator sees who holds a lock. */
  applicationName: string;
  /** Connections at most; 8 was faster than 16 on two cores. */
  poolSize?: number;
  /** Told when a connection breaks that waits for no answer (Postgres restarted). The pool replaces it by itself. */
  onConnectionLost: (error: Error) => void;
};

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_CONNECTION_MS = 30_000;
/** No statement of ours is meant to run this long: what does is a mistake or a lock queue, and must not hold a connection. */
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;
/** A transaction whose process hangs in between would keep its row locks. */
const IDLE_TRANSACTION_TIMEOUT_MS = 10_000;

const INT8 = 20;
const INT8_ARRAY = 1016;

/** Types of the raw pool: int8 is a bigint (money must not pass through a float), timestamptz a Date, the rest as pg does. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary');
    if (oid === INT8) return BigInt;
    if (oid === INT8_ARRAY) return parseInt8Array;
    return pg.types.getTypeParser(oid, 'text');
  }) as typeof pg.types.getTypeParser,
};

/** Reads `{1,2,NULL}`; nested arrays do not occur in our tables. */
function parseInt8Array(value: string): (bigint | null)[] {
  const items = value.slice(1, -1);
  return items === '' ? [] : items.split(',').map((item) => (item === 'NULL' ? null : BigInt(item)));
}

/**
 * Opens the database. Nothing is connected yet: the first query does that and throws if Postgres cannot be reached.
 *
 * Beware in raw SQL: Postgres sums int8 to numeric, which arrives as a string; write `sum(amount)::int8`.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.poolSize ?? 8,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    types,
  });
  // A connection may break while somebody holds it and waits for no answer: node-postgres then throws it at the process,
  // unless the connection itself has a listener. One that idles in the pool says it here too, and has told by then.
  pool.on('connect', (client) => client.on('error', options.onConnectionLost));
  pool.on('error', () => {});
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    pool,
    prisma,
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}
