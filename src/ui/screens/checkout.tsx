'use client';
import { useEffect, useState } from 'react';
import type { CheckoutPreview, MethodView } from '#api/views.ts';
import type { Method } from '#domain/provider.ts';
import { Button, RadioList } from '#ui/components/controls.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { Money } from '#ui/components/money.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { PrivacyLevelCard } from '#ui/components/privacy-level.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { SplitBar } from '#ui/components/split-bar.tsx';
import { Loaded, Notice, ProblemNotice, useCountdown, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { isLocked } from '#ui/payment/machine.ts';
import { usePayment } from '#ui/payment/payment.tsx';
import type { Problem } from '#ui/problem.ts';
import { useCheckoutPreview } from '#ui/queries.ts';

/** The last look before paying: what it costs, until when it lasts, where the money goes and who learns what. */
export default function CheckoutScreen({ priceId }: { priceId: string }) {
  const t = useT();
  const preview = useCheckoutPreview(priceId);
  return (
    <Screen title={t('checkout.title')}>
      <Loaded query={preview} skeleton={<DetailSkeleton />}>
        {(offer) => (offer.blocked ? <Blocked offer={offer} /> : <Offer offer={offer} />)}
      </Loaded>
    </Screen>
  );
}

function Blocked({ offer }: { offer: CheckoutPreview }) {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Notice
      icon="check"
      title={fullName({ planName: offer.plan.name, productName: offer.product.name })}
      text={offer.blocked?.text ?? ''}
    >
      <Button onPress={() => navigate({ screen: 'subscriptions' }, { replace: true })}>
        {t('checkout.toSubscriptions')}
      </Button>
    </Notice>
  );
}

function Offer({ offer }: { offer: CheckoutPreview }) {
  const t = useT();
  const allowed = offer.methods.filter(({ isAllowed }) => isAllowed);
  const [chosen, setChosen] = useState<Method | null>(null);
  const method = allowed.find((one) => one.method === chosen) ?? allowed[0] ?? null;
  return (
    <>
      <Refusal priceId={offer.price.id} />
      <Summary offer={offer} />
      {offer.replaces && (
        <p className="mt-3 flex gap-3 rounded-card bg-tint px-4 py-3 text-sub">
          <Icon name="repeat" className="mt-px size-5 text-link" />
          <span>{t('checkout.replaces', { plan: offer.replaces.planName, date: offer.replaces.until.text })}</span>
        </p>
      )}
      {method && (
        <>
          <Section title={t('checkout.split')} note={t(`checkout.splitNote.${offer.product.kind}`)}>
            <SplitBar split={method.split} testId="checkout-bar" />
          </Section>
          <Section title={t('checkout.privacy')}>
            <PrivacyLevelCard level={method.privacy} method={method.method} />
          </Section>
        </>
      )}
      <Section title={t('checkout.methods')}>
        <Methods methods={offer.methods} chosen={method?.method ?? null} onChange={setChosen} />
      </Section>
      <Agreement />
      {method ? (
        <Pay offer={offer} method={method} />
      ) : (
        <Notice icon="alert" title={t('checkout.noMethodTitle')} text={t('checkout.noMethodText')} />
      )}
    </>
  );
}

function Summary({ offer }: { offer: CheckoutPreview }) {
  const t = useT();
  const { price, accessUntil } = offer;
  const term =
    accessUntil === null
      ? t('checkout.forGood')
      : price.renewsEveryDays
        ? t('checkout.renews', { date: accessUntil.text, price: price.money.text })
        : t('checkout.until', { date: accessUntil.text });
  return (
    <Card className="mt-6">
      <div className="p-4">
        <p className="text-sub text-hint">{offer.product.name}</p>
        <p className="mt-0.5 text-heading">{offer.plan.name}</p>
        <p className="mt-3 flex flex-wrap items-baseline gap-x-2">
          <Money money={price.money} className="text-display" />
          <span className="text-sub text-hint">{t(`per.${price.interval}`)}</span>
        </p>
        <p className="mt-2 text-sub">{term}</p>
        {price.renewsEveryDays !== null && <p className="mt-1 text-sub text-hint">{t('checkout.cancelAnytime')}</p>}
      </div>
    </Card>
  );
}

function Methods(props: { methods: readonly MethodView[]; chosen: Method | null; onChange: (method: Method) => void }) {
  const t = useT();
  return (
    <RadioList
      label={t('checkout.methods')}
      value={props.chosen}
      onChange={props.onChange}
      options={props.methods.map(({ method, isAllowed, reasonText }) => ({
        value: method,
        title: t(`method.${method}`),
        subtitle: isAllowed ? t(`methodNote.${method}`) : (reasonText ?? t('checkout.methodRefused')),
        isDisabled: !isAllowed,
        testId: `method-${method}`,
      }))}
    />
  );
}

function Agreement() {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <div className="mt-4 px-4 text-note text-hint">
      <p>{t('checkout.agreement')}</p>
      <p className="flex gap-4">
        {(['terms', 'privacy'] as const).map((screen) => (
          <button
            key={screen}
            type="button"
            onClick={() => navigate({ screen })}
            className="min-h-11 text-link underline"
          >
            {t(`legal.${screen}`)}
          </button>
        ))}
      </p>
    </div>
  );
}

/** Why the order could not be made: on top of the page, where the eye is brought to it. */
function Refusal({ priceId }: { priceId: string }) {
  const problem = useRefusal(priceId);
  useEffect(() => {
    if (problem) window.scrollTo({ top: 0 });
  }, [problem]);
  return problem && <ProblemNotice problem={problem} />;
}

function useRefusal(priceId: string): Problem | null {
  const { state } = usePayment();
  return state.phase === 'refused' && state.priceId === priceId ? state.problem : null;
}

function Pay({ offer, method }: { offer: CheckoutPreview; method: MethodView }) {
  const t = useT();
  const isOnline = useIsOnline();
  const { state, pay } = usePayment();
  const wait = useCountdown(useRefusal(offer.price.id));
  const isRunning = isLocked(state);
  return (
    <>
      {isRunning && state.phase !== 'starting' && (
        <p className="mt-4 px-4 text-sub text-hint">{t('checkout.stillChecking')}</p>
      )}
      {!isOnline && <p className="mt-4 px-4 text-sub text-hint">{t('checkout.offline')}</p>}
      <PrimaryAction
        main={{
          text: wait > 0 ? t('checkout.wait', { seconds: wait }) : t('checkout.pay', { price: offer.price.money.text }),
          isEnabled: isOnline && wait === 0 && !isRunning,
          isBusy: state.phase === 'starting',
          onPress: () => pay(offer.price.id, method.method),
          testId: 'checkout-pay',
        }}
      />
    </>
  );
}
