import { afterEach, describe, expect, it } from 'vitest';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { askErasure, cancelErasure } from '#domain/privacy/erasure/ask.ts';
import { requestExport } from '#domain/privacy/export/request.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import type { SimMessage } from '../../sandbox/control.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { giveKey } from '../../testing/keys.ts';
import { entriesNaming, ownIds } from '../../testing/own-audit.ts';
import { BOT_TOKEN, type Buyer, openWorld } from '../../testing/world.ts';
import { makeCarefulApi } from '../records/careful-api.ts';
import { makeExporter } from './export.ts';
import { readCsv, unpack } from './testing/read.ts';

const world = openWorld();
const exporter = () => makeExporter(makeCarefulApi({ token: BOT_TOKEN, apiRoot: world.sandboxUrl, timeoutSeconds: 1 }));
const conceal = (text: string) => TEST_VAULT.conceal(text);

/** Somebody who has written to the bot. */
async function newOwner(): Promise<Buyer> {
  const buyer = await world.newBuyer();
  await world.sandbox.ask('POST', `/chats/${Number(buyer.telegramId)}/text`, { text: '/start' });
  await ensureUser(world.system, { telegramId: buyer.telegramId, languageCode: 'en', isReachable: true });
  return buyer;
}

/** Asks for a copy and unpacks what the chat then holds. */
async function copyOf(owner: Buyer) {
  const { id } = await requestExport(owner.ctx, owner.id);
  expect(await exporter()(world.system, { exportId: id }, async () => undefined)).toEqual({ kind: 'done' });
  const chat = Number(owner.telegramId);
  const messages = await world.sandbox.ask<SimMessage[]>('GET', `/chats/${chat}/messages`);
  const documents = messages.flatMap(({ document }) => (document ? [document] : []));
  const bytes = await Promise.all(
    documents.map(async ({ url }) => new Uint8Array(await (await fetch(`${world.sandboxUrl}${url}`)).arrayBuffer())),
  );
  return unpack(bytes);
}

/** Audit rows of somebody about something. */
const addEntries = (count: number, actor: string, objectId: string) =>
  world.sql(
    `INSERT INTO audit_event (at, actor, action, object_id, data, request_id)
     SELECT $1, $2, 'test.done', $3, jsonb_build_object('n', n), 'req' FROM generate_series(1, $4::int) AS n`,
    [world.clock.now(), actor, objectId, count],
  );

afterEach(async () => {
  await world.sql("UPDATE product SET developer_user_id = 'usr_developer' WHERE id = 'prd_plugin'");
  await world.sql('DELETE FROM job');
});

describe('a copy of somebody’s data holds', () => {
  it('how each order was to be paid, with what payment services call it', async () => {
    const owner = await newOwner();
    const { invoiceId } = await world.order(owner, CATALOG.proYear);
    const { paymentAttempt, reservation } = world.database.prisma;
    await paymentAttempt.updateMany({
      where: { invoiceId },
      data: {
        status: 'failed',
        failure: 'card_declined',
        reference: conceal('cs_1'),
        url: conceal('https://pay.test/cs_1'),
      },
    });
    const hold = (n: number) => ({
      ...{ id: `rsv_${n}_${owner.id}`, provider: 'payme', invoiceId, currency: 'JPY', amount: 1_200n },
      ...{ chargeId: conceal(`hold_${n}`), reference: conceal(`paper_${n}`), status: 'cancelled' as const },
      ...{ askedAt: world.clock.now(), createdAt: world.clock.now(), cancelledAt: world.clock.now() },
    });
    const receipts = { charge: conceal('{"receipt_id":7}'), refund: conceal('{"receipt_id":8}') };
    const instructionsUrl = conceal('https://pay.test/how');
    await reservation.create({ data: { ...hold(1), receipts, instructionsUrl, missing: 200n, code: 4 } });
    // From before receipts were concealed.
    await reservation.create({ data: { ...hold(2), receipts: { charge: { receipt_id: 9 } } } });
    const copy = await copyOf(owner);
    expect(copy.rowsOf('attempts.json')).toEqual([
      expect.objectContaining({
        ...{ order_id: invoiceId, status: 'failed', failure: 'card_declined', provider: 'telegram-stars' },
        ...{ provider_reference: 'cs_1', url: 'https://pay.test/cs_1', created_at: expect.any(String) },
      }),
    ]);
    expect(copy.rowsOf('reservations.json')).toEqual([
      expect.objectContaining({
        ...{ order_id: invoiceId, provider: 'payme', charge_id: 'hold_1', provider_reference: 'paper_1' },
        ...{ status: 'cancelled', amount: '1200', missing: '200', end_code: '4', paid_at: null },
        ...{ instructions_url: 'https://pay.test/how', cancelled_at: world.clock.now().toISOString() },
        ...{ fiscal_receipt: '{"receipt_id":7}', refund_fiscal_receipt: '{"receipt_id":8}' },
      }),
      expect.objectContaining({
        ...{ charge_id: 'hold_2', instructions_url: null, missing: null },
        ...{ fiscal_receipt: '{"receipt_id":9}', refund_fiscal_receipt: null },
      }),
    ]);
    expect(copy.whole).not.toContain(conceal('hold_1'));
  });

  it('each audit entry that names them or something of theirs, once, and no other', async () => {
    const [owner, other] = [await newOwner(), await newOwner()];
    await giveKey(owner);
    await world.buy(owner, CATALOG.basicMonth);
    const { chargeId } = await world.buy(owner, CATALOG.pluginOnce);
    await world.buy(other, CATALOG.pluginOnce);
    const [paid] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [conceal(chargeId)]);
    const paymentId = paid?.id ?? '';
    await requestRefund(world.system, { paymentId });
    const refund = await world.database.prisma.refund.findFirstOrThrow({ where: { paymentId } });
    await askErasure(owner.ctx, { userId: owner.id, typed: 'DELETE', language: 'en' }).catch(() => undefined);
    // More than a page of each kind, and one about each kind of thing that has ids of its own.
    await addEntries(1_200, 'system:test', paymentId);
    await addEntries(700, owner.id, paymentId);
    const ids = await ownIds(world, owner.id);
    expect(ids.has(refund.id)).toBe(true);
    for (const id of ids) await addEntries(1, 'system:test', id);
    await addEntries(3, other.id, other.id);
    const named = await entriesNaming(world, owner.id, ids);
    const copy = await copyOf(owner);
    const listed = copy.rowsOf('audit.json');
    // Asking for this copy is among them, and the copy is one more thing.
    const asked = listed.filter(({ action }) => action === 'export.requested').map(({ entry }) => entry ?? '');
    expect(asked).toHaveLength(1);
    const entries = listed.map(({ entry }) => entry ?? '');
    expect([...entries].sort()).toEqual([...named, ...asked].sort());
    const one = listed.find(({ about, action }) => about === paymentId && action === 'payment.settled');
    expect(JSON.parse(one?.['data'] ?? '')).toMatchObject({ kind: 'one_time', currency: 'XTR' });
    expect(one?.['actor']).not.toBe('');
    expect(copy.whole).not.toContain(other.id);
  });

  it('what a developer sold, and nothing of who bought', async () => {
    const [developer, buyer] = [await newOwner(), await newOwner()];
    await world.sql("UPDATE product SET developer_user_id = $1 WHERE id = 'prd_plugin'", [developer.id]);
    const { chargeId, invoiceId } = await world.buy(buyer, CATALOG.pluginOnce);
    const sold = await world.database.prisma.payment.findFirstOrThrow({ where: { invoiceId } });
    await world.sql('UPDATE payment SET returned_amount = 40 WHERE id = $1', [sold.id]);
    const copy = await copyOf(developer);
    expect(copy.rowsOf('sales.json')).toEqual([
      {
        ...{ payment_id: sold.id, paid_at: sold.paidAt.toISOString(), status: 'succeeded', currency: 'XTR' },
        ...{ amount: '101', amount_minor: '101', returned: '40', returned_minor: '40' },
        ...{ platform_fee: '30', platform_fee_minor: '30', processor_fee: '0', processor_fee_minor: '0' },
        ...{ developer_share: '71', developer_share_minor: '71' },
      },
    ]);
    expect(readCsv(copy.bytesOf('sales.csv'))).toEqual([
      expect.objectContaining({ payment_id: sold.id, amount: '101', returned: '40', developer_share: '71' }),
    ]);
    for (const secret of [buyer.id, buyer.telegramId.toString(), invoiceId, chargeId])
      expect(copy.whole).not.toContain(secret);
    expect((await copyOf(buyer)).rowsOf('sales.json')).toEqual([]);
  });

  it('earlier copies they asked for, and wishes to be erased', async () => {
    const owner = await newOwner();
    const first = await requestExport(owner.ctx, owner.id);
    await world.sql("UPDATE data_export SET status = 'failed', obstacle = 'refused', completed_at = $1", [
      world.clock.now(),
    ]);
    const wish = await askErasure(owner.ctx, { userId: owner.id, typed: 'DELETE', language: 'en' });
    await cancelErasure(owner.ctx, owner.id);
    await world.advance(1_000);
    const copy = await copyOf(owner);
    const copies = copy.rowsOf('copies.json').map(({ copy_id, obstacle, status }) => [copy_id, status, obstacle]);
    expect(copies).toEqual([
      [first.id, 'failed', 'refused'],
      [expect.any(String), 'running', null],
    ]);
    expect(copy.rowsOf('erasures.json')).toEqual([
      expect.objectContaining({
        ...{ erasure_id: wish.id, status: 'cancelled', requested_at: wish.requestedAt.toISOString() },
        ...{ due_at: wish.dueAt.toISOString(), begun_at: null, report: null },
      }),
    ]);
  });
});
