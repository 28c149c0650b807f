import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines } from './install.mjs';
import { endProcess, identityOf } from './processes.mjs';
import { StepError } from './report.mjs';

/**
 * Limits of the JavaScript heaps: everything together, with Postgres' 200 MB, stays below 1.2 GB. A small young generation
 * saves the worker 40 MB and costs it nothing; the web process needs the usual one for its speed.
 */
export const MEMORY = {
  web: { heapMb: 220 },
  worker: { heapMb: 120, youngMb: 4 },
  sandbox: { heapMb: 160, youngMb: 4 },
};

const BACK_OFF_MS = [500, 1_000, 2_000, 5_000, 10_000, 30_000];
/** One that ran this long was not caught in a loop: the next crash is its first. */
const STEADY_MS = 60_000;
const STOP_SIGNALS = [
  { signal: 'SIGTERM', waitMs: 12_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];
const LOG_LIMIT_BYTES = 5_000_000;

/**
 * Starts a program of dist as a process of its own and keeps it running: once `keepRunning` was called, one that ends by
 * itself is started again after a growing pause, and that is told.
 *
 * @param options.memory limits of its JavaScript heap, `{ heapMb, youngMb? }`
 * @param options.logFile receives what it prints
 * @param options.echo in development: also receives it, line by line
 * @param options.onStart called with the process id at every start
 */
export function superviseProgram({ name, file, memory, env, logFile, echo, tell, onStart }) {
  let current = null;
  let isWanted = true;
  let isKept = false;
  let failures = 0;
  let lastOutputAt = 0;

  const start = () => {
    rotate(logFile);
    lastOutputAt = existsSync(logFile) ? statSync(logFile).size : 0;
    current = launch({ file, memory, env, logFile, echo });
    onStart(current.pid);
    const started = current;
    void started.exited.then((end) => onExit(started, end));
  };

  const onExit = async (ended, { code, signal }) => {
    if (ended !== current) return;
    current = null;
    if (!isWanted || !isKept) return;
    failures = Date.now() - ended.startedAt > STEADY_MS ? 0 : failures;
    const pauseMs = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)];
    failures += 1;
    tell(
      `${name} ended (${signal ?? `exit code ${code}`}), starting it again in ${pauseMs / 1000} s; its log is ${logFile}`,
    );
    await sleep(pauseMs);
    if (isWanted && current === null) start();
  };

  const stop = async () => {
    isWanted = false;
    await end();
  };

  const end = async () => {
    const running = current;
    if (running === null) return;
    await endProcess(running, STOP_SIGNALS);
    await running.exited;
  };

  start();
  return {
    name,
    /** From now on a crash leads to a new start instead of failing the step that waits. */
    keepRunning: () => {
      isKept = true;
    },
    /** Ends it and starts it anew, as after a change of its code. */
    restart: async () => {
      const before = current;
      current = null;
      if (before !== null) {
        await endProcess(before, STOP_SIGNALS);
        await before.exited;
      }
      if (isWanted) start();
    },
    stop,
    /** The id of the running process, or null between two. */
    pid: () => current?.pid ?? null,
    hasEnded: () => current === null,
    /** What it printed since it was last started. */
    output: () => (existsSync(logFile) ? readFileSync(logFile).subarray(lastOutputAt).toString('utf8') : ''),
  };
}

/**
 * Waits until an address answers 200.
 *
 * @throws StepError when the program ends or does not answer in time, with its last words
 */
export async function waitForAnswer(program, url, timeoutMs) {
  let last = 'no answer';
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(100)) {
    if (program.hasEnded()) throw failure(program, 'ended at once');
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      const body = await response.text();
      if (response.ok) return;
      last = `${response.status} ${body.slice(0, 300)}`;
    } catch (error) {
      last = String(error.cause?.message ?? error.message);
    }
  }
  throw failure(program, `did not become ready at ${url} within ${timeoutMs / 1000} s (${last})`);
}

/** Waits for a program without a port: it must still run after `ms`. */
export async function waitThatItStays(program, ms) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) {
    if (program.hasEnded()) throw failure(program, 'ended at once');
  }
}

function failure(program, what) {
  const words = lastLines(program.output(), 15);
  return new StepError(
    `${program.name} ${what}. Its last words:\n      ${words || '(none)'}`,
    'Its log is in the logs folder.',
  );
}

function launch({ file, memory, env, logFile, echo }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const preload = new URL('./with-starter.mjs', import.meta.url).href;
  // A session of its own: Ctrl-C reaches the starter alone, which then stops everything in order.
  const child = spawn(process.execPath, [...memoryFlags(memory), '--enable-source-maps', '--import', preload, file], {
    env,
    detached: true,
    stdio: ['ignore', echo ? 'pipe' : log, echo ? 'pipe' : log, 'ipc'],
  });
  if (echo) tee([child.stdout, child.stderr], logFile, echo);
  closeSync(log);
  const exited = new Promise((done) => {
    child.once('error', (error) => done({ code: error.message, signal: null }));
    child.once('exit', (code, signal) => done({ code, signal }));
  });
  return { pid: child.pid, identity: identityOf(child.pid), startedAt: Date.now(), exited };
}

function memoryFlags({ heapMb, youngMb }) {
  const flags = [`--max-old-space-size=${heapMb}`];
  return youngMb === undefined ? flags : [...flags, `--max-semi-space-size=${youngMb}`];
}

function tee(streams, logFile, echo) {
  for (const stream of streams) {
    stream.setEncoding('utf8');
    let rest = '';
    stream.on('data', (chunk) => {
      appendFileSync(logFile, chunk);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) echo(line);
    });
  }
}

function rotate(logFile) {
  if (existsSync(logFile) && statSync(logFile).size > LOG_LIMIT_BYTES) renameSync(logFile, `${logFile}.1`);
}
