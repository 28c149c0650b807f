import { randomBytes } from 'node:crypto';
import type { SimCardDecline, SimPaymeTransaction, SimProviderError } from '../control-payme-click.ts';
import type { Store, Table } from '../store.ts';
import type { Language } from '../surroundings.ts';
import type { Decline } from './cards.ts';
import type { Order } from './link.ts';

const CHECKOUTS_KEPT = 2_000;
const TRANSACTIONS_KEPT = 20_000;
const CARDS_KEPT = 2_000;
const RECEIPTS_KEPT = 20_000;
const STEPS_KEPT = 60;

export type StopAfter = 'create' | 'debit';

/** A payment in Payme's books, and what only Payme knows of it. */
export type TransactionRecord = SimPaymeTransaction & {
  sequence: number;
  order: Order;
  /** The number of the test card. */
  card_number: string;
  stop_after?: StopAfter;
  /** How this card is refused, where it is not as its number says. */
  decline?: Decline;
};

/** A card the application stored through the Subscribe API. */
export type CardRecord = {
  id: string;
  /** The number of the test card. */
  card_number: string;
  token: string;
  /** Without it the card goes with its first payment. */
  save: boolean;
  verify: boolean;
  created_at_ms: number;
  /** The code sent last, until it was typed. */
  code?: { sent_at_ms: number; wrong_count: number };
  declines?: SimCardDecline;
};

/** A receipt of the Subscribe API. Once a transaction stands behind it, that says how far the payment is. */
export type ReceiptRecord = {
  id: string;
  sequence: number;
  order: Order;
  create_time: number;
  cancel_time: number;
  phase: 'created' | 'checking' | 'paying' | 'failed' | 'cancelling' | 'cancelled';
  /** The number of the test card. */
  card_number?: string;
  transaction_id?: string;
  error?: SimProviderError;
  fiscal_data?: unknown;
  sent_to?: string;
};

/** A pay page somebody has open. */
export type Checkout = {
  id: string;
  order: Order;
  /** What CheckPerformTransaction said. */
  check: { errors?: Readonly<Record<Language, SimProviderError>>; additional?: unknown; detail?: unknown };
  card_number?: string;
  /** Why the last form was not taken. */
  problem?: SimProviderError;
  transaction_id?: string;
};

/** Payme's own ledger and open pages. No rule lives here. */
export class World {
  readonly transactions: Table<TransactionRecord>;
  readonly checkouts: Table<Checkout>;
  readonly cards: Table<CardRecord>;
  readonly receipts: Table<ReceiptRecord>;
  readonly #counters: Table<number>;

  constructor(store: Store) {
    this.transactions = store.table('payme_transactions');
    this.checkouts = store.table('payme_checkouts');
    this.cards = store.table('payme_cards');
    this.receipts = store.table('payme_receipts');
    this.#counters = store.table('payme_counters');
  }

  /** Numbers go on after a reset, so that no id is ever given twice. */
  reset(): void {
    this.transactions.clear();
    this.checkouts.clear();
    this.cards.clear();
    this.receipts.clear();
  }

  /** The next of a row of whole numbers: request ids, transactions, receipts, fiscal receipts. */
  nextNumber(counter: 'request' | 'transaction' | 'fiscal' | 'receipt'): number {
    return this.#counters.set(counter, (this.#counters.get(counter) ?? 0) + 1);
  }

  addCheckout(checkout: Checkout): Checkout {
    this.checkouts.set(checkout.id, checkout);
    this.checkouts.trim(CHECKOUTS_KEPT);
    return checkout;
  }

  addTransaction(transaction: TransactionRecord): TransactionRecord {
    this.transactions.set(transaction.id, transaction);
    this.transactions.trim(TRANSACTIONS_KEPT);
    return transaction;
  }

  addCard(card: CardRecord): CardRecord {
    this.cards.set(card.id, card);
    this.cards.trim(CARDS_KEPT);
    return card;
  }

  findCardByToken(token: string): CardRecord | undefined {
    return [...this.cards.values()].find((card) => card.token === token);
  }

  addReceipt(receipt: ReceiptRecord): ReceiptRecord {
    this.receipts.set(receipt.id, receipt);
    this.receipts.trim(RECEIPTS_KEPT);
    return receipt;
  }

  saveReceipt(receipt: ReceiptRecord): void {
    // After a reset a payment under way must not come back.
    if (this.receipts.get(receipt.id) === receipt) this.receipts.touch(receipt.id);
  }

  saveTransaction(transaction: TransactionRecord): void {
    if (transaction.steps.length > STEPS_KEPT) transaction.steps.splice(0, transaction.steps.length - STEPS_KEPT);
    // After a reset a payment under way must not come back.
    if (this.transactions.get(transaction.id) === transaction) this.transactions.touch(transaction.id);
  }

  /** Oldest first. */
  listReceipts(): ReceiptRecord[] {
    return [...this.receipts.values()].sort((one, other) => one.sequence - other.sequence);
  }

  /** Oldest first: in the order of their `time`. */
  listTransactions(): TransactionRecord[] {
    return [...this.transactions.values()].sort((one, other) => one.sequence - other.sequence);
  }
}

/** 24 hexadecimal digits that begin with the time, as Payme's ids do. */
export function makeId(nowMs: number): string {
  return (
    Math.floor(nowMs / 1000)
      .toString(16)
      .padStart(8, '0') + randomBytes(8).toString('hex')
  );
}

/** Without what only the simulator knows. */
export function present(transaction: TransactionRecord): SimPaymeTransaction {
  const {
    sequence: _sequence,
    order: _order,
    card_number: _card,
    stop_after: _stop,
    decline: _decline,
    ...shown
  } = transaction;
  return shown;
}
