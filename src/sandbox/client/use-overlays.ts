import { useCallback, useEffect, useRef, useState } from 'react';
import type { SimPayResult } from '../control.ts';
import type { ChatRequest, DialogRequest } from './phone-context.ts';

type Pending<Request, Answer> = { id: number; request: Request; resolve: (answer: Answer) => void };

/** One sheet or dialog that is asked for and answers once. A new request dismisses the one before it. */
function useQuestion<Request, Answer>(dismissed: Answer) {
  const [pending, setPending] = useState<Pending<Request, Answer>>();
  const open = useRef<Pending<Request, Answer>>(undefined);
  const sequence = useRef(0);
  const fallback = useRef(dismissed);

  const answer = useCallback((value: Answer) => {
    const current = open.current;
    open.current = undefined;
    setPending(undefined);
    current?.resolve(value);
  }, []);

  const ask = useCallback(
    (request: Request): Promise<Answer> =>
      new Promise((resolve) => {
        if (open.current) answer(fallback.current);
        sequence.current += 1;
        open.current = { id: sequence.current, request, resolve };
        setPending(open.current);
      }),
    [answer],
  );

  const dismiss = useCallback(() => answer(fallback.current), [answer]);
  return { pending, ask, answer, dismiss };
}

const toastMs = 3200;
const hapticMs = 450;

/** Everything that can lie over the chat: pay sheet, top-up sheet, dialog, toast, vibration. */
export function useOverlays() {
  const invoice = useQuestion<string, SimPayResult['reported']>(['cancelled']);
  const topUp = useQuestion<number, void>(undefined);
  const share = useQuestion<ChatRequest, void>(undefined);
  const dialog = useQuestion<DialogRequest, string | undefined>(undefined);
  const [toast, setToast] = useState<{ id: number; text: string }>();
  const [haptic, setHaptic] = useState<{ id: number; kind: string }>();
  const sequence = useRef(0);

  const showToast = useCallback((text: string) => {
    sequence.current += 1;
    setToast({ id: sequence.current, text });
  }, []);
  const vibrate = useCallback((kind: string) => {
    sequence.current += 1;
    setHaptic({ id: sequence.current, kind });
  }, []);

  useEffect(() => {
    if (!toast) return;
    const timer = setTimeout(() => setToast(undefined), toastMs);
    return () => clearTimeout(timer);
  }, [toast]);
  useEffect(() => {
    if (!haptic) return;
    const timer = setTimeout(() => setHaptic(undefined), hapticMs);
    return () => clearTimeout(timer);
  }, [haptic]);

  return { invoice, topUp, share, dialog, toast, showToast, haptic, vibrate };
}
