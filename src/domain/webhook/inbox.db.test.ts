import { describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import {
  preCheckoutQuery,
  refundedPayment,
  subscriptionUpdate,
  successfulPayment,
  textMessage,
} from '../../testing/updates.ts';
import { DAY_MS, newChargeId, openWorld, SECRET, STARS } from '../../testing/world.ts';
import { claimMessage, finishMessage } from './claim-message.ts';
import { forgetBodies } from './forget-bodies.ts';
import { listWaitingEvents } from './list.ts';
import { receiveWebhook } from './receive.ts';
import { replayWebhook } from './replay.ts';
import { retryWebhooks } from './retry.ts';
import { MAX_ATTEMPTS } from './rules.ts';
import { errorCode } from './store.ts';

const world = openWorld();
const rowOf = async (updateId: number) =>
  (
    await world.sql<{
      id: string;
      status: string;
      attempts: number;
      error: string | null;
      result: string | null;
      body: Buffer | null;
    }>('SELECT id, status, attempts, error, result, body FROM webhook_event WHERE event_id = $1', [String(updateId)])
  )[0];
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );

/** A payment whose order appears later: the event fails until then. */
async function early() {
  const buyer = await world.newBuyer();
  const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce);
  const facts = {
    payer: buyer,
    invoiceId,
    amount: AMOUNTS[CATALOG.pluginOnce],
    chargeId: newChargeId(),
    at: world.clock.now(),
  };
  const update = successfulPayment(world.nextUpdateId(), facts);
  await hide(invoiceId);
  expect((await world.deliver(update)).reply).toEqual({ status: 200, contentType: 'application/json', body: '{}' });
  return { buyer, invoiceId, facts, updateId: update.update_id };
}
// The foreign key of attempts follows a renamed order (ON UPDATE CASCADE).
const hide = (invoiceId: string) =>
  world.sql('UPDATE invoice SET id = $2 WHERE id = $1', [invoiceId, `${invoiceId}_hidden`]);
const show = (invoiceId: string) =>
  world.sql('UPDATE invoice SET id = $2 WHERE id = $1', [`${invoiceId}_hidden`, invoiceId]);

const postOf = (body: Uint8Array) => ({
  method: 'POST',
  headers: { 'x-telegram-bot-api-secret-token': SECRET },
  body,
  remoteAddress: null,
});

describe('the door', () => {
  it('refuses a wrong secret and malformed bytes, and has no other provider', async () => {
    expect(await refusal(world.deliver(textMessage(1, { telegramId: 5n }, world.clock.now(), 'hi'), 'wrong'))).toBe(
      'webhook_secret_wrong',
    );
    const request = postOf(Buffer.from('{'));
    const explain = (reason: string) => reason;
    expect(await refusal(receiveWebhook(world.door, { providerId: STARS, request, explain }))).toBe(
      'malformed_request',
    );
    expect(await refusal(receiveWebhook(world.door, { providerId: 'nobody', request, explain }))).toBe(
      'route_not_found',
    );
    expect(await world.sql('SELECT id FROM webhook_event')).toEqual([]);
  });

  it('hands on what is not about money', async () => {
    const update = textMessage(world.nextUpdateId(), { telegramId: 5n }, world.clock.now(), '/start');
    expect(await world.deliver(update)).toMatchObject({
      message: { eventId: world.door.vault.conceal(String(update.update_id)), update },
      reply: { status: 200 },
    });
    const unknown = subscriptionUpdate(world.nextUpdateId(), {
      payer: { telegramId: 5n },
      invoiceId: 'inv',
      state: 'paused',
    });
    expect((await world.deliver(unknown)).message).toBeNull();
  });

  it.each([
    ['the buyer', {}, true],
    ['somebody else', { payer: { telegramId: 6n } }, false],
    ['another amount', { amount: 1 }, false],
    ['another currency', { currency: 'USD' }, false],
    ['another order', { invoiceId: 'inv_none' }, false],
  ])('answers a question in the response: %s', async (_name, change, ok) => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce);
    const query = preCheckoutQuery(world.nextUpdateId(), { payer: buyer, invoiceId, amount: 101, ...change });
    const { message, reply } = await world.deliver(query);
    expect(message).toBeNull();
    expect(JSON.parse(reply.body)).toMatchObject({
      method: 'answerPreCheckoutQuery',
      ok,
      pre_checkout_query_id: query.pre_checkout_query.id,
    });
  });

  it('explains a refusal to the buyer in their language, and tells a stranger nothing of it', async () => {
    const buyer = await world.newBuyer();
    await world.sql("UPDATE users SET language = 'ja' WHERE id = $1", [buyer.id]);
    const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce);
    const ask = async (payer: { telegramId: bigint; languageCode?: string }) => {
      const heard: unknown[] = [];
      const body = Buffer.from(JSON.stringify(preCheckoutQuery(1, { payer, invoiceId, amount: 1 })));
      const request = postOf(body);
      await receiveWebhook(world.door, {
        providerId: STARS,
        request,
        explain: (...said) => `refused ${heard.push(said)}`,
      });
      return heard;
    };
    expect(await ask({ telegramId: buyer.telegramId, languageCode: 'de' })).toEqual([['amount_mismatch', 'ja', 'de']]);
    expect(await ask({ telegramId: 6n, languageCode: 'de' })).toEqual([['payer_is_not_buyer', null, 'de']]);
  });
});

describe('an event that cannot be applied', () => {
  it('is kept sealed, tried again, and applied once', async () => {
    const { buyer, facts, invoiceId, updateId } = await early();
    const kept = await rowOf(updateId);
    expect(kept).toMatchObject({ status: 'failed', attempts: 1, error: 'invoice_not_found' });
    expect(kept?.body?.includes(facts.chargeId)).toBe(false);
    expect(world.door.vault.open(kept?.body ?? Buffer.alloc(0)).toString()).toContain(facts.chargeId);
    expect(await retryWebhooks(world.system)).toBe(0);
    world.clock.advance(5_000);
    expect(await retryWebhooks(world.system)).toBe(0);
    expect(await rowOf(updateId)).toMatchObject({ status: 'failed', attempts: 2 });
    await show(invoiceId);
    world.clock.advance(5_000);
    expect(await retryWebhooks(world.system)).toBe(0);
    world.clock.advance(5_000);
    const turns = await Promise.all([
      retryWebhooks(world.system),
      retryWebhooks(world.system),
      retryWebhooks(world.system),
    ]);
    expect(turns.reduce((sum, turn) => sum + turn, 0)).toBe(1);
    expect(await rowOf(updateId)).toMatchObject({ status: 'processed', attempts: 3, error: null, result: 'settled' });
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system);
  });

  it('stays failed when it is delivered and fails again, and is closed by a delivery that succeeds', async () => {
    const { facts, invoiceId, updateId } = await early();
    await world.deliver(successfulPayment(updateId, facts));
    expect(await rowOf(updateId)).toMatchObject({ status: 'failed', attempts: 1 });
    await show(invoiceId);
    await world.deliver(successfulPayment(updateId, facts));
    expect(await rowOf(updateId)).toMatchObject({ status: 'processed', attempts: 2 });
  });

  it('dies after its last try, and lives again by an operator’s replay', async () => {
    const { buyer, invoiceId, updateId } = await early();
    for (let attempt = 2; attempt <= MAX_ATTEMPTS; attempt += 1) {
      world.clock.advance(3_600_000);
      await retryWebhooks(world.system);
    }
    const dead = await rowOf(updateId);
    expect(dead).toMatchObject({ status: 'dead', attempts: MAX_ATTEMPTS });
    world.clock.advance(DAY_MS);
    expect(await retryWebhooks(world.system)).toBe(0);
    const id = dead?.id ?? '';
    const asked = { status: 'dead', before: null, limit: 1 } as const;
    expect(await refusal(listWaitingEvents(buyer.ctx, asked))).toBe('not_yours');
    expect(await listWaitingEvents(world.system, asked)).toMatchObject({
      rows: [{ id, kind: 'payment_succeeded', error: 'invoice_not_found' }],
    });
    expect((await listWaitingEvents(world.system, { ...asked, before: id })).rows).not.toContainEqual(
      expect.objectContaining({ id }),
    );
    expect((await listWaitingEvents(world.system, { ...asked, status: 'failed' })).rows).toEqual([]);
    expect(await refusal(replayWebhook(buyer.ctx, { id, isDryRun: true }))).toBe('not_yours');
    expect(await refusal(replayWebhook(world.system, { id: 'whe_none', isDryRun: true }))).toBe(
      'webhook_event_not_found',
    );
    expect(await refusal(replayWebhook(world.system, { id, isDryRun: false }))).toBe('invoice_not_found');
    await show(invoiceId);
    const operator = world.asServer(['webhooks:replay']);
    expect(await replayWebhook(operator, { id, isDryRun: true })).toMatchObject({
      outcome: 'would_apply',
      kind: 'payment_succeeded',
    });
    expect(await rowOf(updateId)).toMatchObject({ status: 'dead' });
    expect(await replayWebhook(operator, { id, isDryRun: false })).toMatchObject({ outcome: 'applied' });
    expect(await rowOf(updateId)).toMatchObject({ status: 'processed', error: null });
    expect(await replayWebhook(operator, { id, isDryRun: true })).toMatchObject({ outcome: 'would_repeat' });
    expect(await replayWebhook(operator, { id, isDryRun: false })).toMatchObject({ outcome: 'duplicate' });
    expect(
      await world.sql(
        "SELECT count(*)::int AS n FROM audit_event WHERE action = 'webhook.replayed' AND object_id = $1",
        [id],
      ),
    ).toEqual([{ n: 2 }]);
    await expectWholeBooks(world.system);
  });

  it('can be asked about before it is replayed, whatever its kind', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.basicMonth);
    const cancel = subscriptionUpdate(world.nextUpdateId(), {
      payer: buyer,
      invoiceId: bought.invoiceId,
      state: 'canceled',
    });
    const refund = refundedPayment(world.nextUpdateId(), { payer: buyer, ...bought });
    await world.deliver(cancel);
    await world.deliver(refund);
    const outcome = async (updateId: number) =>
      (await replayWebhook(world.system, { id: (await rowOf(updateId))?.id ?? '', isDryRun: true })).outcome;
    expect([await outcome(cancel.update_id), await outcome(refund.update_id)]).toEqual(['would_apply', 'would_repeat']);
  });
});

describe('a message about money that cannot be read', () => {
  /** The door, with what it logs. */
  async function listenAndDeliver(updates: object[]) {
    const said: Array<{ kind: string; message: string }> = [];
    const note = (fields: { kind: string }, message: string) => said.push({ kind: fields.kind, message });
    const ctx = { ...world.door, log: Object.assign(Object.create(world.door.log), { error: note }) };
    const statuses: number[] = [];
    for (const update of updates) {
      const request = postOf(Buffer.from(JSON.stringify(update)));
      const explain = (reason: string) => reason;
      const received = await receiveWebhook(ctx, { providerId: STARS, request, explain });
      expect(received.message).toBeNull();
      statuses.push(received.reply.status);
    }
    return { said, statuses };
  }
  const count = async (updateId: number) =>
    (await world.sql('SELECT id FROM webhook_event WHERE event_id = $1', [String(updateId)])).length;

  it('is kept sealed and told to the operator once, and what comes after it goes on', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce);
    const facts = { payer: buyer, invoiceId, amount: 101, chargeId: newChargeId(), at: world.clock.now() };
    const broken = successfulPayment(world.nextUpdateId(), { ...facts, amount: -1 });
    const next = successfulPayment(world.nextUpdateId(), facts);

    const { said, statuses } = await listenAndDeliver([broken, next]);
    expect(statuses).toEqual([200, 200]);
    expect(said).toEqual([{ kind: 'payment_succeeded', message: expect.stringContaining('cannot be read') }]);
    const kept = await rowOf(broken.update_id);
    expect(kept).toMatchObject({ status: 'dead', error: 'malformed_request', result: null });
    expect(kept?.body?.includes(facts.chargeId)).toBe(false);
    expect(world.door.vault.open(kept?.body ?? Buffer.alloc(0)).toString()).toBe(JSON.stringify(broken));
    expect(await rowOf(next.update_id)).toMatchObject({ status: 'processed', result: 'settled' });

    const again = await listenAndDeliver([broken, broken]);
    expect(again).toEqual({ said: [], statuses: [200, 200] });
    expect(await rowOf(broken.update_id)).toEqual(kept);
    expect(await count(broken.update_id)).toBe(1);
    world.clock.advance(DAY_MS);
    await retryWebhooks(world.system);
    expect(await rowOf(broken.update_id)).toEqual(kept);
    expect(await noticesOf(world, buyer.id)).toEqual({ paid: 1 });
    await expectWholeBooks(world.system, { except: ['no_dead_event'] });
  });

  it.each([
    ['payment_refunded', { message: { refunded_payment: null } }],
    ['subscription_changed', { subscription: { state: 'canceled' } }],
  ])('is kept by its kind: %s', async (kind, content) => {
    const update_id = world.nextUpdateId();
    const { said, statuses } = await listenAndDeliver([{ update_id, ...content }]);
    expect(statuses).toEqual([200]);
    expect(said.map((line) => line.kind)).toEqual([kind]);
    expect(await rowOf(update_id)).toMatchObject({ status: 'dead', attempts: 1 });
    expect(await world.sql('SELECT kind FROM webhook_event WHERE event_id = $1', [String(update_id)])).toEqual([
      { kind },
    ]);
  });

  it('is applied by a replay once it can be read', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce);
    const facts = { payer: buyer, invoiceId, amount: 101, chargeId: newChargeId(), at: world.clock.now() };
    const update = successfulPayment(world.nextUpdateId(), { ...facts, amount: -1 });
    await listenAndDeliver([update]);
    const id = (await rowOf(update.update_id))?.id ?? '';
    expect(await refusal(replayWebhook(world.system, { id, isDryRun: false }))).toBe('webhook_event_body_gone');
    expect(await rowOf(update.update_id)).toMatchObject({ status: 'dead' });
    // Stands for a newer Hoshi that understands the bytes.
    const readable = world.door.vault.seal(Buffer.from(JSON.stringify(successfulPayment(1, facts))));
    await world.sql('UPDATE webhook_event SET body = $2 WHERE id = $1', [id, readable]);
    expect(await replayWebhook(world.system, { id, isDryRun: false })).toMatchObject({ outcome: 'applied' });
    expect(await rowOf(update.update_id)).toMatchObject({ status: 'processed', error: null });
  });
});

describe('bodies', () => {
  it('are forgotten after the retention, and then nothing can be replayed', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce);
    const update = successfulPayment(world.nextUpdateId(), {
      payer: buyer,
      invoiceId,
      amount: 101,
      chargeId: newChargeId(),
      at: world.clock.now(),
    });
    await world.deliver(update);
    const waiting = await early();
    world.clock.advance(7 * DAY_MS - 1);
    await forgetBodies(world.system);
    expect((await rowOf(update.update_id))?.body).not.toBeNull();
    world.clock.advance(2);
    expect(await forgetBodies(world.system)).toBeGreaterThanOrEqual(1);
    const row = await rowOf(update.update_id);
    expect(row?.body).toBeNull();
    expect((await rowOf(waiting.updateId))?.body).not.toBeNull();
    expect(await refusal(replayWebhook(world.system, { id: row?.id ?? '', isDryRun: true }))).toBe(
      'webhook_event_body_gone',
    );
  });

  it('of dead events wait a month for an operator', async () => {
    const updateId = world.nextUpdateId();
    await world.deliver({ update_id: updateId, subscription: null });
    const waiting = await early();
    world.clock.advance(30 * DAY_MS);
    await forgetBodies(world.system);
    expect((await rowOf(updateId))?.body).not.toBeNull();
    expect((await rowOf(waiting.updateId))?.body).not.toBeNull();
    world.clock.advance(1);
    expect(await forgetBodies(world.system)).toBe(2);
    expect(await rowOf(updateId)).toMatchObject({ status: 'dead', body: null });
    expect(await rowOf(waiting.updateId)).toMatchObject({ body: null });
    expect(await forgetBodies(world.system)).toBe(0);
  });

  it('that no longer read as an event are not replayed', async () => {
    const message = { providerId: STARS, eventId: '~m1', kind: 'message' };
    await claimMessage(world.system, message);
    const body = world.door.vault.seal(Buffer.from('{"update_id":1,"message":{}}'));
    await world.sql("UPDATE webhook_event SET body = $1 WHERE event_id = '~m1'", [body]);
    const [row] = await world.sql<{ id: string }>("SELECT id FROM webhook_event WHERE event_id = '~m1'");
    expect(await refusal(replayWebhook(world.system, { id: row?.id ?? '', isDryRun: true }))).toBe(
      'webhook_event_body_gone',
    );
  });
});

describe('messages for the bot', () => {
  it('are claimed by one process, again after its death, and not after they were handled', async () => {
    const message = { providerId: STARS, eventId: '~m2', kind: 'message' };
    const claims = await Promise.all(Array.from({ length: 10 }, () => claimMessage(world.system, message)));
    expect(claims.filter((claim) => claim === 'claimed')).toHaveLength(1);
    expect(claims.filter((claim) => claim === 'busy')).toHaveLength(9);
    world.clock.advance(30_000);
    expect(await claimMessage(world.system, message)).toBe('busy');
    world.clock.advance(1);
    expect(await claimMessage(world.system, message)).toBe('claimed');
    await finishMessage(world.system, message);
    world.clock.advance(DAY_MS);
    expect(await claimMessage(world.system, message)).toBe('done');
  });
});

describe('errorCode', () => {
  it.each([
    [new ProviderError('unavailable', 'FLOOD'), 'FLOOD'],
    [Object.assign(new Error('secret'), { code: '40001' }), '40001'],
    [new TypeError('secret'), 'TypeError'],
    ['secret', 'unknown'],
    [null, 'unknown'],
  ])('%#', (error, code) => {
    expect(errorCode(error)).toBe(code);
  });
});
