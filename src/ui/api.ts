import { createTRPCUntypedClient, httpLink } from '@trpc/client';
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '#api/router.ts';
import type { MeView } from '#api/views.ts';
import type { Language } from '#ui/message-format.ts';
import { fetchWithTimeout, type Problem, ProblemError, problemOf } from '#ui/problem.ts';

type Inputs = inferRouterInputs<AppRouter>;
type Outputs = inferRouterOutputs<AppRouter>;

/** What a procedure takes and gives, by its dotted path, as the router declares it. */
type At<Table, Path extends string> = Path extends `${infer Screen}.${infer Name}`
  ? Screen extends keyof Table
    ? Name extends keyof Table[Screen]
      ? Table[Screen][Name]
      : never
    : never
  : never;

type Query =
  | 'me.get'
  | 'catalog.list'
  | 'checkout.preview'
  | 'checkout.status'
  | 'payments.list'
  | 'payments.months'
  | 'payments.receipt'
  | 'methods.list'
  | 'methods.providers'
  | 'privacy.keys'
  | 'privacy.seen'
  | 'privacy.export'
  | 'privacy.erasure'
  | 'privacy.agreements'
  | 'subscriptions.list'
  | 'log.get'
  | 'records.forPayments'
  | 'records.signingKey'
  | 'entitlements.list';
type Mutation =
  | 'me.update'
  | 'me.allowMessages'
  | 'checkout.start'
  | 'checkout.cancel'
  | 'payments.receiptLink'
  | 'methods.add'
  | 'methods.confirm'
  | 'methods.claim'
  | 'methods.remove'
  | 'privacy.addKey'
  | 'privacy.proveKey'
  | 'privacy.requestExport'
  | 'privacy.retireKey'
  | 'privacy.askErasure'
  | 'privacy.cancelErasure'
  | 'log.update'
  | 'log.unbind'
  | 'log.sendAgain'
  | 'subscriptions.cancel'
  | 'subscriptions.resume';

export type Settings = { language?: Language; wantsReminders?: boolean; wantsSalesNotices?: boolean };
type Session = At<Outputs, 'session.start'>;

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
  constructor(options: {
    launch: () => { initData: string; startParam: string | null };
    onExpired: (problem: Problem) => void;
  }) {
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

  query<Path extends Query>(path: Path, input: At<Inputs, Path>, signal?: AbortSignal): Promise<At<Outputs, Path>> {
    return this.#run(() => this.#client.query(path, input, signal ? { signal } : {})) as Promise<At<Outputs, Path>>;
  }

  mutate<Path extends Mutation>(path: Path, input: At<Inputs, Path>): Promise<At<Outputs, Path>> {
    return this.#run(() => this.#client.mutation(path, input)) as Promise<At<Outputs, Path>>;
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
