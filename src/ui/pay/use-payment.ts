'use client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useWords } from '#ui/i18n.tsx';
import { startPayment } from '#ui/pay/api.ts';
import { keepStarted, readStarted, type Started } from '#ui/pay/started.ts';
import { type Problem, problemOf } from '#ui/problem.ts';
import type { Way } from '#ui/ways.ts';

export type Payment = Readonly<{
  /** What was begun in this tab. */
  started: Started | null;
  isBusy: boolean;
  problem: Problem | null;
  /** Opens the way to pay and goes there. A second call while one runs does nothing. */
  pay: (way: Way) => void;
  /** Back to the choice, also instead of a transfer that is awaited. */
  chooseAgain: () => void;
  isChoosingAnew: boolean;
  /** Back from it: the transfer stays. */
  keepTransfer: () => void;
}>;

/** What is known of the order while the page is shown; `look` asks again. */
export type Standing = Readonly<{ failure: Started['failedBefore']; look: () => void }>;

/** What this tab does about paying the order. When the server says no, the order is looked at again: it may have changed. */
export function usePayment(invoiceId: string, latest: { readonly current: Standing }): Payment {
  const { language } = useWords();
  const [started, setStarted] = useStarted(invoiceId);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  // Two presses can come before the next render.
  const isRunning = useRef(false);
  const setRunning = useCallback((isNow: boolean) => {
    isRunning.current = isNow;
    setIsBusy(isNow);
  }, []);
  const [isChoosingAnew, setIsChoosingAnew] = useState(false);
  useReturn(() => {
    setRunning(false);
    setIsChoosingAnew(false);
  });

  const pay = async ({ method, provider }: Way) => {
    if (isRunning.current) return;
    setRunning(true);
    setProblem(null);
    try {
      const opened = await startPayment({ invoiceId, language, method, provider });
      const isInTelegram = method === 'telegram_stars' || opened.url === null;
      const begun: Started = {
        method,
        provider,
        url: isInTelegram ? opened.url : null,
        failedBefore: latest.current.failure,
      };
      keepStarted(opened.invoiceId, begun);
      // Busy until the page is gone.
      if (!isInTelegram && opened.url !== null) return location.assign(opened.url);
      if (opened.invoiceId !== invoiceId) return location.replace(`/pay/${opened.invoiceId}?lang=${language}`);
      setStarted(begun);
      setIsChoosingAnew(false);
    } catch (error) {
      setProblem(problemOf(error));
      latest.current.look();
    }
    setRunning(false);
  };

  const chooseAgain = () => {
    keepStarted(invoiceId, null);
    setStarted(null);
    setProblem(null);
    setIsChoosingAnew(true);
  };
  const keepTransfer = () => {
    setProblem(null);
    setIsChoosingAnew(false);
  };
  return { started, isBusy, problem, pay: (way) => void pay(way), chooseAgain, isChoosingAnew, keepTransfer };
}

/** Read with the page, and again when it comes back from the browser's memory. */
function useStarted(invoiceId: string) {
  const isServer = typeof window === 'undefined';
  const [started, setStarted] = useState(() => (isServer ? null : readStarted(invoiceId)));
  useReturn(() => setStarted(readStarted(invoiceId)));
  return [started, setStarted] as const;
}

/** Runs when the page is shown again as it was left, as by the browser's back button. */
function useReturn(listener: () => void): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const onShow = (event: PageTransitionEvent) => {
      if (event.persisted) latest.current();
    };
    window.addEventListener('pageshow', onShow);
    return () => window.removeEventListener('pageshow', onShow);
  }, []);
}
