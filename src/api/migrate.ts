import { moveAccounts } from '#domain/identity/move-accounts.ts';
import { concealPast } from '#domain/privacy/conceal-past.ts';
import { systemClock } from '#lib/clock.ts';
import { openDatabase } from '#lib/db.ts';
import { loadEnv } from '#lib/env.ts';
import { findSchemaDrift, migrateDatabase } from '#lib/migrate.ts';
import { makeVault } from '#lib/vault.ts';
import { markPlainKeys } from './idempotency.ts';

/**
 * The command behind `dist/migrate.js`.
 *
 *     node dist/migrate.js         brings DATABASE_URL up to date
 *     node dist/migrate.js draft   prints the SQL that leads from DATABASE_URL to prisma/schema: the next migration.sql
 */
async function main(command: string | undefined): Promise<void> {
  const env = loadEnv();
  const { databaseUrl } = env;
  if (command === 'draft') {
    process.stdout.write(
      `${(await findSchemaDrift(databaseUrl, 'script')) ?? '-- The database matches prisma/schema.'}\n`,
    );
    return;
  }
  const { applied, edited } = await migrateDatabase(databaseUrl);
  const done = applied.length === 0 ? 'the database was up to date' : `applied ${applied.join(', ')}`;
  const database = openDatabase({ url: databaseUrl, applicationName: 'hoshi-migrate', onConnectionLost: () => {} });
  // What SQL cannot do, because the keys are not in the database. It comes after all of SQL: a later migration must not change rows
  // of tables whose constraints `concealPast` has still to validate, for they may hold what those refuse.
  const place = { db: database.prisma, vault: makeVault(env), clock: systemClock };
  const moved = await moveAccounts(place);
  const concealed = await concealPast(place);
  await markPlainKeys(place);
  await database.close();
  const also = [
    ...(moved > 0 ? [`moved ${moved} accounts into links of their own`] : []),
    ...(concealed > 0 ? [`concealed ${concealed} ids of providers`] : []),
  ];
  process.stdout.write(`${[done, ...also].join(', ')}\n`);
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
