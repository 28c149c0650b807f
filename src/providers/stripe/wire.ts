import Stripe from 'stripe';
import { z } from 'zod';
import type { OrderHint, ProviderReading, ProviderRequest } from '#domain/provider/contract.ts';
import { hmacSha256, isEqualSecret } from '#lib/crypto.ts';
import { parseJsonBytes } from '#lib/http.ts';

/*
 * Stripe's webhooks (docs.stripe.com/webhooks): JSON, signed over the raw bytes. An event holds a snapshot that may be
 * older than what was seen before, and events come in any order: each is a hint of whom to ask about, no more.
 */

/** Signing secrets of the endpoint. `onPrevious` hears each use of the one being replaced. */
export type WebhookSecrets = Readonly<{
  current: string;
  previous: { secret: string; until: Date } | null;
  onPrevious: (isOverdue: boolean) => void;
}>;

type Endpoint = Readonly<{
  secrets: WebhookSecrets;
  /** Whether our key is a live one; null when its form does not say. */
  isLive: boolean | null;
  /** Hears the version of an event that is not of the SDK's release train. */
  onOtherVersion: (version: string) => void;
  /** Hears the charge of which a card company says that it is fraud. */
  onFraudWarning: (chargeId: string) => void;
}>;

/** Both ways: Stripe's libraries check the age only, and a message from the future would stay good until then. */
const TOLERANCE_SECONDS = 300;
/** Stripe sends one signature per secret that is in use, two while one is replaced. */
const MAX_SIGNATURES = 8;

// No text in Postgres can hold a NUL.
const Id = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !text.includes('\0'));
/** An object's id, where Stripe may also put the object itself. */
const Expandable = z.union([Id, z.object({ id: Id }).transform(({ id }) => id)]);
const Metadata = z.record(z.string(), z.string()).nullish();
const OurInvoice = /^inv_[0-9a-z_]{1,60}$/;

const Event = z.object({
  id: Id,
  object: z.literal('event'),
  type: z.string(),
  api_version: z.string().nullish(),
  livemode: z.boolean(),
  data: z.object({ object: z.unknown() }),
});

/** Whom an object is about; null for one that is not ours, or not about a payment or a stored method. */
type About = z.ZodType<OrderHint | null>;

const Session: About = z
  .object({
    id: Id,
    object: z.literal('checkout.session'),
    mode: z.string(),
    payment_intent: Expandable.nullish(),
    metadata: Metadata,
  })
  .transform((session) => {
    const invoiceId = invoiceOf(session.metadata);
    const about = { invoiceId, reference: session.id, chargeId: session.payment_intent ?? null };
    if (session.mode === 'payment') return invoiceId === null ? null : about;
    return session.mode === 'setup' && session.metadata?.['method'] !== undefined ? about : null;
  });

const Intent: About = z
  .object({ id: Id, object: z.literal('payment_intent'), metadata: Metadata })
  .transform(({ id, metadata }) => aboutCharge(id, invoiceOf(metadata)));

const Charge: About = z
  .object({ object: z.literal('charge'), payment_intent: Expandable.nullish(), metadata: Metadata })
  .transform((charge) => aboutCharge(charge.payment_intent, invoiceOf(charge.metadata)));

/** Refunds and disputes do not say whose charge it is: whoever is asked about it does. */
const OfIntent = (object: 'refund' | 'dispute'): About =>
  z
    .object({ object: z.literal(object), payment_intent: Expandable.nullish() })
    .transform(({ payment_intent: chargeId }) => (chargeId ? { invoiceId: null, reference: null, chargeId } : null));

const Movement = z.object({ payment_intent: Expandable }).optional();
/** Into a payment and out of it again. What a refund puts into the balance names the refund, which has an event of its own. */
const CashMovement: About = z
  .object({
    object: z.literal('customer_cash_balance_transaction'),
    applied_to_payment: Movement,
    unapplied_from_payment: Movement,
  })
  .transform((cash) => {
    const movement = cash.applied_to_payment ?? cash.unapplied_from_payment;
    return movement ? { invoiceId: null, reference: null, chargeId: movement.payment_intent } : null;
  });

/** Every event we listen to, and where it says whom it is about. Null: heard, but nothing follows from it. */
const EVENTS: Readonly<Record<string, About | null>> = {
  'checkout.session.completed': Session,
  'checkout.session.async_payment_succeeded': Session,
  'checkout.session.async_payment_failed': Session,
  'checkout.session.expired': Session,
  'payment_intent.processing': Intent,
  'payment_intent.partially_funded': Intent,
  'payment_intent.payment_failed': Intent,
  'payment_intent.canceled': Intent,
  'charge.succeeded': Charge,
  'charge.failed': Charge,
  'charge.refunded': Charge,
  'refund.created': OfIntent('refund'),
  'refund.updated': OfIntent('refund'),
  'refund.failed': OfIntent('refund'),
  'charge.dispute.created': OfIntent('dispute'),
  'charge.dispute.updated': OfIntent('dispute'),
  'charge.dispute.closed': OfIntent('dispute'),
  'charge.dispute.funds_withdrawn': OfIntent('dispute'),
  'charge.dispute.funds_reinstated': OfIntent('dispute'),
  'customer_cash_balance_transaction.created': CashMovement,
  // Its page or its charge says the same: asked about each, Stripe would be asked twice.
  'payment_intent.requires_action': null,
  'payment_intent.succeeded': null,
  // A stored method is known by its page: these do not name it.
  'setup_intent.succeeded': null,
  'setup_intent.setup_failed': null,
  // What of a balance pays for an order is a movement, which has an event of its own; the rest stays in the balance.
  'cash_balance.funds_available': null,
};

/** No fact about money: nothing is given back by itself, an operator decides before a dispute comes. */
const FRAUD_WARNING = 'radar.early_fraud_warning.created';
const FraudWarning = z.object({
  object: z.literal('radar.early_fraud_warning'),
  charge: Expandable,
  payment_intent: Expandable.nullish(),
});

/** Verifies the signature over the raw bytes, then the time, then translates. Never throws. */
export function readMessage(request: ProviderRequest, endpoint: Endpoint, now: Date): ProviderReading {
  const header = parseSignature(request.headers['stripe-signature'] ?? '');
  if (!header || !isSigned(request.body, header, endpoint.secrets, now)) return rejected('webhook_secret_wrong');
  const age = Math.floor(now.getTime() / 1_000) - Number(header.timestamp);
  if (age > TOLERANCE_SECONDS) return rejected('webhook_too_old');
  if (age < -TOLERANCE_SECONDS) return rejected('webhook_from_future');
  return readEvent(request.body, endpoint);
}

/** Translates bytes whose signature was right. `endpoint` decides whether it is of our mode. */
export function readEvent(body: Uint8Array, endpoint: Omit<Endpoint, 'secrets'>): ProviderReading {
  const json = parseJsonBytes(body);
  if (json === undefined) return rejected('malformed_request');
  const parsed = Event.safeParse(json);
  // Thin events have another form, and accounts may send them to any endpoint.
  if (!parsed.success) return isThin(json) ? ignored('other') : rejected('malformed_request');
  const { api_version: version, data, id, livemode, type } = parsed.data;
  if (version && trainOf(version) !== trainOf(Stripe.API_VERSION)) endpoint.onOtherVersion(version);
  if (endpoint.isLive !== null && livemode !== endpoint.isLive) return ignored('livemode_mismatch');
  if (type === FRAUD_WARNING) {
    const warning = FraudWarning.safeParse(data.object);
    if (!warning.success) return { kind: 'unreadable', type, eventId: id };
    endpoint.onFraudWarning(warning.data.payment_intent ?? warning.data.charge);
    return ignored(type);
  }
  const about = Object.hasOwn(EVENTS, type) ? EVENTS[type] : undefined;
  if (about === undefined) return ignored('other');
  if (about === null) return ignored(type);
  const named = about.safeParse(data.object);
  if (!named.success) return { kind: 'unreadable', type, eventId: id };
  return named.data === null ? ignored(type) : { kind: 'hint', type, eventId: id, about: named.data };
}

type Rejection = Extract<ProviderReading, { kind: 'rejected' }>['reason'];
const rejected = (reason: Rejection): ProviderReading => ({ kind: 'rejected', reason, reply: null });
const ignored = (type: string): ProviderReading => ({ kind: 'ignored', type, eventId: null, message: null });

function aboutCharge(chargeId: string | null | undefined, invoiceId: string | null): OrderHint | null {
  return chargeId && invoiceId !== null ? { invoiceId, reference: null, chargeId } : null;
}

/** Our order's id on an object of Stripe's; null for another's: an account may serve more than us. */
export function invoiceOf(metadata: Readonly<Record<string, string>> | null | undefined): string | null {
  const id = metadata?.['invoice'] ?? null;
  return id !== null && OurInvoice.test(id) ? id : null;
}

/** Our try that an object names. */
export function attemptOf(metadata: Readonly<Record<string, string>> | null | undefined): string | null {
  return metadata?.['attempt'] ?? null;
}

/** `2026-10-28.endive` is of the train `endive`: within one, shapes do not change. */
const trainOf = (version: string) => version.split('.')[1] ?? version;

const isThin = (json: unknown) =>
  z.object({ object: z.enum(['v2.core.event', 'v2.core.event_notification']) }).safeParse(json).success;

type Signature = Readonly<{ timestamp: string; signatures: ReadonlyArray<string> }>;

/** `t=<seconds>,v1=<hex>[,v1=<hex>…]`; other schemes are skipped. Null without exactly one time and a signature. */
function parseSignature(header: string): Signature | null {
  const pairs = header.split(',').map((part) => part.trim().split('='));
  const valuesOf = (name: string) => pairs.filter(([key]) => key === name).map(([, value]) => value ?? '');
  const [timestamp = '', ...moreTimes] = valuesOf('t');
  const signatures = valuesOf('v1');
  if (moreTimes.length > 0 || !/^\d{1,12}$/.test(timestamp)) return null;
  return signatures.length > 0 && signatures.length <= MAX_SIGNATURES ? { timestamp, signatures } : null;
}

/** Whether one of our secrets made one of the signatures. All are compared, whichever is right. */
function isSigned(body: Uint8Array, { timestamp, signatures }: Signature, secrets: WebhookSecrets, now: Date): boolean {
  const signed = Buffer.concat([Buffer.from(`${timestamp}.`), body]);
  const isBy = (secret: string) => {
    const expected = Buffer.from(hmacSha256(secret, signed).toString('hex'));
    return signatures.filter((given) => isEqualSecret(given, expected)).length > 0;
  };
  if (isBy(secrets.current)) return true;
  if (!secrets.previous || !isBy(secrets.previous.secret)) return false;
  const isOverdue = secrets.previous.until <= now;
  secrets.onPrevious(isOverdue);
  return !isOverdue;
}
