'use client';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { BillingKeyView } from '#api/privacy-views.ts';
import { SubmitButton } from '#ui/components/controls.tsx';
import { Section } from '#ui/components/section.tsx';
import { useT } from '#ui/i18n.tsx';
import { keptKey } from '#ui/privacy/kept.ts';
import { FileButton, PassphraseField, Success, Trouble } from '#ui/privacy/parts.tsx';
import { endOf } from '#ui/privacy/words.ts';

type Result = 'opened' | 'no_key' | 'not_a_key' | 'wrong_passphrase' | 'other_key' | 'failed';

/** Finds out whether its owner could still open their records, before they need to. All of it happens on the device. */
export function TryKey({ view }: { view: BillingKeyView }) {
  const t = useT();
  const [backup, setBackup] = useState<{ text: string; name: string } | null>(null);
  const [passphrase, setPassphrase] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [result, setResult] = useState<Result | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (result === 'wrong_passphrase') field.current?.select();
  }, [result]);
  const kept = useQuery({
    queryKey: ['kept-key', view.fingerprint],
    queryFn: () => keptKey(view.fingerprint),
    networkMode: 'always',
  });
  const source = backup?.text ?? kept.data ?? null;
  const choose = (text: string | null, name: string) => {
    setBackup(text === null ? null : { text, name });
    setResult(text === null ? 'not_a_key' : null);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (source === null) return setResult('no_key');
    setIsBusy(true);
    const found = await tryToOpen(source, passphrase, view.fingerprint);
    setResult(found);
    if (found === 'opened') setPassphrase('');
    setIsBusy(false);
  };
  return (
    <Section title={t('keys.open.title')} note={t('keys.open.note')} testId="key-try">
      <form onSubmit={(event) => void submit(event)} className="grid gap-4 p-4">
        {kept.data && !backup && <p className="text-sub text-hint">{t('keys.open.kept')}</p>}
        {backup && <p className="text-sub break-words text-hint">{t('keys.open.chosen', { file: backup.name })}</p>}
        <FileButton onText={choose} isDisabled={isBusy} testId="key-backup">
          {t('keys.open.file')}
        </FileButton>
        <PassphraseField
          label={t('keys.open.passphrase')}
          value={passphrase}
          onChange={(typed) => {
            setPassphrase(typed);
            setResult(null);
          }}
          isWrong={result === 'wrong_passphrase'}
          isLocked={isBusy}
          inputRef={field}
          testId="key-passphrase"
        />
        {result === 'opened' && <Success testId="key-opened">{t('keys.open.opened')}</Success>}
        {result !== null && result !== 'opened' && (
          <Trouble>{t(`keys.open.${result}`, { end: endOf(view.fingerprint) })}</Trouble>
        )}
        <SubmitButton isDisabled={passphrase === '' || source === null} isBusy={isBusy} testId="key-open">
          {t('keys.open.send')}
        </SubmitButton>
      </form>
    </Section>
  );
}

async function tryToOpen(source: string, passphrase: string, fingerprint: string): Promise<Result> {
  try {
    const { unlock } = await import('#ui/privacy/unlock.ts');
    const unlocked = await unlock(passphrase, source);
    if (unlocked.kind !== 'opened') return unlocked.kind;
    return unlocked.fingerprints.includes(fingerprint) ? 'opened' : 'other_key';
  } catch (cause) {
    // The library could not be loaded, or this browser lacks what it needs.
    console.warn('the key could not be opened', cause);
    return 'failed';
  }
}
