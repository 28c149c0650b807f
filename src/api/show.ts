import { getPlan, getPlans, listCatalog } from '#domain/catalog/list-catalog.ts';
import { hasLink } from '#domain/checkout/open-link.ts';
import { findOpenInvoice, type InvoiceRecord, planOfOrder } from '#domain/checkout/records.ts';
import type { Ctx } from '#domain/context/context.ts';
import { type RetentionTimes, retentionTimes } from '#domain/context/retention.ts';
import { listEntitlements } from '#domain/entitlement/list.ts';
import type { Language } from '#domain/identity/rules.ts';
import { getPayment, listPayments, type PaymentFilter } from '#domain/payment/records.ts';
import type { Capability, Surface } from '#domain/provider/capability.ts';
import type { Subscription, User } from '#lib/generated/prisma/client.ts';
import { encodeCursor } from './cursor.ts';
import {
  type Contact,
  languageOfUser,
  presentEntitlement,
  presentInvoice,
  presentMe,
  presentProduct,
} from './present.ts';
import type { SoldPlan } from './present-names.ts';
import { methodOf, presentPayment, presentReceipt, presentSubscription } from './present-payment.ts';
import type {
  EntitlementView,
  InvoiceView,
  MeView,
  PaymentPage,
  ProductView,
  ReceiptView,
  SubscriptionView,
} from './views.ts';

/*
 * Views that need more than one verb. Both tRPC and REST show these, REST under the older systems' names.
 */

/** Everything that any provider can do. */
export function capabilitiesOf(ctx: Ctx): Capability[] {
  return [...ctx.providers.values()].flatMap((provider) => provider.accepts);
}

/** The catalogue. `userId`: marks what this person holds. */
export async function showCatalog(ctx: Ctx, userId: string | null, language: Language): Promise<ProductView[]> {
  const [products, held] = await Promise.all([listCatalog(ctx), userId ? listEntitlements(ctx, userId) : []]);
  const capabilities = capabilitiesOf(ctx);
  return products.map((product) => presentProduct(product, held, capabilities, language));
}

export async function showEntitlements(ctx: Ctx, userId: string, language: Language): Promise<EntitlementView[]> {
  const held = await listEntitlements(ctx, userId);
  return held.map((entitlement) => presentEntitlement(entitlement, language));
}

/** An order for a reader at `surface`: where the policy refuses a way to pay, nothing leads there. */
export async function showInvoice(
  ctx: Ctx,
  invoice: InvoiceRecord,
  { language, surface }: { language: Language; surface: Surface },
): Promise<InvoiceView> {
  const reader = { language, surface, policy: ctx.policy.surfacePolicy, now: ctx.clock.now() };
  return presentInvoice(invoice, await findPlan(ctx, planOfOrder(invoice)), reader);
}

/** Whether there is an order of this id: all that a page needs to know before it is shown. */
export function hasOrder(ctx: Ctx, invoiceId: string): Promise<boolean> {
  return hasLink(ctx, invoiceId);
}

/** For how long what is kept stays, as the texts name it. */
export function showRetention({ policy }: Ctx): RetentionTimes {
  return retentionTimes(policy);
}

export async function showMe(ctx: Ctx, user: User, contact: Contact): Promise<MeView> {
  const open = await findOpenInvoice(ctx, user.id);
  const reader = { language: languageOfUser(user), surface: 'mini_app' } as const;
  return presentMe(user, contact, open && (await showInvoice(ctx, open, reader)));
}

export async function showPayments(ctx: Ctx, filter: PaymentFilter, language: Language): Promise<PaymentPage> {
  const { rows, next } = await listPayments(ctx, filter);
  const plans = await getPlans(ctx, namedPlans(rows));
  return {
    rows: rows.map((payment) => {
      const method = methodOf(ctx.providers, payment);
      return presentPayment(payment, planOf(plans, payment.planId), method, language);
    }),
    nextCursor: next && encodeCursor(next),
  };
}

export async function showReceipt(ctx: Ctx, paymentId: string, language: Language): Promise<ReceiptView> {
  const payment = await getPayment(ctx, paymentId);
  const method = methodOf(ctx.providers, payment);
  return presentReceipt(payment, await findPlan(ctx, payment.planId), method, language);
}

export async function showSubscriptions(
  ctx: Ctx,
  subscriptions: ReadonlyArray<Subscription>,
  language: Language,
): Promise<SubscriptionView[]> {
  const plans = await getPlans(ctx, namedPlans(subscriptions));
  return subscriptions.map((subscription) =>
    presentSubscription(subscription, planOf(plans, subscription.planId), language),
  );
}

export async function showSubscription(
  ctx: Ctx,
  subscription: Subscription,
  language: Language,
): Promise<SubscriptionView> {
  return presentSubscription(subscription, await findPlan(ctx, subscription.planId), language);
}

/** The plan that is still named; null where nothing names one. */
async function findPlan(ctx: Ctx, planId: string | null): Promise<SoldPlan | null> {
  return planId === null ? null : getPlan(ctx, planId);
}

function namedPlans(rows: ReadonlyArray<{ planId: string | null }>): string[] {
  return rows.flatMap(({ planId }) => planId ?? []);
}

/** Plans are never deleted while something names them; a gap is a broken database and must be seen. */
function planOf(plans: ReadonlyMap<string, SoldPlan>, planId: string | null): SoldPlan | null {
  if (planId === null) return null;
  const sold = plans.get(planId);
  if (!sold) throw new Error(`plan ${planId} is named by a payment or subscription but does not exist`);
  return sold;
}
