import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { chargeId, invoiceId, PLAN, telegramId, userId } from './requests.mjs';

const CELL = 999;

/** A verb per hot query, by its file; each is run with a pool that writes down what it asks. */
const ENTRY = `
export { loadCharges } from '#domain/payment/load.ts';
export { answerInquiry } from '#domain/checkout/answer-inquiry.ts';
export { checkEntitlement } from '#domain/entitlement/check.ts';
export { startCheckout } from '#domain/checkout/start.ts';
export { getUser, findUserByTelegramId } from '#domain/identity/find-user.ts';
export { authenticateApiKey } from '#domain/identity/api-key.ts';
`;

/**
 * Fills the tables with \`rows\` sales and prints the plan of each hot query over them. Returns false when one of them
 * reads a big table from end to end.
 */
export async function printPlans(client, { rows, directory, apiKey }) {
  await seedSales(client, rows);
  const asked = await recordQueries(client, { rows, directory, apiKey });
  let isFast = true;
  for (const { name, text, values } of asked) {
    const { rows: lines } = await client.query({
      text: `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) ${text}`,
      values,
    });
    const plan = lines.map((line) => line['QUERY PLAN']);
    const scans = plan.filter(
      (line) => /Seq Scan on (?!price|plan|product|api_key)/.test(line) && !line.includes('never executed'),
    );
    const time = plan.find((line) => line.startsWith('Execution Time'));
    if (scans.length > 0) isFast = false;
    console.log(`\n  ${scans.length > 0 ? '✗' : '✓'} ${name}: ${time}`);
    for (const line of plan.filter((line) => /Scan|Join|Nested|Sort|Aggregate/.test(line)))
      console.log(`      ${line.replace(/ \(actual.*rows=/, ' (rows ').replace(/ loops=.*$/, ')')}`);
  }
  return isFast;
}

async function recordQueries(client, { rows, directory, apiKey }) {
  const outfile = join(directory, 'verbs.mjs');
  await build({
    stdin: { contents: ENTRY, resolveDir: process.cwd(), loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  });
  const verbs = await import(pathToFileURL(outfile).href);
  const asked = [];
  const pool = {
    query: (query) => {
      if (query.text.trim().startsWith('SELECT') && !query.text.includes('open_checkout')) asked.push(query);
      return client.query(query);
    },
  };
  const ctx = {
    pool,
    isInTransaction: false,
    clock: { now: () => new Date() },
    actor: { kind: 'system', name: 'bench' },
    providers: new Map(),
    policy: { surfacePolicy: 'permissive' },
  };
  const n = Math.floor(rows / 2);
  const person = userId(CELL, n);
  await verbs.loadCharges(ctx, [
    {
      providerId: 'telegram-stars',
      chargeId: chargeId(CELL, n),
      invoiceId: invoiceId(CELL, n),
      payerId: BigInt(telegramId(CELL, n)),
    },
  ]);
  await verbs.answerInquiry(ctx, {
    invoiceId: invoiceId(CELL, n),
    payerId: BigInt(telegramId(CELL, n)),
    price: { amount: 150n, currency: 'XTR' },
  });
  await verbs.checkEntitlement(ctx, { userId: person, productCode: PLAN.productCode });
  await verbs.getUser(ctx, person);
  await verbs.findUserByTelegramId(ctx, BigInt(telegramId(CELL, n)));
  await verbs.authenticateApiKey(ctx, apiKey);
  // With no provider the checkout is refused after its loading query, which is all that is wanted here.
  await verbs
    .startCheckout(ctx, {
      userId: person,
      priceId: 'prc_personal_basic_month_xtr',
      surface: 'api',
      method: 'telegram_stars',
      language: 'en',
    })
    .catch((error) => {
      if (error.name !== 'AppError') throw error;
    });
  return asked;
}

/** Settled sales of as many people, in bulk. */
async function seedSales(client, rows) {
  const id = (prefix) => `'${prefix}_01kahw9d6x0${CELL}' || lpad(n::text, 12, '0')`;
  const series = `generate_series(0, ${rows} - 1) n`;
  const at = `now() - n * interval '1 second'`;
  const amount = 'CASE n % 2 WHEN 1 THEN 150 ELSE 1500 END';
  const sub = `CASE n % 2 WHEN 1 THEN ${id('sub')} END`;
  const end = `now() + interval '30 days'`;
  const price = `CASE n % 2 WHEN 1 THEN 'prc_personal_pro_month_xtr' ELSE 'prc_personal_pro_year_xtr' END`;
  const period = `(CASE n % 2 WHEN 1 THEN 'month' ELSE 'year' END)::billing_interval`;
  await client.query('SET session_replication_role = replica');
  for (const sql of [
    `INSERT INTO users (id, telegram_id, language) SELECT ${id('usr')}, 5000000000 + ${CELL} * 10000000::int8 + n, 'ja' FROM ${series}`,
    `INSERT INTO invoice (id, user_id, price_id, plan_id, product_id, kind, "interval", status, surface, amount, currency, platform_fee_bps, expires_at, created_at, closed_at)
     SELECT ${id('inv')}, ${id('usr')}, ${price}, '${PLAN.id}', '${PLAN.productId}', (CASE n % 2 WHEN 1 THEN 'subscription' ELSE 'one_time' END)::invoice_kind,
       ${period}, 'paid', 'mini_app', ${amount}, 'XTR', 3000, ${at}, ${at}, ${at} FROM ${series}`,
    `INSERT INTO payment_attempt (id, invoice_id, user_id, provider, status, url, created_at) SELECT ${id('att')}, ${id('inv')}, ${id('usr')}, 'telegram-stars', 'closed', 'https://t.me/$x', ${at} FROM ${series}`,
    `INSERT INTO subscription (id, user_id, product_id, plan_id, price_id, invoice_id, provider, first_charge_id, status, amount, currency, current_period_start, current_period_end, created_at)
     SELECT ${id('sub')}, ${id('usr')}, '${PLAN.productId}', '${PLAN.id}', ${price}, ${id('inv')}, 'telegram-stars', 'stxBench0${CELL}_' || lpad(n::text, 12, '0') || '_Qm9sZG5lc3NJc05vdEFTdHJhdGVneQ',
       'active', 150, 'XTR', ${at}, ${end}, ${at} FROM ${series} WHERE n % 2 = 1`,
    `INSERT INTO payment (id, invoice_id, user_id, plan_id, subscription_id, provider, charge_id, kind, status, amount, currency, platform_fee, processor_fee, developer_share, period_start, period_end, paid_at, created_at)
     SELECT ${id('pay')}, ${id('inv')}, ${id('usr')}, '${PLAN.id}', ${sub}, 'telegram-stars', 'stxBench0${CELL}_' || lpad(n::text, 12, '0') || '_Qm9sZG5lc3NJc05vdEFTdHJhdGVneQ',
       (CASE n % 2 WHEN 1 THEN 'first' ELSE 'one_time' END)::payment_kind, 'succeeded', ${amount}, 'XTR', ${amount}, 0, 0, ${at}, ${end}, ${at}, ${at} FROM ${series}`,
    `INSERT INTO entitlement (id, user_id, product_id, plan_id, payment_id, subscription_id, starts_at, ends_at, created_at)
     SELECT ${id('ent')}, ${id('usr')}, '${PLAN.productId}', '${PLAN.id}', ${id('pay')}, ${sub}, ${at}, ${end}, ${at} FROM ${series}`,
    `INSERT INTO job (name, lane, payload, run_at, created_at, done_at, outcome) SELECT 'send_notice', 'chat:' || ${id('usr')}, '{}', ${at}, ${at}, ${at}, 'done' FROM ${series}`,
    `INSERT INTO webhook_event (id, provider, event_id, kind, status, result, received_at, processed_at) SELECT ${id('whe')}, 'telegram-stars', 'plans-' || n, 'payment_succeeded', 'processed', 'settled', ${at}, ${at} FROM ${series}`,
  ]) {
    await client.query(sql);
  }
  await client.query('RESET session_replication_role');
  await client.query('VACUUM ANALYZE');
}
