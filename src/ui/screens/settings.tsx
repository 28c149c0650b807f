'use client';
import { useState } from 'react';
import type { MeView } from '#api/views.ts';
import { RadioList, Switch } from '#ui/components/controls.tsx';
import { CopyText } from '#ui/components/copy.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Cell, CellButton, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, ProblemNotice } from '#ui/components/states.tsx';
import { SupportCell } from '#ui/components/support.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { problemOf } from '#ui/problem.ts';
import { useAllowMessages, useChangeSettings, useMe } from '#ui/queries.ts';
import { canRequestWriteAccess, requestWriteAccess } from '#ui/telegram.ts';

/** Each language by its own name, so that anyone finds theirs. */
const LANGUAGES = [
  { value: 'ja', title: '日本語' },
  { value: 'en', title: 'English' },
] as const;

/** Language, notices, and the documents Telegram's terms want to be found here. */
export default function SettingsScreen() {
  const t = useT();
  const me = useMe();
  return (
    <Screen title={t('settings.title')}>
      <Loaded query={me} skeleton={<CellsSkeleton count={6} />}>
        {(data) => <Settings me={data} />}
      </Loaded>
    </Screen>
  );
}

function Settings({ me }: { me: MeView }) {
  const t = useT();
  const { navigate } = useNavigation();
  const change = useChangeSettings();
  return (
    <>
      {change.isError && (
        <ProblemNotice problem={problemOf(change.error)} onRetry={() => change.mutate(change.variables)} />
      )}
      <Section title={t('settings.language')}>
        <RadioList
          label={t('settings.language')}
          value={me.language}
          onChange={(language) => change.mutate({ language })}
          options={LANGUAGES.map(({ value, title }) => ({
            value,
            title: <span lang={value}>{title}</span>,
            testId: `settings-language-${value}`,
          }))}
        />
      </Section>
      <Section title={t('settings.payments')}>
        <CellButton
          icon="card"
          title={t('methods.title')}
          leadsOn
          testId="settings-methods"
          onPress={() => navigate({ screen: 'methods' })}
        />
        <CellButton
          icon="key"
          title={t('keys.settings')}
          subtitle={t('keys.settingsNote')}
          leadsOn
          testId="settings-privacy"
          onPress={() => navigate({ screen: 'privacy-centre' })}
        />
      </Section>
      <Section title={t('settings.notices')} note={t('settings.noticesNote')}>
        <Switch
          title={t('settings.reminders')}
          subtitle={t('settings.remindersNote')}
          isOn={me.wantsReminders}
          onChange={(wantsReminders) => change.mutate({ wantsReminders })}
        />
        {me.role !== 'user' && (
          <Switch
            title={t('settings.sales')}
            subtitle={t('settings.salesNote')}
            isOn={me.wantsSalesNotices}
            onChange={(wantsSalesNotices) => change.mutate({ wantsSalesNotices })}
          />
        )}
        <Messages isReachable={me.isReachable} />
      </Section>
      <Section>
        <CellButton
          icon="receipt"
          title={t('log.title')}
          leadsOn
          testId="settings-log"
          onPress={() => navigate({ screen: 'log' })}
        />
      </Section>
      <Section title={t('settings.legal')}>
        <CellButton icon="document" title={t('legal.terms')} leadsOn onPress={() => navigate({ screen: 'terms' })} />
        <CellButton icon="shield" title={t('legal.privacy')} leadsOn onPress={() => navigate({ screen: 'privacy' })} />
      </Section>
      <Section>
        <CellButton icon="help" title={t('help.title')} leadsOn onPress={() => navigate({ screen: 'help' })} />
        <SupportCell />
      </Section>
      <Section title={t('settings.account')} note={t('settings.accountNote')}>
        <div className="px-4 py-1">
          <CopyText text={me.userId} testId="user-id" />
        </div>
      </Section>
    </>
  );
}

function Messages({ isReachable }: { isReachable: boolean }) {
  const t = useT();
  const allow = useAllowMessages();
  const [isAsking, setIsAsking] = useState(false);
  if (isReachable) return <Cell title={t('messages.title')} value={t('messages.on')} />;
  if (!canRequestWriteAccess())
    return <Cell title={t('messages.title')} subtitle={t('messages.howTo')} value={t('messages.off')} />;
  const ask = async () => {
    setIsAsking(true);
    if (await requestWriteAccess()) allow.mutate();
    setIsAsking(false);
  };
  return (
    <>
      <CellButton
        tone="link"
        title={t('messages.allow')}
        subtitle={t('messages.why')}
        isDisabled={isAsking || allow.isPending}
        onPress={() => void ask()}
      />
      {allow.isError && <ProblemNotice problem={problemOf(allow.error)} />}
    </>
  );
}
