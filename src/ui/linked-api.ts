import { fetchWithTimeout, ProblemError, problemOf } from '#ui/problem.ts';

/*
 * Calls without a session, for pages that a link opens: its id is all that is shown to the server. They speak tRPC's
 * protocol by hand (trpc.io/docs/rpc), because its client would be a third of such a page's own code.
 */

/** Asks. Throws ProblemError. */
export function queryLinked<Data>(path: string, input: object, signal: AbortSignal): Promise<Data> {
  return call(`${path}?input=${encodeURIComponent(JSON.stringify(input))}`, { signal });
}

/** Does. Throws ProblemError. */
export function mutateLinked<Data>(path: string, input: object): Promise<Data> {
  const headers = { 'content-type': 'application/json' };
  return call(path, { method: 'POST', headers, body: JSON.stringify(input) });
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
