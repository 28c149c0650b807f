import { describe, expect, it } from 'vitest';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG, DEVELOPER } from '../../testing/catalog.ts';
import { CARDS, openStripe, type Paid } from '../../testing/stripe.ts';
import { DAY_MS } from '../../testing/world.ts';

const rail = openStripe();
const { world } = rail;

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { reason?: string }) => error.reason ?? String(error),
  );
/** $9.99 by card: Stripe keeps 59, the developer gets 658. */
const PAID = { developer_payable: -658, platform_revenue: -341, processor_fees: 59, provider_receivable: 940 };

const disputeOf = async ({ chargeId }: Paid) => (await rail.look(chargeId)).disputes.at(-1)?.id ?? '';
const developerOf = (paid: Paid) =>
  rail.balances(paid).then(({ developer_payable = 0, dispute_hold = 0 }) => ({
    payable: Math.abs(developer_payable),
    held: Math.abs(dispute_hold),
  }));

/** Stripe's own next try may be under way: what is sent again is then answered before that one is done. */
const allFollowed = () =>
  expect.poll(() => world.sql("SELECT kind, error FROM webhook_event WHERE status <> 'processed'")).toEqual([]);

describe('a dispute', () => {
  it('rests the right and holds the developer’s share', async () => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/dispute`);
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'disputed', returned: 0 }],
      disputes: [['open', 999]],
      rights: 0,
    });
    expect(await developerOf(paid)).toEqual({ payable: 0, held: 658 });
    await expectWholeBooks(world.system);
  });

  it('that is won gives both back; its fee is the platform’s', async () => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/dispute`);
    world.clock.advance(DAY_MS);
    await rail.act(`disputes/${await disputeOf(paid)}/close`, { outcome: 'won' });
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'succeeded', returned: 0 }],
      disputes: [['won', 999]],
      rights: 1,
    });
    expect(await rail.balances(paid)).toEqual({
      ...PAID,
      processor_fees: 59 + 1_500,
      provider_receivable: 940 - 1_500,
    });
    await expectWholeBooks(world.system);
  });

  it('that is lost takes the right and the developer’s share for good', async () => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/dispute`);
    world.clock.advance(DAY_MS);
    await rail.act(`disputes/${await disputeOf(paid)}/close`, { outcome: 'lost' });
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'charged_back', returned: 999 }],
      disputes: [['lost', 999]],
      rights: 0,
    });
    expect(await rail.balances(paid)).toEqual({ processor_fees: 59 + 1_500, provider_receivable: -59 - 1_500 });
    await expectWholeBooks(world.system);
  });

  it('after a part was refunded is about what is left, and so is what it takes', async () => {
    const paid = await rail.buy();
    await rail.giveBack(paid, 400n);
    await rail.act(`payments/${paid.chargeId}/dispute`);
    expect(await rail.facts(paid)).toMatchObject({
      disputes: [['open', 599]],
      payments: [{ status: 'disputed', returned: 400 }],
    });
    expect(await developerOf(paid)).toEqual({ payable: 0, held: 658 - Math.floor((658 * 400) / 999) });
    await rail.act(`disputes/${await disputeOf(paid)}/close`, { outcome: 'lost' });
    expect(await rail.facts(paid)).toMatchObject({ payments: [{ status: 'charged_back', returned: 999 }], rights: 0 });
    expect(await developerOf(paid)).toEqual({ payable: 0, held: 0 });
    await expectWholeBooks(world.system);
  });

  it.each(['won', 'lost'] as const)(
    'opened and %s within the same second ends there, whatever came first',
    async (outcome) => {
      for (const isEndFirst of [false, true]) {
        const paid = await rail.buy();
        if (isEndFirst) await rail.loseMessages();
        await rail.act(`payments/${paid.chargeId}/dispute`);
        await world.sandbox.setFaults({});
        await rail.act(`disputes/${await disputeOf(paid)}/close`, { outcome });
        const events = (await rail.look(paid.chargeId)).events.filter(({ type }) => type.startsWith('charge.dispute.'));
        for (const { id } of isEndFirst ? events.reverse() : events) await rail.act(`events/${id}/redeliver`);
        await allFollowed();
        expect(await rail.facts(paid)).toMatchObject({ disputes: [[outcome, 999]], rights: outcome === 'won' ? 1 : 0 });
        await expectWholeBooks(world.system);
      }
    },
  );

  it('of a card that disputes at once may be told before its charge', async () => {
    const paid = await rail.buy(CATALOG.pluginUsd, { card: CARDS.disputed });
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'disputed' }],
      disputes: [['open', 999]],
      rights: 0,
    });
    await expectWholeBooks(world.system);
  });

  it('makes a refund impossible: Stripe refuses it, and the payment stays disputed', async () => {
    const paid = await rail.buy();
    await rail.loseMessages();
    await rail.act(`payments/${paid.chargeId}/dispute`);
    expect(await rail.giveBack(paid)).toMatchObject({ outcome: 'failed' });
    await world.sandbox.setFaults({});
    for (const { id } of (await rail.look(paid.chargeId)).events) await rail.act(`events/${id}/redeliver`);
    await allFollowed();
    expect(await rail.facts(paid)).toMatchObject({
      payments: [{ status: 'disputed' }],
      refunds: [['failed', 999]],
      rights: 0,
    });
    expect(await reasonOf(rail.askBack(paid))).toBe('refund_not_possible');
    await expectWholeBooks(world.system);
  });

  it('tells the operators of its beginning and its end', async () => {
    const paid = await rail.buy();
    await rail.act(`payments/${paid.chargeId}/dispute`);
    await rail.act(`disputes/${await disputeOf(paid)}/close`, { outcome: 'lost' });
    const rows = await world.sql<{ what: string }>(
      `SELECT payload->>'what' AS what FROM job WHERE name = 'tell_operators'
       AND payload->>'objectId' IN (SELECT id FROM dispute WHERE payment_id = $1) ORDER BY id`,
      [paid.paymentId],
    );
    expect(rows.map(({ what }) => what)).toEqual(['open', 'lost']);
    expect(await noticesOf(world, DEVELOPER.id)).toMatchObject({ sale: expect.any(Number) });
  });
});
