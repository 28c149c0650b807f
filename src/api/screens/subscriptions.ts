import { z } from 'zod';
import { cancelSubscription, resumeSubscription } from '#domain/subscription/cancel.ts';
import { listSubscriptions } from '#domain/subscription/records.ts';
import { showSubscription, showSubscriptions } from '../show.ts';
import { IdInput, personProcedure, router } from '../trpc.ts';

const SubscriptionInput = z.strictObject({ subscriptionId: IdInput });

/** Running and past subscriptions. */
export const subscriptionsRouter = router({
  list: personProcedure.query(async ({ ctx: { ctx, user, language } }) =>
    showSubscriptions(ctx, await listSubscriptions(ctx, user.id), language),
  ),

  cancel: personProcedure
    .input(SubscriptionInput)
    .mutation(async ({ ctx: { ctx, language }, input }) =>
      showSubscription(ctx, await cancelSubscription(ctx, input.subscriptionId), language),
    ),

  resume: personProcedure
    .input(SubscriptionInput)
    .mutation(async ({ ctx: { ctx, language }, input }) =>
      showSubscription(ctx, await resumeSubscription(ctx, input.subscriptionId), language),
    ),
});
