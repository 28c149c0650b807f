'use client';
import { useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from 'react';
import type { InvoiceView } from '#api/views.ts';
import { invoiceSlugOf } from '#ui/launch.ts';
import { useNavigation } from '#ui/navigation.tsx';
import {
  IDLE,
  invoiceOf,
  isLocked,
  isPaidElsewhere,
  type PaymentEvent,
  type PaymentState,
  pollDelayMs,
  reducePayment,
} from '#ui/payment/machine.ts';
import { problemOf } from '#ui/problem.ts';
import { refreshRights } from '#ui/queries.ts';
import { useSession } from '#ui/session.tsx';
import { confirmClosing, hapticResult, onVisibility, openInvoice, openOutside } from '#ui/telegram.ts';
import type { Way } from '#ui/ways.ts';

/** How to pay: a way, or a stored method of it. */
export type Choice = Way & Readonly<{ storedMethodId?: string }>;

type Payment = Readonly<{
  state: PaymentState;
  /**
   * Makes (or resumes) the order for a price and opens where it is paid: Telegram's sheet, or the provider's page outside. A
   * stored method is charged instead. A second call while one runs does nothing.
   */
  pay: (priceId: string, choice: Choice) => void;
  /** Opens that again for an order that is still open. */
  payAgain: (invoice: InvoiceView) => void;
  /** The person says that the sheet is gone, for clients that never do. */
  reportClosed: () => void;
  checkAgain: () => void;
  reset: () => void;
}>;

const PaymentContext = createContext<Payment | null>(null);

/** Holds the running purchase above the screens, so that it survives moving between them. */
export function PaymentProvider({ children }: { children: ReactNode }) {
  const [state, dispatch] = useReducer(reducePayment, IDLE);
  const { api } = useSession();
  const queries = useQueryClient();
  const { navigate } = useNavigation();
  const isBusy = useRef(false);
  const sheet = useRef<AbortController | null>(null);

  const open = useCallback((invoice: InvoiceView) => {
    dispatch({ type: 'opened', invoice });
    if (invoice.url === null || invoice.status !== 'open') return;
    sheet.current?.abort();
    if (isPaidElsewhere(invoice)) return openOutside(invoice.url);
    const slug = invoiceSlugOf(invoice.url);
    if (slug === null) return;
    const controller = new AbortController();
    sheet.current = controller;
    void openInvoice(slug, controller.signal).then((hint) => {
      if (hint !== null) dispatch({ type: 'closed', invoiceId: invoice.id, hint });
    });
  }, []);

  const pay = useCallback(
    (priceId: string, { method, provider, storedMethodId }: Choice) => {
      // The reducer's lock shows on the next render; two taps can come before it.
      if (isBusy.current || isLocked(state)) return;
      isBusy.current = true;
      dispatch({ type: 'start', priceId });
      api
        .mutate('checkout.start', { priceId, method, provider, ...(storedMethodId && { storedMethodId }) })
        .then((invoice) => {
          open(invoice);
          navigate({ screen: 'order', invoiceId: invoice.id }, { replace: true });
        })
        .catch((error: unknown) => {
          dispatch({ type: 'refused', problem: problemOf(error) });
          // Its provider may be known by now as one that does not answer.
          void queries.invalidateQueries({ queryKey: ['checkout.preview'] });
        })
        .finally(() => {
          isBusy.current = false;
        });
    },
    [api, navigate, open, queries, state],
  );

  useEffect(() => confirmClosing(isLocked(state)), [state]);
  useServerWatch(state, dispatch);
  useResult(state, sheet);

  const value = useMemo<Payment>(
    () => ({
      state,
      pay,
      payAgain: open,
      reportClosed: () => {
        sheet.current?.abort();
        const invoice = invoiceOf(state);
        if (invoice) dispatch({ type: 'closed', invoiceId: invoice.id, hint: null });
      },
      checkAgain: () => dispatch({ type: 'check' }),
      reset: () => dispatch({ type: 'reset' }),
    }),
    [state, pay, open],
  );
  return <PaymentContext value={value}>{children}</PaymentContext>;
}

/** Asks the server about the order on the machine's schedule; pauses while the person is elsewhere. */
function useServerWatch(state: PaymentState, dispatch: (event: PaymentEvent) => void): void {
  const { api } = useSession();
  const isVisible = useIsVisible();
  const invoiceId = invoiceOf(state)?.id ?? null;
  const delay = pollDelayMs(state);
  const [round, setRound] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` starts the next wait after each answer.
  useEffect(() => {
    if (invoiceId === null || delay === null || !isVisible) return;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      const event = await api.query('checkout.status', { invoiceId }, abort.signal).then(
        (invoice): PaymentEvent => ({ type: 'seen', invoice }),
        (): PaymentEvent => ({ type: 'missed', invoiceId }),
      );
      if (abort.signal.aborted) return;
      dispatch(event);
      setRound((count) => count + 1);
    }, delay);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [api, delay, dispatch, invoiceId, isVisible, round]);
}

/** A haptic and fresh data exactly when a result is known. */
function useResult(state: PaymentState, sheet: { current: AbortController | null }): void {
  const queries = useQueryClient();
  const { phase } = state;
  const invoice = invoiceOf(state);
  const told = useRef<string | null>(null);

  useEffect(() => {
    const isResult = phase === 'succeeded' || phase === 'ended' || phase === 'not_taken';
    const key = invoice && isResult ? `${invoice.id} ${phase}` : null;
    if (key === null || key === told.current || invoice === null) return;
    told.current = key;
    queries.setQueryData(['checkout.status', invoice.id], invoice);
    if (phase === 'not_taken') return hapticResult('warning');
    sheet.current?.abort();
    hapticResult(phase === 'succeeded' ? 'success' : 'error');
    void refreshRights(queries);
  }, [phase, invoice, queries, sheet]);
}

function useIsVisible(): boolean {
  const [isVisible, setIsVisible] = useState(true);
  useEffect(() => onVisibility(setIsVisible), []);
  return isVisible;
}

/** The running purchase. Only inside PaymentProvider. */
export function usePayment(): Payment {
  const payment = useContext(PaymentContext);
  if (payment === null) throw new Error('usePayment needs a PaymentProvider');
  return payment;
}
