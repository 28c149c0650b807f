'use client';
import { QueryClient, QueryClientProvider, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import type { MeView } from '#api/views.ts';
import { Api } from '#ui/api.ts';
import { useWords } from '#ui/i18n.tsx';
import { type Launch, readLaunch } from '#ui/launch.ts';
import { type Problem, problemOf } from '#ui/problem.ts';

/** What the server told the page before anyone signed in. */
export type SiteConfig = Readonly<{
  botUsername: string;
  supportContact: string | null;
  webOrigin: string;
  /** For how long what is kept stays, as the privacy policy names it. */
  retention: Readonly<Record<string, number>>;
}>;

type SessionState = { phase: 'starting' } | { phase: 'ready' } | SessionTroubleState;

export type SessionTroubleState =
  /** Telegram gave no launch data: opened from a keyboard button or a copied link. */
  | { phase: 'no_launch_data' }
  /** The launch is too old for a session; only reopening from Telegram helps. */
  | { phase: 'expired'; problem: Problem }
  | { phase: 'failed'; problem: Problem };

type SessionContextValue = Readonly<{ state: SessionState; api: Api; retry: () => void; site: SiteConfig }>;

const SessionContext = createContext<SessionContextValue | null>(null);

/** Money and rights are asked again when the person returns; they may have changed in the chat meanwhile. */
function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        gcTime: 30 * 60_000,
        retry: (count, error) => count < 2 && ['network', 'unavailable'].includes(problemOf(error).kind),
        retryDelay: (count) => 500 * 2 ** count,
      },
    },
  });
}

/** Signs in once with the launch data and keeps the session for the screens. */
export function SessionProvider(props: { launch: Launch; site: SiteConfig; children: ReactNode }) {
  const [client] = useState(makeQueryClient);
  return (
    <QueryClientProvider client={client}>
      <SignIn {...props} />
    </QueryClientProvider>
  );
}

function SignIn({ launch, site, children }: { launch: Launch; site: SiteConfig; children: ReactNode }) {
  const queries = useQueryClient();
  const { setLanguage } = useWords();
  const [state, setState] = useState<SessionState>({ phase: 'starting' });
  const [attempt, setAttempt] = useState(0);
  const [api] = useState(
    () =>
      new Api({
        launch: () => freshLaunch(launch),
        onExpired: (problem) => setState({ phase: 'expired', problem }),
      }),
  );
  const hasStarted = useRef(-1);

  useEffect(() => {
    if (hasStarted.current === attempt) return;
    hasStarted.current = attempt;
    if (launch.initData === '') return setState({ phase: 'no_launch_data' });
    setState({ phase: 'starting' });
    start(api, setLanguage)
      .then((me) => {
        queries.setQueryData<MeView>(['me.get'], me);
        setState({ phase: 'ready' });
      })
      .catch((error: unknown) => {
        const problem = problemOf(error);
        setState({ phase: problem.kind === 'unauthenticated' ? 'expired' : 'failed', problem });
      });
  }, [api, attempt, launch, queries, setLanguage]);

  const retry = useCallback(() => setAttempt((count) => count + 1), []);
  const value = useMemo(() => ({ state, api, retry, site }), [state, api, retry, site]);
  return <SessionContext value={value}>{children}</SessionContext>;
}

/** The language stored on the server wins over the launch's; it is in place before the first text is shown. */
async function start(api: Api, setLanguage: (language: MeView['language']) => Promise<void>): Promise<MeView> {
  const me = await api.start();
  if (me.language !== document.documentElement.lang) await setLanguage(me.language);
  return me;
}

/** Some clients renew the fragment while the app runs; else the launch it began with. */
function freshLaunch(launch: Launch): { initData: string; startParam: string | null } {
  const now = readLaunch(location.hash);
  const newest = [launch, ...(now ? [now] : [])].reduce((best, next) =>
    signedAt(next) > signedAt(best) ? next : best,
  );
  return { initData: newest.initData, startParam: newest.startParam };
}

function signedAt({ initData }: Launch): number {
  return Number(new URLSearchParams(initData).get('auth_date') ?? 0);
}

/** The session and the server. Only inside SessionProvider. */
export function useSession(): SessionContextValue {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('useSession needs a SessionProvider');
  return session;
}
