import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { SchemaContainer, SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

/**
 * Prisma's schema engine as WebAssembly from the npm registry. The usual engine is an executable that the Prisma CLI
 * downloads from another host, which a company proxy may forbid; this one keeps the same books (`_prisma_migrations`),
 * so `prisma migrate deploy` continues where this left off and the other way round.
 */

/**
 * Opens the engine on one connection, hands it to `work` and closes the connection.
 *
 * @param url a Postgres address
 * @param schema the Prisma schema files, at least one
 */
export async function withSchemaEngine<Result>(
  url: string,
  schema: readonly SchemaContainer[],
  work: (engine: SchemaEngine) => Promise<Result>,
): Promise<Result> {
  const module = await loadModule();
  const pool = new CatalogPool({ connectionString: url, max: 1, connectionTimeoutMillis: 10_000 });
  // A connection lost while idle is reported by the next query; without a listener it would end the process.
  pool.on('error', () => undefined);
  const datamodels = schema.map(({ path, content }): [string, string] => [path, content]);
  try {
    const engine = await module.SchemaEngine.new(
      { datamodels },
      ignoreEngineLog,
      bindMigrationAwareSqlAdapterFactory(catalogAdapter(pool)),
    );
    return await work(engine);
  } finally {
    await pool.end();
  }
}

type EngineModule = typeof import('@prisma/schema-engine-wasm/schema_engine_bg');
let loaded: Promise<EngineModule> | undefined;

/** Node cannot import the package's `.wasm` by itself, so the module is instantiated here, once per process. */
function loadModule(): Promise<EngineModule> {
  loaded ??= instantiate();
  return loaded;
}

async function instantiate(): Promise<EngineModule> {
  const glue: EngineModule = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const gluePath = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(gluePath.replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': { ...glue } });
  const start = instance.exports['__wbindgen_start'];
  if (typeof start !== 'function')
    throw new Error('@prisma/schema-engine-wasm has no __wbindgen_start: wrong version?');
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panics });
  glue.__wbg_set_wasm(instance.exports);
  start();
  return glue;
}

/** The engine hands over its last words here before it traps. */
const panics = {
  set_message: (message: string) => {
    throw new Error(`Prisma’s schema engine failed: ${message}`);
  },
};

/** The engine logs each script it runs; what goes wrong it throws. */
function ignoreEngineLog(): void {}

const POSTGRES_CHAR = 18;
const POSTGRES_CHAR_ARRAY = 1002;

/** Disguises the catalogs' `"char"` columns, a type the pg adapter refuses, as an array; `catalogAdapter` undoes it. */
class CatalogPool extends pg.Pool {
  override query = (async (...parameters: unknown[]) => {
    const run: (...parameters: never[]) => Promise<pg.QueryArrayResult> = super.query.bind(this);
    const result = await run(...(parameters as never[]));
    // A script of several statements yields an array of results, which nobody reads.
    for (const field of result.fields ?? []) {
      if (field.dataTypeID === POSTGRES_CHAR) field.dataTypeID = POSTGRES_CHAR_ARRAY;
    }
    return result;
  }) as pg.Pool['query'];
}

/**
 * The pg adapter with two changes: `"char"` columns are readable, and a script is sent whole. The original cuts scripts at
 * every semicolon, also inside function bodies; sent whole, Postgres runs a migration as one transaction.
 */
function catalogAdapter(pool: CatalogPool): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(pool);
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connectToShadowDb: () => factory.connectToShadowDb(),
    connect: async () => {
      const connection = await factory.connect();
      const queryRaw = connection.queryRaw.bind(connection);
      connection.queryRaw = async (query) => {
        const result = await queryRaw(query);
        const columnTypes = result.columnTypes.map((type) =>
          type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type,
        );
        return { ...result, columnTypes };
      };
      connection.executeScript = async (script) => {
        await pool.query(script).catch((error: unknown) => {
          throw error instanceof pg.DatabaseError ? toDriverError(error) : error;
        });
      };
      return connection;
    },
  };
}

/** In this form the engine repeats Postgres' words in its own message and in `_prisma_migrations.logs`. */
function toDriverError(error: pg.DatabaseError): DriverAdapterError {
  return new DriverAdapterError({
    kind: 'postgres',
    code: error.code ?? 'N/A',
    severity: error.severity ?? 'N/A',
    message: error.message,
    detail: error.detail,
    column: error.column,
    hint: error.hint,
  });
}
