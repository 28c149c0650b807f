import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBooks } from '#domain/audit/invariants.ts';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { expireInvoices } from '#domain/checkout/expire.ts';
import { forgetItems } from '#domain/checkout/forget-items.ts';
import { checkEntitlement } from '#domain/entitlement/check.ts';
import { forgetRights } from '#domain/entitlement/forget-ended.ts';
import { AppError, type Reason } from '#domain/errors.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { forgetSubscriptions } from '#domain/subscription/forget-ended.ts';
import { endSubscriptions, remindRenewals } from '#domain/subscription/run-schedule.ts';
import { retryWebhooks } from '#domain/webhook/retry.ts';
import { AMOUNTS, CATALOG } from '../testing/catalog.ts';
import { refundedPayment, subscriptionUpdate, successfulPayment } from '../testing/updates.ts';
import { type Buyer, DAY_MS, MONTH_MS, newChargeId, openWorld, type PriceId } from '../testing/world.ts';

const world = openWorld();
/** HOSHI_MODEL_RUNS=10000 for a night; HOSHI_MODEL_SEED repeats a run that failed. */
const RUNS = Number(process.env['HOSHI_MODEL_RUNS'] ?? 60);
const SEED = Number(process.env['HOSHI_MODEL_SEED'] ?? Date.now() % 1_000_000_000);

type Charge = {
  id: string;
  amount: number;
  at: Date;
  payer: Buyer;
  isRefunded: boolean;
  recurring?: { isFirst: boolean; until: Date };
};
type Order = {
  invoiceId: string;
  priceId: PriceId;
  buyer: Buyer;
  charges: Charge[];
  periods: number;
  firstUntil: Date | null;
};
/** What must be so, told as simply as it can be: which charges exist, and which of them went back. */
type Model = { orders: number; charges: number };
type Real = { buyers: [Buyer, Buyer]; orders: Order[]; told: object[] };
type Command = fc.AsyncCommand<Model, Real>;

const command = (
  name: string,
  run: (real: Real) => Promise<void>,
  needs: (model: Model) => boolean = () => true,
): Command => ({
  check: needs,
  run: async (model, real) => {
    await run(real);
    model.orders = real.orders.length;
    model.charges = real.orders.reduce((sum, order) => sum + order.charges.length, 0);
    await expectTruth(real);
  },
  toString: () => name,
});
const hasOrder = (model: Model) => model.orders > 0;
const hasCharge = (model: Model) => model.charges > 0;
const orderAt = (real: Real, index: number) => real.orders[index % real.orders.length] as Order;
const chargeAt = (real: Real, index: number) => {
  const all = real.orders.flatMap((order) => order.charges.map((charge) => ({ order, charge })));
  return all[index % all.length] as { order: Order; charge: Charge };
};

async function tell(real: Real, update: object): Promise<void> {
  real.told.push(update);
  const { reply } = await world.deliver(update);
  expect(reply.status).toBe(200);
}

/** Refusals are fine when they are of these; anything else thrown is a mistake of ours. */
async function mayRefuse(work: Promise<unknown>, ...reasons: Reason[]): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof AppError && reasons.includes(error.reason)) return false;
    throw error;
  }
}

const factsOf = ({ invoiceId }: Order, charge: Charge) => ({
  payer: charge.payer,
  invoiceId,
  amount: charge.amount,
  chargeId: charge.id,
  at: charge.at,
  ...(charge.recurring ? { recurring: charge.recurring } : {}),
});

/** Takes money for an order as Telegram would, and tells of it — after its refund when `refundFirst`. */
async function pay(
  real: Real,
  order: Order,
  how: { isStranger: boolean; amount: number; refundFirst: boolean },
): Promise<void> {
  const at = world.clock.now();
  const isMonthly = order.priceId.endsWith('month');
  const payer = how.isStranger ? (real.buyers.find(({ id }) => id !== order.buyer.id) as Buyer) : order.buyer;
  const until = new Date(at.getTime() + MONTH_MS);
  const charge: Charge = {
    id: newChargeId(),
    amount: how.amount,
    at,
    payer,
    isRefunded: how.refundFirst,
    ...(isMonthly ? { recurring: { isFirst: true, until } } : {}),
  };
  order.charges.push(charge);
  if (isMonthly && !order.firstUntil && !how.isStranger) order.firstUntil = until;
  if (how.refundFirst) await tell(real, refundedPayment(world.nextUpdateId(), factsOf(order, charge)));
  await tell(real, successfulPayment(world.nextUpdateId(), factsOf(order, charge)));
  if (!how.refundFirst) return;
  // The inbox brings the refund in when its charge is there.
  world.clock.advance(5_000);
  await retryWebhooks(world.system);
}

const create = fc
  .record({
    who: fc.nat(1),
    price: fc.constantFrom(CATALOG.basicMonth, CATALOG.proMonth, CATALOG.basicYear, CATALOG.pluginOnce),
  })
  .map(({ price, who }) =>
    command(`create ${price} by ${who}`, async (real) => {
      const buyer = real.buyers[who] as Buyer;
      await mayRefuse(
        world.order(buyer, price).then(({ invoiceId, isResumed }) => {
          if (!isResumed)
            real.orders.push({ invoiceId, priceId: price, buyer, charges: [], periods: 1, firstUntil: null });
        }),
        'too_many_attempts',
        'already_owned',
        'already_subscribed',
      );
    }),
  );
const paying = fc
  .record({
    index: fc.nat(20),
    isStranger: fc.nat(9).map((die) => die === 0),
    isWrong: fc.nat(9).map((die) => die === 0),
    refundFirst: fc.nat(7).map((die) => die === 0),
  })
  .map((how) =>
    command(
      `pay order ${how.index}${how.isStranger ? ' by a stranger' : ''}${how.isWrong ? ' with a wrong amount' : ''}${how.refundFirst ? ', refund first' : ''}`,
      async (real) => {
        const order = orderAt(real, how.index);
        await pay(real, order, { ...how, amount: AMOUNTS[order.priceId] + (how.isWrong ? 1 : 0) });
      },
      hasOrder,
    ),
  );
const renew = fc.nat(20).map((index) =>
  command(
    `renew order ${index}`,
    async (real) => {
      const order = orderAt(real, index);
      const { firstUntil } = order;
      if (!firstUntil) return;
      const at = new Date(firstUntil.getTime() + (order.periods - 1) * MONTH_MS);
      // Telegram renews when the period is over, never before.
      if (at > world.clock.now()) world.clock.set(at);
      const until = new Date(at.getTime() + MONTH_MS);
      order.periods += 1;
      const charge: Charge = {
        id: newChargeId(),
        amount: AMOUNTS[order.priceId],
        at,
        payer: order.buyer,
        isRefunded: false,
        recurring: { isFirst: false, until },
      };
      order.charges.push(charge);
      await tell(real, successfulPayment(world.nextUpdateId(), factsOf(order, charge)));
    },
    hasOrder,
  ),
);
const repeat = fc.nat(50).map((index) =>
  command(`tell update ${index} again, three times at once`, async (real) => {
    const update = real.told[index % Math.max(1, real.told.length)];
    if (!update) return;
    const answers = await Promise.all(
      [
        world.deliver(update),
        world.deliver(update),
        world.deliver({ ...update, update_id: world.nextUpdateId() }),
      ].slice(0, 'message' in update ? 3 : 2),
    );
    for (const { reply } of answers) expect(reply.status).toBe(200);
  }),
);
const refund = fc.nat(50).map((index) =>
  command(
    `Telegram refunds charge ${index}`,
    async (real) => {
      const { charge, order } = chargeAt(real, index);
      charge.isRefunded = true;
      await tell(real, refundedPayment(world.nextUpdateId(), { ...factsOf(order, charge), at: world.clock.now() }));
    },
    hasCharge,
  ),
);
const askRefund = fc.nat(50).map((index) =>
  command(
    `ask for a refund of charge ${index}`,
    async (real) => {
      const { charge } = chargeAt(real, index);
      const [payment] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [charge.id]);
      await requestRefund(world.asServer(), { paymentId: payment?.id ?? '' });
    },
    hasCharge,
  ),
);
const cancel = fc.nat(20).map((index) =>
  command(
    `cancel order ${index}`,
    async (real) => {
      const { buyer, invoiceId } = orderAt(real, index);
      await mayRefuse(cancelInvoice(buyer.ctx, invoiceId), 'invoice_already_paid');
    },
    hasOrder,
  ),
);
const change = fc
  .record({ index: fc.nat(20), state: fc.constantFrom('canceled', 'active', 'failed') })
  .map(({ index, state }) =>
    command(
      `subscription of order ${index} is ${state}`,
      async (real) => {
        const { buyer, firstUntil, invoiceId } = orderAt(real, index);
        if (firstUntil) await tell(real, subscriptionUpdate(world.nextUpdateId(), { payer: buyer, invoiceId, state }));
      },
      hasOrder,
    ),
  );
const advance = fc.constantFrom(61_000, 1_800_000, DAY_MS, 3 * DAY_MS, 29 * DAY_MS, 33 * DAY_MS).map((ms) =>
  command(`${ms / 1000} seconds pass`, async () => {
    world.clock.advance(ms);
    await Promise.all([
      expireInvoices(world.system),
      endSubscriptions(world.system),
      retryWebhooks(world.system),
      remindRenewals(world.system),
    ]);
    // Past due and its grace may both be over by now: what the next turn of the schedule would find.
    await endSubscriptions(world.system);
    await Promise.all([forgetItems(world.system), forgetSubscriptions(world.system), forgetRights(world.system)]);
    expect((await checkBooks(world.system)).filter(({ violations }) => violations.length > 0)).toEqual([]);
  }),
);

/** Every charge stands once with what was paid, is refunded exactly if it was, and gives access exactly while it should. */
async function expectTruth(real: Real): Promise<void> {
  expect((await checkBooks(world.system, { isIdle: true })).filter(({ violations }) => violations.length > 0)).toEqual(
    [],
  );
  const ids = real.buyers.map(({ id }) => id);
  const rows = await world.sql<{ charge_id: string; amount: bigint; kind: string; status: string; user_id: string }>(
    'SELECT charge_id, amount, kind, status, user_id FROM payment WHERE user_id = ANY($1) ORDER BY charge_id',
    [ids],
  );
  const charges = real.orders.flatMap((order) => order.charges);
  const expected = charges.map(({ amount, id, isRefunded, payer }) => ({
    charge_id: id,
    amount: BigInt(amount),
    user_id: payer.id,
    isRefunded,
  }));
  const told = rows.map(({ amount, charge_id, status, user_id }) => ({
    charge_id,
    amount,
    user_id,
    isRefunded: status === 'refunded',
  }));
  const byId = (a: { charge_id: string }, b: { charge_id: string }) => (a.charge_id < b.charge_id ? -1 : 1);
  expect(told.toSorted(byId)).toEqual(expected.toSorted(byId));
  for (const buyer of real.buyers) {
    const mine = real.orders.filter((order) => order.buyer.id === buyer.id && order.priceId === CATALOG.pluginOnce);
    const kept = mine
      .flatMap((order) => order.charges)
      .filter((charge) =>
        rows.some(
          ({ charge_id, kind, status }) => charge_id === charge.id && kind === 'one_time' && status !== 'refunded',
        ),
      );
    expect(kept.length).toBeLessThanOrEqual(1);
    const { isEntitled } = await checkEntitlement(buyer.ctx, { userId: buyer.id, productCode: 'plugin' });
    expect(isEntitled).toBe(kept.length === 1);
  }
}

describe('whatever people and Telegram do', () => {
  it(`the books stay whole (seed ${SEED})`, { timeout: RUNS * 10_000 }, async () => {
    const commands = fc.commands(
      [create, create, paying, paying, renew, repeat, refund, askRefund, cancel, change, advance],
      { maxCommands: 25 },
    );
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const buyers: [Buyer, Buyer] = [await world.newBuyer(), await world.newBuyer()];
        const setup = () => ({
          model: { orders: 0, charges: 0 },
          real: { buyers, orders: [], told: [] } satisfies Real as Real,
        });
        await fc.asyncModelRun(setup, list);
      }),
      { numRuns: RUNS, seed: SEED, interruptAfterTimeLimit: RUNS * 9_000, markInterruptAsFailure: true },
    );
  });
});
