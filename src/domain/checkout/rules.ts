import { type Interval, MONTH_DAYS } from '#domain/catalog/rules.ts';
import type { Verdict } from '#domain/errors.ts';
import type { Subject } from '#domain/identity/rules.ts';
import type { Money } from '#domain/money.ts';
import type { Capability, Method, Surface } from '#domain/provider/capability.ts';
import type { InquiryReason } from '#domain/provider/inquiry.ts';

/** After this many failures in a row a provider is passed over, for so long. */
export const BREAKER_FAILURES = 3;
export const BREAKER_OPEN_MS = 30_000;

/** The providers that did not answer lately and are passed over at `now`. */
export function restingProviders(
  breakers: ReadonlyArray<{ provider: string; openUntil: Date | null }>,
  now: Date,
): ReadonlySet<string> {
  return new Set(breakers.filter(({ openUntil }) => openUntil && openUntil > now).map(({ provider }) => provider));
}

/**
 * Which candidates are tried, and which are passed over because they did not answer lately. Where nobody is left who could
 * take over, all are tried: refusing unasked would help nobody.
 */
export function passOver<Way extends { providerId: string }>(
  candidates: ReadonlyArray<Way>,
  breakers: ReadonlyArray<{ provider: string; openUntil: Date | null }>,
  now: Date,
): { tried: ReadonlyArray<Way>; passedOver: ReadonlyArray<Way> } {
  const resting = restingProviders(breakers, now);
  const tried = candidates.filter(({ providerId }) => !resting.has(providerId));
  if (tried.length === 0) return { tried: candidates, passedOver: [] };
  return { tried, passedOver: candidates.filter(({ providerId }) => resting.has(providerId)) };
}

/** At most this many checkout attempts per person and minute, and by the link of an order as many more. */
export const ATTEMPTS_PER_MINUTE = 5;
export const ATTEMPT_WINDOW_MS = 60_000;

/** Pre-checkout refuses an order older than this, however long it stays open. */
export const PAYABLE_FOR_MS = 3_600_000;

/** Whether one more attempt may start; refused with the seconds until it may. `recent` are the latest attempts' times. */
export function checkAttemptLimit(
  recent: ReadonlyArray<Date>,
  now: Date,
): { ok: true } | { ok: false; retryAfterSeconds: number } {
  const inWindow = recent
    .map((at) => at.getTime())
    .filter((at) => at > now.getTime() - ATTEMPT_WINDOW_MS)
    .sort((a, b) => b - a);
  const oldestThatCounts = inWindow[ATTEMPTS_PER_MINUTE - 1];
  if (oldestThatCounts === undefined) return { ok: true };
  return {
    ok: false,
    retryAfterSeconds: Math.max(1, Math.ceil((oldestThatCounts + ATTEMPT_WINDOW_MS - now.getTime()) / 1000)),
  };
}

/**
 * What may be offered where. Telegram's terms (§ 6.2) let digital goods be sold inside Telegram for Stars only, so
 * `strict` refuses every other method in the Mini App and the chat; `permissive` is the operator's own responsibility.
 */
export function judgeSurface(offer: {
  surface: Surface;
  method: Method;
  fulfilment: 'digital' | 'physical';
  policy: 'strict' | 'permissive';
}): Verdict<'method_not_allowed_here'> {
  const isInsideTelegram = offer.surface === 'mini_app' || offer.surface === 'bot';
  const isRestricted = offer.policy === 'strict' && isInsideTelegram && offer.fulfilment === 'digital';
  return isRestricted && offer.method !== 'telegram_stars'
    ? { ok: false, reason: 'method_not_allowed_here' }
    : { ok: true };
}

/** One way to pay a price: which provider, and with what. */
export type Candidate = Readonly<{ providerId: string; capability: Capability; renewalDays: number | null }>;

/** Native renewals are used for months; a year and a lasting right are paid once. */
export function renewalDaysFor(interval: Interval, capability: Capability): number | null {
  return interval === 'month' && capability.renewalDays.includes(MONTH_DAYS) ? MONTH_DAYS : null;
}

/** The providers that can take `price` by `method` on `surface`, in registry order. */
export function chooseProviders(
  providers: ReadonlyArray<{ id: string; accepts: ReadonlyArray<Capability> }>,
  order: { price: Money; method: Method; surface: Surface; interval: Interval },
): Candidate[] {
  return providers.flatMap(({ id, accepts }) =>
    accepts
      .filter(
        (capability) =>
          capability.method === order.method &&
          capability.currency === order.price.currency &&
          capability.surfaces.includes(order.surface),
      )
      .map((capability) => ({ providerId: id, capability, renewalDays: renewalDaysFor(order.interval, capability) }))
      .filter(
        ({ capability, renewalDays }) =>
          order.price.amount <= (renewalDays === null ? capability.maxAmount.oneTime : capability.maxAmount.renewing),
      ),
  );
}

export type InvoiceStatus = 'open' | 'paid' | 'expired' | 'cancelled';

/** What a pre-checkout question is judged by. */
export type PayableOrder = Readonly<{
  status: InvoiceStatus;
  /** Null once they were erased. */
  buyer: Subject | null;
  price: Money;
  /** What the catalogue asks today, null when the price is no longer sold. */
  cataloguePrice: Money | null;
  createdAt: Date;
  expiresAt: Date;
}>;

type InquiryRefusal = Exclude<
  InquiryReason,
  'invoice_reserved' | 'reservation_not_found' | 'reservation_closed' | 'refund_not_possible' | 'service_unavailable'
>;

/**
 * May this person pay this order now? The last gate before money moves: payer, state, age, amount and currency are all
 * ours to check, because links can be forwarded and paid by anyone, at any time (telegram.md §1.4).
 */
export function judgeInquiry(
  order: PayableOrder | null,
  asked: {
    /** Null when the provider does not know who is about to pay. */
    payer: Subject | null;
    price: { amount: bigint; currency: string };
    holds: 'nothing' | 'lasting_right' | 'renewing_subscription';
  },
  now: Date,
): Verdict<InquiryRefusal> {
  const refuse = (reason: InquiryRefusal) => ({ ok: false, reason }) as const;
  if (!order) return refuse('invoice_not_found');
  if (asked.payer !== null && order.buyer !== asked.payer) return refuse('payer_is_not_buyer');
  if (order.status === 'paid') return refuse('invoice_already_paid');
  if (order.status === 'cancelled') return refuse('invoice_cancelled');
  if (order.status === 'expired' || order.expiresAt <= now) return refuse('invoice_expired');
  if (now.getTime() - order.createdAt.getTime() >= PAYABLE_FOR_MS) return refuse('invoice_too_old');
  if (!order.cataloguePrice) return refuse('plan_not_for_sale');
  if (asked.price.currency !== order.price.currency || order.cataloguePrice.currency !== order.price.currency)
    return refuse('currency_mismatch');
  if (asked.price.amount !== order.price.amount || order.cataloguePrice.amount !== order.price.amount)
    return refuse('amount_mismatch');
  if (asked.holds === 'lasting_right') return refuse('already_owned');
  if (asked.holds === 'renewing_subscription') return refuse('already_subscribed');
  return { ok: true };
}
