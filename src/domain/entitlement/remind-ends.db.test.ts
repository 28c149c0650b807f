import { expect, it } from 'vitest';
import { remindEnds } from '#domain/entitlement/remind-ends.ts';
import { noticesOf } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { type Buyer, DAY_MS, openWorld } from '../../testing/world.ts';

const world = openWorld();
const YEAR_MS = 365 * DAY_MS;
const told = async (buyer: Buyer) => (await noticesOf(world, buyer.id))['end_ahead'] ?? 0;

it('tells once, three days ahead, who paid for a time that nothing follows', async () => {
  const once = await world.newBuyer();
  const twice = await world.newBuyer();
  const forGood = await world.newBuyer();
  const renewing = await world.newBuyer();
  await world.buy(once, CATALOG.basicYear);
  await world.buy(twice, CATALOG.basicYear);
  await world.buy(twice, CATALOG.basicYear);
  await world.buy(forGood, CATALOG.pluginOnce);
  await world.advance(YEAR_MS - 3 * DAY_MS - 1_000);
  await world.buy(renewing, CATALOG.basicMonth);
  expect(await remindEnds(world.system)).toBe(0);
  await world.advance(1_000);
  await Promise.all([remindEnds(world.system), remindEnds(world.system)]);
  expect(await remindEnds(world.system)).toBe(0);
  expect(await Promise.all([once, twice, forGood, renewing].map(told))).toEqual([1, 0, 0, 0]);
  // The second year is a leap year.
  await world.advance(YEAR_MS + DAY_MS);
  await remindEnds(world.system);
  expect(await Promise.all([once, twice, forGood, renewing].map(told))).toEqual([1, 1, 0, 0]);
});
