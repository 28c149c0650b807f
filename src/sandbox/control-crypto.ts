/**
 * The part of the control protocol (control.ts) for Crypto Pay and BTCPay Server. Amounts are decimal texts.
 */

/** One sending of a webhook; `status` is the HTTP status or null when no answer came. */
export type SimWebhookTry = { atMs: number; status: number | null; note?: string };

/** An `invoice_paid` of Crypto Pay: the same payload until an answer is 2xx. */
export type SimCryptoPayDelivery = {
  id: number;
  invoice_id: number;
  /** Not unique. */
  update_id: number;
  status: 'pending' | 'delivered' | 'given_up';
  tries: SimWebhookTry[];
};

/** An invoice as the API shows it. */
export type SimCryptoPayInvoice = Readonly<Record<string, unknown>> & {
  invoice_id: number;
  hash: string;
  currency_type: 'crypto' | 'fiat';
  amount: string;
  status: 'active' | 'paid' | 'expired';
  bot_invoice_url: string;
  mini_app_invoice_url: string;
  web_app_invoice_url: string;
  paid_asset?: string;
  paid_amount?: string;
};

export type SimCryptoPayPayResult = {
  invoice: SimCryptoPayInvoice;
  delivery: SimCryptoPayDelivery;
  /** The button of the page after the payment. */
  paid_btn_url?: string;
};

/** What can be set of Crypto Pay. */
export type SimCryptoPaySettings = {
  /** Dollars for one coin. */
  asset_usd: Record<string, string>;
  /** Units of each fiat currency for one dollar. */
  fiat_per_usd: Record<string, string>;
  /** What the application holds. */
  balances: Record<string, string>;
  /** Of a paid invoice, in hundredths of a per cent. */
  fee_bps: number;
  /** Methods answered with METHOD_DISABLED. */
  disabled_methods: string[];
};

export type SimBtcpayPayment = {
  /** `<txid>-<n>`, or the payment hash. */
  id: string;
  payment_method_id: 'BTC-CHAIN' | 'BTC-LN';
  value: string;
  status: 'Invalid' | 'Processing' | 'Settled';
  confirmations: number;
  /** May be replaced by its sender while it has no confirmation. */
  is_rbf: boolean;
  received_at_ms: number;
};

export type SimBtcpayInvoice = {
  id: string;
  checkout_link: string;
  amount: string;
  currency: string;
  order_id: string | null;
  status: 'New' | 'Processing' | 'Expired' | 'Invalid' | 'Settled';
  additional_status: 'None' | 'PaidPartial' | 'PaidOver' | 'PaidLate' | 'Marked';
  /** In BTC; below 0 when too much was paid. */
  due: string;
  payments: SimBtcpayPayment[];
  /** Pull payments made for refunds. */
  refunds: string[];
  redirect_url?: string;
};

/** One delivery of BTCPay: each redelivery is a new one that names the first. */
export type SimBtcpayDelivery = {
  id: string;
  webhook_id: string;
  original_delivery_id: string;
  type: string;
  invoice_id: string | null;
  is_redelivery: boolean;
  at_ms: number;
  status: 'Pending' | 'HttpSuccess' | 'HttpError' | 'Failed';
  http_code: number | null;
};

export type SimBtcpayPayout = {
  id: string;
  pull_payment_id: string;
  destination: string;
  original_amount: string;
  original_currency: string;
  /** In BTC, once it is approved. */
  amount: string | null;
  state: 'AwaitingApproval' | 'AwaitingPayment' | 'InProgress' | 'Completed' | 'Cancelled';
};

/** What can be set of BTCPay Server. */
export type SimBtcpaySettings = {
  /** Units of each currency for one bitcoin. */
  rates: Record<string, string>;
  /** Of the API key; null: all there are. */
  permissions: string[] | null;
};

/*
 * `url` is any URL of the invoice (any host, the path and query count).
 *
 * POST /sim/crypto-pay/pay      { url, asset?, comment?, anonymous?, user_id? } -> SimCryptoPayPayResult
 *                                                    (asset: else that of the invoice or the first accepted one; answers
 *                                                    when invoice_paid was taken, or was sent once and is to be sent again)
 * GET  /sim/crypto-pay/invoices?limit=&payload=      -> SimCryptoPayInvoice[] (newest first)
 * GET  /sim/crypto-pay/invoices/:id                  -> { invoice: SimCryptoPayInvoice, deliveries: SimCryptoPayDelivery[] }
 * GET  /sim/crypto-pay/deliveries?limit=             -> SimCryptoPayDelivery[] (newest first)
 * POST /sim/crypto-pay/deliveries/:id/redeliver { wrong_signature? } -> SimCryptoPayDelivery (once more, whatever its state)
 * POST /sim/crypto-pay/checks/:id/activate           -> { status }       (somebody takes the money of a check)
 * GET  /sim/crypto-pay/settings · PUT (any of its members) -> SimCryptoPaySettings
 *
 * POST /sim/btcpay/pay          { url, amount?, outcome?: 'exact'|'under'|'over', method?, confirmations?, rbf? } -> SimBtcpayInvoice
 *                                                    (amount in BTC, else by outcome: all that is due, half of it, or a
 *                                                    tenth more; confirmations: 6; to pay late, move the clock before.
 *                                                    Answers when the webhooks are out or wait to be sent again)
 * POST /sim/btcpay/invoices/:id/confirm { confirmations? } -> SimBtcpayInvoice (blocks on top of all its payments; 1)
 * POST /sim/btcpay/invoices/:id/drop                 -> SimBtcpayInvoice (the last unconfirmed payment is replaced by its sender)
 * POST /sim/btcpay/invoices/:id/mark { status: 'Settled'|'Invalid' } -> SimBtcpayInvoice
 * GET  /sim/btcpay/invoices?limit=&order=            -> SimBtcpayInvoice[] (newest first)
 * GET  /sim/btcpay/invoices/:id                      -> SimBtcpayInvoice
 * GET  /sim/btcpay/deliveries?limit=&invoice=        -> SimBtcpayDelivery[] (newest first)
 * POST /sim/btcpay/deliveries/:id/redeliver          -> SimBtcpayDelivery (the new one, sent)
 * POST /sim/btcpay/pull-payments/:id/claim { destination?, amount?, method? } -> SimBtcpayPayout (destination: else a fresh address)
 * GET  /sim/btcpay/payouts?limit=                    -> SimBtcpayPayout[] (newest first)
 * POST /sim/btcpay/payouts/:id/approve | /start | /complete | /cancel -> SimBtcpayPayout (complete approves first where needed)
 * GET  /sim/btcpay/settings · PUT (any of its members) -> SimBtcpaySettings
 */
