'use client';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { cardName } from '#ui/cards.ts';
import { Icon, Spinner } from '#ui/components/icons.tsx';
import { Card } from '#ui/components/section.tsx';
import { Notice, ProblemNotice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import type { Confirmation } from '#ui/methods/confirmation.ts';
import { problemOf } from '#ui/problem.ts';
import { useClaimMethod } from '#ui/queries.ts';
import { hapticResult } from '#ui/telegram.ts';

type Asked = Readonly<{ confirmation: Confirmation | null; forget: () => void }>;

const AskedContext = createContext<Asked | null>(null);

/** Holds the card that the app was opened to confirm, until that is answered. */
export function ConfirmationProvider(props: { confirmation: Confirmation | null; children: ReactNode }) {
  const [confirmation, setConfirmation] = useState(props.confirmation);
  const forget = useCallback(() => setConfirmation(null), []);
  const value = useMemo(() => ({ confirmation, forget }), [confirmation, forget]);
  return <AskedContext value={value}>{props.children}</AskedContext>;
}

/** Confirms the card that the app was opened for, and tells what came of it. Nothing when it was opened for something else. */
export function Claiming() {
  const asked = useContext(AskedContext);
  if (asked === null) throw new Error('Claiming needs a ConfirmationProvider');
  const { confirmation, forget } = asked;
  const t = useT();
  const { data, error, isPending, mutate, variables } = useClaimMethod();
  useEffect(() => {
    if (confirmation) mutate(confirmation, { onSuccess: forget });
  }, [confirmation, forget, mutate]);
  if (isPending) return <Pending text={t('methods.claim.pending')} />;
  if (data) return <Added card={cardName(data)} />;
  if (!error) return null;
  const problem = problemOf(error);
  if (problem.reason === 'method_of_another') return <OfAnother />;
  return (
    <ProblemNotice problem={problem} {...(variables && { onRetry: () => mutate(variables, { onSuccess: forget }) })} />
  );
}

function Pending({ text }: { text: string }) {
  return (
    <Card className="mt-6">
      <p role="status" className="flex items-center gap-3 px-4 py-4 text-body" data-testid="method-claiming">
        <Spinner className="size-6 text-accent" />
        {text}
      </p>
    </Card>
  );
}

function OfAnother() {
  const t = useT();
  useEffect(() => hapticResult('warning'), []);
  return (
    <Notice
      icon="shield"
      role="alert"
      title={t('methods.claim.anotherTitle')}
      text={t('methods.claim.anotherText')}
      testId="method-of-another"
    />
  );
}

/** A card that is the person's from now on. */
export function Added({ card }: { card: string }) {
  const t = useT();
  useEffect(() => hapticResult('success'), []);
  return (
    <p
      role="status"
      className="appear mt-4 flex items-center gap-3 rounded-card bg-tint px-4 py-3 text-body"
      data-testid="method-added"
    >
      <Icon name="check" className="size-6 text-link" />
      {t('methods.added', { card })}
    </p>
  );
}
