import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Balances } from './balances.ts';
import type { Fields } from './fields.ts';
import { toText, toUnits, usdMillionths } from './money.ts';
import { Refusal } from './refusal.ts';
import { type CheckRecord, makeHash, newestFirst, type TransferRecord, type World } from './world.ts';

/** A transfer is worth 1 to 25,000 dollars. */
const LEAST_MILLIONTHS = 1_000_000n;
const MOST_MILLIONTHS = 25_000_000_000n;

/** Money the application gives away: transfers to people, and checks for whoever opens them. */
export class Transfers {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #balances: Balances;
  readonly #knows: (userId: number) => boolean;

  constructor(surroundings: Surroundings, world: World, balances: Balances, knows: (userId: number) => boolean) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#balances = balances;
    this.#knows = knows;
  }

  /** transfer. A spend_id is used once, whatever else the call says. @throws Refusal */
  send(fields: Fields): TransferRecord {
    const userId = fields.id('user_id');
    const asset = fields.asset();
    const { units } = fields.coins(asset);
    const spendId = fields.required('spend_id', 64);
    const comment = fields.text('comment', 1_024);
    fields.flag('disable_send_notification', false);
    if (this.#find(spendId) !== undefined) throw new Refusal('SPEND_ID_ALREADY_USED');
    if (!this.#knows(userId)) throw new Refusal('USER_NOT_FOUND');
    const worth = usdMillionths(this.#world.settings, asset, units);
    if (worth < LEAST_MILLIONTHS) throw new Refusal('AMOUNT_TOO_SMALL');
    if (worth > MOST_MILLIONTHS) throw new Refusal('AMOUNT_TOO_BIG');
    this.#balances.take(asset, units);
    return this.#world.addTransfer({
      transfer_id: 71_000 + this.#world.nextNumber('transfer'),
      spend_id: spendId,
      user_id: userId,
      asset,
      amount: toText(asset, units),
      completed_at_ms: this.#surroundings.clock.nowMs(),
      ...(comment === undefined ? {} : { comment }),
    });
  }

  #find(spendId: string): TransferRecord | undefined {
    return newestFirst(this.#world.transfers).find((transfer) => transfer.spend_id === spendId);
  }

  /** createCheck. Its amount is set aside until somebody takes it. @throws Refusal */
  createCheck(fields: Fields, origin: string): CheckRecord {
    const asset = fields.asset();
    const { units } = fields.coins(asset);
    fields.number('pin_to_user_id', 1, Number.MAX_SAFE_INTEGER);
    fields.text('pin_to_username', 64);
    this.#balances.take(asset, units);
    return this.#world.addCheck({
      check_id: 9_000 + this.#world.nextNumber('check'),
      hash: makeHash('CQ'),
      asset,
      amount: toText(asset, units),
      origin,
      status: 'active',
      created_at_ms: this.#surroundings.clock.nowMs(),
    });
  }

  /** deleteCheck, which answers true: the money comes back. @throws Refusal */
  deleteCheck(id: number): true {
    const check = this.#world.checks.get(id);
    if (check === undefined || check.status !== 'active') throw new Refusal('CHECK_NOT_FOUND');
    this.#world.checks.delete(id);
    this.#balances.add(check.asset, this.#unitsOf(check));
    return true;
  }

  /** Somebody opens the check and takes the money. @throws SimError */
  activateCheck(id: number): CheckRecord {
    const check = this.#world.checks.get(id);
    if (check === undefined) throw new SimError(404, 'CHECK_NOT_FOUND', `There is no check ${id}.`);
    if (check.status !== 'active') throw new SimError(409, 'NOT_ACTIVE', 'This check was taken already.');
    check.status = 'activated';
    check.activated_at_ms = this.#surroundings.clock.nowMs();
    this.#world.checks.touch(id);
    return check;
  }

  /** What lies in checks that nobody has taken. */
  onHold(asset: string): bigint {
    return newestFirst(this.#world.checks)
      .filter((check) => check.asset === asset && check.status === 'active')
      .reduce((sum, check) => sum + this.#unitsOf(check), 0n);
  }

  #unitsOf({ asset, amount }: CheckRecord): bigint {
    return toUnits(asset, amount) ?? 0n;
  }
}
