import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '#api/router.ts';
import { fetchWithTimeout, ProblemError, problemOf } from '#ui/problem.ts';

/*
 * Two calls without a session: the id in the link is all that is shown to the server. They speak tRPC's protocol by hand
 * (trpc.io/docs/rpc), because its client would be a third of this page's own code.
 */

type Inputs = inferRouterInputs<AppRouter>['pay'];
type Outputs = inferRouterOutputs<AppRouter>['pay'];

/** The order behind a link. Throws ProblemError. */
export function fetchOrder(input: Inputs['order'], signal: AbortSignal): Promise<Outputs['order']> {
  return call(`pay.order?input=${encodeURIComponent(JSON.stringify(input))}`, { signal });
}

/** Opens a way to pay the order; answers where to go. Throws ProblemError. */
export function startPayment(input: Inputs['start']): Promise<Outputs['start']> {
  const headers = { 'content-type': 'application/json' };
  return call('pay.start', { method: 'POST', headers, body: JSON.stringify(input) });
}

async function call<Data>(path: string, init: RequestInit): Promise<Data> {
  try {
    const response = await fetchWithTimeout(`/api/trpc/${path}`, init);
    const answer = (await response.json()) as { result: { data: Data } } | { error: object };
    if ('error' in answer) throw answer.error;
    return answer.result.data;
  } catch (error) {
    throw new ProblemError(problemOf(error), error);
  }
}
