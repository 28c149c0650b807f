import type { SimBtcpayDelivery, SimBtcpayPayment, SimBtcpaySettings } from '../control-crypto.ts';
import type { Store, Table } from '../store.ts';

const KEPT = 20_000;

export type MethodId = SimBtcpayPayment['payment_method_id'];
export type Status = 'New' | 'Processing' | 'Expired' | 'Invalid' | 'Settled';
export type AdditionalStatus = 'None' | 'PaidPartial' | 'PaidOver' | 'PaidLate' | 'Marked';
export type SpeedPolicy = 'HighSpeed' | 'MediumSpeed' | 'LowMediumSpeed' | 'LowSpeed';
export type PayoutState = 'AwaitingApproval' | 'AwaitingPayment' | 'InProgress' | 'Completed' | 'Cancelled';
export type Metadata = Readonly<Record<string, unknown>>;

/** One way to pay an invoice; `rate` is what one bitcoin costs in its currency, for its whole life. */
export type Prompt = { method: MethodId; destination: string; rate: string };

export type PaymentRecord = SimBtcpayPayment & { destination: string };

/** An invoice in BTCPay's books. Times in milliseconds of the sandbox clock. */
export type InvoiceRecord = {
  id: string;
  origin: string;
  type: 'Standard' | 'TopUp';
  /** "0" for a top-up that nobody has paid yet. */
  amount: string;
  currency: string;
  metadata: Metadata;
  speed_policy: SpeedPolicy;
  default_method: MethodId;
  created_at_ms: number;
  expires_at_ms: number;
  monitoring_until_ms: number;
  /** Per cent, as text. */
  tolerance: string;
  redirect_url: string | null;
  redirects_automatically: boolean;
  language: string | null;
  search_terms: string[];
  receipt: Metadata;
  prompts: Prompt[];
  payments: PaymentRecord[];
  status: Status;
  additional_status: AdditionalStatus;
  is_archived: boolean;
  refunds: string[];
};

export type PullPaymentRecord = {
  id: string;
  origin: string;
  name: string;
  description: string;
  currency: string;
  amount: string;
  starts_at_ms: number;
  auto_approves: boolean;
  methods: MethodId[];
  invoice_id: string | null;
  is_archived: boolean;
};

export type PayoutRecord = {
  id: string;
  pull_payment_id: string;
  created_at_ms: number;
  destination: string;
  method: MethodId;
  original_amount: string;
  original_currency: string;
  amount: string | null;
  state: PayoutState;
  revision: number;
  proof: Metadata | null;
};

export type WebhookRecord = {
  id: string;
  url: string;
  secret: string;
  enabled: boolean;
  automatic_redelivery: boolean;
  everything: boolean;
  specific_events: string[];
  /** The one there is from the beginning, as long as the application has not changed it: it follows the options. */
  is_first: boolean;
};

/** `event` is the body without the members that name the delivery. */
export type DeliveryRecord = SimBtcpayDelivery & {
  created_at_ms: number;
  error: string | null;
  event: { type: string; timestamp: number; rest: Metadata };
};

const FIRST_SETTINGS: SimBtcpaySettings = {
  rates: {
    ...{ BTC: '1', SATS: '100000000', USD: '97500', EUR: '89700', GBP: '77025', JPY: '14625000' },
    ...{ UZS: '1248000000', RUB: '9018750', KZT: '48262500', CNY: '702000' },
  },
  permissions: null,
};

/** BTCPay's own books. No rule lives here. */
export class World {
  readonly invoices: Table<InvoiceRecord>;
  readonly pullPayments: Table<PullPaymentRecord>;
  readonly payouts: Table<PayoutRecord>;
  readonly webhooks: Table<WebhookRecord>;
  readonly deliveries: Table<DeliveryRecord>;
  readonly #settings: Table<SimBtcpaySettings>;

  constructor(store: Store) {
    this.invoices = store.table('btcpay_invoices');
    this.pullPayments = store.table('btcpay_pull_payments');
    this.payouts = store.table('btcpay_payouts');
    this.webhooks = store.table('btcpay_webhooks');
    this.deliveries = store.table('btcpay_deliveries');
    this.#settings = store.table('btcpay_settings');
  }

  reset(): void {
    const { invoices, pullPayments, payouts, webhooks, deliveries } = this;
    for (const table of [invoices, pullPayments, payouts, webhooks, deliveries, this.#settings]) table.clear();
  }

  get settings(): SimBtcpaySettings {
    return this.#settings.get('all') ?? FIRST_SETTINGS;
  }

  change(settings: Partial<SimBtcpaySettings>): SimBtcpaySettings {
    return this.#settings.set('all', { ...this.settings, ...settings });
  }

  addInvoice(invoice: InvoiceRecord): InvoiceRecord {
    return add(this.invoices, invoice);
  }

  addPullPayment(pullPayment: PullPaymentRecord): PullPaymentRecord {
    return add(this.pullPayments, pullPayment);
  }

  addPayout(payout: PayoutRecord): PayoutRecord {
    return add(this.payouts, payout);
  }

  addDelivery(delivery: DeliveryRecord): DeliveryRecord {
    return add(this.deliveries, delivery);
  }

  payoutsOf(pullPaymentId: string): PayoutRecord[] {
    return [...this.payouts.values()].filter((payout) => payout.pull_payment_id === pullPaymentId);
  }
}

function add<T extends { id: string }>(table: Table<T>, row: T): T {
  table.set(row.id, row);
  table.trim(KEPT);
  return row;
}

/** Newest first: rows stand in the order in which they were made. */
export function newestFirst<T>(table: Table<T>): T[] {
  return [...table.values()].reverse();
}
