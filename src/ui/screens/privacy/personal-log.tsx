'use client';
import { useEffect } from 'react';
import type { PersonalLogView } from '#api/privacy-views.ts';
import { RadioList, Switch } from '#ui/components/controls.tsx';
import { useAsk } from '#ui/components/dialog.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { Cell, CellButton, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, ProblemNotice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { problemOf } from '#ui/problem.ts';
import { useChangeLog, useLog, useUnbindLog } from '#ui/queries.ts';
import { HeldRecords } from '#ui/screens/privacy/held-records.tsx';
import { onVisibility, openTelegramLink } from '#ui/telegram.ts';

/** Where a person's billing records go: the way to a group of theirs, how they come, and what has not arrived. */
export function PersonalLogSection() {
  const log = useLog();
  const { refetch } = log;
  // The group is chosen in the chat: coming back from there, one sees it.
  useEffect(() => onVisibility((isVisible) => isVisible && void refetch()), [refetch]);
  return (
    <Loaded query={log} skeleton={<CellsSkeleton count={6} />}>
      {(data) => (
        <>
          <Place log={data} />
          <State log={data} />
          <HeldRecords log={data} />
          <Delivery log={data} />
        </>
      )}
    </Loaded>
  );
}

/** Whether records come into the group now. */
const usesGroup = ({ isBound, obstacle }: PersonalLogView) => isBound && obstacle === null;

function Place({ log }: { log: PersonalLogView }) {
  const t = useT();
  const ask = useAsk();
  const unbind = useUnbindLog();
  const isInGroup = usesGroup(log);
  const stop = async () => {
    const question = {
      title: t('log.unbind.title'),
      message: t('log.unbind.text'),
      yes: t('log.unbind.yes'),
      no: t('log.unbind.no'),
      isDestructive: true,
    };
    if (await ask(question)) unbind.mutate();
  };
  return (
    <>
      {unbind.isError && <ProblemNotice problem={problemOf(unbind.error)} onRetry={() => unbind.mutate()} />}
      <Section title={t('log.place')} testId="log-place">
        {isInGroup ? (
          <Cell
            icon="check"
            title={t('log.group')}
            subtitle={t('log.groupText', { date: log.boundAt?.text ?? '' })}
            testId="log-in-group"
          />
        ) : (
          <Cell
            icon="telegram"
            title={t('log.chat')}
            subtitle={t(log.isBound ? 'log.chatInstead' : 'log.chatText')}
            testId="log-in-chat"
          />
        )}
        {log.obstacle !== null && <Warning text={t(`log.obstacle.${log.obstacle}`)} testId="log-obstacle" />}
        {!isInGroup && !log.isReachable && <Warning text={t('log.nowhere')} testId="log-nowhere" />}
        {!isInGroup && <Steps log={log} />}
        <CellButton
          tone="link"
          title={t(isInGroup ? 'log.other' : 'log.connect')}
          testId="log-connect"
          onPress={() => openTelegramLink(log.bindUrl)}
        />
        {log.isBound && (
          <CellButton
            tone="danger"
            title={t('log.unbind.label')}
            isDisabled={unbind.isPending}
            testId="log-unbind"
            onPress={() => void stop()}
          />
        )}
      </Section>
    </>
  );
}

function Warning({ testId, text }: { text: string; testId: string }) {
  return (
    <p className="flex items-start gap-3 px-4 py-3 text-sub" role="status" data-testid={testId}>
      <Icon name="alert" className="size-6 shrink-0 text-danger" />
      <span className="min-w-0 flex-1">{text}</span>
    </p>
  );
}

/** How far one has come: the chat, the group, the topic. */
function Steps({ log }: { log: PersonalLogView }) {
  const t = useT();
  const isDone = { chat: log.isReachable, group: log.obstacle === 'no_rights', topic: false };
  return (
    <div className="px-4 py-3">
      <p className="text-note text-hint">{t('log.steps')}</p>
      <ol className="mt-2 space-y-2" data-testid="log-steps">
        {(['chat', 'group', 'topic'] as const).map((step, index) => (
          <li key={step} className="flex items-start gap-3 text-sub">
            <span
              aria-hidden="true"
              className={`tabular grid size-6 shrink-0 place-items-center rounded-full text-note ${isDone[step] ? 'bg-tint text-link' : 'bg-track text-text'}`}
            >
              {isDone[step] ? <Icon name="check" className="size-4" /> : index + 1}
            </span>
            <span className="min-w-0 flex-1 pt-0.5">
              {t(`log.step.${step}`)}
              <span className="sr-only"> ({t(isDone[step] ? 'log.done' : 'log.open')})</span>
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The values of a radio list are texts. */
const KEEP = { d0: 0, d30: 30, d365: 365 } as const;
type Keep = keyof typeof KEEP;
const KEEPS = Object.keys(KEEP) as Keep[];

function Delivery({ log }: { log: PersonalLogView }) {
  const t = useT();
  const change = useChangeLog();
  return (
    <>
      {change.isError && (
        <ProblemNotice problem={problemOf(change.error)} onRetry={() => change.mutate(change.variables)} />
      )}
      <Section title={t('log.how')}>
        <Switch
          title={t('log.isOn')}
          subtitle={t('log.isOnText')}
          isOn={log.isOn}
          onChange={(isOn) => change.mutate({ isOn })}
        />
        <Switch title={t('log.isSilent')} isOn={log.isSilent} onChange={(isSilent) => change.mutate({ isSilent })} />
        <Switch
          title={t('log.asDocument')}
          subtitle={t('log.asDocumentText')}
          isOn={log.asDocument}
          onChange={(asDocument) => change.mutate({ asDocument })}
        />
      </Section>
      <Section title={t('log.copy')} note={t('log.copyNote')}>
        <RadioList
          label={t('log.copy')}
          value={KEEPS.find((keep) => KEEP[keep] === log.keepDays) ?? null}
          onChange={(keep) => change.mutate({ keepDays: KEEP[keep] })}
          options={KEEPS.map((value) => ({ value, title: t(`log.keep.${value}`), testId: `log-keep-${value}` }))}
        />
      </Section>
    </>
  );
}

function State({ log: { delay, held, onTheirWay, withoutKey } }: { log: PersonalLogView }) {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Section title={t('log.state')} testId="log-state">
      {withoutKey > 0 && (
        <CellButton
          icon="key"
          title={t('log.withoutKey')}
          value={withoutKey}
          leadsOn
          testId="log-without-key"
          onPress={() => navigate({ screen: 'privacy-centre' })}
        />
      )}
      {onTheirWay > 0 && (
        <Cell
          icon="clock"
          title={t('log.onTheirWay')}
          subtitle={delay ? t(`log.reason.${delay}`) : undefined}
          value={onTheirWay}
        />
      )}
      {withoutKey + onTheirWay + held === 0 && <Cell icon="check" title={t('log.allDelivered')} />}
      {held > 0 && <Cell icon="alert" title={t('log.held')} value={held} />}
    </Section>
  );
}
