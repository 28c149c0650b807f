'use client';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react';
import { Button } from '#ui/components/controls.tsx';
import { askInPopup } from '#ui/telegram.ts';

export type Question = { title: string; message: string; yes: string; no: string; isDestructive: boolean };

type Pending = { question: Question; answer: (isYes: boolean) => void };

const AskContext = createContext<((question: Question) => Promise<boolean>) | null>(null);

/** Asks a yes-or-no question in the client's own popup, or in a dialog of the page where the client has none. */
export function DialogProvider({ children }: { children: ReactNode }) {
  const [pending, setPending] = useState<Pending | null>(null);
  const ask = useCallback(async (question: Question) => {
    const answered = await askInPopup(question);
    if (answered !== null) return answered;
    return new Promise<boolean>((resolve) => {
      const answer = (isYes: boolean) => {
        setPending(null);
        resolve(isYes);
      };
      setPending({ question, answer });
    });
  }, []);
  return (
    <AskContext value={ask}>
      {children}
      {pending && <Dialog {...pending} />}
    </AskContext>
  );
}

function Dialog({ question, answer }: Pending) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question"
      onCancel={() => answer(false)}
      className="m-auto w-[min(22rem,calc(100vw-2rem))] rounded-card bg-surface p-6 text-text"
    >
      <h2 id="question" className="text-heading">
        {question.title}
      </h2>
      <p className="mt-2 text-sub text-hint">{question.message}</p>
      <div className="mt-6 flex flex-col gap-2">
        <Button onPress={() => answer(true)} look={question.isDestructive ? 'danger' : 'filled'} testId="dialog-yes">
          {question.yes}
        </Button>
        <Button onPress={() => answer(false)} look="plain" testId="dialog-no">
          {question.no}
        </Button>
      </div>
    </dialog>
  );
}

/** The function that asks. Only inside DialogProvider. */
export function useAsk(): (question: Question) => Promise<boolean> {
  const ask = useContext(AskContext);
  if (ask === null) throw new Error('useAsk needs a DialogProvider');
  return ask;
}
