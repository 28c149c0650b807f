import { readFileSync } from 'node:fs';
import type { Pool, PoolClient } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Ctx } from '#domain/context/context.ts';
import { signDetached } from '#lib/openpgp.ts';
import { newSigner } from '#lib/testing/vault.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { DAY_MS, openWorld, START } from '../../testing/world.ts';
import { CHAIN_START, hashLink } from './chain.ts';
import { signedText, signHeads } from './heads.ts';
import { recordAudit } from './record.ts';
import { MAX_FINDINGS, verifyAudit } from './verify.ts';

const world = openWorld();
const MIGRATION = 'prisma/migrations/20261127150000_audit_chain/migration.sql';
const WHOLE = { after: 0n, limit: null };
const ALL = 14;

/** Writes so many rows, each by a commit of its own. */
async function write(count: number, from = 1): Promise<void> {
  for (let n = from; n < from + count; n += 1)
    await recordAudit(world.system, {
      action: 'test.done',
      objectId: `obj_${n}`,
      data: { amount: String(n), state: 'é星' },
    });
}

const found = async (ctx: Ctx = world.system, part: Parameters<typeof verifyAudit>[1] = WHOLE) =>
  (await verifyAudit(ctx, part)).findings.map(({ kind, position }) => `${kind} ${position}`);

/**
 * What is found after a crime that is committed with all guards of the database off, inside a transaction that is rolled back.
 * `check` looks into that transaction.
 */
async function afterCrime<T>(statement: string, check: (ctx: Ctx) => Promise<T>): Promise<T> {
  const client: PoolClient = await world.database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query("SET LOCAL session_replication_role = 'replica'");
    await client.query('ALTER TABLE audit_link DROP CONSTRAINT audit_link_position_is_positive');
    await client.query(statement);
    return await check({ ...world.system, pool: client as unknown as Pool });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

/** The number of the row at a position. */
const SEQ = (position: number) => `(SELECT event_seq FROM audit_link WHERE position = ${position})`;
const DELETE_ROW = (position: number) => `DELETE FROM audit_event WHERE seq = ${SEQ(position)};`;
const DELETE_LINK = (position: number) => `DELETE FROM audit_link WHERE position = ${position};`;
/** Gives what stands after a position another place, as a unique index allows it. */
const RENUMBER = (after: number, by: number) =>
  `UPDATE audit_link SET position = position + 1000000 WHERE position > ${after};
   UPDATE audit_link SET position = position - 1000000 + ${by} WHERE position > 1000000;`;
/** Exchanges two values of a column with a unique index; `spare` stands in meanwhile. */
const EXCHANGE = (column: string, a: number, b: number) => `
  DO $$ DECLARE x audit_link; y audit_link; BEGIN
    SELECT * INTO x FROM audit_link WHERE position = ${a};
    SELECT * INTO y FROM audit_link WHERE position = ${b};
    UPDATE audit_link SET ${column} = -x.${column} WHERE event_seq = x.event_seq;
    UPDATE audit_link SET ${column} = x.${column} WHERE event_seq = y.event_seq;
    UPDATE audit_link SET ${column} = y.${column} WHERE ${column} = -x.${column};
  END $$;`;
const EXCHANGE_ROWS = (a: number, b: number) => `
  UPDATE audit_event e SET at = o.at, actor = o.actor, action = o.action, object_id = o.object_id, data = o.data, request_id = o.request_id
  FROM audit_event o WHERE (e.seq = ${SEQ(a)} AND o.seq = ${SEQ(b)}) OR (e.seq = ${SEQ(b)} AND o.seq = ${SEQ(a)});`;
const EXCHANGE_NUMBERS = (a: number, b: number) => `
  DO $$ DECLARE x bigint := ${SEQ(a)}; y bigint := ${SEQ(b)}; BEGIN
    UPDATE audit_event SET seq = -1 WHERE seq = x;
    UPDATE audit_event SET seq = x WHERE seq = y;
    UPDATE audit_event SET seq = y WHERE seq = -1;
  END $$;`;
const INSERT = (seq: string) =>
  `INSERT INTO audit_event (seq, at, actor, action, object_id, data, request_id) VALUES (${seq}, now(), 'system:x', 'x', 'x', '{}', 'req_x');`;
const INSERT_LINKED = (position: number) =>
  `${RENUMBER(position - 1, 1)} ${INSERT('900000')} INSERT INTO audit_link VALUES (${position}, 900000, sha256('x'));`;
/** Does what an owner of the database can do: writes the chain anew from a position on. */
const REWRITE = (from: number) => `
  DO $$ DECLARE l record; before bytea := (SELECT hash FROM audit_link WHERE position = ${from - 1}); BEGIN
    FOR l IN SELECT k.position, e FROM audit_link k JOIN audit_event e ON e.seq = k.event_seq WHERE k.position >= ${from} ORDER BY 1 LOOP
      before := audit_hash(before, l.e);
      UPDATE audit_link SET hash = before WHERE position = l.position;
    END LOOP;
  END $$;`;
const ALTER = (change: string, position = 5) => `UPDATE audit_event SET ${change} WHERE seq = ${SEQ(position)};`;

describe('the chain of the audit', () => {
  beforeAll(async () => {
    const buyer = await world.newBuyer();
    await world.buy(buyer, CATALOG.basicMonth);
    await write(5);
    // A number that was drawn and not used: what was rolled back leaves a hole in the numbers, and none in the chain.
    await world.sql("SELECT nextval('audit_event_seq_seq')");
    const [row] = await world.sql<{ n: number }>('SELECT count(*)::int AS n FROM audit_event');
    await write(ALL - (row?.n ?? 0), 6);
    await world.advance(DAY_MS);
    expect(await signHeads(world.system)).toBe(1);
    await world.advance(DAY_MS);
    expect(await signHeads(world.system)).toBe(1);
    await world.advance(DAY_MS);
    expect(await signHeads(world.system)).toBe(1);
  });

  it('is whole as it was written', async () => {
    const report = await verifyAudit(world.system, WHOLE);
    expect(report).toMatchObject({ ok: true, checked: ALL, signatures: 3, findings: [], next: null });
    expect(report.head?.position).toBe(BigInt(ALL));
    const rows = await world.sql('SELECT position FROM audit_link ORDER BY position');
    expect(rows.map(({ position }) => Number(position))).toEqual(Array.from({ length: ALL }, (_, n) => n + 1));
  });

  it('begins with what is known, and hashes what is written here', async () => {
    const [first] = await world.sql<{ hash: Buffer; text: string }>(`
      SELECT l.hash, jsonb_build_object('seq', e.seq::text, 'at', extract(epoch FROM e.at) * 1000, 'actor', e.actor, 'action', e.action,
        'objectId', e.object_id, 'data', e.data::text, 'requestId', e.request_id)::text AS text
      FROM audit_link l JOIN audit_event e ON e.seq = l.event_seq WHERE l.position = 1`);
    const { at, seq, ...texts } = JSON.parse(first?.text ?? '');
    expect(hashLink(CHAIN_START.hash, { ...texts, seq: BigInt(seq), atMs: at }).toString('hex')).toBe(
      first?.hash.toString('hex'),
    );
  });

  it('reads no two rows the same', () => {
    const row = { seq: 1n, atMs: 1, actor: 'a', action: 'b', objectId: 'c', data: '{}', requestId: 'r' };
    const texts = [
      row,
      { ...row, actor: 'a,1:b', action: '' },
      { ...row, actor: '', action: 'ab' },
      { ...row, actor: 'ab', action: '' },
      { ...row, seq: 11n },
      { ...row, atMs: 11 },
      { ...row, requestId: 'r,' },
    ];
    expect(new Set(texts.map((text) => hashLink(CHAIN_START.hash, text).toString('hex'))).size).toBe(texts.length);
  });

  const CRIMES: ReadonlyArray<[what: string, statement: string, findings: string[]]> = [
    ['another time', ALTER("at = at + interval '1 millisecond'"), ['altered 5']],
    ['a time that is none', ALTER("at = 'infinity'"), ['altered 5']],
    ['another actor', ALTER("actor = 'usr_other'"), ['altered 5']],
    ['another action', ALTER("action = action || '.'"), ['altered 5']],
    ['another object', ALTER("object_id = 'x'"), ['altered 5']],
    ['another amount', ALTER(`data = data || '{"amount": "0"}'`), ['altered 5']],
    ['another request', ALTER("request_id = 'x'"), ['altered 5']],
    [
      'a letter that went from one column to the next',
      ALTER("actor = actor || 't', action = 'est.done'"),
      ['altered 5'],
    ],
    ['two rows', ALTER("actor = 'x'", 3) + ALTER("actor = 'x'", 9), ['altered 3', 'altered 9']],
    ['the first row', ALTER("actor = 'x'", 1), ['altered 1']],
    ['the last row', ALTER("actor = 'x'", ALL), [`altered ${ALL}`]],
    [
      'a row that was made like another',
      ALTER(`data = (SELECT data FROM audit_event WHERE seq = ${SEQ(8)})`),
      ['altered 5'],
    ],
    // Whose hash was changed cannot be told: the link, or the one it follows.
    ['a hash', "UPDATE audit_link SET hash = sha256('x') WHERE position = 5", ['altered 5', 'altered 6']],
    ['a row that is gone', DELETE_ROW(5), ['missing 5']],
    ['a row that is gone with its link', DELETE_ROW(5) + DELETE_LINK(5), ['missing 5']],
    ['a link that is gone', DELETE_LINK(5), ['missing 5', 'inserted 5']],
    ['the first row, gone', DELETE_ROW(1) + DELETE_LINK(1), ['missing 1']],
    [
      'several rows, gone',
      [4, 5, 6].map((n) => DELETE_ROW(n) + DELETE_LINK(n)).join(''),
      ['missing 4', 'missing 5', 'missing 6'],
    ],
    // All of one row is gone and the rest moved up: what follows fits nothing, and the signed heads have other places.
    ['a gap that was closed', DELETE_ROW(5) + DELETE_LINK(5) + RENUMBER(5, -1), ['altered 5', `missing ${ALL}`]],
    ['an end that was cut off', DELETE_ROW(ALL) + DELETE_LINK(ALL), [`missing ${ALL}`]],
    [
      'all of it, gone',
      'DELETE FROM audit_link; DELETE FROM audit_event',
      Array.from({ length: ALL }, (_, n) => `missing ${n + 1}`),
    ],
    [
      'a row in a hole of the numbers',
      INSERT(
        `(SELECT event_seq + 1 FROM audit_link l WHERE NOT EXISTS (SELECT 1 FROM audit_event WHERE seq = l.event_seq + 1) ORDER BY 1 LIMIT 1)`,
      ),
      ['inserted 8'],
    ],
    ['a row below all numbers', INSERT('-5'), ['inserted 1']],
    ['a row above all numbers', INSERT('900000'), [`inserted ${ALL + 1}`]],
    [
      'a row whose link stands before the first',
      `${INSERT('900000')} INSERT INTO audit_link VALUES (-1, 900000, sha256('x'))`,
      [`inserted ${ALL + 1}`],
    ],
    ['a row with a link between others', INSERT_LINKED(5), ['inserted 5', 'signature 14']],
    [
      'a row with a link at the end',
      `${INSERT('900000')} INSERT INTO audit_link VALUES (${ALL + 1}, 900000, sha256('x'))`,
      [`altered ${ALL + 1}`],
    ],
    ['two rows that changed places', EXCHANGE_ROWS(3, 8), ['moved 3', 'moved 8']],
    ['two neighbours that changed places', EXCHANGE_ROWS(3, 4), ['moved 3', 'moved 4']],
    ['two rows that changed numbers', EXCHANGE_NUMBERS(3, 8), ['moved 3', 'moved 8']],
    ['two links that changed rows', EXCHANGE('event_seq', 3, 8), ['moved 3', 'moved 8']],
    ['two links that changed places', EXCHANGE('position', 3, 8), ['moved 3', 'moved 8']],
    ['two neighbouring links that changed places', EXCHANGE('position', 3, 4), ['moved 3', 'moved 4']],
    [
      'the last two links that changed places',
      EXCHANGE('position', ALL - 1, ALL),
      [`moved ${ALL - 1}`, `moved ${ALL}`, `signature ${ALL}`],
    ],
    ['a move beside a change', EXCHANGE_ROWS(3, 8) + ALTER("actor = 'x'", 5), ['moved 3', 'altered 5', 'moved 8']],
    ['a chain that was written anew', ALTER("actor = 'x'") + REWRITE(5), [`signature ${ALL}`]],
  ];

  it.each(CRIMES)('shows %s', async (_what, statement, findings) => {
    const seen = await afterCrime(statement, (ctx) => found(ctx));
    // Each of the three days has signed the same head.
    expect([...new Set(seen)].toSorted()).toEqual(findings.toSorted());
  });

  it.each([
    ['a signature that is none', "UPDATE audit_signature SET signature = 'x' WHERE day = '2026-11-21'"],
    [
      'a signature of another day',
      "UPDATE audit_signature SET signature = (SELECT signature FROM audit_signature WHERE day = '2026-11-20') WHERE day = '2026-11-21'",
    ],
    ['another hash under a signature', "UPDATE audit_signature SET hash = sha256('x') WHERE day = '2026-11-21'"],
    ['a day without its signature', "DELETE FROM audit_signature WHERE day = '2026-11-21'"],
  ])('shows %s', async (_what, statement) => {
    expect(await afterCrime(statement, (ctx) => found(ctx))).toEqual([`signature ${ALL}`]);
  });

  it('shows a chain that was written anew and signed with another key', async () => {
    const signer = await newSigner(START);
    const seen = await afterCrime(
      `${ALTER("actor = 'x'")} ${REWRITE(5)} UPDATE audit_signature SET hash = (SELECT hash FROM audit_link WHERE position = ${ALL})`,
      async (ctx) => {
        const { rows } = await ctx.pool.query('SELECT day::text, position, hash FROM audit_signature');
        for (const { day, ...head } of rows) {
          const signature = await signDetached(signedText(day, head), signer, world.clock.now());
          await ctx.pool.query('UPDATE audit_signature SET signature = $2 WHERE day = $1::date', [day, signature]);
        }
        return [await found(ctx), await found({ ...ctx, signer })];
      },
    );
    // Whoever has our key, too, is not found: only a head that is kept elsewhere shows them.
    expect(seen).toEqual([Array.from({ length: 3 }, () => `signature ${ALL}`), []]);
  });

  it('ends after so many findings, and says where they begin', async () => {
    const many = `INSERT INTO audit_event (at, actor, action, object_id, data, request_id)
      SELECT now(), 'x', 'x', 'x', '{}', 'x' FROM generate_series(1, 300)`;
    const report = await afterCrime(many, (ctx) => verifyAudit(ctx, WHOLE));
    expect(report).toMatchObject({ ok: false, next: null });
    expect(report.findings).toHaveLength(MAX_FINDINGS);
    const gone = await afterCrime('DELETE FROM audit_event', (ctx) => found(ctx, { after: 3n, limit: null }));
    expect(gone).toEqual(Array.from({ length: ALL - 3 }, (_, n) => `missing ${n + 4}`));
  });

  it('is checked part by part with the same result', async () => {
    const statement =
      ALTER("actor = 'x'", 4) + DELETE_ROW(8) + DELETE_LINK(8) + INSERT('-5') + INSERT('900000') + DELETE_ROW(ALL);
    const inParts = await afterCrime(statement, async (ctx) => {
      const findings: string[] = [];
      let checked = 0;
      for (let after: bigint | null = 0n; after !== null; ) {
        const report = await verifyAudit(ctx, { after, limit: 4 });
        findings.push(...report.findings.map(({ kind, position }) => `${kind} ${position}`));
        checked += report.checked;
        after = report.next;
      }
      return { findings, checked };
    });
    const atOnce = await afterCrime(statement, (ctx) => found(ctx));
    expect(inParts.findings.toSorted()).toEqual(atOnce.toSorted());
    expect(inParts.findings.toSorted()).toEqual(
      ['altered 4', 'missing 8', 'inserted 1', `inserted ${ALL + 1}`, `missing ${ALL}`].toSorted(),
    );
    expect(inParts.checked).toBe(ALL - 1);
  });

  it('stays valid when a person is erased', async () => {
    await world.sql('DELETE FROM identity_link');
    expect(await verifyAudit(world.system, WHOLE)).toMatchObject({ ok: true, checked: ALL });
  });

  it('is for who may read it', async () => {
    await expect(verifyAudit(world.asServer(['revenue:read']), WHOLE)).rejects.toMatchObject({
      reason: 'scope_missing',
    });
    expect((await verifyAudit(world.asServer(['audit:read']), WHOLE)).ok).toBe(true);
  });
});

describe('the migration', () => {
  const old = openWorld();
  it('chains the rows that stand already, in the order of their numbers', async () => {
    await old.sql(`
      DROP TABLE audit_link, audit_signature; DROP TRIGGER audit_event_link ON audit_event;
      DROP FUNCTION audit_hash, link_audit_event`);
    await old.sql(`INSERT INTO audit_event (seq, at, actor, action, object_id, data, request_id)
      SELECT 3000 - 3 * n, now(), 'system:x', 'x', 'obj_' || n, jsonb_build_object('n', n), 'req' FROM generate_series(1, 500) AS n`);
    await old.sql(readFileSync(MIGRATION, 'utf8'));
    await recordAudit(old.system, { action: 'after', objectId: 'x' });
    expect(await verifyAudit(old.system, WHOLE)).toMatchObject({ ok: true, checked: 501 });
    const [row] = await old.sql(
      'SELECT bool_and(position = rank) AS ordered FROM (SELECT position, rank() OVER (ORDER BY event_seq) FROM audit_link WHERE position <= 500) AS l',
    );
    expect(row).toEqual({ ordered: true });
  });
});
