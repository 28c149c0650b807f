'use client';
import { Screen } from '#ui/components/screen.tsx';
import { useT } from '#ui/i18n.tsx';
import { PersonalLogSection } from '#ui/screens/privacy/personal-log.tsx';

/** Where billing records go, as a screen of its own. */
export default function LogScreen() {
  const t = useT();
  return (
    <Screen title={t('log.title')}>
      <PersonalLogSection />
    </Screen>
  );
}
