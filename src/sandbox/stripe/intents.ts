import type { Surroundings } from '../surroundings.ts';
import { missing, unexpectedState } from './api-error.ts';
import { AUTHENTICATION_FAILED, type Decline, GENERIC_DECLINE, type TestCard } from './cards.ts';
import { type Means, makeCharge } from './charges.ts';
import type { Events } from './events.ts';
import type { Ledger } from './ledger.ts';
import type { Cause, Charge, PaymentIntent, PaymentMethod } from './objects.ts';
import { makeId, type World } from './world.ts';

const DECLINES: ReadonlySet<'decline'> = new Set(['decline']);
const CANCELABLE: ReadonlySet<string> = new Set([
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'requires_capture',
]);

export type IntentFields = Pick<
  PaymentIntent,
  | 'amount'
  | 'currency'
  | 'customer'
  | 'payment_method_types'
  | 'allowed_payment_method_types'
  | 'metadata'
  | 'description'
  | 'receipt_email'
  | 'setup_future_usage'
  | 'statement_descriptor'
  | 'statement_descriptor_suffix'
  | 'automatic_payment_methods'
  | 'capture_method'
>;

/** Money that is to be taken, from the first try to the last. */
export class Intents {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #events: Events;
  readonly #ledger: Ledger;

  constructor(surroundings: Surroundings, world: World, events: Events, ledger: Ledger) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#events = events;
    this.#ledger = ledger;
  }

  get(id: string, param?: string): PaymentIntent {
    const intent = this.#world.intents.get(id);
    if (intent === undefined) throw missing('payment_intent', id, param);
    return intent;
  }

  open(fields: IntentFields, cause: Cause): PaymentIntent {
    const id = makeId('pi');
    const intent = this.#world.intents.set(id, {
      id,
      object: 'payment_intent',
      ...fields,
      amount_capturable: 0,
      amount_details: { tip: {} },
      amount_received: 0,
      application: null,
      application_fee_amount: null,
      canceled_at: null,
      cancellation_reason: null,
      client_secret: `${id}_${makeId('secret')}`,
      confirmation_method: 'automatic',
      created: this.#surroundings.clock.now(),
      customer_account: null,
      excluded_payment_method_types: null,
      last_payment_error: null,
      latest_charge: null,
      livemode: false,
      managed_payments: null,
      next_action: null,
      on_behalf_of: null,
      payment_method: null,
      payment_method_configuration_details: null,
      payment_method_options: null,
      payment_record: null,
      processing: null,
      review: null,
      shipping: null,
      source: null,
      status: 'requires_payment_method',
      transfer_data: null,
      transfer_group: null,
    });
    this.#events.emit('payment_intent.created', intent, cause);
    return intent;
  }

  save(intent: PaymentIntent): void {
    this.#world.intents.touch(intent.id);
  }

  /** Asks the bank behind a card. The fault `decline` refuses whatever card it is. */
  charge(intent: PaymentIntent, means: Means, cause: Cause): Decline | null {
    const isFault = this.#surroundings.faults.takeForProvider('stripe', 'charge', DECLINES) !== null;
    const decline = isFault ? GENERIC_DECLINE : (means.card?.decline ?? null);
    if (decline === null) this.succeed(intent, means, cause);
    else this.decline(intent, means, decline, cause);
    return decline;
  }

  /** The money is there. */
  succeed(intent: PaymentIntent, means: Means, cause: Cause): Charge {
    const charge = makeCharge(intent, means, {
      now: this.#surroundings.clock.now(),
      origin: cause.origin,
      decline: null,
    });
    this.#world.charges.set(charge.id, charge);
    Object.assign(intent, {
      status: 'succeeded',
      amount_received: intent.amount,
      latest_charge: charge.id,
      payment_method: means.method.id,
      next_action: null,
      last_payment_error: null,
    } satisfies Partial<PaymentIntent>);
    this.save(intent);
    const isAsync = intent.capture_method === 'automatic_async';
    const settle = (): void => {
      charge.balance_transaction = this.#ledger.postCharge(charge).id;
      this.#world.charges.touch(charge.id);
    };
    if (!isAsync) settle();
    this.#events.emit('charge.succeeded', charge, cause);
    // With capture_method automatic_async the balance transaction comes a little after the charge.
    if (isAsync) settle();
    if (isAsync) this.#events.emit('charge.updated', charge, cause, { balance_transaction: null });
    this.#events.emit('payment_intent.succeeded', intent, cause);
    return charge;
  }

  /** The bank refused; the payer may try again. */
  decline(intent: PaymentIntent, means: Means, decline: Decline, cause: Cause): Charge {
    const charge = makeCharge(intent, means, { now: this.#surroundings.clock.now(), origin: cause.origin, decline });
    this.#world.charges.set(charge.id, charge);
    intent.latest_charge = charge.id;
    this.#events.emit('charge.failed', charge, cause);
    this.#failTry(intent, means.method, decline, cause, charge);
    return charge;
  }

  /** The payer's bank asks the payer (3-D Secure). */
  challenge(
    intent: PaymentIntent,
    method: PaymentMethod,
    { url, returnUrl = null }: { url: string; returnUrl?: string | null },
    cause: Cause,
  ): void {
    intent.status = 'requires_action';
    intent.payment_method = method.id;
    intent.next_action = { type: 'redirect_to_url', redirect_to_url: { url, return_url: returnUrl } };
    this.save(intent);
    this.#events.emit('payment_intent.requires_action', intent, cause);
  }

  /** The payer did not pass: no charge is made. */
  failChallenge(intent: PaymentIntent, method: PaymentMethod, cause: Cause): Decline {
    this.#failTry(intent, method, AUTHENTICATION_FAILED, cause);
    return AUTHENTICATION_FAILED;
  }

  /** A delayed payment never came. */
  expire(intent: PaymentIntent, method: PaymentMethod, cause: Cause): void {
    const message = 'The payment was not made in time.';
    this.#failTry(intent, method, { code: 'payment_intent_payment_attempt_expired', message }, cause);
  }

  /** @throws ApiError when it is too late to cancel */
  judgeCancel(intent: PaymentIntent): void {
    if (!CANCELABLE.has(intent.status)) {
      throw unexpectedState(
        `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: ${[...CANCELABLE].join(', ')}.`,
        'payment_intent_unexpected_state',
      );
    }
  }

  /** Gives a payment up. */
  cancel(intent: PaymentIntent, reason: PaymentIntent['cancellation_reason'], cause: Cause): PaymentIntent {
    intent.status = 'canceled';
    intent.canceled_at = this.#surroundings.clock.now();
    intent.cancellation_reason = reason;
    intent.next_action = null;
    this.save(intent);
    this.#events.emit('payment_intent.canceled', intent, cause);
    return intent;
  }

  #failTry(intent: PaymentIntent, method: PaymentMethod, decline: Decline, cause: Cause, charge?: Charge): void {
    intent.status = 'requires_payment_method';
    intent.payment_method = null;
    intent.next_action = null;
    intent.last_payment_error = {
      type: method.type === 'card' && charge !== undefined ? 'card_error' : 'invalid_request_error',
      code: decline.code as NonNullable<PaymentIntent['last_payment_error']>['code'] & string,
      ...(decline.decline_code === undefined ? {} : { decline_code: decline.decline_code }),
      ...(charge === undefined ? {} : { charge: charge.id }),
      message: decline.message,
      payment_method: method as NonNullable<NonNullable<PaymentIntent['last_payment_error']>['payment_method']>,
    };
    this.save(intent);
    this.#events.emit('payment_intent.payment_failed', intent, cause);
  }
}

/** Whether the bank asks the payer; one that was saved with the payer there is not asked again. */
export function asksPayer(card: TestCard, isSaved: boolean): boolean {
  return card.challenge === 'always' || (card.challenge === 'until_saved' && !isSaved);
}
