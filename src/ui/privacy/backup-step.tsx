'use client';
import { useEffect, useRef, useState } from 'react';
import { copyToClipboard } from '#ui/clipboard.ts';
import { Switch } from '#ui/components/controls.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Section } from '#ui/components/section.tsx';
import { useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { Field } from '#ui/methods/field.tsx';
import { canKeepKeys } from '#ui/privacy/kept.ts';
import { Fingerprint, ProblemTrouble, TextBlock, Trouble } from '#ui/privacy/parts.tsx';
import { canShareText, downloadText, shareText, type TextFile } from '#ui/privacy/save.ts';
import type { NewKeyFlow } from '#ui/privacy/use-new-key.ts';
import { endOf } from '#ui/privacy/words.ts';

type Props = Readonly<{ flow: Extract<NewKeyFlow, { step: 'backup' }>; onDone: (keep: boolean) => void }>;

/** The key is made, and counts only once its owner has a copy: they save it, and say by which end they will know it again. */
export function BackupStep({ flow, onDone }: Props) {
  const t = useT();
  const isOnline = useIsOnline();
  const { isBusy, key, trouble } = flow;
  const end = endOf(key.fingerprint);
  const [isSaved, setIsSaved] = useState(false);
  const [typed, setTyped] = useState('');
  const canKeep = canKeepKeys();
  const [keep, setKeep] = useState(canKeep);
  useEffect(() => {
    // The step before may have been scrolled. Newer browsers answer with a promise, which no effect may return.
    window.scrollTo(0, 0);
  }, []);
  const isRight = typed.trim().toUpperCase() === end;
  return (
    <Screen title={t('keys.new.backup.title')} lead={t('keys.new.backup.lead')}>
      <SaveSection
        title={t('keys.new.backup.section')}
        file={{ name: `hoshi-key-${end}.asc`, text: key.privateKey }}
        fingerprint={key.fingerprint}
        onSaved={() => setIsSaved(true)}
        testId="backup"
      />
      <SaveSection
        title={t('keys.new.backup.revocation')}
        note={t('keys.new.backup.revocationNote')}
        file={{ name: `hoshi-key-${end}-revocation.asc`, text: key.revocationCertificate }}
        testId="revocation"
      />
      {canKeep && (
        <Card className="mt-6">
          <Switch
            title={t('keys.new.backup.keep')}
            subtitle={t('keys.new.backup.keepNote')}
            isOn={keep}
            isDisabled={isBusy}
            onChange={setKeep}
          />
        </Card>
      )}
      <div className="mt-6 grid gap-4">
        <Field
          label={t('keys.new.backup.confirm')}
          value={typed}
          onChange={setTyped}
          hint={confirmHint(t, { isSaved, isRight, length: typed.trim().length })}
          isWrong={typed.trim().length >= 4 && !isRight}
          inputMode="text"
          autoComplete="off"
          maxLength={8}
          isLocked={isBusy}
          testId="backup-confirm"
        />
        {trouble?.kind === 'refused' && <ProblemTrouble problem={trouble.problem} />}
        {trouble?.kind === 'unread' && <Trouble>{t('keys.new.proofFailed')}</Trouble>}
      </div>
      <PrimaryAction
        main={{
          text: t(isBusy ? 'keys.new.saving' : 'keys.new.backup.done'),
          isEnabled: isSaved && isRight && isOnline,
          isBusy,
          onPress: () => onDone(keep),
          testId: 'backup-done',
        }}
      />
    </Screen>
  );
}

function confirmHint(
  t: ReturnType<typeof useT>,
  { isRight, isSaved, length }: { isSaved: boolean; isRight: boolean; length: number },
): string {
  if (length >= 4 && !isRight) return t('keys.new.backup.confirmWrong');
  return t(isSaved ? 'keys.new.backup.confirmNote' : 'keys.new.backup.first');
}

type Saved = 'file' | 'shared' | 'copied' | 'failed' | 'select';

/** The ways out of the app for one text. Which of them work depends on the client, and not every client says so. */
function SaveSection(props: {
  title: string;
  note?: string;
  file: TextFile;
  fingerprint?: string;
  onSaved?: () => void;
  testId: string;
}) {
  const t = useT();
  const { file, fingerprint, onSaved, testId } = props;
  const [saved, setSaved] = useState<Saved | null>(null);
  const block = useRef<HTMLTextAreaElement>(null);
  const done = (how: Saved) => {
    setSaved(how);
    // Text that has to be selected by hand counts too: its owner says by the next field that they have it.
    if (how !== 'failed') onSaved?.();
  };
  const copy = async () => done((await copyToClipboard(file.text)) ? 'copied' : 'select');
  useEffect(() => {
    if (saved === 'select') block.current?.select();
  }, [saved]);
  return (
    <Section title={props.title} note={props.note} testId={testId}>
      {fingerprint && (
        <div className="px-4 py-3">
          <p className="text-note text-hint">{t('keys.fact.fingerprint')}</p>
          <Fingerprint fingerprint={fingerprint} className="mt-1 select-text" />
        </div>
      )}
      <CellButton
        icon="download"
        tone="link"
        title={t('keys.new.backup.file')}
        testId={`${testId}-file`}
        onPress={() => {
          downloadText(file);
          done('file');
        }}
      />
      {canShareText(file) && (
        <CellButton
          icon="outside"
          tone="link"
          title={t('keys.new.backup.share')}
          testId={`${testId}-share`}
          onPress={() => void shareText(file).then((isShared) => done(isShared ? 'shared' : 'failed'))}
        />
      )}
      <CellButton
        icon="copy"
        tone="link"
        title={t('keys.new.backup.copy')}
        subtitle={onSaved ? t('keys.new.backup.copyNote') : undefined}
        testId={`${testId}-copy`}
        onPress={() => void copy()}
      />
      {saved === 'select' && (
        <div className="p-4">
          <TextBlock
            label={t('keys.new.backup.selectNote')}
            value={file.text}
            rows={6}
            fieldRef={block}
            testId={`${testId}-text`}
          />
        </div>
      )}
      {saved && saved !== 'select' && <SavedNote saved={saved} name={file.name} testId={`${testId}-saved`} />}
    </Section>
  );
}

function SavedNote({ name, saved, testId }: { saved: Exclude<Saved, 'select'>; name: string; testId: string }) {
  const t = useT();
  const text = saved === 'file' ? t('keys.new.backup.saved', { file: name }) : t(`keys.new.backup.${saved}`);
  return (
    <div role="status" className="px-4 py-3 text-sub" data-testid={testId}>
      <p className={saved === 'failed' ? 'text-danger' : ''}>{text}</p>
      {saved === 'file' && <p className="mt-0.5 text-hint">{t('keys.new.backup.savedNote')}</p>}
    </div>
  );
}
