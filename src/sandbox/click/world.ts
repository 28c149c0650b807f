import type { SimCardDecline, SimClickPayment } from '../control-payme-click.ts';
import type { Store, Table } from '../store.ts';
import type { Language } from '../surroundings.ts';
import type { Order } from './link.ts';

const PAYMENTS_KEPT = 20_000;
const CARDS_KEPT = 2_000;
const STEPS_KEPT = 60;
/** Ids of today's size, and such as need the whole bigint of the specification. */
const FIRST_IDS = {
  small: { trans: 2_500_000_000n, paydoc: 3_800_000_000n },
  large: { trans: 2n ** 53n, paydoc: 2n ** 54n },
};

/** What the payer does, or what happens to them. */
export type Outcome =
  | { kind: 'paid' }
  | { kind: 'lost_answer' }
  | { kind: 'stop_after_prepare' }
  | { kind: 'not_paid'; error: number; note: string };

/** A payment in Click's books, and what only Click knows of it. */
export type PaymentRecord = SimClickPayment & {
  sequence: number;
  order: Order;
  amount_tiyin: number;
  language: Language;
  outcome: Outcome;
};

/** A card the application stored; its token is the key. */
export type CardRecord = {
  card_token: string;
  /** The number of the test card. */
  number: string;
  temporary: boolean;
  is_verified: boolean;
  wrong_codes: number;
  created_at_ms: number;
  declines?: SimCardDecline;
};

/** Click's own ledger. No rule lives here. */
export class World {
  readonly payments: Table<PaymentRecord>;
  readonly cards: Table<CardRecord>;
  readonly #counters: Table<number>;
  readonly #byPaydoc = new Map<string, PaymentRecord>();

  constructor(store: Store) {
    this.payments = store.table('click_payments');
    this.cards = store.table('click_cards');
    this.#counters = store.table('click_counters');
  }

  /** After the store was read. */
  wake(): void {
    for (const payment of this.payments.values()) this.#byPaydoc.set(payment.click_paydoc_id, payment);
  }

  /** Numbers go on, so that no id is ever given twice. */
  reset(): void {
    this.payments.clear();
    this.cards.clear();
    this.#byPaydoc.clear();
  }

  /** The next pair of ids, odd and far from each other, so that rounding one or taking one for the other shows. */
  nextIds(isLarge: boolean): { sequence: number; trans: string; paydoc: string } {
    const sequence = this.#counters.set('payment', (this.#counters.get('payment') ?? 0) + 1);
    const first = isLarge ? FIRST_IDS.large : FIRST_IDS.small;
    const step = BigInt(2 * sequence - 1);
    return { sequence, trans: String(first.trans + step), paydoc: String(first.paydoc + step) };
  }

  add(payment: PaymentRecord): PaymentRecord {
    this.payments.set(payment.click_trans_id, payment);
    this.#byPaydoc.set(payment.click_paydoc_id, payment);
    this.payments.trim(PAYMENTS_KEPT, (dropped) => this.#byPaydoc.delete(dropped.click_paydoc_id));
    return payment;
  }

  addCard(card: CardRecord): CardRecord {
    this.cards.set(card.card_token, card);
    this.cards.trim(CARDS_KEPT);
    return card;
  }

  save(payment: PaymentRecord): void {
    if (payment.steps.length > STEPS_KEPT) payment.steps.splice(0, payment.steps.length - STEPS_KEPT);
    // After a reset a payment under way must not come back.
    if (this.payments.get(payment.click_trans_id) === payment) this.payments.touch(payment.click_trans_id);
  }

  findByPaydoc(id: string): PaymentRecord | undefined {
    return this.#byPaydoc.get(id);
  }

  /** Oldest first. */
  list(): PaymentRecord[] {
    return [...this.payments.values()].sort((one, other) => one.sequence - other.sequence);
  }
}

/** Without what only the simulator knows. */
export function present(payment: PaymentRecord): SimClickPayment {
  const {
    sequence: _sequence,
    order: _order,
    amount_tiyin: _tiyin,
    language: _language,
    outcome: _outcome,
    ...shown
  } = payment;
  return shown;
}
