import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What tells two processes with the same id apart: the moment it was started. Null when there is no such process.
 * Ids are used again soon in containers, so an id alone must never be killed.
 */
export function identityOf(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  if (process.platform === 'linux') return linuxIdentity(pid);
  if (process.platform === 'win32') return canSignal(pid) ? String(pid) : null;
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? null : `${pid} ${started}`;
  } catch {
    // `ps` exits with 1 when there is no such process.
    return null;
  }
}

function linuxIdentity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; state is the first field after it, the start time the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : `${pid} ${fields[19]}`;
  } catch {
    return null;
  }
}

function canSignal(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Ends the process that was noted as `{ pid, identity }`: each signal in turn, with its time to take effect. One that has
 * ended, or whose id another process has by now, is left alone.
 */
export async function endProcess({ pid, identity }, signals) {
  for (const { signal, waitMs } of signals) {
    if (identityOf(pid) !== identity) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
      return;
    }
    for (const end = Date.now() + waitMs; Date.now() < end; await sleep(25)) {
      if (identityOf(pid) !== identity) return;
    }
  }
}
