'use client';
import type { FailureView, InvoiceView, PaymentStatusView, PendingView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { Spinner } from '#ui/components/icons.tsx';
import { needsPayer, pendingText } from '#ui/components/pending-text.ts';
import { PrimaryAction } from '#ui/components/primary-action.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton } from '#ui/components/section.tsx';
import { useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { usePayment } from '#ui/payment/payment.tsx';
import { AllowMessages, CancelOrder, OrderFacts, Sign, Status } from '#ui/screens/order-parts.tsx';
import { openOutside } from '#ui/telegram.ts';
import { providerName } from '#ui/ways.ts';

type Begun = Readonly<{ failedBefore: FailureView['failure'] | null }>;

/** An order that is paid on a page of its provider or by a stored method. `begun`: in this visit. */
export function Elsewhere({ invoice, begun = null }: { invoice: InvoiceView; begun?: Begun | null }) {
  const { failure, pending } = invoice;
  if (pending !== null) return <Pending invoice={invoice} pending={pending} />;
  const hasFailed = failure !== null && failure.failure !== begun?.failedBefore;
  if (hasFailed) return <Failed invoice={invoice} failure={failure} />;
  return <AtProvider invoice={invoice} isBegun={begun !== null} />;
}

/** The provider's page, which lies in the person's own browser. */
function AtProvider({ invoice, isBegun }: { invoice: InvoiceView; isBegun: boolean }) {
  const t = useT();
  const { payAgain } = usePayment();
  const isOnline = useIsOnline();
  const provider = invoice.way && providerName(t, invoice.way);
  if (provider === null || invoice.url === null) return <Charging invoice={invoice} />;
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={isBegun ? <Spinner className="size-12 text-accent" /> : <Sign name="clock" />}
        title={t(isBegun ? 'order.outside.title' : 'order.restingTitle', { provider })}
        text={t(isBegun ? 'order.outside.text' : 'order.outside.restingText', { provider })}
        testId="outside"
      />
      <OrderFacts invoice={invoice} />
      <OtherWays invoice={invoice} />
      <PrimaryAction
        main={{
          text: t(isBegun ? 'order.outside.again' : 'order.outside.open', { provider }),
          isEnabled: isOnline,
          onPress: () => payAgain(invoice),
          testId: 'checkout-pay',
        }}
      />
    </Screen>
  );
}

/** A stored method is being charged and its provider has not answered yet. */
function Charging({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Spinner className="size-12 text-accent" />}
        title={t('pending.processing.title')}
        text={t('pending.processing.text')}
        testId="pending"
      />
      <OrderFacts invoice={invoice} />
    </Screen>
  );
}

function Pending({ invoice, pending }: { invoice: InvoiceView; pending: PendingView }) {
  const t = useT();
  const { instructionsUrl, progress } = pending;
  const { action, note, text, title } = pendingText(t, pending);
  const isTheirs = needsPayer(pending);
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={
          isTheirs ? (
            <Sign name={progress === 'underpaid' ? 'alert' : 'bank'} />
          ) : (
            <Spinner className="size-12 text-accent" />
          )
        }
        title={title}
        text={text}
        note={note}
        testId="pending"
      >
        {instructionsUrl !== null && !isTheirs && (
          <Button look="plain" onPress={() => openOutside(instructionsUrl)} testId="instructions">
            {action}
          </Button>
        )}
      </Status>
      <OrderFacts invoice={invoice} />
      {pending.canBeReplaced && <OtherWays invoice={invoice} />}
      <AllowMessages />
      {instructionsUrl !== null && isTheirs && (
        <PrimaryAction main={{ text: action, onPress: () => openOutside(instructionsUrl), testId: 'instructions' }} />
      )}
    </Screen>
  );
}

/** The last try did not go through; the order is still open. */
function Failed({ invoice, failure }: { invoice: InvoiceView; failure: FailureView }) {
  const t = useT();
  const { payAgain } = usePayment();
  const isOnline = useIsOnline();
  const toCheckout = useOtherWay(invoice);
  const provider = invoice.way && providerName(t, invoice.way);
  const canGoBack = provider !== null && invoice.url !== null;
  return (
    <Screen title={t('order.title')}>
      <Status sign={<Sign name="alert" />} title={t('payFailed')} text={failure.text} testId="failure" />
      <OrderFacts invoice={invoice} />
      <CancelOrder invoice={invoice} />
      <PrimaryAction
        main={
          canGoBack
            ? {
                text: t('order.outside.again', { provider }),
                isEnabled: isOnline,
                onPress: () => payAgain(invoice),
                testId: 'checkout-pay',
              }
            : { text: t('order.otherWay'), isEnabled: isOnline, onPress: toCheckout, testId: 'other-way' }
        }
        {...(canGoBack && { lesser: { text: t('order.otherWay'), onPress: toCheckout, testId: 'other-way' } })}
      />
    </Screen>
  );
}

function OtherWays({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  const toCheckout = useOtherWay(invoice);
  return (
    <>
      <Card className="mt-4">
        <CellButton icon="card" title={t('order.otherWay')} leadsOn onPress={toCheckout} testId="other-way" />
      </Card>
      <CancelOrder invoice={invoice} />
    </>
  );
}

/** Back to the choice: the order is kept, and another way to pay takes this one's place. */
function useOtherWay({ priceId }: InvoiceView): () => void {
  const { navigate } = useNavigation();
  const { reset } = usePayment();
  return () => {
    reset();
    navigate(priceId === null ? { screen: 'home' } : { screen: 'checkout', priceId }, { replace: true });
  };
}

/** Paid once, and the money went back or is asked back. */
export function Undone({ paymentId, status }: { paymentId: string; status: Exclude<PaymentStatusView, 'succeeded'> }) {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <Screen title={t('order.title')}>
      <Status
        sign={<Sign name={status === 'disputed' ? 'alert' : 'repeat'} />}
        title={t(`order.undone.${status}.title`)}
        text={t(`order.undone.${status}.text`)}
        testId="undone"
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
