'use client';
import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';

export type Interval = 'month' | 'year';

type Choice = Readonly<{
  /** The product line in view; null until one was chosen. */
  line: string | null;
  interval: Interval;
  setLine: (line: string) => void;
  setInterval: (interval: Interval) => void;
}>;

const ChoiceContext = createContext<Choice | null>(null);

/** What the person has chosen while looking around. It outlives the screens, so nothing is asked twice. */
export function ChoiceProvider({ children }: { children: ReactNode }) {
  const [line, setLine] = useState<string | null>(null);
  const [interval, setInterval] = useState<Interval>('month');
  const value = useMemo(() => ({ line, interval, setLine, setInterval }), [line, interval]);
  return <ChoiceContext value={value}>{children}</ChoiceContext>;
}

/** The choices made so far. Only inside ChoiceProvider. */
export function useChoice(): Choice {
  const choice = useContext(ChoiceContext);
  if (choice === null) throw new Error('useChoice needs a ChoiceProvider');
  return choice;
}
