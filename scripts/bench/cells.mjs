import { fork } from 'node:child_process';
import { join } from 'node:path';
import { checkCell, countProcessed } from './books.mjs';
import { cpuSeconds, machineSeconds } from './measure.mjs';
import { watchOwnTime } from './own-time.mjs';
import { prepareKnown, preparePaid } from './paid.mjs';
import { makeRequests, toProviderRequest } from './requests.mjs';
import {
  seedClickHolds,
  seedOrders,
  seedPaymeHolds,
  seedRights,
  seedUsers,
  seedUzsOrders,
  settleDown,
} from './seed.mjs';

/** How long a call to Telegram takes in the cells that say so. */
export const PROVIDER_MS = 100;

const LOAD = join(import.meta.dirname, 'load.mjs');

/**
 * What is measured: a row of the table per program. `perSecond` bounds how many prepared rows a cell can use up, `rows` are
 * used over and over. `settles` names the provider whose charges are in the books afterwards; `asks` says that a provider is
 * called meanwhile, whose time is not ours.
 */
export const ROWS = [
  {
    name: 'settle',
    program: 'hoshi',
    kind: 'settle',
    path: '/webhooks/telegram',
    perSecond: 9_000,
    prepare: seedOrders,
    settles: 'telegram-stars',
  },
  {
    name: 'settle',
    program: 'bare',
    kind: 'settle',
    path: '/',
    perSecond: 12_000,
    prepare: seedOrders,
    settles: 'telegram-stars',
  },
  {
    name: 'settle',
    program: 'obvious',
    kind: 'settle',
    path: '/settle',
    perSecond: 800,
    prepare: seedOrders,
    settles: 'telegram-stars',
  },
  { name: 'empty route', program: 'next', kind: 'empty', path: '/empty', rows: 0, prepare: null },
  {
    name: 'pre-checkout',
    program: 'hoshi',
    kind: 'inquiry',
    path: '/webhooks/telegram',
    rows: 20_000,
    prepare: seedOrders,
  },
  {
    name: 'create',
    program: 'hoshi',
    kind: 'create',
    path: '/api/v1/payments/create',
    perSecond: 2_000,
    prepare: seedUsers,
    asks: true,
  },
  {
    // A provider that answers at once keeps us busy with nothing else: this is how long an order takes in service.
    name: `create, ${PROVIDER_MS} ms`,
    program: 'hoshi',
    kind: 'create',
    path: '/api/v1/payments/create',
    perSecond: 500,
    prepare: seedUsers,
    asks: true,
    providerDelayMs: PROVIDER_MS,
  },
  ...[
    ['payme create', 'paymeCreate', '/webhooks/payme', seedUzsOrders],
    ['payme perform', 'paymePerform', '/webhooks/payme', seedPaymeHolds],
    ['click prepare', 'clickPrepare', '/webhooks/click', seedUzsOrders],
    ['click complete', 'clickComplete', '/webhooks/click', seedClickHolds],
  ].map(([name, kind, path, prepare]) => ({ name, program: 'hoshi', kind, path, perSecond: 4_000, prepare })),
  // Each webhook makes us ask its provider what is true: the simulator answers on the same two cores.
  ...[
    ['stripe paid', 'stripe', 'stripe'],
    ['crypto-pay paid', 'cryptoPay', 'crypto-pay'],
    ['btcpay settled', 'btcpay', 'btcpay'],
  ].map(([name, kind, provider]) => ({
    name,
    program: 'hoshi',
    kind,
    path: `/webhooks/${provider}`,
    perSecond: 350,
    prepare: preparePaid(provider),
    settles: provider,
    asks: true,
  })),
  {
    name: 'stripe repeat',
    program: 'hoshi',
    kind: 'stripe',
    path: '/webhooks/stripe',
    rows: 100,
    prepare: prepareKnown('stripe', sendToHoshi),
    settles: 'stripe',
  },
  {
    name: 'entitlement',
    program: 'hoshi',
    kind: 'entitlement',
    path: '/api/v1/entitlements',
    rows: 20_000,
    prepare: seedRights,
  },
];

/** How each program is called in the table. */
export const PROGRAMS = {
  hoshi: 'Hoshi',
  bare: 'bare node:http + pg',
  obvious: 'Next route + Prisma',
  next: 'Next route, empty',
};

/** Prepares the rows of a cell, runs the load, and checks the books of what was acknowledged. */
export async function runCell(all, client, row, { cell, connections, seconds, warmUpSeconds }) {
  const count = row.rows ?? Math.ceil(row.perSecond * (seconds + warmUpSeconds) * (connections === 1 ? 0.5 : 1));
  const processed = row.settles ? await countProcessed(client, row.settles) : 0;
  let bodies;
  if (row.prepare) {
    bodies = await row.prepare(client, { cell, count, all });
    await settleDown(client);
  }
  const { port, process: server } = placeOf(all, row.program);
  const { kind, path } = row;
  const isEndless = row.rows !== undefined;
  const requests = { kind, cell, count, path, isEndless, bodies, values: secretsOf(all) };
  const usage = watch([server.pid, all.database.pid, all.sandbox.pid]);
  const own = row.asks ? watchOwnTime(all) : null;
  await setProviderDelay(all, row.providerDelayMs);
  const result = await drive({ port, connections, warmUpSeconds, seconds, requests }, usage, own);
  await setProviderDelay(all, undefined);
  const ownMs = own && (await own.between());
  const [web, database, sandbox] = usage.used;
  const { acknowledged, elapsedMs, events, firstRefusal, latenciesMs, refused } = result;
  const expected = isEndless ? count : acknowledged;
  const faults = row.settles ? await checkCell(client, { cell, provider: row.settles, expected, processed }) : [];
  if (refused > 0) faults.push(`${refused} refused, the first with ${firstRefusal}`);
  if (events === 0)
    throw new Error(
      `${row.name} of ${row.program}: nothing was answered in the measured time; ${firstRefusal ?? 'no refusal'}`,
    );
  const perEvent = (cpu) => (cpu * 1000) / events;
  return {
    ...row,
    connections,
    perSecond: (events * 1000) / elapsedMs,
    latenciesMs,
    elapsedMs,
    ownMs,
    cpuMs: { web: perEvent(web), database: perEvent(database), sandbox: perEvent(sandbox) },
    othersCores: usage.othersCores,
    faults,
  };
}

/** What requests are signed with; the adapters stay here, since the load is another process. */
function secretsOf({ values: { providers: _, ...secrets } }) {
  return secrets;
}

/** One webhook of Stripe, outside of any measurement. */
async function sendToHoshi(all, body) {
  const next = makeRequests({ kind: 'stripe', path: '', count: 1, bodies: [body], values: secretsOf(all) });
  const { headers, body: bytes } = toProviderRequest(next());
  const response = await fetch(`http://127.0.0.1:${all.ports.web}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': headers['content-type'], 'stripe-signature': headers['stripe-signature'] },
    body: bytes,
  });
  if (!response.ok) throw new Error(`a webhook was refused with ${response.status}`);
}

/** Every call to the simulator takes this long from now on; undefined: no longer than it needs. */
async function setProviderDelay({ ports }, delayMs) {
  const response = await fetch(`http://127.0.0.1:${ports.sandbox}/sim/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_delay_ms: delayMs }),
  });
  if (!response.ok) throw new Error(`the simulator refused its faults with ${response.status}`);
}

function placeOf(all, program) {
  if (program === 'bare') return { port: all.ports.bare, process: all.bare };
  if (program === 'obvious' || program === 'next') return { port: all.ports.next, process: all.next };
  return { port: all.ports.web, process: all.web };
}

/** Processor time between `start` and `stop`: of some processes, and of everything on this machine that is not ours. */
function watch(pids) {
  const read = (load) => ({
    at: performance.now(),
    machine: machineSeconds(),
    each: [...pids, load.pid, process.pid].map(cpuOf),
  });
  const usage = { used: pids.map(() => Number.NaN), othersCores: Number.NaN, start: null, stop: null };
  let before;
  usage.start = (load) => {
    before = read(load);
  };
  usage.stop = (load) => {
    const after = read(load);
    const used = after.each.map((seconds, index) => seconds - before.each[index]);
    const ours = used.reduce((sum, seconds) => sum + seconds, 0);
    usage.used = used.slice(0, pids.length);
    usage.othersCores = Math.max(0, (after.machine - before.machine - ours) / ((after.at - before.at) / 1000));
  };
  return usage;
}

/** Our own children are counted by themselves. */
function cpuOf(pid) {
  if (pid !== process.pid) return cpuSeconds(pid);
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Runs the load process. */
export function drive(task, ...watches) {
  return new Promise((resolve, reject) => {
    const load = fork(LOAD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    load.on('message', (message) => {
      for (const watched of watches) {
        if (message.phase === 'measuring') watched?.start(load);
        if (message.phase === 'measured') watched?.stop(load);
      }
      if (message.phase === 'done') resolve(message);
      if (message.phase === 'failed') reject(new Error(message.message));
    });
    load.once('error', reject);
    load.once('exit', (code) => reject(new Error(`the load ended with ${code}`)));
    load.send(task);
  });
}
