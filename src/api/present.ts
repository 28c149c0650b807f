import type { CatalogPlan, CatalogPrice, CatalogProduct } from '#domain/catalog/list-catalog.ts';
import { MONTH_DAYS, yearlySavings } from '#domain/catalog/rules.ts';
import type { CheckoutOffer, MethodOffer } from '#domain/checkout/preview.ts';
import type { InvoiceRecord } from '#domain/checkout/records.ts';
import { judgeSurface, renewalDaysFor } from '#domain/checkout/rules.ts';
import type { HeldEntitlement } from '#domain/entitlement/list.ts';
import type { Reason } from '#domain/errors.ts';
import { Language } from '#domain/identity/rules.ts';
import { Currency, type Money, WHOLE_BPS } from '#domain/money.ts';
import type { StoredMethod } from '#domain/payment-method/records.ts';
import { type Capability, METHODS, type Surface } from '#domain/provider/capability.ts';
import { PAYMENT_FAILURES, PROGRESSES } from '#domain/provider/event.ts';
import type { RevenueSplit } from '#domain/revenue/rules.ts';
import type { User } from '#lib/generated/prisma/client.ts';
import { formatDate, formatMoney, labelMoney, translator } from '#messages/translate.ts';
import { errorText } from './errors.ts';
import { presentHeld, presentNames, type SoldPlan } from './present-names.ts';
import type {
  CheckoutPreview,
  EntitlementView,
  FailureView,
  InstantView,
  InvoiceView,
  MethodView,
  MeView,
  MoneyView,
  PendingView,
  PlanView,
  PriceView,
  ProductView,
  StoredMethodView,
} from './views.ts';

/** The language of a person's record. A value that is no longer offered reads as English. */
export function languageOfUser(user: Pick<User, 'language'>): Language {
  return Language.catch('en').parse(user.language);
}

export function presentMoney(money: Money, language: Language): MoneyView {
  const { amount, currency } = money;
  return {
    amount: amount.toString(),
    currency,
    text: formatMoney(money, language),
    label: labelMoney(money, language),
  };
}

/** Money of a database row, whose currency is a text there. */
export function presentRowMoney(row: { amount: bigint; currency: string }, language: Language): MoneyView {
  return presentMoney({ amount: row.amount, currency: Currency.parse(row.currency) }, language);
}

export function presentInstant(at: Date, language: Language): InstantView {
  return { iso: at.toISOString(), text: formatDate(at, language) };
}

export function presentInstantOrNull(at: Date | null, language: Language): InstantView | null {
  return at && presentInstant(at, language);
}

/** How often a price renews by itself: the answer of any provider that takes its currency, null when none renews it. */
export function renewalDaysOf(
  price: Pick<CatalogPrice, 'currency' | 'interval'>,
  capabilities: ReadonlyArray<Capability>,
): number | null {
  for (const capability of capabilities) {
    const days = capability.currency === price.currency ? renewalDaysFor(price.interval, capability) : null;
    if (days !== null) return days;
  }
  return null;
}

export function presentPrice(price: CatalogPrice, renewsEveryDays: number | null, language: Language): PriceView {
  return { id: price.id, interval: price.interval, money: presentMoney(price, language), renewsEveryDays };
}

export function presentPlan(plan: CatalogPlan, capabilities: ReadonlyArray<Capability>, language: Language): PlanView {
  const { name, description, features, privacy } = plan.texts[language];
  return {
    id: plan.id,
    code: plan.code,
    rank: plan.rank,
    name,
    description,
    features: [...features],
    privacy: [...privacy],
    limits: { ...plan.limits },
    prices: plan.prices.map((price) => presentPrice(price, renewalDaysOf(price, capabilities), language)),
    savings: presentSavings(plan.prices, language),
  };
}

function presentSavings(prices: ReadonlyArray<CatalogPrice>, language: Language): PlanView['savings'] {
  return prices.flatMap((yearly) => {
    if (yearly.interval !== 'year') return [];
    const monthly = prices.find((price) => price.interval === 'month' && price.currency === yearly.currency);
    const saved = monthly && yearlySavings(monthly.amount, yearly.amount);
    if (!saved) return [];
    const { currency } = yearly;
    return [{ currency, money: presentMoney({ amount: saved.amount, currency }, language), percent: saved.percent }];
  });
}

/** A product with what the reader holds of it. */
export function presentProduct(
  product: CatalogProduct,
  held: ReadonlyArray<HeldEntitlement>,
  capabilities: ReadonlyArray<Capability>,
  language: Language,
): ProductView {
  const current = held.find((entitlement) => entitlement.product.id === product.id);
  return {
    id: product.id,
    code: product.code,
    kind: product.kind,
    ...product.texts[language],
    plans: product.plans.map((plan) => presentPlan(plan, capabilities, language)),
    current: current ? presentEntitlement(current, language) : null,
  };
}

export function presentEntitlement(held: HeldEntitlement, language: Language): EntitlementView {
  return {
    ...presentHeld(held, language),
    since: presentInstant(held.since, language),
    until: presentInstantOrNull(held.until, language),
    renews: held.renews,
  };
}

/** Widths of parts in basis points that sum to 10,000 (largest remainder; ties go to the earlier part). */
export function widthsInBps(parts: ReadonlyArray<bigint>): number[] {
  const total = parts.reduce((sum, part) => sum + part, 0n);
  if (total <= 0n) return parts.map(() => 0);
  const whole = BigInt(WHOLE_BPS);
  const widths = parts.map((part, index) => ({
    index,
    bps: Number((part * whole) / total),
    rest: (part * whole) % total,
  }));
  let left = WHOLE_BPS - widths.reduce((sum, width) => sum + width.bps, 0);
  const byRest = [...widths].sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1));
  for (const width of byRest) {
    if (left === 0) break;
    width.bps += 1;
    left -= 1;
  }
  return widths.map((width) => width.bps);
}

type Part = Readonly<{ party: 'developer' | 'platform' | 'processor'; amount: bigint; bps: number }>;

/** Where the money of a price goes. A developer stands there only when there is one; the fees always do, also when zero. */
export function partsOf(split: RevenueSplit): Part[] {
  const parts = [
    { party: 'developer', amount: split.developerShare },
    { party: 'platform', amount: split.platformFee },
    { party: 'processor', amount: split.processorFee },
  ] as const;
  const shown = parts.filter((part) => part.party !== 'developer' || part.amount > 0n);
  const widths = widthsInBps(shown.map((part) => part.amount));
  return shown.map((part, index) => ({ ...part, bps: widths[index] ?? 0 }));
}

export function presentSplit(split: RevenueSplit, currency: Currency, language: Language): MethodView['split'] {
  return partsOf(split).map(({ party, amount, bps }) => ({
    party,
    money: presentMoney({ amount, currency }, language),
    bps,
  }));
}

function presentReason(reason: Reason, language: Language): string {
  return errorText({ reason, details: {}, retryAfterSeconds: undefined }, language);
}

export function presentMethod(offer: MethodOffer, language: Language): MethodView {
  const { capability, isResting, providerId, refusal, split } = offer;
  return {
    method: capability.method,
    provider: providerId,
    isAllowed: refusal === null,
    isResting,
    reason: refusal,
    reasonText: refusal && presentReason(refusal, language),
    privacy: capability.privacy,
    split: presentSplit(split, capability.currency, language),
  };
}

/** Why something cannot be bought at all now. */
export function presentBlocked({ blocked }: CheckoutOffer, language: Language): CheckoutPreview['blocked'] {
  return blocked && { reason: blocked, text: presentReason(blocked, language) };
}

export function presentStoredMethod(method: StoredMethod, language: Language): StoredMethodView {
  return { ...method, createdAt: presentInstant(method.createdAt, language) };
}

/** `stored`: the reader's methods that can pay it. */
export function presentPreview(
  offer: CheckoutOffer,
  language: Language,
  stored: ReadonlyArray<StoredMethod> = [],
): CheckoutPreview {
  const { product, plan, price, methods, replaces } = offer;
  const renewsEveryDays = methods.find((method) => method.renewalDays !== null)?.renewalDays ?? null;
  const replaced = replaces && product.plans.find(({ id }) => id === replaces.planId);
  const { name, description, features, privacy } = plan.texts[language];
  return {
    product: { id: product.id, code: product.code, kind: product.kind, name: product.texts[language].name },
    plan: { id: plan.id, code: plan.code, name, description, features: [...features], privacy: [...privacy] },
    price: presentPrice(price, renewsEveryDays, language),
    accessUntil: presentInstantOrNull(offer.accessUntil, language),
    methods: methods.map((method) => presentMethod(method, language)),
    alternatives: offer.alternatives.map((other) => ({
      price: presentPrice(
        other.price,
        other.methods.find(({ renewalDays }) => renewalDays)?.renewalDays ?? null,
        language,
      ),
      methods: other.methods.map((method) => presentMethod(method, language)),
    })),
    stored: stored.map((method) => presentStoredMethod(method, language)),
    blocked: presentBlocked(offer, language),
    replaces: replaces && {
      subscriptionId: replaces.subscriptionId,
      planName: (replaced ?? plan).texts[language].name,
      until: presentInstant(replaces.until, language),
    },
  };
}

function presentPending({ reservations: [held] }: InvoiceRecord, language: Language): PendingView | null {
  const progress = PROGRESSES.find((known) => known === held?.progress);
  // A hold without a progress is a card being debited this minute: it is over before anybody could read of it.
  if (!held || !progress) return null;
  const { currency, instructionsUrl, missing, provider } = held;
  return {
    provider,
    progress,
    missing: missing === null ? null : presentRowMoney({ amount: missing, currency }, language),
    instructionsUrl,
    canBeReplaced: progress === 'awaiting_transfer',
  };
}

function presentFailure({ attempts: [attempt] }: InvoiceRecord, language: Language): FailureView | null {
  const failure = PAYMENT_FAILURES.find((known) => known === attempt?.failure);
  return failure ? { failure, text: translator(language)(`common.failure.${failure}`) } : null;
}

/** Where the reader is, and what may be shown there. */
export type Reader = Readonly<{ now: Date; surface: Surface; policy: 'strict' | 'permissive'; language: Language }>;

/** The way to pay that is open, unless the policy refuses it where the reader is: then nothing may lead there. */
function liveWay(
  { attempts, currency }: InvoiceRecord,
  sold: SoldPlan | null,
  { policy, surface }: Reader,
): { way: NonNullable<InvoiceView['way']>; url: string | null } | null {
  const live = attempts.find((attempt) => attempt.status === 'live');
  if (!live || !sold) return null;
  const { fulfilment } = sold.product;
  // One from before the method was kept: only Stars are paid in Stars.
  const method =
    METHODS.find((known) => known === live.method) ?? (currency === 'XTR' ? 'telegram_stars' : 'credit_card');
  if (!judgeSurface({ surface, method, fulfilment, policy }).ok) return null;
  return { way: { method, provider: live.provider }, url: live.url };
}

/** An order as its buyer sees it: one whose time is over is expired, also before the job has closed it. */
export function presentInvoice(invoice: InvoiceRecord, sold: SoldPlan | null, reader: Reader): InvoiceView {
  const { language, now } = reader;
  // Held for money that is on its way, it waits as long as that takes.
  const isOver = invoice.status === 'open' && invoice.expiresAt <= now && invoice.reservations.length === 0;
  const status = isOver ? 'expired' : invoice.status;
  const open = status === 'open' ? liveWay(invoice, sold, reader) : null;
  const [payment] = invoice.payments;
  const right = payment?.entitlement;
  return {
    id: invoice.id,
    status,
    price: {
      interval: invoice.interval,
      money: presentRowMoney(invoice, language),
      renewsEveryDays: invoice.kind === 'subscription' ? MONTH_DAYS : null,
    },
    priceId: invoice.priceId,
    ...presentNames(sold, language),
    surface: invoice.surface,
    createdAt: presentInstant(invoice.createdAt, language),
    expiresAt: presentInstant(invoice.expiresAt, language),
    minutesLeft:
      status === 'open' ? Math.max(0, Math.ceil((invoice.expiresAt.getTime() - now.getTime()) / 60_000)) : null,
    url: open?.url ?? null,
    way: open?.way ?? null,
    pending: presentPending(invoice, language),
    failure: status === 'paid' ? null : presentFailure(invoice, language),
    payment: payment ? { id: payment.id, status: standingOf(payment) } : null,
    entitlement:
      right && !right.revokedAt && sold
        ? {
            ...presentHeld(sold, language),
            since: presentInstant(right.startsAt, language),
            until: presentInstantOrNull(right.endsAt, language),
            renews: invoice.kind === 'subscription',
          }
        : null,
  };
}

/** Of a payment that goes back only in part, what was bought stays: its order stands. */
function standingOf(payment: InvoiceRecord['payments'][number]): InvoiceRecord['payments'][number]['status'] {
  const goesBack = payment.refunds.reduce((sum, { amount }) => sum + amount, payment.returnedAmount);
  return payment.status === 'refunding' && goesBack < payment.amount ? 'succeeded' : payment.status;
}

/** Whom clients may name to people: the bot and the operator's contact. */
export type Contact = Readonly<{ botUsername: string; supportContact: string | null }>;

export function presentMe(user: User, contact: Contact, openInvoice: InvoiceView | null): MeView {
  return {
    userId: user.id,
    role: user.role,
    language: languageOfUser(user),
    isReachable: user.isReachable,
    wantsReminders: user.wantsReminders,
    wantsSalesNotices: user.wantsSalesNotices,
    botUsername: contact.botUsername,
    // Without a contact of the operator people write to the bot, whose /paysupport answers (telegram.md § 1).
    supportContact: contact.supportContact ?? `@${contact.botUsername}`,
    openInvoice,
  };
}
