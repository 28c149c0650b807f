'use client';
import { useState } from 'react';
import type { BillingKeyView } from '#api/privacy-views.ts';
import { useAsk } from '#ui/components/dialog.tsx';
import { Question } from '#ui/components/question.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Facts } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { Fingerprint, KeyPill, ProblemTrouble, Success, Trouble } from '#ui/privacy/parts.tsx';
import { Proof } from '#ui/privacy/proof.tsx';
import { useKeys, useRetireKey } from '#ui/privacy/queries.ts';
import { TryKey } from '#ui/privacy/try-key.tsx';
import { endOf } from '#ui/privacy/words.ts';
import { problemOf } from '#ui/problem.ts';
import { validity } from '#ui/screens/privacy/centre.tsx';

/** One key: what it is, the code that is still to be entered, whether it still opens, and taking it out of use. */
export default function KeyScreen({ keyId }: { keyId: string }) {
  const t = useT();
  const keys = useKeys();
  const { navigate } = useNavigation();
  const known = keys.data?.keys.find(({ id }) => id === keyId);
  return (
    <Screen title={known ? t('keys.named', { end: endOf(known.fingerprint) }) : t('keys.title')}>
      <Loaded query={keys} skeleton={<DetailSkeleton />}>
        {({ keys: list }) =>
          known ? (
            <OneKey key={keyId} view={known} others={list.filter(({ id }) => id !== keyId)} />
          ) : (
            <Notice icon="search" title={t('keys.unknownTitle')} text={t('keys.unknownText')}>
              <CellButton
                tone="link"
                title={t('keys.toKeys')}
                onPress={() => navigate({ screen: 'privacy-centre' }, { replace: true })}
              />
            </Notice>
          )
        }
      </Loaded>
    </Screen>
  );
}

function OneKey({ others, view }: { view: BillingKeyView; others: readonly BillingKeyView[] }) {
  const t = useT();
  const [isProven, setIsProven] = useState(false);
  return (
    <>
      {isProven && (
        <div className="mt-6">
          <Success testId="key-proven">{t('keys.prove.done')}</Success>
        </div>
      )}
      {view.state === 'unproven' && <Proof view={view} onProven={() => setIsProven(true)} />}
      {view.state === 'expired' && (
        <div className="mt-6">
          <Trouble testId="key-expired">{t('keys.expiredNote')}</Trouble>
        </div>
      )}
      <KeyFacts view={view} />
      {view.state !== 'unproven' && <TryKey view={view} />}
      {view.state !== 'retired' && <Retire view={view} others={others} />}
      <Card className="mt-6">
        <Question question={t('keys.question.forgot')} answer={t('keys.question.forgotText')} />
      </Card>
    </>
  );
}

function KeyFacts({ view }: { view: BillingKeyView }) {
  const t = useT();
  return (
    <Card className="mt-6">
      <div className="px-4 py-3">
        <div className="flex items-start justify-between gap-3">
          <h2 className="text-body text-hint">{t('keys.fact.fingerprint')}</h2>
          <KeyPill state={view.state} />
        </div>
        <Fingerprint fingerprint={view.fingerprint} className="mt-1.5 select-text" />
      </div>
      <Facts
        facts={[
          { label: t('keys.fact.userId'), value: <UserIds userIds={view.userIds} /> },
          { label: t('keys.fact.algorithm'), value: view.algorithm },
          { label: t('keys.fact.ends'), value: validity(t, view) },
          { label: t('keys.fact.added'), value: view.createdAt.text },
        ]}
      />
    </Card>
  );
}

function UserIds({ userIds }: { userIds: readonly string[] }) {
  return userIds.map((userId) => (
    <span key={userId} className="block break-words">
      {userId}
    </span>
  ));
}

function Retire({ others, view }: { view: BillingKeyView; others: readonly BillingKeyView[] }) {
  const t = useT();
  const ask = useAsk();
  const retire = useRetireKey();
  const { back } = useNavigation();
  const isLast = !others.some(({ state }) => state === 'active' || state === 'expiring');
  const wasUsed = view.state !== 'unproven';
  const about = !wasUsed ? 'unproven' : isLast ? 'last' : 'text';
  const press = async () => {
    const question = {
      title: t(wasUsed ? 'keys.retire.title' : 'keys.retire.unlistTitle'),
      message: t(`keys.retire.${about}`),
      yes: t(wasUsed ? 'keys.retire.yes' : 'keys.retire.unlistYes'),
      no: t('keys.retire.no'),
      isDestructive: true,
    };
    // One that was never in use is not listed any more.
    if (await ask(question)) retire.mutate(view.id, { onSuccess: () => !wasUsed && back() });
  };
  return (
    <div className="mt-6 grid gap-3">
      {retire.isError && <ProblemTrouble problem={problemOf(retire.error)} />}
      <Card>
        <CellButton
          icon="trash"
          tone="danger"
          title={t(wasUsed ? 'keys.retire.action' : 'keys.retire.unlist')}
          isDisabled={retire.isPending}
          testId="key-retire"
          onPress={() => void press()}
        />
      </Card>
    </div>
  );
}
