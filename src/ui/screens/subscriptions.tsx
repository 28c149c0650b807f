'use client';
import type { EntitlementView, SubscriptionView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { useRightText } from '#ui/components/rights.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Cell, CellButton, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice } from '#ui/components/states.tsx';
import { StatusPill } from '#ui/components/status-pill.tsx';
import { useSubscriptionText } from '#ui/components/subscription-text.ts';
import { useT } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { useEntitlements, useSubscriptions } from '#ui/queries.ts';

const isRunning = ({ status }: SubscriptionView) => status !== 'expired' && status !== 'revoked';

/** States that need a second look; the others are told by their group. */
const NOTABLE: ReadonlySet<SubscriptionView['status']> = new Set(['cancelling', 'past_due', 'revoked']);

/** What renews, what is paid for otherwise, and what has ended. */
export default function SubscriptionsScreen() {
  const t = useT();
  const subscriptions = useSubscriptions();
  const entitlements = useEntitlements();
  return (
    <Screen title={t('subscriptions.title')}>
      <Loaded query={subscriptions} skeleton={<CellsSkeleton count={3} />}>
        {(list) => (
          <Loaded query={entitlements} skeleton={<CellsSkeleton count={2} />}>
            {(rights) => <Everything list={list} rights={rights} />}
          </Loaded>
        )}
      </Loaded>
    </Screen>
  );
}

function Everything({ list, rights }: { list: SubscriptionView[]; rights: EntitlementView[] }) {
  const t = useT();
  const rightText = useRightText();
  const { navigate } = useNavigation();
  const running = list.filter(isRunning);
  const ended = list.filter((one) => !isRunning(one));
  const bySubscription = new Set(running.map(({ planId }) => planId));
  const others = rights.filter(({ planId }) => !bySubscription.has(planId));
  if (list.length === 0 && others.length === 0) {
    return (
      <Notice icon="repeat" title={t('subscriptions.emptyTitle')} text={t('subscriptions.emptyText')}>
        <Button onPress={() => navigate({ screen: 'home' })}>{t('plan.toPlans')}</Button>
      </Notice>
    );
  }
  return (
    <>
      <Group title={t('subscriptions.running')} list={running} />
      {others.length > 0 && (
        <Section title={t('subscriptions.oneOff')}>
          {others.map((right) => (
            <Cell key={right.planId} icon="check" title={fullName(right)} subtitle={rightText(right)} />
          ))}
        </Section>
      )}
      <Group title={t('subscriptions.ended')} list={ended} />
    </>
  );
}

function Group({ title, list }: { title: string; list: SubscriptionView[] }) {
  const t = useT();
  const textOf = useSubscriptionText();
  const { navigate } = useNavigation();
  if (list.length === 0) return null;
  return (
    <Section title={title}>
      {list.map((subscription) => (
        <CellButton
          key={subscription.id}
          title={fullName(subscription) ?? t('subscription.unnamed')}
          subtitle={textOf(subscription)}
          value={NOTABLE.has(subscription.status) ? <StatusPill status={subscription.status} /> : undefined}
          leadsOn
          testId={`subscription-row-${subscription.id}`}
          onPress={() => navigate({ screen: 'subscription', subscriptionId: subscription.id })}
        />
      ))}
    </Section>
  );
}
