import { z } from 'zod';
import { Currency, fromDecimal, type Money, toDecimal } from '#domain/money.ts';
import type { ProviderReading, ProviderRequest } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import type { ProviderTransaction } from '#domain/provider/request.ts';
import { hmacSha256, isEqualSecret, sha256 } from '#lib/crypto.ts';
import { parseJsonBytes } from '#lib/http.ts';

/*
 * Crypto Pay's API (help.send.tg/en/articles/10279948-crypto-pay-api: we call them, JSON both ways) and its one webhook,
 * with their pure translation. Amounts are decimal texts of up to 18 places: they become minor units of ours or stay texts.
 */

/** Coins a fiat-priced order may be paid in. */
export const ACCEPTED_ASSETS = 'BTC,ETH,TON,USDT';

const Id = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);
const Decimal = z.string().regex(/^\d{1,19}(?:\.\d{1,18})?$/);
const Asset = z.string().regex(/^[A-Z0-9]{2,10}$/);
const Instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
// No text in Postgres can hold a NUL, so none can name an order.
const OrderId = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !text.includes('\0'))
  .nullish()
  .catch(null);

export const Invoice = z.object({
  invoice_id: Id,
  currency_type: z.enum(['crypto', 'fiat']),
  asset: Asset.nullish(),
  fiat: Asset.nullish(),
  amount: Decimal,
  status: z.enum(['active', 'paid', 'expired']),
  // Sources disagree whether a coin-priced invoice has these two: without them it was paid as it was asked.
  paid_asset: Asset.nullish(),
  paid_amount: Decimal.nullish(),
  fee_asset: Asset.nullish().catch(null),
  fee_amount: Decimal.nullish().catch(null),
  bot_invoice_url: z.url({ protocol: /^https?$/ }),
  created_at: Instant,
  expiration_date: Instant.nullish(),
  paid_at: Instant.nullish(),
  payload: OrderId,
});
export type Invoice = z.infer<typeof Invoice>;

export const Transfer = z.object({
  transfer_id: Id,
  // Left out in the answer to `transfer` itself.
  spend_id: z.string().max(64).nullish(),
  user_id: Id,
  asset: Asset,
  amount: Decimal,
  status: z.literal('completed'),
  completed_at: Instant,
  comment: z.string().nullish(),
});
export type Transfer = z.infer<typeof Transfer>;

export const Invoices = z.object({ items: z.array(Invoice) });
export const Transfers = z.object({ items: z.array(Transfer) });

/** How createInvoice is told a price. Throws ProviderError `invalid` for a currency Crypto Pay does not price in. */
export function toPrice(price: Money) {
  const amount = toDecimal(price);
  switch (price.currency) {
    case 'USD':
    case 'EUR':
      return { currency_type: 'fiat', fiat: price.currency, accepted_assets: ACCEPTED_ASSETS, amount };
    case 'BTC':
    case 'ETH':
      return { currency_type: 'crypto', asset: price.currency, amount };
    default:
      throw new ProviderError('invalid', 'CURRENCY_UNSUPPORTED');
  }
}

/** A decimal text as minor units; zeros behind the point are nothing. Null when it is finer than the currency's unit. */
function readAmount(text: string, currency: Currency): Money | null {
  return fromDecimal(text.includes('.') ? text.replace(/\.?0+$/, '') : text, currency);
}

/** What an invoice asks, in a currency of ours; null when it cannot be one we made. */
export function readPrice(invoice: Invoice): Money | null {
  const currency = Currency.safeParse(invoice.currency_type === 'fiat' ? invoice.fiat : invoice.asset);
  return currency.success ? readAmount(invoice.amount, currency.data) : null;
}

/** The fee where it was taken in the order's own currency and is whole units of ours; null: as the fee table says. */
function readFee(invoice: Invoice, currency: Currency): bigint | null {
  if (!invoice.fee_amount || invoice.fee_asset !== currency) return null;
  return readAmount(invoice.fee_amount, currency)?.amount ?? null;
}

/** What came in, as it must be sent back: coin and amount to the last place. */
export function toReturn(invoice: Invoice): { asset: string; amount: string } {
  const asset = invoice.paid_asset ?? invoice.asset;
  const amount = invoice.paid_amount ?? (invoice.currency_type === 'crypto' ? invoice.amount : null);
  if (!asset || !amount) throw new ProviderError('unavailable', 'PAID_AMOUNT_UNKNOWN');
  return { asset, amount };
}

const COMMENT = /^Refund (\w{1,64}) of invoice (\d{1,16})$/;

/** Ties a transfer to what it gives back, since transfers know no invoices. Its receiver reads it. */
export const toComment = (refundId: string, chargeId: string) => `Refund ${refundId} of invoice ${chargeId}`;

/** Which charge a transfer of ours gives back; null for a transfer that is no refund. */
export function readComment(transfer: Transfer): { refundId: string; chargeId: string } | null {
  const [, refundId, chargeId] = COMMENT.exec(transfer.comment ?? '') ?? [];
  if (refundId === undefined || chargeId === undefined) return null;
  return (transfer.spend_id ?? refundId) === refundId ? { refundId, chargeId } : null;
}

/**
 * What is true of an invoice, oldest first. `transfers` may hold those of others. Throws ProviderError `invalid` for one
 * whose price is none of ours: it may be paid, and silence would be taken for "not paid".
 */
export function toEvents(found: {
  invoice: Invoice;
  transfers: ReadonlyArray<Transfer>;
  invoiceId: string | null;
  now: Date;
}): ProviderEvent[] {
  const { invoice, now, transfers } = found;
  const invoiceId = invoice.payload ?? found.invoiceId;
  if (invoiceId === null || invoice.status === 'active') return [];
  const chargeId = String(invoice.invoice_id);
  if (invoice.status === 'expired') {
    const occurredAt = invoice.expiration_date ?? now;
    const told = { eventId: `expired:${chargeId}`, occurredAt, invoiceId, chargeId };
    return [{ type: 'payment_failed', ...told, attemptId: null, failure: 'checkout_expired', isFinal: true }];
  }
  const paid = readPrice(invoice);
  if (!paid) throw new ProviderError('invalid', 'UNREADABLE_PRICE');
  const charge = { invoiceId, chargeId, paid };
  const occurredAt = invoice.paid_at ?? now;
  const fee = readFee(invoice, paid.currency);
  const succeeded = { ...PLAIN_CHARGE, ...charge, eventId: `payment:${chargeId}`, occurredAt, payerId: null, fee };
  return [
    { type: 'payment_succeeded', ...succeeded },
    ...transfers.flatMap((transfer) => toRefundEvent(transfer, charge)),
  ];
}

function toRefundEvent(
  transfer: Transfer,
  charge: { invoiceId: string; chargeId: string; paid: Money },
): ProviderEvent[] {
  const refund = readComment(transfer);
  if (refund?.chargeId !== charge.chargeId) return [];
  const reference = String(transfer.transfer_id);
  return [
    {
      type: 'payment_refunded',
      eventId: `refund:${reference}`,
      occurredAt: transfer.completed_at,
      payerId: BigInt(transfer.user_id),
      ...charge,
      reference,
      refundId: refund.refundId,
    },
  ];
}

/** A paid invoice as a row of the list; null for what is no order of ours. */
export function toChargeRow(invoice: Invoice): ProviderTransaction | null {
  const amount = readPrice(invoice);
  if (!amount || !invoice.payload || invoice.status !== 'paid') return null;
  return {
    chargeId: String(invoice.invoice_id),
    reference: null,
    direction: 'charge',
    amount,
    occurredAt: invoice.paid_at ?? invoice.created_at,
    payerId: null,
    invoiceId: invoice.payload,
    renewalDays: null,
  };
}

/** A transfer that gave `invoice` back as a row of the list; null where the invoice is no order of ours. */
export function toRefundRow(transfer: Transfer, invoice: Invoice | undefined): ProviderTransaction | null {
  const charge = invoice && toChargeRow(invoice);
  if (!charge) return null;
  const { completed_at: occurredAt, transfer_id, user_id } = transfer;
  const reference = String(transfer_id);
  return { ...charge, reference, direction: 'refund', occurredAt, payerId: BigInt(user_id) };
}

const MAX_BODY_BYTES = 131_072;
/** How far their clock may be before ours. */
const FUTURE_MS = 300_000;

const Update = z.object({ update_type: z.string(), request_date: Instant, payload: z.unknown() });
const Told = z.object({ invoice_id: Id, payload: OrderId });

/** The app's tokens, which sign its updates. `onPrevious` hears each use of the one being replaced. */
export type Tokens = Readonly<{
  current: string;
  previous: { secret: string; until: Date } | null;
  onPrevious: (isOverdue: boolean) => void;
}>;

/**
 * Verifies an update (crypto-pay-api-signature: HMAC-SHA256 of the raw bytes by SHA-256 of the token) and its age, and
 * translates it. `replayWindowMs` is how old it may be. Never throws.
 */
export function readMessage(
  request: ProviderRequest,
  options: { tokens: Tokens; replayWindowMs: number },
  now: Date,
): ProviderReading {
  const { body, headers, method } = request;
  if (method !== 'POST' || body.byteLength > MAX_BODY_BYTES) return rejected('malformed_request');
  if (!isSigned(headers['crypto-pay-api-signature'] ?? '', body, options.tokens, now))
    return rejected('webhook_secret_wrong');
  const update = Update.safeParse(parseJsonBytes(body));
  if (!update.success) return rejected('malformed_request');
  const ageMs = now.getTime() - update.data.request_date.getTime();
  if (ageMs > options.replayWindowMs) return rejected('webhook_too_old');
  if (ageMs < -FUTURE_MS) return rejected('webhook_from_future');
  return translate(update.data, body);
}

function isSigned(header: string, body: Uint8Array, tokens: Tokens, now: Date): boolean {
  const given = header.toLowerCase();
  const isBy = (token: string) => isEqualSecret(given, Buffer.from(hmacSha256(sha256(token), body).toString('hex')));
  if (isBy(tokens.current)) return true;
  if (!tokens.previous || !isBy(tokens.previous.secret)) return false;
  const isOverdue = tokens.previous.until <= now;
  tokens.onPrevious(isOverdue);
  return !isOverdue;
}

/** Translates an update that was verified when it came. */
export function readStoredMessage(body: Uint8Array): ProviderReading {
  const update = Update.safeParse(parseJsonBytes(body));
  return update.success ? translate(update.data, body) : rejected('malformed_request');
}

function translate(update: z.infer<typeof Update>, body: Uint8Array): ProviderReading {
  // invoice_paid is the only type there is; another may become a metric's label, so its name is not taken over.
  if (update.update_type !== 'invoice_paid') return { kind: 'ignored', type: 'other', eventId: null, message: null };
  const type = 'invoice_paid';
  const told = Told.safeParse(update.payload);
  if (!told.success) return { kind: 'unreadable', type, eventId: `body:${sha256(body).toString('hex')}` };
  const id = String(told.data.invoice_id);
  // update_id is documented as not unique, and an invoice is paid once: its id names the update.
  const about = { invoiceId: told.data.payload ?? null, reference: id, chargeId: id };
  return { kind: 'hint', type, eventId: `invoice_paid:${id}`, about };
}

function rejected(
  reason: 'malformed_request' | 'webhook_secret_wrong' | 'webhook_too_old' | 'webhook_from_future',
): ProviderReading {
  return { kind: 'rejected', reason, reply: null };
}

const Success = z.object({ ok: z.literal(true), result: z.unknown() });
const Failure = z.object({ ok: z.literal(false), error: z.object({ name: z.string() }) });

/** Refusals of a transfer that no repetition changes. METHOD_DISABLED: transfers are off until the owner allows them. */
const DECLINED: ReadonlySet<string> = new Set([
  'METHOD_DISABLED',
  'INSUFFICIENT_FUNDS',
  'USER_NOT_FOUND',
  'AMOUNT_TOO_SMALL',
]);

/** Takes the envelope of an answer off. Throws ProviderError with Crypto Pay's own name of the error where it gives one. */
export function readAnswer<Result>(
  answer: { status: number; body: unknown; retryAfterSeconds: number | undefined },
  result: z.ZodType<Result>,
): Result {
  const failure = Failure.safeParse(answer.body);
  if (failure.success) throw toFailure(answer.status, failure.data.error.name, answer.retryAfterSeconds);
  if (answer.status >= 300) throw toFailure(answer.status, '', answer.retryAfterSeconds);
  const success = Success.safeParse(answer.body);
  const parsed = success.success ? result.safeParse(success.data.result) : success;
  if (!parsed.success) throw new ProviderError('unavailable', 'UNREADABLE_ANSWER');
  return parsed.data as Result;
}

/** What an HTTP status and a name say. There is no published list of names: an unknown one is judged by its status. */
export function toFailure(status: number, name: string, retryAfterSeconds?: number): ProviderError {
  const code = /^[\w-]{1,80}$/.test(name) ? name : `HTTP_${status}`;
  if (status === 429 || code === 'TOO_MANY_REQUESTS')
    return new ProviderError('unavailable', code, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
  if (DECLINED.has(code)) return new ProviderError('declined', code);
  if (status === 401 || status === 403 || status === 404 || status === 405)
    return new ProviderError('misconfigured', code);
  if (code === 'UNAUTHORIZED' || code === 'METHOD_NOT_FOUND') return new ProviderError('misconfigured', code);
  // An error that came with a success, or with any other 4xx, is about what we asked.
  if (status < 300 || (status >= 400 && status < 500)) return new ProviderError('invalid', code);
  return new ProviderError('unavailable', code);
}
