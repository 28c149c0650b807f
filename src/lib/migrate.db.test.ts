import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findSchemaDrift, migrateDatabase } from './migrate.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';

let database: TestDatabase;
let directory: string;

beforeEach(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'hoshi-migrations-'));
});

afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

async function query(statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

async function writeMigration(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, 'migration.sql'), sql);
}

async function emptyDatabase(): Promise<void> {
  await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
}

describe('the migrations of the repository', () => {
  it('make exactly the database that prisma/schema describes', async () => {
    expect(await findSchemaDrift(database.url, 'summary')).toBeNull();
  });

  it('are all applied by the set-up, so that a second run finds nothing to do', async () => {
    expect(await migrateDatabase(database.url)).toEqual({ applied: [], edited: [] });
  });
});

describe('findSchemaDrift', () => {
  it('sees a column, a table and an index that the schema does not know', async () => {
    await query('CREATE TABLE stranger (id int PRIMARY KEY); ALTER TABLE job ADD COLUMN extra text');
    const drift = await findSchemaDrift(database.url, 'summary');
    expect(drift).toContain('stranger');
    expect(drift).toContain('extra');
    expect(await findSchemaDrift(database.url, 'script')).toContain('DROP TABLE "stranger"');
  });
});

describe('migrateDatabase', () => {
  beforeEach(emptyDatabase);

  it('applies in order of name and sends function bodies whole', async () => {
    await writeMigration('20260102_second', 'INSERT INTO counted SELECT twice(21);');
    await writeMigration(
      '20260101_first',
      `CREATE TABLE counted (n int);
       CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; RETURN n * 2; END $$;`,
    );
    expect(await migrateDatabase(database.url, directory)).toEqual({
      applied: ['20260101_first', '20260102_second'],
      edited: [],
    });
    expect(await query('SELECT n FROM counted')).toEqual([{ n: 42 }]);
  });

  it('leaves nothing of a migration that fails, says why, and tries it again', async () => {
    await writeMigration('20260101_half', 'CREATE TABLE half (n int); SELECT nonsense;');
    await expect(migrateDatabase(database.url, directory)).rejects.toThrow(/nonsense/);
    expect(await query(`SELECT to_regclass('half') AS half`)).toEqual([{ half: null }]);
    await writeMigration('20260101_half', 'CREATE TABLE half (n int);');
    expect(await migrateDatabase(database.url, directory)).toEqual({ applied: ['20260101_half'], edited: [] });
  });

  it('lets one of several starters work while the others wait', async () => {
    await writeMigration('20260101_slow', 'SELECT pg_sleep(0.3); CREATE TABLE once (n int);');
    const reports = await Promise.all([1, 2, 3].map(() => migrateDatabase(database.url, directory)));
    expect(reports.flatMap((report) => report.applied)).toEqual(['20260101_slow']);
  });

  it('names a file that was changed after it was applied', async () => {
    await writeMigration('20260101_first', 'CREATE TABLE first (n int);');
    await migrateDatabase(database.url, directory);
    await writeMigration('20260101_first', 'CREATE TABLE first (n text);');
    expect(await migrateDatabase(database.url, directory)).toEqual({ applied: [], edited: ['20260101_first'] });
  });
});
