import { SimError } from '../errors.ts';
import type { Surroundings } from '../surroundings.ts';
import { unexpectedState } from './api-error.ts';
import { type Cash, makeInstructions, type TransferType } from './cash.ts';
import type { Means } from './charges.ts';
import type { Events } from './events.ts';
import type { Intents } from './intents.ts';
import type { Cause, PaymentIntent, PaymentMethod, Session } from './objects.ts';
import { BY_TIME, type Sessions } from './sessions.ts';
import { makeId, type World } from './world.ts';

const DAY_SECONDS = 86_400;

type Parts = { world: World; events: Events; intents: Intents; sessions: Sessions; cash: Cash };

/** Payments whose money comes after Checkout: konbini and bank transfers. */
export class Delayed {
  readonly #surroundings: Surroundings;
  readonly #parts: Parts;

  constructor(surroundings: Surroundings, parts: Parts) {
    this.#surroundings = surroundings;
    this.#parts = parts;
  }

  /** Vouchers run out at their time. */
  wake(): void {
    for (const intent of this.#parts.world.intents.values()) this.#planExpiry(intent);
  }

  /** Prints a voucher to be paid at a shop. */
  awaitKonbini(intent: PaymentIntent, method: PaymentMethod, days: number, cause: Cause): void {
    const code = makeDigits(intent.id, 11);
    const store = (): { payment_code: string; confirmation_number: string } => ({
      payment_code: code,
      confirmation_number: code.slice(-10),
    });
    this.#await(intent, method, cause, {
      type: 'konbini_display_details',
      konbini_display_details: {
        expires_at: this.#surroundings.clock.now() + days * DAY_SECONDS,
        hosted_voucher_url: `${cause.origin}/stripe/voucher/${intent.id}`,
        stores: { familymart: store(), lawson: store(), ministop: store(), seicomart: store() },
      },
    });
    intent.payment_method_options = {
      konbini: { confirmation_number: null, expires_after_days: days, expires_at: null, product_description: null },
    };
    this.#planExpiry(intent);
  }

  /** Gives the payer an account to send money to. Says whether the customer's balance was enough already. */
  awaitTransfer(
    intent: PaymentIntent,
    method: PaymentMethod,
    transfer: { type: TransferType; country: string },
    cause: Cause,
  ): { isPaid: boolean } {
    const { cash, intents } = this.#parts;
    const url = `${cause.origin}/stripe/instructions/${intent.id}`;
    intent.payment_method_options = {
      customer_balance: { funding_type: 'bank_transfer', bank_transfer: { type: transfer.type } },
    };
    if (cash.available(intent.customer ?? '', intent.currency) >= intent.amount) {
      cash.apply(intent, cause);
      intents.succeed(intent, { method }, cause);
      return { isPaid: true };
    }
    this.#await(intent, method, cause, {
      type: 'display_bank_transfer_instructions',
      display_bank_transfer_instructions: makeInstructions(intent, { ...transfer, url }),
    });
    this.#spendCash(intent, cause);
    return { isPaid: false };
  }

  /** The payer pays the voucher at a shop. @throws SimError */
  payVoucher(intentId: string, store: Means['store'], origin: string): PaymentIntent {
    const intent = this.#getWaiting(intentId);
    if (intent.next_action?.konbini_display_details === undefined) {
      throw new SimError(409, 'NOT_KONBINI', 'This payment does not wait for a shop.');
    }
    const cause: Cause = { origin, request: BY_TIME };
    intent.status = 'processing';
    intent.next_action = null;
    this.#parts.intents.save(intent);
    this.#parts.events.emit('payment_intent.processing', intent, cause);
    this.#settle(intent, store, cause);
    return intent;
  }

  /** A transfer of this amount arrives for the customer of a payment: short, exact or over. @throws SimError */
  transfer(intentId: string, amount: number, origin: string): PaymentIntent {
    const { cash, intents } = this.#parts;
    const intent = this.#parts.world.intents.get(intentId);
    const type = intent?.payment_method_options?.customer_balance?.bank_transfer?.type as TransferType | undefined;
    if (intent?.customer == null || type === undefined) {
      throw new SimError(409, 'NOT_TRANSFER', 'This is not a payment by bank transfer.');
    }
    const { customer, currency } = intent;
    const cause: Cause = { origin, request: BY_TIME };
    cash.fund(customer, { amount, currency, type }, cause);
    const waiting = [...this.#parts.world.intents.values()].filter(
      (one) =>
        one.customer === customer &&
        one.currency === currency &&
        one.next_action?.display_bank_transfer_instructions !== undefined,
    );
    for (const one of waiting) this.#spendCash(one, cause);
    return intents.get(intentId);
  }

  /** The application gives a payment up. @throws ApiError when it is too late, or Checkout still works on it */
  cancel(intent: PaymentIntent, reason: PaymentIntent['cancellation_reason'], cause: Cause): PaymentIntent {
    const { cash, intents, world } = this.#parts;
    intents.judgeCancel(intent);
    if (world.sessionOf(intent.id)?.status === 'open') {
      throw unexpectedState(
        'You cannot cancel this PaymentIntent because its Checkout Session is open. Expire the Checkout Session instead.',
        'payment_intent_unexpected_state',
      );
    }
    cash.release(intent, cause);
    return intents.cancel(intent, reason, cause);
  }

  /** The money does not come. @throws SimError */
  fail(intentId: string, origin: string): PaymentIntent {
    const intent = this.#getWaiting(intentId);
    this.#expire(intent, { origin, request: BY_TIME });
    return intent;
  }

  #await(
    intent: PaymentIntent,
    method: PaymentMethod,
    cause: Cause,
    nextAction: NonNullable<PaymentIntent['next_action']>,
  ): void {
    intent.status = 'requires_action';
    intent.payment_method = method.id;
    intent.next_action = nextAction;
    this.#parts.intents.save(intent);
    this.#parts.events.emit('payment_intent.requires_action', intent, cause);
  }

  #spendCash(intent: PaymentIntent, cause: Cause): void {
    const { remaining, isUsed } = this.#parts.cash.apply(intent, cause);
    if (!isUsed) return;
    this.#parts.intents.save(intent);
    if (remaining > 0) this.#parts.events.emit('payment_intent.partially_funded', intent, cause);
    else this.#settle(intent, undefined, cause);
  }

  #settle(intent: PaymentIntent, store: Means['store'], cause: Cause): void {
    const means: Means = { method: this.#methodOf(intent), ...(store === undefined ? {} : { store }) };
    this.#parts.intents.succeed(intent, means, cause);
    const session = this.#sessionOf(intent);
    if (session !== undefined) this.#parts.sessions.settle(session, true, cause);
  }

  #expire(intent: PaymentIntent, cause: Cause): void {
    this.#parts.cash.release(intent, cause);
    this.#parts.intents.expire(intent, this.#methodOf(intent), cause);
    const session = this.#sessionOf(intent);
    if (session !== undefined) this.#parts.sessions.settle(session, false, cause);
  }

  #planExpiry(intent: PaymentIntent): void {
    const voucher = intent.next_action?.konbini_display_details;
    if (voucher === undefined) return;
    const runOut = (): void => {
      const isKept = this.#parts.world.intents.get(intent.id) === intent;
      const origin = new URL(voucher.hosted_voucher_url ?? '').origin;
      if (isKept && intent.next_action?.konbini_display_details !== undefined) {
        this.#expire(intent, { origin, request: BY_TIME });
      }
    };
    this.#surroundings.agenda.plan(voucher.expires_at * 1000, runOut, true);
  }

  /** A session is complete before its delayed payment is. */
  #sessionOf(intent: PaymentIntent): Session | undefined {
    const session = this.#parts.world.sessionOf(intent.id);
    return session?.status === 'complete' ? session : undefined;
  }

  #methodOf(intent: PaymentIntent): PaymentMethod {
    const method = this.#parts.world.methods.get(intent.payment_method ?? '');
    if (method === undefined) throw new Error(`the payment method of ${intent.id} is missing`);
    return method;
  }

  #getWaiting(intentId: string): PaymentIntent {
    const intent = this.#parts.world.intents.get(intentId);
    if (intent === undefined) throw new SimError(404, 'PAYMENT_NOT_FOUND', `There is no payment ${intentId}.`);
    const isWaiting =
      intent.next_action?.konbini_display_details !== undefined ||
      intent.next_action?.display_bank_transfer_instructions !== undefined;
    if (!isWaiting) throw new SimError(409, 'NOT_WAITING', `The payment is ${intent.status}: it waits for no money.`);
    return intent;
  }
}

function makeDigits(id: string, count: number): string {
  return [...makeId(id, count)]
    .slice(-count)
    .map((letter) => letter.charCodeAt(0) % 10)
    .join('');
}
