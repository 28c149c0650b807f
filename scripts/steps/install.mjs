import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { endProcess, identityOf } from './processes.mjs';
import { StepError } from './report.mjs';

/** Set for every command we run: nothing phones home, nothing is fetched from outside the npm registry. */
export const QUIET_ENVIRONMENT = {
  NEXT_TELEMETRY_DISABLED: '1',
  CHECKPOINT_DISABLE: '1',
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  // `prisma generate` insists on an engine it never runs; any executable satisfies it and stops the download.
  PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
};

const MARKER = 'node_modules/.hoshi-installed';

/**
 * Makes node_modules match package-lock.json: nothing when it does, `npm ci` when it is missing, half made or of another
 * lock, Node or machine. The marker is written last, so an install that was cut off is noticed.
 *
 * @param options.onStart called with npm's process id: one that outlives its starter must be ended before the next begins
 * @returns `{ note }` for the report
 */
export async function installPackages({ logFile, onStart }) {
  const wanted = fingerprint();
  if (readIfThere(MARKER) === wanted) return { note: 'already there' };
  if (matchesLock()) {
    writeFileSync(MARKER, wanted);
    return { note: 'already there' };
  }
  await runNpmCi(logFile, onStart);
  writeFileSync(MARKER, wanted);
  return { note: 'npm ci' };
}

/** Hash of what node_modules depends on. */
function fingerprint() {
  return createHash('sha256')
    .update(readFileSync('package-lock.json'))
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest('hex');
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

/** Somebody ran `npm ci` or `npm install` by hand: npm writes its own list last, too, and it must say the same as the lock. */
function matchesLock() {
  const installed = readIfThere('node_modules/.package-lock.json');
  if (installed === null) return false;
  const { packages: present } = JSON.parse(installed);
  const { packages: wanted } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    if (present[path] === undefined) return entry.optional === true;
    return present[path].version === entry.version && existsSync(join(path, 'package.json'));
  });
}

async function runNpmCi(logFile, onStart) {
  // npm tells its children where it is; without it (`node scripts/start.mjs`) the one on the PATH is used.
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? { command: process.execPath, first: [process.env.npm_execpath] }
    : { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', first: [] };
  const flags = [
    'ci',
    '--include=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=error',
  ];
  // npm stumbles over what an interrupted run left half removed; this does not.
  rmSync('node_modules', { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  const { code, output } = await runLogged(npm.command, [...npm.first, ...flags], { logFile, onStart });
  if (code === 0) return;
  throw new StepError(
    `npm ci failed:\n      ${lastLines(output, 12)}`,
    'Check that the npm registry can be reached (npm ping; behind a proxy: npm config set proxy …) and that the disk has 2 GB free, then run the command again.',
  );
}

const running = new Set();
/** npm needs a moment to put back what it was replacing. */
const STOP_SIGNALS = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
];

/** Ends the commands that `runLogged` is still waiting for. */
export async function endRunningCommands() {
  await Promise.all([...running].map((command) => endProcess(command, STOP_SIGNALS)));
}

/**
 * Runs a command with its output in a file.
 *
 * @param options.onStart called with its process id
 * @returns its exit code and everything it printed
 */
export async function runLogged(command, args, { logFile, env = {}, onStart }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const child = spawn(command, args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...QUIET_ENVIRONMENT, ...env },
    shell: command.endsWith('.cmd'),
  });
  closeSync(log);
  const noted = { pid: child.pid, identity: identityOf(child.pid) };
  running.add(noted);
  onStart?.(child.pid);
  const code = await new Promise((done, failed) => {
    child.once('error', (error) =>
      failed(new StepError(`${command} cannot be run (${error.message})`, `Check that ${command} is installed.`)),
    );
    child.once('exit', (exitCode, signal) => done(exitCode ?? signal));
  }).finally(() => running.delete(noted));
  return { code, output: readFileSync(logFile, 'utf8') };
}

/** The end of a text, indented for the report. */
export function lastLines(text, count) {
  return text.trim().split('\n').slice(-count).join('\n      ');
}
