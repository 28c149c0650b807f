import pg from 'pg';
import { sandboxVault } from '../bench/seed.mjs';
import { importSources } from '../bench/sources.mjs';
import { RAILS } from './rails.mjs';

const AT_ONCE = 8;

/** What the simulators say was charged and went back, and which notices lie in the chats. */
export async function readWitness(sim, { orders, users }) {
  const charges = [];
  const [transfers, payouts] = await Promise.all([sim.transfers(), sim.get('/sim/btcpay/payouts?limit=500')]);
  await forEach(orders, async (order) => {
    const rows = await RAILS[order.provider].readLedger({ ...order, sim, transfers, payouts });
    charges.push(...rows.map((row) => ({ ...row, key: `${order.provider} ${row.id}` })));
  });
  const notices = new Map();
  await forEach(users, async (userId) => {
    for (const { inline_keyboard: rows = [], text = '' } of await sim.get(`/sim/chats/${userId}/messages`)) {
      const url = rows.flat().find((button) => button.url?.includes('receipt_'))?.url;
      const paymentId = /receipt_(pay_[a-z0-9]+)/.exec(url ?? '')?.[1];
      if (!paymentId) continue;
      const texts = notices.get(paymentId) ?? [];
      texts.push(text);
      notices.set(paymentId, texts);
    }
  });
  return { charges, notices };
}

/** Brings to its end what was interrupted at the providers: their own retries, claims of refunds. */
export async function finishAll(sim, orders) {
  await forEach(orders, (order) => RAILS[order.provider].finish?.({ ...order, sim }));
}

async function forEach(items, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * Holds the books against the witnesses. Returns the faults in words, none when all is well, and what was counted.
 */
export async function judge({ databaseUrl, acknowledged, witness }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  try {
    const { rows: payments } = await pool.query(
      `SELECT p.id, p.provider, p.charge_id, p.kind, p.status, p.amount::int8::text AS amount, p.returned_amount::text AS returned,
         (SELECT count(*)::int FROM entitlement e WHERE e.payment_id = p.id) + (p.right_dropped_at IS NOT NULL)::int AS rights,
         (SELECT count(*)::int FROM entitlement e WHERE e.payment_id = p.id AND e.revoked_at IS NULL) AS running,
         EXISTS (SELECT 1 FROM dispute d WHERE d.payment_id = p.id) AS "isDisputed" FROM payment p`,
    );
    const { reveal } = await sandboxVault();
    for (const payment of payments) payment.key = `${payment.provider} ${reveal(payment.charge_id)}`;
    const byKey = new Map(payments.map((payment) => [payment.key, payment]));
    const charged = new Set(witness.charges.map(({ key }) => key));
    const faults = [];
    const expect = (list, name) => {
      if (list.length > 0) faults.push(`${name}: ${list.length} (${list.slice(0, 3).join(', ')})`);
    };
    const keysOf = (list) => list.map(({ key }) => key);
    expect(
      [...acknowledged].filter((key) => !byKey.has(key)),
      'acknowledged and missing in the books',
    );
    expect(keysOf(witness.charges.filter(({ key }) => !byKey.has(key))), 'charged and missing in the books');
    expect(keysOf(payments.filter(({ key }) => !charged.has(key))), 'in the books and never charged');
    expect(
      keysOf(witness.charges.filter(({ amount, key }) => byKey.has(key) && byKey.get(key).amount !== String(amount))),
      'charged and booked with another amount',
    );
    expect(
      keysOf(payments.filter(({ kind, rights }) => rights !== (kind === 'surplus' ? 0 : 1))),
      'not exactly one grant for a charge',
    );
    expect(
      witness.charges
        .filter(({ key, returned }) => byKey.has(key) && byKey.get(key).returned !== String(returned))
        .map(({ key, returned }) => `${key}: ${returned} there, ${byKey.get(key).returned} here`),
      'went back otherwise than in the books',
    );
    expect(
      keysOf(payments.filter(({ amount, returned, running }) => returned === amount && running > 0)),
      'gone back whole and still granted',
    );
    expect(
      keysOf(payments.filter(({ status }) => status === 'disputed')),
      'disputes that are decided and still open in the books',
    );
    expect(
      witness.charges.flatMap(({ complaints = [], key }) => complaints.map((text) => `${key}: ${text}`)),
      'the protocol was broken',
    );
    const granted = payments.filter(({ kind, status }) => kind !== 'surplus' && status === 'succeeded');
    expect(
      // A notice says what is true when it is sent: while a payment is in question, nothing.
      granted
        .filter(({ id, isDisputed }) => !isDisputed && !witness.notices.has(id))
        .map(({ id, key }) => `${id}, ${key}`),
      'granted and never told',
    );
    expect(await openHolds(pool, charged), 'money is taken and its hold is open');
    expect(await openMessages(pool), 'webhooks that were kept and not applied');
    faults.push(...(await brokenInvariants(databaseUrl)));
    const repeated = [...witness.notices.values()].reduce((sum, texts) => sum + texts.length - new Set(texts).size, 0);
    const told = [...witness.notices.values()].reduce((sum, texts) => sum + texts.length, 0);
    return { faults, counts: { payments: payments.length, granted: granted.length, told, repeated } };
  } finally {
    await pool.end();
  }
}

/** A hold without money may stand until its time is over; one whose money is taken must have been captured. */
async function openHolds(pool, charged) {
  const { rows } = await pool.query(
    "SELECT provider, charge_id, invoice_id FROM reservation WHERE status = 'reserved'",
  );
  const { reveal } = await sandboxVault();
  const holds = rows.map((row) => ({ ...row, key: `${row.provider} ${reveal(row.charge_id)}` }));
  return holds.filter(({ key }) => charged.has(key)).map(({ invoice_id: id, key }) => `${key} of ${id}`);
}

async function openMessages(pool) {
  const { rows } = await pool.query(
    "SELECT provider || ' ' || kind || ' ' || id || ' ' || coalesce(error, '') AS name FROM webhook_event WHERE status IN ('received', 'failed', 'dead')",
  );
  return rows.map(({ name }) => name);
}

/** The invariants that production checks itself by (src/domain/audit/invariants.ts), and the chain of the audit. */
async function brokenInvariants(databaseUrl) {
  const { checkBooks, openDatabase, readSigner, SANDBOX_VALUES, verifyAudit } = await importSources(
    'invariants',
    `export { checkBooks } from '#domain/audit/invariants.ts';
     export { verifyAudit } from '#domain/audit/verify.ts';
     export { openDatabase } from '#lib/db.ts';
     export { SANDBOX_VALUES } from '#lib/env-modes.ts';
     export { readSigner } from '#lib/openpgp.ts';`,
  );
  const { close, pool } = openDatabase({ url: databaseUrl, applicationName: 'chaos', onConnectionLost: () => {} });
  try {
    const actor = { kind: 'system', name: 'chaos' };
    const ctx = { pool, actor, clock: { now: () => new Date() }, signer: await readSigner(SANDBOX_VALUES.signingKey) };
    const invariants = await checkBooks(ctx);
    const { findings } = await verifyAudit(ctx, { after: 0n, limit: null });
    return [
      ...invariants
        .filter(({ violations }) => violations.length > 0)
        .map(({ name, violations }) => `${name}: ${violations.slice(0, 3).join(', ')}`),
      ...findings.slice(0, 3).map(({ kind, position }) => `audit at ${position}: ${kind}`),
    ];
  } finally {
    await close();
  }
}
