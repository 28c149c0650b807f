import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from '#domain/context/transaction.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import { successfulPayment } from '../../testing/updates.ts';
import { newChargeId, openWorld } from '../../testing/world.ts';
import { recordAudit } from './record.ts';
import { verifyAudit } from './verify.ts';

const WRITERS = 50;
const ROUNDS = 10;
const world = openWorld();
const clients: pg.Client[] = [];

beforeAll(async () => {
  const { connectionString } = world.database.pool.options as { connectionString?: string };
  for (let n = 0; n < WRITERS; n += 1) {
    const client = new pg.Client({ connectionString, lock_timeout: 20_000 });
    await client.connect();
    clients.push(client);
  }
  await world.sql(
    "INSERT INTO idempotency_key (scope, key, request_hash, locked_until) SELECT 's', 'k' || n, '', now() FROM generate_series(0, 4) AS n",
  );
});
afterAll(() => Promise.all(clients.map((client) => client.end())));

const AUDIT = (objectId: string) =>
  `SELECT write_audit(jsonb_build_object('at', now(), 'actor', 'system:test', 'action', 'x', 'object_id', '${objectId}', 'request_id', 'r'))`;
const TOUCH = (key: number) => `UPDATE idempotency_key SET response_status = 1 WHERE key = 'k${key}'`;

/** One writer: rows before and after a lock that others take, too; every third transaction is undone. */
async function writeRows(client: pg.Client, writer: number): Promise<number> {
  let kept = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const key = (writer + round) % 5;
    // Half of them write first and lock then, the others the other way round: a chain that locked at once would meet itself.
    const steps = writer % 2 === 0 ? [AUDIT('a'), TOUCH(key), AUDIT('b')] : [TOUCH(key), AUDIT('a'), AUDIT('b')];
    await client.query('BEGIN');
    for (const step of steps) await client.query(step);
    const isUndone = (writer + round) % 3 === 0;
    await client.query(isUndone ? 'ROLLBACK' : 'COMMIT');
    if (!isUndone) kept += 2;
  }
  return kept;
}

/** Purchases whose settlements share commits, while transactions of Prisma write beside them. */
async function buyAndRecord(count: number): Promise<void> {
  const buyers = await Promise.all(Array.from({ length: count }, () => world.newBuyer()));
  const orders = await Promise.all(
    buyers.map(async (buyer) => ({ buyer, ...(await world.order(buyer, CATALOG.pluginOnce)) })),
  );
  await Promise.all([
    ...orders.map(({ buyer, invoiceId }) => {
      const paid = {
        payer: buyer,
        invoiceId,
        chargeId: newChargeId(),
        amount: AMOUNTS[CATALOG.pluginOnce],
        at: world.clock.now(),
      };
      return world.deliver(successfulPayment(world.nextUpdateId(), paid));
    }),
    ...Array.from({ length: count }, (_, n) =>
      inTransaction(world.system, async (tx) => {
        await recordAudit(tx, { action: 'prisma', objectId: `${n}/1` });
        await tx.db.$executeRawUnsafe(TOUCH(n % 5));
        await recordAudit(tx, { action: 'prisma', objectId: `${n}/2` });
      }),
    ),
  ]);
}

describe('the chain under fifty writers', () => {
  it('has no gap, no deadlock, and every row once', async () => {
    const [kept] = await Promise.all([
      Promise.all(clients.map(writeRows)).then((counts) => counts.reduce((sum, count) => sum + count)),
      buyAndRecord(40),
    ]);
    const report = await verifyAudit(world.system, { after: 0n, limit: null });
    expect(report).toMatchObject({ ok: true, findings: [] });
    const [row] = await world.sql<Record<string, number>>(`SELECT
      count(*)::int AS links, max(position)::int AS last, min(position)::int AS first,
      count(*) FILTER (WHERE e.action = 'x')::int AS written, count(*) FILTER (WHERE e.action = 'prisma')::int AS prisma,
      count(*) FILTER (WHERE e.action = 'payment.settled')::int AS settled, (SELECT count(*)::int FROM audit_event) AS rows
      FROM audit_link l JOIN audit_event e ON e.seq = l.event_seq`);
    expect(row).toMatchObject({ first: 1, written: kept, prisma: 80, settled: 40 });
    expect(row?.['last']).toBe(row?.['links']);
    expect(row?.['rows']).toBe(row?.['links']);
    expect(report.checked).toBe(row?.['links']);
    // Numbers that were drawn by what was undone are holes; the chain has none.
    const [numbers] = await world.sql<{ n: number }>('SELECT max(seq)::int AS n FROM audit_event');
    expect(numbers?.n).toBeGreaterThan(row?.['links'] ?? 0);
  });

  it('keeps rows of one commit together', async () => {
    const [row] = await world.sql<{ apart: number }>(`
      SELECT count(*)::int AS apart FROM audit_link a JOIN audit_event e ON e.seq = a.event_seq
        JOIN audit_event f ON f.action = 'prisma' AND f.object_id = split_part(e.object_id, '/', 1) || '/2' JOIN audit_link b ON b.event_seq = f.seq
      WHERE e.action = 'prisma' AND e.object_id LIKE '%/1' AND b.position <> a.position + 1`);
    expect(row?.apart).toBe(0);
  });
});
