'use client';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { ErasureBlockerView, ErasureView } from '#api/privacy-views.ts';
import { Button, SubmitButton } from '#ui/components/controls.tsx';
import { useAsk } from '#ui/components/dialog.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, Cell, CellButton, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { ProblemTrouble } from '#ui/privacy/parts.tsx';
import { useAskErasure, useCancelErasure, useErasure } from '#ui/privacy/queries.ts';
import { problemOf } from '#ui/problem.ts';
import type { Route } from '#ui/routes.ts';
import { hapticResult } from '#ui/telegram.ts';

/** Having all of theirs erased: what is in the way, what would go and stay, the word that confirms it, and waiting for it. */
export default function EraseScreen() {
  const t = useT();
  const erasure = useErasure();
  const isDone = useIsDone(erasure.data);
  return (
    <Screen title={t('erase.title')} lead={isDone ? undefined : t('erase.lead')}>
      {isDone ? (
        <Done />
      ) : (
        <Loaded query={erasure} skeleton={<DetailSkeleton />}>
          {(view) => <Standing view={view} />}
        </Loaded>
      )}
    </Screen>
  );
}

/** Whoever was erased while they looked on is somebody new at the next look, of whom nothing was ever asked. */
function useIsDone(view: ErasureView | undefined): boolean {
  const open = useRef(false);
  const [isDone, setIsDone] = useState(false);
  useEffect(() => {
    if (view?.state === 'waiting' || view?.state === 'running') open.current = true;
    if (view?.state === 'none' && open.current) setIsDone(true);
  }, [view]);
  return isDone;
}

function Standing({ view }: { view: ErasureView }) {
  const t = useT();
  if (view.state === 'running')
    return <Notice icon="clock" title={t('erase.running')} text={t('erase.runningText')} testId="erase-running" />;
  if (view.state === 'waiting') return <Waiting view={view} />;
  const isBlocked = view.blockers.length > 0;
  return (
    <>
      {view.state === 'failed' && isBlocked && (
        <p className="mt-6 px-4 text-sub text-hint" role="status">
          {t('erase.failed')}
        </p>
      )}
      {isBlocked && <Blockers blockers={view.blockers} />}
      <Effect view={view} />
      {!isBlocked && <Confirm view={view} />}
    </>
  );
}

function Waiting({ view }: { view: ErasureView }) {
  const t = useT();
  const cancel = useCancelErasure();
  const isOnline = useIsOnline();
  const minutes = view.minutesLeft ?? 0;
  const left =
    minutes >= 60 ? t('erase.hours', { count: Math.floor(minutes / 60) }) : t('erase.minutes', { count: minutes });
  return (
    <>
      <Notice
        icon="clock"
        role="status"
        title={t('erase.waiting', { left })}
        text={t('erase.waitingText', { date: view.dueAt?.text ?? '' })}
        testId="erase-waiting"
      >
        <Button
          look="filled"
          isBusy={cancel.isPending}
          isDisabled={!isOnline}
          testId="erase-cancel"
          onPress={() => cancel.mutate(undefined, { onSuccess: () => hapticResult('success') })}
        >
          {t('erase.cancel')}
        </Button>
      </Notice>
      {cancel.isError && (
        <div className="mt-4">
          <ProblemTrouble problem={problemOf(cancel.error)} />
        </div>
      )}
      <Effect view={view} />
    </>
  );
}

function Blockers({ blockers }: { blockers: ReadonlyArray<ErasureBlockerView> }) {
  const t = useT();
  return (
    <Section title={t('erase.first')} note={t('erase.firstNote')} testId="erase-blockers">
      {blockers.map((blocker) => (
        <Blocker key={JSON.stringify(blocker)} blocker={blocker} />
      ))}
    </Section>
  );
}

function Blocker({ blocker }: { blocker: ErasureBlockerView }) {
  const t = useT();
  const { navigate } = useNavigation();
  const { kind } = blocker;
  if (blocker.kind === 'balance')
    return (
      <Cell
        icon="coin"
        title={t('erase.blocker.balance')}
        subtitle={t('erase.blocker.balanceText', { amount: blocker.money.text })}
      />
    );
  if (blocker.kind === 'products')
    return (
      <Cell
        icon="plugin"
        title={t('erase.blocker.products', { count: blocker.count })}
        subtitle={t('erase.blocker.productsText')}
      />
    );
  const { icon, title, text } = wordsOf(blocker, t);
  return (
    <CellButton
      icon={icon}
      title={title}
      subtitle={text}
      leadsOn
      testId={`erase-blocker-${kind}`}
      onPress={() => navigate(routeOf(blocker))}
    />
  );
}

type Settled = Exclude<ErasureBlockerView, { kind: 'balance' | 'products' }>;

function wordsOf(blocker: Settled, t: ReturnType<typeof useT>) {
  switch (blocker.kind) {
    case 'subscription':
      return {
        icon: 'repeat' as const,
        title: t('erase.blocker.subscription', { plan: blocker.planName }),
        text: t('erase.blocker.subscriptionText'),
      };
    case 'order':
      return {
        icon: 'clock' as const,
        title: t('erase.blocker.order', { plan: blocker.planName }),
        text: t(blocker.isHeld ? 'erase.blocker.orderHeld' : 'erase.blocker.orderText'),
      };
    default:
      return {
        icon: 'receipt' as const,
        title: t(`erase.blocker.${blocker.kind}`),
        text: t(`erase.blocker.${blocker.kind}Text`),
      };
  }
}

/** Where it can be settled. */
function routeOf(blocker: Settled): Route {
  if (blocker.kind === 'subscription') return { screen: 'subscription', subscriptionId: blocker.subscriptionId };
  if (blocker.kind === 'order') return { screen: 'order', invoiceId: blocker.invoiceId };
  return { screen: 'receipt', paymentId: blocker.paymentId };
}

/** What would go and what would stay, from the person's own rows. */
function Effect({ view: { goes, stays } }: { view: ErasureView }) {
  const t = useT();
  const hasRights = goes.some(({ class: name }) => name === 'rights');
  return (
    <>
      <Section title={t('erase.goes')} note={hasRights ? t('erase.rightsNote') : undefined} testId="erase-goes">
        {goes.map(({ class: name, count }) => (
          <Cell key={name} icon="trash" title={t(`erase.erased.${name}`)} {...(count > 1 && { value: count })} />
        ))}
      </Section>
      <Section title={t('erase.stays')} note={t('erase.staysNote')} testId="erase-stays">
        {stays.map(({ class: name, count, until }) => (
          <Cell
            key={name}
            icon="document"
            title={t(`erase.retained.${name}`)}
            subtitle={until ? t('erase.until', { date: until.text }) : t('erase.always')}
            {...(count !== null && count > 0 && { value: count })}
          />
        ))}
      </Section>
    </>
  );
}

function Confirm({ view: { word } }: { view: ErasureView }) {
  const t = useT();
  const ask = useAsk();
  const isOnline = useIsOnline();
  const request = useAskErasure();
  const [typed, setTyped] = useState('');
  const isRight = typed.trim() === word;
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault();
    const question = {
      title: t('erase.sure'),
      message: t('erase.sureText'),
      yes: t('erase.sureYes'),
      no: t('erase.sureNo'),
      isDestructive: true,
    };
    if (!isRight || !(await ask(question))) return;
    request.mutate(typed, { onSuccess: () => hapticResult('warning') });
  };
  return (
    <form className="mt-6" onSubmit={(event) => void onSubmit(event)}>
      <Card>
        <div className="flex flex-col gap-3 p-4">
          <label htmlFor="erase-word" className="text-sub">
            {t('erase.type', { word })}
          </label>
          <input
            id="erase-word"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            autoCapitalize="off"
            autoCorrect="off"
            spellCheck={false}
            maxLength={40}
            data-testid="erase-word"
            className="min-h-12 w-full rounded-card border border-hint bg-surface px-4 text-body focus:border-link"
          />
          {request.isError && <ProblemTrouble problem={problemOf(request.error)} />}
          <SubmitButton isDisabled={!isRight || !isOnline} isBusy={request.isPending} isDanger testId="erase-submit">
            {t('erase.submit')}
          </SubmitButton>
          <p className="text-note text-hint">{t('erase.submitNote')}</p>
        </div>
      </Card>
    </form>
  );
}

function Done() {
  const t = useT();
  const queries = useQueryClient();
  const { navigate } = useNavigation();
  return (
    <Notice icon="check" role="status" title={t('erase.done')} text={t('erase.doneText')} testId="erase-done">
      <Button
        onPress={() => {
          // Nothing of the person before may be shown to the one after.
          queries.clear();
          navigate({ screen: 'home' }, { replace: true });
        }}
      >
        {t('erase.startAnew')}
      </Button>
    </Notice>
  );
}
