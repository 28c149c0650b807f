import { z } from 'zod';
import type { ProviderReading, ProviderReply } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { InquiryAnswer, ProviderInquiry, Reservation } from '#domain/provider/inquiry.ts';
import type { CheckoutRequest } from '#domain/provider/request.ts';
import { parseJsonBytes } from '#lib/http.ts';
import {
  ACCOUNT_FIELD,
  NO_TRANSACTION_FOR_RECEIPT,
  ORDER_IS_BEING_PAID,
  PROTOCOL_ERRORS,
  REFUSALS,
  type RpcError,
} from './refusals.ts';

/*
 * Payme's Merchant API (developer.help.paycom.uz: protokol-merchant-api, metody-merchant-api): JSON-RPC over POST in which
 * Payme calls us. Amounts are tiyin, times are milliseconds since 1970 UTC. Only fields named here are looked at, none
 * deeper than `params.account.order_id`; others are let through.
 */

/** Longer than any message of the protocol by two orders of magnitude; what is longer is not parsed. */
const MAX_MESSAGE_BYTES = 65_536;
const MAX_METHOD_ECHOED = 64;
/** A field of a receipt; Payme's longest, the address of the receipt, has about a hundred characters. */
const MAX_RECEIPT_FIELD = 1_024;
/** A transaction that was not performed ends 12 hours after its `time` (createtransaction). */
const TIMEOUT_MS = 43_200_000;
const REASON_TIMEOUT = 4;
const REASON_REFUND = 5;
const REASON_UNKNOWN = 10;

const STATES = { reserved: 1, paid: 2, cancelled: -1, refunded: -2 } as const satisfies Record<
  Reservation['status'],
  number
>;

const RpcId = z.number().int();
/** 24 characters by the documentation; another one is unknown, not malformed: its own error says so. */
const PaymeId = z.string().regex(/^[\x21-\x7e]{1,64}$/);
/** 13 digits (tipy-dannykh). */
const Timestamp = z.number().int().min(1_000_000_000_000).max(9_999_999_999_999);
const Tiyin = z.number().int().positive();
/** What an id of ours can look like; anything else names no order and is not worth a query. */
const OrderId = z.string().regex(/^inv_[0-9a-z]{1,64}$/);

const Call = z.object({ id: RpcId, method: z.string().min(1), params: z.unknown().optional() });
const Params = z.record(z.string(), z.unknown());
const OrderParams = z.object({
  // Zod's number refuses infinity, which is how JSON.parse reads 1e999: a wrong amount, not a wrong type.
  amount: z.custom<number>((value) => typeof value === 'number'),
  account: z.object({ [ACCOUNT_FIELD]: z.unknown().optional() }),
});
const CreateParams = OrderParams.extend({ id: PaymeId, time: Timestamp });
const TransactionParams = z.object({ id: PaymeId });
const CancelParams = TransactionParams.extend({ reason: z.int32() });
/** From the beginning of time on is a fair question. */
const StatementTime = z.number().int().min(0).max(9_999_999_999_999);
const StatementParams = z.object({ from: StatementTime, to: StatementTime });

// Postgres holds no NUL in any text, and its JSON no half of a surrogate pair.
const ReceiptText = z
  .string()
  .max(MAX_RECEIPT_FIELD)
  .refine((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text));
/** Payme's table calls `receipt_id` a string and its example sends a number, so either is taken everywhere. */
const ReceiptField = z.union([ReceiptText, z.number().int(), z.null()]).optional();
const FiscalData = z
  .object({
    receipt_id: ReceiptField,
    status_code: ReceiptField,
    message: ReceiptField,
    terminal_id: ReceiptField,
    fiscal_sign: ReceiptField,
    // The buyer is shown this as a link: nothing but a web address may stand in it.
    qr_code_url: z.union([ReceiptText.regex(/^(https:\/\/[^\s<>"]+)?$/), z.null()]).optional(),
    date: ReceiptField,
  })
  .refine((receipt) => Object.values(receipt).some((value) => value !== null && value !== undefined));
const ReceiptParams = TransactionParams.extend({ type: z.enum(['PERFORM', 'CANCEL']), fiscal_data: FiscalData });

/** A body as far as it can be read. `value` is undefined for what is no JSON; `id` is null where none can be echoed. */
export type Message = Readonly<{ value: unknown; id: number | null }>;

/** Parses a body, whatever its Content-Type: Payme sends `text/json`. Never throws. */
export function parseMessage(body: Uint8Array): Message {
  const value = body.length > MAX_MESSAGE_BYTES ? undefined : parseJsonBytes(body);
  const withId = z.object({ id: RpcId }).safeParse(value);
  return { value, id: withId.success ? withId.data.id : null };
}

/** Translates an authentic message. What is malformed is rejected with the answer the protocol has for it. */
export function readMessage(message: Message): ProviderReading {
  if (message.value === undefined) return rejectMessage(message, PROTOCOL_ERRORS.not_json);
  const call = Call.safeParse(message.value);
  if (!call.success) return rejectMessage(message, PROTOCOL_ERRORS.wrong_fields);
  const { method } = call.data;
  const translate = METHODS.get(method);
  if (!translate) {
    const data = Array.from(method).slice(0, MAX_METHOD_ECHOED).join('');
    return rejectMessage(message, { ...PROTOCOL_ERRORS.unknown_method, data });
  }
  const params = Params.safeParse(call.data.params);
  if (!params.success) return rejectMessage(message, PROTOCOL_ERRORS.wrong_fields);
  const asked = translate(params.data, String(call.data.id));
  return 'type' in asked ? { kind: 'inquiry', inquiry: asked } : rejectMessage(message, asked);
}

/** A refused message with its answer. `webhook_secret_wrong` for what is not from Payme. */
export function rejectMessage(
  message: Message,
  error: RpcError,
  reason: 'malformed_request' | 'webhook_secret_wrong' = 'malformed_request',
): ProviderReading {
  return { kind: 'rejected', reason, reply: writeReply(message.id, { error }) };
}

type Translate = (params: Readonly<Record<string, unknown>>, inquiryId: string) => ProviderInquiry | RpcError;

/** ChangePassword is a leftover of old samples and not in the current list: it is an unknown method like any other. */
const METHODS: ReadonlyMap<string, Translate> = new Map<string, Translate>([
  ['CheckPerformTransaction', readCheckPerform],
  ['CreateTransaction', readCreate],
  ['PerformTransaction', readPerform],
  ['CancelTransaction', readCancel],
  ['CheckTransaction', readCheck],
  ['GetStatement', readStatement],
  ['SetFiscalData', readReceipt],
]);

function readCheckPerform(params: unknown, inquiryId: string): ReturnType<Translate> {
  const given = OrderParams.safeParse(params);
  if (!given.success) return PROTOCOL_ERRORS.wrong_fields;
  const order = readOrder(given.data);
  return 'code' in order ? order : { type: 'may_pay', inquiryId, ...order, payerId: null, languageCode: null };
}

function readCreate(params: unknown, inquiryId: string): ReturnType<Translate> {
  const given = CreateParams.safeParse(params);
  if (!given.success) return PROTOCOL_ERRORS.wrong_fields;
  const { id: chargeId, time } = given.data;
  const order = readOrder(given.data);
  if ('code' in order) return order;
  return { type: 'reserve', inquiryId, ...order, chargeId, reference: null, askedAt: new Date(time) };
}

/** The account comes first: whether an amount is right can only be said of an order. */
function readOrder({ account, amount }: z.infer<typeof OrderParams>) {
  const invoiceId = OrderId.safeParse(account[ACCOUNT_FIELD]);
  if (!invoiceId.success) return REFUSALS.invoice_not_found;
  const tiyin = Tiyin.safeParse(amount);
  if (!tiyin.success) return REFUSALS.amount_mismatch;
  return { invoiceId: invoiceId.data, price: { amount: BigInt(tiyin.data), currency: 'UZS' } };
}

function readPerform(params: unknown, inquiryId: string): ReturnType<Translate> {
  const given = TransactionParams.safeParse(params);
  if (!given.success) return PROTOCOL_ERRORS.wrong_fields;
  // Not debited for good: refused with -31008, Payme gives the money back (performtransaction).
  return { type: 'capture', inquiryId, chargeId: given.data.id, claim: null, isDebited: false };
}

function readCancel(params: unknown, inquiryId: string): ReturnType<Translate> {
  const given = CancelParams.safeParse(params);
  if (!given.success) return PROTOCOL_ERRORS.wrong_fields;
  return {
    type: 'release',
    inquiryId,
    chargeId: given.data.id,
    claim: null,
    code: given.data.reason,
    undoesPaid: true,
  };
}

function readCheck(params: unknown, inquiryId: string): ReturnType<Translate> {
  const given = TransactionParams.safeParse(params);
  if (!given.success) return PROTOCOL_ERRORS.wrong_fields;
  return { type: 'look_up', inquiryId, chargeId: given.data.id };
}

function readStatement(params: unknown, inquiryId: string): ReturnType<Translate> {
  const given = StatementParams.safeParse(params);
  if (!given.success) return PROTOCOL_ERRORS.wrong_fields;
  return { type: 'list', inquiryId, from: new Date(given.data.from), to: new Date(given.data.to) };
}

function readReceipt(params: unknown, inquiryId: string): ReturnType<Translate> {
  const given = ReceiptParams.safeParse(params);
  if (!given.success) return PROTOCOL_ERRORS.wrong_receipt;
  const { fiscal_data, id: chargeId, type } = given.data;
  const side = type === 'PERFORM' ? 'charge' : 'refund';
  return { type: 'keep_receipt', inquiryId, chargeId, side, receipt: JSON.stringify(fiscal_data) };
}

/** Our answer to an inquiry that `readMessage` made, with the id of its request. Pure. */
export function writeAnswer(inquiry: ProviderInquiry, answer: InquiryAnswer): ProviderReply {
  // The inquiry's id is the JSON text of the request's.
  const id = /^-?\d{1,16}$/.test(inquiry.inquiryId) ? Number(inquiry.inquiryId) : null;
  if (!answer.ok) return writeReply(id, { error: errorOf(inquiry, answer.reason) });
  const result = resultOf(inquiry, answer);
  return writeReply(id, result ? { result } : { error: REFUSALS.service_unavailable });
}

function errorOf(inquiry: ProviderInquiry, reason: keyof typeof REFUSALS): RpcError {
  const isReceipt = inquiry.type === 'keep_receipt';
  if (inquiry.type === 'may_pay' && reason === 'invoice_reserved') return ORDER_IS_BEING_PAID;
  return isReceipt && reason === 'reservation_not_found' ? NO_TRANSACTION_FOR_RECEIPT : REFUSALS[reason];
}

/** Null when a step was answered without its reservation: Payme is then told that we failed, and asks again. */
function resultOf(inquiry: ProviderInquiry, answer: Extract<InquiryAnswer, { ok: true }>): object | null {
  if (inquiry.type === 'may_pay') return { allow: true };
  if (inquiry.type === 'keep_receipt') return { success: true };
  if (inquiry.type === 'list') return { transactions: answer.reservations.map(statementRow) };
  const { reservation } = answer;
  if (!reservation) return null;
  const { create_time, perform_time, cancel_time, transaction, state, reason } = transactionOf(reservation);
  switch (inquiry.type) {
    case 'reserve':
      return { create_time, transaction, state };
    case 'capture':
      return { transaction, perform_time, state };
    case 'release':
      return { transaction, cancel_time, state };
    case 'look_up':
      return { create_time, perform_time, cancel_time, transaction, state, reason };
  }
}

function transactionOf(reservation: Reservation) {
  return {
    create_time: reservation.createdAt.getTime(),
    // What has not happened is 0, not null (checktransaction).
    perform_time: reservation.paidAt?.getTime() ?? 0,
    cancel_time: reservation.cancelledAt?.getTime() ?? 0,
    transaction: reservation.id,
    state: STATES[reservation.status],
    reason: reasonOf(reservation),
  };
}

/** Why it ended. Payme did not say when we ended it ourselves: by the 12 hours, a refund, or an order that was withdrawn. */
function reasonOf({ askedAt, cancelledAt, code, status }: Reservation): number | null {
  if (status === 'reserved' || status === 'paid') return null;
  if (code !== null) return code;
  if (status === 'refunded') return REASON_REFUND;
  const lastedMs = (cancelledAt?.getTime() ?? 0) - askedAt.getTime();
  return lastedMs >= TIMEOUT_MS ? REASON_TIMEOUT : REASON_UNKNOWN;
}

function statementRow(reservation: Reservation) {
  return {
    id: reservation.chargeId,
    time: reservation.askedAt.getTime(),
    // Exact: it came to us as a safe integer.
    amount: Number(reservation.price.amount),
    account: { [ACCOUNT_FIELD]: reservation.invoiceId },
    ...transactionOf(reservation),
    receivers: null,
  };
}

/** Any other status than 200 counts as -32400 at Payme, so refusals are sent with it too (protokol-merchant-api). */
function writeReply(id: number | null, outcome: { result: object } | { error: RpcError }): ProviderReply {
  return { status: 200, contentType: 'application/json; charset=UTF-8', body: JSON.stringify({ ...outcome, id }) };
}

/** Printable ASCII without the semicolon, which would begin a parameter of its own. */
const LINK_VALUE = /^[!-:<-~]+$/;

/**
 * The pay link (otpravka-cheka-po-metodu-get): the base64 of `m`, `ac.order_id`, `a` in tiyin, `l`, `c`, `cr`. Throws
 * ProviderError `invalid` for a value that cannot stand in it, another currency than UZS, and an amount of nothing.
 */
export function writePayLink(
  register: Readonly<{ merchantId: string; checkoutUrl: string }>,
  order: Pick<CheckoutRequest, 'invoiceId' | 'price' | 'language' | 'returnUrl'>,
): string {
  if (order.price.currency !== 'UZS') throw new ProviderError('invalid', 'CURRENCY_IS_NOT_UZS');
  if (order.price.amount <= 0n) throw new ProviderError('invalid', 'AMOUNT_IS_NOT_POSITIVE');
  if (![register.merchantId, order.invoiceId, order.returnUrl].every((value) => LINK_VALUE.test(value)))
    throw new ProviderError('invalid', 'UNSAFE_LINK_VALUE');
  const what = [`m=${register.merchantId}`, `ac.${ACCOUNT_FIELD}=${order.invoiceId}`, `a=${order.price.amount}`];
  const language = `l=${languageOf(order.language)}`;
  // The first ? begins the query; further ones mean the same when they are escaped.
  const back = `c=${order.returnUrl.replace(/(?<=\?.*)\?/g, '%3F')}`;
  const path = encodeParameters([...what, language, back, 'cr=UZS']);
  // A ? on a third byte becomes a slash, which would split the path; one parameter earlier it falls on another byte.
  const safePath = path.includes('/') ? encodeParameters([...what, back, language, 'cr=UZS']) : path;
  return `${register.checkoutUrl.replace(/\/+$/, '')}/${safePath}`;
}

function encodeParameters(parameters: ReadonlyArray<string>): string {
  return Buffer.from(parameters.join(';'), 'ascii').toString('base64');
}

function languageOf(tag: string): 'ru' | 'uz' | 'en' {
  const language = tag.toLowerCase().split('-')[0];
  return language === 'uz' || language === 'ru' ? language : 'en';
}
