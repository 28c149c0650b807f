import pg from 'pg';
import { importSources } from '../bench/sources.mjs';

/** What the simulator says was charged, and which notices lie in its chats. */
export async function readWitness(simUrl, userIds) {
  const charges = [];
  const notices = new Map();
  const get = (path) => fetch(simUrl + path).then((response) => response.json());
  for (const userId of userIds) {
    const transactions = await get(`/sim/transactions?user_id=${userId}`);
    const refunded = new Set(transactions.filter(({ amount }) => amount < 0).map(({ id }) => id));
    for (const { amount, id } of transactions) if (amount > 0) charges.push({ id, isRefunded: refunded.has(id) });
    for (const { inline_keyboard: rows = [], text = '' } of await get(`/sim/chats/${userId}/messages`)) {
      const url = rows.flat().find((button) => button.url?.includes('receipt_'))?.url;
      const paymentId = /receipt_(pay_[a-z0-9]+)/.exec(url ?? '')?.[1];
      if (!paymentId) continue;
      const texts = notices.get(paymentId) ?? [];
      texts.push(text);
      notices.set(paymentId, texts);
    }
  }
  return { charges, notices };
}

/**
 * Holds the books against the witnesses. Returns the faults in words, none when all is well, and what was counted.
 */
export async function judge({ databaseUrl, acknowledged, witness }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  try {
    const { rows: payments } = await pool.query(
      `SELECT p.id, p.charge_id, p.kind, p.status, (SELECT count(*)::int FROM entitlement e WHERE e.payment_id = p.id) AS rights,
         (SELECT count(*)::int FROM entitlement e WHERE e.payment_id = p.id AND e.revoked_at IS NULL) AS running FROM payment p`,
    );
    const byCharge = new Map(payments.map((payment) => [payment.charge_id, payment]));
    const faults = [];
    const expect = (list, name) => {
      if (list.length > 0) faults.push(`${name}: ${list.length} (${list.slice(0, 3).join(', ')})`);
    };
    expect(
      [...acknowledged].filter((id) => !byCharge.has(id)),
      'acknowledged and missing in the books',
    );
    expect(
      witness.charges.filter(({ id }) => !byCharge.has(id)).map(({ id }) => id),
      'charged and missing in the books',
    );
    expect(
      payments.filter(({ charge_id: id }) => !witness.charges.some((charge) => charge.id === id)).map(({ id }) => id),
      'in the books and never charged',
    );
    expect(
      payments.filter(({ kind, rights }) => rights !== (kind === 'surplus' ? 0 : 1)).map(({ id }) => id),
      'not exactly one grant for a charge',
    );
    expect(
      witness.charges
        .filter(({ id, isRefunded }) => isRefunded && byCharge.get(id)?.status !== 'refunded')
        .map(({ id }) => id),
      'refunded at Telegram and not in the books',
    );
    expect(
      payments.filter(({ running, status }) => status === 'refunded' && running > 0).map(({ id }) => id),
      'refunded and still granted',
    );
    const granted = payments.filter(({ kind, status }) => kind !== 'surplus' && status === 'succeeded');
    expect(
      granted.filter(({ id }) => !witness.notices.has(id)).map(({ id }) => id),
      'granted and never told',
    );
    faults.push(...(await brokenInvariants(pool)));
    const repeated = [...witness.notices.values()].reduce((sum, texts) => sum + texts.length - new Set(texts).size, 0);
    const told = [...witness.notices.values()].reduce((sum, texts) => sum + texts.length, 0);
    return { faults, counts: { payments: payments.length, granted: granted.length, told, repeated } };
  } finally {
    await pool.end();
  }
}

/** The invariants that production checks itself by (src/domain/audit/invariants.ts). */
async function brokenInvariants(pool) {
  const { checkBooks } = await importSources('invariants', "export { checkBooks } from '#domain/audit/invariants.ts';");
  const invariants = await checkBooks({ pool, clock: { now: () => new Date() } });
  return invariants
    .filter(({ violations }) => violations.length > 0)
    .map(({ name, violations }) => `${name}: ${violations.slice(0, 3).join(', ')}`);
}
