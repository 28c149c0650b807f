'use client';
import type { DataExportView, ExportStateView } from '#api/privacy-views.ts';
import { Button } from '#ui/components/controls.tsx';
import { CopyText } from '#ui/components/copy.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Cell, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice, ProblemNotice, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { Trouble } from '#ui/privacy/parts.tsx';
import { useExport, useRequestExport } from '#ui/privacy/queries.ts';
import { problemOf } from '#ui/problem.ts';
import { openTelegramLink } from '#ui/telegram.ts';

/** A copy of everything that is kept of a person, which the bot sends to their chat. */
export default function ExportScreen() {
  const t = useT();
  const state = useExport();
  return (
    <Screen title={t('export.title')} lead={t('export.lead')}>
      <Loaded query={state} skeleton={<CellsSkeleton count={6} />}>
        {(data) => (
          <>
            <Progress state={data} />
            <Ask state={data} />
          </>
        )}
      </Loaded>
      <Contents />
      <Section title={t('export.whereTitle')} note={t('export.whereNote')}>
        <Cell icon="telegram" title={t('export.where')} />
      </Section>
    </Screen>
  );
}

const isUnderWay = (latest: DataExportView | null) => latest?.status === 'requested' || latest?.status === 'running';

/** What stands in the way is mended in the chat with the bot. */
const needsChat = ({ isReachable }: ExportStateView) => !isReachable;

function Ask({ state }: { state: ExportStateView }) {
  const t = useT();
  const isOnline = useIsOnline();
  const request = useRequestExport();
  const problem = request.isError ? problemOf(request.error) : null;
  if (isUnderWay(state.latest)) return null;
  return (
    <div className="mt-6 flex flex-col gap-3">
      {problem?.reason === 'too_many_exports' ? (
        <Notice
          icon="clock"
          role="alert"
          title={t('problem.title')}
          text={problem.text ?? ''}
          testId="export-too-many"
        />
      ) : (
        problem && <ProblemNotice problem={problem} onRetry={() => request.mutate()} />
      )}
      {needsChat(state) && (
        <>
          {state.latest?.obstacle !== 'unreachable' && <Trouble testId="export-blocked">{t('export.blocked')}</Trouble>}
          <Button look="filled" testId="export-open-chat" onPress={() => openTelegramLink(state.chatUrl)}>
            {t('export.openChat')}
          </Button>
        </>
      )}
      <Button
        look={needsChat(state) ? 'tinted' : 'filled'}
        isDisabled={!isOnline}
        isBusy={request.isPending}
        testId="export-ask"
        onPress={() => request.mutate()}
      >
        {t(state.latest ? 'export.askAgain' : 'export.ask')}
      </Button>
    </div>
  );
}

/** What has become of the copy that was asked for last. */
function Progress({ state: { latest } }: { state: ExportStateView }) {
  const t = useT();
  if (!latest) return null;
  const asked = t('export.asked', { date: latest.createdAt.text });
  return (
    <Section
      title={t('export.state')}
      note={isUnderWay(latest) ? t('export.leave') : latest.sha256 ? t('export.hashNote') : undefined}
      testId="export-state"
    >
      <div role="status">
        {isUnderWay(latest) && <UnderWay latest={latest} asked={asked} />}
        {latest.status === 'sent' && (
          <Cell
            icon="check"
            title={t('export.sent', { date: latest.completedAt?.text ?? '' })}
            subtitle={t('export.sentNote', { count: latest.documents })}
            testId="export-sent"
          />
        )}
        {latest.status === 'failed' && latest.obstacle && (
          <Cell
            icon="alert"
            tone="danger"
            title={t('export.failed')}
            subtitle={t(`export.obstacle.${latest.obstacle}`)}
            testId="export-failed"
          />
        )}
      </div>
      {latest.sha256 && (
        <div className="px-4 py-2.5 text-note text-hint">
          <p>{t('export.hash')}</p>
          <CopyText text={latest.sha256} testId="export-hash" />
        </div>
      )}
    </Section>
  );
}

function UnderWay({ asked, latest }: { latest: DataExportView; asked: string }) {
  const t = useT();
  const { obstacle, progress, status } = latest;
  const percent = t('export.percent', { percent: progress });
  return (
    <div className="px-4 py-3" data-testid="export-under-way">
      <p className="text-body">{t(status === 'running' ? 'export.running' : 'export.waiting')}</p>
      <p className="mt-0.5 text-sub text-hint">{obstacle ? t(`export.obstacle.${obstacle}`) : asked}</p>
      <progress
        className="mt-3 block h-2 w-full overflow-hidden rounded-full bg-track [&::-webkit-progress-bar]:bg-track [&::-webkit-progress-value]:bg-button"
        max={100}
        value={progress}
        aria-label={percent}
      />
      {progress > 0 && <p className="tabular mt-1.5 text-note text-hint">{percent}</p>}
    </div>
  );
}

function Contents() {
  const t = useT();
  return (
    <Section title={t('export.what')}>
      <Cell icon="receipt" title={t('export.part.books')} subtitle={t('export.part.booksNote')} />
      <Cell icon="document" title={t('export.part.summary')} subtitle={t('export.part.summaryNote')} />
      <Cell icon="card" title={t('export.part.account')} />
      <Cell icon="shield" title={t('export.part.records')} subtitle={t('export.part.recordsNote')} />
    </Section>
  );
}
