import { payOrders } from './paid.mjs';
import { makeRequests, toProviderRequest } from './requests.mjs';

/** Processor time of one measurement, and how many count: the least of them, since others only add. */
const MEASURE_US = 150_000;
const MEASUREMENTS = 5;
const BATCH = 100;
const CELL = 998;

/** What each provider sends most when money comes, and what it becomes. */
const MESSAGES = [
  { name: 'paid', provider: 'telegram-stars', kind: 'settle', becomes: 'event' },
  { name: 'pre-checkout', provider: 'telegram-stars', kind: 'inquiry', becomes: 'inquiry' },
  { name: 'perform', provider: 'payme', kind: 'paymePerform', becomes: 'inquiry' },
  { name: 'complete', provider: 'click', kind: 'clickComplete', becomes: 'inquiry' },
  { name: 'paid', provider: 'stripe', kind: 'stripe', becomes: 'hint' },
  { name: 'paid', provider: 'crypto-pay', kind: 'cryptoPay', becomes: 'hint' },
  { name: 'settled', provider: 'btcpay', kind: 'btcpay', becomes: 'hint' },
];

/** Where each protocol has its proof; Click's is in the form. */
const PROOFS = [
  'x-telegram-bot-api-secret-token',
  'authorization',
  'stripe-signature',
  'crypto-pay-api-signature',
  'btcpay-sig',
];

/**
 * What verifying and translating one message costs, alone: `read()` of each adapter over a genuine message of the simulator and
 * over the same one forged, in this process. Prints microseconds of processor time, beside those of the loop that measures.
 */
export async function measureWire(all) {
  const { providers: _, ...values } = all.values;
  console.log('\n  Verification and translation alone, microseconds of processor time per message');
  console.log(
    `  ${'provider'.padEnd(16)}${'message'.padEnd(14)}${'bytes'.padStart(7)}${'valid'.padStart(9)}${'forged'.padStart(9)}`,
  );
  const nothing = { kind: 'ignored' };
  const empty = measure(() => nothing);
  console.log(`  ${'none'.padEnd(16)}${'empty loop'.padEnd(14)}${'0'.padStart(7)}${empty.toFixed(2).padStart(9)}`);
  for (const { becomes, kind, name, provider: id } of MESSAGES) {
    const provider = all.values.providers.get(id);
    const bodies =
      becomes === 'hint' ? (await payOrders(all, { provider: id, cell: CELL, count: 1 })).bodies : undefined;
    const valid = toProviderRequest(makeRequests({ kind, cell: CELL, count: 1, path: '/', bodies, values })());
    const forged = forge(valid);
    const now = new Date();
    expectKind(id, provider.read(valid, now), becomes);
    expectKind(id, provider.read(forged, now), 'rejected');
    const costs = [valid, forged].map((request) =>
      measure(() => provider.read(request, now))
        .toFixed(2)
        .padStart(9),
    );
    console.log(`  ${id.padEnd(16)}${name.padEnd(14)}${String(valid.body.length).padStart(7)}${costs.join('')}`);
  }
}

/** The same message with a proof of the right form that is not right. */
function forge(request) {
  const name = PROOFS.find((proof) => request.headers[proof] !== undefined);
  const turn = (text) => text.replace(/[0-9A-Za-z](?=[^0-9A-Za-z]*$)/, (last) => (last === 'a' ? 'b' : 'a'));
  if (name) return { ...request, headers: { ...request.headers, [name]: turn(request.headers[name]) } };
  return { ...request, body: Buffer.from(turn(request.body.toString())) };
}

function expectKind(id, { kind }, wanted) {
  if (kind !== wanted) throw new Error(`${id} read a message as ${kind}, not as ${wanted}`);
}

/** Microseconds of processor time per call. */
function measure(work) {
  const once = () => {
    const before = process.cpuUsage();
    let calls = 0;
    let used = 0;
    while (used < MEASURE_US) {
      for (let n = 0; n < BATCH; n += 1) if (work() === undefined) throw new Error('nothing was read');
      calls += BATCH;
      const { system, user } = process.cpuUsage(before);
      used = system + user;
    }
    return used / calls;
  };
  once();
  return Math.min(...Array.from({ length: MEASUREMENTS }, once));
}
