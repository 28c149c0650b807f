import { z } from 'zod';
import type { ProviderReading, ProviderRequest } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { hmacSha256, isEqualSecret } from '#lib/crypto.ts';
import { parseJsonBytes } from '#lib/http.ts';

/*
 * BTCPay Server's Greenfield API as far as we use it (docs.btcpayserver.org/API/Greenfield/v1: we call it) and its webhooks
 * (it calls us). Amounts are decimal texts. Times are seconds since 1970. Unknown fields are let through.
 */

/** Secrets of the store's webhook. `onPrevious` hears each use of the one being replaced. */
export type WebhookSecrets = Readonly<{
  current: string;
  previous: { secret: string; until: Date } | null;
  onPrevious: (isOverdue: boolean) => void;
}>;

/** How many confirmations a payment needs: 0 (1 if it can be replaced), 1, 2, 6. */
export const SPEED_POLICIES = ['HighSpeed', 'MediumSpeed', 'LowMediumSpeed', 'LowSpeed'] as const;
export type SpeedPolicy = (typeof SPEED_POLICIES)[number];

// No text in Postgres can hold a NUL.
const Id = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => !text.includes('\0'));
const Decimal = z.string().regex(/^-?\d{1,19}(?:\.\d{1,28})?$/);
const Time = z
  .number()
  .int()
  .nonnegative()
  .max(253_402_300_799)
  .transform((seconds) => new Date(seconds * 1_000));

/** Texts in metadata are anyone's who may make invoices in the store. */
const Name = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !text.includes('\0'))
  .nullish()
  .catch(null);
const Metadata = z.object({ orderId: Name, attemptId: Name }).nullish();

const PaymentMethod = z.object({
  payments: z.array(z.object({ receivedDate: Time, status: z.enum(['Invalid', 'Processing', 'Settled']) })),
});
export const PaymentMethods = z.array(PaymentMethod);
export type Payment = z.infer<typeof PaymentMethod>['payments'][number];

export const Invoice = z.object({
  id: Id,
  amount: Decimal,
  /** What counts of what was sent, unconfirmed money too, in the invoice's currency and rounded to its digits. */
  paidAmount: Decimal,
  currency: z.string(),
  checkoutLink: z.url({ protocol: /^https?$/ }),
  createdTime: Time,
  expirationTime: Time,
  status: z.enum(['New', 'Processing', 'Expired', 'Invalid', 'Settled']),
  additionalStatus: z.enum(['None', 'PaidLate', 'PaidPartial', 'Marked', 'PaidOver']),
  metadata: Metadata,
  /** Only in lists that ask for it, and without the payments that do not count. */
  paymentMethods: PaymentMethods.nullish(),
});
export type Invoice = z.infer<typeof Invoice>;
export const Invoices = z.array(Invoice);

export const PullPayment = z.object({
  id: Id,
  name: z.string().nullish(),
  description: z.string().nullish(),
  amount: Decimal,
  archived: z.boolean(),
  startsAt: Time,
  expiresAt: Time.nullish(),
  viewLink: z.url({ protocol: /^https?$/ }),
});
export type PullPayment = z.infer<typeof PullPayment>;
export const PullPayments = z.array(PullPayment);

const Payout = z.object({
  id: Id,
  date: Time,
  state: z.enum(['AwaitingApproval', 'AwaitingPayment', 'InProgress', 'Completed', 'Cancelled']),
  /** In the currency of its pull payment. */
  originalAmount: Decimal,
});
export type Payout = z.infer<typeof Payout>;
export const Payouts = z.array(Payout);

/** Longer than any event: those about a payment are the longest, with a few kilobytes. */
const MAX_BODY_BYTES = 131_072;
/** An event keeps its time in every repetition, and can be repeated by hand for 60 days: then BTCPay forgets it. */
const PAST_MS = 61 * 86_400_000;
/** The clock of a server one runs oneself may be off. */
const FUTURE_MS = 3_600_000;

const Event = z.object({
  deliveryId: Id,
  originalDeliveryId: Id.nullish(),
  type: z.string(),
  timestamp: Time,
  storeId: z.string(),
});
const InvoiceEvent = z.object({ invoiceId: Id, metadata: Metadata.catch(null) });
const PayoutEvent = z.object({ pullPaymentId: Id });

/** All types about invoices. The last three are not in the published list (Client/Models/WebhookEventType.cs has them). */
export const INVOICE_EVENTS: ReadonlyArray<string> = [
  'InvoiceCreated',
  'InvoiceReceivedPayment',
  'InvoicePaymentSettled',
  'InvoiceProcessing',
  'InvoiceExpired',
  'InvoiceSettled',
  'InvoiceInvalid',
  'InvoiceExpiredPaidPartial',
  'InvoicePaidAfterExpiration',
  'InvoiceRefund',
];
export const PAYOUT_EVENTS: ReadonlyArray<string> = ['PayoutCreated', 'PayoutApproved', 'PayoutUpdated'];

/**
 * Verifies a webhook (BTCPay-Sig: HMAC-SHA256 of the raw bytes, which are indented JSON) and its age, and translates it.
 * Never throws.
 */
export function readMessage(
  request: ProviderRequest,
  store: { storeId: string; secrets: WebhookSecrets },
  now: Date,
): ProviderReading {
  const { body, headers, method } = request;
  if (method !== 'POST' || body.byteLength > MAX_BODY_BYTES) return rejected('malformed_request');
  if (!isSigned(headers['btcpay-sig'] ?? '', body, store.secrets, now)) return rejected('webhook_secret_wrong');
  const raw = parseJsonBytes(body);
  const event = Event.safeParse(raw);
  if (!event.success) return rejected('malformed_request');
  const ageMs = now.getTime() - event.data.timestamp.getTime();
  if (ageMs > PAST_MS) return rejected('webhook_too_old');
  if (ageMs < -FUTURE_MS) return rejected('webhook_from_future');
  return translate(raw, event.data, store.storeId);
}

/** Translates a webhook that was verified when it came. */
export function readStoredMessage(body: Uint8Array, storeId: string): ProviderReading {
  const raw = parseJsonBytes(body);
  const event = Event.safeParse(raw);
  return event.success ? translate(raw, event.data, storeId) : rejected('malformed_request');
}

function translate(raw: unknown, event: z.infer<typeof Event>, storeId: string): ProviderReading {
  const { type } = event;
  // Each repetition has a delivery id of its own.
  const eventId = event.originalDeliveryId ?? event.deliveryId;
  const ignored = { kind: 'ignored', type: 'other', eventId, message: null } as const;
  if (event.storeId !== storeId) return ignored;
  if (INVOICE_EVENTS.includes(type)) {
    const told = InvoiceEvent.safeParse(raw);
    if (!told.success) return { kind: 'unreadable', type, eventId };
    const { invoiceId: id, metadata } = told.data;
    const about = { invoiceId: metadata?.orderId ?? null, reference: id, chargeId: id };
    return { kind: 'hint', type, eventId, about };
  }
  if (!PAYOUT_EVENTS.includes(type)) return ignored;
  const told = PayoutEvent.safeParse(raw);
  // A payout that nobody claimed from a pull payment is a payment of the store, not a refund.
  if (!told.success) return ignored;
  return {
    kind: 'hint',
    type,
    eventId,
    about: { invoiceId: null, reference: told.data.pullPaymentId, chargeId: null },
  };
}

function rejected(
  reason: 'malformed_request' | 'webhook_secret_wrong' | 'webhook_too_old' | 'webhook_from_future',
): ProviderReading {
  return { kind: 'rejected', reason, reply: null };
}

function isSigned(header: string, body: Uint8Array, secrets: WebhookSecrets, now: Date): boolean {
  const given = header.toLowerCase();
  const isBy = (secret: string) =>
    isEqualSecret(given, Buffer.from(`sha256=${hmacSha256(secret, body).toString('hex')}`));
  if (isBy(secrets.current)) return true;
  if (!secrets.previous || !isBy(secrets.previous.secret)) return false;
  const isOverdue = secrets.previous.until <= now;
  secrets.onPrevious(isOverdue);
  return !isOverdue;
}

/** Either form of an error: `{code, message}`, where the code may be null, or a list of what does not fit. */
const Failure = z.union([
  z.object({ code: z.string() }).transform(({ code }) => code),
  z
    .tuple([z.object({ path: z.string() })], z.unknown())
    .transform(([first]) => `invalid-${first.path.replace(/\W+/g, '_')}`),
]);

/** Reads an answer. Throws ProviderError with BTCPay's own code where it gives one; its sentences are dropped. */
export function readAnswer<Result>(
  answer: { status: number; body: unknown; retryAfterSeconds: number | undefined },
  result: z.ZodType<Result>,
): Result {
  if (answer.status !== 200) {
    const failure = Failure.safeParse(answer.body);
    throw toFailure(answer.status, failure.success ? failure.data : '', answer.retryAfterSeconds);
  }
  const parsed = result.safeParse(answer.body);
  if (!parsed.success) throw new ProviderError('unavailable', 'UNREADABLE_ANSWER');
  return parsed.data;
}

/** What an HTTP status and a code say. */
export function toFailure(status: number, name: string, retryAfterSeconds?: number): ProviderError {
  const code = /^[\w-]{1,80}$/.test(name) ? name : `HTTP_${status}`;
  if (code === 'non-refundable') return new ProviderError('declined', code);
  // No rate could be had: it can in a minute.
  if (code === 'rate-failure') return new ProviderError('unavailable', code);
  if (status === 401 || status === 403 || status === 404 || status === 405)
    return new ProviderError('misconfigured', code);
  const isOurs = status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (isOurs) return new ProviderError('invalid', code);
  return new ProviderError('unavailable', code, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}
