'use client';
import { useCallback, useEffect, useState } from 'react';
import type { OpenAddingView } from '#api/views.ts';
import { useWords } from '#ui/i18n.tsx';
import { confirmAdding, fetchAdding } from '#ui/methods/api.ts';
import { browserSecrets } from '#ui/methods/browser-secrets.ts';
import { NOTHING_SEEN, type Seen } from '#ui/methods/state.ts';
import { problemOf } from '#ui/problem.ts';

export type Following = Readonly<{
  seen: Seen;
  /** True while a provider's page is asked about. */
  isChecking: boolean;
  /** Asks again. */
  look: () => void;
  /** What our server answered elsewhere on the page. */
  tell: (adding: OpenAddingView) => void;
}>;

/**
 * Follows the method behind a link. One that goes on at its provider's page is asked about whenever this page is come to: that
 * is where the provider leads back to, and by itself it proves nothing. What it led back with is shown to our server in any
 * case: where another browser has shown it before, the card must not stay.
 */
export function useAdding(methodId: string): Following {
  const { language } = useWords();
  const [seen, setSeen] = useState<Seen>(NOTHING_SEEN);
  const [isChecking, setIsChecking] = useState(false);
  const [round, setRound] = useState(0);
  const look = useCallback(() => setRound((count) => count + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each round asks once more.
  useEffect(() => {
    const abort = new AbortController();
    const { back, secret } = browserSecrets(methodId);
    const ask = async () => {
      const adding = await fetchAdding({ methodId, language }, abort.signal);
      const isAtProvider = adding.status === 'adding' && adding.url !== null;
      const isTold = isAtProvider || adding.status === 'confirming' || (adding.status === 'active' && back !== null);
      if (!isTold || abort.signal.aborted) return adding;
      if (isAtProvider) {
        setSeen({ adding, problem: null });
        setIsChecking(true);
      }
      const told = await confirmAdding({ methodId, language, token: null, secret, ...(back !== null && { back }) });
      // Where it goes on is told only by the question for it.
      return told.status === 'adding' ? adding : told;
    };
    void ask()
      .then(
        (adding): Seen => ({ adding, problem: null }),
        (error: unknown): Seen => ({ adding: null, problem: problemOf(error) }),
      )
      .then((next) => {
        if (abort.signal.aborted) return;
        setIsChecking(false);
        setSeen((before) => ({ ...next, adding: next.adding ?? before.adding }));
      });
    return () => abort.abort();
  }, [methodId, language, round]);

  useReturn(look);
  const tell = useCallback((adding: OpenAddingView) => setSeen({ adding, problem: null }), []);
  return { seen, isChecking, look, tell };
}

/** When the page is shown again as it was left, as by the browser's back button. */
function useReturn(listener: () => void): void {
  useEffect(() => {
    const onShow = ({ persisted }: PageTransitionEvent) => persisted && listener();
    window.addEventListener('pageshow', onShow);
    return () => window.removeEventListener('pageshow', onShow);
  }, [listener]);
}
