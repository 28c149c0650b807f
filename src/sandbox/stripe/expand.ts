import { invalid } from './api-error.ts';
import type { World } from './world.ts';

const DEEPEST = 4;

type Fields = Record<string, unknown>;
type Find = (world: World, id: string) => object | undefined;

/** What may be asked for whole, by the name of the field. */
const FINDERS: Readonly<Record<string, Find>> = {
  payment_intent: (world, id) => world.intents.get(id),
  setup_intent: (world, id) => world.setupIntents.get(id),
  latest_charge: (world, id) => world.charges.get(id),
  charge: (world, id) => world.charges.get(id),
  balance_transaction: (world, id) => world.balanceTransactions.get(id),
  failure_balance_transaction: (world, id) => world.balanceTransactions.get(id),
  payment_method: (world, id) => world.methods.get(id),
  customer: (world, id) => world.customers.get(id),
  source: (world, id) => world.charges.get(id) ?? world.refunds.get(id) ?? world.disputes.get(id),
};

/** A copy of `object` with the named fields whole: `latest_charge.balance_transaction`, `data.refunds`. @throws ApiError */
export function expandObject(world: World, object: object, paths: readonly string[]): Fields {
  const copy = structuredClone(object) as Fields;
  for (const path of paths) {
    const parts = path.split('.');
    if (parts.length > DEEPEST + 1) throw invalid(`You cannot expand more than ${DEEPEST} levels (${path}).`, 'expand');
    expandPath(world, copy, parts, path);
  }
  return copy;
}

/** Before anything is done. @throws ApiError for a name that never can be expanded */
export function judgePaths(paths: readonly string[]): void {
  const isKnown = (part: string): boolean => part === 'data' || part === 'refunds' || Object.hasOwn(FINDERS, part);
  const wrong = paths.find((path) => !path.split('.').every(isKnown));
  if (wrong !== undefined) throw invalid(`This property cannot be expanded (${wrong}).`, 'expand');
}

function expandPath(world: World, target: Fields, [part, ...rest]: readonly string[], path: string): void {
  if (part === undefined) return;
  if (part === 'data' && target['object'] === 'list') {
    for (const one of target['data'] as Fields[]) expandPath(world, one, rest, path);
    return;
  }
  if (part === 'refunds' && target['object'] === 'charge') {
    target['refunds'] ??= refundsOf(world, String(target['id']));
    return expandPath(world, target['refunds'] as Fields, rest, path);
  }
  const find = FINDERS[part];
  if (find === undefined || !(part in target)) throw invalid(`This property cannot be expanded (${path}).`, 'expand');
  const value = target[part];
  if (typeof value === 'string') target[part] = structuredClone(find(world, value)) ?? value;
  const found = target[part];
  if (typeof found === 'object' && found !== null) expandPath(world, found as Fields, rest, path);
}

function refundsOf(world: World, chargeId: string): Fields {
  const data = [...world.refunds.values()].filter(({ charge }) => charge === chargeId).reverse();
  return { object: 'list', data: structuredClone(data), has_more: false, url: `/v1/charges/${chargeId}/refunds` };
}
