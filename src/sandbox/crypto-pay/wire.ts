import type { SimCryptoPayDelivery, SimCryptoPayInvoice } from '../control-crypto.ts';
import type { CheckRecord, DeliveryRecord, InvoiceRecord, TransferRecord } from './world.ts';

export const BOT_USERNAME = 'CryptoTestnetBot';

/** An Invoice of the API: members without a value are left out. */
export function presentInvoice(invoice: InvoiceRecord): SimCryptoPayInvoice {
  const { paid } = invoice;
  return withoutUndefined({
    invoice_id: invoice.invoice_id,
    hash: invoice.hash,
    currency_type: invoice.currency_type,
    asset: invoice.asset,
    fiat: invoice.fiat,
    amount: invoice.amount,
    ...(paid === undefined ? {} : presentPaid(invoice, paid)),
    accepted_assets: invoice.accepted_assets,
    ...presentLinks(invoice),
    description: invoice.description,
    status: invoice.status,
    swap_to: invoice.swap_to,
    created_at: isoTime(invoice.created_at_ms),
    allow_comments: invoice.allow_comments,
    allow_anonymous: invoice.allow_anonymous,
    expiration_date: isoTime(invoice.expires_at_ms),
    paid_at: isoTime(paid?.at_ms),
    paid_anonymously: paid?.is_anonymous,
    comment: paid?.comment,
    hidden_message: invoice.hidden_message,
    payload: invoice.payload,
    paid_btn_name: invoice.paid_btn_name,
    paid_btn_url: invoice.paid_btn_url,
  }) as SimCryptoPayInvoice;
}

/** `paid_asset` and `paid_amount` are there for coin-priced invoices too: published clients disagree. */
function presentPaid(invoice: InvoiceRecord, paid: NonNullable<InvoiceRecord['paid']>): Record<string, unknown> {
  return {
    paid_asset: paid.asset,
    paid_amount: paid.amount,
    ...(invoice.currency_type === 'fiat' ? { paid_fiat_rate: paid.fiat_rate } : {}),
    paid_usd_rate: paid.usd_rate,
    fee_asset: paid.asset,
    fee_amount: paid.fee_amount,
    fee_in_usd: paid.fee_in_usd,
    fee: paid.fee_amount,
    usd_rate: paid.usd_rate,
    ...(invoice.swap_to === undefined ? {} : { is_swapped: false }),
  };
}

/** The three links differ as those of Crypto Pay do; here they all lead to the same page. */
function presentLinks({ origin, hash }: InvoiceRecord): Record<string, string> {
  const bot = `${origin}/crypto-pay/${BOT_USERNAME}`;
  return {
    pay_url: `${bot}?start=${hash}`,
    bot_invoice_url: `${bot}?start=${hash}`,
    mini_app_invoice_url: `${bot}/app?startapp=invoice-${hash}`,
    web_app_invoice_url: `${origin}/crypto-pay/invoices/${hash}`,
  };
}

/** The hash that any link of an invoice or check names, on whatever host; empty when it names none. */
export function hashOf(url: string): string {
  return /(?:start=|startapp=invoice-|invoices\/|checks\/|^)((?:IV|CQ)\w+)/.exec(url)?.[1] ?? '';
}

export function presentTransfer(transfer: TransferRecord, hasSpendId: boolean): Record<string, unknown> {
  return withoutUndefined({
    transfer_id: transfer.transfer_id,
    // The answer of transfer itself lacks it.
    spend_id: hasSpendId ? transfer.spend_id : undefined,
    user_id: transfer.user_id,
    asset: transfer.asset,
    amount: transfer.amount,
    status: 'completed',
    completed_at: isoTime(transfer.completed_at_ms),
    comment: transfer.comment,
  });
}

export function presentCheck(check: CheckRecord): Record<string, unknown> {
  return withoutUndefined({
    check_id: check.check_id,
    hash: check.hash,
    asset: check.asset,
    amount: check.amount,
    bot_check_url: `${check.origin}/crypto-pay/${BOT_USERNAME}?start=${check.hash}`,
    status: check.status,
    created_at: isoTime(check.created_at_ms),
    activated_at: isoTime(check.activated_at_ms),
  });
}

/** Without the payload, which is the invoice. */
export function presentDelivery({ payload: _payload, ...shown }: DeliveryRecord): SimCryptoPayDelivery {
  return shown;
}

export function isoTime(atMs: number): string;
export function isoTime(atMs: number | undefined): string | undefined;
export function isoTime(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
