import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runLogged } from '../steps/install.mjs';
import { withClient } from '../steps/postgres.mjs';
import { logsDirectory } from '../steps/project.mjs';
import { StepError } from '../steps/report.mjs';
import { startSink } from './paid.mjs';
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
  const database = await startDatabase(stack, { port: 26_100 });
  const ports = {
    web: await freePort(23_000),
    bare: await freePort(23_500),
    next: await freePort(23_700),
  };
  const outside = await startOutside(stack, { ports, databaseUrl: database.url });
  const { env } = outside;
  await runToEnd(stack, 'migrate', env);
  await runToEnd(stack, 'seed', env);
  await withClient(database.url, async (client) => {
    await client.query(readFileSync(join(HERE, 'bare.sql'), 'utf8'));
    await seedHistory(client, { cell: 0, count: HISTORY_ROWS });
  });

  const web = startOurs(stack, 'main', env, { nodeFlags });
  await waitUntilReady(web, `http://127.0.0.1:${ports.web}/health/ready`);
  const startWorker = () => startOurs(stack, 'worker', env);
  const worker = withWorker ? startWorker() : null;
  const comparators = withComparators ? await startComparators(stack, env, ports, outside.values) : {};
  return { ...outside, database, web, worker, startWorker, ...comparators };
}

/** The simulator alone, for what needs no Hoshi. */
export async function startWire(stack, { tell }) {
  tell('building what has changed');
  await build({ withPages: false });
  return startOutside(stack, { ports: { web: await freePort(23_000) }, databaseUrl: '' });
}

/** The simulator, who takes its webhooks, and the values with which everybody speaks to it. */
async function startOutside(stack, { ports: own, databaseUrl }) {
  const ports = { ...own, sandbox: await freePort(23_300), sink: await freePort(23_400) };
  const values = await sandboxValues({ sandboxPort: ports.sandbox });
  const sink = await startSink({ port: ports.sink });
  stack.onStop(async () => sink.close());
  const more = { LOG_LEVEL: 'info', SANDBOX_APP_URL: sink.url };
  const env = environmentFor({ stack, databaseUrl, ports, more });
  const sandbox = startOurs(stack, 'sandbox', env);
  await waitUntilReady(sandbox, `http://127.0.0.1:${ports.sandbox}/sim/health`);
  return { env, ports, sandbox, sink, values };
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
