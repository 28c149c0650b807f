import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which kind of work a frame is, by where its code lies. The first match counts. */
const FAMILIES = [
  ['idle', ({ functionName }) => functionName === '(idle)'],
  ['garbage collection', ({ functionName }) => functionName === '(garbage collector)'],
  ['native code (sockets, system calls)', ({ functionName }) => functionName === '(program)'],
  [
    'pg: driver',
    ({ url }) => /node_modules\/(pg|pg-protocol|pg-pool|pg-types|postgres-array|postgres-date)\//.test(url),
  ],
  ['Prisma', ({ url }) => /node_modules\/@prisma\//.test(url) || url.includes('generated/prisma')],
  ['zod: checking input', ({ url }) => url.includes('node_modules/zod/')],
  ['pino: logging', ({ url }) => /node_modules\/(pino|sonic-boom|fast-redact|@pinojs|quick-format)/.test(url)],
  ['prom-client: metrics', ({ url }) => url.includes('node_modules/prom-client')],
  ['Hono', ({ url }) => /node_modules\/(@hono|hono)\//.test(url)],
  ['Next', ({ url }) => url.includes('node_modules/next/')],
  ['node: crypto', ({ url }) => /^node:(internal\/)?crypto/.test(url)],
  ['node: http', ({ url }) => /^node:(_http|internal\/http|http)/.test(url)],
  ['node: fetch', ({ url }) => url.startsWith('node:internal/deps/undici')],
  ['node: streams, sockets, timers', ({ url }) => url.startsWith('node:')],
  ['Hoshi', ({ url }) => url.includes('/dist/')],
];

/** Reads the newest --cpu-prof file of a folder and returns shares of the busy time, by family and by function. */
export function readProfile(directory) {
  const [file] = readdirSync(directory)
    .filter((name) => name.endsWith('.cpuprofile'))
    .sort()
    .reverse();
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const frames = new Map(nodes.map(({ callFrame, id }) => [id, callFrame]));
  const families = new Map();
  const functions = new Map();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    const family = FAMILIES.find(([, isOf]) => isOf(frame))?.[0] ?? 'built-ins (JSON, strings, regular expressions)';
    if (family === 'idle') continue;
    busy += timeDeltas[index];
    add(families, family, timeDeltas[index]);
    add(functions, `${frame.functionName || '(anonymous)'} ${shortUrl(frame)}`, timeDeltas[index]);
  }
  const shares = (map) => [...map].sort((a, b) => b[1] - a[1]).map(([name, time]) => ({ name, share: time / busy }));
  return { families: shares(families), functions: shares(functions) };
}

function add(map, key, value) {
  map.set(key, (map.get(key) ?? 0) + value);
}

function shortUrl({ lineNumber, url }) {
  const short = url.replace(/^.*\/node_modules\//, '').replace(/^.*\/dist\//, 'dist/');
  return short === '' ? '' : `${short}:${lineNumber + 1}`;
}

/** Prints where the processor time of the web process goes; `cpuMs` is what one event costs. */
export function printProfile({ families, functions }, cpuMs) {
  console.log('\n  Where the web process spends its time (share of busy time, ms per event)');
  for (const { name, share } of families) {
    if (share >= 0.005)
      console.log(`  ${(share * 100).toFixed(1).padStart(6)} %  ${(share * cpuMs).toFixed(3)}  ${name}`);
  }
  console.log('\n  Dearest functions');
  for (const { name, share } of functions.slice(0, 30))
    console.log(`  ${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
}
