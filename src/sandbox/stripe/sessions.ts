import type { Surroundings } from '../surroundings.ts';
import { missing, unexpectedState } from './api-error.ts';
import type { Customers } from './customers.ts';
import type { Events } from './events.ts';
import type { Intents } from './intents.ts';
import type { Cause, MethodType, Session } from './objects.ts';
import { eligibleTypes, type Given, judgeForm, LONGEST_SECONDS, sumOf, type Total } from './session-rules.ts';
import { type EventRecord, makeId, type Visit, type World } from './world.ts';

const DEFAULT_KONBINI_DAYS = 3;
/** A request of nobody: what time brings about. */
export const BY_TIME: Cause['request'] = { id: null, idempotency_key: null };

/** Checkout Sessions: made by the application, completed by payers, ended by time. */
export class Sessions {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #events: Events;
  readonly #customers: Customers;
  readonly #intents: Intents;

  constructor(surroundings: Surroundings, world: World, events: Events, customers: Customers, intents: Intents) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#events = events;
    this.#customers = customers;
    this.#intents = intents;
  }

  /** Open ones run out at their time. */
  wake(): void {
    for (const session of this.#world.sessions.values()) if (session.status === 'open') this.#planExpiry(session);
  }

  get(id: string, param?: string): Session {
    const session = this.#world.sessions.get(id);
    if (session === undefined) throw missing('checkout.session', id, param);
    return session;
  }

  visitOf(session: Session): Visit {
    const visit = this.#world.visits.get(session.id);
    if (visit === undefined) throw new Error(`the visit of ${session.id} is missing`);
    return visit;
  }

  save(session: Session): void {
    this.#world.sessions.touch(session.id);
  }

  /** @throws ApiError */
  create(given: Given, cause: Cause): Session {
    const now = this.#surroundings.clock.now();
    judgeForm(given, now);
    if (given.customer !== undefined) this.#customers.get(given.customer, 'customer');
    const total = sumOf(given);
    const types = eligibleTypes(given, total?.currency);
    const id = makeId('cs_test', 58);
    const session = makeSession(id, given, { now, total, types, origin: cause.origin });
    this.#world.sessions.set(id, session);
    this.#world.visits.set(id, makeVisit(id, given, cause.origin));
    this.#planExpiry(session);
    return session;
  }

  /** @throws ApiError when it is not open */
  expire(session: Session, cause: Cause): Session {
    if (session.status !== 'open') {
      throw unexpectedState(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${session.status}.`,
        'checkout_session_not_open',
      );
    }
    session.status = 'expired';
    session.url = null;
    this.save(session);
    const intent = this.#world.intents.get(session.payment_intent ?? '');
    if (intent !== undefined) this.#intents.cancel(intent, 'expired', cause);
    this.#events.emit('checkout.session.expired', session, cause);
    return session;
  }

  /** The payer is through; `unpaid` when the money comes later. */
  complete(session: Session, paymentStatus: Session['payment_status'], cause: Cause): EventRecord {
    session.status = 'complete';
    session.payment_status = paymentStatus;
    session.url = null;
    this.save(session);
    return this.#events.emit('checkout.session.completed', session, cause);
  }

  /** The money of a delayed payment came, or will not come. */
  settle(session: Session, isPaid: boolean, cause: Cause): EventRecord {
    if (isPaid) session.payment_status = 'paid';
    this.save(session);
    return this.#events.emit(
      isPaid ? 'checkout.session.async_payment_succeeded' : 'checkout.session.async_payment_failed',
      session,
      cause,
    );
  }

  #planExpiry(session: Session): void {
    const { agenda } = this.#surroundings;
    const runOut = (): void => {
      const isKept = this.#world.sessions.get(session.id) === session;
      if (isKept && session.status === 'open') {
        this.expire(session, { origin: this.visitOf(session).origin, request: BY_TIME });
      }
    };
    agenda.plan(session.expires_at * 1000, runOut, true);
  }
}

type Made = { now: number; total: Total | undefined; types: MethodType[]; origin: string };

function makeSession(id: string, given: Given, { now, total, types, origin }: Made): Session {
  const isPayment = given.mode === 'payment';
  return {
    id,
    object: 'checkout.session',
    adaptive_pricing: isPayment ? { enabled: given.adaptive_pricing?.enabled ?? true } : null,
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: given.allowed_payment_method_types ?? null,
    amount_subtotal: total?.amount ?? null,
    amount_total: total?.amount ?? null,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: given.billing_address_collection ?? null,
    cancel_url: given.cancel_url ?? null,
    client_reference_id: given.client_reference_id || null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: now,
    currency: total?.currency ?? given.currency ?? null,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer: given.customer ?? null,
    customer_account: null,
    customer_creation: given.customer === undefined ? (given.customer_creation ?? 'if_required') : null,
    customer_details: null,
    customer_email: given.customer_email ?? null,
    discounts: isPayment ? [] : null,
    expires_at: given.expires_at ?? now + LONGEST_SECONDS,
    integration_identifier: null,
    invoice: null,
    invoice_creation: isPayment ? NO_INVOICE : null,
    livemode: false,
    locale: given.locale ?? null,
    managed_payments: { enabled: false },
    metadata: given.metadata ?? {},
    mode: given.mode,
    origin_context: given.origin_context ?? null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: isPayment ? 'if_required' : 'always',
    payment_method_configuration_details: null,
    payment_method_options: presentOptions(given),
    payment_method_types: types,
    payment_status: isPayment ? 'unpaid' : 'no_payment_required',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: savedMethodsOf(given),
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: given.submit_type ?? null,
    subscription: null,
    success_url: given.success_url ?? null,
    total_details: isPayment ? { amount_discount: 0, amount_shipping: 0, amount_tax: 0 } : null,
    ui_mode: 'hosted_page',
    url: `${origin}/stripe/checkout/${id}`,
    wallet_options: walletsOf(given),
  };
}

const NO_INVOICE: Session['invoice_creation'] = {
  enabled: false,
  invoice_data: {
    account_tax_ids: null,
    custom_fields: null,
    description: null,
    footer: null,
    issuer: null,
    metadata: {},
    rendering_options: null,
  },
};

function presentOptions({
  payment_method_options: options = {},
}: Given): NonNullable<Session['payment_method_options']> {
  const { card, customer_balance: balance, konbini } = options;
  return {
    card: {
      request_three_d_secure: card?.request_three_d_secure ?? 'automatic',
      ...(card?.setup_future_usage === undefined ? {} : { setup_future_usage: card.setup_future_usage }),
    },
    ...(konbini === undefined ? {} : { konbini: { expires_after_days: konbini.expires_after_days ?? null } }),
    ...(balance?.bank_transfer === undefined
      ? {}
      : {
          customer_balance: {
            funding_type: 'bank_transfer',
            bank_transfer: {
              type: balance.bank_transfer.type,
              ...(balance.bank_transfer.eu_bank_transfer === undefined
                ? {}
                : { eu_bank_transfer: balance.bank_transfer.eu_bank_transfer }),
            },
          },
        }),
  };
}

function makeVisit(id: string, given: Given, origin: string): Visit {
  const intent = given.payment_intent_data ?? given.setup_intent_data ?? {};
  const more = given.payment_intent_data;
  return {
    id,
    origin,
    title: (given.line_items ?? []).map(({ price_data }) => price_data.product_data.name).join(', '),
    intent: {
      metadata: intent.metadata ?? {},
      description: intent.description ?? null,
      capture_method: more?.capture_method ?? 'automatic_async',
      receipt_email: more?.receipt_email ?? null,
      setup_future_usage: more?.setup_future_usage ?? given.payment_method_options?.card?.setup_future_usage ?? null,
      statement_descriptor: more?.statement_descriptor ?? null,
      statement_descriptor_suffix: more?.statement_descriptor_suffix ?? null,
    },
    konbini_days: given.payment_method_options?.konbini?.expires_after_days ?? DEFAULT_KONBINI_DAYS,
  };
}

function walletsOf({ wallet_options: given }: Given): Session['wallet_options'] {
  if (given === undefined) return null;
  const display = given.link?.display;
  return { link: display === undefined ? {} : { display } };
}

function savedMethodsOf({ saved_payment_method_options: given }: Given): Session['saved_payment_method_options'] {
  if (given === undefined) return null;
  return {
    allow_redisplay_filters: given.allow_redisplay_filters ?? null,
    payment_method_remove: given.payment_method_remove ?? null,
    payment_method_save: given.payment_method_save ?? null,
  };
}
