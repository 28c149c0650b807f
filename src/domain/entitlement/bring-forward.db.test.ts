import { beforeEach, describe, expect, it } from 'vitest';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { refundedPayment, successfulPayment } from '../../testing/updates.ts';
import { type Bought, type Buyer, DAY_MS, MONTH_MS, newChargeId, openWorld, START } from '../../testing/world.ts';

const world = openWorld();
beforeEach(() => world.clock.set(START));

const NAMES = {
  year1: CATALOG.basicYear,
  year2: CATALOG.basicYear,
  year3: CATALOG.basicYear,
  month: CATALOG.basicMonth,
  pro: CATALOG.proYear,
} as const;
type Name = keyof typeof NAMES;
/** On which day something happens: a purchase by its name, a refund of it, or the renewal of the month. */
type Step = readonly [day: number, what: Name | `refund ${Name | 'renewal'}` | 'renewal'];
/** From which day to which, or that it was taken. */
type Right = readonly [name: string, from: number, to: number] | readonly [name: string, taken: 'taken'];

const YEAR = 365;

async function play(steps: ReadonlyArray<Step>): Promise<{ rights: Right[]; moved: number }> {
  const buyer = await world.newBuyer();
  const bought = new Map<string, Bought>();
  for (const [day, what] of steps) {
    world.clock.set(new Date(START.getTime() + day * DAY_MS));
    if (what.startsWith('refund ')) await refund(buyer, bought.get(what.slice(7)));
    else if (what === 'renewal') bought.set(what, await renew(buyer, bought.get('month')));
    else bought.set(what, await world.buy(buyer, NAMES[what as Name]));
  }
  await expectWholeBooks(world.system);
  return rightsOf(buyer, bought);
}

async function refund(buyer: Buyer, bought: Bought | undefined): Promise<void> {
  if (!bought) throw new Error('not bought');
  const update = refundedPayment(world.nextUpdateId(), { payer: buyer, ...bought });
  await world.deliver(update);
  await world.deliver(update);
}

async function renew(buyer: Buyer, month: Bought | undefined): Promise<Bought> {
  if (!month) throw new Error('not bought');
  const until = new Date(month.until.getTime() + MONTH_MS);
  const renewal = { ...month, chargeId: newChargeId(), at: world.clock.now(), until };
  const recurring = { isFirst: false, until };
  await world.deliver(successfulPayment(world.nextUpdateId(), { payer: buyer, ...renewal, recurring }));
  return renewal;
}

async function rightsOf(buyer: Buyer, bought: Map<string, Bought>): Promise<{ rights: Right[]; moved: number }> {
  const rows = await world.sql<{ charge_id: string; starts_at: Date; ends_at: Date; revoked: boolean }>(
    `SELECT p.charge_id, e.starts_at, e.ends_at, (e.revoked_at IS NOT NULL) AS revoked FROM entitlement e
     JOIN payment p ON p.id = e.payment_id AND p.period_start = e.starts_at AND p.period_end = e.ends_at WHERE e.user_id = $1`,
    [buyer.id],
  );
  const day = (at: Date) => (at.getTime() - START.getTime()) / DAY_MS;
  const rights = [...bought].map(([name, { chargeId }]): Right => {
    const row = rows.find((right) => right.charge_id === chargeId);
    if (!row) throw new Error(`${name}: no right for its payment's period`);
    return row.revoked ? [name, 'taken'] : [name, day(row.starts_at), day(row.ends_at)];
  });
  const [audit] = await world.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM audit_event a JOIN entitlement e ON e.id = a.object_id
     WHERE a.action = 'entitlement.brought_forward' AND e.user_id = $1`,
    [buyer.id],
  );
  return { rights, moved: audit?.n ?? 0 };
}

describe('time bought to follow time that is given back', () => {
  it('stands behind it until then', async () => {
    const { moved, rights } = await play([
      [0, 'year1'],
      [10, 'year2'],
    ]);
    expect(rights).toEqual([
      ['year1', 0, YEAR],
      ['year2', YEAR, 2 * YEAR + 1], // 2028 has a 29 February
    ]);
    expect(moved).toBe(0);
  });

  const year1: Step = [0, 'year1'];
  const year2: Step = [10, 'year2'];
  const year3: Step = [20, 'year3'];
  const month: Step = [0, 'month'];
  const between: Step = [5, 'year1'];
  const renewal: Step = [30, 'renewal'];
  const late: Step = [40, 'year2'];
  const two: Right[] = [
    ['year1', 'taken'],
    ['year2', 10, 10 + YEAR],
  ];
  const begun: Right[] = [
    ['year1', 'taken'],
    ['year2', YEAR, 2 * YEAR + 1],
  ];
  const three: Right[] = [...two, ['year3', 10 + YEAR, 11 + 2 * YEAR]];
  const onlyThird: Right[] = [
    ['year1', 'taken'],
    ['year2', 'taken'],
    ['year3', 20, 20 + YEAR],
  ];
  const notSecond: Right[] = [
    ['year1', 0, YEAR],
    ['year2', 'taken'],
    ['year3', YEAR, 2 * YEAR + 1],
  ];
  const afterMonth: Right[] = [
    ['month', 0, 30],
    ['year1', 'taken'],
    ['year2', 30, 30 + YEAR],
  ];
  const afterRenewal: Right[] = [
    ['month', 0, 30],
    ['year1', 'taken'],
    ['renewal', 30, 60],
    ['year2', 60, 60 + YEAR],
  ];
  const noMonth: Right[] = [
    ['month', 'taken'],
    ['year1', 5, 5 + YEAR],
  ];
  const otherPlan: Right[] = [
    ['year1', 'taken'],
    ['pro', 5, 5 + YEAR],
    ['year2', 10, 10 + YEAR],
  ];

  it.each<[string, Right[], number, Step[]]>([
    ['the first, before the second is bought', two, 0, [year1, [5, 'refund year1'], year2]],
    ['the first, after the second was bought', two, 1, [year1, year2, [20, 'refund year1']]],
    ['the first, after the second had begun', begun, 0, [year1, year2, [YEAR + 1, 'refund year1']]],
    ['the first, before two more', three, 0, [year1, [5, 'refund year1'], year2, year3]],
    ['the first, between two more', three, 1, [year1, year2, [12, 'refund year1'], year3]],
    ['the first, after two more', three, 2, [year1, year2, year3, [25, 'refund year1']]],
    ['the second, before the third', notSecond, 0, [year1, year2, [15, 'refund year2'], year3]],
    ['the second, after the third', notSecond, 1, [year1, year2, year3, [25, 'refund year2']]],
    ['the first and the second', onlyThird, 3, [year1, year2, year3, [25, 'refund year1'], [26, 'refund year2']]],
    ['the second and the first', onlyThird, 2, [year1, year2, year3, [25, 'refund year2'], [26, 'refund year1']]],
    ['a year behind a month, early', afterMonth, 0, [month, between, [6, 'refund year1'], year2]],
    ['a year behind a month, late', afterMonth, 1, [month, between, year2, [12, 'refund year1']]],
    ['a year, early beside a renewal', afterRenewal, 0, [month, between, renewal, [35, 'refund year1'], late]],
    ['a year, late beside a renewal', afterRenewal, 1, [month, between, renewal, late, [50, 'refund year1']]],
    ['a month, before a year', noMonth, 0, [month, [3, 'refund month'], between]],
    ['a month, after a year was bought', noMonth, 1, [month, between, [8, 'refund month']]],
    ['a year beside another plan', otherPlan, 1, [year1, [5, 'pro'], year2, [20, 'refund year1']]],
  ])('begins where it would have begun without it, unless it has begun: %s', async (_name, expected, moved, steps) => {
    const played = await play(steps);
    expect(played.rights).toEqual(expected);
    expect(played.moved).toBe(moved);
  });

  it('begins there also when two go back at once', async () => {
    const buyer = await world.newBuyer();
    const bought = new Map<string, Bought>();
    for (const [days, name] of [
      [0, 'year1'],
      [10, 'year2'],
      [20, 'year3'],
    ] as const) {
      world.clock.set(new Date(START.getTime() + days * DAY_MS));
      bought.set(name, await world.buy(buyer, NAMES[name]));
    }
    await Promise.all([refund(buyer, bought.get('year1')), refund(buyer, bought.get('year2'))]);
    expect((await rightsOf(buyer, bought)).rights).toEqual(onlyThird);
    await expectWholeBooks(world.system);
  });
});
