import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askOpenOrders } from '#domain/reconciliation/ask-open.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { endState, expectWholeBooks } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { CARDS, type Order, openStripe, type PayWish, STRIPE } from '../../testing/stripe.ts';
import { DAY_MS } from '../../testing/world.ts';

const rail = openStripe();
const { world } = rail;

type Step = (chargeId: string) => Promise<unknown>;
type Story = Readonly<{ wish?: PayWish; isTransfer?: boolean; steps: ReadonlyArray<Step> }>;

const give =
  (amount?: number): Step =>
  (id) =>
    rail.act(`payments/${id}/refund`, amount === undefined ? {} : { amount });
const settle =
  (outcome: 'succeeded' | 'failed'): Step =>
  async (id) =>
    rail.act(`refunds/${(await rail.look(id)).refunds.at(-1)?.id}/settle`, { outcome });
const dispute: Step = (id) => rail.act(`payments/${id}/dispute`);
const close =
  (outcome: 'won' | 'lost'): Step =>
  async (id) =>
    rail.act(`disputes/${(await rail.look(id)).disputes.at(-1)?.id}/close`, { outcome });

const STORIES: ReadonlyArray<readonly [name: string, story: Story]> = [
  ['a payment', { steps: [] }],
  ['a refund', { steps: [give()] }],
  ['a refund in two parts', { steps: [give(400), give()] }],
  ['a refund that waits and is done', { wish: { card: CARDS.refundPends }, steps: [give(), settle('succeeded')] }],
  ['a refund that waits and fails', { wish: { card: CARDS.refundPends }, steps: [give(), settle('failed')] }],
  ['a refund that comes back', { steps: [give(), settle('failed')] }],
  ['a dispute', { steps: [dispute] }],
  ['a dispute that is won', { steps: [dispute, close('won')] }],
  ['a dispute that is lost', { steps: [dispute, close('lost')] }],
  ['a dispute that is lost after a part went back', { steps: [give(400), dispute, close('lost')] }],

  [
    'a voucher that is paid',
    { isTransfer: true, wish: { method: 'konbini' }, steps: [(id) => rail.act(`payments/${id}/konbini`)] },
  ],
  [
    'a transfer in two parts',
    {
      isTransfer: true,
      wish: { method: 'bank_transfer' },
      steps: [
        (id) => rail.act(`payments/${id}/transfer`, { amount: 400 }),
        (id) => rail.act(`payments/${id}/transfer`, { amount: 601 }),
      ],
    },
  ],
  [
    'a transfer that does not come',
    { isTransfer: true, wish: { method: 'bank_transfer' }, steps: [(id) => rail.act(`payments/${id}/fail`)] },
  ],
];

/** The order of a story, and how its money is begun, with everything that Stripe says of it lost. */
async function begin({ isTransfer = false, wish = {} }: Story): Promise<{ order: Order; chargeId: string }> {
  const way = isTransfer ? { method: 'bank_transfer' as const } : {};
  const order = await rail.order(isTransfer ? CATALOG.pluginJpy : CATALOG.pluginUsd, way);
  await rail.loseMessages();
  const { payment } = await rail.pay(order, wish);
  return { order, chargeId: payment ?? '' };
}

/**
 * What an order came to, without the names and times of this one. A refund or a transfer that came to nothing before we heard
 * of it leaves no row, and the rounding of single legs follows the order of arrival: neither is part of the end.
 */
async function outcomeOf({ buyer, invoiceId }: Order, chargeId: string): Promise<unknown> {
  const { disputes, refunds } = await rail.facts({ invoiceId });
  const { attempts, invoice, payments, rights } = await endState(world, invoiceId);
  const isPaid = (await rail.facts({ invoiceId })).payments.length > 0;
  const balances = isPaid ? await rail.balances({ paymentId: (await rail.paymentOf({ invoiceId })).id }) : {};
  const standing = refunds.filter(([status]) => status !== 'failed');
  const state = JSON.stringify({ attempts, balances, disputes, invoice, payments, rights, standing });
  const plain = state.replaceAll(chargeId, 'charge').replaceAll(buyer.id, 'buyer');
  return JSON.parse(plain.replace(/"\d{4}-\d\d-\d\dT[^"]*"/g, '"time"'));
}

/** Lets a story happen, and delivers its messages as `choices` say: late, twice, in any order. */
async function tell(story: Story, choices: ReadonlyArray<number>): Promise<unknown> {
  const { chargeId, order } = await begin(story);
  const steps = [...story.steps];
  const waiting: string[] = [];
  const heard = new Set<string>();
  const collect = async () => {
    for (const { body, id } of await rail.messagesOf(chargeId))
      if (!heard.has(id)) {
        heard.add(id);
        waiting.push(body, body);
      }
  };
  await collect();
  for (const choice of choices) {
    const step = choice % 4 === 0 ? steps.shift() : undefined;
    if (step) {
      await step(chargeId);
      await collect();
    }
    const [body] = waiting.splice(choice % Math.max(waiting.length, 1), 1);
    if (body !== undefined) expect(await rail.send(body)).toMatchObject({ status: 200 });
  }
  for (const step of steps) await step(chargeId);
  await collect();
  for (const body of waiting) expect(await rail.send(body)).toMatchObject({ status: 200 });
  return outcomeOf(order, chargeId);
}

/** As it happens: each message once, when it is sent. */
async function tellInOrder(story: Story): Promise<unknown> {
  const { chargeId, order } = await begin(story);
  const heard = new Set<string>();
  for (const step of [null, ...story.steps]) {
    await step?.(chargeId);
    for (const { body, id } of await rail.messagesOf(chargeId)) {
      if (!heard.has(id)) await rail.send(body);
      heard.add(id);
    }
  }
  return outcomeOf(order, chargeId);
}

const RUNS = 5;
const choices = fc.array(fc.nat(9_999), { minLength: 12, maxLength: 24 });

describe.each(STORIES)('the messages of %s', (_name, story) => {
  it('end in the same state in whatever order they come, each of them twice', async () => {
    const expected = await tellInOrder(story);
    const property = fc.asyncProperty(choices, async (chosen) => {
      expect(await tell(story, chosen)).toEqual(expected);
    });
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
    await expectWholeBooks(world.system);
  });

  it('lost one and all for a day are made up for by asking', async () => {
    const expected = await tellInOrder(story);
    const { chargeId, order } = await begin(story);
    for (const step of story.steps) await step(chargeId);
    world.clock.advance(DAY_MS + 60_000);
    await askOpenOrders(world.system);
    await reconcilePayments(world.system, STRIPE);
    expect(await outcomeOf(order, chargeId)).toEqual(expected);
    await expectWholeBooks(world.system);
  });
});

describe('one message alone', () => {
  it.each(['charge.refunded', 'refund.created', 'checkout.session.completed', 'charge.succeeded'])(
    '%s brings the payment and its refund',
    async (type) => {
      const { chargeId, order } = await begin({ steps: [] });
      await rail.act(`payments/${chargeId}/refund`);
      const message = (await rail.messagesOf(chargeId)).find((each) => each.type === type);
      await rail.send(message?.body ?? '');
      expect(await rail.facts(order)).toMatchObject({
        order: 'paid',
        payments: [{ status: 'refunded' }],
        refunds: [['succeeded', 999]],
        rights: 0,
      });
      await expectWholeBooks(world.system);
    },
  );

  it('of a dispute that is over brings the payment and how it ended', async () => {
    const { chargeId, order } = await begin({ steps: [] });
    await dispute(chargeId);
    await close('lost')(chargeId);
    const created = (await rail.messagesOf(chargeId)).find(({ type }) => type === 'charge.dispute.created');
    await rail.send(created?.body ?? '');
    expect(await rail.facts(order)).toMatchObject({
      payments: [{ status: 'charged_back' }],
      disputes: [['lost', 999]],
    });
    await expectWholeBooks(world.system);
  });
});

describe('the messages of two buyers', () => {
  it('that come in turn and at once stay with each of them', async () => {
    const both = [await begin({ steps: [] }), await begin({ steps: [] })] as const;
    await rail.act(`payments/${both[1].chargeId}/refund`, { amount: 300 });
    const [first, second] = await Promise.all(both.map(({ chargeId }) => rail.messagesOf(chargeId)));
    const mixed = (second ?? []).flatMap((message, index) => [message, ...(first ?? []).slice(index, index + 1)]);
    const answers = await Promise.all(mixed.map(({ body }) => rail.send(body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await rail.facts(both[0].order)).toMatchObject({ payments: [{ returned: 0 }], refunds: [], rights: 1 });
    expect(await rail.facts(both[1].order)).toMatchObject({
      payments: [{ returned: 300 }],
      refunds: [['succeeded', 300]],
      rights: 1,
    });
    await expectWholeBooks(world.system);
  });
});
