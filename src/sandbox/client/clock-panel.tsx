import { type FormEvent, useState } from 'react';
import { api } from './api.ts';
import { formatDate, formatDay, formatTime } from './format.ts';
import { ActError, Panel, useAct } from './panel.tsx';
import { useSnapshot } from './store.ts';
import { useLanguage, useTexts } from './texts.ts';
import { useNow } from './use-now.ts';

const daySeconds = 86_400;
const unitSeconds = { minutes: 60, hours: 3600, days: daySeconds } as const;
type Unit = keyof typeof unitSeconds;

function useOffsetWords(): string {
  const texts = useTexts();
  const state = useSnapshot((now) => now.state);
  const seconds = Math.round((state?.clockOffsetMs ?? 0) / 1000);
  if (seconds === 0) return texts.clock.real;
  const days = Math.floor(seconds / daySeconds);
  const hours = Math.floor((seconds % daySeconds) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const parts = [
    days > 0 ? texts.clock.days(days) : '',
    hours > 0 ? texts.clock.hours(hours) : '',
    minutes > 0 ? texts.clock.minutes(minutes) : '',
  ];
  return texts.clock.ahead(parts.filter(Boolean).slice(0, 2).join(' '));
}

function CustomMove({ busy, onMove }: { busy: boolean; onMove: (seconds: number) => void }) {
  const texts = useTexts();
  const [amount, setAmount] = useState('23');
  const [unit, setUnit] = useState<Unit>('days');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const count = Number(amount);
    if (Number.isFinite(count) && count > 0) onMove(Math.round(count * unitSeconds[unit]));
  };
  return (
    <form className="custom-move" onSubmit={submit}>
      <label htmlFor="move-amount">{texts.clock.custom}</label>
      <input
        id="move-amount"
        type="number"
        min="1"
        max="3650"
        value={amount}
        onChange={(event) => setAmount(event.target.value)}
      />
      <select aria-label={texts.clock.unit} value={unit} onChange={(event) => setUnit(event.target.value as Unit)}>
        <option value="minutes">{texts.clock.unitMinutes}</option>
        <option value="hours">{texts.clock.unitHours}</option>
        <option value="days">{texts.clock.unitDays}</option>
      </select>
      <button type="submit" className="button" disabled={busy}>
        {texts.clock.move}
      </button>
    </form>
  );
}

/** The sandbox's time, which the application follows: renewals, expiry and maturity happen at a press. */
export function ClockPanel() {
  const texts = useTexts();
  const language = useLanguage();
  const state = useSnapshot((now) => now.state);
  const nowMs = useNow();
  const offset = useOffsetWords();
  const { act, busy, error } = useAct();
  const move = (seconds: number) => void act(() => api.advance(seconds));
  const steps = [
    { id: 'hour', label: texts.clock.hour, seconds: 3600 },
    { id: 'day', label: texts.clock.day, seconds: daySeconds },
    { id: 'week', label: texts.clock.week, seconds: 7 * daySeconds },
    { id: 'month', label: texts.clock.month, seconds: 30 * daySeconds },
  ];
  return (
    <Panel
      title={texts.clock.title}
      testId="clock"
      corner={
        <button
          type="button"
          className="button small quiet"
          data-testid="clock-reset"
          disabled={busy || state?.clockOffsetMs === 0}
          onClick={() => void act(api.resetClock)}
        >
          {texts.clock.reset}
        </button>
      }
    >
      <div className="clock-face">
        <time className="clock-time" dateTime={new Date(nowMs).toISOString()}>
          {formatTime(nowMs, language)}
        </time>
        <div>
          <strong title={formatDate(nowMs / 1000, language)}>{formatDay(nowMs, language)}</strong>
          <small className={state?.clockOffsetMs ? 'moved' : ''} aria-live="polite">
            {busy ? texts.clock.moving : offset}
          </small>
        </div>
      </div>
      <div className="segmented">
        {steps.map((step) => (
          <button
            type="button"
            key={step.id}
            data-testid={`clock-advance-${step.id}`}
            disabled={busy}
            onClick={() => move(step.seconds)}
          >
            {step.label}
          </button>
        ))}
      </div>
      <CustomMove busy={busy} onMove={move} />
      <ActError error={error} />
    </Panel>
  );
}
