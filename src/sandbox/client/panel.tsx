import { type ReactNode, useId, useState } from 'react';
import { SimRefusal } from './api.ts';
import { useModal } from './modal.ts';
import { useTexts } from './texts.ts';

/** A titled block of the control desk. */
export function Panel(props: {
  title: string;
  testId?: string;
  corner?: ReactNode;
  className?: string;
  children: ReactNode;
}) {
  const titleId = useId();
  return (
    <section className={`panel ${props.className ?? ''}`} aria-labelledby={titleId} data-testid={props.testId}>
      <header className="panel-header">
        <h2 id={titleId}>{props.title}</h2>
        {props.corner}
      </header>
      {props.children}
    </section>
  );
}

export type Act = (work: () => Promise<unknown>) => Promise<void>;

/** Runs one control request at a time and keeps its refusal for display. */
export function useAct(): { act: Act; busy: boolean; error: string | undefined } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const act: Act = async (work) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (cause) {
      if (!(cause instanceof SimRefusal)) throw cause;
      setError(`${cause.message} (${cause.code})`);
    } finally {
      setBusy(false);
    }
  };
  return { act, busy, error };
}

/** The refusal of the last action, read out at once. */
export function ActError({ error }: { error: string | undefined }) {
  const texts = useTexts();
  return (
    <p className="act-error" role="alert">
      {error && (
        <>
          <strong>{texts.failedAction}.</strong> {error}
        </>
      )}
    </p>
  );
}

/** A question on the desk, before something that cannot be taken back. */
export function Confirm(props: { title: string; text: string; action: string; onYes: () => void; onNo: () => void }) {
  const texts = useTexts();
  const titleId = useId();
  const container = useModal<HTMLDivElement>(props.onNo, true);
  return (
    <div className="desk-dialog-layer">
      <div className="scrim" aria-hidden="true" onClick={props.onNo} />
      <div
        className="desk-dialog"
        ref={container}
        role="alertdialog"
        aria-modal="true"
        aria-labelledby={titleId}
        tabIndex={-1}
      >
        <h2 id={titleId}>{props.title}</h2>
        <p>{props.text}</p>
        <div className="desk-dialog-buttons">
          <button type="button" className="button" onClick={props.onNo}>
            {texts.cancel}
          </button>
          <button type="button" className="button primary" data-testid="confirm-yes" onClick={props.onYes}>
            {props.action}
          </button>
        </div>
      </div>
    </div>
  );
}
