import { describe, expect, it } from 'vitest';
import { concealReferences } from '#domain/context/conceal-references.ts';
import type { Ctx } from '#domain/context/context.ts';
import { sealAccount } from '#domain/identity/account.ts';
import { reconcilePayments } from '#domain/reconciliation/reconcile.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { makeTelegramStars } from '#providers/telegram-stars/adapter.ts';
import { endState, expectWholeBooks } from '../../testing/books.ts';
import { AMOUNTS, CATALOG } from '../../testing/catalog.ts';
import { refundedPayment, starTransaction, subscriptionUpdate, successfulPayment } from '../../testing/updates.ts';
import { type Buyer, DAY_MS, newChargeId, openWorld, SECRET, STARS } from '../../testing/world.ts';

const world = openWorld();
const EVENTS = ['payment', 'renewal1', 'renewal2', 'refund', 'cancel', 'renewal_failed', 'reconciliation'] as const;
type EventName = (typeof EVENTS)[number];

/** The life of one subscription, as Telegram would tell it, seventy days after it began. */
type Life = { invoiceId: string; deliver: Record<EventName, (updateId: number) => Promise<unknown>> };

async function begin(buyer: Buyer): Promise<Life> {
  const now = world.clock.now().getTime();
  const day = (count: number) => new Date(now + (count - 70) * DAY_MS);
  const invoiceId = `inv_${buyer.id.slice(4)}`;
  await world.sql(
    `INSERT INTO invoice (id, user_id, price_id, plan_id, product_id, kind, "interval", status, surface, amount, currency, platform_fee_bps, expires_at, created_at)
     VALUES ($1, $2, $3, $4, $5, 'subscription', 'month', 'open', 'mini_app', $6, 'XTR', 3000, $7, $8)`,
    [invoiceId, buyer.id, CATALOG.basicMonth, CATALOG.basic, CATALOG.line, AMOUNTS[CATALOG.basicMonth], day(1), day(0)],
  );
  const charges = [0, 1, 2].map((index) => ({
    payer: buyer,
    invoiceId,
    amount: AMOUNTS[CATALOG.basicMonth],
    chargeId: `${index}${newChargeId()}`,
    at: day(index * 30),
    recurring: { isFirst: index === 0, until: day((index + 1) * 30) },
  }));
  const [first, second, third] = charges as [(typeof charges)[0], (typeof charges)[0], (typeof charges)[0]];
  const refund = { ...first, at: day(65) };
  const told = (update: (updateId: number) => object) => (updateId: number) => world.deliver(update(updateId));
  const rows = [
    ...charges.map((charge) => starTransaction('charge', { ...charge, isSubscription: true })),
    starTransaction('refund', { ...refund, isSubscription: true }),
  ];
  return {
    invoiceId,
    deliver: {
      payment: told((id) => successfulPayment(id, first)),
      renewal1: told((id) => successfulPayment(id, second)),
      renewal2: told((id) => successfulPayment(id, third)),
      refund: told((id) => refundedPayment(id, refund)),
      cancel: told((id) => subscriptionUpdate(id, { payer: buyer, invoiceId, state: 'canceled' })),
      renewal_failed: told((id) => subscriptionUpdate(id, { payer: buyer, invoiceId, state: 'failed' })),
      reconciliation: async () => {
        await world.sql('DELETE FROM reconciliation_cursor');
        await reconcilePayments(listing(rows), STARS);
      },
    },
  };
}

/** Our own world, in which Telegram's list holds just these rows: thousands of people share the database of this test. */
function listing(rows: object[]): Ctx {
  const stars = makeTelegramStars({
    api: {
      call: async (_method, parameters) => {
        const offset = Number(parameters['offset']);
        return { transactions: rows.slice(offset, offset + Number(parameters['limit'])) };
      },
    },
    secrets: { current: SECRET, previous: null, onPrevious: () => undefined },
  });
  return { ...world.system, providers: new Map([[STARS, concealReferences(stars, world.door.vault)]]) };
}

function permutations<Item>(items: ReadonlyArray<Item>): Item[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

async function play(order: ReadonlyArray<EventName>): Promise<string> {
  // Lives of one run do not overlap: what reconciliation looks through is the time of one of them.
  world.clock.advance(200 * DAY_MS);
  const buyer = await newBuyer();
  const life = await begin(buyer);
  for (const event of order) await life.deliver[event](world.nextUpdateId());
  await workThroughInbox();
  const state = await endState(world, life.invoiceId);
  return normalise(state, world.clock.now().getTime() - 70 * DAY_MS, buyer.id);
}

async function newBuyer(): Promise<Buyer> {
  const id = `usr_${newChargeId().slice(3, 24)}`;
  const telegramId = BigInt(world.nextUpdateId());
  const row = await world.database.prisma.user.create({ data: { id, language: 'en' } });
  await world.database.prisma.identityLink.create({ data: { userId: id, ...sealAccount(world.door, telegramId) } });
  return { ...row, telegramId, ctx: world.as({ kind: 'user', userId: id, role: 'user' }) };
}

/** Events that came before what they are about are tried again until all are at rest. */
async function workThroughInbox(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    const waiting = await world.sql("SELECT 1 FROM webhook_event WHERE status = 'failed' LIMIT 1");
    if (waiting.length === 0) return;
    await world.sql("UPDATE webhook_event SET next_attempt_at = $1 WHERE status = 'failed'", [world.clock.now()]);
    await retryWebhooks(world.system);
  }
}

/** Dates as days since the life began, people and charges by their part in it. */
function normalise(state: Record<string, unknown>, startMs: number, userId: string): string {
  return JSON.stringify(state, null, 1)
    .replaceAll(userId, 'buyer')
    .replace(/"(\d)stx[\w-]+"/g, '"charge $1"')
    .replace(/"(\d{4}-\d\d-\d\dT[^"]+)"/g, (_whole, date: string) => `"day ${(Date.parse(date) - startMs) / DAY_MS}"`);
}

/** All 5,040 orders take ten minutes: HOSHI_ALL_ORDERS=1 plays them, otherwise each forty-seventh, spread over all beginnings. */
const STEP = process.env['HOSHI_ALL_ORDERS'] === '1' ? 1 : 47;

describe('whatever order Telegram’s messages come in, a subscription ends in the same rows', () => {
  it.each([
    [
      'renewed and refunded',
      ['payment', 'renewal1', 'renewal2', 'reconciliation', 'refund'],
      1,
      ['revoked', null, null, true],
    ],
    [
      'renewed, failed and cancelled',
      ['payment', 'renewal1', 'renewal2', 'renewal_failed', 'cancel'],
      1,
      ['cancelling', 'user', null, false],
    ],
    ['renewed, failed, cancelled and refunded', EVENTS, STEP, ['revoked', null, null, true]],
  ] as const)(
    '%s',
    { timeout: 1_200_000 },
    async (_name, events, step, [status, cancelledBy, graceUntil, hasEnded]) => {
      const expected = await play(events.filter((event) => event !== 'reconciliation'));
      expect(JSON.parse(expected)).toMatchObject({
        invoice: 'paid',
        subscription: ['charge 0', status, cancelledBy, 'day 60', 'day 90', graceUntil, hasEnded],
        refunds: status === 'revoked' ? [['charge 0', 'succeeded', 50]] : null,
      });
      for (const [index, order] of permutations(events).entries()) {
        if (index % step === 0) expect(await play(order), order.join(', ')).toBe(expected);
      }
      await expectWholeBooks(world.system);
    },
  );
});
