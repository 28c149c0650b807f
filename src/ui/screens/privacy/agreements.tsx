'use client';
import { Screen } from '#ui/components/screen.tsx';
import { Cell, CellButton, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { useAgreements } from '#ui/privacy/queries.ts';

/** What the person agreed to by paying, when and where, and the texts as they are now. */
export default function AgreementsScreen() {
  const t = useT();
  const { navigate } = useNavigation();
  const agreements = useAgreements();
  return (
    <Screen title={t('agreements.title')} lead={t('agreements.lead')}>
      <Loaded query={agreements} skeleton={<CellsSkeleton count={4} />}>
        {({ given }) =>
          given.length === 0 ? (
            <Notice
              icon="document"
              title={t('agreements.emptyTitle')}
              text={t('agreements.emptyText')}
              testId="agreements-empty"
            />
          ) : (
            <Section title={t('agreements.given')} testId="agreements-given">
              {given.map(({ givenAt, isCurrent, kind, surface, version }) => (
                <Cell
                  key={`${kind} ${version} ${surface}`}
                  icon={kind === 'terms' ? 'document' : 'shield'}
                  title={t(`legal.${kind}`)}
                  subtitle={t(`agreements.at.${surface}`, { date: givenAt.text, version })}
                  value={t(isCurrent ? 'agreements.current' : 'agreements.earlier')}
                />
              ))}
            </Section>
          )
        }
      </Loaded>
      <Section title={t('agreements.texts')}>
        <CellButton icon="document" title={t('legal.terms')} leadsOn onPress={() => navigate({ screen: 'terms' })} />
        <CellButton icon="shield" title={t('legal.privacy')} leadsOn onPress={() => navigate({ screen: 'privacy' })} />
      </Section>
    </Screen>
  );
}
