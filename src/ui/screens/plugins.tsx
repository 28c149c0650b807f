'use client';
import type { ProductView } from '#api/views.ts';
import { bestPrice } from '#ui/catalog.ts';
import { useChoice } from '#ui/choice.tsx';
import { Button } from '#ui/components/controls.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { PriceTag } from '#ui/components/price-line.tsx';
import { useRightText } from '#ui/components/rights.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { useCatalog } from '#ui/queries.ts';

/** The marketplace: what other developers sell, and what of it goes to them. */
export default function PluginsScreen() {
  const t = useT();
  const { navigate } = useNavigation();
  const catalog = useCatalog();
  return (
    <Screen title={t('plugins.title')} lead={t('plugins.lead')}>
      <Loaded query={catalog} skeleton={<CellsSkeleton count={4} />}>
        {(products) => {
          const plugins = products.filter(({ kind }) => kind === 'plugin');
          if (plugins.length === 0) {
            return (
              <Notice icon="plugin" title={t('plugins.emptyTitle')} text={t('plugins.emptyText')}>
                <Button onPress={() => navigate({ screen: 'home' })}>{t('plan.toPlans')}</Button>
              </Notice>
            );
          }
          return (
            <ul className="mt-6 space-y-3">
              {plugins.map((product) => (
                <li key={product.id}>
                  <PluginCard product={product} />
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Screen>
  );
}

function PluginCard({ product }: { product: ProductView }) {
  const { interval } = useChoice();
  const rightText = useRightText();
  const { navigate } = useNavigation();
  const [plan] = product.plans;
  if (!plan) return null;
  const price = bestPrice(plan, interval);
  return (
    <button
      type="button"
      data-testid={`plan-card-${plan.code}`}
      onClick={() => navigate({ screen: 'plan', code: plan.code })}
      className="flex w-full items-start gap-4 rounded-card bg-surface p-4 text-start transition-colors duration-quick active:bg-track forced-colors:border"
    >
      <span className="grid size-12 shrink-0 place-items-center rounded-card bg-tint text-link">
        <Icon name="plugin" />
      </span>
      <span className="min-w-0 flex-1">
        <span className="block text-body font-semibold">{product.name}</span>
        <span className="mt-0.5 block text-sub text-hint">{product.description}</span>
        {product.current && (
          <span className="mt-1 block text-sub font-medium text-link">{rightText(product.current)}</span>
        )}
      </span>
      {price && !product.current && <PriceTag price={price} />}
    </button>
  );
}
