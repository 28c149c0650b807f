import { generateKey } from 'openpgp';
import { PLAN, PRICES, telegramId, USD_PRICE, UZS_PRICE, userId } from './requests.mjs';
import { importSources } from './sources.mjs';

/** Links that are written at once. */
const LINKS = 10_000;

/** `n` from 0: the same ids as requests.mjs makes. */
const ID = (prefix) => `'${prefix}_01kahw9d6x' || lpad($1::text, 4, '0') || lpad(n::text, 12, '0')`;

/** People, in bulk. */
export async function seedUsers(client, { cell, count }) {
  await bulk(client, async () => {
    await client.query(
      `INSERT INTO users (id, language, is_reachable) SELECT ${ID('usr')}, 'ja', true FROM generate_series(0, $2::int - 1) n`,
      [cell, count],
    );
    const { seal } = await sealer();
    for (let from = 0; from < count; from += LINKS) {
      const people = Array.from({ length: Math.min(LINKS, count - from) }, (_, index) => from + index);
      const links = people.map((n) => seal(telegramId(cell, n)));
      await client.query(
        `INSERT INTO identity_link (user_id, subject, sealed, data_key)
         SELECT user_id, decode(subject, 'hex'), decode(sealed, 'hex'), decode(data_key, 'hex')
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given(user_id, subject, sealed, data_key)`,
        [people.map((n) => userId(cell, n)), ...['subject', 'sealed', 'dataKey'].map((part) => links.map(hex(part)))],
      );
    }
  });
}

const hex = (part) => (link) => Buffer.from(link[part]).toString('hex');

let sealing;
/** What links a person to their Telegram account, under the sandbox's keys as the server does it. */
function sealer() {
  sealing ??= importSources(
    'links',
    `export { sealKey } from '#domain/billing-key/records.ts';
     export { sealAccount } from '#domain/identity/account.ts';
     export { SANDBOX_VALUES } from '#lib/env-modes.ts';
     export { makeVault } from '#lib/vault.ts';`,
  ).then(({ makeVault, sealAccount, sealKey, SANDBOX_VALUES: { dataKey, subjectKey } }) => {
    const key = (text) => Buffer.from(text, 'base64');
    const vault = makeVault({ dataKey: key(dataKey), previousDataKey: null, subjectKey: key(subjectKey) });
    return {
      vault,
      sealKey: (key, dataKey) => Buffer.from(sealKey(key, dataKey)),
      seal: (telegramId) => sealAccount({ vault }, BigInt(telegramId)),
    };
  });
  return sealing;
}

/** The sandbox's vault, which opens what was sealed here. */
export const sandboxVault = async () => (await sealer()).vault;

/** People with an open order each that has its link: half are months of a subscription, half a year paid once. */
export async function seedOrders(client, { cell, count }) {
  await seedUsers(client, { cell, count });
  await bulk(client, async () => {
    await client.query(
      `INSERT INTO invoice (id, user_id, price_id, plan_id, product_id, kind, "interval", status, surface, amount, currency,
         platform_fee_bps, expires_at, created_at)
       SELECT ${ID('inv')}, ${ID('usr')}, CASE n % 2 WHEN 1 THEN '${PRICES.month.id}' ELSE '${PRICES.year.id}' END,
         '${PLAN.id}', '${PLAN.productId}', (CASE n % 2 WHEN 1 THEN 'subscription' ELSE 'one_time' END)::invoice_kind,
         (CASE n % 2 WHEN 1 THEN 'month' ELSE 'year' END)::billing_interval, 'open', 'mini_app',
         CASE n % 2 WHEN 1 THEN ${PRICES.month.amount} ELSE ${PRICES.year.amount} END, 'XTR', 3000,
         now() + interval '30 minutes', now()
       FROM generate_series(0, $2::int - 1) n`,
      [cell, count],
    );
    await client.query(
      `INSERT INTO payment_attempt (id, invoice_id, user_id, provider, status, url, created_at)
       SELECT ${ID('att')}, ${ID('inv')}, ${ID('usr')}, 'telegram-stars', 'live', $3, now()
       FROM generate_series(0, $2::int - 1) n`,
      [cell, count, ...(await concealed(['https://t.me/$Qm9sZG5lc3NJc05vdEFTdHJh']))],
    );
  });
}

/** The same, of people who have an OpenPGP key. */
export async function seedKeyedOrders(client, { cell, count }) {
  await seedOrders(client, { cell, count });
  const { sealKey, vault } = await sealer();
  const { publicKey } = await generateKey({ userIDs: [{ name: 'Aiko' }], format: 'binary' });
  const kept = {
    publicKey: Buffer.from(publicKey).toString('base64'),
    fingerprint: '',
    userIds: [],
    algorithm: 'Curve25519',
    message: null,
  };
  const { rows } = await client.query(
    'SELECT user_id, data_key FROM identity_link WHERE user_id >= $1 AND user_id < $2 ORDER BY user_id',
    [userId(cell, 0), userId(cell + 1, 0)],
  );
  const sealed = rows.map(({ data_key: wrapped }) => sealKey(kept, vault.open(wrapped)).toString('hex'));
  await bulk(client, () =>
    client.query(
      `INSERT INTO billing_key (id, user_id, status, sealed, mark, created_at, proven_at)
       SELECT 'key_' || substr(user_id, 5), user_id, 'active', decode(sealed, 'hex'), '\\x00', now(), now()
       FROM unnest($1::text[], $2::text[]) AS given(user_id, sealed)`,
      [rows.map(({ user_id: id }) => id), sealed],
    ),
  );
}

/** People with an open order each, of a year paid once. */
const seedYears =
  ({ amount, currency, id: priceId }) =>
  async (client, { cell, count }) => {
    await seedUsers(client, { cell, count });
    await bulk(client, async () => {
      await client.query(
        `INSERT INTO invoice (id, user_id, price_id, plan_id, product_id, kind, "interval", status, surface, amount, currency,
         platform_fee_bps, expires_at, created_at)
       SELECT ${ID('inv')}, ${ID('usr')}, '${priceId}', '${PLAN.id}', '${PLAN.productId}', 'one_time', 'year', 'open', 'api',
         ${amount}, '${currency}', 3000, now() + interval '30 minutes', now()
       FROM generate_series(0, $2::int - 1) n`,
        [cell, count],
      );
    });
  };
export const seedUzsOrders = seedYears(UZS_PRICE);
export const seedUsdOrders = seedYears(USD_PRICE);

/** Ids of providers as the server writes them. */
async function concealed(ids) {
  const { vault } = await sealer();
  return ids.map((id) => vault.conceal(id));
}

/** Gives the orders of a cell the checkouts that were opened for them, in their order. */
export async function seedCheckouts(client, { cell, provider, references }) {
  await bulk(client, async () => {
    await client.query(
      `INSERT INTO payment_attempt (id, invoice_id, user_id, provider, status, url, reference, method, created_at)
       SELECT ${ID('att')}, ${ID('inv')}, ${ID('usr')}, $2, 'live', '~', reference,
         CASE $2 WHEN 'stripe' THEN 'credit_card' ELSE 'cryptocurrency' END, now()
       FROM (SELECT reference, ordinality - 1 AS n FROM unnest($3::text[]) WITH ORDINALITY AS given(reference)) given`,
      [cell, provider, await concealed(references)],
    );
  });
}

/** The same orders, each held by its provider: what is left to do is the capture. */
const seedHolds =
  (provider, chargeIdOf) =>
  async (client, { cell, count }) => {
    await seedUzsOrders(client, { cell, count });
    const chargeIds = await concealed(Array.from({ length: count }, (_, n) => chargeIdOf(cell, n)));
    await bulk(client, async () => {
      await client.query(
        `INSERT INTO reservation (id, number, provider, charge_id, invoice_id, amount, currency, status, asked_at, created_at)
       SELECT ${ID('rsv')}, 1000000000 + $1::int8 * 10000000 + n, '${provider}', charge_id, ${ID('inv')}, ${UZS_PRICE.amount}, 'UZS',
         'reserved', now(), now()
       FROM (SELECT charge_id, ordinality - 1 AS n FROM unnest($2::text[]) WITH ORDINALITY AS given(charge_id)) given`,
        [cell, chargeIds],
      );
    });
  };
export const seedPaymeHolds = seedHolds(
  'payme',
  (cell, n) => `${String(cell).padStart(4, '0')}${String(n).padStart(20, '0')}`,
);
export const seedClickHolds = seedHolds('click', (cell, n) => String(2_000_000_000_000 + cell * 10_000_000 + n));

/** People with a year of the plan. */
export async function seedRights(client, { cell, count }) {
  await seedUsers(client, { cell, count });
  await bulk(client, async () => {
    await client.query(
      `INSERT INTO entitlement (id, user_id, product_id, plan_id, starts_at, ends_at, created_at)
       SELECT ${ID('ent')}, ${ID('usr')}, '${PLAN.productId}', '${PLAN.id}', now(), now() + interval '1 year', now()
       FROM generate_series(0, $2::int - 1) n`,
      [cell, count],
    );
  });
}

/** Foreign keys of rows made from one series hold by their making; asking for each would take most of the time. */
async function bulk(client, work) {
  await client.query('SET session_replication_role = replica');
  await work();
  await client.query('RESET session_replication_role');
}

/** Earlier sales, so that every table has rows and every plan is made for tables that have. */
export async function seedHistory(client, { cell, count }) {
  await seedOrders(client, { cell, count });
  await client.query(
    `SELECT count(bench_settle(${ID('whe')}, 'history-' || n, '\\x00', ${ID('inv')}, 'history-' || n, 0,
       CASE n % 2 WHEN 1 THEN ${PRICES.month.amount} ELSE ${PRICES.year.amount} END, now(),
       CASE n % 2 WHEN 1 THEN now() + interval '30 days' END, ${ID('pay')}, ${ID('sub')}, ${ID('ent')}, 'req_history'))
     FROM generate_series(0, $2::int - 1) n`,
    [cell, count],
  );
  await bulk(client, () =>
    client.query(
      `INSERT INTO reservation (id, provider, charge_id, invoice_id, amount, currency, status, asked_at, created_at, paid_at)
       SELECT ${ID('rsv')}, 'payme', '~history-' || n, ${ID('inv')}, ${UZS_PRICE.amount}, 'UZS', 'paid', now(), now(), now()
       FROM generate_series(0, $2::int - 1) n`,
      [cell, count],
    ),
  );
  await client.query("UPDATE job SET done_at = now(), outcome = 'done'");
  // Not the empty ones: a plan for a table known to be empty is a sequential scan, and is kept while the table grows.
  await client.query(
    'VACUUM ANALYZE users, identity_link, invoice, payment_attempt, payment, subscription, entitlement, ledger_entry, audit_event, job, webhook_event, reservation',
  );
}

/** What seeding left behind is written out and counted now, not during the measurement. */
export async function settleDown(client) {
  await client.query('VACUUM ANALYZE users, identity_link, invoice, payment_attempt, reservation');
  await client.query('CHECKPOINT');
}
