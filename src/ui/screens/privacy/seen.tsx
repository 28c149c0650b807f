'use client';
import type { SeenClassView, SeenStorage } from '#api/privacy-views.ts';
import { Icon, type IconName } from '#ui/components/icons.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import type { Translate } from '#ui/message-format.ts';
import { useSeen } from '#ui/privacy/queries.ts';

const STORAGES: ReadonlyArray<readonly [SeenStorage, IconName]> = [
  ['plain', 'document'],
  ['server', 'key'],
  ['owner', 'shield'],
];

/** Everything that the server has of a person, by who can read it. */
export default function SeenScreen() {
  const t = useT();
  const seen = useSeen();
  return (
    <Screen title={t('seen.title')} lead={t('seen.lead')}>
      <Loaded query={seen} skeleton={<CellsSkeleton count={9} />}>
        {(classes) =>
          STORAGES.map(([storage, icon]) => (
            <Section
              key={storage}
              title={t(`seen.storage.${storage}`)}
              note={t(`seen.storageNote.${storage}`)}
              testId={`seen-${storage}`}
            >
              {classes
                .filter((one) => one.storage === storage)
                .map((one) => (
                  <SeenCell key={one.name} seen={one} icon={icon} />
                ))}
            </Section>
          ))
        }
      </Loaded>
    </Screen>
  );
}

/** One kind of thing; opens to its values, and to how long it is kept and why. Works without scripts. */
function SeenCell({ icon, seen }: { seen: SeenClassView; icon: IconName }) {
  const t = useT();
  const { facts, keepDays, name } = seen;
  return (
    <details className="group" data-testid={`seen-class-${name}`}>
      <summary className="flex min-h-12 list-none items-center gap-3 px-4 [&::-webkit-details-marker]:hidden">
        <Icon name={icon} className="size-6 text-link" />
        <span className="min-w-0 flex-1 py-2.5">
          <span className="block text-body">{t(`seen.class.${name}.title`)}</span>
          <span className="mt-0.5 block text-sub text-hint">{extent(t, seen)}</span>
        </span>
        <Icon name="chevron" className="size-4 text-hint transition-transform duration-quick group-open:rotate-90" />
      </summary>
      <div className="px-4 pb-4 text-sub">
        <p>{t(`seen.class.${name}.what`)}</p>
        {facts.length > 0 && (
          <dl className="mt-3 space-y-2 rounded-card bg-track px-3 py-2.5">
            {facts.map(({ label, value }) => (
              <div key={`${label} ${value}`} className="flex flex-wrap justify-between gap-x-4">
                <dt className="text-text">{t(`seen.fact.${label}`)}</dt>
                <dd className="tabular min-w-0 text-text">{valueText(t, label, value)}</dd>
              </div>
            ))}
          </dl>
        )}
        <p className="mt-3 font-medium">{t('seen.why')}</p>
        <p className="mt-0.5 text-hint">{t(`seen.class.${name}.keep`, { days: keepDays ?? 0 })}</p>
      </div>
    </details>
  );
}

const ROLES = ['user', 'developer', 'support', 'admin'] as const;
const STATES = ['succeeded', 'refunding', 'refunded', 'disputed', 'charged_back'] as const;

/** What stands in the database, in words where it is a word of programs. */
function valueText(t: Translate, label: SeenClassView['facts'][number]['label'], value: string): string {
  const role = ROLES.find((one) => one === value);
  const state = STATES.find((one) => one === value);
  if (label === 'role' && role) return t(`seen.role.${role}`);
  return label === 'status' && state ? t(`status.${state}`) : value;
}

/** How many there are, and from when to when. */
function extent(t: Translate, { count, from, isMore, to }: SeenClassView): string {
  if (count === null) return t('seen.notCounted');
  if (count === 0) return t('seen.none');
  const counted = t(isMore ? 'seen.countMore' : 'seen.count', { count });
  if (!from || !to) return counted;
  if (from.text === to.text) return t('seen.spanOne', { count: counted, from: from.text });
  return t('seen.span', { count: counted, from: from.text, to: to.text });
}
