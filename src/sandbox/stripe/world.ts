import { randomInt } from 'node:crypto';
import type { SimStripeDelivery } from '../control-stripe.ts';
import type { Store, Table } from '../store.ts';
import type {
  BalanceTransaction,
  CashBalance,
  CashTransaction,
  Charge,
  Customer,
  Dispute,
  EventObject,
  PaymentIntent,
  PaymentMethod,
  Refund,
  Session,
  SetupIntent,
  Wallet,
} from './objects.ts';

const OBJECTS_KEPT = 20_000;
const EVENTS_KEPT = 50_000;
const KEYS_KEPT = 20_000;
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** What Checkout knows of a session besides the session itself. */
export type Visit = {
  id: string;
  origin: string;
  /** What the payer buys, for the page. */
  title: string;
  intent: {
    metadata: Record<string, string>;
    description: string | null;
    capture_method: 'automatic' | 'automatic_async';
    receipt_email: string | null;
    setup_future_usage: 'off_session' | 'on_session' | null;
    statement_descriptor: string | null;
    statement_descriptor_suffix: string | null;
  };
  /** How long a konbini voucher lives. */
  konbini_days: number;
  email?: string;
  /** Waits for the payer's bank (3-D Secure). */
  challenge?: { number: string; wallet: Wallet | null };
  /** Why the last try did not go through. */
  problem?: { code: string; decline_code?: string; message: string };
};

export type EventRecord = {
  event: EventObject;
  /** The payment or, without one, the session, refund or customer it belongs to. */
  subject: string;
  /** `quiet`: the endpoint does not listen to this type. */
  state: 'quiet' | 'pending' | 'delivered' | 'given_up';
  deliveries: SimStripeDelivery[];
};

/** What a request with an `Idempotency-Key` was answered. */
export type StoredAnswer = { fingerprint: string; status: number; json: string; request_id: string; at_ms: number };

/** Stripe's own ledger and open pages. No rule lives here. */
export class World {
  readonly sessions: Table<Session>;
  readonly visits: Table<Visit>;
  readonly intents: Table<PaymentIntent>;
  readonly setupIntents: Table<SetupIntent>;
  readonly charges: Table<Charge>;
  readonly refunds: Table<Refund>;
  readonly disputes: Table<Dispute>;
  readonly balanceTransactions: Table<BalanceTransaction>;
  readonly customers: Table<Customer>;
  readonly methods: Table<PaymentMethod>;
  /** Numbers of test cards by payment method, which Stripe keeps to itself. */
  readonly cardNumbers: Table<string>;
  readonly cash: Table<CashBalance>;
  readonly cashTransactions: Table<CashTransaction>;
  readonly events: Table<EventRecord>;
  readonly answers: Table<StoredAnswer>;
  readonly #all: Table<never>[] = [];

  constructor(store: Store) {
    const table = <T>(name: string): Table<T> => {
      const made = store.table<T>(`stripe_${name}`);
      this.#all.push(made as Table<never>);
      return made;
    };
    this.sessions = table('sessions');
    this.visits = table('visits');
    this.intents = table('payment_intents');
    this.setupIntents = table('setup_intents');
    this.charges = table('charges');
    this.refunds = table('refunds');
    this.disputes = table('disputes');
    this.balanceTransactions = table('balance_transactions');
    this.customers = table('customers');
    this.methods = table('payment_methods');
    this.cardNumbers = table('card_numbers');
    this.cash = table('cash_balances');
    this.cashTransactions = table('cash_transactions');
    this.events = table('events');
    this.answers = table('idempotency_keys');
  }

  reset(): void {
    for (const table of this.#all) table.clear();
  }

  /** Drops what is oldest where there is too much. */
  trim(): void {
    for (const table of this.#all) {
      const isOfEvents = (table as Table<unknown>) === (this.events as Table<unknown>);
      const isOfKeys = (table as Table<unknown>) === (this.answers as Table<unknown>);
      table.trim(isOfEvents ? EVENTS_KEPT : isOfKeys ? KEYS_KEPT : OBJECTS_KEPT);
    }
  }

  /** The session a payment was made in, if any. */
  sessionOf(intentId: string): Session | undefined {
    for (const session of this.sessions.values()) if (session.payment_intent === intentId) return session;
    return undefined;
  }
}

/** `pi_` and so many letters and digits. */
export function makeId(prefix: string, length = 24): string {
  return `${prefix}_${Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join('')}`;
}
