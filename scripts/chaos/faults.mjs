import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Kills at random points until `stop`; each victim is started again at once. A web process is spared while the other one
 * is still starting, except one time in five: what both do at once has to be tried, but not all the time.
 */
export function startFaults({ random, programs, database, isReady, say }) {
  const kills = { web: 0, worker: 0, postgres: 0 };
  let isOn = true;
  const kill = async (kind, victim) => {
    await victim.kill();
    victim.start();
    kills[kind] += 1;
    say(`SIGKILL ${victim.name}`);
  };
  const killWeb = async () => {
    const [victim, other] = random.isOneIn(2) ? programs.webs : [...programs.webs].reverse();
    if ((await isReady(other)) || random.isOneIn(5)) await kill('web', victim);
    else await kill('worker', random.pick(programs.workers));
  };
  const killPostgres = async () => {
    // Both are a crash to Postgres: SIGQUIT is what `pg_ctl stop -m immediate` sends; SIGKILL of all is a lost machine.
    const signal = random.isOneIn(2) ? 'SIGQUIT' : 'SIGKILL';
    const children = childrenOf(database.pid);
    process.kill(database.pid, signal);
    if (signal === 'SIGKILL') for (const pid of children) tryKill(pid);
    await database.revive();
    kills.postgres += 1;
    say(`${signal} postgres`);
  };
  const faults = [killWeb, killWeb, () => kill('worker', random.pick(programs.workers)), killPostgres];
  const work = (async () => {
    while (isOn) {
      await sleep(random.between(800, 2_000));
      if (isOn) await random.pick(faults)();
    }
  })();
  return {
    kills,
    stop: async () => {
      isOn = false;
      await work;
    },
  };
}

/** A machine that dies takes all of Postgres with it: its children are ours by their parent's id. */
function childrenOf(parent) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function tryKill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
