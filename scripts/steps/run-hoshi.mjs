import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { buildWeb, bundlePrograms, generateClient, watchPrograms } from './build.mjs';
import { endRunningCommands, installPackages, lastLines, QUIET_ENVIRONMENT, runLogged } from './install.mjs';
import { takeLock } from './lock.mjs';
import { isPortFree } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { enterProject, logsDirectory, shown, stateDirectory } from './project.mjs';
import { bold, dim, reportFailure, StepError, step, stopReporting, tell } from './report.mjs';
import { MEMORY, superviseProgram, waitForAnswer, waitThatItStays } from './supervise.mjs';

/** Next compiles in the web process. */
const DEVELOPMENT_WEB = { heapMb: 2_048 };
const READY_TIMEOUT_MS = 60_000;

/**
 * From a bare clone to a running Hoshi, and back: the whole of `npm start` and `npm run dev`. Ends the process by itself:
 * with 0 after an ordered stop, with 1 after a step that failed.
 */
export async function runHoshi({ isDevelopment }) {
  enterProject();
  console.log(`\n${bold('Hoshi')} ${dim(isDevelopment ? 'development' : '')}\n`);
  const stack = makeStack();
  listenForStop(stack);
  try {
    await bringUp(stack, isDevelopment);
  } catch (error) {
    if (stack.isStopping) return;
    reportFailure('Start', error);
    await stack.stop(1);
  }
}

/** What was started, to be stopped in the opposite order. */
function makeStack() {
  const undo = [];
  const stack = {
    isStopping: false,
    onStop: (work) => undo.push(work),
    stop: async (exitCode) => {
      if (stack.isStopping) return;
      stack.isStopping = true;
      let code = exitCode;
      for (const work of undo.reverse()) {
        await work().catch((error) => {
          reportFailure('Stop', error);
          code = 1;
        });
      }
      console.log(`  ${code === 0 ? 'Stopped.' : 'Stopped after an error.'}\n`);
      process.exit(code);
    },
  };
  return stack;
}

function listenForStop(stack) {
  const onSignal = (signal) => {
    if (stack.isStopping) return;
    stopReporting();
    console.log(`\n  ${signal === 'SIGINT' ? 'Ctrl-C' : signal}: stopping …`);
    stack.stop(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
  process.on('uncaughtException', (error) => {
    reportFailure('Hoshi', error);
    stack.stop(1);
  });
}

async function bringUp(stack, isDevelopment) {
  const logs = logsDirectory();
  const lock = await takeLock(stateDirectory(), tell);
  stack.onStop(async () => lock.release());
  stack.onStop(endRunningCommands);

  await step('Packages', () =>
    installPackages({ logFile: join(logs, 'npm-ci.log'), onStart: (pid) => lock.noteProcess('npm', pid) }),
  );
  await step('Database client', () => generateClient({ logs }));
  await step('Programs', () => bundlePrograms());
  const settings = await step('Configuration', () => readSettings());
  await checkPorts(settings);
  if (!isDevelopment) await step('Web pages', () => buildWeb({ logs }));

  const databaseUrl = process.env.DATABASE_URL || (await startOwnPostgres(stack, lock));
  const env = childEnvironment(databaseUrl, isDevelopment);
  await step('Migrations', () => migrate({ env, logs }));
  if (existsSync('dist/seed.js')) await step('Catalogue', () => runProgram('seed', { env, logs }));

  const programs = await startPrograms({ stack, lock, settings, env, isDevelopment });
  if (stack.isStopping) return;
  for (const program of Object.values(programs)) program.keepRunning();
  if (isDevelopment) await restartOnChange(stack, programs);
  const url = settings.sandbox ? `http://localhost:${settings.sandbox.port}` : settings.publicUrl;
  lock.noteUrl(url);
  printSummary(settings, databaseUrl);
}

/** The same check as every program makes, before anything is started. */
async function readSettings() {
  const load = (program) => import(pathToFileURL(join(process.cwd(), 'dist', program)).href);
  const [{ readEnv }, { loadSigner }] = await Promise.all([load('env.js'), load('signer.js')]);
  const settings = readEnv(process.env);
  await loadSigner(settings);
  return { ...settings, note: settings.isSandbox ? 'sandbox' : 'live' };
}

async function checkPorts(settings) {
  const wanted = [{ port: settings.port, variable: 'PORT', what: 'the web server' }];
  if (settings.sandbox) wanted.push({ port: settings.sandbox.port, variable: 'SANDBOX_PORT', what: 'the sandbox' });
  for (const { port, variable, what } of wanted) {
    // Without an address: all of them, as the programs listen.
    if (await isPortFree(port)) continue;
    const error = new StepError(
      `port ${port}, wanted for ${what}, is taken by another program`,
      `Stop that program, or choose another port: ${variable}=${port + 100} npm start`,
    );
    reportFailure('Ports', error);
    throw error;
  }
}

async function startOwnPostgres(stack, lock) {
  const start = (port, isPortFixed) =>
    startPostgres({
      directory: join(stateDirectory(), 'postgres'),
      port,
      isPortFixed,
      logFile: join(logsDirectory(), 'postgres.log'),
      tell,
      onInit: (pid) => lock.noteProcess('initdb', pid),
    });
  let server = await step('Postgres', async () => {
    const started = await start(Number(process.env.HOSHI_PG_PORT || 25_329), Boolean(process.env.HOSHI_PG_PORT));
    return { ...started, note: `port ${started.port}` };
  });
  stack.onStop(() => server.stop());

  const { port } = server;
  const revive = async () => {
    if (stack.isStopping) return;
    tell('Postgres ended by itself, starting it again; its log is in the logs folder');
    server = await retry(REVIVAL_PAUSES_MS, () => start(port, true));
    if (stack.isStopping) return server.stop();
    server.exited.then(revive);
  };
  server.exited.then(revive);
  return server.url;
}

/** After a crash the system may need a moment until port and shared memory are free again. */
const REVIVAL_PAUSES_MS = [0, 500, 1_000, 2_000, 4_000];

async function retry(pausesMs, work) {
  for (const [attempt, pauseMs] of pausesMs.entries()) {
    await sleep(pauseMs);
    try {
      return await work();
    } catch (error) {
      if (attempt === pausesMs.length - 1) throw error;
    }
  }
}

function childEnvironment(databaseUrl, isDevelopment) {
  return {
    ...process.env,
    ...QUIET_ENVIRONMENT,
    NODE_ENV: isDevelopment ? 'development' : 'production',
    HOSHI_DEV: isDevelopment ? '1' : '0',
    DATABASE_URL: databaseUrl,
    HOSHI_STATE_DIR: stateDirectory(),
    SANDBOX_STATE_DIR: join(stateDirectory(), 'sandbox'),
  };
}

/** Runs a program of dist to its end. */
async function runProgram(name, { env, logs, remedy }) {
  const logFile = join(logs, `${name}.log`);
  const { code, output } = await runLogged(process.execPath, ['--enable-source-maps', `dist/${name}.js`], {
    logFile,
    env,
  });
  if (code !== 0)
    throw new StepError(
      `dist/${name}.js failed:\n      ${lastLines(output, 12)}`,
      remedy ?? `Its log is ${shown(logFile)}.`,
    );
  return { output };
}

async function migrate({ env, logs }) {
  const { output } = await runProgram('migrate', { env, logs, remedy: databaseRemedy() });
  const [done, ...warnings] = output.trim().split('\n');
  for (const warning of warnings) tell(`${warning}. If Hoshi misses something there: ${databaseRemedy()}`);
  return { note: done };
}

function databaseRemedy() {
  if (process.env.DATABASE_URL)
    return 'Check that DATABASE_URL names a database that exists and that its user may create tables.';
  return `To begin with an empty database, move ${shown(join(stateDirectory(), 'postgres'))} away.`;
}

async function startPrograms({ stack, lock, settings, env, isDevelopment }) {
  const start = (name, file, memory = MEMORY[name]) => {
    const program = superviseProgram({
      name,
      file: `dist/${file}.js`,
      memory,
      env,
      logFile: join(logsDirectory(), `${name}.log`),
      echo: isDevelopment ? (line) => console.log(`${dim(`[${name}]`)} ${line}`) : null,
      tell,
      onStart: (pid) => lock.noteProcess(name, pid),
    });
    stack.onStop(() => program.stop());
    return program;
  };
  const programs = {};
  if (settings.sandbox) {
    const { port } = settings.sandbox;
    await step('Sandbox', async () => {
      env.SANDBOX_APP_URL ??= `http://localhost:${settings.port}`;
      programs.sandbox = start('sandbox', 'sandbox');
      await waitForAnswer(programs.sandbox, `http://127.0.0.1:${port}/sim/health`, READY_TIMEOUT_MS);
    });
  }
  await step('Web', async () => {
    programs.main = start('web', 'main', isDevelopment ? DEVELOPMENT_WEB : MEMORY.web);
    await waitForAnswer(programs.main, `http://127.0.0.1:${settings.port}/health/ready`, READY_TIMEOUT_MS);
  });
  await step('Worker', async () => {
    programs.worker = start('worker', 'worker');
    await waitThatItStays(programs.worker, 750);
  });
  return programs;
}

async function restartOnChange(stack, programs) {
  const end = await watchPrograms(
    (changed) => {
      for (const name of changed) {
        const program = programs[name];
        if (!program || stack.isStopping) continue;
        tell(`${program.name}: code changed, starting it again`);
        program.restart().catch((error) => reportFailure(program.name, error));
      }
    },
    (message) => tell(`not built, the last good build keeps running: ${message}`),
  );
  stack.onStop(end);
}

function printSummary(settings, databaseUrl) {
  const rows = settings.sandbox
    ? [
        ['Buy as a Telegram user', bold(`http://localhost:${settings.sandbox.port}`)],
        ['Web and API', settings.publicUrl],
        ['API key for scripts', settings.sandbox.apiKey],
      ]
    : [
        ['Web and API', bold(settings.publicUrl)],
        ['Bot', `https://t.me/${settings.telegram.botUsername}`],
      ];
  if (!process.env.DATABASE_URL) rows.push(['Database', databaseUrl]);
  rows.push(['Logs', shown(logsDirectory())]);
  const mode = settings.sandbox ? 'sandbox: a simulated Telegram, no real money' : 'live: real Telegram, real Stars';
  console.log(`\n  ${bold('Hoshi is running')} ${dim(`(${mode})`)}\n`);
  for (const [label, value] of rows) console.log(`  ${label.padEnd(24)} ${value}`);
  console.log(`\n  ${dim('Ctrl-C stops everything; your data stays.')}\n`);
}
