import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { MigrationDirectory, MigrationList, SchemaContainer } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { withSchemaEngine } from './schema-engine.ts';

/** What a run of the migrations did. */
export type MigrationReport = {
  /** Names of the migrations applied now, in order; empty when the database was up to date. */
  applied: readonly string[];
  /** Applied earlier, but their file has been changed since: the database may not be what the files say. */
  edited: readonly string[];
};

const MIGRATIONS = 'prisma/migrations';
const SCHEMA = 'prisma/schema';
/** Any number that nobody else in this database locks. */
const ADVISORY_LOCK = 7_405_112_026;
const LOCK_WAIT_MS = 120_000;
/** Applying SQL files needs no models, but the engine wants to be told the kind of database by a schema. */
const PROVIDER_ONLY = { path: 'provider.prisma', content: 'datasource db {\n  provider = "postgresql"\n}\n' };
const NO_FILTER = { externalTables: [], externalEnums: [] };

/**
 * Brings a database up to date: applies, in order of name, each `<directory>/<name>/migration.sql` that is not in
 * `_prisma_migrations`. Several starters at once are safe: one works, the others wait and find nothing to do.
 * A migration that failed or was killed left nothing behind, since each file is one transaction; it is tried again.
 *
 * @param url a Postgres address; the database exists
 * @param directory of the migrations, by default `prisma/migrations` in the working directory
 * @throws when the database cannot be reached, a migration fails (with Postgres' words), or another starter holds the
 *   lock for two minutes
 */
export async function migrateDatabase(url: string, directory = MIGRATIONS): Promise<MigrationReport> {
  const migrationsList = await readMigrations(resolve(directory));
  return withLock(url, () =>
    withSchemaEngine(url, [PROVIDER_ONLY], async (engine) => {
      const before = await engine.diagnoseMigrationHistory({
        migrationsList,
        optInToShadowDatabase: false,
        filters: NO_FILTER,
      });
      for (const migrationName of before.failedMigrationNames) await engine.markMigrationRolledBack({ migrationName });
      const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTER });
      const edited = before.editedMigrationNames.filter((name) => !appliedMigrationNames.includes(name));
      return { applied: appliedMigrationNames, edited };
    }),
  );
}

/**
 * What would have to change in a database to match the Prisma schema: the check that migrations and schema agree, and the
 * draft of the next migration. Partial indexes, checks, triggers and functions are beyond Prisma's schema and not compared.
 *
 * @param form `summary` for people, `script` for SQL
 * @returns null when they agree
 */
export async function findSchemaDrift(
  url: string,
  form: 'summary' | 'script',
  directory = SCHEMA,
): Promise<string | null> {
  const files = await readSchema(resolve(directory));
  const result = await withSchemaEngine(url, files, (engine) =>
    engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: resolve(directory) },
      to: { tag: 'schemaDatamodel', files },
      script: form === 'script',
      exitCode: true,
      filters: NO_FILTER,
    }),
  );
  return result.exitCode === 0 ? null : (result.stdout ?? '').trim();
}

async function withLock<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url, lock_timeout: LOCK_WAIT_MS, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    return await work();
  } finally {
    // Ending the session gives the lock back.
    await client.end();
  }
}

async function readMigrations(baseDir: string): Promise<MigrationList> {
  const entries = await readdir(baseDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const migrationDirectories = names.sort().map(async (name): Promise<MigrationDirectory> => {
    const value = await readFile(join(baseDir, name, 'migration.sql'), 'utf8');
    return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value } } };
  });
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(migrationDirectories),
  };
}

async function readSchema(directory: string): Promise<SchemaContainer[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.prisma'));
  return Promise.all(
    names.sort().map(async (name) => {
      const path = join(directory, name);
      return { path, content: await readFile(path, 'utf8') };
    }),
  );
}
