'use client';
import { useEffect, useState } from 'react';
import { Screen } from '#ui/components/screen.tsx';
import { Section } from '#ui/components/section.tsx';
import { ProblemNotice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { type OpenedMessage, openMessage } from '#ui/privacy/open-record.ts';
import { FileButton, TextBlock, Trouble } from '#ui/privacy/parts.tsx';
import { Details } from '#ui/privacy/record-view.tsx';
import { UnlockSection } from '#ui/privacy/unlock-section.tsx';
import { useSigningKey, useUnlocked } from '#ui/privacy/use-records.ts';
import { problemOf } from '#ui/problem.ts';

/** A record from a personal log, pasted or as a file, read on this device: the server need not have it any more. */
export default function OpenRecordScreen() {
  const t = useT();
  const [text, setText] = useState('');
  const [isUnreadable, setIsUnreadable] = useState(false);
  const signingKey = useSigningKey(true);
  const opened = useMessage(text, signingKey.data?.publicKey);
  const take = (given: string | null) => {
    setText(given ?? '');
    setIsUnreadable(given === null);
  };
  const isLocked = useUnlocked() === 0;
  const fault = isUnreadable ? 'no_message' : faultOf(text, opened);
  return (
    <Screen title={t('record.paper.title')} lead={t('record.paper.lead')}>
      <div className="mt-6 grid gap-4">
        <TextBlock
          label={t('record.paper.field')}
          value={text}
          rows={6}
          onChange={take}
          isWrong={fault !== null}
          placeholder={BEGIN}
          testId="record-text"
        />
        <FileButton onText={take} testId="record-file">
          {t('record.paper.file')}
        </FileButton>
        {fault && <Trouble testId="record-trouble">{t(`record.paper.${fault}`)}</Trouble>}
        {signingKey.isError && signingKey.data === undefined && (
          <ProblemNotice problem={problemOf(signingKey.error)} onRetry={() => void signingKey.refetch()} />
        )}
        {isLocked && fault === null && text.trim() !== '' && (
          <p role="status" className="px-4 text-sub" data-testid="record-locked">
            {t('record.paper.unlock')}
          </p>
        )}
      </div>
      <UnlockSection needsOther={opened?.kind === 'other_key'} />
      {opened?.kind === 'read' && (
        <Section
          title={opened.details.type ? t('record.title', { type: t(`log.type.${opened.details.type}`) }) : undefined}
          testId="record-opened"
        >
          <Details details={opened.details} isGenuine={opened.isGenuine} />
        </Section>
      )}
    </Screen>
  );
}

const BEGIN = '-----BEGIN PGP MESSAGE-----';

/** Why nothing is shown. That a text is no message at all is said at once, also while no key is open. */
function faultOf(text: string, opened: OpenedMessage | null): Exclude<OpenedMessage['kind'], 'read'> | null {
  if (text.trim() !== '' && !text.includes(BEGIN)) return 'no_message';
  return opened && opened.kind !== 'read' ? opened.kind : null;
}

/** What a message says, while a key is unlocked; null while there is nothing to say of it. */
function useMessage(text: string, signingKey: string | undefined): OpenedMessage | null {
  const version = useUnlocked();
  const [opened, setOpened] = useState<OpenedMessage | null>(null);
  useEffect(() => {
    let isCurrent = true;
    setOpened(null);
    if (version === 0 || text.trim() === '' || signingKey === undefined) return;
    void openMessage(text, signingKey).then((read) => {
      if (isCurrent) setOpened(read);
    });
    return () => {
      isCurrent = false;
    };
  }, [version, text, signingKey]);
  return version === 0 ? null : opened;
}
