import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, identityOf } from './processes.mjs';
import { StepError } from './report.mjs';

/**
 * One Hoshi per state folder. The lock also names the processes that were started, so that the next start can end what a
 * killed one (kill -9, power) left running.
 *
 * @returns `note(key, value)` to add to the file, and `release()`
 */
export async function takeLock(stateDirectory, tell) {
  mkdirSync(stateDirectory, { recursive: true });
  const file = join(stateDirectory, 'lock');
  const content = { pid: process.pid, identity: identityOf(process.pid), url: null, processes: {} };
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(content, null, 2), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    await removeStale(file, tell);
  }
  const save = () => {
    // Renamed into place: a reader never sees half a file.
    writeFileSync(`${file}.new`, JSON.stringify(content, null, 2));
    renameSync(`${file}.new`, file);
  };
  return {
    noteUrl: (url) => {
      content.url = url;
      save();
    },
    noteProcess: (name, pid) => {
      content.processes[name] = { pid, identity: identityOf(pid) };
      save();
    },
    release: () => rmSync(file, { force: true }),
  };
}

async function removeStale(file, tell) {
  const holder = readLock(file);
  if (holder?.identity && identityOf(holder.pid) === holder.identity) {
    throw new StepError(
      `Hoshi already runs here (process ${holder.pid})${holder.url ? ` at ${holder.url}` : ', and is still starting'}`,
      `Stop it with Ctrl-C in its terminal or with: kill ${holder.pid}`,
    );
  }
  tell('the last run was not stopped in order; putting things right');
  for (const [name, left] of Object.entries(holder?.processes ?? {})) {
    if (left.identity === null || identityOf(left.pid) !== left.identity) continue;
    tell(`stopping the ${name} it left running (process ${left.pid})`);
    await endProcess(left, [
      { signal: 'SIGTERM', waitMs: 5_000 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ]);
  }
  // Of two starters that get here at once, one moves the file and the other finds it gone; then both try to create it.
  try {
    const aside = `${file}.${process.pid}`;
    renameSync(file, aside);
    rmSync(aside);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Gone meanwhile, or cut off by a full disk: there is nobody to ask.
    return null;
  }
}
