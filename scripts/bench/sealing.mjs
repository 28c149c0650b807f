import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCell } from './cells.mjs';
import { makeRequests, telegramId, toProviderRequest, userId } from './requests.mjs';
import { seedKeyedOrders, seedOrders, settleDown } from './seed.mjs';
import { importSources } from './sources.mjs';

const BURST = 1_000;
const DELIVERIES = 200;
/** A worker that has just started does first what is due of everything. */
const FIRST_DELIVERIES = 20;
const PATIENCE_OF_FIRST_MS = 60_000;
const PATIENCE_MS = 10_000;
/** The process looks at its loop this often, and counts from one look to the next (prom-client, eventLoopLag). */
const LOOP_CLOCK_MS = 10;
const GOALS_MS = { sealing: 3, delivery: 50 };

const settling = { program: 'hoshi', kind: 'settle', path: '/webhooks/telegram', settles: 'telegram-stars' };
/** The same payment of a person without a key, whose record waits, and of one with an OpenPGP key. */
const KINDS = [
  { ...settling, name: 'no key yet', prepare: seedOrders, perSecond: 6_000 },
  { ...settling, name: 'OpenPGP', prepare: seedKeyedOrders, perSecond: 1_500 },
];

/**
 * What sealing and delivering a record costs, in one run: of a settlement with an OpenPGP record beside one whose record waits
 * under the data key, and what that sealing takes by itself; the delay of the event loop in a burst; and the time from the commit
 * to Telegram's answer.
 */
export async function measureSealing(all, client, { seconds, warmUpSeconds }) {
  const results = [];
  let cell = 1;
  // The first is not counted: the process is cold.
  for (const connections of [16, 1, 16]) {
    for (const kind of KINDS) {
      const result = await runCell(all, client, kind, { cell, connections, seconds, warmUpSeconds });
      if (cell > KINDS.length) results.push(result);
      cell += 1;
    }
  }
  printCosts(results, await timeWaitingSeal());
  const bursts = [];
  for (const kind of KINDS) {
    bursts.push(await burst(all, client, kind, cell));
    cell += 1;
  }
  printBursts(bursts);
  // What the payments before have queued is for chats that nobody has.
  await client.query("UPDATE job SET done_at = now(), outcome = 'done' WHERE done_at IS NULL");
  await all.startWorker();
  const delivery = await measureDelivery(all, client, cell);
  const isFast = delivery.p50 < GOALS_MS.delivery;
  console.log(
    `\n  ${mark(isFast)} delivered, from the commit of the payment to Telegram's answer: p50 ${ms(delivery.p50)}, p99 ${ms(delivery.p99)} of ${DELIVERIES} (goal p50 < ${GOALS_MS.delivery} ms)\n`,
  );
  const faults = [...results, ...bursts].flatMap((result) => result.faults);
  for (const fault of faults) console.log(`    ! ${fault}`);
  return faults.length === 0;
}

const ms = (value) => `${value.toFixed(2)} ms`;
const mark = (isMet) => (isMet ? '✓' : '✗');

function printCosts(results, waitingMs) {
  console.log('\n  settle            conn.   events/s    p50 ms    p99 ms    CPU ms: process   Postgres');
  for (const { connections, cpuMs, latenciesMs, name, perSecond } of results) {
    const figures = [perSecond.toFixed(0).padStart(9), latenciesMs.p50.toFixed(2).padStart(8)];
    figures.push(latenciesMs.p99.toFixed(1).padStart(8), cpuMs.web.toFixed(3).padStart(17), cpuMs.database.toFixed(3));
    console.log(`  ${name.padEnd(16)}  ${String(connections).padStart(5)}  ${figures.join('  ')}`);
  }
  // At one connection waiting is the work itself; at sixteen it is mostly the queue of the others.
  const [waiting, sealed] = results.filter(({ connections }) => connections === 1);
  const added = sealed.latenciesMs.p50 - waiting.latenciesMs.p50 + waitingMs;
  console.log(
    `  ${mark(added < GOALS_MS.sealing)} sealing adds to settle: p50 ${ms(added)} (goal < ${GOALS_MS.sealing} ms); under the data key alone ${waitingMs.toFixed(3)} ms; OpenPGP costs ${ms(sealed.cpuMs.web - waiting.cpuMs.web)} more of processor time`,
  );
}

/** The middle of many: a record of usual length under a data key, in this process. */
async function timeWaitingSeal() {
  const { sealBytes } = await importSources('seal', "export { sealBytes } from '#lib/crypto.ts';");
  const key = randomBytes(32);
  const text = Buffer.alloc(900, 'a');
  const took = Array.from({ length: 5_000 }, () => {
    const from = performance.now();
    sealBytes(key, text);
    return performance.now() - from;
  });
  return took.sort((one, two) => one - two)[took.length / 2];
}

/** A thousand payments as fast as 64 connections bring them, and what the event loop of the process says of it. */
async function burst(all, client, kind, cell) {
  await readLoopDelay(all);
  const row = { ...kind, perSecond: BURST };
  const result = await runCell(all, client, row, { cell, connections: 64, seconds: 1, warmUpSeconds: 0.001 });
  return { ...result, loop: await readLoopDelay(all) };
}

function printBursts(bursts) {
  console.log(`\n  ${BURST} payments at once, 64 connections: delay of the event loop`);
  for (const { faults, latenciesMs, loop, name } of bursts)
    console.log(
      `  ${name.padEnd(16)}  p50 ${ms(loop.p50)}  p99 ${ms(loop.p99)}  longest ${ms(loop.max)}; answers p99 ${ms(latenciesMs.p99)}${faults.length > 0 ? ' FAULT' : ''}`,
    );
}

/** Since it was last read: the process begins anew with each reading. */
async function readLoopDelay({ ports, values }) {
  const response = await fetch(`http://127.0.0.1:${ports.web}/metrics`, {
    headers: { authorization: `Bearer ${values.metricsToken}` },
  });
  const text = await response.text();
  const of = (name) =>
    Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)`, 'm').exec(text)?.[1]) * 1_000 - LOOP_CLOCK_MS;
  return { p50: of('p50'), p99: of('p99'), max: of('max') };
}

/** Payments one after the other, each once the record of the one before has arrived in its chat. */
async function measureDelivery(all, client, cell) {
  const count = FIRST_DELIVERIES + DELIVERIES;
  await seedKeyedOrders(client, { cell, count });
  await settleDown(client);
  for (let n = 0; n < count; n += 1) await startChat(all, telegramId(cell, n));
  const next = makeRequests({ kind: 'settle', cell, count, path: '', values: all.values });
  const took = [];
  for (let n = 0; n < count; n += 1) {
    await send(all, toProviderRequest(next()));
    const isFirst = n < FIRST_DELIVERIES;
    const ms = await untilDelivered(client, userId(cell, n), isFirst ? PATIENCE_OF_FIRST_MS : PATIENCE_MS);
    if (!isFirst) took.push(ms);
  }
  took.sort((one, two) => one - two);
  return { p50: took[Math.floor(took.length * 0.5)], p99: took[Math.floor(took.length * 0.99)] };
}

async function startChat({ ports }, id) {
  const person = { id, first_name: 'Aiko', language_code: 'ja', balance: 0, has_started_bot: true };
  const response = await fetch(`http://127.0.0.1:${ports.sandbox}/sim/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(person),
  });
  if (!response.ok) throw new Error(`the simulator refused a person with ${response.status}`);
}

async function send({ ports, values }, { body }) {
  const response = await fetch(`http://127.0.0.1:${ports.web}/webhooks/telegram`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': values.webhookSecret },
    body,
  });
  if (!response.ok) throw new Error(`a payment was refused with ${response.status}`);
}

/** Milliseconds between the two marks of the record itself. */
async function untilDelivered(client, owner, patienceMs) {
  for (const end = performance.now() + patienceMs; performance.now() < end; await sleep(2)) {
    const { rows } = await client.query(
      `SELECT extract(epoch FROM r.delivered_at - r.sealed_at)::float8 * 1000 AS took FROM billing_record r
       WHERE r.user_id = $1 AND r.status = 'delivered' AND r.type <> 'revenue_share'`,
      [owner],
    );
    if (rows.length > 0) return rows[0].took;
  }
  throw new Error(`a record was not delivered within ${patienceMs} ms`);
}
