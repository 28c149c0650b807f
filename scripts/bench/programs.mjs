import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runLogged } from '../steps/install.mjs';
import { withClient } from '../steps/postgres.mjs';
import { logsDirectory } from '../steps/project.mjs';
import { StepError } from '../steps/report.mjs';
import { seedHistory } from './seed.mjs';
import {
  build,
  environmentFor,
  freePort,
  runToEnd,
  sandboxValues,
  startDatabase,
  startOurs,
  startProgram,
  waitUntilReady,
} from './stack.mjs';

const HERE = import.meta.dirname;
const NEXT_APP = join(HERE, 'next-app');
/** Sales before the first measurement. */
const HISTORY_ROWS = 10_000;
const NEXT = 'node_modules/next/dist/bin/next';

/** Everything that is measured, running: database, simulator, Hoshi's web process and the comparators. */
export async function startAll(stack, { tell, nodeFlags = [], withComparators = true, withWorker = false }) {
  tell('building what has changed');
  await build({ withPages: true });
  if (withComparators) await buildNextApp();
  const values = await sandboxValues();
  const database = await startDatabase(stack, { port: 26_100 });
  const ports = {
    web: await freePort(23_000),
    sandbox: await freePort(23_300),
    bare: await freePort(23_500),
    next: await freePort(23_700),
  };
  const env = environmentFor({ stack, databaseUrl: database.url, ports, more: { LOG_LEVEL: 'info' } });
  await runToEnd(stack, 'migrate', env);
  await runToEnd(stack, 'seed', env);
  await withClient(database.url, async (client) => {
    await client.query(readFileSync(join(HERE, 'bare.sql'), 'utf8'));
    await seedHistory(client, { cell: 0, count: HISTORY_ROWS });
  });

  const sandbox = startOurs(stack, 'sandbox', env);
  await waitUntilReady(sandbox, `http://127.0.0.1:${ports.sandbox}/sim/health`);
  const web = startOurs(stack, 'main', env, { nodeFlags });
  await waitUntilReady(web, `http://127.0.0.1:${ports.web}/health/ready`);
  const worker = withWorker ? startOurs(stack, 'worker', env) : null;
  const comparators = withComparators ? await startComparators(stack, env, ports, values) : {};
  return { values, database, ports, sandbox, web, worker, env, ...comparators };
}

async function startComparators(stack, env, ports, values) {
  const theirs = { ...env, TELEGRAM_WEBHOOK_SECRET: values.webhookSecret };
  const bare = startProgram(stack, {
    name: 'bare',
    args: [join(HERE, 'bare.mjs')],
    env: { ...theirs, PORT: String(ports.bare) },
  });
  await waitUntilReady(bare, `http://127.0.0.1:${ports.bare}/`);
  const next = startProgram(stack, {
    name: 'next',
    args: [NEXT, 'start', NEXT_APP, '-p', String(ports.next)],
    env: theirs,
  });
  await waitUntilReady(next, `http://127.0.0.1:${ports.next}/empty`);
  return { bare, next };
}

/** `next build` of the comparators, unless it is newer than all it is made of. */
async function buildNextApp() {
  const marker = join(NEXT_APP, '.next/BUILD_ID');
  const sources = ['next.config.mjs', 'app/empty/route.js', 'app/settle/route.js'].map((name) => join(NEXT_APP, name));
  const inputs = [...sources, 'package-lock.json', 'src/lib/generated/prisma/client.ts'];
  const newest = Math.max(...inputs.map((path) => statSync(path).mtimeMs));
  if (existsSync(marker) && statSync(marker).mtimeMs > newest) return;
  const logFile = join(logsDirectory(), 'bench-next-build.log');
  const { code } = await runLogged(process.execPath, [NEXT, 'build', NEXT_APP], {
    logFile,
    env: { NODE_ENV: 'production' },
  });
  if (code !== 0) throw new StepError('the comparators could not be built', `The whole output is ${logFile}.`);
}
