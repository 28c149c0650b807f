import { PROGRAMS, PROVIDER_MS } from './cells.mjs';

const COLUMNS = [
  ['what', -16],
  ['program', -20],
  ['conn.', 5],
  ['events/s', 9],
  ['p50 ms', 8],
  ['p99 ms', 8],
  ['CPU ms: process', 16],
  ['Postgres', 9],
  ['others', 7],
  ['books', -6],
];

export function printHeader() {
  console.log(`\n  ${COLUMNS.map(([title, width]) => pad(title, width)).join('  ')}`);
}

/** One line per cell as it is done. */
export function printCell(result) {
  const { cpuMs, latenciesMs } = result;
  const values = [
    result.name,
    PROGRAMS[result.program],
    String(result.connections),
    Math.round(result.perSecond).toLocaleString('en'),
    latenciesMs.p50.toFixed(2),
    latenciesMs.p99.toFixed(1),
    cpuMs.web.toFixed(3),
    cpuMs.database.toFixed(3),
    result.othersCores.toFixed(2),
    result.faults.length > 0 ? 'FAULT' : result.settles ? 'whole' : '',
  ];
  console.log(`  ${values.map((value, index) => pad(value, COLUMNS[index][1])).join('  ')}`);
  if (result.ownMs)
    console.log(
      `    without the provider's time: p50 ${result.ownMs.p50.toFixed(1)} ms, p99 ${result.ownMs.p99.toFixed(1)} ms; the simulator itself takes ${cpuMs.sandbox.toFixed(2)} ms of processor time per event`,
    );
  for (const fault of result.faults) console.log(`    ! ${fault}`);
}

function pad(text, width) {
  return width < 0 ? text.padEnd(-width) : text.padStart(width);
}

/** The goals (issue "How good") against the results. `own` is `create` without the provider: see provider-time.mjs. */
export function printVerdict(results) {
  const find = (name, program, connections) =>
    results.find((result) => result.name === name && result.program === program && result.connections === connections);
  const settle = find('settle', 'hoshi', 16);
  const goals = [
    ratio('settle at 16, of the bare program', settle, find('settle', 'bare', 16), 0.6),
    ratio('settle at 16, of the obvious stack', settle, find('settle', 'obvious', 16), 10),
    limit('pre-checkout at 16, p99', find('pre-checkout', 'hoshi', 16)?.latenciesMs.p99, 20),
    limit(
      "create at 16 without the provider's time, p99",
      find(`create, ${PROVIDER_MS} ms`, 'hoshi', 16)?.ownMs?.p99,
      10,
    ),
  ].filter(Boolean);
  if (goals.length > 0) console.log('\n  Goals');
  for (const { isMet, text } of goals) console.log(`  ${isMet ? '✓' : '✗'} ${text}`);
  printCosts(settle, find('settle', 'bare', 16), find('settle', 'obvious', 16));
  return goals.every(({ isMet }) => isMet);
}

/** Processor time says more than events per second while others use the machine: it is nearly the same beside them. */
function printCosts(ours, ...others) {
  for (const theirs of others) {
    if (!ours || !theirs) continue;
    const cost = ({ cpuMs }) => cpuMs.web + cpuMs.database;
    const times = cost(theirs) / cost(ours);
    const costs = `${cost(theirs).toFixed(2)} ms of processor time per event, Hoshi ${cost(ours).toFixed(2)} ms: ${times.toFixed(2)} ×`;
    console.log(`    ${PROGRAMS[theirs.program]}: ${costs}`);
  }
}

function ratio(name, ours, theirs, goal) {
  if (!ours || !theirs) return null;
  const value = ours.perSecond / theirs.perSecond;
  return { isMet: value >= goal, text: `${name}: ${value.toFixed(2)} × (goal ≥ ${goal})` };
}

function limit(name, ms, goal) {
  if (ms === undefined) return null;
  return { isMet: ms < goal, text: `${name}: ${ms.toFixed(1)} ms (goal < ${goal})` };
}
