'use client';
import { useState } from 'react';
import type { LinkedOrderView, MethodView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { FailureNote } from '#ui/components/failure-note.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { Money } from '#ui/components/money.tsx';
import { PrivacyLevelCard } from '#ui/components/privacy-level.tsx';
import { SplitBar } from '#ui/components/split-bar.tsx';
import { useCountdown, useIsOnline } from '#ui/components/states.tsx';
import { WayList } from '#ui/components/way-list.tsx';
import { useT } from '#ui/i18n.tsx';
import { HandOver } from '#ui/pay/hand-over.tsx';
import { Legal } from '#ui/pay/legal.tsx';
import { Refusal } from '#ui/pay/refusal.tsx';
import { LinkButton, Part, Sheet } from '#ui/pay/sheet.tsx';
import type { Payment } from '#ui/pay/use-payment.ts';
import { chooseWay, providerName, wayKey } from '#ui/ways.ts';

/** An open order: what it is, how it can be paid, where the money goes, and one button. */
export function Choose(props: { order: LinkedOrderView; payment: Payment; botUrl: string }) {
  const { order, payment, botUrl } = props;
  const t = useT();
  const [wanted, setWanted] = useState<string | null>(null);
  const chosen = chooseWay(order.methods, wanted);
  return (
    <>
      <Sheet>
        <Summary order={order} />
        {order.pending && <InsteadOfTransfer payment={payment} />}
        {order.methods.length > 0 && (
          <Part title={t('checkout.methods')}>
            <WayList methods={order.methods} chosen={chosen && wayKey(chosen)} onChange={setWanted} />
          </Part>
        )}
        {chosen && (
          <Part title={t('checkout.split')}>
            <SplitBar split={chosen.split} testId="checkout-bar" />
          </Part>
        )}
        {chosen && (
          <Part title={t('checkout.privacy')}>
            <PrivacyLevelCard level={chosen.privacy} way={chosen} />
          </Part>
        )}
        {chosen ? <PayBar order={order} method={chosen} payment={payment} /> : <NoWay botUrl={botUrl} />}
      </Sheet>
      <HandOver />
      <Legal isAgreed />
    </>
  );
}

function Summary({ order }: { order: LinkedOrderView }) {
  const t = useT();
  const { failure, minutesLeft, planName, price, productName } = order;
  const { interval, renewsEveryDays } = price;
  return (
    <div className="px-4 pt-5 pb-4">
      <div className="flex items-start justify-between gap-3">
        <h1 tabIndex={-1} className="min-w-0 text-heading">
          {productName !== null && planName !== productName && (
            <span className="block text-sub font-normal text-hint">{productName} </span>
          )}
          {planName}
        </h1>
        {minutesLeft !== null && (
          <p
            className="tabular flex shrink-0 items-center gap-1 text-note leading-5 text-hint"
            data-testid="minutes-left"
          >
            <Icon name="clock" className="size-4" />
            {t('pay.minutesLeft', { count: minutesLeft })}
          </p>
        )}
      </div>
      <p className="mt-2">
        <Money money={price.money} className="text-display" />
      </p>
      <p className="mt-1 text-sub text-pretty text-hint">
        {renewsEveryDays === null ? t(`plan.onceNote.${interval}`) : t('plan.renewsNote', { days: renewsEveryDays })}
      </p>
      {failure && <FailureNote failure={failure} className="mt-4" />}
    </div>
  );
}

/** A transfer is awaited still: going on makes it void. */
function InsteadOfTransfer({ payment }: { payment: Payment }) {
  const t = useT();
  return (
    <div className="mx-4 mb-4 grid rounded-card bg-tint px-4 pt-3" data-testid="instead-of-transfer">
      <p className="text-sub text-pretty">{t('pending.instead')}</p>
      <Button look="plain" isDisabled={payment.isBusy} onPress={payment.keepTransfer} testId="keep-transfer">
        {t('pending.keep')}
      </Button>
    </div>
  );
}

/** Stays in view on a phone, where the ways to pay and their details fill more than a screen. */
function PayBar(props: { order: LinkedOrderView; method: MethodView; payment: Payment }) {
  const { method, order, payment } = props;
  const t = useT();
  const isOnline = useIsOnline();
  const wait = useCountdown(payment.problem);
  const provider = providerName(t, method);
  const label = payment.isBusy
    ? t('pay.leaving', { provider })
    : wait > 0
      ? t('checkout.wait', { seconds: wait })
      : t('pay.pay', { price: order.price.money.text, provider });
  return (
    <div className="sticky bottom-0 grid gap-3 rounded-b-[16px] bg-surface p-4 pb-[calc(1rem+env(safe-area-inset-bottom))]">
      {payment.problem && <Refusal problem={payment.problem} secondsLeft={wait} />}
      {!isOnline && <p className="text-center text-sub text-hint">{t('checkout.offline')}</p>}
      <Button
        look="filled"
        isDisabled={!isOnline || wait > 0}
        isBusy={payment.isBusy}
        onPress={() => payment.pay(method)}
        testId="pay"
      >
        <span className="tabular py-2 text-center text-balance">{label}</span>
      </Button>
    </div>
  );
}

function NoWay({ botUrl }: { botUrl: string }) {
  const t = useT();
  return (
    <div className="grid gap-4 p-4">
      <div>
        <p className="text-body font-semibold">{t('checkout.noMethodTitle')}</p>
        <p className="mt-1 text-sub text-hint">{t('pay.noMethodText')}</p>
      </div>
      <LinkButton href={botUrl}>{t('pay.toBot')}</LinkButton>
    </div>
  );
}
