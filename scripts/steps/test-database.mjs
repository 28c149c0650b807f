import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateDatabase } from '../../src/lib/migrate.ts';
import { isPortFree } from './ports.mjs';
import { startPostgres, withClient } from './postgres.mjs';

const TEMPLATE = 'hoshi_template';
const FIRST_PORT = 25_400;
const PORTS = 500;

/**
 * Vitest's global set-up of the database tests: one Postgres for the run, in a temporary folder, that trades safety for
 * speed, with one migrated database from which each test file copies its own (`#lib/testing/database.ts`).
 */
export default async function setup({ provide }) {
  const directory = mkdtempSync(join(tmpdir(), 'hoshi-test-'));
  // As root, Postgres runs as another user, who has to get in: else its programs would be copied to where they may.
  chmodSync(directory, 0o755);
  const server = await startPostgres({
    directory,
    port: await anyPort(),
    isDurable: false,
    logFile: join(directory, 'postgres.log'),
    tell: () => {},
  });
  const stop = async () => {
    await server.stop();
    server.remove();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await withClient(server.url, (client) => client.query(`CREATE DATABASE ${TEMPLATE}`));
    const template = new URL(server.url);
    template.pathname = `/${TEMPLATE}`;
    await migrateDatabase(template.href);
    provide('databaseServerUrl', server.url);
    provide('databaseTemplate', TEMPLATE);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Runs at the same time would meet on one fixed port. */
async function anyPort() {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isPortFree(port, '127.0.0.1')) return port;
  }
}
