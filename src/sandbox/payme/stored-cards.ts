import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { SimCardDecline, SimPaymeCard } from '../control-payme-click.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { CARD_EXPIRE, findCard, maskCard, SMS_CODE } from './cards.ts';
import { SubscribeError } from './refusals.ts';
import { type CardRecord, makeId, type World } from './world.ts';

/** How long a code can be typed, in sandbox time. */
const CODE_LIFETIME_MS = 5 * 60_000;
const CODE_TRIES = 3;
/** What the page is told to wait before it asks for another code. */
const CODE_WAIT_MS = 60_000;
const PHONE = '99890*****31';

const createParams = z.object({
  card: z.object({ number: z.string(), expire: z.string() }),
  save: z.boolean().default(false),
});
const tokenParams = z.object({ token: z.string() });
const verifyParams = tokenParams.extend({ code: z.string() });

/** The card methods of the Subscribe API: a card becomes a token, which a code from an SMS makes good for payments. */
export class StoredCards {
  readonly #surroundings: Surroundings;
  readonly #world: World;

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
  }

  /** cards.create @throws SubscribeError */
  create(params: unknown): object {
    const { card: given, save } = createParams.parse(params);
    const known = findCard(given.number);
    const hasExpire = given.expire.replace(/\D/g, '') === CARD_EXPIRE.replace('/', '');
    if (known === null || !hasExpire) throw new SubscribeError('card_wrong');
    const nowMs = this.#surroundings.clock.nowMs();
    const id = makeId(nowMs);
    const card = { id, card_number: known.number, token: makeToken(id), save, verify: false, created_at_ms: nowMs };
    return { card: onWire(this.#world.addCard(card)) };
  }

  /** cards.get_verify_code @throws SubscribeError */
  sendCode(params: unknown): object {
    const card = this.#find(tokenParams.parse(params).token);
    if (findCard(card.card_number)?.refusedAtOnce !== undefined) throw new SubscribeError('no_sms');
    card.code = { sent_at_ms: this.#surroundings.clock.nowMs(), wrong_count: 0 };
    this.#world.cards.touch(card.id);
    return { sent: true, phone: PHONE, wait: CODE_WAIT_MS };
  }

  /** cards.verify: the token changes, and the old one is none any more. @throws SubscribeError */
  verify(params: unknown): object {
    const { token, code: typed } = verifyParams.parse(params);
    const card = this.#find(token);
    const { code } = card;
    const nowMs = this.#surroundings.clock.nowMs();
    if (code === undefined || nowMs > code.sent_at_ms + CODE_LIFETIME_MS) throw new SubscribeError('code_expired');
    if (code.wrong_count >= CODE_TRIES) throw new SubscribeError('too_many_codes');
    if (typed !== SMS_CODE) {
      code.wrong_count += 1;
      this.#world.cards.touch(card.id);
      throw new SubscribeError('code_wrong');
    }
    delete card.code;
    card.verify = true;
    card.token = makeToken(card.id);
    this.#world.cards.touch(card.id);
    return { card: onWire(card) };
  }

  /** cards.check @throws SubscribeError */
  check(params: unknown): object {
    return { card: onWire(this.#find(tokenParams.parse(params).token)) };
  }

  /** cards.remove @throws SubscribeError */
  remove(params: unknown): object {
    this.#world.cards.delete(this.#find(tokenParams.parse(params).token).id);
    return { success: true };
  }

  /** The card behind a token, which must be verified. @throws SubscribeError */
  getVerified(token: string): CardRecord {
    const card = this.#find(token);
    if (!card.verify) throw new SubscribeError('card_not_verified');
    return card;
  }

  /** A token that was not to be saved goes with its first payment. */
  spend(card: CardRecord): void {
    if (!card.save) this.#world.cards.delete(card.id);
  }

  /** From now on payments by this card are declined in this way; null makes it good again. */
  setDeclines(id: string, declines: SimCardDecline | null): SimPaymeCard {
    const card = this.#world.cards.get(id);
    if (card === undefined) throw new SimError(404, 'CARD_NOT_FOUND', `There is no card ${id}.`);
    if (declines === null) delete card.declines;
    else card.declines = declines;
    this.#world.cards.touch(id);
    return presentCard(card);
  }

  /** Newest first. */
  list(): SimPaymeCard[] {
    return [...this.#world.cards.values()].map(presentCard).reverse();
  }

  #find(token: string): CardRecord {
    if (!/^[\w+/-]{24,}={0,2}$/.test(token)) throw new SubscribeError('token_malformed');
    const card = this.#world.findCardByToken(token);
    if (card === undefined) throw new SubscribeError('card_not_found');
    return card;
  }
}

/** `860049******6478` */
export function maskOnWire(number: string): string {
  return `${number.slice(0, 6)}******${number.slice(-4)}`;
}

function onWire({ card_number: number, token, save, verify }: CardRecord): object {
  return { number: maskOnWire(number), expire: CARD_EXPIRE, token, recurrent: save, verify };
}

function presentCard(card: CardRecord): SimPaymeCard {
  const { id, card_number: number, token, save, verify, created_at_ms, declines } = card;
  const shown = { id, number: maskCard(number), expire: CARD_EXPIRE, token, recurrent: save, verify, created_at_ms };
  return { ...shown, ...(declines === undefined ? {} : { declines }) };
}

function makeToken(id: string): string {
  return Buffer.from(`${id}_${randomBytes(32).toString('base64url')}`).toString('base64');
}
