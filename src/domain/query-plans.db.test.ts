import { beforeAll, describe, expect, it } from 'vitest';
import { measureBacklog } from '#domain/audit/backlog.ts';
import { signHeads } from '#domain/audit/heads.ts';
import { verifyAudit } from '#domain/audit/verify.ts';
import { answerInquiry } from '#domain/checkout/answer-inquiry.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { forgetItems } from '#domain/checkout/forget-items.ts';
import { findOpenInvoice, getInvoice } from '#domain/checkout/records.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import type { Ctx } from '#domain/context/context.ts';
import { checkEntitlement } from '#domain/entitlement/check.ts';
import { forgetRights } from '#domain/entitlement/forget-ended.ts';
import { listEntitlements } from '#domain/entitlement/list.ts';
import { remindEnds } from '#domain/entitlement/remind-ends.ts';
import { sealAccount, subjectOf } from '#domain/identity/account.ts';
import { listPaymentRecords } from '#domain/payment/list-records.ts';
import { loadCharges } from '#domain/payment/load.ts';
import { getPayment, listPayments } from '#domain/payment/records.ts';
import { listMethods } from '#domain/payment-method/records.ts';
import { forgetUnconfirmed } from '#domain/payment-method/remove.ts';
import { previewErasure } from '#domain/privacy/erasure/preview.ts';
import { queueErasures } from '#domain/privacy/erasure/run.ts';
import { readAudit } from '#domain/privacy/export/audit.ts';
import { readBooks } from '#domain/privacy/export/books.ts';
import { readCards, readCopies, readErasures, readSubscriptions } from '#domain/privacy/export/lists.ts';
import { readOrders } from '#domain/privacy/export/orders.ts';
import { findExportOwner, readKeys, readRecords } from '#domain/privacy/export/own.ts';
import { readSales } from '#domain/privacy/export/sales.ts';
import { countOverdue, retireBooks } from '#domain/privacy/retention.ts';
import { listSeen } from '#domain/privacy/seen.ts';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';
import { listDifferences } from '#domain/reconciliation/list-differences.ts';
import { lapseHolder, lapseReservations } from '#domain/reservation/end.ts';
import { listReservations, loadReservation } from '#domain/reservation/load.ts';
import { analyseRevenue } from '#domain/revenue/analyse.ts';
import { analyseSubscriptions } from '#domain/subscription/analyse.ts';
import { forgetSubscriptions } from '#domain/subscription/forget-ended.ts';
import { listSubscriptions } from '#domain/subscription/records.ts';
import { endSubscriptions, remindRenewals } from '#domain/subscription/run-schedule.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { startEngine } from '../jobs/engine.ts';
import { DONE, jobHandlers, SCHEDULE } from '../jobs/table.ts';
import { CATALOG } from '../testing/catalog.ts';
import { explain, recordStatements, type Sent } from '../testing/plans.ts';
import { makeRail, RAIL } from '../testing/rail.ts';
import { openWorld, STARS } from '../testing/world.ts';

const world = openWorld();
const rail = makeRail(world);
rail.change({ find: async () => [] });
const ROWS = 50_000;
const BIG = [
  'invoice',
  'payment_attempt',
  'payment',
  'entitlement',
  'subscription',
  'job',
  'webhook_event',
  'users',
  'audit_event',
  'audit_link',
  'refund',
  'reservation',
  'dispute',
  'payment_method',
  'billing_record',
  'reconciliation_difference',
  'data_export',
  'erasure',
];
/** What providers call each row: one list serves all columns. */
const CONCEALED = Array.from({ length: ROWS }, (_, n) => TEST_VAULT.conceal(String(n + 1)));
const KNOWN = TEST_VAULT.conceal('25000');
const USER = 'usr_25000';
const INVOICE = 'inv_25000';

/** One person, order, payment, right, subscription, message and job per row, most of them done, a year of them. */
beforeAll(async () => {
  const now = world.clock.now();
  const series = (table: string, columns: string, row: string) =>
    world.sql(
      `INSERT INTO ${table} (${columns}) SELECT ${row} FROM unnest($2::text[]) WITH ORDINALITY AS ids(concealed, n), (SELECT $1::timestamptz AS now) AS clock`,
      [now, CONCEALED],
    );
  const at = "now - n * interval '10 minutes'";
  await series('users', 'id, language', "'usr_' || n, 'en'");
  const link = "'usr_' || n, sha256(convert_to('person ' || n, 'UTF8')), '\\x00'::bytea, '\\x00'::bytea";
  await series('identity_link', 'user_id, subject, sealed, data_key', link);
  const { dataKey, sealed } = sealAccount(world.door, 1n);
  await world.sql('UPDATE identity_link SET sealed = $1, data_key = $2', [Buffer.from(sealed), Buffer.from(dataKey)]);
  await series(
    'invoice',
    'id, user_id, price_id, plan_id, product_id, kind, "interval", status, surface, amount, currency, platform_fee_bps, expires_at, created_at',
    `'inv_' || n, 'usr_' || n, '${CATALOG.basicMonth}', '${CATALOG.basic}', '${CATALOG.line}', 'subscription', 'month', (CASE WHEN n % 100 = 0 THEN 'open' ELSE 'paid' END)::invoice_status, 'mini_app', 50, 'XTR', 3000, ${at} + interval '30 minutes', ${at}`,
  );
  await series(
    'payment_attempt',
    'id, invoice_id, user_id, provider, status, reference, created_at',
    `'att_' || n, 'inv_' || n, 'usr_' || n, CASE WHEN n % 2 = 0 THEN '${RAIL}' ELSE '${STARS}' END, 'closed', CASE WHEN n % 2 = 0 THEN concealed END, ${at}`,
  );
  await series(
    'subscription',
    'id, user_id, product_id, plan_id, price_id, invoice_id, provider, first_charge_id, status, amount, currency, current_period_start, current_period_end, created_at',
    `'sub_' || n, 'usr_' || n, '${CATALOG.line}', '${CATALOG.basic}', '${CATALOG.basicMonth}', 'inv_' || n, '${STARS}', concealed, (CASE WHEN n < 4000 THEN 'active' WHEN n % 50 = 0 THEN 'past_due' ELSE 'expired' END)::subscription_status, 50, 'XTR', ${at}, ${at} + interval '30 days', ${at}`,
  );
  await series(
    'payment',
    'id, invoice_id, user_id, subscription_id, provider, charge_id, kind, status, amount, currency, platform_fee, processor_fee, developer_share, developer_user_id, period_start, period_end, paid_at, created_at',
    `'pay_' || n, 'inv_' || n, 'usr_' || n, 'sub_' || n, '${STARS}', concealed, 'first', 'succeeded', 50, 'XTR', 50, 0, 0, 'usr_' || n % 5000, ${at}, ${at} + interval '30 days', ${at}, ${at}`,
  );
  await series(
    'entitlement',
    'id, user_id, product_id, plan_id, payment_id, subscription_id, starts_at, ends_at, created_at',
    `'ent_' || n, 'usr_' || n, '${CATALOG.line}', '${CATALOG.basic}', 'pay_' || n, 'sub_' || n, ${at}, ${at} + interval '30 days', ${at}`,
  );
  await series(
    'refund',
    'id, payment_id, status, reason, amount, currency, requested_by, reference, created_at',
    `'ref_' || n, 'pay_' || n, 'failed', 'requested', 50, 'XTR', 'test', concealed, ${at}`,
  );
  await series(
    'dispute',
    'id, payment_id, reference, status, amount, currency, created_at, closed_at',
    `'dsp_' || n, 'pay_' || n, concealed, 'won', 50, 'XTR', ${at}, ${at}`,
  );
  await series(
    'payment_method',
    'id, user_id, provider, status, reference, created_at, removed_at',
    `'pmt_' || n, 'usr_' || n, '${RAIL}', 'removed', concealed, ${at}, ${at}`,
  );
  await series(
    'billing_record',
    'id, user_id, type, object_id, status, ciphertext, sha256, created_at, sealed_at',
    `'rec_' || n, 'usr_' || n, 'payment', 'pay_' || n, 'sealed', '\\x00', '\\x00', ${at}, ${at}`,
  );
  await series(
    'data_export',
    'id, user_id, status, obstacle, created_at, completed_at',
    `'exp_' || n, 'usr_' || n, 'failed', 'refused', ${at}, ${at}`,
  );
  await series(
    'reconciliation_difference',
    'id, provider, charge_id, kind, status, created_at',
    `'dif_' || n, '${STARS}', concealed, 'missing_payment', (CASE WHEN n % 500 = 0 THEN 'reported' ELSE 'settled' END)::difference_status, ${at}`,
  );
  await series(
    'erasure',
    'id, user_id, status, requested_at, due_at, completed_at',
    `'era_' || n, 'usr_' || n, 'cancelled', ${at}, ${at} + interval '1 day', ${at}`,
  );
  await series(
    'job',
    'name, lane, payload, run_at, created_at, done_at',
    `'send_notice', 'chat:usr_' || (n % 5000), '{}', ${at}, ${at}, CASE WHEN n < 300 THEN NULL ELSE ${at} END`,
  );
  await series(
    'reservation',
    'id, provider, charge_id, invoice_id, amount, currency, status, asked_at, created_at, paid_at',
    `'rsv_' || n, CASE WHEN n % 2 = 0 THEN 'payme' ELSE 'click' END, concealed, 'inv_' || n, 50, 'XTR', (CASE WHEN n < 300 THEN 'reserved' ELSE 'paid' END)::reservation_status, ${at}, ${at}, CASE WHEN n >= 300 THEN ${at} END`,
  );
  await series(
    'webhook_event',
    'id, provider, event_id, kind, status, next_attempt_at, body, received_at, processed_at',
    `'whe_' || n, '${STARS}', concealed, 'payment_succeeded', (CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'processed' END)::webhook_status, CASE WHEN n % 500 = 0 THEN ${at} END, CASE WHEN n < 1200 THEN '\\x00'::bytea END, ${at}, ${at}`,
  );
  await series(
    'audit_event',
    'at, actor, action, object_id, data, request_id',
    `${at}, CASE WHEN n % 2 = 0 THEN 'system' ELSE 'usr_' || n END, 'payment.settled', 'pay_' || n, '{}', 'req'`,
  );
  await world.sql('ANALYZE');
}, 120_000);

const inYears = (ctx: Ctx, years: number): Ctx['clock'] => ({
  now: () => new Date(ctx.clock.now().getTime() + years * 366 * 86_400_000),
  stop: () => undefined,
});

const lastMonth = (ctx: Ctx) => {
  const to = ctx.clock.now();
  return { from: new Date(to.getTime() - 30 * 86_400_000), to };
};

const QUERIES: ReadonlyArray<[name: string, run: (ctx: Ctx) => Promise<unknown>]> = [
  [
    'load_charges',
    (ctx) =>
      loadCharges(ctx, [{ providerId: STARS, chargeId: KNOWN, invoiceId: INVOICE, payer: subjectOf(ctx, 5_025_000n) }]),
  ],
  [
    'load_charges, 64 at once',
    (ctx) =>
      loadCharges(
        ctx,
        Array.from({ length: 64 }, (_, n) => ({
          providerId: STARS,
          chargeId: `stx${n}`,
          invoiceId: `inv_${n}`,
          payer: subjectOf(ctx, BigInt(5_000_000 + n)),
        })),
      ),
  ],
  [
    'load_checkout',
    (ctx) =>
      startCheckout(ctx, {
        userId: USER,
        priceId: CATALOG.proMonth,
        surface: 'mini_app',
        method: 'telegram_stars',
        language: 'en',
      }),
  ],
  [
    'load_inquiry',
    (ctx) =>
      answerInquiry(ctx, {
        type: 'may_pay',
        inquiryId: '1',
        invoiceId: INVOICE,
        payerId: 5_025_000n,
        price: { amount: 50n, currency: 'XTR' },
        languageCode: null,
      }),
  ],
  ['load_reservation', (ctx) => loadReservation(ctx, { providerId: 'payme', chargeId: KNOWN, invoiceId: INVOICE })],
  [
    'list_reservations',
    (ctx) => listReservations(ctx, { providerId: 'payme', from: new Date(0), to: new Date(1), limit: 10 }),
  ],
  ['lapseReservations', (ctx) => lapseReservations(ctx)],
  ['askOpenOrders', (ctx) => askOpenOrders(ctx)],
  ...(['invoiceId', 'reference', 'chargeId'] as const).map((name): [string, (ctx: Ctx) => Promise<unknown>] => [
    `load_asked_order by ${name}`,
    (ctx) => {
      const known = { invoiceId: INVOICE, reference: KNOWN, chargeId: KNOWN };
      const about = { invoiceId: null, reference: null, chargeId: null, [name]: known[name] };
      return convergeOrder(rail.in(ctx), { providerId: RAIL, about });
    },
  ]),
  [
    'load_asked_order by a refund',
    (ctx) => {
      const about = { invoiceId: null, reference: KNOWN, chargeId: null };
      return convergeOrder(rail.in(ctx), { providerId: RAIL, about });
    },
  ],
  ['askOpenOrders of a provider with checkouts', (ctx) => askOpenOrders(rail.in(ctx))],
  ['listDifferences', (ctx) => listDifferences(ctx, { before: null, limit: 50 })],
  ['listDifferences, a later page', (ctx) => listDifferences(ctx, { before: 'dif_25000', limit: 50 })],
  ['listMethods', (ctx) => listMethods(ctx, USER)],
  ['forgetUnconfirmed', (ctx) => forgetUnconfirmed(ctx)],
  ['lapseHolder', (ctx) => lapseHolder(ctx, INVOICE)],
  ['check_entitlement', (ctx) => checkEntitlement(ctx, { userId: USER, productCode: 'line' })],
  ['listEntitlements', (ctx) => listEntitlements(ctx, USER)],
  ['listPayments', (ctx) => listPayments(ctx, { userId: USER, limit: 20 })],
  [
    'listPayments, a later page of a month',
    (ctx) =>
      listPayments(ctx, {
        userId: USER,
        limit: 20,
        month: '2026-06',
        cursor: { paidAt: ctx.clock.now(), id: 'pay_1' },
      }),
  ],
  [
    'listPaymentRecords of fifty payments',
    (ctx) =>
      listPaymentRecords(ctx, { userId: USER, paymentIds: Array.from({ length: 50 }, (_, n) => `pay_${24_975 + n}`) }),
  ],
  ['getPayment', (ctx) => getPayment(ctx, 'pay_25000')],
  ['getInvoice', (ctx) => getInvoice(ctx, INVOICE)],
  ['findOpenInvoice', (ctx) => findOpenInvoice(ctx, USER)],
  ['listSubscriptions', (ctx) => listSubscriptions(ctx, USER)],
  ['listSeen', (ctx) => listSeen(ctx, USER)],
  [
    'a copy of somebody’s data',
    async (ctx) => {
      const scope = { userId: USER, language: 'en', asOf: new Date(ctx.clock.now().getTime() + 3_600_000) };
      const owner = await findExportOwner(ctx, scope);
      const dataKey = owner?.dataKey ?? new Uint8Array();
      for (const pages of [
        readBooks(ctx, scope),
        readOrders(ctx, scope, dataKey),
        readSubscriptions(ctx, scope),
        readCards(ctx, scope),
        readKeys(ctx, scope, dataKey),
        readRecords(ctx, scope, dataKey),
        readSales(ctx, scope),
        readCopies(ctx, scope),
        readErasures(ctx, scope),
        readAudit(ctx, scope),
      ])
        for await (const page of pages) expect(page).toBeTruthy();
    },
  ],
  ['expireInvoices', (ctx) => expireInvoices(ctx)],
  [
    'endSubscriptions',
    (ctx) =>
      endSubscriptions({
        ...ctx,
        clock: { now: () => new Date(ctx.clock.now().getTime() + 3_600_000), stop: () => undefined },
      }),
  ],
  ['remindRenewals', (ctx) => remindRenewals(ctx)],
  ['remindEnds', (ctx) => remindEnds(ctx)],
  ['retryWebhooks', (ctx) => retryWebhooks(ctx)],
  ['signHeads', (ctx) => signHeads(ctx)],
  ['verifyAudit, a part of it', (ctx) => verifyAudit(ctx, { after: 25_000n, limit: 100 })],
  ['measureBacklog', (ctx) => measureBacklog(ctx)],
  ['previewErasure', (ctx) => previewErasure(ctx, USER)],
  ['queueErasures', (ctx) => queueErasures(ctx)],
  ['countOverdue', (ctx) => countOverdue({ ...ctx, clock: inYears(ctx, 8) })],
  ['retireBooks, when nothing is due', (ctx) => retireBooks(ctx)],
  ['analyseRevenue of a month', (ctx) => analyseRevenue(ctx, lastMonth(ctx))],
  ['analyseSubscriptions of a month', (ctx) => analyseSubscriptions(ctx, lastMonth(ctx))],
  // Last: what they find is not there for the others.
  ['forgetItems', (ctx) => forgetItems(ctx)],
  ['forgetSubscriptions', (ctx) => forgetSubscriptions(ctx)],
  ['forgetRights', (ctx) => forgetRights(ctx)],
];

const isOurs = ({ text }: Sent) =>
  /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/i.test(text) && !/pg_catalog|pg_notify/.test(text);

async function bigScans(statements: Sent[]): Promise<string[]> {
  const found: string[] = [];
  for (const statement of new Map(statements.filter(isOurs).map((sent) => [sent.text, sent])).values()) {
    const steps = await explain(world.database.pool, statement);
    const scans = steps.filter((step) => step.startsWith('Seq Scan') && BIG.includes(step.split(' ')[2] ?? ''));
    if (scans.length > 0) found.push(`${scans.join(', ')} in: ${statement.text.replace(/\s+/g, ' ').slice(0, 400)}`);
  }
  return found;
}

describe('with fifty thousand rows in every table, nothing is searched from end to end by', () => {
  it.each(QUERIES)('%s', async (_name, run) => {
    const statements = await recordStatements(world.database.pool, () => run(world.system));
    expect(statements.filter(isOurs).length).toBeGreaterThan(0);
    expect(await bigScans(statements)).toEqual([]);
  });

  it('the questions about checkouts, which read only what is due', async () => {
    const statements = await recordStatements(world.database.pool, () => askOpenOrders(rail.in(world.system)));
    const ofCheckouts = statements.filter(
      ({ text, values }) => /^UPDATE payment_attempt/.test(text) && values[0] === RAIL,
    );
    expect(ofCheckouts).toHaveLength(2);
    for (const statement of ofCheckouts)
      expect((await explain(world.database.pool, statement)).join()).toContain(' payment_attempt_due');
  });

  it('what names a person in the audit, which is found by who did it and by what it is about', async () => {
    const scope = { userId: USER, language: 'en', asOf: world.clock.now() };
    const statements = await recordStatements(world.database.pool, async () => {
      for await (const page of readAudit(world.system, scope)) expect(page).toBeTruthy();
      await previewErasure(world.system, USER);
      await listSeen(world.system, USER);
    });
    const ofAudit = statements.filter(({ text }) => / audit_event /.test(text));
    const plans = await Promise.all(ofAudit.map((statement) => explain(world.database.pool, statement)));
    const reads = plans.flat().filter((step) => step.includes('audit_event'));
    expect(reads.some((step) => step.includes('audit_event_by_person'))).toBe(true);
    for (const step of reads) expect(step).toMatch(/ audit_event_(by_person|object_id_seq_idx)$/);
  });

  it('claim_jobs', async () => {
    // The schedule has work for a minute in so many rows: it has just run.
    await world.sql('INSERT INTO schedule (name, last_run_at) SELECT unnest($1::text[]), $2', [
      SCHEDULE.map(({ name }) => name),
      world.clock.now(),
    ]);
    const statements = await recordStatements(world.database.pool, async () => {
      let done = 0;
      const engine = startEngine(
        world.door,
        jobHandlers({
          send_notice: async () => {
            done += 1;
            return DONE;
          },
          deliver_record: async () => DONE,
          export_data: async () => DONE,
          run_erasure: async () => DONE,
        }),
      );
      await expect.poll(() => done, { timeout: 20_000 }).toBeGreaterThan(50);
      await engine.stop();
    });
    const claims = statements.filter(({ text }) => /UPDATE job SET locked_until/.test(text));
    expect(claims.length).toBeGreaterThan(0);
    expect(await bigScans(claims)).toEqual([]);
  });
});
