import { z } from 'zod';
import type { StoredCard } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { type PaymentFailure, PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import type { AskedOrder } from '#domain/provider/request.ts';
import { ACCOUNT_FIELD } from './refusals.ts';

/*
 * The answers of Payme's Subscribe API (developer.help.paycom.uz: protokol-subscribe-api, metody-subscribe-api), in which we
 * call Payme, with their pure translation. Amounts are tiyin, times are milliseconds since 1970 UTC, 0 for what has not
 * happened.
 */

/** States of a receipt (sostoyaniya-cheka). The others are on the way: checks, debit, closing in our billing, hold, pause. */
const CREATED = 0;
const PAID = 4;
const CANCELLING = 21;
const CANCELLED = 50;

const Card = z.object({
  number: z
    .string()
    .transform((number) => number.replaceAll(' ', ''))
    .refine((number) => /\d{4}$/.test(number)),
  expire: z.string(),
  token: z.string().min(1),
  recurrent: z.boolean(),
  verify: z.boolean(),
});
const CardAnswer = z.object({ card: Card });

const Receipt = z.object({ _id: z.string().regex(/^[\x21-\x7e]{1,64}$/), state: z.number().int() });
export type Receipt = z.infer<typeof Receipt>;

const Time = z.number().int().nonnegative();
/** `account` comes back as a list of fields, not as the object it was sent as (receipts.get). */
const Account = z.array(z.object({ name: z.string(), value: z.union([z.string(), z.number().transform(String)]) }));
const WholeReceipt = Receipt.extend({
  amount: z.number().int().positive(),
  create_time: Time,
  pay_time: Time,
  cancel_time: Time,
  account: Account,
});
export type WholeReceipt = z.infer<typeof WholeReceipt>;

const Answer = z.object({ result: z.unknown().optional(), error: z.object({ code: z.number().int() }).nullish() });

/** Credentials or the cash register are wrong. */
const MISCONFIGURED: ReadonlySet<number> = new Set([-32504, -31601]);
/** Our request was: its form, a method, a field, a receipt that is not there. */
const INVALID: ReadonlySet<number> = new Set([-32300, -32600, -32601, -32602, -32700, -31602, -31610]);
/** A system of Payme's failed: what came of the request is not known. */
const SYSTEM_FAILURE = -32400;

/**
 * Takes the envelope of an answer off. Throws ProviderError: `declined` with Payme's code, `misconfigured` and `invalid` for
 * codes that say so, else by the HTTP status. Messages are free text and dropped.
 */
export function readAnswer(answer: { status: number; body: unknown; retryAfterSeconds: number | undefined }): unknown {
  if (answer.status !== 200) throw toHttpFailure(answer.status, answer.retryAfterSeconds);
  const envelope = Answer.safeParse(answer.body);
  if (!envelope.success) throw new ProviderError('unavailable', 'UNREADABLE_ANSWER');
  const { error, result } = envelope.data;
  if (error) throw toFailure(error.code);
  if (result === undefined || result === null) throw new ProviderError('unavailable', 'UNREADABLE_ANSWER');
  return result;
}

function toFailure(code: number): ProviderError {
  if (MISCONFIGURED.has(code)) return new ProviderError('misconfigured', String(code));
  if (INVALID.has(code)) return new ProviderError('invalid', String(code));
  return new ProviderError(code === SYSTEM_FAILURE ? 'unavailable' : 'declined', String(code));
}

/** What an HTTP status says when there is no answer behind it. */
export function toHttpFailure(status: number, retryAfterSeconds?: number): ProviderError {
  const code = `HTTP_${status}`;
  if (status === 401 || status === 403 || status === 404) return new ProviderError('misconfigured', code);
  if (status === 400) return new ProviderError('invalid', code);
  return new ProviderError('unavailable', code, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

/** A card of cards.check. Throws ProviderError `declined` for one that cannot be charged again. */
export function readCard(result: unknown): StoredCard {
  const answer = CardAnswer.safeParse(result);
  if (!answer.success) throw new ProviderError('unavailable', 'UNREADABLE_CARD');
  const { expire, number, recurrent, token, verify } = answer.data.card;
  if (!verify) throw new ProviderError('declined', 'CARD_NOT_VERIFIED');
  if (!recurrent) throw new ProviderError('declined', 'CARD_NOT_RECURRENT');
  return { token, brand: brandOf(number), last4: number.slice(-4), expires: readExpiry(expire) };
}

/** cards.remove answers nothing but this. */
export function readSuccess(result: unknown): void {
  if (!z.object({ success: z.literal(true) }).safeParse(result).success)
    throw new ProviderError('unavailable', 'UNREADABLE_ANSWER');
}

/** By the first digits, which a masked number keeps. */
function brandOf(number: string): string {
  if (/^(8600|5614)/.test(number)) return 'Uzcard';
  return number.startsWith('9860') ? 'Humo' : 'card';
}

/** `03/99` is March 2099; null for anything else. */
function readExpiry(expire: string): string | null {
  const [, month, year] = /^(0[1-9]|1[0-2])\/?(\d{2})$/.exec(expire) ?? [];
  return month === undefined ? null : `20${year}-${month}`;
}

/** A receipt as the methods that change one answer it. */
export function readReceipt(result: unknown): Receipt {
  const answer = z.object({ receipt: Receipt }).safeParse(result);
  if (!answer.success) throw new ProviderError('unavailable', 'UNREADABLE_RECEIPT');
  return answer.data.receipt;
}

/** A receipt as receipts.get answers it. */
export function readWholeReceipt(result: unknown): WholeReceipt {
  const answer = z.object({ receipt: WholeReceipt }).safeParse(result);
  if (!answer.success) throw new ProviderError('unavailable', 'UNREADABLE_RECEIPT');
  return answer.data.receipt;
}

/** Nobody has begun to pay it. */
export const isUnpaid = ({ state }: Receipt): boolean => state === CREATED;

/** No money comes by it any more. */
export const isCancelled = ({ state }: Receipt): boolean => state === CANCELLING || state === CANCELLED;

/**
 * Why a card was not charged, for both tables of codes in use: that of published clients, and the checkout's own
 * (oshibki-otpravki-cheka). -31050 to -31099 and -31001 are our own refusals coming back.
 */
const FAILURES: ReadonlyMap<number, PaymentFailure> = new Map<number, PaymentFailure>([
  [-31001, 'processing_error'],
  [-31002, 'processing_error'],
  [-31008, 'card_declined'],
  [-31101, 'authentication_failed'],
  [-31102, 'authentication_failed'],
  [-31103, 'authentication_failed'],
  [-31110, 'authentication_failed'],
  [-31300, 'card_data_wrong'],
  [-31301, 'card_declined'],
  [-31302, 'processing_error'],
  [-31303, 'insufficient_funds'],
  [-31400, 'card_data_wrong'],
  [-31611, 'limit_exceeded'],
  [-31612, 'limit_exceeded'],
  [-31622, 'processing_error'],
  [-31623, 'processing_error'],
  // Other troubles of the card have this code too; this is the one that payers meet.
  [-31630, 'insufficient_funds'],
  [-32500, 'card_data_wrong'],
]);

/** A refused charge in the contract's words. Codes that no table has: the card was declined. */
export function toPaymentFailure(code: string): PaymentFailure {
  const number = Number(code);
  if (number <= -31050 && number >= -31099) return 'processing_error';
  return FAILURES.get(number) ?? 'card_declined';
}

type AskedReceipt = Pick<AskedOrder, 'chargeId' | 'invoiceId' | 'reservation'>;

/**
 * What is true of an order by its receipt. A receipt on the way tells nothing: Payme holds the order by CreateTransaction
 * meanwhile. Throws ProviderError `invalid UNMATCHED_RECEIPT` when money was taken by a receipt that is not the order's, or
 * for which we hold no transaction: whoever asked must not take silence for "not paid".
 */
export function toEvents(receipt: WholeReceipt, asked: AskedReceipt): ReadonlyArray<ProviderEvent> {
  const invoiceId = receipt.account.find(({ name }) => name === ACCOUNT_FIELD)?.value;
  const isOther = invoiceId === undefined || (asked.invoiceId !== null && asked.invoiceId !== invoiceId);
  const isTaken = receipt.state === PAID || receipt.pay_time > 0;
  if (isOther && isTaken) throw new ProviderError('invalid', 'UNMATCHED_RECEIPT');
  if (isOther || (receipt.state !== PAID && receipt.state !== CANCELLED)) return [];
  const eventId = `receipt:${receipt._id}:${receipt.state === PAID ? 'paid' : 'cancelled'}`;
  // A receipt does not name its transaction, which is what our books know the money by.
  const chargeId = asked.reservation?.chargeId ?? asked.chargeId;
  const endedAt = new Date(receipt.cancel_time || receipt.create_time);
  if (receipt.state === PAID) {
    if (chargeId === null) throw new ProviderError('invalid', 'UNMATCHED_RECEIPT');
    return [succeeded(receipt, { eventId, invoiceId, chargeId })];
  }
  if (!isTaken || chargeId === null) {
    // The order may be held by another transaction meanwhile: a receipt that came to nothing says nothing about that.
    const failed = {
      type: 'payment_failed',
      chargeId: null,
      attemptId: null,
      failure: 'processing_error',
      isFinal: true,
    } as const;
    return [{ ...failed, eventId, occurredAt: endedAt, invoiceId }];
  }
  const paid = succeeded(receipt, { eventId: `receipt:${receipt._id}:paid`, invoiceId, chargeId });
  const refund = { type: 'payment_refunded', reference: chargeId, refundId: null, payerId: null } as const;
  return [paid, { ...refund, eventId, occurredAt: endedAt, invoiceId, chargeId, paid: paid.paid }];
}

type Named = Readonly<{ eventId: string; invoiceId: string; chargeId: string }>;

function succeeded(receipt: WholeReceipt, named: Named) {
  const paid = { amount: BigInt(receipt.amount), currency: 'UZS' } as const;
  const occurredAt = new Date(receipt.pay_time || receipt.create_time);
  return { type: 'payment_succeeded', ...named, occurredAt, payerId: null, paid, ...PLAIN_CHARGE } as const;
}
