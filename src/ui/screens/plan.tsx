'use client';
import type { PlanView, ProductView } from '#api/views.ts';
import { bestPrice, findPlan, hasBothIntervals, isCurrent, savingsOf } from '#ui/catalog.ts';
import { useChoice } from '#ui/choice.tsx';
import { Button, Segmented } from '#ui/components/controls.tsx';
import { PointList } from '#ui/components/lists.tsx';
import { Money } from '#ui/components/money.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { useRightText } from '#ui/components/rights.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Facts, Section } from '#ui/components/section.tsx';
import { ScreenSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice, useIsOnline } from '#ui/components/states.tsx';
import { useT, useWords } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { useCatalog } from '#ui/queries.ts';

/** One plan or plugin with all it holds, and the way to buy it. */
export default function PlanScreen({ code }: { code: string }) {
  const catalog = useCatalog();
  return (
    <Loaded query={catalog} skeleton={<ScreenSkeleton screen="plan" />}>
      {(products) => {
        const found = findPlan(products, code);
        return found ? <Plan {...found} /> : <UnknownPlan />;
      }}
    </Loaded>
  );
}

function UnknownPlan() {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Screen title={t('plan.unknownTitle')}>
      <Notice icon="plugin" title={t('plan.unknownTitle')} text={t('plan.unknownText')}>
        <Button onPress={() => navigate({ screen: 'home' }, { replace: true })}>{t('plan.toPlans')}</Button>
      </Notice>
    </Screen>
  );
}

function Plan({ product, plan }: { product: ProductView; plan: PlanView }) {
  const t = useT();
  const { interval, setInterval } = useChoice();
  const { navigate } = useNavigation();
  const isOnline = useIsOnline();
  const price = bestPrice(plan, interval);
  const isMine = isCurrent(product, plan);
  return (
    <Screen title={plan.name} lead={product.name}>
      <p className="mt-3 text-body">{plan.description}</p>
      {isMine && <Mine product={product} />}
      {hasBothIntervals([plan]) && (
        <div className="mt-6">
          <Segmented
            label={t('home.interval')}
            value={interval}
            onChange={setInterval}
            segments={[
              { value: 'month', label: t('interval.month'), testId: 'interval-month' },
              { value: 'year', label: t('interval.year'), testId: 'interval-year' },
            ]}
          />
        </div>
      )}
      <Price plan={plan} />
      {plan.features.length > 0 && (
        <Section title={t('plan.features')}>
          <div className="p-4">
            <PointList points={plan.features} kind="feature" />
          </div>
        </Section>
      )}
      {plan.privacy.length > 0 && (
        <Section title={t('plan.privacy')}>
          <div className="p-4">
            <PointList points={plan.privacy} kind="privacy" />
          </div>
        </Section>
      )}
      <Limits plan={plan} />
      {price && !(isMine && product.current?.renews) && (
        <PrimaryAction
          main={{
            text: t('plan.continue', { price: price.money.text }),
            isEnabled: isOnline,
            onPress: () => navigate({ screen: 'checkout', priceId: price.id }),
            testId: 'plan-continue',
          }}
        />
      )}
    </Screen>
  );
}

function Mine({ product }: { product: ProductView }) {
  const t = useT();
  const rightText = useRightText();
  const { navigate } = useNavigation();
  if (!product.current)
    return <p className="mt-4 rounded-card bg-tint px-4 py-3 text-sub text-link">{t('plan.freeForAll')}</p>;
  return (
    <Card className="mt-4">
      <CellButton
        icon="check"
        title={t('plan.current')}
        subtitle={rightText(product.current)}
        leadsOn
        onPress={() => navigate({ screen: 'subscriptions' })}
      />
    </Card>
  );
}

function Price({ plan }: { plan: PlanView }) {
  const t = useT();
  const { interval } = useChoice();
  const price = bestPrice(plan, interval);
  if (!price) return null;
  const savings = price.interval === 'year' ? savingsOf(plan) : null;
  const note = price.renewsEveryDays
    ? t('plan.renewsNote', { days: price.renewsEveryDays })
    : t(`plan.onceNote.${price.interval}`);
  return (
    <Card className="mt-4">
      <div className="p-4" aria-live="polite">
        <p className="flex items-baseline gap-2">
          <Money money={price.money} className="text-title" />
          <span className="text-sub text-hint">{t(`per.${price.interval}`)}</span>
        </p>
        {savings && (
          <p className="mt-1 text-sub font-medium text-link">
            {t('plan.saves', { amount: savings.money.text, percent: savings.percent })}
          </p>
        )}
        <p className="mt-1 text-sub text-hint">{note}</p>
      </div>
    </Card>
  );
}

const KNOWN_LIMITS = ['channels', 'posts'] as const;

function Limits({ plan }: { plan: PlanView }) {
  const t = useT();
  const { language } = useWords();
  const number = new Intl.NumberFormat(language);
  const facts = KNOWN_LIMITS.flatMap((name) => {
    const limit = plan.limits[name];
    return limit === undefined
      ? []
      : [{ label: t(`limit.${name}`), value: <span className="tabular">{number.format(limit)}</span> }];
  });
  if (facts.length === 0) return null;
  return (
    <Section title={t('plan.limits')}>
      <Facts facts={facts} />
    </Section>
  );
}
