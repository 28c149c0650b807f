import { chargeId, invoiceId, PLAN, telegramId, userId } from './requests.mjs';
import { sandboxVault, seedUsers } from './seed.mjs';
import { importSources } from './sources.mjs';

const CELL = 999;
const MINUTE_MS = 60_000;
/** A million sales a year. */
const BETWEEN_SALES = "interval '31 seconds'";
/** From end to end, of a table that is not small by nature. */
const SCAN = /Seq Scan on (?!price|plan|product|api_key|provider_breaker|reconciliation_cursor)/;

/** A verb per query that must stay fast, run on connections whose statements are written down. */
const SOURCES = `
export { answerInquiry } from '#domain/checkout/answer-inquiry.ts';
export { startCheckout } from '#domain/checkout/start.ts';
export { checkEntitlement } from '#domain/entitlement/check.ts';
export { authenticateApiKey } from '#domain/identity/api-key.ts';
export { subjectOf } from '#domain/identity/account.ts';
export { findUserByTelegramId, getUser } from '#domain/identity/find-user.ts';
export { loadCharges } from '#domain/payment/load.ts';
export { listMethods } from '#domain/payment-method/records.ts';
export { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
export { convergeOrder } from '#domain/reconciliation/converge.ts';
export { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
export { analyseRevenue } from '#domain/revenue/analyse.ts';
export { analyseSubscriptions } from '#domain/subscription/analyse.ts';
export { listWaitingEvents } from '#domain/webhook/list.ts';
export { retryWebhooks } from '#domain/webhook/retry.ts';
export { finishReceived, storeReceived } from '#domain/webhook/store.ts';
export { openDatabase } from '#lib/db.ts';
export { makeMetrics } from '#lib/metrics.ts';
export { recordStatements } from '#testing/plans.ts';
`;

/**
 * Fills the tables with `rows` sales and prints the plan of each hot query over them. Returns false when one of them
 * reads a big table from end to end.
 */
export async function printPlans(client, { rows, databaseUrl, apiKey }) {
  await seedSales(client, rows);
  const verbs = await importSources('verbs', SOURCES);
  const vault = await sandboxVault();
  const database = verbs.openDatabase({ url: databaseUrl, applicationName: 'bench', onConnectionLost: () => {} });
  let isFast = true;
  const explained = new Set();
  try {
    for (const [name, run] of queriesOf(verbs, { rows, apiKey })) {
      const sent = await verbs.recordStatements(database.pool, () => run(makeCtx(verbs, database, vault)));
      for (const statement of sent.filter(isQuery)) {
        // Once for each name: a verb may ask the same for every provider.
        const key = `${name}: ${statement.text}`;
        if (explained.has(key)) continue;
        explained.add(key);
        if (!(await printPlan(client, name, statement))) isFast = false;
      }
    }
  } finally {
    await database.close();
  }
  return isFast;
}

const isQuery = ({ text }) => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/i.test(text) && !text.includes('open_checkout');

/** Explains a statement with what it costs; what it writes is taken back. */
async function printPlan(client, name, { text, values }) {
  await client.query('BEGIN');
  const { rows: lines } = await client.query({
    text: `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) ${text}`,
    values,
  });
  await client.query('ROLLBACK');
  const plan = lines.map((line) => line['QUERY PLAN']);
  const scans = plan.filter((line) => SCAN.test(line) && !line.includes('never executed'));
  const time = plan.find((line) => line.startsWith('Execution Time'));
  console.log(`\n  ${scans.length > 0 ? '✗' : '✓'} ${name}: ${time}`);
  for (const line of plan.filter((row) => /Scan|Join|Nested|Sort|Aggregate/.test(row)))
    console.log(`      ${line.replace(/ \(actual.*rows=/, ' (rows ').replace(/ loops=.*$/, ')')}`);
  return scans.length === 0;
}

function makeCtx({ makeMetrics }, { pool, prisma }, vault) {
  const known = {
    find: async () => [],
    listTransactions: async () => listing,
    accepts: [],
    reservations: { lastMs: 30 * 86_400_000 },
  };
  const listing = { rows: [], next: null, resume: 'end' };
  return {
    pool,
    db: prisma,
    isInTransaction: false,
    clock: { now: () => new Date() },
    actor: { kind: 'system', name: 'bench' },
    providers: new Map(['stripe', 'crypto-pay', 'btcpay'].map((id) => [id, { id, ...known }])),
    policy: { surfacePolicy: 'permissive' },
    metrics: makeMetrics(),
    outside: { ms: 0 },
    requestId: 'req_bench',
    log: { info: () => {}, warn: () => {}, error: () => {} },
    // The rows are made by SQL, which cannot conceal: their ids only look so.
    vault: { ...vault, reveal: (text) => text },
  };
}

/** Names and what is run under them; `n` is a sale in the middle, by Telegram, and the next ones are of the other rails. */
function queriesOf(verbs, { rows, apiKey }) {
  const n = Math.floor(rows / 8) * 4;
  const person = userId(CELL, n);
  const month = () => ({ from: new Date(Date.now() - 30 * 86_400_000), to: new Date() });
  return [
    [
      'load_charges',
      (ctx) =>
        verbs.loadCharges(ctx, [
          {
            providerId: 'telegram-stars',
            chargeId: `~${chargeId(CELL, n)}`,
            invoiceId: invoiceId(CELL, n),
            payer: verbs.subjectOf(ctx, BigInt(telegramId(CELL, n))),
          },
        ]),
    ],
    [
      'load_inquiry',
      (ctx) =>
        verbs.answerInquiry(ctx, {
          type: 'may_pay',
          inquiryId: '1',
          invoiceId: invoiceId(CELL, n),
          payerId: BigInt(telegramId(CELL, n)),
          price: { amount: 150n, currency: 'XTR' },
          languageCode: null,
        }),
    ],
    ['check_entitlement', (ctx) => verbs.checkEntitlement(ctx, { userId: person, productCode: PLAN.productCode })],
    ['getUser', (ctx) => verbs.getUser(ctx, person)],
    ['findUserByTelegramId', (ctx) => verbs.findUserByTelegramId(ctx, BigInt(telegramId(CELL, n)))],
    ['authenticateApiKey', (ctx) => verbs.authenticateApiKey(ctx, apiKey)],
    // With no provider of Stars the checkout is refused after its loading query, which is all that is wanted here.
    ['load_checkout', (ctx) => refused(verbs.startCheckout(ctx, orderOf(person)))],
    ['store_received', (ctx) => verbs.storeReceived(ctx, inboxOf(`whe_plans_${Date.now()}`))],
    ['finish_received', (ctx) => verbs.finishReceived(ctx, 'whe_plans_none', 'applied')],
    ...[
      ['order', { invoiceId: invoiceId(CELL, n + 1), reference: null, chargeId: null }],
      ['checkout', { invoiceId: null, reference: `~ref_${n + 1}`, chargeId: null }],
      ['charge', { invoiceId: null, reference: null, chargeId: `~chg_${n + 1}` }],
      ['refund', { invoiceId: null, reference: `~re_${n + 1}`, chargeId: null }],
    ].map(([by, about]) => [
      `load_asked_order, by the ${by}`,
      (ctx) => verbs.convergeOrder(ctx, { providerId: 'stripe', about }),
    ]),
    ['askOpenOrders', (ctx) => verbs.askOpenOrders(ctx)],
    ['find_charges', (ctx) => verbs.reconcilePayments(listing(ctx, n), 'stripe')],
    ['retryWebhooks', (ctx) => verbs.retryWebhooks(ctx)],
    ['list_waiting_events', (ctx) => verbs.listWaitingEvents(ctx, { status: 'dead', before: null, limit: 100 })],
    ['listMethods', (ctx) => verbs.listMethods(ctx, person)],
    ['analyseRevenue of a month', (ctx) => verbs.analyseRevenue(ctx, month())],
    ['analyseSubscriptions of a month', (ctx) => verbs.analyseSubscriptions(ctx, month())],
  ];
}

async function refused(work) {
  await work.catch((error) => {
    if (error.name !== 'AppError') throw error;
  });
}

const orderOf = (person) => ({
  userId: person,
  priceId: 'prc_personal_basic_month_xtr',
  surface: 'api',
  method: 'telegram_stars',
  language: 'en',
});

const inboxOf = (id) => ({
  id,
  providerId: 'stripe',
  eventId: `~${id}`,
  kind: 'charge.succeeded',
  receivedAt: new Date(),
  body: Buffer.alloc(4_000),
});

/** A provider that lists a page of charges that the books have. */
function listing(ctx, n) {
  const rows = Array.from({ length: 100 }, (_, index) => ({
    chargeId: `~chg_${n + 1 + 4 * index}`,
    reference: null,
    direction: 'charge',
    amount: { amount: 1_500n, currency: 'XTR' },
    occurredAt: new Date(Date.now() - MINUTE_MS),
    payerId: null,
    invoiceId: null,
    renewalDays: null,
  }));
  const listTransactions = async () => ({ rows, next: null, resume: 'end' });
  return { ...ctx, providers: new Map([['stripe', { id: 'stripe', listTransactions }]]) };
}

/** Settled sales of as many people, in bulk, on every rail in turn. */
async function seedSales(client, rows) {
  const id = (prefix) => `'${prefix}_01kahw9d6x0${CELL}' || lpad(n::text, 12, '0')`;
  const series = `generate_series(0, ${rows} - 1) n`;
  const at = `now() - n * ${BETWEEN_SALES}`;
  const amount = 'CASE n % 2 WHEN 1 THEN 150 ELSE 1500 END';
  const sub = `CASE n % 2 WHEN 1 THEN ${id('sub')} END`;
  const end = `now() + interval '30 days'`;
  const price = `CASE n % 2 WHEN 1 THEN 'prc_personal_pro_month_xtr' ELSE 'prc_personal_pro_year_xtr' END`;
  const period = `(CASE n % 2 WHEN 1 THEN 'month' ELSE 'year' END)::billing_interval`;
  const provider = "(ARRAY['telegram-stars', 'stripe', 'crypto-pay', 'btcpay'])[1 + n % 4]";
  const charge = `CASE n % 4 WHEN 0 THEN '~stxBench0${CELL}_' || lpad(n::text, 12, '0') || '_Qm9sZG5lc3NJc05vdEFTdHJhdGVneQ' ELSE '~chg_' || n END`;
  await seedUsers(client, { cell: CELL, count: rows });
  await client.query('SET session_replication_role = replica');
  for (const sql of [
    `INSERT INTO invoice (id, user_id, price_id, plan_id, product_id, kind, "interval", status, surface, amount, currency, platform_fee_bps, expires_at, created_at, closed_at)
     SELECT ${id('inv')}, ${id('usr')}, ${price}, '${PLAN.id}', '${PLAN.productId}', (CASE n % 2 WHEN 1 THEN 'subscription' ELSE 'one_time' END)::invoice_kind,
       ${period}, 'paid', 'mini_app', ${amount}, 'XTR', 3000, ${at}, ${at}, ${at} FROM ${series}`,
    `INSERT INTO payment_attempt (id, invoice_id, user_id, provider, status, url, reference, failure, questions, created_at)
     SELECT ${id('att')}, ${id('inv')}, ${id('usr')}, ${provider}, 'closed', '~', CASE WHEN n % 4 > 0 THEN '~ref_' || n END,
       CASE WHEN n % 20 = 1 THEN 'card_declined' END, CASE WHEN n < 200 THEN 0 ELSE 6 END, ${at} FROM ${series}`,
    `INSERT INTO subscription (id, user_id, product_id, plan_id, price_id, invoice_id, provider, first_charge_id, status, amount, currency, current_period_start, current_period_end, created_at)
     SELECT ${id('sub')}, ${id('usr')}, '${PLAN.productId}', '${PLAN.id}', ${price}, ${id('inv')}, 'telegram-stars', '~stxBench0${CELL}_' || lpad(n::text, 12, '0') || '_Qm9sZG5lc3NJc05vdEFTdHJhdGVneQ',
       (CASE WHEN n < ${rows} / 12 THEN 'active' ELSE 'expired' END)::subscription_status, 150, 'XTR', ${at}, ${end}, ${at} FROM ${series} WHERE n % 2 = 1`,
    `INSERT INTO payment (id, invoice_id, user_id, subscription_id, provider, charge_id, kind, status, amount, currency, platform_fee, processor_fee, developer_share, period_start, period_end, paid_at, created_at)
     SELECT ${id('pay')}, ${id('inv')}, ${id('usr')}, ${sub}, ${provider}, ${charge},
       (CASE n % 2 WHEN 1 THEN 'first' ELSE 'one_time' END)::payment_kind, 'succeeded', ${amount}, 'XTR', ${amount}, 0, 0, ${at}, ${end}, ${at}, ${at} FROM ${series}`,
    `INSERT INTO entitlement (id, user_id, product_id, plan_id, payment_id, subscription_id, starts_at, ends_at, created_at)
     SELECT ${id('ent')}, ${id('usr')}, '${PLAN.productId}', '${PLAN.id}', ${id('pay')}, ${sub}, ${at}, ${end}, ${at} FROM ${series}`,
    `INSERT INTO job (name, lane, payload, run_at, created_at, done_at, outcome) SELECT 'send_notice', 'chat:' || ${id('usr')}, '{}', ${at}, ${at}, ${at}, 'done' FROM ${series}`,
    `INSERT INTO webhook_event (id, provider, event_id, kind, status, result, received_at, processed_at) SELECT ${id('whe')}, ${provider}, '~plans-' || n, 'payment_succeeded',
       (CASE n % 10000 WHEN 1 THEN 'failed' WHEN 2 THEN 'dead' ELSE 'processed' END)::webhook_status, 'settled', ${at}, ${at} FROM ${series}`,
    `INSERT INTO reservation (id, provider, charge_id, invoice_id, amount, currency, status, asked_at, created_at, paid_at)
     SELECT ${id('rsv')}, ${provider}, '~chg_' || n, ${id('inv')}, 1500, 'XTR', (CASE WHEN n % 1000 = 1 THEN 'reserved' ELSE 'paid' END)::reservation_status,
       ${at}, ${at}, CASE WHEN n % 1000 <> 1 THEN ${at} END FROM ${series}`,
    `INSERT INTO refund (id, payment_id, status, reason, amount, currency, requested_by, reference, created_at)
     SELECT ${id('ref')}, ${id('pay')}, (CASE WHEN n % 1000 = 1 THEN 'requested' ELSE 'succeeded' END)::refund_status, 'requested', 150, 'XTR', 'bench', '~re_' || n, ${at}
     FROM ${series} WHERE n % 20 = 1`,
    `INSERT INTO dispute (id, payment_id, reference, status, amount, currency, created_at, closed_at)
     SELECT ${id('dsp')}, ${id('pay')}, '~du_' || n, 'won', 1500, 'XTR', ${at}, ${at} FROM ${series} WHERE n % 100 = 1`,
    `INSERT INTO personal_log (user_id, updated_at) SELECT ${id('usr')}, ${at} FROM ${series}`,
    `INSERT INTO billing_record (id, user_id, type, object_id, status, ciphertext, sha256, created_at, sealed_at)
     SELECT ${id('rec')}, ${id('usr')}, 'payment', ${id('pay')}, 'sealed', '\\x00', '\\x00', ${at}, ${at} FROM ${series}`,
    `INSERT INTO payment_method (id, user_id, provider, status, sealed, reference, created_at) SELECT ${id('pmt')}, ${id('usr')}, 'stripe',
       (CASE n % 4 WHEN 0 THEN 'removed' ELSE 'active' END)::payment_method_status, CASE WHEN n % 4 > 0 THEN '\\x00'::bytea END, '~cs_' || n, ${at} FROM ${series}`,
  ]) {
    await client.query(sql);
  }
  await client.query('RESET session_replication_role');
  await client.query('VACUUM ANALYZE');
}
