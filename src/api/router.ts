import { addingRouter } from './screens/adding.ts';
import { catalogRouter } from './screens/catalog.ts';
import { checkoutRouter } from './screens/checkout.ts';
import { entitlementsRouter } from './screens/entitlements.ts';
import { logRouter } from './screens/log.ts';
import { meRouter } from './screens/me.ts';
import { methodsRouter } from './screens/methods.ts';
import { payRouter } from './screens/pay.ts';
import { paymentsRouter } from './screens/payments.ts';
import { privacyRouter } from './screens/privacy.ts';
import { recordsRouter } from './screens/records.ts';
import { sessionRouter } from './screens/session.ts';
import { subscriptionsRouter } from './screens/subscriptions.ts';
import { router } from './trpc.ts';

/** All procedures of the Mini App. views.ts lists what they take and show. */
export const appRouter = router({
  session: sessionRouter,
  me: meRouter,
  catalog: catalogRouter,
  checkout: checkoutRouter,
  pay: payRouter,
  methods: methodsRouter,
  adding: addingRouter,
  privacy: privacyRouter,
  payments: paymentsRouter,
  subscriptions: subscriptionsRouter,
  entitlements: entitlementsRouter,
  log: logRouter,
  records: recordsRouter,
});

export type AppRouter = typeof appRouter;
