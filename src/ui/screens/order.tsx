'use client';
import { type ReactNode, useState } from 'react';
import type { InvoiceView, PaymentStatusView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { Icon, Spinner, Star } from '#ui/components/icons.tsx';
import { PointList } from '#ui/components/lists.tsx';
import { Money } from '#ui/components/money.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { useRightText } from '#ui/components/rights.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Facts, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, ProblemNotice, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { invoiceOf, type PaymentState } from '#ui/payment/machine.ts';
import { usePayment } from '#ui/payment/payment.tsx';
import { problemOf } from '#ui/problem.ts';
import { useAllowMessages, useCancelOrder, useCatalog, useMe, useOrder } from '#ui/queries.ts';
import { canOpenInvoices, canRequestWriteAccess, isFramed, requestWriteAccess } from '#ui/telegram.ts';

/** An order from the moment it is made: paying, confirming, and how it ended. A reload finds the same state again. */
export default function OrderScreen({ invoiceId }: { invoiceId: string }) {
  const { state } = usePayment();
  return invoiceOf(state)?.id === invoiceId ? <Running state={state} /> : <Resting invoiceId={invoiceId} />;
}

/** An order this visit has not begun: found by the banner, a link or a reload. */
function Resting({ invoiceId }: { invoiceId: string }) {
  const t = useT();
  const order = useOrder(invoiceId);
  return (
    <Loaded
      query={order}
      skeleton={
        <Screen title={t('order.title')}>
          <DetailSkeleton />
        </Screen>
      }
    >
      {(invoice) => {
        if (invoice.status === 'paid') return <Succeeded invoice={invoice} />;
        return invoice.status === 'open' ? <Open invoice={invoice} /> : <Ended invoice={invoice} />;
      }}
    </Loaded>
  );
}

function Running({ state }: { state: PaymentState }) {
  switch (state.phase) {
    case 'open':
      return <AtTelegram invoice={state.invoice} />;
    case 'confirming':
      return <Confirming invoice={state.invoice} />;
    case 'not_taken':
      return <NotTaken invoice={state.invoice} hint={state.hint} />;
    case 'unconfirmed':
      return <Unconfirmed invoice={state.invoice} />;
    case 'succeeded':
      return <Succeeded invoice={state.invoice} />;
    case 'ended':
      return <Ended invoice={state.invoice} />;
    default:
      return null;
  }
}

/** The heart of each state: a sign, one sentence, and what it means. Announced when it changes. */
function Status(props: {
  sign: ReactNode;
  title: string;
  text: string;
  isGood?: boolean;
  children?: ReactNode;
  testId?: string;
}) {
  return (
    <Card className="mt-6">
      <div className="appear flex flex-col items-center px-6 py-8 text-center" data-testid={props.testId}>
        {props.sign}
        <div role="status" aria-live="polite">
          <p className="mt-5 text-heading">{props.title}</p>
          <p className={`mx-auto mt-2 max-w-sm ${props.isGood ? 'text-body' : 'text-sub text-hint'}`}>{props.text}</p>
        </div>
        {props.children && <div className="mt-5 flex flex-col items-center gap-2">{props.children}</div>}
      </div>
    </Card>
  );
}

function OrderFacts({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  return (
    <Card className="mt-4">
      <Facts
        facts={[
          { label: t('order.plan'), value: fullName(invoice) },
          { label: t('order.price'), value: <Money money={invoice.price.money} /> },
          ...(invoice.minutesLeft === null
            ? []
            : [{ label: t('order.payWithin'), value: t('order.minutes', { count: invoice.minutesLeft }) }]),
        ]}
      />
    </Card>
  );
}

/** Clients that cannot open the sheet for us (before 6.1) follow the link themselves when it is tapped. */
function PayLink({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  if (invoice.url === null) return null;
  return (
    <a
      href={invoice.url}
      {...(isFramed() ? { target: '_blank', rel: 'noopener' } : {})}
      data-testid="checkout-pay"
      className="flex min-h-12 items-center rounded-card bg-button px-5 font-semibold text-on-button"
    >
      {t('checkout.pay', { price: invoice.price.money.text })}
    </a>
  );
}

function AtTelegram({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const { payAgain, reportClosed } = usePayment();
  const isByLink = !canOpenInvoices();
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Spinner className="size-12 text-accent" />}
        title={t('order.openTitle')}
        text={t(isByLink ? 'order.openByLinkText' : 'order.openText')}
      >
        {isByLink ? (
          <PayLink invoice={invoice} />
        ) : (
          <Button onPress={() => payAgain(invoice)}>{t('order.openAgain')}</Button>
        )}
        <Button look="plain" onPress={reportClosed}>
          {t('order.iAmBack')}
        </Button>
      </Status>
      <OrderFacts invoice={invoice} />
    </Screen>
  );
}

function Confirming({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const isReachable = useMe().data?.isReachable ?? false;
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Spinner className="size-12 text-accent" />}
        title={t('order.confirmingTitle')}
        text={t(isReachable ? 'order.confirmingText' : 'order.confirmingTextHere')}
        testId="confirming"
      />
      <OrderFacts invoice={invoice} />
    </Screen>
  );
}

function NotTaken({
  invoice,
  hint,
}: {
  invoice: InvoiceView;
  hint: 'paid' | 'cancelled' | 'failed' | 'pending' | null;
}) {
  const t = useT();
  const { payAgain } = usePayment();
  const isOnline = useIsOnline();
  const kind = hint === 'failed' ? 'failed' : hint === 'cancelled' ? 'cancelled' : 'none';
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Sign name="minus" />}
        title={t(`order.notTaken.${kind}.title`)}
        text={t(`order.notTaken.${kind}.text`)}
        testId="failure"
      />
      <OrderFacts invoice={invoice} />
      <CancelOrder invoice={invoice} />
      <PrimaryAction
        main={{
          text: t('order.tryAgain', { price: invoice.price.money.text }),
          isEnabled: isOnline,
          onPress: () => payAgain(invoice),
          testId: 'checkout-pay',
        }}
      />
    </Screen>
  );
}

/** Waiting to be paid, as the resume banner leads to it. */
function Open({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const { payAgain } = usePayment();
  const isOnline = useIsOnline();
  const isInChat = invoice.url === null;
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Sign name="clock" />}
        title={t('order.restingTitle')}
        text={t(isInChat ? 'order.restingInChat' : 'order.restingText')}
      />
      <OrderFacts invoice={invoice} />
      <CancelOrder invoice={invoice} />
      {!isInChat && (
        <PrimaryAction
          main={{
            text: t('checkout.pay', { price: invoice.price.money.text }),
            isEnabled: isOnline,
            onPress: () => payAgain(invoice),
            testId: 'checkout-pay',
          }}
        />
      )}
    </Screen>
  );
}

function CancelOrder({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const { reset } = usePayment();
  const { navigate } = useNavigation();
  const cancel = useCancelOrder();
  return (
    <>
      {cancel.isError && <ProblemNotice problem={problemOf(cancel.error)} onRetry={() => cancel.mutate(invoice.id)} />}
      <Card className="mt-4">
        <CellButton
          title={t('order.cancel')}
          tone="danger"
          isDisabled={cancel.isPending}
          testId="order-cancel"
          onPress={() =>
            cancel.mutate(invoice.id, {
              onSuccess: () => {
                reset();
                navigate({ screen: 'home' }, { replace: true });
              },
            })
          }
        />
      </Card>
    </>
  );
}

function Unconfirmed({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const { checkAgain, reset } = usePayment();
  const { navigate } = useNavigation();
  const isReachable = useMe().data?.isReachable ?? false;
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Sign name="clock" />}
        title={t('order.unconfirmedTitle')}
        text={t(isReachable ? 'order.unconfirmedText' : 'order.unconfirmedTextHere')}
        testId="unconfirmed"
      />
      <AllowMessages />
      <OrderFacts invoice={invoice} />
      <PrimaryAction
        main={{ text: t('order.checkAgain'), onPress: checkAgain, testId: 'order-check' }}
        lesser={{
          text: t('order.toStart'),
          onPress: () => {
            reset();
            navigate({ screen: 'home' }, { replace: true });
          },
        }}
      />
    </Screen>
  );
}

function Succeeded({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const rightText = useRightText();
  const { navigate } = useNavigation();
  const { reset } = usePayment();
  const { entitlement, payment } = invoice;
  const isRefunded = payment !== null && payment.status !== 'succeeded';
  if (isRefunded) return <Refunded paymentId={payment.id} status={payment.status} />;
  return (
    <Screen title={t('order.successHeading')}>
      <Status
        sign={<SuccessSign />}
        title={t('order.successTitle', { plan: entitlement?.planName ?? invoice.planName })}
        text={entitlement ? rightText(entitlement) : t('order.successText')}
        isGood
        testId="success"
      />
      <NowYours planId={invoice.planId} />
      <OrderFacts invoice={invoice} />
      <Card className="mt-4">
        {payment && (
          <CellButton
            icon="receipt"
            title={t('receipt.title')}
            leadsOn
            testId="success-receipt"
            onPress={() => navigate({ screen: 'receipt', paymentId: payment.id })}
          />
        )}
        <CellButton
          icon="repeat"
          title={t('subscriptions.title')}
          leadsOn
          onPress={() => navigate({ screen: 'subscriptions' })}
        />
      </Card>
      <AllowMessages />
      <PrimaryAction
        main={{
          text: t('order.done'),
          testId: 'success-done',
          onPress: () => {
            reset();
            navigate({ screen: 'home' }, { replace: true });
          },
        }}
      />
    </Screen>
  );
}

/** What the payment unlocked, in the plan's own words. */
function NowYours({ planId }: { planId: string }) {
  const t = useT();
  const plan = useCatalog()
    .data?.flatMap(({ plans }) => plans)
    .find(({ id }) => id === planId);
  if (!plan || plan.features.length === 0) return null;
  return (
    <Section title={t('order.nowYours')}>
      <div className="p-4">
        <PointList points={plan.features} kind="feature" />
      </div>
    </Section>
  );
}

function Refunded({ paymentId, status }: { paymentId: string; status: PaymentStatusView }) {
  const t = useT();
  const { navigate } = useNavigation();
  const isOver = status === 'refunded';
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Sign name="repeat" />}
        title={t(isOver ? 'order.refundedTitle' : 'order.refundingTitle')}
        text={t(isOver ? 'order.refundedText' : 'order.refundingText')}
      />
      <Card className="mt-4">
        <CellButton
          icon="receipt"
          title={t('receipt.title')}
          leadsOn
          onPress={() => navigate({ screen: 'receipt', paymentId })}
        />
      </Card>
    </Screen>
  );
}

function Ended({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const { navigate } = useNavigation();
  const { reset } = usePayment();
  const kind = invoice.status === 'cancelled' ? 'cancelled' : 'expired';
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Sign name="minus" />}
        title={t(`order.ended.${kind}.title`)}
        text={t(`order.ended.${kind}.text`)}
        testId="failure"
      />
      <OrderFacts invoice={invoice} />
      <PrimaryAction
        main={{
          text: t('order.startAgain'),
          testId: 'order-again',
          onPress: () => {
            reset();
            navigate({ screen: 'checkout', priceId: invoice.priceId }, { replace: true });
          },
        }}
      />
    </Screen>
  );
}

/** Offered where a message in the chat would help and the bot may not write yet. */
function AllowMessages() {
  const t = useT();
  const me = useMe();
  const allow = useAllowMessages();
  const [isAsking, setIsAsking] = useState(false);
  if (me.data?.isReachable !== false || !canRequestWriteAccess()) return null;
  const ask = async () => {
    setIsAsking(true);
    if (await requestWriteAccess()) allow.mutate();
    setIsAsking(false);
  };
  return (
    <>
      <Card className="mt-4">
        <CellButton
          icon="telegram"
          title={t('messages.allow')}
          subtitle={t('messages.why')}
          isDisabled={isAsking || allow.isPending}
          onPress={() => void ask()}
        />
      </Card>
      {allow.isError && <ProblemNotice problem={problemOf(allow.error)} onRetry={() => allow.mutate()} />}
    </>
  );
}

function Sign({ name }: { name: 'clock' | 'minus' | 'repeat' }) {
  return (
    <span className="grid size-16 place-items-center rounded-full bg-track text-hint">
      <Icon name={name} className="size-8" />
    </span>
  );
}

/** The one place where gold covers more than a star: the check is drawn once. */
function SuccessSign() {
  return (
    <span className="relative grid size-20 place-items-center rounded-full bg-gold-tint">
      <svg
        viewBox="0 0 24 24"
        className="size-10 text-gold"
        fill="none"
        stroke="currentColor"
        strokeWidth="2.5"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        <path d="m5 12.5 4.5 4.5L19 7.5" pathLength={1} strokeDasharray={1} className="animate-[draw_200ms_ease-out]" />
      </svg>
      <Star className="absolute -end-0.5 -top-0.5 size-6" />
    </span>
  );
}
