'use client';
import type { InvoiceView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { Spinner } from '#ui/components/icons.tsx';
import { PointList } from '#ui/components/lists.tsx';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { useRightText } from '#ui/components/rights.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { invoiceOf, isPaidElsewhere, type PaymentState } from '#ui/payment/machine.ts';
import { usePayment } from '#ui/payment/payment.tsx';
import { useCatalog, useMe, useOrder } from '#ui/queries.ts';
import { Elsewhere, Undone } from '#ui/screens/order-elsewhere.tsx';
import { AllowMessages, CancelOrder, OrderFacts, Sign, Status, SuccessSign } from '#ui/screens/order-parts.tsx';
import { canOpenInvoices, isFramed } from '#ui/telegram.ts';

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
        if (invoice.status !== 'open') return <Ended invoice={invoice} />;
        return isPaidElsewhere(invoice) ? <Elsewhere invoice={invoice} /> : <Open invoice={invoice} />;
      }}
    </Loaded>
  );
}

function Running({ state }: { state: PaymentState }) {
  switch (state.phase) {
    case 'open':
      return <AtTelegram invoice={state.invoice} />;
    case 'elsewhere':
      return <Elsewhere invoice={state.invoice} begun={state} />;
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
  const isHere = invoice.url !== null;
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Sign name="clock" />}
        title={t('order.restingTitle')}
        text={t(
          isHere ? 'order.restingText' : invoice.surface === 'bot' ? 'order.restingInChat' : 'order.restingOutside',
        )}
      />
      <OrderFacts invoice={invoice} />
      <CancelOrder invoice={invoice} />
      {isHere && (
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
  if (payment !== null && payment.status !== 'succeeded')
    return <Undone paymentId={payment.id} status={payment.status} />;
  return (
    <Screen title={t('order.successHeading')}>
      <Status
        sign={<SuccessSign />}
        title={invoice.planName === null ? t('order.pastTitle') : t('order.successTitle', { plan: invoice.planName })}
        text={
          entitlement ? rightText(entitlement) : t(invoice.planName === null ? 'order.pastText' : 'order.successText')
        }
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
function NowYours({ planId }: { planId: string | null }) {
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
        text={invoice.failure?.text ?? t(`order.ended.${kind}.text`)}
        testId="failure"
      />
      <OrderFacts invoice={invoice} />
      <PrimaryAction
        main={{
          text: t('order.startAgain'),
          testId: 'order-again',
          onPress: () => {
            reset();
            const { priceId } = invoice;
            navigate(priceId === null ? { screen: 'home' } : { screen: 'checkout', priceId }, { replace: true });
          },
        }}
      />
    </Screen>
  );
}
