import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '#api/router.ts';
import { mutateLinked, queryLinked } from '#ui/linked-api.ts';

type Inputs = inferRouterInputs<AppRouter>['pay'];
type Outputs = inferRouterOutputs<AppRouter>['pay'];

/** The order behind a link. Throws ProblemError. */
export function fetchOrder(input: Inputs['order'], signal: AbortSignal): Promise<Outputs['order']> {
  return queryLinked('pay.order', input, signal);
}

/** Opens a way to pay the order; answers where to go. Throws ProblemError. */
export function startPayment(input: Inputs['start']): Promise<Outputs['start']> {
  return mutateLinked('pay.start', input);
}
