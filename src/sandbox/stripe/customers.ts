import { createHash } from 'node:crypto';
import type { Surroundings } from '../surroundings.ts';
import { invalid, missing } from './api-error.ts';
import type { TestCard } from './cards.ts';
import type { Events } from './events.ts';
import type { Cause, Customer, MethodType, PaymentMethod, Wallet } from './objects.ts';
import type { Params } from './params.ts';
import { makeId, type World } from './world.ts';

/** Customers and the payment methods they saved. */
export class Customers {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #events: Events;

  constructor(surroundings: Surroundings, world: World, events: Events) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.#events = events;
  }

  create(given: Params<'writeCustomer'>, cause: Cause): Customer {
    const id = makeId('cus', 14);
    const customer = this.#world.customers.set(id, {
      id,
      object: 'customer',
      address: null,
      balance: 0,
      created: this.#surroundings.clock.now(),
      currency: null,
      customer_account: null,
      default_source: null,
      delinquent: false,
      description: given.description || null,
      discount: null,
      email: given.email || null,
      invoice_prefix: id.slice(4, 12).toUpperCase(),
      invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
      livemode: false,
      metadata: withoutEmpty(given.metadata ?? {}),
      name: given.name || null,
      next_invoice_sequence: 1,
      phone: given.phone || null,
      preferred_locales: given.preferred_locales ?? [],
      shipping: null,
      tax_exempt: 'none',
      test_clock: null,
    });
    this.#events.emit('customer.created', customer, cause);
    return customer;
  }

  /** Metadata is merged; a key with an empty value is taken out. */
  update(customer: Customer, given: Params<'writeCustomer'>, cause: Cause): Customer {
    const before = structuredClone(customer) as Record<string, unknown>;
    const { expand: _, metadata, invoice_settings: settings, ...texts } = given;
    for (const [name, value] of Object.entries(texts)) Object.assign(customer, { [name]: value === '' ? null : value });
    if (metadata !== undefined) customer.metadata = withoutEmpty({ ...customer.metadata, ...metadata });
    if (settings !== undefined) customer.invoice_settings.default_payment_method = settings.default_payment_method;
    this.#world.customers.touch(customer.id);
    const changed = Object.entries(before).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(customer[name as keyof Customer]),
    );
    this.#events.emit('customer.updated', customer, cause, Object.fromEntries(changed));
    return customer;
  }

  /** A deleted customer keeps nothing; what it paid stays. */
  delete(customer: Customer, cause: Cause): { id: string; object: 'customer'; deleted: true } {
    for (const method of this.#world.methods.values()) if (method.customer === customer.id) this.detach(method, cause);
    this.#world.customers.delete(customer.id);
    this.#events.emit('customer.deleted', customer, cause);
    return { id: customer.id, object: 'customer', deleted: true };
  }

  get(id: string, param?: string): Customer {
    const customer = this.#world.customers.get(id);
    if (customer === undefined) throw missing('customer', id, param);
    return customer;
  }

  getMethod(id: string, param?: string): PaymentMethod {
    const method = this.#world.methods.get(id);
    if (method === undefined) throw missing('PaymentMethod', id, param);
    return method;
  }

  /** What a payer typed or tapped, not yet anybody's. */
  addMethod(
    type: MethodType,
    details: { email: string | null; card?: TestCard; wallet?: Wallet | null },
  ): PaymentMethod {
    const { email, card, wallet } = details;
    const id = makeId('pm');
    const method: PaymentMethod = {
      id,
      object: 'payment_method',
      allow_redisplay: 'limited',
      billing_details: { address: null, email, name: null, phone: null, tax_id: null },
      created: this.#surroundings.clock.now(),
      customer: null,
      customer_account: null,
      livemode: false,
      metadata: {},
      type,
      ...(type === 'link' ? { link: { email } } : {}),
      ...(type === 'konbini' ? { konbini: {} } : {}),
      ...(type === 'customer_balance' ? { customer_balance: {} } : {}),
      ...(card === undefined ? {} : { card: describeCard(card, wallet ?? null, this.#surroundings.clock.nowMs()) }),
    };
    if (card !== undefined) this.#world.cardNumbers.set(id, card.number);
    return this.#world.methods.set(id, method);
  }

  /** @throws ApiError when it is another customer's, or of a kind that cannot be kept */
  attach(method: PaymentMethod, customer: Customer, cause: Cause): PaymentMethod {
    if (method.customer === customer.id) return method;
    if (method.customer !== null)
      throw invalid('The payment method you provided has already been attached to a customer.');
    if (method.type !== 'card' && method.type !== 'link') {
      throw invalid(`A PaymentMethod of type ${method.type} cannot be saved to a customer.`);
    }
    method.customer = customer.id;
    this.#world.methods.touch(method.id);
    this.#events.emit('payment_method.attached', method, cause);
    return method;
  }

  detach(method: PaymentMethod, cause: Cause): PaymentMethod {
    if (method.customer === null) {
      throw invalid('The payment method you provided is not attached to a customer so detachment is impossible.');
    }
    const previous = { customer: method.customer };
    method.customer = null;
    this.#world.methods.touch(method.id);
    this.#events.emit('payment_method.detached', method, cause, previous);
    return method;
  }
}

function describeCard(card: TestCard, wallet: Wallet | null, nowMs: number): NonNullable<PaymentMethod['card']> {
  return {
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: wallet === null ? 'pass' : null },
    country: card.brand === 'jcb' ? 'JP' : 'US',
    display_brand: card.brand,
    exp_month: 12,
    exp_year: new Date(nowMs).getUTCFullYear() + 3,
    fingerprint: fingerprint(card.number),
    funding: 'credit',
    generated_from: null,
    last4: card.number.slice(-4),
    networks: { available: [card.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: describeWallet(wallet, card),
  };
}

export function describeWallet(wallet: Wallet | null, card: TestCard): NonNullable<PaymentMethod['card']>['wallet'] {
  if (wallet === null) return null;
  // A device pays with a number of its own.
  const dynamic_last4 = wallet === 'link' ? null : card.number.slice(-4);
  if (wallet === 'link') return { type: wallet, dynamic_last4, link: { funding_source_group: null } };
  return { type: wallet, dynamic_last4, [wallet]: {} };
}

/** The same for every use of one number. */
export function fingerprint(number: string): string {
  return createHash('sha256').update(number).digest('base64url').slice(0, 16);
}

function withoutEmpty(metadata: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== ''));
}
