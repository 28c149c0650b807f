'use client';
import { useEffect, useState } from 'react';
import type { LinkedOrderView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { Icon, Spinner } from '#ui/components/icons.tsx';
import { useCountdown, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { LateQrCode } from '#ui/pay/hand-over.tsx';
import { Legal } from '#ui/pay/legal.tsx';
import { Refusal } from '#ui/pay/refusal.tsx';
import { LinkButton, OrderFacts, Sheet, Told } from '#ui/pay/sheet.tsx';
import type { Started } from '#ui/pay/started.ts';
import type { Payment } from '#ui/pay/use-payment.ts';
import { providerName } from '#ui/ways.ts';

type Props = { order: LinkedOrderView; started: Started; payment: Payment; botUrl: string };

/** After this long it is likelier that nothing was paid than that the news is slow. */
const LONG_MS = 30_000;

/** A payment was begun in this tab and the server has not seen its end. */
export function Waiting(props: Props) {
  const isInTelegram = props.started.method === 'telegram_stars';
  return (
    <>
      <Sheet>
        {isInTelegram ? <InTelegram {...props} /> : <AtProvider {...props} />}
        <OrderFacts order={props.order} />
      </Sheet>
      <Legal />
    </>
  );
}

function AtProvider({ started, order, payment }: Props) {
  const t = useT();
  const isOnline = useIsOnline();
  const isLong = useIsLong();
  const wait = useCountdown(payment.problem);
  const provider = providerName(t, started);
  return (
    <Told
      sign={<Spinner className="size-14 text-accent" />}
      title={t('pay.waiting.title', { provider })}
      text={t(isLong ? 'pay.waiting.longText' : 'pay.waiting.text', { provider })}
    >
      {payment.problem && <Refusal problem={payment.problem} secondsLeft={wait} />}
      <Button
        isDisabled={!isOnline || wait > 0}
        isBusy={payment.isBusy}
        onPress={() => payment.pay(started)}
        testId="pay-again"
      >
        {t('pay.waiting.again', { provider })}
      </Button>
      <Button look="plain" isDisabled={payment.isBusy} onPress={payment.chooseAgain} testId="pay-other-way">
        {t('pay.waiting.otherWay')}
      </Button>
      <MinutesLeft order={order} />
    </Told>
  );
}

function InTelegram({ started, order, payment, botUrl }: Props) {
  const t = useT();
  const hasOtherWay = order.methods.filter(({ isAllowed }) => isAllowed).length > 1;
  const price = order.price.money.text;
  return (
    <Told
      sign={started.url === null ? <Spinner className="size-14 text-accent" /> : <TelegramCode url={started.url} />}
      title={t('pay.telegram.title')}
      text={t(started.url === null ? 'pay.telegram.inChat' : 'pay.telegram.text')}
    >
      {started.url === null ? (
        <LinkButton href={botUrl}>{t('pay.toBot')}</LinkButton>
      ) : (
        <LinkButton href={started.url} testId="open-in-telegram">
          {t('pay.telegram.open', { price })}
        </LinkButton>
      )}
      {hasOtherWay && (
        <Button look="plain" onPress={payment.chooseAgain} testId="pay-other-way">
          {t('pay.waiting.otherWay')}
        </Button>
      )}
      <MinutesLeft order={order} />
    </Told>
  );
}

function TelegramCode({ url }: { url: string }) {
  const t = useT();
  return (
    <div className="mx-auto w-fit rounded-card border border-separator">
      <LateQrCode text={url} label={t('pay.telegram.qr')} />
    </div>
  );
}

function MinutesLeft({ order }: { order: LinkedOrderView }) {
  const t = useT();
  if (order.minutesLeft === null) return null;
  return (
    <p className="tabular mt-1 flex items-center gap-1.5 text-note text-hint">
      <Icon name="clock" className="size-4" />
      {t('pay.minutesLeft', { count: order.minutesLeft })}
    </p>
  );
}

function useIsLong(): boolean {
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return isLong;
}
