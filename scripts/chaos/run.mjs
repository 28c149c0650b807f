import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  build,
  environmentFor,
  freePort,
  makeStack,
  runToEnd,
  sandboxValues,
  startDatabase,
  startOurs,
  waitUntilReady,
} from '../bench/stack.mjs';
import { withClient } from '../steps/postgres.mjs';
import { enterProject } from '../steps/project.mjs';
import { bold, dim, reportFailure } from '../steps/report.mjs';
import { startBalancer } from './balancer.mjs';
import { makeSimulator, startBuyers } from './buyers.mjs';
import { startFaults } from './faults.mjs';
import { makeRandom } from './random.mjs';
import { finishAll, judge, readWitness } from './verdict.mjs';

const DRAIN_LIMIT_MS = 180_000;

/** The whole of `npm run chaos`. Ends the process: 1 when something is missing, doubled or crooked. */
export async function runChaos(args) {
  enterProject();
  let stack;
  try {
    const options = {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      buyers: { type: 'string', default: '32' },
    };
    const { values } = parseArgs({ args, options });
    stack = makeStack('chaos');
    const isWhole = await chaos(stack, {
      seconds: Number(values.seconds),
      buyers: Number(values.buyers),
      seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 32)),
    });
    await end(stack, { isWhole });
  } catch (error) {
    reportFailure('Chaos', error);
    await end(stack, { isWhole: false });
  }
}

async function end(stack, { isWhole }) {
  if (stack && !isWhole) console.error(`  Logs: ${stack.logs}`);
  await stack?.stop({ isKept: !isWhole });
  process.exit(isWhole ? 0 : 1);
}

async function chaos(stack, { seconds, buyers: count, seed }) {
  console.log(
    `\n${bold('Hoshi')} ${dim('chaos')}\n\n  Seed ${seed}: npm run chaos -- --seconds ${seconds} --seed ${seed}`,
  );
  const random = makeRandom(seed);
  const place = await bringUp(stack, random);
  const { balancer, database, programs, simUrl, webUrl, values } = place;
  const sim = makeSimulator(simUrl, values);
  const buyers = startBuyers({ count, webUrl, sim, apiKey: values.apiKey, random });
  const disorder = startDisorder(simUrl, random);
  await sleep(1_000);
  const startedAt = performance.now();
  const say = (line) =>
    console.log(`  ${dim(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${line}`)}`);
  const faults = startFaults({
    random,
    programs,
    database,
    isReady: place.isReady,
    say,
  });
  await sleep(seconds * 1_000);

  await faults.stop();
  await disorder.stop();
  await buyers.stop();
  await balancer.calm();
  // Nothing but a kill may end a process of ours, least of all a database that is away while it starts.
  for (const program of [...programs.webs, ...programs.workers])
    if (!program.isRunning) throw program.failure(`ended by itself (${await program.exited})`);
  const startedDrainingAt = performance.now();
  await hurry(sim);
  await drain(sim, database.url);
  await finishAll(sim, buyers.bought.orders);
  await drain(sim, database.url);
  const drainedInMs = performance.now() - startedDrainingAt;
  const { acknowledged } = balancer.seen;
  const witness = await readWitness(sim, buyers.bought);
  const verdict = await judge({ databaseUrl: database.url, acknowledged, witness });
  for (const error of buyers.failures) verdict.faults.push(`a buyer failed: ${error.message}`);
  report({ kills: faults.kills, seen: balancer.seen, bought: buyers.bought, verdict, drainedInMs, witness });
  return verdict.faults.length === 0;
}

/** Two web processes behind a balancer, two workers, one Postgres, and the simulator, which is not killed. */
async function bringUp(stack, random) {
  await build({ withPages: true });
  const database = await startDatabase(stack, { port: 26_500 });
  const ports = {
    balancer: await freePort(24_000),
    a: await freePort(24_200),
    b: await freePort(24_400),
    sandbox: await freePort(24_600),
  };
  const values = await sandboxValues({ sandboxPort: ports.sandbox });
  const url = `http://localhost:${ports.balancer}`;
  // Providers wait up to hours between two tries; here their schedules run twenty times as fast.
  const more = { PUBLIC_URL: url, SANDBOX_APP_URL: url, SANDBOX_RETRY_SCALE: '0.05', LOG_LEVEL: 'warn' };
  const envFor = (web) =>
    environmentFor({ stack, databaseUrl: database.url, ports: { web, sandbox: ports.sandbox }, more });
  await runToEnd(stack, 'migrate', envFor(ports.a));
  await runToEnd(stack, 'seed', envFor(ports.a));
  const simUrl = `http://127.0.0.1:${ports.sandbox}`;
  const sandbox = startOurs(stack, 'sandbox', envFor(ports.a));
  await waitUntilReady(sandbox, `${simUrl}/sim/health`);
  const balancer = await startBalancer({ port: ports.balancer, backends: [ports.a, ports.b], random });
  stack.onStop(async () => balancer.close());
  const webs = [
    startOurs(stack, 'main', envFor(ports.a), { label: 'web-a' }),
    startOurs(stack, 'main', envFor(ports.b), { label: 'web-b' }),
  ];
  for (const [index, web] of webs.entries())
    await waitUntilReady(web, `http://127.0.0.1:${index === 0 ? ports.a : ports.b}/health/ready`);
  const workers = ['worker-a', 'worker-b'].map((label) => startOurs(stack, 'worker', envFor(ports.a), { label }));
  const isReady = (web) => {
    const port = web === webs[0] ? ports.a : ports.b;
    return fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.ok,
      () => false,
    );
  };
  return {
    balancer,
    database,
    isReady,
    programs: { webs, workers },
    simUrl,
    webUrl: `http://127.0.0.1:${ports.balancer}`,
    values,
  };
}

const DISORDER = {
  updates: ['duplicate', 'reorder', 'delay'],
  stripe: ['duplicate', 'reorder', 'delay', 'lost_answer'],
  'crypto-pay': ['duplicate', 'delay', 'lost_answer'],
  btcpay: ['duplicate', 'delay', 'lost_answer'],
  payme: ['duplicate', 'delay', 'lost_answer'],
  click: ['delay', 'lost_answer'],
};

/** The providers' own disorder: messages twice, late, after their successors, and answers that are lost on the way. */
function startDisorder(simUrl, random) {
  let isOn = true;
  const put = (faults) =>
    fetch(`${simUrl}/sim/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(faults),
    });
  const work = (async () => {
    while (isOn) {
      const faults = Object.entries(DISORDER).map(([name, kinds]) => {
        const remaining = name === 'updates' ? 5 : 1;
        return [name, { kind: random.pick(kinds), delay_ms: 300, remaining }];
      });
      await put(Object.fromEntries(faults));
      await sleep(random.between(200, 600));
    }
    await put({});
  })();
  return {
    stop: async () => {
      isOn = false;
      await work;
    },
  };
}

/** Waits until no provider has anything to deliver, no job is due and no event waits for another try. */
async function drain(sim, databaseUrl) {
  const startedAt = performance.now();
  for (;;) {
    const open = await withClient(databaseUrl, (client) =>
      client.query(
        `SELECT (SELECT count(*) FROM job WHERE done_at IS NULL AND run_at <= now() + interval '5 minutes')
           + (SELECT count(*) FROM webhook_event WHERE status IN ('received', 'failed') OR (status = 'ignored' AND processed_at IS NULL)) AS left`,
      ),
    );
    const { webhook } = await sim.get('/sim/state');
    const undelivered = webhook.pending_update_count + (await listUndelivered(sim)).length;
    const left = Number(open.rows[0].left) + undelivered;
    if (left === 0) return;
    if (performance.now() - startedAt > DRAIN_LIMIT_MS) {
      const what = await nameOpen(databaseUrl);
      const seconds = DRAIN_LIMIT_MS / 1000;
      throw new Error(
        `after ${seconds} s ${left} webhooks, events or jobs are still open: ${undelivered} undelivered, ${what}`,
      );
    }
    await sleep(500);
  }
}

/** What is left, by kind, with how often it was tried and the last error: without it nobody can tell a slow machine from a stuck one. */
async function nameOpen(databaseUrl) {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query(
      `SELECT 'job ' || name AS what, count(*) AS times, max(attempts) AS tried, min(run_at - now())::text AS due, max(error) AS error,
              count(*) FILTER (WHERE locked_until > now()) AS taken
         FROM job WHERE done_at IS NULL AND run_at <= now() + interval '5 minutes' GROUP BY name
       UNION ALL
       SELECT 'event ' || provider || ' ' || status, count(*), max(attempts), min(next_attempt_at - now())::text, max(error), 0
         FROM webhook_event WHERE status IN ('received', 'failed') OR (status = 'ignored' AND processed_at IS NULL) GROUP BY provider, status`,
    ),
  );
  return rows.map((row) => JSON.stringify(row)).join('; ');
}

/** Webhooks that their providers will send again, by the address at which they can be told to do so now. */
async function listUndelivered(sim) {
  const [events, updates, deliveries] = await Promise.all([
    sim.get('/sim/stripe/events?limit=500'),
    sim.get('/sim/crypto-pay/deliveries?limit=500'),
    sim.get('/sim/btcpay/deliveries?limit=500'),
  ]);
  // Each redelivery of BTCPay is a delivery of its own; newest first.
  const last = new Map(deliveries.reverse().map((delivery) => [delivery.original_delivery_id, delivery]));
  return [
    ...events.filter(({ state }) => state === 'pending').map(({ id }) => `/sim/stripe/events/${id}`),
    ...updates.filter(({ status }) => status === 'pending').map(({ id }) => `/sim/crypto-pay/deliveries/${id}`),
    ...[...last.values()]
      .filter(({ status }) => status !== 'HttpSuccess')
      .map(({ id }) => `/sim/btcpay/deliveries/${id}`),
  ];
}

/** Longer than what a process that was killed had taken stays taken by it. */
const LEASES_SECONDS = 90;

/** Providers wait for minutes and hours after some failures, and we for a minute until a dead process is given up. */
async function hurry(sim) {
  await sim.post('/sim/clock', { advance_seconds: LEASES_SECONDS });
  for (const path of await listUndelivered(sim)) await sim.post(`${path}/redeliver`, {});
}

function report({ kills, seen, bought, verdict, drainedInMs, witness }) {
  const { counts, faults } = verdict;
  const statuses = [...seen.statuses].map(([status, times]) => `${status} × ${times}`).join(', ');
  const list = (counts) => [...counts].map(([name, times]) => `${times} × ${name}`).join(', ');
  const refused = list(bought.refused);
  console.log(`
  Killed                ${kills.web} × web, ${kills.worker} × worker, ${kills.postgres} × Postgres
  Paid                  ${list(bought.paid)}${refused ? `; not paid: ${refused}` : ''}
  Taken back            ${list(bought.changed)}
  Orders asked again    ${list(bought.orderRetries)}; ${bought.abandoned} given up
  Charges               ${witness.charges.length} at the providers, ${counts.payments} in the books, ${counts.granted} granted
  Deliveries            ${seen.attempts} of ${seen.acknowledged.size} charges, answered ${statuses}
  Sent again on purpose ${seen.repeats}, fifty at once ${seen.crowds} times
  Longest silence       ${(seen.longestSilenceMs / 1000).toFixed(1)} s between two acknowledgements
  Notices               ${counts.told} in the chats, ${counts.repeated} of them twice
  Drained in            ${(drainedInMs / 1000).toFixed(1)} s
`);
  if (faults.length === 0) return console.log('  Nothing lost, nothing doubled, books whole.\n');
  for (const fault of faults) console.error(`  ✗ ${fault}`);
}
