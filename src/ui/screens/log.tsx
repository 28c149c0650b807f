'use client';
import { Screen } from '#ui/components/screen.tsx';
import { CellButton, Section } from '#ui/components/section.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { PersonalLogSection } from '#ui/screens/privacy/personal-log.tsx';

/** Where billing records go, as a screen of its own. */
export default function LogScreen() {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Screen title={t('log.title')} lead={t('log.lead')}>
      <PersonalLogSection />
      <Section>
        <CellButton
          icon="unlock"
          title={t('record.paper.title')}
          subtitle={t('record.paper.note')}
          leadsOn
          testId="log-open-record"
          onPress={() => navigate({ screen: 'open-record' })}
        />
      </Section>
    </Screen>
  );
}
