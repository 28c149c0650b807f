import { showEntitlements } from '../show.ts';
import { personProcedure, router } from '../trpc.ts';

/** What the person may use now. */
export const entitlementsRouter = router({
  list: personProcedure.query(({ ctx: { ctx, user, language } }) => showEntitlements(ctx, user.id, language)),
});
