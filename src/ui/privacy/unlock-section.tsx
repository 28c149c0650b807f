'use client';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button, SubmitButton } from '#ui/components/controls.tsx';
import { Spinner } from '#ui/components/icons.tsx';
import { Card, CellButton } from '#ui/components/section.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { keptKeys } from '#ui/privacy/kept.ts';
import { FileButton, PassphraseField, TextBlock, Trouble } from '#ui/privacy/parts.tsx';
import { useKeys } from '#ui/privacy/queries.ts';
import { lock, unlock } from '#ui/privacy/unlock.ts';
import { useUnlocked } from '#ui/privacy/use-records.ts';
import { hapticResult } from '#ui/telegram.ts';

/**
 * Opens a person's key for what stands below, and forgets it again. All of it happens on the device. `needsOther`: something
 * below was encrypted to a key that is not open yet.
 */
export function UnlockSection({ needsOther = false }: { needsOther?: boolean }) {
  const t = useT();
  const version = useUnlocked();
  const [isAsking, setIsAsking] = useState(false);
  const toggle = () => setIsAsking((was) => !was);
  return (
    <div className="mt-4">
      <p role="status" className="sr-only">
        {version === 0 ? '' : t('record.isUnlocked')}
      </p>
      <Card>
        {version === 0 ? (
          <CellButton
            icon="lock"
            title={t('record.show')}
            subtitle={t('record.showNote')}
            isExpanded={isAsking}
            testId="unlock"
            onPress={toggle}
          />
        ) : (
          <LockCell onPress={() => setIsAsking(false)} />
        )}
        {version !== 0 && needsOther && (
          <CellButton
            icon="key"
            title={t('record.another')}
            subtitle={t('record.anotherNote')}
            isExpanded={isAsking}
            testId="unlock-another"
            onPress={toggle}
          />
        )}
        {isAsking && (version === 0 || needsOther) && <Asking onOpened={toggle} />}
      </Card>
    </div>
  );
}

function LockCell({ onPress }: { onPress: () => void }) {
  const t = useT();
  const press = () => {
    onPress();
    lock();
  };
  return (
    <CellButton
      icon="unlock"
      title={t('record.lock')}
      subtitle={t('record.isUnlocked')}
      testId="lock"
      onPress={press}
    />
  );
}

/** Which key can be asked for: one that is kept here, or a backup. Without any key there is nothing to unlock. */
function Asking({ onOpened }: { onOpened: () => void }) {
  const t = useT();
  const { navigate } = useNavigation();
  const keys = useKeys();
  const kept = useQuery({ queryKey: ['kept-keys'], queryFn: keptKeys, networkMode: 'always', staleTime: 0 });
  if (kept.data === undefined || (kept.data.length === 0 && keys.isPending && keys.fetchStatus === 'fetching')) {
    return (
      <div role="status" className="flex justify-center p-4" data-testid="unlock-waiting">
        <Spinner />
        <span className="sr-only">{t('record.looking')}</span>
      </div>
    );
  }
  // Offline nobody knows: whoever has a backup may use it.
  const hasNone = kept.data.length === 0 && keys.data?.keys.length === 0;
  if (!hasNone) return <UnlockForm isKept={kept.data.length > 0} onOpened={onOpened} />;
  return (
    <div className="grid gap-3 p-4" data-testid="unlock-no-key">
      <p className="text-sub text-hint">{t('record.noKey')}</p>
      <Button onPress={() => navigate({ screen: 'privacy-centre' })} testId="unlock-to-keys">
        {t('record.toKeys')}
      </Button>
    </div>
  );
}

type Fault = 'no_key' | 'not_a_key' | 'wrong_passphrase' | 'failed';

function UnlockForm({ isKept, onOpened }: { isKept: boolean; onOpened: () => void }) {
  const t = useT();
  const [withBackup, setWithBackup] = useState(!isKept);
  const [backup, setBackup] = useState('');
  const [passphrase, setPassphrase] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [trouble, setTrouble] = useState<Fault | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (trouble === 'wrong_passphrase') field.current?.select();
  }, [trouble]);
  const change = () => {
    // Another key has another passphrase.
    setWithBackup((was) => !was);
    setPassphrase('');
    setTrouble(null);
  };
  const take = (text: string | null) => {
    setBackup(text ?? '');
    setTrouble(text === null ? 'not_a_key' : null);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setIsBusy(true);
    setTrouble(null);
    const found = await tryToUnlock(passphrase, withBackup ? backup : undefined);
    hapticResult(found === null ? 'success' : 'error');
    if (found === null) return onOpened();
    setTrouble(found);
    setIsBusy(false);
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="grid gap-4 p-4" data-testid="unlock-form">
      {withBackup && <BackupFields value={backup} isBusy={isBusy} onText={take} isWrong={trouble === 'not_a_key'} />}
      <PassphraseField
        label={t('keys.open.passphrase')}
        value={passphrase}
        onChange={(typed) => {
          setPassphrase(typed);
          setTrouble(null);
        }}
        hint={t(withBackup ? 'record.backupNote' : 'record.keptNote')}
        isWrong={trouble === 'wrong_passphrase'}
        isLocked={isBusy}
        inputRef={field}
        testId="unlock-passphrase"
      />
      {trouble && <Trouble testId="unlock-trouble">{t(`record.trouble.${trouble}`)}</Trouble>}
      <SubmitButton
        isDisabled={withBackup ? backup.trim() === '' : passphrase === ''}
        isBusy={isBusy}
        testId="unlock-send"
      >
        {t(isBusy ? 'record.opening' : 'record.open')}
      </SubmitButton>
      {isKept && (
        <Button look="plain" onPress={change} isDisabled={isBusy} testId="unlock-other">
          {t(withBackup ? 'record.useKept' : 'record.useBackup')}
        </Button>
      )}
    </form>
  );
}

function BackupFields(props: {
  value: string;
  isBusy: boolean;
  isWrong: boolean;
  onText: (text: string | null) => void;
}) {
  const t = useT();
  return (
    <>
      <FileButton onText={props.onText} isDisabled={props.isBusy} testId="unlock-file">
        {t('keys.open.file')}
      </FileButton>
      <TextBlock
        label={t('record.paste')}
        value={props.value}
        rows={4}
        onChange={props.onText}
        isWrong={props.isWrong}
        placeholder="-----BEGIN PGP PRIVATE KEY BLOCK-----"
        testId="unlock-backup"
      />
    </>
  );
}

/** Null when a key is open now; else why none is. */
async function tryToUnlock(passphrase: string, backup: string | undefined): Promise<Fault | null> {
  try {
    const unlocked = await unlock(passphrase, backup);
    return unlocked.kind === 'opened' ? null : unlocked.kind;
  } catch (cause) {
    // The library could not be loaded, or this browser lacks what it needs.
    console.warn('the key could not be opened', cause);
    return 'failed';
  }
}
