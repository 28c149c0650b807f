import { createTRPCUntypedClient, httpLink, TRPCClientError } from '@trpc/client';
import type {
  CheckoutPreview,
  EntitlementView,
  ErrorView,
  InvoiceView,
  MeView,
  PaymentPage,
  PaymentStatusView,
  ProductView,
  ReceiptView,
  SubscriptionView,
} from '#api/views.ts';
import type { Method } from '#domain/provider.ts';
import type { Language } from '#ui/message-format.ts';

/** The procedures the screens call, as src/api/views.ts lists them. */
type Queries = {
  'me.get': { input: undefined; output: MeView };
  'catalog.list': { input: undefined; output: ProductView[] };
  'checkout.preview': { input: { priceId: string }; output: CheckoutPreview };
  'checkout.status': { input: { invoiceId: string }; output: InvoiceView };
  'payments.list': { input: PaymentQuery; output: PaymentPage };
  'payments.months': { input: undefined; output: string[] };
  'payments.receipt': { input: { paymentId: string }; output: ReceiptView };
  'subscriptions.list': { input: undefined; output: SubscriptionView[] };
  'entitlements.list': { input: undefined; output: EntitlementView[] };
};
type Mutations = {
  'session.start': { input: { initData: string; startParam?: string }; output: Session };
  'me.update': { input: Settings; output: MeView };
  'me.allowMessages': { input: undefined; output: MeView };
  'checkout.start': { input: { priceId: string; method: Method }; output: InvoiceView };
  'checkout.cancel': { input: { invoiceId: string }; output: InvoiceView };
  'subscriptions.cancel': { input: { subscriptionId: string }; output: SubscriptionView };
  'subscriptions.resume': { input: { subscriptionId: string }; output: SubscriptionView };
};

export type PaymentQuery = { cursor?: string; limit?: number; status?: PaymentStatusView; month?: string };
export type Settings = { language?: Language; wantsReminders?: boolean; wantsSalesNotices?: boolean };
export type Session = { token: string; expiresAt: string; me: MeView };

/** Why a call did not work, as the screens show it. `network`: no answer came; `text` is then null. */
export type Problem = Readonly<{
  kind: ErrorView['kind'] | 'network';
  reason: ErrorView['reason'] | null;
  text: string | null;
  requestId: string | null;
  retryAfterSeconds: number | null;
}>;

/** Thrown by every call of `Api`. */
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
  const view = error instanceof TRPCClientError ? hoshiError(error.data) : null;
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

/** Talks to our server on behalf of the person, with a bearer token that lives in memory only: no cookies. */
export class Api {
  #token: string | null = null;
  #renewal: Promise<void> | null = null;
  readonly #client;
  readonly #signIn: () => Promise<Session>;
  readonly #onExpired: (problem: Problem) => void;

  /**
   * @param launch gives the signed launch data, newest first; asked again when the session has ended.
   * @param onExpired told once no session can be had: the person must reopen the app.
   */
  constructor(options: { launch: () => { initData: string; startParam: string | null }; onExpired: (problem: Problem) => void }) {
    this.#onExpired = options.onExpired;
    this.#client = createTRPCUntypedClient({
      links: [
        httpLink({
          url: '/api/trpc',
          headers: () => (this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
          fetch: (url, init) => fetchWithTimeout(url as string, init as RequestInit),
        }),
      ],
    });
    this.#signIn = async () => {
      const { initData, startParam } = options.launch();
      const input = startParam === null ? { initData } : { initData, startParam };
      return (await this.#client.mutation('session.start', input)) as Session;
    };
  }

  /** Exchanges the launch data for a session. Throws ProblemError. */
  async start(): Promise<MeView> {
    try {
      const session = await this.#signIn();
      this.#token = session.token;
      return session.me;
    } catch (error) {
      throw new ProblemError(problemOf(error), error);
    }
  }

  query<Path extends keyof Queries>(path: Path, input: Queries[Path]['input'], signal?: AbortSignal): Promise<Queries[Path]['output']> {
    return this.#run(() => this.#client.query(path, input, signal ? { signal } : {})) as Promise<Queries[Path]['output']>;
  }

  mutate<Path extends keyof Mutations>(path: Path, input: Mutations[Path]['input']): Promise<Mutations[Path]['output']> {
    return this.#run(() => this.#client.mutation(path, input)) as Promise<Mutations[Path]['output']>;
  }

  /** Runs a call; when the session has ended, signs in once more in silence and repeats it. */
  async #run(act: () => Promise<unknown>): Promise<unknown> {
    const tokenBefore = this.#token;
    try {
      return await act();
    } catch (error) {
      const problem = problemOf(error);
      if (problem.kind !== 'unauthenticated') throw new ProblemError(problem, error);
      if (this.#token === tokenBefore) await this.#renew();
    }
    try {
      return await act();
    } catch (error) {
      const problem = problemOf(error);
      if (problem.kind === 'unauthenticated') this.#onExpired(problem);
      throw new ProblemError(problem, error);
    }
  }

  /** Calls that fail at the same time share one sign-in. */
  async #renew(): Promise<void> {
    this.#renewal ??= this.start()
      .then(() => undefined)
      .finally(() => {
        this.#renewal = null;
      });
    try {
      await this.#renewal;
    } catch (error) {
      const problem = problemOf(error);
      if (problem.kind !== 'network') this.#onExpired(problem);
      throw error;
    }
  }
}

async function fetchWithTimeout(url: string, init: RequestInit): Promise<Response> {
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
