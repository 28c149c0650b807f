import { loadEnv } from './env.ts';
import { findSchemaDrift, migrateDatabase } from './migrate.ts';

/**
 * The command behind `dist/migrate.js`.
 *
 *     node dist/migrate.js         brings DATABASE_URL up to date
 *     node dist/migrate.js draft   prints the SQL that leads from DATABASE_URL to prisma/schema: the next migration.sql
 */
async function main(command: string | undefined): Promise<void> {
  const { databaseUrl } = loadEnv();
  if (command === 'draft') {
    process.stdout.write(
      `${(await findSchemaDrift(databaseUrl, 'script')) ?? '-- The database matches prisma/schema.'}\n`,
    );
    return;
  }
  const { applied, edited } = await migrateDatabase(databaseUrl);
  const done = applied.length === 0 ? 'the database was up to date' : `applied ${applied.join(', ')}`;
  process.stdout.write(`${done}\n`);
  if (edited.length > 0) process.stderr.write(`changed after it was applied: ${edited.join(', ')}\n`);
}

// The engine leaves a ten-second timer of its advisory lock behind, which would keep the process alive.
main(process.argv[2]).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
