import { describe, expect, it } from 'vitest';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { bindLog } from '#domain/personal-log/bind.ts';
import { CATALOG } from '../testing/catalog.ts';
import { giveKey } from '../testing/keys.ts';
import { openMiniApp } from '../testing/mini-app.ts';
import { type Buyer, openWorld } from '../testing/world.ts';
import { SEEN_CLASSES, type SeenClass, type SeenClassView } from './privacy-views.ts';

const world = openWorld();
const look = async (person: Buyer) => (await openMiniApp(world, person)).privacy.seen.query();
const classOf = (seen: SeenClassView[], name: SeenClass): SeenClassView => {
  const found = seen.find((one) => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};
const factsOf = (seen: SeenClassView[], name: SeenClass) =>
  classOf(seen, name).facts.map(({ label, value }) => [label, value]);

/** A card of a person's as the database holds it. */
async function addCard(buyer: Buyer, status: 'active' | 'confirming'): Promise<void> {
  const card = { token: 'tok_secret', brand: 'visa', last4: status === 'active' ? '4242' : '0005', expires: '2030-12' };
  await world.database.prisma.paymentMethod.create({
    data: {
      id: `pmt_${status}_${buyer.id}`,
      userId: buyer.id,
      provider: 'stripe',
      status,
      sealed: world.system.vault.seal(Buffer.from(JSON.stringify(card))),
      ...(status === 'confirming' && { confirmation: new Uint8Array(32) }),
      createdAt: world.clock.now(),
    },
  });
}

describe('what the server can see', () => {
  it('of somebody who has done nothing is their account', async () => {
    const buyer = await world.newBuyer();
    const seen = await look(buyer);
    expect(seen.map(({ name }) => name)).toEqual([...SEEN_CLASSES]);
    expect(seen.filter(({ count }) => count !== 0).map(({ name }) => name)).toEqual([
      'account',
      'telegram',
      'webhooks',
    ]);
    expect(factsOf(seen, 'account')).toContainEqual(['id', buyer.id]);
    expect(factsOf(seen, 'account')).toContainEqual(['botMayWrite', 'no']);
    expect(factsOf(seen, 'telegram')).toContainEqual(['telegramId', buyer.telegramId.toString()]);
    expect(classOf(seen, 'webhooks')).toMatchObject({ storage: 'server', count: null, keepDays: 7 });
  });

  it('is counted in their own rows, in the form in which each is kept', async () => {
    const [buyer, other] = [await world.newBuyer(), await world.newBuyer()];
    await world.buy(other, CATALOG.proMonth);
    const first = await world.buy(buyer, CATALOG.pluginOnce);
    await world.advance(86_400_000);
    const key = await giveKey(buyer);
    const last = await world.buy(buyer, CATALOG.basicMonth);
    await world.order(buyer, CATALOG.proYear);
    await addCard(buyer, 'active');
    await addCard(buyer, 'confirming');
    await bindLog(world.system, { userId: buyer.id, group: { chatId: -1_002_000_000_001, topicId: 7 } });
    const seen = await look(buyer);
    expect(seen.map(({ count, name, storage }) => [name, storage, count])).toEqual([
      ['account', 'plain', 1],
      ['running', 'plain', 3],
      ['payments', 'plain', 2],
      ['orders', 'plain', 3],
      ['jobs', 'plain', expect.any(Number)],
      ['audit', 'plain', expect.any(Number)],
      ['exports', 'plain', 0],
      ['agreements', 'plain', 0],
      ['telegram', 'server', 1],
      ['cards', 'server', 2],
      ['keys', 'server', 1],
      ['log', 'server', 1],
      ['waiting', 'server', 1],
      ['webhooks', 'server', null],
      ['sealed', 'owner', 1],
    ]);
    const [newest] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [last.chargeId]);
    expect(factsOf(seen, 'payments')).toEqual([
      ['sum', '151 ★'],
      ['refunds', '0'],
      ['newest', newest?.id],
      ['amount', '50 ★'],
      ['status', 'succeeded'],
      ['provider', 'Telegram Stars'],
      ['charge', last.chargeId],
      ['time', expect.stringContaining('21 November 2026')],
    ]);
    expect(classOf(seen, 'payments')).toMatchObject({
      from: { iso: first.at.toISOString() },
      to: { iso: last.at.toISOString() },
    });
    expect(factsOf(seen, 'orders')).toEqual([['paid', '2']]);
    expect(factsOf(seen, 'running')).toContainEqual(['renews', expect.stringContaining('21 December 2026')]);
    expect(factsOf(seen, 'cards')).toEqual([['card', 'visa …4242 (Stripe)']]);
    expect(factsOf(seen, 'keys')).toEqual([['fingerprint', key.getFingerprint().toUpperCase()]]);
    expect(factsOf(seen, 'log')).toContainEqual(['group', '-1002000000001']);
    expect(factsOf(seen, 'waiting')).toEqual([['size', expect.stringMatching(/^[1-9]\d* KB$/)]]);
    expect(factsOf(seen, 'jobs')).toContainEqual(['kind', 'deliver_record']);
    const whole = JSON.stringify(seen);
    // Tokens are nothing that one needs to see, and a card that is not confirmed may be another's.
    for (const secret of ['tok_secret', '0005', other.id, other.telegramId.toString()])
      expect(whole).not.toContain(secret);
  });

  it('tells what went back of the sums', async () => {
    const buyer = await world.newBuyer();
    const { chargeId } = await world.buy(buyer, CATALOG.pluginOnce);
    const [paid] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [chargeId]);
    await requestRefund(world.system, { paymentId: paid?.id ?? '' });
    await world.sql('UPDATE payment SET returned_amount = 40 WHERE id = $1', [paid?.id]);
    const facts = factsOf(await look(buyer), 'payments');
    expect(facts).toContainEqual(['returned', '40 ★']);
    expect(facts).toContainEqual(['refunds', '1']);
  });

  it('is told in Japanese as well', async () => {
    const buyer = await world.newBuyer();
    await world.sql("UPDATE users SET language = 'ja' WHERE id = $1", [buyer.id]);
    await world.buy(buyer, CATALOG.pluginOnce);
    expect(classOf(await look(buyer), 'payments').from?.text).toBe('2026年11月21日');
    expect(factsOf(await look(buyer), 'account')).toContainEqual(['botMayWrite', 'いいえ']);
  });
});
