import { z } from '@hono/zod-openapi';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { cancelSubscription } from '#domain/subscription/cancel.ts';
import { getSubscription, listSubscriptions } from '#domain/subscription/records.ts';
import { SUBSCRIPTION_STATUSES } from '#domain/subscription/rules.ts';
import type { Subscription } from '#lib/generated/prisma/client.ts';
import { malformedRequest } from '../errors.ts';
import { showSubscription, showSubscriptions } from '../show.ts';
import type { SubscriptionView } from '../views.ts';
import { resolvePerson } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import { IdText, Instant, MONEY_FIELDS, PastName, PERSON_FIELDS, PERSON_QUERY, Success } from './schemas.ts';

const SubscriptionResource = z
  .object({
    subscription_id: z.string().openapi({ example: 'sub_01kahw9d6xq3v7c0mtz8b5r2ny' }),
    status: z.enum(SUBSCRIPTION_STATUSES).openapi({
      description:
        'cancelling: runs to the period’s end; past_due: a renewal failed, access lasts for the days of grace',
    }),
    plan_id: PastName,
    plan_name: PastName,
    product_code: PastName,
    product_name: PastName,
    ...MONEY_FIELDS,
    started_at: Instant,
    current_period_end: Instant,
    grace_until: Instant.nullable(),
    ended_at: Instant.nullable(),
    can_cancel: z.boolean(),
    can_resume: z.boolean(),
  })
  .openapi('Subscription');

const Subscriptions = z
  .object({
    success: Success,
    user_id: z.string(),
    subscription: SubscriptionResource.nullable().openapi({ description: 'The newest that still gives access' }),
    subscriptions: z.array(SubscriptionResource).openapi({ description: 'All, newest first, at most 50' }),
  })
  .openapi('Subscriptions');
const OneSubscription = z.object({ success: Success, subscription: SubscriptionResource }).openapi('OneSubscription');

function subscriptionResource(view: SubscriptionView): z.input<typeof SubscriptionResource> {
  return {
    subscription_id: view.id,
    status: view.status,
    plan_id: view.planId,
    plan_name: view.planName,
    product_code: view.productCode,
    product_name: view.productName,
    amount: view.money.amount,
    currency: view.money.currency,
    amount_text: view.money.text,
    started_at: view.startedAt.iso,
    current_period_end: view.currentPeriodEnd.iso,
    grace_until: view.graceUntil?.iso ?? null,
    ended_at: view.endedAt?.iso ?? null,
    can_cancel: view.canCancel,
    can_resume: view.canResume,
  };
}

const subscriptionRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payment/subscription',
  access: { kind: 'person', scope: 'subscriptions:read' },
  tag: 'Subscriptions',
  summary: 'Subscriptions of the caller',
  query: z.object(PERSON_QUERY),
  answer: { status: 200, description: 'The current one and all', schema: Subscriptions },
  refusals: [404],
  run: async ({ ctx, query, language }) => {
    const person = await resolvePerson(ctx, query, 'subscriptions:read');
    const views = await showSubscriptions(ctx, await listSubscriptions(ctx, person.id), language);
    const subscriptions = views.map(subscriptionResource);
    const current = subscriptions.find(({ status }) => status !== 'expired' && status !== 'revoked') ?? null;
    return { success: true as const, user_id: person.id, subscription: current, subscriptions };
  },
});

const CancelBody = z
  .strictObject({
    subscription_id: IdText.optional().openapi({ description: 'May be left out while only one is running' }),
    ...PERSON_FIELDS,
  })
  .openapi('CancelSubscription');

const cancelRoute = defineRoute({
  method: 'put',
  path: '/api/v1/payment/subscription/cancel',
  access: { kind: 'person', scope: 'subscriptions:write' },
  tag: 'Subscriptions',
  summary: 'Stop the renewal; access lasts to the period’s end',
  description: 'A server’s key needs subscriptions:read as well.',
  body: CancelBody,
  answer: { status: 200, description: 'The subscription as it is now', schema: OneSubscription },
  refusals: [404, 409, 412, 503],
  run: async ({ ctx, body, language }) => {
    const subscription = await findMeant(ctx, body);
    const cancelled = await cancelSubscription(ctx, subscription.id);
    return {
      success: true as const,
      subscription: subscriptionResource(await showSubscription(ctx, cancelled, language)),
    };
  },
});

type Meant = z.output<typeof CancelBody>;

/** The subscription a request means: the one it names, or the only one that renews. */
async function findMeant(ctx: Ctx, body: Meant): Promise<Subscription> {
  if (body.subscription_id !== undefined) {
    const subscription = await getSubscription(ctx, body.subscription_id);
    const isNamed = body.user_id !== undefined || body.customer_telegram_id !== undefined;
    const owner = isNamed ? await resolvePerson(ctx, body, 'subscriptions:write') : null;
    if (owner && owner.id !== subscription.userId) throw new AppError('not_found', 'subscription_not_found');
    return subscription;
  }
  const person = await resolvePerson(ctx, body, 'subscriptions:write');
  const renewing = (await listSubscriptions(ctx, person.id)).filter(
    ({ status }) => status === 'active' || status === 'past_due',
  );
  const [only, ...others] = renewing;
  if (!only) throw new AppError('not_found', 'subscription_not_found');
  if (others.length > 0) throw malformedRequest({ fields: 'subscription_id' });
  return only;
}

/** What renews by itself. */
export const subscriptionRoutes: ReadonlyArray<Route> = [subscriptionRoute, cancelRoute];
