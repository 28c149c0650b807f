'use client';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { BillingKeyView } from '#api/privacy-views.ts';
import { copyToClipboard } from '#ui/clipboard.ts';
import { Button, SubmitButton } from '#ui/components/controls.tsx';
import { CopyText } from '#ui/components/copy.tsx';
import { Notice, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { Field } from '#ui/methods/field.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { ProblemTrouble, TextBlock } from '#ui/privacy/parts.tsx';
import { useProveKey } from '#ui/privacy/queries.ts';
import { problemOf } from '#ui/problem.ts';
import { hapticResult } from '#ui/telegram.ts';

/** The message that only the key's owner can read, and a field for the code in it. */
export function Proof({ onProven, view }: { view: BillingKeyView; onProven: () => void }) {
  const t = useT();
  return view.message === null ? (
    <Over />
  ) : (
    <section className="mt-6 grid gap-4" data-testid="key-proof">
      <div>
        <h2 className="text-heading">{t('keys.prove.title')}</h2>
        <p className="mt-1 text-sub text-hint">{t('keys.prove.text')}</p>
      </div>
      <Message text={view.message} />
      <CodeForm view={view} onProven={onProven} />
    </section>
  );
}

function Message({ text }: { text: string }) {
  const t = useT();
  const field = useRef<HTMLTextAreaElement>(null);
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    const done = await copyToClipboard(text);
    if (!done) field.current?.select();
    setIsCopied(done);
  };
  return (
    <div className="grid gap-3">
      <TextBlock label={t('keys.prove.message')} value={text} rows={6} fieldRef={field} testId="key-message" />
      <Button onPress={() => void copy()} testId="key-message-copy">
        <span role="status">{t(isCopied ? 'keys.prove.copied' : 'keys.prove.copy')}</span>
      </Button>
      <div className="text-note text-hint">
        <p>{t('keys.prove.command')}</p>
        <CopyText text="gpg --decrypt" />
      </div>
    </div>
  );
}

function CodeForm({ onProven, view }: { view: BillingKeyView; onProven: () => void }) {
  const t = useT();
  const isOnline = useIsOnline();
  const prove = useProveKey();
  const [code, setCode] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const { isError } = prove;
  useEffect(() => {
    if (isError) field.current?.focus();
  }, [isError]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    prove.mutate(
      { keyId: view.id, code },
      {
        onSuccess: () => {
          hapticResult('success');
          onProven();
        },
      },
    );
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <Field
        label={t('keys.prove.code')}
        value={code}
        onChange={setCode}
        hint={t('keys.prove.codeNote', { left: view.triesLeft })}
        isWrong={isError}
        inputMode="text"
        autoComplete="off"
        maxLength={20}
        isLocked={prove.isPending}
        inputRef={field}
        testId="key-code"
      />
      {isError && <ProblemTrouble problem={problemOf(prove.error)} />}
      <SubmitButton isDisabled={code.trim() === '' || !isOnline} isBusy={prove.isPending} testId="key-prove">
        {t('keys.prove.send')}
      </SubmitButton>
    </form>
  );
}

function Over() {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Notice icon="alert" role="alert" title={t('keys.prove.over')} text={t('keys.prove.overText')} testId="key-over">
      <Button onPress={() => navigate({ screen: 'add-key' }, { replace: true })}>{t('keys.prove.again')}</Button>
    </Notice>
  );
}
