'use client';
import type { BillingKeyView } from '#api/privacy-views.ts';
import { Question } from '#ui/components/question.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import type { Translate } from '#ui/message-format.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { KeyPill } from '#ui/privacy/parts.tsx';
import { useKeys } from '#ui/privacy/queries.ts';
import { endOf } from '#ui/privacy/words.ts';

/** How many keys may be in use, expired ones too: the server's own limit, told before it is met. */
const MOST_IN_USE = 3;

/** What billing records are encrypted to: the person's keys, and how to get one. */
export default function PrivacyCentreScreen() {
  const t = useT();
  const keys = useKeys();
  return (
    <Screen title={t('keys.title')} lead={t('keys.lead')}>
      <Loaded query={keys} skeleton={<CellsSkeleton count={4} />}>
        {({ keys: list }) => <Keys list={list} />}
      </Loaded>
      <OwnData />
      <Questions />
    </Screen>
  );
}

const isInUse = ({ state }: BillingKeyView) => state === 'active' || state === 'expiring';

function Keys({ list }: { list: readonly BillingKeyView[] }) {
  const t = useT();
  const of = (state: BillingKeyView['state']) => list.filter((key) => key.state === state);
  const inUse = list.filter(isInUse);
  const expired = of('expired');
  return (
    <>
      {inUse.length === 0 && <Waiting isNew={list.length === 0} />}
      <KeyList title={t('keys.inUse')} note={t('keys.inUseNote')} list={inUse} isMixed />
      <KeyList title={t('keys.expired')} note={t('keys.expiredNote')} list={expired} />
      <KeyList title={t('keys.unproven')} list={of('unproven')} />
      {inUse.length + expired.length < MOST_IN_USE ? (
        <Ways />
      ) : (
        <p className="mt-4 px-4 text-note text-hint">{t('keys.full')}</p>
      )}
      <KeyList title={t('keys.old')} note={t('keys.oldNote')} list={of('retired')} />
    </>
  );
}

/** Nothing can be encrypted for this person now: the one thing they should know of this screen. */
function Waiting({ isNew }: { isNew: boolean }) {
  const t = useT();
  return (
    <Notice
      icon={isNew ? 'key' : 'clock'}
      title={t(isNew ? 'keys.emptyTitle' : 'keys.waitingTitle')}
      text={t(isNew ? 'keys.emptyText' : 'keys.waitingText')}
      testId="keys-waiting"
    />
  );
}

type KeyListProps = {
  title: string;
  note?: string;
  list: readonly BillingKeyView[];
  /** Its keys differ in their state; elsewhere the title says it for all of them. */
  isMixed?: boolean;
};

function KeyList({ isMixed = false, list, note, title }: KeyListProps) {
  const t = useT();
  const { navigate } = useNavigation();
  if (list.length === 0) return null;
  return (
    <Section title={title} note={note}>
      {list.map((key) => (
        <CellButton
          key={key.id}
          icon="key"
          title={t('keys.named', { end: endOf(key.fingerprint) })}
          subtitle={validity(t, key)}
          value={isMixed ? <KeyPill state={key.state} /> : undefined}
          leadsOn
          testId={`key-row-${key.id}`}
          onPress={() => navigate({ screen: 'key', keyId: key.id })}
        />
      ))}
    </Section>
  );
}

/** Until when a key is used, or since when it is not. */
export function validity(t: Translate, { expiresAt, retiredAt, state }: BillingKeyView): string {
  if (state === 'retired' && retiredAt) return t('keys.stopped', { date: retiredAt.text });
  if (!expiresAt) return t('keys.endless');
  return t(state === 'expired' ? 'keys.ended' : 'keys.ends', { date: expiresAt.text });
}

function Ways() {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Section title={t('keys.add')}>
      <CellButton
        icon="plus"
        title={t('keys.make')}
        subtitle={t('keys.makeNote')}
        leadsOn
        testId="key-make"
        onPress={() => navigate({ screen: 'new-key' })}
      />
      <CellButton
        icon="document"
        title={t('keys.have')}
        subtitle={t('keys.haveNote')}
        leadsOn
        testId="key-have"
        onPress={() => navigate({ screen: 'add-key' })}
      />
    </Section>
  );
}

/** What there is of a person, for them to see and to take along. */
function OwnData() {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Section title={t('data.title')} testId="your-data">
      <CellButton
        icon="search"
        title={t('data.seen')}
        subtitle={t('data.seenNote')}
        leadsOn
        testId="data-seen"
        onPress={() => navigate({ screen: 'what-server-sees' })}
      />
      <CellButton
        icon="download"
        title={t('data.export')}
        subtitle={t('data.exportNote')}
        leadsOn
        testId="data-export"
        onPress={() => navigate({ screen: 'export' })}
      />
      <CellButton
        icon="document"
        title={t('agreements.title')}
        leadsOn
        testId="privacy-agreements"
        onPress={() => navigate({ screen: 'agreements' })}
      />
      <CellButton
        icon="trash"
        tone="danger"
        title={t('erase.title')}
        leadsOn
        testId="privacy-erase"
        onPress={() => navigate({ screen: 'erase' })}
      />
    </Section>
  );
}

function Questions() {
  const t = useT();
  return (
    <Card className="mt-6">
      {(['why', 'forgot', 'lost'] as const).map((name) => (
        <Question key={name} question={t(`keys.question.${name}`)} answer={t(`keys.question.${name}Text`)} />
      ))}
    </Card>
  );
}
