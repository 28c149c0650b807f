import { invoiceId } from './requests.mjs';

/** Each is a count that must be 0; `$1`/`$2` bound the cell's orders. */
const CELL_CHECKS = {
  'payments without exactly one entitlement': `SELECT count(*) FROM payment p WHERE p.invoice_id >= $1 AND p.invoice_id < $2
    AND (SELECT count(*) FROM entitlement e WHERE e.payment_id = p.id) <> 1`,
  'payments without balanced ledger entries': `SELECT count(*) FROM payment p WHERE p.invoice_id >= $1 AND p.invoice_id < $2
    AND NOT EXISTS (SELECT 1 FROM ledger_entry l WHERE l.transaction_id = p.id GROUP BY l.transaction_id
      HAVING sum(l.amount) = 0 AND sum(l.amount) FILTER (WHERE l.amount > 0) = p.amount)`,
  'payments whose order is not paid': `SELECT count(*) FROM payment p JOIN invoice i ON i.id = p.invoice_id
    WHERE p.invoice_id >= $1 AND p.invoice_id < $2 AND i.status <> 'paid'`,
  'subscriptions missing': `SELECT count(*) FROM payment p WHERE p.invoice_id >= $1 AND p.invoice_id < $2 AND p.kind = 'first'
    AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.id = p.subscription_id AND s.invoice_id = p.invoice_id)`,
};

const WHOLE_CHECKS = {
  'ledger transactions that do not sum to zero':
    'SELECT count(*) FROM (SELECT 1 FROM ledger_entry GROUP BY transaction_id, currency HAVING sum(amount) <> 0) crooked',
  'payments without an audit row':
    "SELECT (SELECT count(*) FROM payment) - (SELECT count(DISTINCT object_id) FROM audit_event WHERE action LIKE 'payment.%')",
  'payments without a notice queued':
    "SELECT count(*) FROM payment p WHERE p.status = 'succeeded' AND NOT EXISTS (SELECT 1 FROM paid_notice n WHERE n.payment_id = p.id)",
  'notices queued twice':
    'SELECT count(*) FROM (SELECT 1 FROM paid_notice GROUP BY payment_id HAVING count(*) > 1) twice',
};

/** How many events of a provider were processed until now. */
export async function countProcessed(client, provider) {
  const { rows } = await client.query(
    "SELECT count(*)::int FROM webhook_event WHERE provider = $1 AND status = 'processed' AND coalesce(result, '') NOT IN ('ignored', 'duplicate')",
    [provider],
  );
  return rows[0].count;
}

/**
 * Whether the books of one settle cell are whole: as many payments and processed events as there should be, each with its
 * entitlement, ledger entries, order and subscription. `processed` is what countProcessed said before.
 *
 * @returns one line per fault; none means whole
 */
export async function checkCell(client, { cell, provider, expected, processed }) {
  const range = [invoiceId(cell, 0), invoiceId(cell + 1, 0)];
  const faults = await run(client, CELL_CHECKS, range);
  const { rows } = await client.query(
    'SELECT count(*)::int FROM payment WHERE invoice_id >= $1 AND invoice_id < $2',
    range,
  );
  const [{ count: payments }] = rows;
  if (payments !== expected) faults.push(`${expected} acknowledged, ${payments} in the books`);
  const events = (await countProcessed(client, provider)) - processed;
  if (events !== expected) faults.push(`${expected} acknowledged, ${events} events processed`);
  return faults;
}

/** Whether all books are whole, whoever wrote them. */
export async function checkAll(client) {
  await client.query(`CREATE TEMP TABLE IF NOT EXISTS paid_notice (payment_id text)`);
  await client.query('TRUNCATE paid_notice');
  await client.query(
    `INSERT INTO paid_notice SELECT payload->>'objectId' FROM job WHERE name = 'send_notice' AND payload->>'kind' IN ('paid', 'renewed')`,
  );
  await client.query('CREATE INDEX IF NOT EXISTS paid_notice_id ON paid_notice (payment_id)');
  return run(client, WHOLE_CHECKS, []);
}

async function run(client, checks, values) {
  const faults = [];
  for (const [name, sql] of Object.entries(checks)) {
    const { rows } = await client.query(sql, values);
    const [count] = Object.values(rows[0]);
    if (Number(count) !== 0) faults.push(`${name}: ${count}`);
  }
  return faults;
}
