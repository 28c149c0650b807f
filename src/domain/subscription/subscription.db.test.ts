import { describe, expect, it } from 'vitest';
import { checkEntitlement } from '#domain/entitlement/check.ts';
import { cancelSurplusRenewal } from '#domain/payment/cancel-surplus-renewal.ts';
import { executeRefund } from '#domain/payment/execute-refund.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { replayWebhook } from '#domain/webhook/replay.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { endState, expectWholeBooks, jobsOf, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import { refundedPayment, subscriptionUpdate, successfulPayment } from '../../testing/updates.ts';
import { type Bought, type Buyer, DAY_MS, MONTH_MS, newChargeId, openWorld } from '../../testing/world.ts';
import { cancelSubscription, resumeSubscription, stopRenewal } from './cancel.ts';
import { changeSubscription } from './change.ts';
import { getSubscription, listSubscriptions } from './records.ts';
import { endSubscriptions, remindRenewals } from './run-schedule.ts';

const world = openWorld();

const subscriptionOf = async (invoiceId: string) =>
  world.database.prisma.subscription.findUniqueOrThrow({ where: { invoiceId } });
const statusOf = async (invoiceId: string) => (await subscriptionOf(invoiceId)).status;
const tell = (buyer: Buyer, invoiceId: string, state: 'canceled' | 'active' | 'failed') =>
  world.deliver(subscriptionUpdate(world.nextUpdateId(), { payer: buyer, invoiceId, state }));
const renewal = (buyer: Buyer, bought: Bought, period: number) => ({
  payer: buyer,
  invoiceId: bought.invoiceId,
  amount: bought.amount,
  chargeId: newChargeId(),
  at: new Date(bought.at.getTime() + period * MONTH_MS),
  recurring: { isFirst: false, until: new Date(bought.until.getTime() + period * MONTH_MS) },
});
const renew = (buyer: Buyer, bought: Bought, period: number) =>
  world.deliver(successfulPayment(world.nextUpdateId(), renewal(buyer, bought, period)));
const isEntitled = async (buyer: Buyer) =>
  (await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'line' })).isEntitled;
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );

/** A subscription that the sandbox knows as well, so that it can be stopped there. */
async function subscribe(buyer: Buyer) {
  const { invoiceId, url } = await world.order(buyer, CATALOG.basicMonth);
  expect(await world.sandbox.pay(url ?? '', Number(buyer.telegramId))).toMatchObject({ status: 'paid' });
  await expect.poll(() => world.sql('SELECT id FROM subscription WHERE invoice_id = $1', [invoiceId])).toHaveLength(1);
  return { invoiceId, subscription: await subscriptionOf(invoiceId) };
}
const inTelegram = async (buyer: Buyer) =>
  (await world.sandbox.subscriptions(Number(buyer.telegramId))).map(({ state }) => state);

describe('renewals', () => {
  it('extend exactly one period each, however often they are told', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    const facts = renewal(buyer, bought, 1);
    await Promise.all(Array.from({ length: 20 }, () => world.deliver(successfulPayment(world.nextUpdateId(), facts))));
    expect(await subscriptionOf(bought.invoiceId)).toMatchObject({
      status: 'active',
      currentPeriodEnd: facts.recurring.until,
    });
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1, renewed: 1 });
    await expectWholeBooks(world.system);
  });

  it('of a revoked subscription give their period, and are stopped again', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    await world.deliver(refundedPayment(world.nextUpdateId(), { payer: buyer, ...bought }));
    expect(await statusOf(bought.invoiceId)).toBe('revoked');
    expect(await isEntitled(buyer)).toBe(false);
    await renew(buyer, bought, 1);
    const { id, status } = await subscriptionOf(bought.invoiceId);
    expect(status).toBe('revoked');
    expect((await jobsOf(world, 'stop_renewal')).filter(({ subscriptionId }) => subscriptionId === id)).toHaveLength(2);
    expect(
      await world.sql('SELECT kind, status FROM payment WHERE invoice_id = $1 ORDER BY kind', [bought.invoiceId]),
    ).toEqual([
      { kind: 'first', status: 'refunded' },
      { kind: 'renewal', status: 'succeeded' },
    ]);
    await expectWholeBooks(world.system);
  });

  it('bring an expired subscription back, dated as running', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    await tell(buyer, bought.invoiceId, 'canceled');
    await world.sql("UPDATE subscription SET status = 'expired', ended_at = $2 WHERE invoice_id = $1", [
      bought.invoiceId,
      world.clock.now(),
    ]);
    await renew(buyer, bought, 1);
    expect(await subscriptionOf(bought.invoiceId)).toMatchObject({
      status: 'active',
      endedAt: null,
      cancelledBy: null,
    });
  });

  it('beside a newer subscription to the plan go back, and stop by the old one’s first charge', async () => {
    const buyer = await world.newBuyer();
    const old = await world.buy(buyer, CATALOG.basicMonth);
    await tell(buyer, old.invoiceId, 'failed');
    // Told thirty days ahead: nothing failed yet.
    expect(await statusOf(old.invoiceId)).toBe('active');
    world.clock.advance(MONTH_MS);
    await tell(buyer, old.invoiceId, 'failed');
    expect(await statusOf(old.invoiceId)).toBe('past_due');
    const fresh = await world.buy(buyer, CATALOG.basicMonth);
    const oldId = (await subscriptionOf(old.invoiceId)).id;
    const stops = async () =>
      (await jobsOf(world, 'stop_renewal')).filter(({ subscriptionId }) => subscriptionId === oldId);
    expect(await stops()).toHaveLength(1);
    await renew(buyer, old, 1);
    expect(await stops()).toHaveLength(2);
    expect(await statusOf(fresh.invoiceId)).toBe('active');
    const kinds = await world.sql('SELECT kind FROM payment WHERE invoice_id = $1 ORDER BY kind', [old.invoiceId]);
    expect(kinds).toEqual([{ kind: 'first' }, { kind: 'surplus' }]);
    await expectWholeBooks(world.system);
  });
});

describe('a message that came before its subscription', () => {
  const inboxOf = async (updateId: number) =>
    (await world.sql('SELECT status, result FROM webhook_event WHERE event_id = $1', [String(updateId)]))[0];
  /** A cancellation that fails, because the first charge is told only after it. */
  async function cancelledEarly() {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.basicMonth);
    const cancel = subscriptionUpdate(world.nextUpdateId(), { payer: buyer, invoiceId, state: 'canceled' });
    await world.deliver(cancel);
    expect(await inboxOf(cancel.update_id)).toMatchObject({ status: 'failed' });
    const at = world.clock.now();
    world.clock.advance(1_000);
    const recurring = { isFirst: true, until: new Date(at.getTime() + MONTH_MS) };
    const facts = { payer: buyer, invoiceId, amount: AMOUNTS[CATALOG.basicMonth], chargeId: newChargeId(), at };
    await world.deliver(successfulPayment(world.nextUpdateId(), { ...facts, recurring }));
    expect(await statusOf(invoiceId)).toBe('active');
    world.clock.advance(1_000);
    return { buyer, invoiceId, cancel };
  }
  const retry = async () => {
    world.clock.advance(10_000);
    await retryWebhooks(world.system);
  };

  it('has its effect when it is tried again', async () => {
    const { cancel, invoiceId } = await cancelledEarly();
    await retry();
    expect(await inboxOf(cancel.update_id)).toEqual({ status: 'processed', result: 'applied' });
    expect(await statusOf(invoiceId)).toBe('cancelling');
  });

  it.each([
    ['is tried again', (_cancel: object) => retry()],
    ['is delivered again', (cancel: object) => world.deliver(cancel)],
  ])('has none when it %s after a later one', async (_name, repeat) => {
    const { buyer, cancel, invoiceId } = await cancelledEarly();
    await tell(buyer, invoiceId, 'active');
    world.clock.advance(1_000);
    await repeat(cancel);
    expect(await inboxOf(cancel.update_id)).toEqual({ status: 'processed', result: 'ignored' });
    expect(await statusOf(invoiceId)).toBe('active');
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
  });

  it('has none after the person cancelled and resumed', async () => {
    const { buyer, cancel, invoiceId } = await cancelledEarly();
    await tell(buyer, invoiceId, 'canceled');
    await tell(buyer, invoiceId, 'active');
    await retry();
    expect(await inboxOf(cancel.update_id)).toEqual({ status: 'processed', result: 'ignored' });
    expect(await statusOf(invoiceId)).toBe('active');
  });

  it('is not overtaken by a stranger’s message', async () => {
    const { cancel, invoiceId } = await cancelledEarly();
    await tell(await world.newBuyer(), invoiceId, 'active');
    await retry();
    expect(await inboxOf(cancel.update_id)).toEqual({ status: 'processed', result: 'applied' });
    expect(await statusOf(invoiceId)).toBe('cancelling');
  });
});

describe('another plan', () => {
  it('takes the place of the old one, whose late renewal does not end the new one', async () => {
    const buyer = await world.newBuyer();
    const basic = await world.buy(buyer, CATALOG.basicMonth);
    const pro = await world.buy(buyer, CATALOG.proMonth);
    const ids = [(await subscriptionOf(basic.invoiceId)).id, (await subscriptionOf(pro.invoiceId)).id];
    const stopped = async () =>
      (await jobsOf(world, 'stop_renewal'))
        .map(({ subscriptionId }) => subscriptionId)
        .filter((id) => ids.includes(id ?? ''));
    expect(await stopped()).toEqual([ids[0]]);
    await renew(buyer, basic, 1);
    expect(await stopped()).toEqual([ids[0]]);
    expect((await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'line' })).planCode).toBe('pro');
  });

  it('by the year ends the months of the same line', async () => {
    const buyer = await world.newBuyer();
    const month = await world.buy(buyer, CATALOG.basicMonth);
    await world.buy(buyer, CATALOG.basicYear);
    const { id } = await subscriptionOf(month.invoiceId);
    expect((await jobsOf(world, 'stop_renewal')).filter(({ subscriptionId }) => subscriptionId === id)).toHaveLength(1);
    const rights = await world.sql<{ starts_at: Date }>(
      'SELECT starts_at FROM entitlement WHERE user_id = $1 ORDER BY starts_at',
      [buyer.id],
    );
    expect(rights[1]?.starts_at).toEqual(month.until);
  });
});

describe('what Telegram tells', () => {
  it('of a cancellation, of its undoing, and of strangers', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
    await tell(await world.newBuyer(), invoiceId, 'canceled');
    expect(await statusOf(invoiceId)).toBe('active');
    await tell(buyer, invoiceId, 'canceled');
    expect(await subscriptionOf(invoiceId)).toMatchObject({ status: 'cancelling', cancelledBy: 'user' });
    await tell(buyer, invoiceId, 'canceled');
    await tell(buyer, invoiceId, 'active');
    expect(await subscriptionOf(invoiceId)).toMatchObject({ status: 'active', cancelledBy: null });
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1, subscription_cancelled: 1, subscription_resumed: 1 });
  });

  it('a second time changes nothing, also when an operator replays it', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
    const cancelled = subscriptionUpdate(world.nextUpdateId(), { payer: buyer, invoiceId, state: 'canceled' });
    await world.deliver(cancelled);
    await tell(buyer, invoiceId, 'active');
    await world.deliver(cancelled);
    expect(await statusOf(invoiceId)).toBe('active');
    const [event] = await world.sql<{ id: string }>('SELECT id FROM webhook_event WHERE event_id = $1', [
      String(cancelled.update_id),
    ]);
    expect((await replayWebhook(world.system, { id: event?.id ?? '', isDryRun: false })).outcome).toBe('duplicate');
    expect(await statusOf(invoiceId)).toBe('active');
  });

  it('of an old one that was restored beside a new one: it is stopped again', async () => {
    const buyer = await world.newBuyer();
    const old = await world.buy(buyer, CATALOG.basicMonth);
    await tell(buyer, old.invoiceId, 'canceled');
    const fresh = await world.buy(buyer, CATALOG.basicMonth);
    await tell(buyer, old.invoiceId, 'active');
    expect([await statusOf(old.invoiceId), await statusOf(fresh.invoiceId)]).toEqual(['cancelling', 'active']);
    const { id } = await subscriptionOf(old.invoiceId);
    expect((await jobsOf(world, 'stop_renewal')).filter(({ subscriptionId }) => subscriptionId === id)).toHaveLength(1);
    expect(await refusal(resumeSubscription(buyer.ctx, id))).toBe('resume_in_telegram');
    await world.sql("UPDATE subscription SET cancelled_by = 'hoshi' WHERE id = $1", [id]);
    expect(await refusal(resumeSubscription(buyer.ctx, id))).toBe('already_subscribed');
  });
});

describe('cancelling and resuming here', () => {
  it('is confirmed by Telegram first', async () => {
    await world.connect();
    const buyer = await world.newBuyer();
    const { invoiceId, subscription } = await subscribe(buyer);
    expect((await cancelSubscription(buyer.ctx, subscription.id)).status).toBe('cancelling');
    expect((await cancelSubscription(buyer.ctx, subscription.id)).status).toBe('cancelling');
    expect(await inTelegram(buyer)).toEqual(['canceled_by_bot']);
    expect((await resumeSubscription(buyer.ctx, subscription.id)).status).toBe('active');
    expect((await resumeSubscription(buyer.ctx, subscription.id)).status).toBe('active');
    expect(await inTelegram(buyer)).toEqual(['active']);

    await world.sandbox.setFaults({ api: { kind: 'flood', retry_after: 9, remaining: 1 } });
    expect(await refusal(cancelSubscription(buyer.ctx, subscription.id))).toBe('provider_unavailable');
    expect(await statusOf(invoiceId)).toBe('active');
    expect(await refusal(cancelSubscription(buyer.ctx, 'sub_none'))).toBe('subscription_not_found');
    expect(await refusal(cancelSubscription((await world.newBuyer()).ctx, subscription.id))).toBe(
      'subscription_not_found',
    );
  });

  it('is declined when Telegram knows no such subscription', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
    const { id } = await subscriptionOf(invoiceId);
    expect(await refusal(cancelSubscription(buyer.ctx, id))).toBe('provider_declined');
    expect(await refusal(stopRenewal(world.system, id))).toBeUndefined();
    await world.deliver(
      refundedPayment(world.nextUpdateId(), {
        payer: buyer,
        invoiceId,
        amount: 50,
        at: world.clock.now(),
        chargeId: TEST_VAULT.reveal((await subscriptionOf(invoiceId)).firstChargeId),
      }),
    );
    expect(await refusal(stopRenewal(world.system, id))).toBe('done');
    expect(await refusal(cancelSubscription(buyer.ctx, id))).toBe('subscription_not_active');
    expect(await refusal(resumeSubscription(buyer.ctx, id))).toBe('subscription_not_cancelled');
  });

  it('needs a provider that still exists', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
    const { id } = await subscriptionOf(invoiceId);
    const alone = { ...world.system, providers: new Map() };
    expect(await refusal(cancelSubscription(alone, id))).toBe('provider_misconfigured');
    const [payment] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE invoice_id = $1', [invoiceId]);
    await expect(cancelSurplusRenewal(alone, payment?.id ?? '')).rejects.toMatchObject({ failure: 'misconfigured' });
    expect(
      await refusal(changeSubscription(world.system, { subscriptionId: 'sub_none', event: 'cancelled', by: 'user' })),
    ).toBe('subscription_not_found');
  });

  it('stops what renews as surplus, by its own charge', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await subscribe(buyer);
    const [payment] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE invoice_id = $1', [invoiceId]);
    await cancelSurplusRenewal(world.system, payment?.id ?? '');
    expect(await inTelegram(buyer)).toEqual(['canceled_by_bot']);
    const other = await world.buy(buyer, CATALOG.proMonth);
    const [unknown] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE invoice_id = $1', [
      other.invoiceId,
    ]);
    await cancelSurplusRenewal(world.system, unknown?.id ?? '');
    await world.sandbox.setFaults({ api: { kind: 'server_error', remaining: 1 } });
    await expect(cancelSurplusRenewal(world.system, payment?.id ?? '')).rejects.toMatchObject({
      failure: 'unavailable',
    });
  });

  it('shows a person their own subscriptions, newest first', async () => {
    const buyer = await world.newBuyer();
    const basic = await world.buy(buyer, CATALOG.basicMonth);
    world.clock.advance(1_000);
    const pro = await world.buy(buyer, CATALOG.proMonth);
    expect((await listSubscriptions(buyer.ctx, buyer.id)).map(({ invoiceId }) => invoiceId)).toEqual([
      pro.invoiceId,
      basic.invoiceId,
    ]);
    const other = await world.newBuyer();
    expect(await refusal(listSubscriptions(other.ctx, buyer.id))).toBe('not_yours');
    expect(await refusal(getSubscription(other.ctx, (await subscriptionOf(pro.invoiceId)).id))).toBe(
      'subscription_not_found',
    );
  });
});

describe('time', () => {
  it('ends a period in grace, the grace in an end, and tells of it once', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
    await world.advance(MONTH_MS - 1_000);
    await endSubscriptions(world.system);
    expect([await statusOf(invoiceId), await isEntitled(buyer)]).toEqual(['active', true]);
    // For an hour the renewal may merely be late.
    await world.advance(3_600_000);
    await endSubscriptions(world.system);
    expect([await statusOf(invoiceId), await isEntitled(buyer)]).toEqual(['active', true]);
    await world.advance(1_000);
    await Promise.all([endSubscriptions(world.system), endSubscriptions(world.system)]);
    expect([await statusOf(invoiceId), await isEntitled(buyer)]).toEqual(['past_due', true]);
    expect((await noticesOf(world, buyer.id))['renewal_failed']).toBe(1);
    await world.advance(3 * DAY_MS - 3_601_000);
    await endSubscriptions(world.system);
    expect([await statusOf(invoiceId), await isEntitled(buyer)]).toEqual(['past_due', true]);
    await world.advance(1_000);
    await Promise.all([endSubscriptions(world.system), endSubscriptions(world.system)]);
    expect([await statusOf(invoiceId), await isEntitled(buyer)]).toEqual(['expired', false]);
    expect((await noticesOf(world, buyer.id))['subscription_ended']).toBe(1);
    await expectWholeBooks(world.system);
  });

  it('ends a cancelled one with its period, without grace', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
    await tell(buyer, invoiceId, 'canceled');
    await world.advance(MONTH_MS);
    expect(await isEntitled(buyer)).toBe(false);
    await endSubscriptions(world.system);
    expect(await statusOf(invoiceId)).toBe('expired');
  });

  it('ends nothing that was renewed between looking and locking', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    const { id } = await subscriptionOf(bought.invoiceId);
    await world.advance(MONTH_MS);
    await renew(buyer, bought, 1);
    for (const event of ['period_ended', 'grace_ended'] as const)
      expect((await changeSubscription(world.system, { subscriptionId: id, event, by: 'hoshi' })).isChanged).toBe(
        false,
      );
    expect(await statusOf(bought.invoiceId)).toBe('active');
  });

  it('reminds of a renewal three days before, once per period', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    const reminders = async () => (await noticesOf(world, buyer.id))['renewal_ahead'] ?? 0;
    await world.advance(MONTH_MS - 3 * DAY_MS - 1_000);
    await remindRenewals(world.system);
    expect(await reminders()).toBe(0);
    await world.advance(1_000);
    await Promise.all([remindRenewals(world.system), remindRenewals(world.system), remindRenewals(world.system)]);
    await remindRenewals(world.system);
    expect(await reminders()).toBe(1);
    await renew(buyer, bought, 1);
    await world.advance(MONTH_MS);
    await remindRenewals(world.system);
    expect(await reminders()).toBe(2);
  });
});

describe('refunds asked for here', () => {
  it('go through Telegram, take the right, end the subscription, and are one however often asked', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await subscribe(buyer);
    const [payment] = await world.sql<{ id: string; charge_id: string }>(
      'SELECT id, charge_id FROM payment WHERE invoice_id = $1',
      [invoiceId],
    );
    const paymentId = payment?.id ?? '';
    const asked = await Promise.all(Array.from({ length: 8 }, () => requestRefund(world.asServer(), { paymentId })));
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
    const refundId = asked[0]?.id ?? '';
    expect(await isEntitled(buyer)).toBe(true);
    await Promise.allSettled([
      executeRefund(world.system, refundId),
      executeRefund(world.system, refundId),
      world.sandbox.refundByStore(payment?.charge_id ?? '').catch(() => null),
    ]);
    expect(await executeRefund(world.system, refundId)).toBe('nothing_to_do');
    expect([await statusOf(invoiceId), await isEntitled(buyer)]).toEqual(['revoked', false]);
    expect(await endState(world, invoiceId)).toMatchObject({ refunds: [[payment?.charge_id, 'succeeded', 50]] });
    await expect.poll(async () => (await noticesOf(world, buyer.id))['refunded']).toBe(1);
    expect((await requestRefund(world.asServer(), { paymentId })).id).toBe(refundId);
    await expectWholeBooks(world.system);
  });

  it('fail in words, leave the payment, and may be asked for again', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicYear);
    const [payment] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE invoice_id = $1', [invoiceId]);
    const paymentId = payment?.id ?? '';
    const first = await requestRefund(world.asServer(), { paymentId });
    await world.sandbox.setFaults({ api: { kind: 'flood', remaining: 1 } });
    await expect(executeRefund(world.system, first.id)).rejects.toMatchObject({ failure: 'unavailable' });
    await expect(executeRefund({ ...world.system, providers: new Map() }, first.id)).rejects.toMatchObject({
      failure: 'misconfigured',
    });
    expect(await executeRefund(world.system, first.id)).toBe('failed');
    expect(await world.sql('SELECT status, failure FROM refund WHERE id = $1', [first.id])).toEqual([
      { status: 'failed', failure: 'CHARGE_ID_INVALID' },
    ]);
    expect(await world.sql('SELECT status FROM payment WHERE id = $1', [paymentId])).toEqual([{ status: 'succeeded' }]);
    expect(await isEntitled(buyer)).toBe(true);
    const second = await requestRefund(world.asServer(), { paymentId });
    expect(second.id).not.toBe(first.id);
    await expectWholeBooks(world.system);
  });

  it('are tried again when asked for after their job gave up, and only then', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.buy(buyer, CATALOG.basicYear);
    const [payment] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE invoice_id = $1', [invoiceId]);
    const ask = () => requestRefund(world.asServer(), { paymentId: payment?.id ?? '' });
    const { id } = await ask();
    const jobs = () => world.sql('SELECT outcome FROM job WHERE lane = $1 ORDER BY id', [`refund:${id}`]);
    expect((await ask()).id).toBe(id);
    expect(await jobs()).toEqual([{ outcome: null }]);
    await world.sql(`UPDATE job SET done_at = now(), outcome = 'dead' WHERE lane = $1`, [`refund:${id}`]);
    expect((await ask()).id).toBe(id);
    expect(await jobs()).toEqual([{ outcome: 'dead' }, { outcome: null }]);
  });

  it('need the scope or an admin, and a payment', async () => {
    const buyer = await world.newBuyer();
    expect(await refusal(requestRefund(buyer.ctx, { paymentId: 'pay_none' }))).toBe('not_yours');
    expect(await refusal(requestRefund(world.asServer(['payments:read']), { paymentId: 'pay_none' }))).toBe(
      'scope_missing',
    );
    expect(await refusal(requestRefund(world.asServer(), { paymentId: 'pay_none' }))).toBe('payment_not_found');
    expect(AMOUNTS[CATALOG.basicMonth]).toBe(50);
  });
});
