import { describe, expect, it } from 'vitest';
import { sealAccount } from '#domain/identity/account.ts';
import { sha256 } from '#lib/crypto.ts';
import { giveKey, readRecord } from '../testing/keys.ts';
import { tablesSaying } from '../testing/tables.ts';
import { orderOf, type Person, seconds, useWorld } from './testing/world.ts';

/*
 * What a seller's server says of an order is for its buyer: sealed at once, in their record after the payment, nowhere else.
 */

describe('an order of a seller’s server', () => {
  const world = useWorld();
  const CREATE = '/api/v1/payments/create';
  const SECRET = 'For Mio of room 1207';
  const DETAILS = { description: SECRET, metadata: { guest: 'Mio of room 1207', order: 'A-1042' } };
  const SECRETS = /room 1207|A-1042/;
  const sql = {
    sql: async <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
      (await world.ctx.pool.query<Row>(text, values)).rows,
  };

  async function order(details: Record<string, unknown> = DETAILS) {
    const buyer = await world.person();
    const server = await world.key(['payments:write', 'payments:read']);
    const json = { ...orderOf('plugin'), user_id: buyer.userId, ...details };
    const headers = { 'idempotency-key': `order of ${buyer.userId}`.replaceAll(' ', '-') };
    const create = (change: Record<string, unknown> = {}) =>
      world.call('POST', CREATE, { as: server, json: { ...json, ...change }, headers });
    const answer = await create();
    return { buyer, server, answer, create, json, invoiceId: String(answer.body['payment_id']) };
  }
  const pay = (payer: Person, invoiceId: string, chargeId: string) =>
    world.update({
      message: {
        date: seconds(world.clock.now()),
        chat: { id: payer.telegramId },
        from: { id: payer.telegramId },
        successful_payment: {
          currency: 'XTR',
          total_amount: 101,
          invoice_payload: invoiceId,
          telegram_payment_charge_id: chargeId,
        },
      },
    });
  async function recordsOf(userId: string, key: Parameters<typeof readRecord>[1]) {
    const records = await world.ctx.db.billingRecord.findMany({ where: { userId }, orderBy: { createdAt: 'asc' } });
    return Promise.all(records.map(({ ciphertext }) => readRecord(ciphertext ?? new Uint8Array(), key)));
  }

  describe('description and metadata of an order', () => {
    it('stand in the buyer’s record, and in no table, answer or log', async () => {
      const developer = await world.ctx.db.product.findUniqueOrThrow({ where: { id: 'prd_tool' } });
      const developerKey = await giveKey({ id: developer.developerUserId ?? '', ctx: world.ctx });
      const { answer, buyer, create, invoiceId, server } = await order();
      const key = await giveKey({ id: buyer.userId, ctx: world.ctx });
      expect(answer.status).toBe(201);
      expect((await world.ctx.db.invoice.findUniqueOrThrow({ where: { id: invoiceId } })).sealed).not.toBeNull();
      expect(await tablesSaying(sql, SECRETS)).toEqual([]);
      const seen = await world.call('GET', `/api/v1/payment/payments/${invoiceId}`, { as: server });
      for (const { text } of [answer, await create(), seen]) expect(text).not.toMatch(SECRETS);

      expect((await pay(buyer, invoiceId, 'details')).status).toBe(200);
      expect(await recordsOf(buyer.userId, key)).toMatchObject([{ type: 'payment', ...DETAILS }]);
      const [share] = await recordsOf(developer.developerUserId ?? '', developerKey);
      expect(share).toMatchObject({ type: 'revenue_share' });
      expect(JSON.stringify(share)).not.toMatch(SECRETS);
      expect((await world.ctx.db.invoice.findUniqueOrThrow({ where: { id: invoiceId } })).sealed).toBeNull();
      expect(await tablesSaying(sql, SECRETS)).toEqual([]);
      expect(world.lines.join('\n')).not.toMatch(SECRETS);
    });

    it('are not for a stranger who pays the order, and still for its buyer afterwards', async () => {
      const { buyer, invoiceId } = await order();
      const stranger = await world.person();
      const keys = [
        await giveKey({ id: buyer.userId, ctx: world.ctx }),
        await giveKey({ id: stranger.userId, ctx: world.ctx }),
      ] as const;
      await pay(stranger, invoiceId, 'strange');
      const [strange] = await recordsOf(stranger.userId, keys[1]);
      expect(strange).toMatchObject({ reason: 'payer_is_not_buyer' });
      expect(strange).not.toHaveProperty('description');
      await pay(buyer, invoiceId, 'own');
      expect(await recordsOf(buyer.userId, keys[0])).toMatchObject([{ ...DETAILS }]);
    });

    it('keep nobody from paying where they cannot be read', async () => {
      const { buyer, invoiceId } = await order();
      const key = await giveKey({ id: buyer.userId, ctx: world.ctx });
      const { sealed } = sealAccount(world.ctx, 1n);
      await world.ctx.db.invoice.update({ where: { id: invoiceId }, data: { sealed } });
      expect((await pay(buyer, invoiceId, 'broken')).status).toBe(200);
      const [record] = await recordsOf(buyer.userId, key);
      expect(record).toMatchObject({ amount: { amount: '101' } });
      expect(record).not.toHaveProperty('metadata');
      expect(world.lines.join('\n')).toContain('the details of an order cannot be read');
    });

    it('are what was said first, while the order is open', async () => {
      const { buyer, invoiceId, server } = await order();
      const json = { ...orderOf('plugin'), user_id: buyer.userId, description: 'Another' };
      const again = await world.call('POST', CREATE, { as: server, json });
      expect(again.body).toMatchObject({ is_resumed: true, payment_id: invoiceId });
      const key = await giveKey({ id: buyer.userId, ctx: world.ctx });
      await pay(buyer, invoiceId, 'first');
      expect(await recordsOf(buyer.userId, key)).toMatchObject([{ description: SECRET }]);
    });

    it('may be left out', async () => {
      const { invoiceId } = await order({});
      expect((await world.ctx.db.invoice.findUniqueOrThrow({ where: { id: invoiceId } })).sealed).toBeNull();
    });

    it.each([
      ['a description of 501 characters', { description: 'x'.repeat(501) }, 'description'],
      ['no description', { description: '' }, 'description'],
      [
        '21 entries',
        { metadata: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, 'v'])) },
        'metadata',
      ],
      ['a long value', { metadata: { key: 'x'.repeat(501) } }, 'metadata.key'],
      ['a long name', { metadata: { ['k'.repeat(41)]: 'v' } }, `metadata.${'k'.repeat(41)}`],
      ['a number as a value', { metadata: { key: 1 } }, 'metadata.key'],
    ])('refuses %s', async (_name, details, field) => {
      const { answer } = await order(details);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error: { details: { fields: field } } });
    });
  });

  describe('a request with an Idempotency-Key', () => {
    it('leaves no hash by which its body could be guessed, and is still told from another', async () => {
      const { answer, create, json } = await order({ description: 'Sushi' });
      expect((await create()).text).toBe(answer.text);
      const other = await create({ description: 'Ramen' });
      expect(other.body).toMatchObject({ error: { reason: 'idempotency_key_reused' } });
      const guess = sha256(`POST ${CREATE}\n${JSON.stringify(json)}`).toString('hex');
      const rows = await sql.sql<{ hash: string }>("SELECT encode(request_hash, 'hex') AS hash FROM idempotency_key");
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.map(({ hash }) => hash)).not.toContain(guess);
    });
  });
});
