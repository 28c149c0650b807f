'use client';
import type { HeldRecordView, PersonalLogView } from '#api/privacy-views.ts';
import { Button } from '#ui/components/controls.tsx';
import { Section } from '#ui/components/section.tsx';
import { ProblemNotice, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { problemOf } from '#ui/problem.ts';
import { useSendRecordAgain } from '#ui/queries.ts';

/** Records that do not go by themselves: why, and what their owner may do. */
export function HeldRecords({ log: { held, records } }: { log: PersonalLogView }) {
  const t = useT();
  const send = useSendRecordAgain();
  if (records.length === 0) return null;
  return (
    <>
      {send.isError && <ProblemNotice problem={problemOf(send.error)} onRetry={() => send.mutate(send.variables)} />}
      <Section
        title={t('log.held')}
        note={held > records.length ? t('log.heldMore', { shown: records.length, count: held }) : undefined}
        testId="log-held"
      >
        {records.map((record) => (
          <HeldRow
            key={record.id}
            record={record}
            isSending={send.isPending && send.variables === record.id}
            onSend={() => send.mutate(record.id)}
          />
        ))}
      </Section>
    </>
  );
}

function HeldRow(props: { record: HeldRecordView; isSending: boolean; onSend: () => void }) {
  const { isSending, onSend, record } = props;
  const t = useT();
  const isOnline = useIsOnline();
  const name = t('log.record', { type: t(`log.type.${record.type}`), date: record.createdAt.text });
  const isFirst = record.obstacle === 'not_logged';
  return (
    <div className="px-4 py-2.5" data-testid={`log-record-${record.id}`}>
      <p className="text-body">{name}</p>
      <p className="mt-0.5 text-sub text-hint">{t(`log.reason.${record.obstacle}`)}</p>
      {record.canSend && (
        <div className="mt-2">
          <Button
            look="tinted"
            onPress={onSend}
            isDisabled={!isOnline}
            isBusy={isSending}
            testId={`log-send-${record.id}`}
          >
            {t(isFirst ? 'log.send' : 'log.sendAgain')}
            <span className="sr-only">: {name}</span>
          </Button>
        </div>
      )}
    </div>
  );
}
