import { afterEach, describe, expect, it } from 'vitest';
import { concealReferences } from '#domain/context/conceal-references.ts';
import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { askErasure } from '#domain/privacy/erasure/ask.ts';
import { runErasure } from '#domain/privacy/erasure/run.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { changeSubscription } from '#domain/subscription/change.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { giveKey } from '../../testing/keys.ts';
import { makeRail, outcomeOf } from '../../testing/rail.ts';
import { refundedPayment, successfulPayment } from '../../testing/updates.ts';
import { BOT_TOKEN, type Buyer, DAY_MS, MONTH_MS, newChargeId, openWorld, STARS } from '../../testing/world.ts';
import { makeNoticeSender } from '../notices/send.ts';
import { makeCarefulApi } from '../records/careful-api.ts';
import { makeRecordDeliverer } from '../records/deliver.ts';
import { DONE, type JobHandlers, jobHandlers } from '../table.ts';

const world = openWorld();
const rail = makeRail(world);

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

/** What was asked of Telegram about charges, in order. */
type Call = { what: 'refund' | 'renewal'; payerId: bigint | null; chargeId: string };
function recording(): { ctx: Ctx; calls: Call[] } {
  const calls: Call[] = [];
  const ctx = rail.in(world.system);
  const stars = ctx.providers.get(STARS);
  if (!stars) throw new Error('not registered');
  // What is recorded stands outside the border, as Telegram does.
  const recorded: Provider = {
    ...stars,
    refund: async ({ chargeId, payerId }) => {
      calls.push({ what: 'refund', payerId, chargeId });
      return { status: 'done', reference: chargeId, claimUrl: null };
    },
    setRenewal: async ({ chargeId, payerId }) => {
      calls.push({ what: 'renewal', payerId, chargeId });
    },
  };
  return {
    ctx: { ...ctx, providers: new Map([...ctx.providers, [STARS, concealReferences(recorded, ctx.vault)]]) },
    calls,
  };
}

/** Does all that is queued, with the real handlers and the sandbox's Telegram. Returns the jobs that did not end as done. */
async function workOff(ctx: Ctx): Promise<string[]> {
  const api = makeCarefulApi({ token: BOT_TOKEN, apiRoot: world.sandboxUrl, timeoutSeconds: 1 });
  const handlers: JobHandlers = jobHandlers({
    send_notice: makeNoticeSender({ api, botUsername: 'hoshi_sandbox_bot' }),
    deliver_record: makeRecordDeliverer(api),
    export_data: async () => DONE,
    run_erasure: async () => DONE,
  });
  const left: string[] = [];
  const jobs = await world.sql<{ id: bigint; name: keyof JobHandlers; payload: never }>(
    'SELECT id, name, payload FROM job WHERE done_at IS NULL ORDER BY id',
  );
  for (const { id, name, payload } of jobs) {
    const handler = handlers[name] as (ctx: Ctx, payload: never) => Promise<{ kind: string }>;
    const outcome = await handler(ctx, payload).catch((error: Error) => ({ kind: error.message }));
    if (outcome.kind !== 'done') left.push(`${name}: ${outcome.kind}`);
    await world.sql('UPDATE job SET done_at = now() WHERE id = $1', [id]);
  }
  return left;
}

async function erase(buyer: Buyer): Promise<void> {
  const { id } = await askErasure(buyer.ctx, { userId: buyer.id, typed: 'DELETE', language: 'en' });
  world.clock.advance(DAY_MS);
  expect(await runErasure(rail.in(world.system), id, async () => 'told')).toBeNull();
}

/** Opens the chat, so that the bot may write. */
const begin = ({ telegramId }: Buyer) => world.sandbox.ask('POST', `/chats/${telegramId}/text`, { text: '/start' });
const messagesTo = async ({ telegramId }: Buyer) =>
  (await world.sandbox.ask<Array<{ from: string }>>('GET', `/chats/${telegramId}/messages`)).filter(
    ({ from }) => from === 'bot',
  ).length;
const recordsOf = async ({ id }: Buyer) =>
  (await world.sql('SELECT 1 FROM billing_record WHERE user_id = $1', [id])).length;
const paymentOf = (chargeId: string) =>
  world.database.prisma.payment.findFirstOrThrow({
    where: { chargeId: TEST_VAULT.conceal(chargeId) },
    include: { refunds: true },
  });

/** Somebody with a key who bought something, and was erased. */
async function erased(priceId: typeof CATALOG.pluginOnce | typeof CATALOG.basicMonth) {
  const buyer = await world.newBuyer();
  await begin(buyer);
  await giveKey(buyer);
  const bought = await world.buy(buyer, priceId);
  if (priceId === CATALOG.basicMonth) {
    const { id } = await world.database.prisma.subscription.findUniqueOrThrow({
      where: { invoiceId: bought.invoiceId },
    });
    await changeSubscription(world.system, { subscriptionId: id, event: 'cancelled', by: 'user' });
  }
  await workOff(recording().ctx);
  await erase(buyer);
  return { buyer, bought, heard: await messagesTo(buyer) };
}

describe('for somebody who was erased', () => {
  it('a refund that the provider tells is booked, without a record and without a message', async () => {
    const { bought, buyer, heard } = await erased(CATALOG.pluginOnce);
    expect(heard).toBeGreaterThan(0);
    const told = { ...bought, payer: buyer, at: world.clock.now() };
    await world.deliver(refundedPayment(world.nextUpdateId(), told));
    expect((await paymentOf(bought.chargeId)).status).toBe('refunded');
    expect(await workOff(recording().ctx)).toEqual([]);
    expect(await recordsOf(buyer)).toBe(0);
    expect(await messagesTo(buyer)).toBe(heard);
  });

  it('a dispute is booked to its end, without a record and without a message', async () => {
    const charge = await rail.buy();
    await begin(charge.buyer);
    await workOff(recording().ctx);
    await erase(charge.buyer);
    const heard = await messagesTo(charge.buyer);
    expect(heard).toBeGreaterThan(0);
    const { amount, chargeId, currency } = charge;
    const disputed = (status: 'open' | 'lost') =>
      rail.tell({
        type: 'payment_disputed',
        eventId: rail.name('evt'),
        occurredAt: world.clock.now(),
        chargeId,
        reference: `dp_${chargeId}`,
        status,
        amount: { amount, currency },
        fee: 0n,
      });
    await disputed('open');
    expect((await outcomeOf(world, chargeId)).status).toBe('disputed');
    await disputed('lost');
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'charged_back', owed: 0n, held: 0n });
    expect(await workOff(recording().ctx)).toEqual([]);
    expect(await recordsOf(charge.buyer)).toBe(0);
    expect(await messagesTo(charge.buyer)).toBe(heard);
  });

  it('a renewal that is charged all the same goes back to whoever paid it, and is ended', async () => {
    const { bought, buyer } = await erased(CATALOG.basicMonth);
    const chargeId = newChargeId();
    const until = new Date(bought.until.getTime() + MONTH_MS);
    const renewal = { ...bought, chargeId, payer: buyer, at: bought.until, recurring: { isFirst: false, until } };
    await world.deliver(successfulPayment(world.nextUpdateId(), renewal));
    const payment = await paymentOf(chargeId);
    expect(payment).toMatchObject({ kind: 'surplus', status: 'refunding', refunds: [{ status: 'requested' }] });
    // Telegram names whoever pays: somebody whom nothing connects with what was erased.
    expect(payment.userId).not.toBe(buyer.id);
    expect((await findUserByTelegramId(world.door, buyer.telegramId))?.id).toBe(payment.userId);
    const { calls, ctx } = recording();
    expect(await workOff(ctx)).toEqual([]);
    expect(calls).toEqual([
      { what: 'refund', payerId: buyer.telegramId, chargeId },
      { what: 'renewal', payerId: buyer.telegramId, chargeId: bought.chargeId },
    ]);
    expect((await paymentOf(chargeId)).status).toBe('refunded');
    expect(await recordsOf(buyer)).toBe(0);
  });

  it('money that comes late for an order goes back where the provider does not know its payers', async () => {
    const placed = await rail.place();
    const { buyer, invoiceId } = placed;
    await world.sql("UPDATE payment_attempt SET status = 'closed' WHERE invoice_id = $1", [invoiceId]);
    await erase(buyer);
    expect((await world.sql('SELECT status FROM invoice WHERE id = $1', [invoiceId]))[0]).toEqual({
      status: 'cancelled',
    });
    const chargeId = rail.name('ch');
    await rail.tell(rail.paid(placed, chargeId));
    expect((await paymentOf(chargeId)).kind).toBe('surplus');
    expect(await workOff(recording().ctx)).toEqual([]);
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'refunded', hasRight: false });
  });

  it('a refund that only their account could take fails, is booked so, and an operator hears of it', async () => {
    const { bought } = await erased(CATALOG.pluginOnce);
    const payment = await paymentOf(bought.chargeId);
    await requestRefund(world.system, { paymentId: payment.id });
    expect(await workOff(rail.in(world.system))).toEqual([]);
    expect(await paymentOf(bought.chargeId)).toMatchObject({
      status: 'succeeded',
      refunds: [{ status: 'failed', failure: 'PAYER_ERASED' }],
    });
    const heard = await world.sql("SELECT 1 FROM job WHERE name = 'tell_operators' AND payload->>'what' = 'failed'");
    expect(heard.length).toBeGreaterThan(0);
  });

  it('every job ends as done', async () => {
    const { bought, buyer } = await erased(CATALOG.basicMonth);
    const { id: paymentId, subscriptionId } = await paymentOf(bought.chargeId);
    if (subscriptionId === null) throw new Error('a month begins a subscription');
    await queueJobs(world.system, [
      noticeJob({ userId: buyer.id, kind: 'paid', objectId: paymentId }),
      noticeJob({ userId: buyer.id, kind: 'log_broken', objectId: buyer.id }),
      { name: 'stop_renewal', lane: 'a', payload: { subscriptionId } },
      { name: 'cancel_surplus_renewal', lane: 'b', payload: { paymentId } },
      { name: 'deliver_record', lane: 'c', payload: { recordId: 'rec_none' } },
      { name: 'reseal_records', lane: 'd', payload: { userId: buyer.id } },
      { name: 'resume_records', lane: 'e', payload: { userId: buyer.id } },
      { name: 'execute_refund', lane: 'f', payload: { refundId: 'ref_none' } },
      { name: 'forget_method', lane: 'g', payload: { methodId: 'pmt_none' } },
    ]);
    expect(await workOff(rail.in(world.system))).toEqual([]);
  });
});
