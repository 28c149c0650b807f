import { randomBytes } from 'node:crypto';
import type { SimPaymeTransaction, SimProviderError } from '../control.ts';
import type { Store, Table } from '../store.ts';
import type { Language } from '../surroundings.ts';
import type { Order } from './link.ts';

const CHECKOUTS_KEPT = 2_000;
const TRANSACTIONS_KEPT = 20_000;
const STEPS_KEPT = 60;

export type StopAfter = 'create' | 'debit';

/** A payment in Payme's books, and what only Payme knows of it. */
export type TransactionRecord = SimPaymeTransaction & {
  sequence: number;
  order: Order;
  /** The number of the test card. */
  card_number: string;
  stop_after?: StopAfter;
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
  readonly #counters: Table<number>;

  constructor(store: Store) {
    this.transactions = store.table('payme_transactions');
    this.checkouts = store.table('payme_checkouts');
    this.#counters = store.table('payme_counters');
  }

  /** Numbers go on after a reset, so that no id is ever given twice. */
  reset(): void {
    this.transactions.clear();
    this.checkouts.clear();
  }

  /** The next of a row of whole numbers: request ids, transactions, fiscal receipts. */
  nextNumber(counter: 'request' | 'transaction' | 'fiscal'): number {
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

  saveTransaction(transaction: TransactionRecord): void {
    if (transaction.steps.length > STEPS_KEPT) transaction.steps.splice(0, transaction.steps.length - STEPS_KEPT);
    // After a reset a payment under way must not come back.
    if (this.transactions.get(transaction.id) === transaction) this.transactions.touch(transaction.id);
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
  const { sequence: _sequence, order: _order, card_number: _card, stop_after: _stop, ...shown } = transaction;
  return shown;
}
