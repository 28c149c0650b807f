import type { PlanView, PriceView, ProductView } from '#api/views.ts';
import type { Interval } from '#ui/choice.tsx';

/**
 * The price a screen shows for an interval: in Stars when there is one, because Telegram's terms allow nothing else for
 * digital goods inside Telegram. Null when the plan is not sold for that interval.
 */
export function priceFor(plan: PlanView, interval: Interval | 'once'): PriceView | null {
  const prices = plan.prices.filter((price) => price.interval === interval);
  return prices.find(({ money }) => money.currency === 'XTR') ?? prices[0] ?? null;
}

/** The price to show when the wanted interval is not sold: a plugin may cost once, a plan only by the month. */
export function bestPrice(plan: PlanView, wanted: Interval): PriceView | null {
  return priceFor(plan, wanted) ?? priceFor(plan, 'once') ?? priceFor(plan, 'month') ?? priceFor(plan, 'year');
}

/** What a year of the plan saves, in the currency its price is shown in. */
export function savingsOf(plan: PlanView): PlanView['savings'][number] | null {
  const yearly = priceFor(plan, 'year');
  return plan.savings.find(({ currency }) => currency === yearly?.money.currency) ?? null;
}

/** True when any plan of the line can be paid by month and by year. */
export function hasBothIntervals(plans: readonly PlanView[]): boolean {
  return plans.some((plan) => priceFor(plan, 'month') && priceFor(plan, 'year'));
}

/** The plan of a code with its product, or null. */
export function findPlan(
  products: readonly ProductView[],
  code: string,
): { product: ProductView; plan: PlanView } | null {
  for (const product of products) {
    const plan = product.plans.find((one) => one.code === code);
    if (plan) return { product, plan };
  }
  return null;
}

/** True when the reader has this plan now. The free level of a line is everyone's who has no other. */
export function isCurrent(product: ProductView, plan: PlanView): boolean {
  return product.current
    ? product.current.planId === plan.id
    : product.kind === 'plan_line' && plan.prices.length === 0;
}
