import type { ErrorView } from '#api/views.ts';

/** Why a call did not work, as the screens show it. `network`: no answer came; `text` is then null. */
export type Problem = Readonly<{
  kind: ErrorView['kind'] | 'network';
  reason: ErrorView['reason'] | null;
  text: string | null;
  requestId: string | null;
  retryAfterSeconds: number | null;
}>;

/** Thrown by every call of our server. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, cause: unknown) {
    super(problem.reason ?? problem.kind, { cause });
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

/** The problem inside an error of any origin. What did not come from our server counts as "no answer". */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  // As tRPC's client throws it, and as its protocol writes it.
  const view = hoshiError((error as { data?: unknown } | null | undefined)?.data);
  if (view === null) return { kind: 'network', reason: null, text: null, requestId: null, retryAfterSeconds: null };
  const { kind, reason, text, requestId, retryAfterSeconds } = view;
  return { kind, reason, text, requestId, retryAfterSeconds };
}

function hoshiError(data: unknown): ErrorView | null {
  const view = (data as { hoshi?: ErrorView } | null | undefined)?.hoshi;
  return view && typeof view.text === 'string' ? view : null;
}

/** An answer that takes longer is treated as none. */
const TIMEOUT_MS = 20_000;

/** `fetch` that gives up after 20 s. */
export async function fetchWithTimeout(url: string, init: RequestInit): Promise<Response> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  const outer = init.signal;
  const forward = () => timeout.abort();
  outer?.addEventListener('abort', forward, { once: true });
  try {
    return await fetch(url, { ...init, signal: timeout.signal });
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', forward);
  }
}
