'use client';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Icon } from '#ui/components/icons.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { BackupStep } from '#ui/privacy/backup-step.tsx';
import { PassphraseField, Trouble } from '#ui/privacy/parts.tsx';
import { useKeys } from '#ui/privacy/queries.ts';
import { type NewKeyFlow, useNewKey } from '#ui/privacy/use-new-key.ts';
import { judgePassphrase } from '#ui/privacy/words.ts';
import { confirmClosing } from '#ui/telegram.ts';

/** Makes a key on this device in three steps: a passphrase, a backup, done. */
export default function NewKeyScreen() {
  const t = useT();
  const keys = useKeys();
  return (
    <Loaded
      query={keys}
      skeleton={
        <Screen title={t('keys.new.title')}>
          <CellsSkeleton count={3} />
        </Screen>
      }
    >
      {({ now }) => <Steps serverNow={now} />}
    </Loaded>
  );
}

function Steps({ serverNow }: { serverNow: string }) {
  // What the server's clock showed when the screen opened, and what has passed since by ours.
  const opened = useRef({ server: Date.parse(serverNow), here: performance.now() });
  const newKey = useNewKey(() => new Date(opened.current.server + performance.now() - opened.current.here));
  const { flow } = newKey;
  const isMade = flow.step === 'backup';
  useEffect(() => {
    if (!isMade) return;
    confirmClosing(true);
    return () => confirmClosing(false);
  }, [isMade]);
  if (flow.step === 'passphrase') return <PassphraseStep {...newKey} flow={flow} />;
  if (flow.step === 'backup')
    return <BackupStep flow={flow} onDone={(keep) => void newKey.takeIntoUse(flow.key, { keep })} />;
  return <Done isKept={flow.isKept} />;
}

type PassphraseProps = Pick<ReturnType<typeof useNewKey>, 'passphrase' | 'setPassphrase' | 'make'> & {
  flow: Extract<NewKeyFlow, { step: 'passphrase' }>;
};

function PassphraseStep({ flow, make, passphrase, setPassphrase }: PassphraseProps) {
  const t = useT();
  const [again, setAgain] = useState('');
  const { level, missing } = judgePassphrase(passphrase);
  const isEnough = level === 'fair' || level === 'strong';
  const differs = again !== '' && again !== passphrase;
  const isReady = isEnough && again === passphrase;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && !flow.isBusy) void make();
  };
  return (
    <Screen title={t('keys.new.title')} lead={t('keys.new.lead')}>
      <form onSubmit={submit} className="mt-6 grid gap-4">
        <PassphraseField
          label={t('keys.new.passphrase')}
          value={passphrase}
          onChange={setPassphrase}
          hint={t(`keys.new.strength.${level}`, { missing })}
          isNew
          isLocked={flow.isBusy}
          testId="new-key-passphrase"
        />
        <PassphraseField
          label={t('keys.new.again')}
          value={again}
          onChange={setAgain}
          hint={differs ? t('keys.new.differ') : null}
          isNew
          isLocked={flow.isBusy}
          testId="new-key-again"
        />
        <p className="flex gap-3 rounded-card bg-surface px-4 py-3 text-sub">
          <Icon name="alert" className="mt-px size-5 text-hint" />
          <span className="min-w-0">{t('keys.new.warning')}</span>
        </p>
        {flow.trouble && <Trouble>{t('keys.new.failed')}</Trouble>}
        <button type="submit" hidden disabled={!isReady} />
      </form>
      <PrimaryAction
        main={{
          text: t(flow.isBusy ? 'keys.new.making' : 'keys.new.make'),
          isEnabled: isReady,
          isBusy: flow.isBusy,
          onPress: () => void make(),
          testId: 'new-key-make',
        }}
      />
    </Screen>
  );
}

function Done({ isKept }: { isKept: boolean | null }) {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Screen title={t('keys.new.title')}>
      <Notice
        icon="check"
        role="status"
        title={t('keys.new.doneTitle')}
        text={t('keys.new.doneText')}
        testId="new-key-done"
      >
        {isKept !== null && <p className="text-sub">{t(isKept ? 'keys.new.kept' : 'keys.new.notKept')}</p>}
      </Notice>
      <PrimaryAction
        main={{
          text: t('keys.new.done'),
          onPress: () => navigate({ screen: 'privacy-centre' }, { replace: true }),
          testId: 'new-key-finish',
        }}
      />
    </Screen>
  );
}
