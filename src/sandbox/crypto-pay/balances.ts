import { type Asset, toText, toUnits } from './money.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

/** What the application holds at Crypto Pay, coin by coin. */
export class Balances {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  of(asset: Asset): bigint {
    return toUnits(asset, this.#world.settings.balances[asset] ?? '0') ?? 0n;
  }

  add(asset: Asset, units: bigint): void {
    const { balances } = this.#world.settings;
    this.#world.change({ balances: { ...balances, [asset]: toText(asset, this.of(asset) + units) } });
  }

  /** @throws Refusal INSUFFICIENT_FUNDS */
  take(asset: Asset, units: bigint): void {
    if (units > this.of(asset)) throw new Refusal('INSUFFICIENT_FUNDS');
    this.add(asset, -units);
  }
}
