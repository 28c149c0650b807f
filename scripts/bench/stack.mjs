import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildWeb, bundlePrograms, generateClient } from '../steps/build.mjs';
import { lastLines, QUIET_ENVIRONMENT } from '../steps/install.mjs';
import { isPortFree } from '../steps/ports.mjs';
import { startPostgres } from '../steps/postgres.mjs';
import { endProcess, identityOf } from '../steps/processes.mjs';
import { logsDirectory } from '../steps/project.mjs';
import { StepError } from '../steps/report.mjs';
import { importSources } from './sources.mjs';

/** The heaps of `npm start` (scripts/steps/run-hoshi.mjs): what is measured here is what runs there. */
const HEAP_MB = { main: 220, worker: 120, sandbox: 160 };
const READY_TIMEOUT_MS = 60_000;
const STOP_SIGNALS = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

/** Programs, pages and the database client as `npm start` builds them; nothing when they are built already. */
export async function build({ withPages }) {
  const logs = logsDirectory();
  mkdirSync(logs, { recursive: true });
  await generateClient({ logs });
  await bundlePrograms();
  if (withPages) await buildWeb({ logs });
}

/**
 * A stack of its own beside whatever runs on this machine: a temporary folder, free ports, and processes that end with
 * it. `stop` ends them in the opposite order and removes the folder.
 */
export function makeStack(name) {
  const directory = mkdtempSync(join(tmpdir(), `hoshi-${name}-`));
  // As root, Postgres runs as another user, who has to get in.
  chmodSync(directory, 0o755);
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  const undo = [];
  let stopping = null;
  const stack = {
    directory,
    logs,
    onStop: (work) => undo.push(work),
    /** What the processes wrote is kept when something was wrong: a fault under load cannot be asked to come again. */
    stop: ({ isKept = false } = {}) => {
      stopping ??= stopAll(undo, { directory, isKept });
      return stopping;
    },
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => stack.stop().finally(() => process.exit(130)));
  }
  return stack;
}

async function stopAll(undo, { directory, isKept }) {
  for (const work of undo.reverse()) await work({ isKept });
  if (!isKept) rmSync(directory, { recursive: true, force: true });
}

/** The first free port from `from` on. Each caller begins elsewhere, so that two at once do not meet. */
export async function freePort(from) {
  for (let port = from; port < from + 200; port += 1) if (await isPortFree(port)) return port;
  throw new StepError(`no free port from ${from} on`, 'Stop what uses them.');
}

/** Postgres with everything on that keeps data when the machine loses power. */
export async function startDatabase(stack, { port }) {
  const start = (wanted) =>
    startPostgres({
      directory: join(stack.directory, 'postgres'),
      port: wanted,
      isDurable: true,
      logFile: join(stack.logs, 'postgres.log'),
      tell: () => {},
    });
  let server = await start(await freePort(port));
  stack.onStop(async ({ isKept }) => {
    await server.stop();
    if (!isKept) server.remove();
  });
  return {
    url: server.url,
    get pid() {
      return server.pid;
    },
    /** Waits for the end of a process that was killed, and starts Postgres on the same data and port again. */
    revive: async () => {
      await server.exited;
      server = await start(server.port);
    },
  };
}

/** What every process of ours is started with. `ports`: `{ web, sandbox }`. */
export function environmentFor({ stack, databaseUrl, ports, more = {} }) {
  const kept = Object.fromEntries(['PATH', 'HOME', 'TMPDIR', 'LANG'].map((name) => [name, process.env[name]]));
  return {
    ...kept,
    ...QUIET_ENVIRONMENT,
    NODE_ENV: 'production',
    HOSHI_DEV: '0',
    DATABASE_URL: databaseUrl,
    PORT: String(ports.web),
    PUBLIC_URL: `http://localhost:${ports.web}`,
    SANDBOX_PORT: String(ports.sandbox),
    HOSHI_STATE_DIR: stack.directory,
    SANDBOX_STATE_DIR: join(stack.directory, 'sandbox'),
    ...more,
  };
}

/** Runs a program of dist to its end. */
export async function runToEnd(stack, name, env) {
  const program = startProgram(stack, { name, args: [`dist/${name}.js`], env });
  const code = await program.exited;
  if (code !== 0) throw program.failure(`ended with ${code}`);
}

/** Starts one of `main`, `worker` or `sandbox` with the flags of `npm start`. */
export function startOurs(stack, name, env, { label = name, nodeFlags = [] } = {}) {
  const args = [`--max-old-space-size=${HEAP_MB[name]}`, '--enable-source-maps', ...nodeFlags, `dist/${name}.js`];
  return startProgram(stack, { name: label, args, env });
}

/** Starts a node program; it is ended with the stack. `restart` is for after a kill. */
export function startProgram(stack, { name, args, env }) {
  const logFile = join(stack.logs, `${name}.log`);
  let running = null;
  const program = {
    name,
    get pid() {
      return running.pid;
    },
    get exited() {
      return running.exited;
    },
    get isRunning() {
      return running.isRunning;
    },
    start: () => {
      running = launch(args, env, logFile);
    },
    kill: async () => {
      await endProcess(running, [{ signal: 'SIGKILL', waitMs: 5_000 }]);
      await running.exited;
    },
    stop: async () => {
      await endProcess(running, STOP_SIGNALS);
      await running.exited;
    },
    failure: (what) =>
      new StepError(
        `${name} ${what}. Its last words:\n      ${lastLines(readFileSync(logFile, 'utf8'), 12)}`,
        'Correct what they name, then run again.',
      ),
  };
  program.start();
  stack.onStop(() => program.stop());
  return program;
}

function launch(args, env, logFile) {
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', log, log] });
  const running = { pid: child.pid, identity: identityOf(child.pid), isRunning: true, exited: null };
  running.exited = new Promise((done) => {
    child.once('exit', (code, signal) => {
      running.isRunning = false;
      done(signal ?? code);
    });
  });
  return running;
}

/** Waits until an address answers 200. */
export async function waitUntilReady(program, url) {
  for (const end = Date.now() + READY_TIMEOUT_MS; Date.now() < end; await sleep(50)) {
    if (!program.isRunning) throw program.failure('ended at once');
    const isReady = await fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
      (response) => response.arrayBuffer().then(() => response.ok),
      () => false,
    );
    if (isReady) return;
  }
  throw program.failure(`did not become ready at ${url}`);
}

/**
 * The documented development values that everything here speaks with, those of the providers by the names of their variables.
 * `providers` are the adapters themselves, which call the simulator at `sandboxPort`.
 */
export async function sandboxValues({ sandboxPort }) {
  const { makeProviders, PROVIDERS, readEnv, SANDBOX_VALUES } = await importSources(
    'values',
    "export { readEnv } from '#lib/env.ts'; export { SANDBOX_VALUES } from '#lib/env-modes.ts'; export { makeProviders, PROVIDERS } from '#providers/registry.ts';",
  );
  const { providerVariables, telegram } = readEnv(
    { SANDBOX_PORT: String(sandboxPort) },
    PROVIDERS.map(({ variables }) => variables),
  );
  const { apiRoot, botToken, webhookSecret: current } = telegram;
  const unheard = () => undefined;
  const providers = makeProviders({
    telegram: { apiRoot, botToken, secrets: { current, previous: null, onPrevious: unheard } },
    source: providerVariables,
    surround: () => ({ clock: () => new Date(), onPreviousSecret: unheard, warn: unheard }),
  });
  return { ...SANDBOX_VALUES, ...providerVariables, providers };
}
