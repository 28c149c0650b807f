'use client';
import type { PlanView, ProductView } from '#api/views.ts';
import { bestPrice, hasBothIntervals, isCurrent, priceFor, savingsOf } from '#ui/catalog.ts';
import { useChoice } from '#ui/choice.tsx';
import { Segmented } from '#ui/components/controls.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { PointList } from '#ui/components/lists.tsx';
import { PriceTag } from '#ui/components/price-line.tsx';
import { ResumeBanner } from '#ui/components/resume-banner.tsx';
import { useRightText } from '#ui/components/rights.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { CellButton, Section } from '#ui/components/section.tsx';
import { PickerSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { useCatalog } from '#ui/queries.ts';

/** How many lines of a plan the picker shows; the plan's own screen shows all. */
const TEASER_POINTS = 3;

/** The front door: what one has, what one can choose, and the ways to everything else. */
export default function HomeScreen() {
  const t = useT();
  const catalog = useCatalog();
  return (
    <Screen title={t('home.title')} lead={t('home.lead')}>
      <ResumeBanner />
      <Loaded query={catalog} skeleton={<PickerSkeleton />}>
        {(products) => (products.length === 0 ? <NothingForSale /> : <Picker products={products} />)}
      </Loaded>
      {/* Not below the skeleton, which is shorter than the plans: the ways would be pushed away under the thumb. */}
      {!catalog.isLoading && <Ways />}
    </Screen>
  );
}

function NothingForSale() {
  const t = useT();
  return <Notice icon="plugin" title={t('home.emptyTitle')} text={t('home.emptyText')} />;
}

function Picker({ products }: { products: ProductView[] }) {
  const t = useT();
  const { line, interval, setLine, setInterval } = useChoice();
  const lines = products.filter(({ kind }) => kind === 'plan_line');
  const chosen = lines.find(({ code }) => code === line) ?? lines[0];
  const owned = products.filter(({ current }) => current !== null);
  if (!chosen) return null;
  const best = Math.max(0, ...chosen.plans.map((plan) => savingsOf(plan)?.percent ?? 0));
  return (
    <>
      {owned.length > 0 && <Owned products={owned} />}
      <div className="mt-6 space-y-3">
        {lines.length > 1 && (
          <Segmented
            label={t('home.lines')}
            value={chosen.code}
            onChange={setLine}
            segments={lines.map(({ code, name }) => ({ value: code, label: name, testId: `line-${code}` }))}
          />
        )}
        {hasBothIntervals(chosen.plans) && (
          <Segmented
            label={t('home.interval')}
            value={interval}
            onChange={setInterval}
            segments={[
              { value: 'month', label: t('interval.month'), testId: 'interval-month' },
              { value: 'year', label: <YearLabel percent={best} />, testId: 'interval-year' },
            ]}
          />
        )}
        <p className="px-4 text-sub text-hint">{chosen.description}</p>
      </div>
      <ul className="mt-4 space-y-3">
        {chosen.plans.map((plan) => (
          <li key={plan.id}>
            <PlanCard product={chosen} plan={plan} />
          </li>
        ))}
      </ul>
    </>
  );
}

function YearLabel({ percent }: { percent: number }) {
  const t = useT();
  return (
    <span className="flex flex-wrap items-baseline justify-center gap-x-1.5">
      {t('interval.year')}
      {percent > 0 && (
        <span className="text-note whitespace-nowrap text-link">
          {t('interval.upTo', { percent: Math.round(percent) })}
        </span>
      )}
    </span>
  );
}

function Owned({ products }: { products: ProductView[] }) {
  const t = useT();
  const rightText = useRightText();
  const { navigate } = useNavigation();
  return (
    <Section title={t('home.yours')}>
      {products.map(({ code, current }) =>
        current ? (
          <CellButton
            key={code}
            icon="check"
            title={fullName(current)}
            subtitle={rightText(current)}
            leadsOn
            onPress={() => navigate({ screen: 'subscriptions' })}
          />
        ) : null,
      )}
    </Section>
  );
}

function PlanCard({ product, plan }: { product: ProductView; plan: PlanView }) {
  const t = useT();
  const { interval } = useChoice();
  const { navigate } = useNavigation();
  const price = bestPrice(plan, interval);
  const savings = price?.interval === 'year' ? savingsOf(plan) : null;
  const isMine = isCurrent(product, plan);
  return (
    <button
      type="button"
      data-testid={`plan-card-${plan.code}`}
      onClick={() => navigate({ screen: 'plan', code: plan.code })}
      className={`block w-full rounded-card bg-surface p-4 text-start transition-colors duration-quick active:bg-track forced-colors:border ${isMine ? 'outline-2 -outline-offset-2 outline-accent' : ''}`}
    >
      <span className="flex items-start justify-between gap-4">
        <span className="min-w-0">
          <span className="block text-heading">{plan.name}</span>
          {isMine && (
            <span className="mt-1 inline-block rounded-full bg-tint px-2.5 py-0.5 text-note font-medium text-link">
              {t('plan.current')}
            </span>
          )}
        </span>
        {price ? <PriceTag price={price} /> : <span className="text-heading">{t('plan.free')}</span>}
      </span>
      <span className="mt-2 block text-sub text-hint">{plan.description}</span>
      {savings && (
        <span className="mt-2 block text-sub font-medium text-link">
          {t('plan.saves', { amount: savings.money.text, percent: savings.percent })}
        </span>
      )}
      {price && price.interval !== interval && price.interval !== 'once' && priceFor(plan, interval) === null && (
        <span className="mt-2 block text-sub text-hint">
          {t(price.interval === 'month' ? 'plan.monthOnly' : 'plan.yearOnly')}
        </span>
      )}
      <span className="mt-3 block space-y-2">
        <PointList points={plan.features.slice(0, TEASER_POINTS)} kind="feature" />
        <PointList points={plan.privacy.slice(0, 1)} kind="privacy" />
      </span>
      <span className="mt-3 flex items-center gap-1 text-sub font-medium text-link">
        {t('plan.details')}
        <Icon name="chevron" className="size-4" />
      </span>
    </button>
  );
}

function Ways() {
  const t = useT();
  const { navigate } = useNavigation();
  const ways = [
    { screen: 'plugins', icon: 'plugin' },
    { screen: 'subscriptions', icon: 'repeat' },
    { screen: 'history', icon: 'receipt' },
    { screen: 'settings', icon: 'gear' },
    { screen: 'help', icon: 'help' },
  ] as const;
  return (
    <nav aria-label={t('home.ways')}>
      <Section>
        {ways.map(({ screen, icon }) => (
          <CellButton
            key={screen}
            icon={icon}
            title={t(`${screen}.title`)}
            leadsOn
            testId={`way-${screen}`}
            onPress={() => navigate({ screen })}
          />
        ))}
      </Section>
    </nav>
  );
}
