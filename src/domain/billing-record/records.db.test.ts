import { describe, expect, it } from 'vitest';
import { settlePayment } from '#domain/payment/settle.ts';
import { queueLeftOver, sendAgain } from '#domain/personal-log/queue-again.ts';
import { PLAIN_CHARGE } from '#domain/provider/event.ts';
import { openBytes } from '#lib/crypto.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { AMOUNTS, CATALOG, DEVELOPER } from '../../testing/catalog.ts';
import { giveKey, readRecord } from '../../testing/keys.ts';
import { successfulPayment } from '../../testing/updates.ts';
import { type Buyer, newChargeId, openWorld } from '../../testing/world.ts';
import { dataKeyOf, sealAccount } from '../identity/account.ts';
import { beginDelivery, completeDelivery, dropDelivered, failDelivery } from './delivery.ts';
import { resealLeftOvers, resealRecords } from './reseal.ts';
import { OBSTACLES, type Obstacle } from './rules.ts';

const world = openWorld();
const recordsOf = (userId: string) =>
  world.database.prisma.billingRecord.findMany({ where: { userId }, orderBy: { id: 'asc' } });
const jobsOf = (userId: string) =>
  world.sql<{ name: string; payload: { recordId: string } }>(
    `SELECT name, payload FROM job WHERE lane = $1 ORDER BY id`,
    [`log:${userId}`],
  );

async function only(userId: string) {
  const records = await recordsOf(userId);
  expect(records).toHaveLength(1);
  const [record] = records;
  if (!record) throw new Error('there is no record');
  return record;
}

async function developerWithKey() {
  const developer = { id: DEVELOPER.id, ctx: world.system };
  if (!(await world.database.prisma.identityLink.findUnique({ where: { userId: DEVELOPER.id } })))
    await world.database.prisma.identityLink.create({ data: { userId: DEVELOPER.id, ...sealAccount(world.door, 5n) } });
  return giveKey(developer);
}

describe('the record of a payment', () => {
  it('can be read by its owner only, and says what was bought', async () => {
    const buyer = await world.newBuyer();
    const key = await giveKey(buyer);
    const bought = await world.buy(buyer, CATALOG.pluginOnce);
    const record = await only(buyer.id);
    expect(record).toMatchObject({ type: 'payment', status: 'sealed', waiting: null, obstacle: null });
    expect(await readRecord(record.ciphertext ?? new Uint8Array(), key)).toMatchObject({
      hoshi: 1,
      record: record.id,
      type: 'payment',
      about: record.objectId,
      at: bought.at.toISOString(),
      amount: { amount: '101', currency: 'XTR' },
      item: { product: { code: 'plugin' }, interval: 'once' },
      period: { start: bought.at.toISOString(), end: null },
      provider: { id: 'telegram-stars', charge: bought.chargeId, method: 'telegram_stars' },
      shares: { developer: { amount: '71' }, platform: { amount: '30' }, processor: { amount: '0' } },
    });
    expect(await jobsOf(buyer.id)).toEqual([{ name: 'deliver_record', payload: { recordId: record.id } }]);
  });

  it('tells the developer what was sold and how it is shared, and nothing of who bought it', async () => {
    const key = await developerWithKey();
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.pluginOnce);
    const record = (await recordsOf(DEVELOPER.id)).at(-1);
    const said = await readRecord(record?.ciphertext ?? new Uint8Array(), key);
    expect(said).toMatchObject({
      type: 'revenue_share',
      amount: { amount: '101' },
      shares: { developer: { amount: '71' } },
    });
    for (const secret of [buyer.id, buyer.telegramId.toString(), bought.chargeId, bought.invoiceId])
      expect(JSON.stringify(said)).not.toContain(secret);
  });

  it('of a renewal is one of its own', async () => {
    const buyer = await world.newBuyer();
    const key = await giveKey(buyer);
    const { renew } = await monthOf(buyer);
    await renew();
    const said = await Promise.all(
      (await recordsOf(buyer.id)).map(({ ciphertext }) => readRecord(ciphertext ?? new Uint8Array(), key)),
    );
    expect(said.map(({ type }) => type).sort()).toEqual(['payment', 'renewal']);
  });

  it('is written once, however often the charge is told', async () => {
    const buyer = await world.newBuyer();
    await giveKey(buyer);
    const bought = await world.buy(buyer, CATALOG.pluginOnce);
    const paid = { amount: BigInt(bought.amount), currency: 'XTR' as const };
    const told = {
      eventId: 'again',
      invoiceId: bought.invoiceId,
      chargeId: TEST_VAULT.conceal(bought.chargeId),
      payerId: buyer.telegramId,
    };
    const event = { ...told, type: 'payment_succeeded', occurredAt: bought.at, paid, ...PLAIN_CHARGE } as const;
    const again = () => settlePayment(world.system, { providerId: 'telegram-stars', event, inbox: null });
    expect(await Promise.all([again(), again(), again()])).toEqual(['duplicate', 'duplicate', 'duplicate']);
    await only(buyer.id);
    expect(await jobsOf(buyer.id)).toHaveLength(1);
  });
});

async function monthOf(buyer: Buyer) {
  const bought = await world.buy(buyer, CATALOG.basicMonth);
  const renew = () =>
    settlePayment(world.system, {
      providerId: 'telegram-stars',
      inbox: null,
      event: {
        ...PLAIN_CHARGE,
        type: 'payment_succeeded',
        eventId: `renewal of ${bought.chargeId}`,
        invoiceId: bought.invoiceId,
        chargeId: TEST_VAULT.conceal(`${bought.chargeId}_2`),
        payerId: buyer.telegramId,
        paid: { amount: BigInt(bought.amount), currency: 'XTR' },
        occurredAt: bought.until,
        renewal: 'renewal',
        paidUntil: new Date(bought.until.getTime() + 30 * 86_400_000),
        renewalDays: 30,
      },
    });
  return { renew };
}

describe('without a key', () => {
  it('a record waits under its owner’s data key, and is sealed and delivered once there is one', async () => {
    const buyer = await world.newBuyer();
    const bought = await world.buy(buyer, CATALOG.pluginOnce);
    const record = await only(buyer.id);
    expect(record).toMatchObject({ status: 'waiting', ciphertext: null, sha256: null });
    const text = openBytes(await dataKeyOf(world.system, buyer.id), record.waiting ?? new Uint8Array()).toString();
    expect(JSON.parse(text)).toMatchObject({ record: record.id, provider: { charge: bought.chargeId } });
    expect(await resealRecords(world.system, buyer.id)).toBe(0);
    expect(await jobsOf(buyer.id)).toEqual([]);

    const key = await giveKey(buyer);
    const sealed = await Promise.all(Array.from({ length: 4 }, () => resealRecords(world.system, buyer.id)));
    expect(sealed.reduce((sum, count) => sum + count)).toBe(1);
    const after = await only(buyer.id);
    expect(after).toMatchObject({ status: 'sealed', waiting: null });
    expect(await readRecord(after.ciphertext ?? new Uint8Array(), key)).toEqual(JSON.parse(text));
    expect(await jobsOf(buyer.id)).toHaveLength(1);
  });

  it('that can be used none is sealed', async () => {
    const buyer = await world.newBuyer();
    await giveKey(buyer);
    await world.sql("UPDATE billing_key SET status = 'retired', retired_at = now() WHERE user_id = $1", [buyer.id]);
    await world.buy(buyer, CATALOG.pluginOnce);
    expect(await only(buyer.id)).toMatchObject({ status: 'waiting' });
  });

  it('that can be read none is sealed, and the payment is settled all the same', async () => {
    const buyer = await world.newBuyer();
    await giveKey(buyer);
    await world.sql('UPDATE billing_key SET sealed = $2 WHERE user_id = $1', [buyer.id, Buffer.from('nonsense')]);
    await world.buy(buyer, CATALOG.pluginOnce);
    expect(await only(buyer.id)).toMatchObject({ status: 'waiting' });
    expect(await world.sql('SELECT status FROM payment WHERE user_id = $1', [buyer.id])).toEqual([
      { status: 'succeeded' },
    ]);
  });

  it('what was left over is found', async () => {
    const buyer = await world.newBuyer();
    await world.buy(buyer, CATALOG.pluginOnce);
    await giveKey(buyer);
    expect(await resealLeftOvers(world.system)).toBeGreaterThanOrEqual(1);
    expect(await only(buyer.id)).toMatchObject({ status: 'sealed' });
  });
});

describe('an order whose record is not to be delivered', () => {
  const buyUnlogged = async (buyer: Buyer) => {
    const { invoiceId } = await world.order(buyer, CATALOG.pluginOnce, { isLogged: false });
    const paid = { payer: buyer, invoiceId, chargeId: newChargeId(), amount: AMOUNTS[CATALOG.pluginOnce] };
    await world.deliver(successfulPayment(world.nextUpdateId(), { ...paid, at: world.clock.now() }));
    return only(buyer.id);
  };

  it('has one all the same, which waits for its owner’s word', async () => {
    const buyer = await world.newBuyer();
    const key = await giveKey(buyer);
    const record = await buyUnlogged(buyer);
    expect(record).toMatchObject({ status: 'sealed', obstacle: 'not_logged' });
    expect(await readRecord(record.ciphertext ?? new Uint8Array(), key)).toMatchObject({ record: record.id });
    expect(await jobsOf(buyer.id)).toEqual([]);
    expect(await queueLeftOver(world.system)).toBe(0);
    await sendAgain(buyer.ctx, { userId: buyer.id, recordId: record.id });
    expect(await jobsOf(buyer.id)).toEqual([{ name: 'deliver_record', payload: { recordId: record.id } }]);
  });

  it('does so also once there is a key', async () => {
    const buyer = await world.newBuyer();
    expect(await buyUnlogged(buyer)).toMatchObject({ status: 'waiting', obstacle: 'not_logged' });
    await giveKey(buyer);
    expect(await resealRecords(world.system, buyer.id)).toBe(1);
    expect(await only(buyer.id)).toMatchObject({ status: 'sealed', obstacle: 'not_logged' });
    expect(await jobsOf(buyer.id)).toEqual([]);
  });

  it('hides nothing from the developer, whose record is their own', async () => {
    await developerWithKey();
    const buyer = await world.newBuyer();
    await giveKey(buyer);
    await buyUnlogged(buyer);
    expect((await recordsOf(DEVELOPER.id)).at(-1)).toMatchObject({ type: 'revenue_share', obstacle: null });
  });
});

describe('what the database holds of a payment', () => {
  it('is no word of the record', async () => {
    const buyer = await world.newBuyer();
    await giveKey(buyer);
    await world.buy(buyer, CATALOG.pluginOnce);
    const record = await only(buyer.id);
    const [row] = await world.sql<{ whole: string }>(
      `SELECT r::text || encode(coalesce(ciphertext, ''), 'escape') AS whole FROM billing_record r WHERE id = $1`,
      [record.id],
    );
    expect(row?.whole).toContain(record.id);
    for (const secret of ['Plugin', 'telegram_stars', buyer.telegramId.toString()])
      expect(row?.whole).not.toContain(secret);
  });
});

describe('delivery', () => {
  const sealed = async () => {
    const buyer = await world.newBuyer();
    await giveKey(buyer);
    await world.buy(buyer, CATALOG.pluginOnce);
    return only(buyer.id);
  };

  it('that broke off is seen, and not begun again by itself', async () => {
    const { id, userId } = await sealed();
    expect(await beginDelivery(world.system, id)).toMatchObject({ id });
    expect(await beginDelivery(world.system, id)).toBeNull();
    expect(await only(userId)).toMatchObject({ status: 'sealed', obstacle: 'interrupted' });
  });

  it('is tried again after what goes by itself, and after nothing else', async () => {
    const { id, userId } = await sealed();
    for (const obstacle of Object.keys(OBSTACLES) as Obstacle[]) {
      await beginDelivery(world.system, id);
      await failDelivery(world.system, id, obstacle);
      expect(await only(userId)).toMatchObject({ status: 'sealed', obstacle });
      const again = await beginDelivery(world.system, id);
      expect(again?.id ?? null, obstacle).toBe(OBSTACLES[obstacle] === 'time' ? id : null);
      await failDelivery(world.system, id, null);
    }
  });

  it('drops our copy at once, or after the days its owner set', async () => {
    const [first, second] = [await sealed(), await sealed()];
    await completeDelivery(world.system, first.id, { keepDays: 0 });
    expect(await only(first.userId)).toMatchObject({ status: 'delivered', ciphertext: null, sha256: first.sha256 });
    await completeDelivery(world.system, second.id, { keepDays: 30 });
    await world.advance(29 * 86_400_000);
    expect(await dropDelivered(world.system)).toBe(0);
    expect(await only(second.userId)).toMatchObject({ status: 'delivered', ciphertext: second.ciphertext });
    await world.advance(86_400_000);
    expect(await dropDelivered(world.system)).toBe(1);
    expect(await only(second.userId)).toMatchObject({ status: 'delivered', ciphertext: null, sha256: second.sha256 });
  });
});
