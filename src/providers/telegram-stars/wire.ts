import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { ProviderReading } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import type { ProviderInquiry } from '#domain/provider/inquiry.ts';
import type { ProviderTransaction } from '#domain/provider/request.ts';

/*
 * The part of Telegram's Bot API that is about Stars (core.telegram.org/bots/api, 10.3), and its pure translation. Unknown
 * fields are let through: Telegram adds some every month. Amounts are whole Stars and fit a safe integer.
 */

const TelegramId = z
  .number()
  .int()
  .positive()
  .max(2 ** 52);
const Amount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const UnixSeconds = z.number().int().nonnegative().max(253_402_300_799);
const Payload = z.string().max(128);
const Person = z.object({ id: TelegramId, language_code: z.string().max(35).optional() });

export const PreCheckoutQuery = z.object({
  id: z.string().min(1).max(64),
  from: Person,
  currency: z.string().max(8),
  total_amount: Amount,
  // No text in Postgres can hold a NUL, so none can name an order. Charges with one are kept all the same: see receive.ts.
  invoice_payload: Payload.refine((payload) => !payload.includes('\0')),
});

export const SuccessfulPayment = z.object({
  currency: z.literal('XTR'),
  total_amount: Amount,
  invoice_payload: Payload,
  telegram_payment_charge_id: z.string().min(1).max(256),
  subscription_expiration_date: UnixSeconds.optional(),
  is_recurring: z.boolean().optional(),
  is_first_recurring: z.boolean().optional(),
});

export const RefundedPayment = z.object({
  currency: z.literal('XTR'),
  total_amount: Amount,
  invoice_payload: Payload,
  telegram_payment_charge_id: z.string().min(1).max(256),
});

export const SubscriptionChange = z.object({ user: Person, invoice_payload: Payload, state: z.string().max(32) });

const Message = z.object({ date: UnixSeconds, chat: z.object({ id: z.number().int() }), from: Person.optional() });

export const Update = z.object({
  update_id: z.number().int().nonnegative(),
  pre_checkout_query: z.unknown().optional(),
  subscription: z.unknown().optional(),
  message: z.unknown().optional(),
});

/** How long a renewing invoice runs: Telegram allows exactly this (createInvoiceLink, subscription_period). */
export const SUBSCRIPTION_PERIOD_SECONDS = 2_592_000;
export const RENEWAL_DAYS = 30;

const rejected = { kind: 'rejected', reason: 'malformed_request', reply: null } as const;

/** Translates the bytes of a webhook request. Everything that is not about money is handed on as `ignored`. */
export function readUpdate(body: Uint8Array, now: Date): ProviderReading {
  const raw = parseJson(body);
  const update = Update.safeParse(raw);
  if (!update.success) return rejected;
  const { update_id, pre_checkout_query, subscription, message } = update.data;
  const eventId = String(update_id);
  if (pre_checkout_query !== undefined) return readInquiry(pre_checkout_query);
  if (subscription !== undefined) return readSubscription(subscription, eventId, now);
  const isPayment = typeof message === 'object' && message !== null && 'successful_payment' in message;
  const isRefund = typeof message === 'object' && message !== null && 'refunded_payment' in message;
  if (isPayment) return readPayment(message, eventId);
  if (isRefund) return readRefund(message, eventId);
  const type = Object.keys(raw as object).find((key) => key !== 'update_id') ?? 'empty';
  return { kind: 'ignored', type: KNOWN_TYPES.has(type) ? type : 'other', eventId, message: raw };
}

/** Names that may become metric labels; anything else counts as `other`. */
const KNOWN_TYPES = new Set([
  'message',
  'edited_message',
  'callback_query',
  'my_chat_member',
  'chat_member',
  'inline_query',
]);

function readInquiry(value: unknown): ProviderReading {
  const query = PreCheckoutQuery.safeParse(value);
  if (!query.success) return rejected;
  const { currency, from, id, invoice_payload, total_amount } = query.data;
  const inquiry: ProviderInquiry = {
    type: 'may_pay',
    inquiryId: id,
    invoiceId: invoice_payload,
    payerId: BigInt(from.id),
    price: { amount: BigInt(total_amount), currency },
    languageCode: from.language_code ?? null,
  };
  return { kind: 'inquiry', inquiry };
}

function readPayment(value: object, eventId: string): ProviderReading {
  const message = Message.safeParse(value);
  const payment = SuccessfulPayment.safeParse('successful_payment' in value ? value.successful_payment : undefined);
  if (!message.success || !payment.success) return { kind: 'unreadable', type: 'payment_succeeded', eventId };
  const { subscription_expiration_date: paidUntil, is_first_recurring, is_recurring } = payment.data;
  const event: ProviderEvent = {
    type: 'payment_succeeded',
    ...PLAIN_CHARGE,
    ...charged(payment.data, message.data, eventId),
    renewal: is_first_recurring ? 'first' : is_recurring ? 'renewal' : 'none',
    paidUntil: paidUntil ? new Date(paidUntil * 1000) : null,
    renewalDays: is_recurring ? RENEWAL_DAYS : null,
  };
  return { kind: 'event', event };
}

function readRefund(value: object, eventId: string): ProviderReading {
  const message = Message.safeParse(value);
  const refund = RefundedPayment.safeParse('refunded_payment' in value ? value.refunded_payment : undefined);
  if (!message.success || !refund.success) return { kind: 'unreadable', type: 'payment_refunded', eventId };
  const charge = charged(refund.data, message.data, eventId);
  // Stars go back whole and once: the charge's own id names its refund.
  return { kind: 'event', event: { type: 'payment_refunded', ...charge, reference: charge.chargeId, refundId: null } };
}

function charged(payment: z.infer<typeof RefundedPayment>, message: z.infer<typeof Message>, eventId: string) {
  return {
    eventId,
    occurredAt: new Date(message.date * 1000),
    invoiceId: payment.invoice_payload,
    chargeId: payment.telegram_payment_charge_id,
    // A service message about a payment stands in the private chat of the payer, whose id is theirs.
    payerId: BigInt(message.from?.id ?? message.chat.id),
    paid: { amount: BigInt(payment.total_amount), currency: payment.currency },
  };
}

const CHANGES = { canceled: 'cancelled', active: 'restored', failed: 'renewal_failed' } as const;

function readSubscription(value: unknown, eventId: string, now: Date): ProviderReading {
  const update = SubscriptionChange.safeParse(value);
  if (!update.success) return { kind: 'unreadable', type: 'subscription_changed', eventId };
  const { invoice_payload, state, user } = update.data;
  const change = Object.hasOwn(CHANGES, state) ? CHANGES[state as keyof typeof CHANGES] : null;
  if (!change) return { kind: 'ignored', type: 'subscription', eventId, message: null };
  return {
    kind: 'event',
    event: {
      type: 'subscription_changed',
      eventId,
      occurredAt: now,
      invoiceId: invoice_payload,
      payerId: BigInt(user.id),
      change,
    },
  };
}

function parseJson(body: Uint8Array): unknown {
  // Telegram sends UTF-8; a body that is not is no JSON (RFC 8259 § 8.1).
  if (!isUtf8(body)) return undefined;
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

const UserPartner = z.object({
  type: z.literal('user'),
  user: Person,
  transaction_type: z.string().optional(),
  invoice_payload: z.string().optional(),
  subscription_period: z.number().int().positive().optional(),
});
const StarTransaction = z.object({
  id: z.string().min(1),
  amount: Amount,
  date: UnixSeconds,
  source: z.unknown().optional(),
  receiver: z.unknown().optional(),
});
export const StarTransactions = z.object({ transactions: z.array(StarTransaction) });

/** A row of getStarTransactions; null for what is no sale to a person (withdrawals, adverts, gifts …). */
export function readTransaction(row: z.infer<typeof StarTransaction>): ProviderTransaction | null {
  const isCharge = row.source !== undefined;
  const partner = UserPartner.safeParse(isCharge ? row.source : row.receiver);
  if (!partner.success) return null;
  if (partner.data.transaction_type !== undefined && partner.data.transaction_type !== 'invoice_payment') return null;
  const { invoice_payload, subscription_period, user } = partner.data;
  return {
    chargeId: row.id,
    reference: isCharge ? null : row.id,
    direction: isCharge ? 'charge' : 'refund',
    amount: { amount: BigInt(row.amount), currency: 'XTR' },
    occurredAt: new Date(row.date * 1000),
    payerId: BigInt(user.id),
    invoiceId: invoice_payload ?? null,
    renewalDays: subscription_period ? Math.round(subscription_period / 86_400) : null,
  };
}

const Failure = z.object({
  ok: z.literal(false),
  error_code: z.number().int(),
  description: z.string(),
  parameters: z.object({ retry_after: z.number().int().optional() }).optional(),
});
const Success = z.object({ ok: z.literal(true), result: z.unknown() });

/** Takes the envelope of a Bot API answer off. Throws ProviderError for a refusal, by its code (telegram.md §5.1, §5.3). */
export function readAnswer(status: number, body: unknown): unknown {
  const success = Success.safeParse(body);
  if (success.success) return success.data.result;
  const failure = Failure.safeParse(body);
  if (!failure.success) throw new ProviderError('unavailable', `HTTP_${status}`);
  const { description, error_code, parameters } = failure.data;
  const code = codeOf(description);
  if (error_code === 429)
    throw new ProviderError('unavailable', 'FLOOD', { retryAfterSeconds: parameters?.retry_after ?? 1 });
  if (error_code >= 500) throw new ProviderError('unavailable', code);
  if (error_code === 401 || error_code === 404) throw new ProviderError('misconfigured', code);
  if (error_code === 403) throw new ProviderError('declined', code);
  throw new ProviderError('invalid', code);
}

/** Telegram's own code where it gives one ("Bad Request: CHARGE_ALREADY_REFUNDED"), else the first words of its text. */
function codeOf(description: string): string {
  const text = description.replace(/^[A-Za-z ]+: /, '');
  return /^[A-Z][A-Z0-9_]+$/.test(text) ? text : description.slice(0, 80);
}

const INVOICE_LINK = /^https:\/\/(?:t\.me|telegram\.me)\/(?:\$|invoice\/)([A-Za-z0-9\-_=]+)$/;

/** The link in the one form that every client opens: the API has returned telegram.me, which clients refuse (telegram.md §1.2). */
export function normaliseInvoiceLink(link: unknown): string {
  const slug = typeof link === 'string' ? INVOICE_LINK.exec(link)?.[1] : undefined;
  if (!slug) throw new ProviderError('unavailable', 'UNREADABLE_INVOICE_LINK');
  return `https://t.me/$${slug}`;
}
