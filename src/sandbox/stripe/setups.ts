import type { Surroundings } from '../surroundings.ts';
import { missing } from './api-error.ts';
import type { Decline } from './cards.ts';
import type { Events } from './events.ts';
import type { Cause, PaymentMethod, Session, SetupIntent } from './objects.ts';
import { makeId, type Visit, type World } from './world.ts';

/** Saving a card without paying. */
export class Setups {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #events: Events;

  constructor(surroundings: Surroundings, world: World, events: Events) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#events = events;
  }

  get(id: string): SetupIntent {
    const intent = this.#world.setupIntents.get(id);
    if (intent === undefined) throw missing('setupintent', id);
    return intent;
  }

  open(session: Session, visit: Visit, cause: Cause): SetupIntent {
    const id = makeId('seti');
    const intent = this.#world.setupIntents.set(id, {
      id,
      object: 'setup_intent',
      allowed_payment_method_types: session.allowed_payment_method_types,
      application: null,
      automatic_payment_methods: null,
      cancellation_reason: null,
      client_secret: `${id}_${makeId('secret')}`,
      created: this.#surroundings.clock.now(),
      customer: session.customer,
      customer_account: null,
      description: visit.intent.description,
      excluded_payment_method_types: null,
      flow_directions: null,
      last_setup_error: null,
      latest_attempt: null,
      livemode: false,
      mandate: null,
      metadata: { ...visit.intent.metadata },
      next_action: null,
      on_behalf_of: null,
      payment_method: null,
      payment_method_configuration_details: null,
      payment_method_options: {
        card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' },
      },
      payment_method_types: session.payment_method_types,
      single_use_mandate: null,
      status: 'requires_payment_method',
      usage: 'off_session',
    });
    this.#events.emit('setup_intent.created', intent, cause);
    return intent;
  }

  challenge(intent: SetupIntent, method: PaymentMethod, url: string, cause: Cause): void {
    intent.status = 'requires_action';
    intent.payment_method = method.id;
    intent.next_action = { type: 'redirect_to_url', redirect_to_url: { url, return_url: null } };
    this.#world.setupIntents.touch(intent.id);
    this.#events.emit('setup_intent.requires_action', intent, cause);
  }

  succeed(intent: SetupIntent, method: PaymentMethod, cause: Cause): void {
    intent.status = 'succeeded';
    intent.payment_method = method.id;
    intent.next_action = null;
    intent.last_setup_error = null;
    this.#world.setupIntents.touch(intent.id);
    this.#events.emit('setup_intent.succeeded', intent, cause);
  }

  fail(intent: SetupIntent, method: PaymentMethod, decline: Decline, cause: Cause): void {
    intent.status = 'requires_payment_method';
    intent.payment_method = null;
    intent.next_action = null;
    intent.last_setup_error = {
      type: decline.code === 'setup_intent_authentication_failure' ? 'invalid_request_error' : 'card_error',
      code: decline.code as NonNullable<SetupIntent['last_setup_error']>['code'] & string,
      ...(decline.decline_code === undefined ? {} : { decline_code: decline.decline_code }),
      message: decline.message,
      payment_method: method as NonNullable<NonNullable<SetupIntent['last_setup_error']>['payment_method']>,
    };
    this.#world.setupIntents.touch(intent.id);
    this.#events.emit('setup_intent.setup_failed', intent, cause);
  }
}
