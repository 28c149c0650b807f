import { describe, expect, it } from 'vitest';
import { openDatabase } from './db.ts';
import { useTestDatabase } from './testing/database.ts';

describe('the raw pool', () => {
  const test = useTestDatabase();

  it('reads int8 as bigint, also beyond what a float can hold and in arrays', async () => {
    const { rows } = await test.database.pool.query(
      `SELECT 9007199254740993::int8 AS one, '{1,NULL,9007199254740993}'::int8[] AS many, '{}'::int8[] AS none`,
    );
    expect(rows[0]).toEqual({ one: 9007199254740993n, many: [1n, null, 9007199254740993n], none: [] });
  });

  it('reads timestamptz as Date', async () => {
    const { rows } = await test.database.pool.query(`SELECT '2026-11-20T10:00:00Z'::timestamptz AS at`);
    expect(rows[0].at).toEqual(new Date('2026-11-20T10:00:00Z'));
  });

  it('bounds statements, locks and idle transactions', async () => {
    const { rows } = await test.database.pool.query(
      `SELECT name, setting::int FROM pg_settings
       WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') ORDER BY name`,
    );
    expect(rows.map((row) => row.setting)).toEqual([10_000, 5_000, 10_000]);
  });

  it.each(['idle in the pool', 'held by somebody'])(
    'survives that a connection is lost, %s, and tells of it',
    async (where) => {
      const lost: Error[] = [];
      const other = openDatabase({
        url: test.url,
        applicationName: 'hoshi-lost',
        poolSize: 1,
        onConnectionLost: (error) => lost.push(error),
      });
      const held = await other.pool.connect();
      await held.query('SELECT 1');
      if (where === 'idle in the pool') held.release();
      await test.database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hoshi-lost'`,
      );
      await expect.poll(() => lost.length).toBeGreaterThan(0);
      if (where === 'held by somebody') held.release();
      expect((await other.pool.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
      await other.close();
    },
  );
});

describe('Prisma', () => {
  const test = useTestDatabase();

  it('works over the same pool', async () => {
    expect(await test.database.prisma.$queryRaw`SELECT 9007199254740993::int8 AS one`).toEqual([
      { one: 9007199254740993n },
    ]);
    expect(test.database.pool.totalCount).toBe(1);
  });
});
