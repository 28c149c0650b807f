import { loadavg } from 'node:os';
import { join } from 'node:path';
import { withClient } from '../steps/postgres.mjs';
import { enterProject } from '../steps/project.mjs';
import { bold, dim, reportFailure } from '../steps/report.mjs';
import { checkAll } from './books.mjs';
import { ROWS, runCell } from './cells.mjs';
import { measureMemory } from './memory.mjs';
import { helpText, readOptions } from './options.mjs';
import { printPlans } from './plans.mjs';
import { printProfile, readProfile } from './profile.mjs';
import { startAll, startWire } from './programs.mjs';
import { measureSealing } from './sealing.mjs';
import { makeStack } from './stack.mjs';
import { printCell, printHeader, printVerdict } from './table.mjs';
import { measureWire } from './wire.mjs';

/** More than a quarter of a core taken by others: the figure says more about them. */
const QUIET_CORES = 0.25;

/** No second tries after this: the whole is to end within five minutes on a quiet machine. */
const REPEAT_UNTIL_MS = 150_000;

/** The whole of `npm run bench`. Ends the process: 1 when something failed or the books are not whole. */
export async function runBench(args) {
  enterProject();
  let stack;
  try {
    const options = readOptions(args);
    if (options.isHelp) return console.log(helpText());
    stack = makeStack('bench');
    const isWhole = await bench(stack, options);
    await stack.stop();
    process.exit(isWhole ? 0 : 1);
  } catch (error) {
    reportFailure('Bench', error);
    await stack?.stop();
    process.exit(1);
  }
}

async function bench(stack, options) {
  const tell = (line) => console.log(`  ${dim(line)}`);
  console.log(`\n${bold('Hoshi')} ${dim('bench')}\n`);
  if (options.isWire) {
    await measureWire(await startWire(stack, { tell }));
    return true;
  }
  const profiles = join(stack.directory, 'profiles');
  const all = await startAll(stack, {
    tell,
    nodeFlags: options.isProfile ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [],
    withComparators: !options.isProfile && !options.isMemory && !options.isSealing && options.rows === 0,
    withWorker: options.isMemory,
  });
  tell(
    `load average of the machine before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  return withClient(all.database.url, async (client) => {
    if (options.rows > 0)
      return printPlans(client, { rows: options.rows, databaseUrl: all.database.url, apiKey: all.values.apiKey });
    if (options.isSealing) return measureSealing(all, client, options);
    if (options.isMemory) return measureMemory(all, client, { minutes: options.minutes, connections: 16 });
    if (options.isProfile) return profile(all, client, options, profiles);
    const results = await measureCells(all, client, options);
    printVerdict(results);
    const faults = [...results.flatMap((result) => result.faults), ...(await checkAll(client))];
    console.log(faults.length === 0 ? '\n  Books: whole.' : `\n  Books are NOT whole:\n    ${faults.join('\n    ')}`);
    sayHowNoisy(results);
    if (options.only.length === 0) await measureWire(all);
    return faults.length === 0;
  });
}

/** One cell of settling, with the web process under the profiler. */
async function profile(all, client, options, directory) {
  const only = options.only.length > 0 ? options.only : ['settle'];
  const [result] = await measureCells(all, client, {
    ...options,
    only,
    programs: ['hoshi'],
    connections: [16],
    repeats: 0,
  });
  await all.web.stop();
  printProfile(readProfile(directory), result.cpuMs.web);
  return result.faults.length === 0;
}

async function measureCells(all, client, options) {
  const wanted = (list, value) => list.length === 0 || list.some((start) => value.startsWith(start));
  const rows = ROWS.filter(({ name, program }) => wanted(options.only, name) && wanted(options.programs, program));
  const results = [];
  const startedAt = performance.now();
  let cell = 1;
  printHeader();
  for (const row of rows) {
    for (const connections of options.connections) {
      let best = null;
      for (let attempt = 0; attempt <= options.repeats; attempt += 1) {
        const { seconds, warmUpSeconds } = options;
        const result = await runCell(all, client, row, { cell, connections, seconds, warmUpSeconds });
        // Each try has ids of its own, also the one after a quiet cell.
        cell += 1;
        if (best === null || result.faults.length > 0 || result.othersCores < best.othersCores) best = result;
        if (best.othersCores <= QUIET_CORES || result.faults.length > 0) break;
        if (performance.now() - startedAt > REPEAT_UNTIL_MS) break;
      }
      printCell(best);
      results.push(best);
    }
  }
  return results;
}

function sayHowNoisy(results) {
  const noisy = results.filter(({ othersCores }) => othersCores > QUIET_CORES);
  const list = noisy.map(({ connections, name, program }) => `${name}/${program}/${connections}`);
  console.log(
    noisy.length === 0
      ? '  Noise: no cell was disturbed by other programs (less than a quarter of a core each).\n'
      : `  Noise: ${noisy.length} of ${results.length} cells were disturbed by other programs (column "others", in cores): ${list.join(', ')}.\n`,
  );
}
