import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Linux counts processor time in hundredths of a second, whatever the kernel's own tick (man 5 proc). */
const TICKS_PER_SECOND = 100;

function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
    return {
      parent: Number(fields[1]),
      own: (utime + stime) / TICKS_PER_SECOND,
      ended: (cutime + cstime) / TICKS_PER_SECOND,
    };
  } catch {
    // It has ended; its parent's `ended` has its time.
    return null;
  }
}

/** Seconds of processor time a process has used, with all its children, living and ended. 0 where /proc is not. */
export function cpuSeconds(pid) {
  const processes = new Map();
  for (const name of entriesOf('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(name) : null;
    if (stat) processes.set(Number(name), stat);
  }
  const sum = (id) => {
    const stat = processes.get(id);
    if (!stat) return 0;
    let total = stat.own + stat.ended;
    for (const [child, { parent }] of processes) if (parent === id) total += sum(child);
    return total;
  };
  return sum(pid);
}

function entriesOf(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Busy seconds of all cores together since the machine started. */
export function machineSeconds() {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0);
}

/** Resident memory of a process in MB; null when it is not running or /proc is not there. */
export function residentMb(pid) {
  try {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line ? Number(line[1]) / 1024 : null;
  } catch {
    return null;
  }
}
