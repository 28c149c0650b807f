'use client';
import { useState } from 'react';
import { Button } from '#ui/components/controls.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { Question } from '#ui/components/question.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { SupportCell } from '#ui/components/support.tsx';
import { useT } from '#ui/i18n.tsx';
import { useLongTexts } from '#ui/long-texts.ts';
import type { LongMessages } from '#ui/message-format.ts';
import { matchingQuestions } from '#ui/search.ts';

/** Questions people have about paying, searchable, and a person to ask when none fits. */
export default function HelpScreen() {
  const t = useT();
  const texts = useLongTexts();
  return (
    <Screen title={t('help.title')}>
      <Loaded query={texts} skeleton={<CellsSkeleton count={6} />}>
        {({ faq }) => (
          <>
            <Questions faq={faq} />
            <Section title={t('help.notFound')}>
              <SupportCell />
            </Section>
          </>
        )}
      </Loaded>
    </Screen>
  );
}

function Questions({ faq }: { faq: LongMessages['faq'] }) {
  const t = useT();
  const [search, setSearch] = useState('');
  const found = matchingQuestions(Object.entries(faq), search);
  return (
    <>
      <label className="mt-4 flex min-h-12 items-center gap-3 rounded-card bg-surface px-4 has-focus-visible:outline-3 has-focus-visible:outline-link">
        <Icon name="search" className="size-5 text-hint" />
        <span className="sr-only">{t('help.search')}</span>
        <input
          type="search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          placeholder={t('help.search')}
          data-testid="help-search"
          className="min-h-12 min-w-0 flex-1 bg-transparent text-body outline-none placeholder:text-hint"
        />
      </label>
      <p role="status" className="sr-only">
        {search.trim() === '' ? '' : t('help.found', { count: found.length })}
      </p>
      {found.length === 0 ? (
        <Notice icon="search" title={t('help.noneTitle')} text={t('help.noneText')}>
          <Button onPress={() => setSearch('')}>{t('help.clear')}</Button>
        </Notice>
      ) : (
        <Card className="mt-4">
          {found.map(([name, { question, answer }]) => (
            <Question key={name} question={question} answer={answer} />
          ))}
        </Card>
      )}
    </>
  );
}
