import { createHash } from 'node:crypto';
import { z } from 'zod';
import { fromDecimal, type Money, toDecimal } from '#domain/money.ts';
import type { ProviderReading, ProviderReply, ProviderRequest } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import type { InquiryAnswer, InquiryReason, ProviderInquiry, Reservation } from '#domain/provider/inquiry.ts';
import type { AskedOrder } from '#domain/provider/request.ts';
import { isEqualSecret } from '#lib/crypto.ts';
import { parseForm } from './form.ts';

/*
 * Click's SHOP API (docs.click.uz/shop-api: they call us, form in, JSON out, amounts in so'm) and the answers of its
 * Merchant API (docs.click.uz/merchant-api: we call them), with their pure translation. Ids of Click are 64-bit integers
 * and stay texts: a JavaScript number would round them.
 */

/** Secret keys of the service. `onPrevious` hears each use of the one being replaced. */
export type WebhookSecrets = Readonly<{
  current: string;
  previous: { secret: string; until: Date } | null;
  onPrevious: (isOverdue: boolean) => void;
}>;

type ShopService = Readonly<{ serviceId: string; secrets: WebhookSecrets }>;

const LARGEST_BIGINT = '9223372036854775807';

/** A leading zero would be a second spelling of the same id, and no JSON number. */
const isBigint = (text: string) =>
  /^(?:0|[1-9]\d{0,18})$/.test(text) && (text.length < LARGEST_BIGINT.length || text <= LARGEST_BIGINT);
const Bigint = z.string().refine(isBigint);
const Integer = z.string().regex(/^-?\d{1,9}$/);

/** What Prepare and Complete share (docs.click.uz/shop-api/requests). Texts as received: the signature is over them. */
const Message = z.object({
  click_trans_id: Bigint,
  service_id: z.string().regex(/^\d{1,10}$/),
  click_paydoc_id: Bigint,
  // No text in Postgres can hold a NUL, so none can name an order.
  merchant_trans_id: z
    .string()
    .max(255)
    .refine((text) => !text.includes('\0')),
  amount: z.string().max(32),
  action: Integer,
  error: Integer,
  // Not signed and not used: its absence is no reason to leave a payment hanging.
  error_note: z.string().max(1_000).optional(),
  // The signature joins its parts without separators: a last part of fixed length pins the action before it.
  sign_time: z.string().regex(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/),
  sign_string: z.string().max(128),
});
type Message = z.infer<typeof Message>;

const PREPARE = '0';
const COMPLETE = '1';
const ACTIONS = [PREPARE, COMPLETE] as const;
type Action = (typeof ACTIONS)[number];

/** The codes of our answers and their notes (docs.click.uz/shop-api/errors). */
const NOTES = {
  '0': 'Success',
  '-1': 'SIGN CHECK FAILED!',
  '-2': 'Incorrect parameter amount',
  '-3': 'Action not found',
  '-4': 'Already paid',
  '-5': 'User does not exist',
  '-6': 'Transaction does not exist',
  '-7': 'Failed to update user',
  '-8': 'Error in request from click',
  '-9': 'Transaction cancelled',
} as const;
type Code = keyof typeof NOTES;

/** `-9` for an order that is there and cannot be paid any more; `-5` where nothing may be told of it. */
const CODES: Readonly<Record<Exclude<InquiryReason, 'reservation_closed'>, Code>> = {
  amount_mismatch: '-2',
  currency_mismatch: '-2',
  invoice_already_paid: '-4',
  invoice_not_found: '-5',
  payer_is_not_buyer: '-5',
  reservation_not_found: '-6',
  service_unavailable: '-7',
  invoice_cancelled: '-9',
  invoice_expired: '-9',
  invoice_too_old: '-9',
  invoice_reserved: '-9',
  plan_not_for_sale: '-9',
  already_owned: '-9',
  already_subscribed: '-9',
  refund_not_possible: '-9',
};

/** What an answer repeats of its question. `number` is our id of the reservation, where there is one. */
type Echo = Readonly<{ action: Action; clickTransId: string; merchantTransId: string; number: bigint | null }>;

/**
 * Translates a SHOP API message. Everything before the signature is judged by the text alone and answered without an
 * echo, so that a stranger learns nothing: form (-8), action (-3), signature (-1); then service and status (-8), amount
 * (-2). Never throws.
 */
export function readMessage(request: ProviderRequest, service: ShopService, now: Date): ProviderReading {
  const fields = request.method === 'POST' ? parseForm(request.body) : null;
  const parsed = Message.safeParse(fields && Object.fromEntries(fields));
  if (!fields || !parsed.success) return rejected('-8', null);
  const message = parsed.data;
  const action = ACTIONS.find((known) => known === message.action);
  if (action === undefined) return rejected('-3', null);
  const prepareId = action === COMPLETE ? (fields.get('merchant_prepare_id') ?? '') : null;
  if (prepareId !== null && !isBigint(prepareId)) return rejected('-8', null);
  if (!isSigned(message, prepareId ?? '', service.secrets, now)) return rejected('-1', null);

  const { click_trans_id: clickTransId, merchant_trans_id: merchantTransId } = message;
  const echo = { action, clickTransId, merchantTransId, number: null };
  const error = Number(message.error);
  if (message.service_id !== service.serviceId || error > 0) return rejected('-8', echo);
  const price = readAmount(message.amount);
  if (!price) return rejected('-2', echo);
  const asked = { inquiryId: `${action}:${clickTransId}:${merchantTransId}`, chargeId: clickTransId };
  const claim = prepareId === null ? null : { number: BigInt(prepareId), invoiceId: merchantTransId, price };
  // A negative status cancels in both steps (docs.click.uz/shop-api/errors); what was confirmed is undone by a reversal only.
  if (error < 0) return inquiry({ type: 'release', ...asked, claim, code: error, undoesPaid: false });
  if (claim) return inquiry({ type: 'capture', ...asked, claim, isDebited: true });
  const reference = message.click_paydoc_id;
  return inquiry({ type: 'reserve', ...asked, reference, invoiceId: merchantTransId, price, askedAt: now });
}

const inquiry = (asked: ProviderInquiry): ProviderReading => ({ kind: 'inquiry', inquiry: asked });

function rejected(code: Code, echo: Echo | null): ProviderReading {
  const reason = code === '-1' ? 'webhook_secret_wrong' : 'malformed_request';
  return { kind: 'rejected', reason, reply: toReply(code, echo) };
}

/**
 * Our answer to Prepare and Complete in Click's words. Null for inquiries that Click never makes. The number of a
 * reservation is told to the charge that holds it and to no other.
 */
export function writeReply(inquiry: ProviderInquiry, answer: InquiryAnswer): ProviderReply | null {
  if (inquiry.type !== 'reserve' && inquiry.type !== 'capture' && inquiry.type !== 'release') return null;
  const [, given, clickTransId, merchantTransId] = /^([01]):(\d+):(.*)$/s.exec(inquiry.inquiryId) ?? [];
  const action = ACTIONS.find((known) => known === given);
  if (action === undefined || clickTransId === undefined || merchantTransId === undefined) return null;
  const isOwn = answer.reservation?.chargeId === inquiry.chargeId;
  // The same attempt for another order: that order's number is not this one's business.
  const own = isOwn && answer.reservation?.invoiceId === merchantTransId ? answer.reservation : null;
  const echo = { action, clickTransId, merchantTransId, number: own?.number ?? null };
  return toReply(codeOf(inquiry, answer, own), echo);
}

type StepInquiry = Extract<ProviderInquiry, { type: 'reserve' | 'capture' | 'release' }>;

function codeOf(inquiry: StepInquiry, answer: InquiryAnswer, own: Reservation | null): Code {
  // What is cancelled is answered as cancelled: that is how Click hears that it was applied.
  if (answer.ok && inquiry.type === 'release') return '-9';
  if (answer.ok) return own ? '0' : '-7';
  if (answer.reason === 'reservation_closed') return codeOfClosed(inquiry, answer.reservation, own);
  // Click gave an attempt up before it was prepared: there is nothing to release.
  const isNeverPrepared = inquiry.type === 'release' && inquiry.claim === null;
  if (isNeverPrepared && answer.reason === 'reservation_not_found') return '-9';
  return CODES[answer.reason];
}

function codeOfClosed(inquiry: StepInquiry, reservation: Reservation | null, own: Reservation | null): Code {
  // Sources disagree on cancelling what is confirmed, -9 or -4: Click's own test suite expects -9.
  if (inquiry.type === 'release') return '-9';
  if (reservation && !own) return '-9';
  if (reservation?.status === 'paid') return '-4';
  return reservation?.status === 'cancelled' || reservation?.status === 'refunded' ? '-9' : '-7';
}

/** Written by hand: ids above 2^53 must stand as exact numbers, which JSON.stringify cannot write. */
function toReply(code: Code, echo: Echo | null): ProviderReply {
  const members = [`"error":${code}`, `"error_note":${JSON.stringify(NOTES[code])}`];
  if (echo && echo.number !== null)
    members.unshift(`"${echo.action === PREPARE ? 'merchant_prepare_id' : 'merchant_confirm_id'}":${echo.number}`);
  if (echo)
    members.unshift(
      `"click_trans_id":${echo.clickTransId}`,
      `"merchant_trans_id":${JSON.stringify(echo.merchantTransId)}`,
    );
  return { status: 200, contentType: 'application/json', body: `{${members.join(',')}}` };
}

/** Whether one of our secrets signed the texts as they came. Hexadecimal digits may be of either case. */
function isSigned(message: Message, prepareId: string, secrets: WebhookSecrets, now: Date): boolean {
  const given = message.sign_string.toLowerCase();
  const isBy = (secret: string) => isEqualSecret(given, Buffer.from(signatureOf(message, prepareId, secret)));
  if (isBy(secrets.current)) return true;
  if (!secrets.previous || !isBy(secrets.previous.secret)) return false;
  const isOverdue = secrets.previous.until <= now;
  secrets.onPrevious(isOverdue);
  return !isOverdue;
}

function signatureOf(message: Message, prepareId: string, secret: string): string {
  const { action, amount, click_trans_id, merchant_trans_id, service_id, sign_time } = message;
  const parts = [click_trans_id, service_id, secret, merchant_trans_id, prepareId, amount, action, sign_time];
  return createHash('md5').update(parts.join('')).digest('hex');
}

/** So'm as decimal text in tiyin; zeros behind the second decimal are nothing. Null for anything else. */
function readAmount(text: string): Money | null {
  return fromDecimal(text.replace(/^(\d+\.\d\d)0+$/, '$1'), 'UZS');
}

/** Tiyin as Click writes so'm: 3840050n -> "38400.50". Throws ProviderError `invalid` for another currency. */
export function toSom(price: Money): string {
  if (price.currency !== 'UZS') throw new ProviderError('invalid', 'CURRENCY_NOT_UZS');
  return toDecimal(price);
}

const DAY_MS = 86_400_000;
const TASHKENT_OFFSET_MS = 5 * 3_600_000;

/** The day in Tashkent as YYYY-MM-DD. Uzbekistan is five hours ahead of UTC all year. */
const toTashkentDay = (time: Date) => new Date(time.getTime() + TASHKENT_OFFSET_MS).toISOString().slice(0, 10);

/** Days on which a payment for an order can have begun: the order's own in Tashkent, and the one after once it has come. */
export function daysToAsk(createdAt: Date, now: Date): ReadonlyArray<string> {
  const first = toTashkentDay(createdAt);
  if (toTashkentDay(now) <= first) return [first];
  return [first, toTashkentDay(new Date(createdAt.getTime() + DAY_MS))];
}

/** `payment_status` of a payment that went through (docs.click.uz, CLICK Pass). Below zero: failed or reversed. */
export const PAID = 2;

export type ClickPayment = Readonly<{ id: string; status: number | null }>;

/** Integers come as numbers, and in one published sample as a text. */
const AnyBigint = z.union([z.string(), z.number().transform(String)]).refine(isBigint, 'not a 64-bit integer');
const AnyInteger = z
  .union([z.number(), Integer.transform(Number)])
  .refine((value) => Number.isSafeInteger(value), 'not an integer');
const Envelope = z.object({ error_code: AnyInteger });
const Payment = z.object({ payment_id: AnyBigint, payment_status: AnyInteger.nullish() });

/**
 * Takes the envelope of a Merchant API answer off. Throws ProviderError: `declined` with Click's own `error_code`, else
 * by the HTTP status (docs.click.uz/merchant-api/errors). `error_note` is dropped: it is free text.
 */
export function readMerchantAnswer(answer: {
  status: number;
  text: string;
  retryAfterSeconds: number | undefined;
}): unknown {
  if (answer.status !== 200 && answer.status !== 201) throw toFailure(answer.status, answer.retryAfterSeconds);
  const body = parseExactJson(answer.text);
  const envelope = Envelope.safeParse(body);
  if (!envelope.success) throw new ProviderError('unavailable', 'UNREADABLE_ANSWER');
  if (envelope.data.error_code !== 0) throw new ProviderError('declined', String(envelope.data.error_code));
  return body;
}

/** A payment as both status calls answer it; the status is missing from published samples of one of them. */
export function readPayment(body: unknown): ClickPayment {
  const payment = Payment.safeParse(body);
  if (!payment.success) throw new ProviderError('unavailable', 'UNREADABLE_PAYMENT');
  return { id: payment.data.payment_id, status: payment.data.payment_status ?? null };
}

const MISCONFIGURED: ReadonlySet<number> = new Set([401, 403, 404, 406, 410]);

/** What an HTTP status says when there is no answer behind it. */
export function toFailure(status: number, retryAfterSeconds?: number): ProviderError {
  const options = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  if (MISCONFIGURED.has(status)) return new ProviderError('misconfigured', `HTTP_${status}`);
  if (status === 400) return new ProviderError('invalid', 'HTTP_400');
  return new ProviderError('unavailable', `HTTP_${status}`, options);
}

/** JSON with its long integers as texts, because JSON.parse would round them. Undefined for what is no JSON. */
function parseExactJson(text: string): unknown {
  try {
    return JSON.parse(
      text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g, (token) =>
        /^-?\d{16,}$/.test(token) ? `"${token}"` : token,
      ),
    );
  } catch {
    return undefined;
  }
}

type Found = {
  payment: ClickPayment;
  invoiceId: string;
  reservation: AskedOrder['reservation'];
  now: Date;
};

/**
 * The event of a payment that went through. Throws ProviderError `invalid UNMATCHED_PAYMENT` when it is not that of the
 * reservation: money was taken, and whoever asked must not take silence for "not paid".
 */
export function toEvent(found: Found): ProviderEvent {
  return { ...toCharged(found, 'payment'), type: 'payment_succeeded', ...PLAIN_CHARGE };
}

/** The event of a payment that was given back at Click as a whole. A reversal has no id: the payment's stands for it. */
export function toReversedEvent(found: Found): ProviderEvent {
  return { ...toCharged(found, 'reversal'), type: 'payment_refunded', reference: found.payment.id, refundId: null };
}

function toCharged({ invoiceId, now, payment, reservation }: Found, about: 'payment' | 'reversal') {
  if (reservation?.reference !== payment.id) throw new ProviderError('invalid', 'UNMATCHED_PAYMENT');
  return {
    eventId: `${about}:${payment.id}`,
    // The answer holds no time: this is when we learned of it.
    occurredAt: now,
    invoiceId,
    chargeId: reservation.chargeId,
    payerId: null,
    paid: reservation.price,
  };
}
