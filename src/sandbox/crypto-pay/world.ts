import { randomBytes } from 'node:crypto';
import type { SimCryptoPayDelivery, SimCryptoPaySettings } from '../control-crypto.ts';
import type { Store, Table } from '../store.ts';
import { ASSET_USD, type Asset, FIAT_PER_USD } from './money.ts';

const KEPT = 20_000;
const TRIES_KEPT = 60;
const HASH_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** An invoice in Crypto Pay's books. Names are those of the API; `origin` is where its links lead. */
export type InvoiceRecord = {
  invoice_id: number;
  hash: string;
  currency_type: 'crypto' | 'fiat';
  asset?: Asset;
  fiat?: string;
  amount: string;
  accepted_assets?: Asset[];
  origin: string;
  status: 'active' | 'paid' | 'expired';
  created_at_ms: number;
  expires_at_ms?: number;
  description?: string;
  hidden_message?: string;
  payload?: string;
  swap_to?: string;
  paid_btn_name?: string;
  paid_btn_url?: string;
  allow_comments: boolean;
  allow_anonymous: boolean;
  paid?: {
    at_ms: number;
    asset: Asset;
    amount: string;
    fiat_rate?: string;
    usd_rate: string;
    fee_amount: string;
    fee_in_usd: string;
    is_anonymous: boolean;
    comment?: string;
    user_id?: number;
  };
};

export type TransferRecord = {
  transfer_id: number;
  spend_id: string;
  user_id: number;
  asset: Asset;
  amount: string;
  completed_at_ms: number;
  comment?: string;
};

export type CheckRecord = {
  check_id: number;
  hash: string;
  asset: Asset;
  amount: string;
  origin: string;
  status: 'active' | 'activated';
  created_at_ms: number;
  activated_at_ms?: number;
};

export type DeliveryRecord = SimCryptoPayDelivery & { payload: Readonly<Record<string, unknown>> };

const FIRST_SETTINGS: SimCryptoPaySettings = {
  asset_usd: ASSET_USD,
  fiat_per_usd: FIAT_PER_USD,
  balances: { USDT: '1000', TON: '500', BTC: '0.05', ETH: '1.5' },
  fee_bps: 300,
  disabled_methods: [],
};

/** Crypto Pay's own ledger. No rule lives here. */
export class World {
  readonly invoices: Table<InvoiceRecord>;
  readonly transfers: Table<TransferRecord>;
  readonly checks: Table<CheckRecord>;
  readonly deliveries: Table<DeliveryRecord>;
  readonly #settings: Table<SimCryptoPaySettings>;
  readonly #counters: Table<number>;

  constructor(store: Store) {
    this.invoices = store.table('crypto_pay_invoices');
    this.transfers = store.table('crypto_pay_transfers');
    this.checks = store.table('crypto_pay_checks');
    this.deliveries = store.table('crypto_pay_deliveries');
    this.#settings = store.table('crypto_pay_settings');
    this.#counters = store.table('crypto_pay_counters');
  }

  /** Numbers go on, so that no id is ever given twice. */
  reset(): void {
    for (const table of [this.invoices, this.transfers, this.checks, this.deliveries, this.#settings]) table.clear();
  }

  get settings(): SimCryptoPaySettings {
    return this.#settings.get('all') ?? FIRST_SETTINGS;
  }

  change(settings: Partial<SimCryptoPaySettings>): SimCryptoPaySettings {
    return this.#settings.set('all', { ...this.settings, ...settings });
  }

  nextNumber(counter: 'invoice' | 'transfer' | 'check' | 'delivery'): number {
    return this.#counters.set(counter, (this.#counters.get(counter) ?? 0) + 1);
  }

  addInvoice(invoice: InvoiceRecord): InvoiceRecord {
    this.invoices.set(invoice.invoice_id, invoice);
    this.invoices.trim(KEPT);
    return invoice;
  }

  findByHash(hash: string): InvoiceRecord | undefined {
    return newestFirst(this.invoices).find((invoice) => invoice.hash === hash);
  }

  findCheck(hash: string): CheckRecord | undefined {
    return newestFirst(this.checks).find((check) => check.hash === hash);
  }

  addTransfer(transfer: TransferRecord): TransferRecord {
    this.transfers.set(transfer.transfer_id, transfer);
    this.transfers.trim(KEPT);
    return transfer;
  }

  addCheck(check: CheckRecord): CheckRecord {
    this.checks.set(check.check_id, check);
    this.checks.trim(KEPT);
    return check;
  }

  addDelivery(delivery: DeliveryRecord): DeliveryRecord {
    this.deliveries.set(delivery.id, delivery);
    this.deliveries.trim(KEPT);
    return delivery;
  }

  saveDelivery(delivery: DeliveryRecord): void {
    if (delivery.tries.length > TRIES_KEPT) delivery.tries.splice(0, delivery.tries.length - TRIES_KEPT);
    // After a reset a delivery under way must not come back.
    if (this.deliveries.get(delivery.id) === delivery) this.deliveries.touch(delivery.id);
  }
}

/** Newest first: rows stand in the order in which they were made. */
export function newestFirst<T>(table: Table<T>): T[] {
  return [...table.values()].reverse();
}

/** `IV…` of an invoice, `CQ…` of a check: two letters and ten random ones. */
export function makeHash(prefix: 'IV' | 'CQ'): string {
  return prefix + [...randomBytes(10)].map((byte) => HASH_LETTERS[byte % HASH_LETTERS.length]).join('');
}
