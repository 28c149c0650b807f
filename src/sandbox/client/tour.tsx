import { useState } from 'react';
import { api } from './api.ts';
import { Icon } from './icons.tsx';
import { ActError, useAct } from './panel.tsx';
import { useSnapshot } from './store.ts';
import { useTexts } from './texts.ts';
import type { Account } from './use-account.ts';

const monthSeconds = 30 * 86_400;

/** Three presses that show what Hoshi does; each step is marked when it has really happened. */
export function Tour(props: { account: Account | undefined; appOpened: boolean; onOpenApp: () => void }) {
  const texts = useTexts();
  const state = useSnapshot((now) => now.state);
  const { act, busy, error } = useAct();
  const [collapsed, setCollapsed] = useState(false);
  const hasPaid = props.account?.transactions.some((transaction) => transaction.amount > 0) ?? false;
  // The clock may be a few milliseconds short of what was asked.
  const hasJumped = (state?.clockOffsetMs ?? 0) > (monthSeconds - 60) * 1000;
  const steps = [
    {
      id: 'open',
      title: texts.tour.open,
      hint: texts.tour.openHint,
      done: props.appOpened || hasPaid,
      press: props.onOpenApp,
    },
    { id: 'pay', title: texts.tour.pay, hint: texts.tour.payHint, done: hasPaid, press: props.onOpenApp },
    {
      id: 'jump',
      title: texts.tour.jump,
      hint: texts.tour.jumpHint,
      done: hasJumped,
      press: () => void act(() => api.advance(monthSeconds)),
    },
  ];
  const next = steps.find((step) => !step.done)?.id;
  return (
    <section className="tour" aria-label={texts.tour.title}>
      <button
        type="button"
        className="tour-header"
        aria-expanded={!collapsed}
        onClick={() => setCollapsed((current) => !current)}
      >
        <h2>{texts.tour.title}</h2>
        <Icon name="chevron" size={16} />
      </button>
      {!collapsed && (
        <ol>
          {steps.map((step, index) => (
            <li key={step.id} className={step.done ? 'done' : step.id === next ? 'next' : ''}>
              <button type="button" onClick={step.press} disabled={busy} data-testid={`tour-${step.id}`}>
                <span className="tour-mark" aria-hidden="true">
                  {step.done ? <Icon name="check" size={16} /> : index + 1}
                </span>
                <span>
                  <strong>{step.title}</strong>
                  <small>{step.done ? texts.tour.done : step.hint}</small>
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
      <ActError error={error} />
    </section>
  );
}
