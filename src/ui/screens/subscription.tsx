'use client';
import type { SubscriptionView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { useAsk } from '#ui/components/dialog.tsx';
import { Timeline } from '#ui/components/lists.tsx';
import { Money } from '#ui/components/money.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Facts, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice, ProblemNotice, useIsOnline } from '#ui/components/states.tsx';
import { StatusPill } from '#ui/components/status-pill.tsx';
import { useSubscriptionText } from '#ui/components/subscription-text.ts';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { problemOf } from '#ui/problem.ts';
import { useChangeRenewal, useSubscriptions } from '#ui/queries.ts';
import { hapticResult } from '#ui/telegram.ts';

/** One subscription: what happens next, and stopping or resuming it. */
export default function SubscriptionScreen({ subscriptionId }: { subscriptionId: string }) {
  const t = useT();
  const { navigate } = useNavigation();
  const subscriptions = useSubscriptions();
  return (
    <Screen title={t('subscription.title')}>
      <Loaded query={subscriptions} skeleton={<DetailSkeleton />}>
        {(list) => {
          const found = list.find(({ id }) => id === subscriptionId);
          if (found) return <Subscription subscription={found} />;
          return (
            <Notice icon="repeat" title={t('subscription.unknownTitle')} text={t('subscription.unknownText')}>
              <Button onPress={() => navigate({ screen: 'subscriptions' }, { replace: true })}>
                {t('checkout.toSubscriptions')}
              </Button>
            </Notice>
          );
        }}
      </Loaded>
    </Screen>
  );
}

function Subscription({ subscription }: { subscription: SubscriptionView }) {
  const t = useT();
  const textOf = useSubscriptionText();
  const { navigate } = useNavigation();
  const isEnding = subscription.status === 'cancelling';
  return (
    <>
      <Card className="mt-6">
        <div className="p-4">
          <div className="flex items-start justify-between gap-3">
            <div className="min-w-0">
              {subscription.productName !== null && <p className="text-sub text-hint">{subscription.productName}</p>}
              <p className="mt-0.5 text-heading">{subscription.planName ?? t('subscription.unnamed')}</p>
            </div>
            <StatusPill status={subscription.status} />
          </div>
          {isEnding && (
            <>
              <p className="mt-3 text-sub text-hint">{t('subscription.endsOn')}</p>
              <p className="text-title">{subscription.currentPeriodEnd.text}</p>
            </>
          )}
          <p role="status" data-testid="subscription-text" className="mt-2 text-body">
            {textOf(subscription)}
          </p>
          {subscription.planName === null && <p className="mt-2 text-sub text-hint">{t('subscription.inRecord')}</p>}
        </div>
      </Card>
      <Section>
        <Facts
          facts={[
            { label: t('subscription.price'), value: <Money money={subscription.money} /> },
            { label: t('subscription.periodEnd'), value: subscription.currentPeriodEnd.text },
          ]}
        />
      </Section>
      <Renewal subscription={subscription} />
      <Section title={t('subscription.history')}>
        <Timeline events={eventsOf(subscription, t)} />
        <CellButton icon="receipt" title={t('history.title')} leadsOn onPress={() => navigate({ screen: 'history' })} />
      </Section>
    </>
  );
}

function eventsOf(
  { startedAt, status, currentPeriodEnd, graceUntil, endedAt }: SubscriptionView,
  t: ReturnType<typeof useT>,
) {
  const next = { active: 'next', cancelling: 'end', past_due: 'grace', expired: 'ended', revoked: 'ended' } as const;
  const at = {
    active: currentPeriodEnd,
    cancelling: currentPeriodEnd,
    past_due: graceUntil,
    expired: endedAt,
    revoked: endedAt,
  }[status];
  return [
    { key: 'started', text: t('subscription.event.started'), at: startedAt.text },
    { key: 'next', text: t(`subscription.event.${next[status]}`), at: (at ?? currentPeriodEnd).text },
  ];
}

function Renewal({ subscription }: { subscription: SubscriptionView }) {
  const t = useT();
  const ask = useAsk();
  const isOnline = useIsOnline();
  const cancel = useChangeRenewal('cancel');
  const resume = useChangeRenewal('resume');
  const failed = [cancel, resume].find(({ isError }) => isError);
  const date = subscription.currentPeriodEnd.text;

  const onCancel = async () => {
    const isSure = await ask({
      title: t('subscription.cancelTitle'),
      message: t('subscription.cancelText', { plan: subscription.planName ?? t('subscription.unnamed'), date }),
      yes: t('subscription.cancelYes'),
      no: t('subscription.cancelNo'),
      isDestructive: true,
    });
    if (isSure) cancel.mutate(subscription.id, { onSuccess: () => hapticResult('success') });
  };

  return (
    <>
      {subscription.canCancel && (
        <Section note={t('subscription.cancelNote', { date })}>
          <CellButton
            title={t('subscription.cancel')}
            tone="danger"
            isDisabled={cancel.isPending || !isOnline}
            testId="subscription-cancel"
            onPress={() => void onCancel()}
          />
        </Section>
      )}
      {subscription.canResume && (
        <Section note={t('subscription.resumeNote', { date, price: subscription.money.text })}>
          <CellButton
            title={t('subscription.resume')}
            tone="link"
            isDisabled={resume.isPending || !isOnline}
            testId="subscription-resume"
            onPress={() => resume.mutate(subscription.id, { onSuccess: () => hapticResult('success') })}
          />
        </Section>
      )}
      {subscription.resumesInTelegram && (
        <p className="mt-6 rounded-card bg-tint px-4 py-3 text-sub" data-testid="resumes-in-telegram">
          {t('subscription.resumesInTelegram')}
        </p>
      )}
      {failed && <ProblemNotice problem={problemOf(failed.error)} />}
    </>
  );
}
