import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '#api/router.ts';
import { mutateLinked, queryLinked } from '#ui/linked-api.ts';

type Inputs = inferRouterInputs<AppRouter>['adding'];
type Outputs = inferRouterOutputs<AppRouter>['adding'];

/** The method that is being added behind a link. Throws ProblemError. */
export function fetchAdding(input: Inputs['get'], signal: AbortSignal): Promise<Outputs['get']> {
  return queryLinked('adding.get', input, signal);
}

/** Asks what came of it, with the token that the provider gave this browser where it gives one. Throws ProblemError. */
export function confirmAdding(input: Inputs['confirm']): Promise<Outputs['confirm']> {
  return mutateLinked('adding.confirm', input);
}
