'use client';
import { type FormEvent, useState } from 'react';
import { SubmitButton } from '#ui/components/controls.tsx';
import { CopyText } from '#ui/components/copy.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Notice, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { FileButton, ProblemTrouble, TextBlock, Trouble } from '#ui/privacy/parts.tsx';
import { useAddKey } from '#ui/privacy/queries.ts';
import { uploadFault } from '#ui/privacy/words.ts';
import { problemOf } from '#ui/problem.ts';

const EXPORT_COMMAND = 'gpg --armor --export --export-options export-minimal';

/** For who has a key already: paste its public part or choose its file. The server says what is wrong with it, if anything. */
export default function AddKeyScreen() {
  const t = useT();
  const add = useAddKey();
  const { navigate } = useNavigation();
  const outcome = add.data?.outcome;
  if (outcome === 'updated' || outcome === 'retired')
    return <Merged outcome={outcome} keyId={add.data?.key.id ?? ''} />;
  return (
    <Screen title={t('keys.upload.title')} lead={t('keys.upload.lead')}>
      <UploadForm add={add} onBegun={(keyId) => navigate({ screen: 'key', keyId }, { replace: true })} />
    </Screen>
  );
}

type Fault = 'private' | 'tooLarge' | 'fileUnreadable';

function UploadForm({ add, onBegun }: { add: ReturnType<typeof useAddKey>; onBegun: (keyId: string) => void }) {
  const t = useT();
  const isOnline = useIsOnline();
  const [text, setText] = useState('');
  const [fault, setFault] = useState<Fault | null>(null);
  const take = (typed: string | null) => {
    const found = typed === null ? 'fileUnreadable' : uploadFault(typed);
    setFault(found);
    // A private key does not even stay on the screen.
    setText(typed === null || found === 'private' ? '' : typed);
    add.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(text, { onSuccess: ({ key, outcome }) => outcome === 'begun' && onBegun(key.id) });
  };
  return (
    <form onSubmit={submit} className="mt-6 grid gap-4">
      <TextBlock
        label={t('keys.upload.field')}
        value={text}
        onChange={take}
        rows={8}
        isWrong={fault !== null || add.isError}
        placeholder="-----BEGIN PGP PUBLIC KEY BLOCK-----"
        testId="key-text"
      />
      {fault && <Trouble>{t(`keys.upload.${fault}`)}</Trouble>}
      {add.isError && <ProblemTrouble problem={problemOf(add.error)} />}
      <FileButton onText={take} testId="key-file">
        {t('keys.upload.file')}
      </FileButton>
      <SubmitButton
        isDisabled={text.trim() === '' || fault !== null || !isOnline}
        isBusy={add.isPending}
        testId="key-send"
      >
        {t(add.isPending ? 'keys.upload.checking' : 'keys.upload.send')}
      </SubmitButton>
      <div className="text-note text-hint">
        <p>{t('keys.upload.how')}</p>
        <CopyText text={EXPORT_COMMAND} />
      </div>
    </form>
  );
}

/** The key was known: what the newer copy says of it counts. */
function Merged({ keyId, outcome }: { keyId: string; outcome: 'updated' | 'retired' }) {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Screen title={t('keys.upload.title')}>
      <Notice
        icon={outcome === 'updated' ? 'check' : 'key'}
        role="status"
        title={t(`keys.upload.${outcome}Title`)}
        text={t(`keys.upload.${outcome}Text`)}
        testId="key-merged"
      />
      <PrimaryAction
        main={{
          text: t('keys.upload.see'),
          onPress: () => navigate({ screen: 'key', keyId }, { replace: true }),
          testId: 'key-see',
        }}
      />
    </Screen>
  );
}
