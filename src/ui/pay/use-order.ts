'use client';
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { useIsOnline } from '#ui/components/states.tsx';
import { useWords } from '#ui/i18n.tsx';
import { fetchOrder } from '#ui/pay/api.ts';
import type { Started } from '#ui/pay/started.ts';
import { NOTHING_SEEN, nextLookMs, type Seen } from '#ui/pay/state.ts';
import { problemOf } from '#ui/problem.ts';

/** Follows an order while the page is looked at; `look` asks at once. A failed look keeps what was known. */
export function useOrder(invoiceId: string, started: Started | null): { seen: Seen; look: () => void } {
  const { language } = useWords();
  const [seen, setSeen] = useState(NOTHING_SEEN);
  const [round, setRound] = useState(0);
  const isVisible = useIsVisible();
  const isOnline = useIsOnline();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round and a returned connection begin a new watch.
  useEffect(() => {
    if (!isVisible) return;
    const abort = new AbortController();
    const ask = () => fetchOrder({ invoiceId, language }, abort.signal);
    void watch(ask, started, setSeen, abort.signal);
    return () => abort.abort();
  }, [invoiceId, language, started, isVisible, isOnline, round]);

  const look = useCallback(() => setRound((count) => count + 1), []);
  return { seen, look };
}

async function watch(
  ask: () => ReturnType<typeof fetchOrder>,
  started: Started | null,
  tell: (change: (before: Seen) => Seen) => void,
  signal: AbortSignal,
): Promise<void> {
  const since = Date.now();
  for (;;) {
    const seen = await ask().then(
      (order): Seen => ({ order, problem: null }),
      (error: unknown): Seen => ({ order: null, problem: problemOf(error) }),
    );
    if (signal.aborted) return;
    tell((before) => ({ ...seen, order: seen.order ?? before.order }));
    const delay = nextLookMs(seen, started, Date.now() - since);
    if (delay === null) return;
    await pause(delay, signal);
    if (signal.aborted) return;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function useIsVisible(): boolean {
  return useSyncExternalStore(
    (listener) => {
      document.addEventListener('visibilitychange', listener);
      return () => document.removeEventListener('visibilitychange', listener);
    },
    () => !document.hidden,
    () => true,
  );
}
