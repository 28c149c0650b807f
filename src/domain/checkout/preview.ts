import { type CatalogPlan, type CatalogPrice, type CatalogProduct, getPrice } from '#domain/catalog/list-catalog.ts';
import { accessEnd } from '#domain/catalog/rules.ts';
import { chooseProviders, judgeSurface, renewalDaysFor, restingProviders } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import type { Reason } from '#domain/errors.ts';
import type { Capability, Surface } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { type RevenueSplit, splitRevenue } from '#domain/revenue/rules.ts';

export type MethodOffer = Readonly<{
  providerId: string;
  capability: Capability;
  split: RevenueSplit;
  refusal: Reason | null;
  renewalDays: number | null;
  /** The provider did not answer lately and is passed over at present; it may be chosen all the same. */
  isResting: boolean;
}>;
export type CheckoutOffer = Readonly<{
  product: CatalogProduct;
  plan: CatalogPlan;
  price: CatalogPrice;
  /** When access would end or renew if it were paid now; null: it lasts. */
  accessUntil: Date | null;
  methods: ReadonlyArray<MethodOffer>;
  /** The same plan for the same time in other currencies, where at least one way to pay may be used here. */
  alternatives: ReadonlyArray<Readonly<{ price: CatalogPrice; methods: ReadonlyArray<MethodOffer> }>>;
  blocked: Extract<Reason, 'already_owned' | 'already_subscribed' | 'erasure_waiting'> | null;
  /** A renewing subscription of the same line that will end with its period when this one is bought. */
  replaces: Readonly<{ subscriptionId: string; planId: string; until: Date }> | null;
}>;

/** What buying a price would cost, give and change for a person: the same rules as startCheckout, without the act. */
export async function previewCheckout(
  ctx: Ctx,
  request: { userId: string; priceId: string; surface: Surface },
): Promise<CheckoutOffer> {
  const { userId, surface } = request;
  requireOwnerOr(ctx, userId, 'payments:read');
  const { product, plan, price } = await getPrice(ctx, request.priceId);
  const now = ctx.clock.now();
  const [lasting, renewing, latest, breakers, erasing] = await Promise.all([
    ctx.db.entitlement.findFirst({
      where: { userId, planId: plan.id, endsAt: null, revokedAt: null },
      select: { id: true },
    }),
    ctx.db.subscription.findMany({
      where: { userId, productId: product.id, status: 'active' },
      select: { id: true, planId: true, currentPeriodEnd: true },
      take: 10,
    }),
    ctx.db.entitlement.aggregate({
      where: { userId, productId: product.id, planId: plan.id, revokedAt: null },
      _max: { endsAt: true },
    }),
    ctx.db.providerBreaker.findMany({ where: { openUntil: { gt: now } } }),
    ctx.db.erasure.count({ where: { userId, status: { in: ['waiting', 'running'] } } }),
  ]);
  const resting = restingProviders(breakers, now);
  const methods = offersFor(ctx, { product, price, surface, resting });
  const alternatives = plan.prices
    .filter(({ id, interval }) => id !== price.id && interval === price.interval)
    .map((other) => ({ price: other, methods: offersFor(ctx, { product, price: other, surface, resting }) }))
    .filter((other) => other.methods.some(({ refusal }) => refusal === null));
  const isNative = methods.some((method) => method.renewalDays !== null);
  const paidUntil = latest._max.endsAt;
  const start = !isNative && paidUntil && paidUntil > now ? paidUntil : now;
  const isRenewingSamePlan = renewing.some(({ planId }) => planId === plan.id);
  const other = price.interval === 'once' ? undefined : renewing.find(({ planId }) => planId !== plan.id || !isNative);
  const isSubscribed = isRenewingSamePlan && price.interval === 'month';
  const owned = lasting ? 'already_owned' : isSubscribed ? 'already_subscribed' : null;
  const blocked = erasing > 0 ? 'erasure_waiting' : owned;
  return {
    product,
    plan,
    price,
    accessUntil: accessEnd(start, price.interval),
    methods,
    alternatives,
    blocked,
    // What renews names its plan.
    replaces: other?.planId ? { subscriptionId: other.id, planId: other.planId, until: other.currentPeriodEnd } : null,
  };
}

/** Every way to pay a price, with what speaks against it here. */
function offersFor(
  ctx: Ctx,
  {
    price,
    product,
    resting,
    surface,
  }: { product: CatalogProduct; price: CatalogPrice; surface: Surface; resting: ReadonlySet<string> },
): MethodOffer[] {
  const { interval } = price;
  const { surfacePolicy: policy } = ctx.policy;
  const platformFeeBps = product.platformFeeBps ?? ctx.policy.platformFeeBps;
  const hasDeveloper = product.developerUserId !== null;
  const offer = (provider: Provider, capability: Capability): MethodOffer => {
    const { method } = capability;
    const allowed = judgeSurface({ surface, method, fulfilment: product.fulfilment, policy });
    const isPossible = chooseProviders([provider], { price, method, surface, interval }).length > 0;
    return {
      providerId: provider.id,
      capability,
      split: splitRevenue(price, { processor: capability.fee, platformFeeBps, hasDeveloper }),
      refusal: allowed.ok ? (isPossible ? null : 'method_unavailable') : allowed.reason,
      renewalDays: renewalDaysFor(interval, capability),
      isResting: resting.has(provider.id),
    };
  };
  return [...ctx.providers.values()].flatMap((provider) =>
    provider.accepts
      .filter(({ currency }) => currency === price.currency)
      .map((capability) => offer(provider, capability)),
  );
}
