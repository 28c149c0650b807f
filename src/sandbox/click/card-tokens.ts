import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { SimCardDecline, SimClickCard } from '../control-payme-click.ts';
import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Answer, ERROR, refuse, statusOf, succeed } from './api-answers.ts';
import { CARD_EXPIRE, DECLINES, findCard, maskCard, SMS_CODE } from './cards.ts';
import { WholeNumber } from './json.ts';
import { toTiyin } from './link.ts';
import type { Payments } from './payments.ts';
import type { CardRecord, World } from './world.ts';

/** How long a payment may take before it is answered as under way. */
const PATIENCE_MS = 20_000;
const CODE_TRIES = 3;
const PHONE = '99890*****31';

const requestBody = z.object({
  card_number: z.string(),
  expire_date: z.string(),
  temporary: z.literal([0, 1]).default(0),
});
const verifyBody = z.object({ card_token: z.string(), sms_code: z.union([z.string(), z.int().transform(String)]) });
const paymentBody = z.object({
  card_token: z.string(),
  amount: z.union([z.string(), z.number().transform(String)]),
  transaction_parameter: z.union([z.string().min(1).max(255), z.int().transform(String)]),
});

/** The card tokens of the Merchant API: cards stored with a code from an SMS, and payments by them without a payer. */
export class CardTokens {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #payments: Payments;

  constructor(surroundings: Surroundings, world: World, payments: Payments) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#payments = payments;
  }

  /** POST card_token/request */
  request(body: unknown): Answer {
    const { card_number: number, expire_date: expire, temporary } = requestBody.parse(body);
    const card = findCard(number);
    if (card === null || expire !== CARD_EXPIRE) return refuse(ERROR.wrongCard, 'Incorrect card number or expiry date');
    if (card.hasNoSms) return refuse(ERROR.wrongCard, 'SMS notification is not connected to the card');
    const token = this.#world.addCard({
      card_token: randomUUID().toUpperCase(),
      number,
      temporary: temporary === 1,
      is_verified: false,
      wrong_codes: 0,
      created_at_ms: this.#surroundings.clock.nowMs(),
    }).card_token;
    return succeed({ card_token: token, phone_number: PHONE, temporary });
  }

  /** POST card_token/verify */
  verify(body: unknown): Answer {
    const { card_token: token, sms_code: code } = verifyBody.parse(body);
    const card = this.#world.cards.get(token);
    if (card === undefined) return refuse(ERROR.notFound, 'Card token not found');
    if (card.wrong_codes >= CODE_TRIES) return refuse(ERROR.wrongCode, 'Too many attempts');
    if (code === SMS_CODE) card.is_verified = true;
    else card.wrong_codes += 1;
    this.#world.cards.touch(token);
    if (code !== SMS_CODE) return refuse(ERROR.wrongCode, 'Incorrect SMS code');
    return succeed({ card_number: maskCard(card.number) });
  }

  /** POST card_token/payment: Prepare and Complete, as from the pay page, and the answer when they are through. */
  async pay(body: unknown): Promise<Answer> {
    const { card_token: token, amount, transaction_parameter: order } = paymentBody.parse(body);
    const card = this.#world.cards.get(token);
    if (card === undefined) return refuse(ERROR.notFound, 'Card token not found');
    if (!card.is_verified) return refuse(ERROR.cardNotVerified, 'Card token is not verified');
    const tiyin = toTiyin(amount);
    if (tiyin === null) return refuse(ERROR.wrongAmount, 'Incorrect amount');
    const payment = this.#start(card, { amount, tiyin, order });
    const { click_trans_id: id } = payment;
    await Promise.race([this.#payments.finished(id), sleep(PATIENCE_MS, undefined, { ref: false })]);
    if (payment.status === 'paid' && card.temporary) this.#world.cards.delete(token);
    if (payment.status === 'failed') {
      return refuse(payment.error?.code ?? ERROR.notPaid, payment.error?.message ?? 'Payment failed');
    }
    return succeed({ payment_id: new WholeNumber(payment.click_paydoc_id), payment_status: statusOf(payment) });
  }

  #start(card: CardRecord, { amount, tiyin, order }: { amount: string; tiyin: number; order: string }) {
    const { clickServiceId: service_id, clickMerchantId: merchant_id } = this.#surroundings.options;
    const testCard = findCard(card.number);
    if (testCard === null) throw new Error(`card ${card.card_token} is no test card`);
    return this.#payments.start({
      order: {
        service_id,
        merchant_id,
        transaction_param: order,
        amount,
        amount_tiyin: tiyin,
        card_type: testCard.type,
      },
      outcome: card.declines === undefined ? testCard.outcome : DECLINES[card.declines],
      language: 'en',
      cardNumber: maskCard(card.number),
    });
  }

  /** DELETE card_token/:service/:token */
  remove = ([, token = '']: readonly string[]): Answer => {
    if (this.#world.cards.get(token) === undefined) return refuse(ERROR.notFound, 'Card token not found');
    this.#world.cards.delete(token);
    return succeed({});
  };

  /** From now on payments by this card are declined in this way; null makes it good again. */
  setDeclines(token: string, declines: SimCardDecline | null): SimClickCard {
    const card = this.#world.cards.get(token);
    if (card === undefined) throw new SimError(404, 'CARD_NOT_FOUND', `There is no card ${token}.`);
    if (declines === null) delete card.declines;
    else card.declines = declines;
    this.#world.cards.touch(token);
    return presentCard(card);
  }

  /** Newest first. */
  list(): SimClickCard[] {
    return [...this.#world.cards.values()].map(presentCard).reverse();
  }
}

function presentCard({ number, wrong_codes: _, ...card }: CardRecord): SimClickCard {
  return { ...card, card_number: maskCard(number), expire_date: CARD_EXPIRE, phone_number: PHONE };
}
