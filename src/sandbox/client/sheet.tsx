import { type ReactNode, useId } from 'react';
import { Icon } from './icons.tsx';
import { useModal } from './modal.ts';
import type { DialogRequest } from './phone-context.ts';
import { useTexts } from './texts.ts';

/** A sheet that rises from the bottom of the phone. `closeTestId` names its X for tests. */
export function Sheet(props: {
  title: string;
  testId: string;
  closeTestId: string;
  corner?: ReactNode;
  inert?: boolean;
  onClose: () => void;
  children: ReactNode;
}) {
  const texts = useTexts();
  const titleId = useId();
  const container = useModal<HTMLDivElement>(props.onClose);
  return (
    <div className="sheet-layer" inert={props.inert ?? false}>
      <div className="scrim" aria-hidden="true" onClick={props.onClose} />
      <div
        className="sheet"
        ref={container}
        role="dialog"
        aria-labelledby={titleId}
        tabIndex={-1}
        data-testid={props.testId}
      >
        <header className="sheet-header">
          <button
            type="button"
            className="round"
            aria-label={texts.close}
            data-testid={props.closeTestId}
            onClick={props.onClose}
          >
            <Icon name="close" />
          </button>
          <h2 id={titleId}>{props.title}</h2>
          <div className="sheet-corner">{props.corner}</div>
        </header>
        {props.children}
      </div>
    </div>
  );
}

/** A question in the middle of the phone. Answers with the button's id, undefined when it was dismissed. */
export function PhoneDialog({ request, onAnswer }: { request: DialogRequest; onAnswer: (id?: string) => void }) {
  const titleId = useId();
  const messageId = useId();
  const container = useModal<HTMLDivElement>(() => onAnswer());
  return (
    <div className="dialog-layer">
      <div className="scrim" aria-hidden="true" onClick={() => onAnswer()} />
      <div
        className="dialog"
        ref={container}
        role="alertdialog"
        aria-labelledby={request.title ? titleId : messageId}
        aria-describedby={messageId}
        tabIndex={-1}
        data-testid={request.testId ?? 'popup'}
      >
        <div className="dialog-words">
          {request.title && <h2 id={titleId}>{request.title}</h2>}
          <p id={messageId}>{request.message}</p>
        </div>
        <div className={`dialog-buttons count-${request.buttons.length}`}>
          {request.buttons.map((button) => (
            <button
              type="button"
              key={button.id}
              className={button.style}
              data-testid={`popup-button-${button.id}`}
              onClick={() => onAnswer(button.id)}
            >
              {button.label}
            </button>
          ))}
        </div>
      </div>
    </div>
  );
}
