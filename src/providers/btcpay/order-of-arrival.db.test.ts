import { afterEach, describe, expect, it } from 'vitest';
import { expireInvoices } from '#domain/checkout/expire.ts';
import type { SimBtcpayDelivery } from '../../sandbox/control-crypto.ts';
import { endState, expectWholeBooks } from '../../testing/books.ts';
import { BTCPAY, btcpayHand, type Placed, passTime, placeCoins, refundsOf, workOutside } from '../../testing/coins.ts';
import { openWorld, START } from '../../testing/world.ts';

const world = openWorld({ policy: { surfacePolicy: 'permissive' } });
const btcpay = btcpayHand(world);
afterEach(() => world.sandbox.setFaults({}));

const MINUTE_MS = 60_000;
const ORDERS = 4;

type Journey = Readonly<{ name: string; act: (order: Placed) => Promise<unknown>; hasRefund: boolean }>;
const JOURNEYS: ReadonlyArray<Journey> = [
  {
    name: 'paid and confirmed',
    hasRefund: false,
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.confirm(order);
    },
  },
  {
    name: 'paid in two parts',
    hasRefund: false,
    act: async (order) => {
      await btcpay.pay(order, { outcome: 'under', confirmations: 0 });
      await btcpay.pay(order, { confirmations: 0 });
      await btcpay.confirm(order);
    },
  },
  {
    name: 'replaced, paid again, and too much',
    hasRefund: true,
    act: async (order) => {
      await btcpay.pay(order, { confirmations: 0, rbf: true });
      await btcpay.drop(order);
      await btcpay.pay(order, { outcome: 'over', confirmations: 0 });
      await btcpay.confirm(order);
    },
  },
  {
    name: 'paid in part, and over',
    hasRefund: true,
    act: async (order) => {
      await btcpay.pay(order, { outcome: 'under', confirmations: 0 });
      await passTime(world, 31 * MINUTE_MS);
      await btcpay.confirm(order);
    },
  },
  {
    name: 'paid late, and too much',
    hasRefund: true,
    act: async (order) => {
      await passTime(world, 31 * MINUTE_MS);
      await btcpay.pay(order, { outcome: 'over', confirmations: 0 });
      await btcpay.confirm(order);
    },
  },
];

/** The same numbers each time (a linear congruential generator). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const deliveriesOf = ({ reference }: Placed) =>
  world.sandbox.ask<SimBtcpayDelivery[]>('GET', `/btcpay/deliveries?limit=500&invoice=${reference}`);
const lose = () => world.sandbox.setFaults({ btcpay: { kind: 'wrong_auth', remaining: 10_000 } });

/** Delivers all that BTCPay has told of the order again, each once or twice, in some order. */
async function deliverAnyhow(order: Placed, roll: (below: number) => number): Promise<void> {
  await world.sandbox.setFaults({});
  const all = (await deliveriesOf(order)).filter(({ is_redelivery: isAgain }) => !isAgain);
  const bag = all.flatMap((delivery) => (roll(2) === 0 ? [delivery] : [delivery, delivery]));
  for (let left = bag.length; left > 0; left -= 1) {
    const [next] = bag.splice(roll(left), 1);
    await world.sandbox.ask('POST', `/btcpay/deliveries/${next?.id}/redeliver`);
  }
  const answers = (await deliveriesOf(order)).filter(({ is_redelivery: isAgain }) => isAgain);
  expect(new Set(answers.map(({ http_code }) => http_code))).toEqual(new Set([200]));
}

/** What the order came to, without its own names and the moment at which it began. */
async function outcomeOf(order: Placed, begunAt: Date): Promise<string> {
  const state = JSON.stringify(await endState(world, order.invoiceId)).replaceAll(order.reference, 'ref');
  return state.replaceAll(order.buyer.id, 'usr').replace(/\d{4}-\d\d-\d\dT[\d:.+]+/g, (at) => {
    const seconds = (new Date(at).getTime() - begunAt.getTime()) / 1_000;
    return `+${seconds}s`;
  });
}

async function refund(order: Placed, hear: () => Promise<void>): Promise<void> {
  const [refund] = await refundsOf(world, order);
  const { id } = await btcpay.claim(refund?.reference ?? '');
  await btcpay.payout(id, 'complete');
  await hear();
}

describe('an order', () => {
  it.each(JOURNEYS)(
    '$name comes to the same in any order of arrival',
    async ({ act, hasRefund, name }) => {
      const seed = name.length;
      const outcomes: string[] = [];
      for (let round = 0; round <= ORDERS; round += 1) {
        const roll = dice(seed * 100 + round);
        const hear = async (order: Placed) => {
          if (round > 0) await deliverAnyhow(order, roll);
          await workOutside(world);
        };
        const begunAt = world.clock.now();
        if (round > 0) await lose();
        const order = await placeCoins(world, BTCPAY);
        await act(order);
        await hear(order);
        if (round > 0 && hasRefund) await lose();
        if (hasRefund) await refund(order, () => hear(order));
        await expireInvoices(world.system);
        outcomes.push(await outcomeOf(order, begunAt));
        await expectWholeBooks(world.system);
        // Each begins at the same moment of its day.
        await passTime(world, 24 * 60 * MINUTE_MS - ((world.clock.now().getTime() - START.getTime()) % 86_400_000));
      }
      expect(outcomes[0]).toContain('"payments"');
      expect(new Set(outcomes)).toEqual(new Set([outcomes[0]]));
    },
    60_000,
  );
});
