import { showCatalog } from '../show.ts';
import { personProcedure, router } from '../trpc.ts';

/** The plan picker and the marketplace. */
export const catalogRouter = router({
  list: personProcedure.query(({ ctx: { ctx, user, language } }) => showCatalog(ctx, user.id, language)),
});
