import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { measureBacklog } from '#domain/audit/backlog.ts';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { concealAll } from '#domain/context/conceal-references.ts';
import { telegramIdOf } from '#domain/identity/account.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { ProviderTransaction } from '#domain/provider/request.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import { refundedPayment, successfulPayment } from '../../testing/updates.ts';
import { type Buyer, DAY_MS, MONTH_MS, newChargeId, openWorld, type PriceId, STARS } from '../../testing/world.ts';
import { listDifferences } from './list-differences.ts';

const world = openWorld();
beforeAll(() => world.connect());
// Subscriptions of an earlier test would renew in a later one, when the clock is moved.
afterEach(async () => {
  const rows = await world.sql<{ user_id: string }>('SELECT DISTINCT user_id FROM subscription');
  for (const { user_id } of rows)
    for (const { id, state } of await world.sandbox.subscriptions(Number(await telegramIdOf(world.system, user_id))))
      if (state === 'active') await world.sandbox.cancelSubscription(id);
});

const MINUTE_MS = 60_000;
const reconcile = () => reconcilePayments(world.system, STARS);
const paymentsOf = (invoiceId: string) =>
  world.sql<{ id: string; kind: string; status: string }>(
    'SELECT id, kind, status FROM payment WHERE invoice_id = $1 ORDER BY paid_at, kind',
    [invoiceId],
  );
const differencesOf = (chargeId: string) =>
  world.sql('SELECT kind, status FROM reconciliation_difference WHERE charge_id = $1 ORDER BY kind', [chargeId]);
const firstCharge = async (buyer: Buyer) =>
  (await world.sandbox.transactions(Number(buyer.telegramId))).at(-1)?.id ?? '';

/** Pays in the sandbox; what Telegram would tell us about it is lost `lost` times. */
async function payAndLose(buyer: Buyer, priceId: PriceId, lost: number) {
  const { invoiceId, url } = await world.order(buyer, priceId);
  await world.sandbox.setFaults(lost > 0 ? { updates: { type: 'message', kind: 'drop', remaining: lost } } : {});
  expect(await world.sandbox.pay(url ?? '', Number(buyer.telegramId))).toMatchObject({ status: 'paid' });
  if (lost === 0) await expect.poll(() => paymentsOf(invoiceId)).toHaveLength(1);
  await world.sandbox.setFaults({});
  return invoiceId;
}

describe('reconciliation', () => {
  it('settles a payment whose message was lost, once it is old enough to be surely lost', async () => {
    const buyer = await world.newBuyer();
    const invoiceId = await payAndLose(buyer, CATALOG.pluginOnce, 1);
    await world.advance(89_000);
    expect((await reconcile()).settled).toBe(0);
    await world.advance(MINUTE_MS);
    expect((await reconcile()).settled).toBe(1);
    expect((await reconcile()).settled).toBe(0);
    expect(await paymentsOf(invoiceId)).toMatchObject([{ kind: 'one_time', status: 'succeeded' }]);
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    expect(await differencesOf(await firstCharge(buyer))).toEqual([{ kind: 'missing_payment', status: 'settled' }]);
    await expectWholeBooks(world.system);
  });

  it('and the message that comes late after all changes nothing', async () => {
    const buyer = await world.newBuyer();
    const invoiceId = await payAndLose(buyer, CATALOG.basicMonth, 1);
    const at = world.clock.now();
    await world.advance(2 * MINUTE_MS);
    await Promise.all([reconcile(), reconcile(), reconcile()]);
    const before = await paymentsOf(invoiceId);
    expect(before).toMatchObject([{ kind: 'first' }]);
    const facts = {
      payer: buyer,
      invoiceId,
      amount: 50,
      chargeId: await firstCharge(buyer),
      at,
      recurring: { isFirst: true, until: new Date(at.getTime() + MONTH_MS) },
    };
    await world.deliver(successfulPayment(world.nextUpdateId(), facts));
    expect(await paymentsOf(invoiceId)).toEqual(before);
    await expectWholeBooks(world.system);
  });

  it('settles a renewal whose message was lost as exactly its period, also when the next one came', async () => {
    const buyer = await world.newBuyer();
    const invoiceId = await payAndLose(buyer, CATALOG.basicMonth, 0);
    const [subscription] = await world.sql<{ current_period_end: Date }>(
      'SELECT current_period_end FROM subscription WHERE invoice_id = $1',
      [invoiceId],
    );
    await world.sandbox.setFaults({ updates: { type: 'message', kind: 'drop', remaining: 1 } });
    await world.advance(MONTH_MS + MINUTE_MS);
    await world.advance(MONTH_MS);
    await expect.poll(() => paymentsOf(invoiceId)).toHaveLength(2);
    expect((await reconcile()).settled).toBeGreaterThanOrEqual(1);
    const rights = await world.sql<{ starts_at: Date; ends_at: Date }>(
      'SELECT starts_at, ends_at FROM entitlement WHERE user_id = $1 ORDER BY starts_at',
      [buyer.id],
    );
    const end = subscription?.current_period_end.getTime() ?? 0;
    expect(rights.map(({ starts_at }) => (starts_at.getTime() - end) / MONTH_MS)).toEqual([-1, 0, 1]);
    expect(rights.map(({ ends_at }) => (ends_at.getTime() - end) / MONTH_MS)).toEqual([0, 1, 2]);
    expect((await paymentsOf(invoiceId)).map(({ kind }) => kind)).toEqual(['first', 'renewal', 'renewal']);
    await expectWholeBooks(world.system);
  });

  it('settles a refund whose message was lost, and one that overtook its payment', async () => {
    const buyer = await world.newBuyer();
    const invoiceId = await payAndLose(buyer, CATALOG.pluginOnce, 0);
    await world.sandbox.setFaults({ updates: { type: 'message', kind: 'drop', remaining: 1 } });
    await world.sandbox.refundByStore(await firstCharge(buyer));
    await world.sandbox.setFaults({});
    await world.advance(2 * MINUTE_MS);
    expect((await reconcile()).settled).toBe(1);
    expect(await paymentsOf(invoiceId)).toMatchObject([{ status: 'refunded' }]);

    const other = await world.newBuyer();
    const lost = await payAndLose(other, CATALOG.pluginOnce, 1);
    const paidAt = world.clock.now();
    await world.advance(DAY_MS);
    await world.sandbox.refundByStore(await firstCharge(other));
    await expect
      .poll(() => world.sql("SELECT error FROM webhook_event WHERE status = 'failed'"))
      .toEqual([{ error: 'payment_not_found' }]);
    await world.advance(2 * MINUTE_MS);
    await reconcile();
    expect(await paymentsOf(lost)).toMatchObject([{ status: 'refunded' }]);
    expect(await world.sql('SELECT paid_at FROM payment WHERE invoice_id = $1', [lost])).toEqual([
      { paid_at: new Date(Math.floor(paidAt.getTime() / 1000) * 1000) },
    ]);
    expect(await retryWebhooks(world.system)).toBe(1);
    expect(await noticesOf(world, other.id)).toEqual({ paid: 1, refunded: 1 });
    await expectWholeBooks(world.system);
  });

  it('sends back a second subscription of the same link, as surplus', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId, url } = await world.order(buyer, CATALOG.proMonth);
    // Two taps pass the gate before either charge is known; the message of the second is lost.
    await world.sandbox.setFaults({ updates: { type: 'message', kind: 'drop', remaining: 2 } });
    const results = await Promise.all([
      world.sandbox.pay(url ?? '', Number(buyer.telegramId)),
      world.sandbox.pay(url ?? '', Number(buyer.telegramId)),
    ]);
    await world.sandbox.setFaults({});
    expect(results).toMatchObject([{ status: 'paid' }, { status: 'paid' }]);
    await world.advance(2 * MINUTE_MS);
    expect((await reconcile()).settled).toBe(2);
    const payments = await paymentsOf(invoiceId);
    expect(payments.map(({ kind, status }) => [kind, status])).toEqual([
      ['first', 'succeeded'],
      ['surplus', 'refunding'],
    ]);
    const [refund] = await world.sql<{ id: string }>(
      'SELECT r.id FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.invoice_id = $1',
      [invoiceId],
    );
    expect(await executeRefund(world.system, refund?.id ?? '')).toBe('done');
    await expect.poll(async () => (await noticesOf(world, buyer.id))['surplus_refunded']).toBe(1);
    await expectWholeBooks(world.system);
  });

  it('reports what it cannot settle, once: an unknown order, another amount, a payment Telegram does not know', async () => {
    const buyer = await world.newBuyer();
    const invoiceId = await payAndLose(buyer, CATALOG.pluginOnce, 0);
    const differing = await firstCharge(buyer);
    await world.sql('ALTER TABLE payment DISABLE TRIGGER ALL');
    await world.sql('UPDATE payment SET amount = 102, platform_fee = platform_fee + 1 WHERE invoice_id = $1', [
      invoiceId,
    ]);
    const known = await world.buy(await world.newBuyer(), CATALOG.pluginOnce);
    const stranger = await world.newBuyer();
    const lost = await payAndLose(stranger, CATALOG.basicYear, 1);
    const unknown = await firstCharge(stranger);
    await world.sandbox.refundByStore(unknown);
    await world.sql('UPDATE payment_attempt SET status = $2 WHERE invoice_id = $1', [lost, 'closed']);
    await world.sql('DELETE FROM payment_attempt WHERE invoice_id = $1', [lost]);
    await world.sql('DELETE FROM invoice WHERE id = $1', [lost]);
    await world.advance(11 * MINUTE_MS);
    const result = await reconcile();
    expect(result.reported).toBe(4);
    expect((await reconcile()).reported).toBe(0);
    expect(await differencesOf(differing)).toEqual([{ kind: 'amount_differs', status: 'reported' }]);
    expect(await differencesOf(known.chargeId)).toEqual([{ kind: 'not_at_provider', status: 'reported' }]);
    expect(await differencesOf(unknown)).toEqual([
      { kind: 'missing_refund', status: 'reported' },
      { kind: 'unknown_order', status: 'reported' },
    ]);
    // An operator reads them by what the provider calls each charge, newest first, page by page.
    const first = await listDifferences(world.system, { before: null, limit: 3 });
    const second = await listDifferences(world.system, { before: first.next, limit: 3 });
    const listed = [...first.rows, ...second.rows].map(({ chargeId, kind }) => `${chargeId} ${kind}`);
    expect(first.rows).toHaveLength(3);
    for (const one of [`${differing} amount_differs`, `${known.chargeId} not_at_provider`, `${unknown} unknown_order`])
      expect(listed).toContain(one);
    await expect(listDifferences(stranger.ctx, { before: null, limit: 3 })).rejects.toMatchObject({
      kind: 'forbidden',
    });
    expect(await paymentsOf(invoiceId)).toMatchObject([{ status: 'succeeded' }]);
  });

  it('does not read again what can no longer change, and begins anew when the list became shorter', async () => {
    await world.advance(3 * DAY_MS);
    const whole = await reconcile();
    expect(whole.checked).toBeGreaterThan(5);
    expect((await reconcile()).checked).toBe(0);
    await payAndLose(await world.newBuyer(), CATALOG.pluginOnce, 0);
    expect((await reconcile()).checked).toBe(1);
    const [{ cursor } = { cursor: '' }] = await world.sql<{ cursor: string }>(
      'SELECT cursor FROM reconciliation_cursor',
    );
    await world.sql('UPDATE reconciliation_cursor SET cursor = $1', ['100000']);
    expect((await reconcile()).checked).toBe(Number(cursor) + 1);
  });

  it('does not take a payment just before what it reads for one that Telegram does not know', async () => {
    const before = await world.newBuyer();
    const early = await payAndLose(before, CATALOG.pluginOnce, 0);
    await payAndLose(await world.newBuyer(), CATALOG.pluginOnce, 0);
    // The chat message of the first says a later second than Telegram's list does of the second.
    await world.sql(`UPDATE payment SET paid_at = paid_at + interval '2 seconds' WHERE invoice_id = $1`, [early]);
    await world.advance(11 * MINUTE_MS);
    await world.sql('UPDATE reconciliation_cursor SET cursor = NULL');
    const { checked } = await reconcile();
    await world.sql('UPDATE reconciliation_cursor SET cursor = $1', [String(checked - 1)]);
    expect((await reconcile()).checked).toBe(1);
    expect(await differencesOf(await firstCharge(before))).toEqual([]);
  });

  it('reports a row that no table can hold, and goes on to the next', async () => {
    const stars = world.system.providers.get(STARS);
    if (!stars) throw new Error('no provider');
    const [nul, none] = [newChargeId(), newChargeId()];
    const row = {
      direction: 'charge',
      reference: null,
      amount: { amount: 1n, currency: 'XTR' },
      occurredAt: world.clock.now(),
    } as const;
    const rows = [
      { ...row, chargeId: nul, invoiceId: 'inv_\0', payerId: 1n, renewalDays: null },
      { ...row, chargeId: none, invoiceId: 'inv_none', payerId: 1n, renewalDays: null },
    ];
    await world.advance(2 * MINUTE_MS);
    const provider = { ...stars, id: 'stub', listTransactions: async () => ({ rows, next: null, resume: null }) };
    const ctx = { ...world.system, providers: concealAll(new Map([['stub', provider]]), TEST_VAULT) };
    expect(await reconcilePayments(ctx, 'stub')).toMatchObject({ checked: 2, reported: 2 });
    expect(await differencesOf(nul)).toEqual([{ kind: 'missing_payment', status: 'reported' }]);
    expect(await differencesOf(none)).toEqual([{ kind: 'unknown_order', status: 'reported' }]);
  });

  it('goes on with a list that is longer than one run reads, says so meanwhile, and begins anew at its end', async () => {
    const stars = world.system.providers.get(STARS);
    if (!stars) throw new Error('no provider');
    const last = newChargeId();
    const pages = 150;
    const asked: Array<{ cursor: string | null; since: Date }> = [];
    const listTransactions: NonNullable<Provider['listTransactions']> = async ({ cursor, since }) => {
      asked.push({ cursor, since });
      if (cursor === 'gone') throw new ProviderError('invalid', 'CURSOR_UNKNOWN');
      const page = Number(cursor ?? 0);
      const row: ProviderTransaction = {
        direction: 'refund',
        chargeId: last,
        reference: null,
        amount: { amount: 1n, currency: 'XTR' },
        occurredAt: new Date(world.clock.now().getTime() - 2 * MINUTE_MS),
        payerId: 1n,
        invoiceId: 'inv_none',
        renewalDays: null,
      };
      const isLast = page === pages - 1;
      return { rows: [isLast ? row : null], next: isLast ? null : `${page + 1}`, resume: null };
    };
    const ctx = {
      ...world.system,
      providers: concealAll(new Map([['long', { ...stars, id: 'long', listTransactions }]]), TEST_VAULT),
    };
    const stateOf = async () =>
      (
        await world.sql('SELECT next, begun_at, since, finished_at FROM reconciliation_cursor WHERE provider = $1', [
          'long',
        ])
      )[0];

    const begunAt = world.clock.now();
    const since = new Date(begunAt.getTime() - 30 * DAY_MS);
    expect(await reconcilePayments(ctx, 'long')).toEqual({ checked: 100, settled: 0, reported: 0 });
    expect(await stateOf()).toEqual({ next: '100', begun_at: begunAt, since, finished_at: null });
    await world.advance(10 * MINUTE_MS);
    expect((await measureBacklog(world.system)).oldestSeconds['reconciliation']).toBeGreaterThanOrEqual(600);

    expect(await reconcilePayments(ctx, 'long')).toEqual({ checked: 50, settled: 0, reported: 1 });
    expect(await differencesOf(last)).toEqual([{ kind: 'missing_refund', status: 'reported' }]);
    expect(asked[100]).toEqual({ cursor: '100', since });
    const finishedAt = world.clock.now();
    // What happened while it was read stands in the next reading as well.
    const next = new Date(begunAt.getTime() - 2 * DAY_MS);
    expect(await stateOf()).toEqual({ next: null, begun_at: null, since: next, finished_at: finishedAt });

    await world.advance(10 * MINUTE_MS);
    await reconcilePayments(ctx, 'long');
    expect(asked[150]).toEqual({ cursor: null, since: next });
    expect(await stateOf()).toMatchObject({ next: '100', finished_at: finishedAt });

    // A place that its provider does not know any more is not asked for a second time.
    await world.sql("UPDATE reconciliation_cursor SET next = 'gone' WHERE provider = 'long'");
    await expect(reconcilePayments(ctx, 'long')).rejects.toMatchObject({ failure: 'invalid' });
    expect(await reconcilePayments(ctx, 'long')).toMatchObject({ checked: 100 });
    expect(asked.at(-100)).toEqual({ cursor: null, since: next });
    await world.sql("DELETE FROM reconciliation_cursor WHERE provider = 'long'");
  });

  it('stops with the provider, and knows no other', async () => {
    await world.sandbox.setFaults({ api: { method: 'getStarTransactions', kind: 'server_error', remaining: 1 } });
    await expect(reconcile()).rejects.toMatchObject({ failure: 'unavailable' });
    await expect(reconcilePayments(world.system, 'nobody')).rejects.toMatchObject({ failure: 'misconfigured' });
  });

  it('honours a lost payment of a cancelled order', async () => {
    const buyer = await world.newBuyer();
    const invoiceId = await payAndLose(buyer, CATALOG.basicYear, 1);
    await cancelInvoice(buyer.ctx, invoiceId);
    await world.advance(2 * MINUTE_MS);
    await reconcile();
    expect(await paymentsOf(invoiceId)).toMatchObject([{ kind: 'one_time', status: 'succeeded' }]);
  });
});

describe('a refund for a charge of nobody', () => {
  it('waits in the inbox', async () => {
    const buyer = await world.newBuyer();
    const facts = {
      payer: buyer,
      invoiceId: 'inv_none',
      amount: AMOUNTS[CATALOG.pluginOnce],
      chargeId: newChargeId(),
      at: world.clock.now(),
    };
    const update = refundedPayment(world.nextUpdateId(), facts);
    expect((await world.deliver(update)).reply.status).toBe(200);
    expect(
      await world.sql('SELECT status, error FROM webhook_event WHERE event_id = $1', [String(update.update_id)]),
    ).toEqual([{ status: 'failed', error: 'payment_not_found' }]);
  });
});
