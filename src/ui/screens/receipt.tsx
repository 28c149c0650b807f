'use client';
import type { InstantView, MoneyView, ReceiptView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { CopyText } from '#ui/components/copy.tsx';
import { Timeline } from '#ui/components/lists.tsx';
import { Money } from '#ui/components/money.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Facts, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { SplitBar } from '#ui/components/split-bar.tsx';
import { Loaded, ProblemNotice } from '#ui/components/states.tsx';
import { StatusPill } from '#ui/components/status-pill.tsx';
import { useT, useWords } from '#ui/i18n.tsx';
import type { Language, Translate } from '#ui/message-format.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { PaymentRecords } from '#ui/privacy/record-view.tsx';
import { problemOf } from '#ui/problem.ts';
import { useReceipt, useReceiptLink } from '#ui/queries.ts';
import { openOutside } from '#ui/telegram.ts';
import { providerName } from '#ui/ways.ts';

/** One payment whole: what it was for, where the money went and what happened when. */
export default function ReceiptScreen({ paymentId }: { paymentId: string }) {
  const t = useT();
  const receipt = useReceipt(paymentId);
  return (
    <Screen title={t('receipt.title')}>
      <Loaded query={receipt} skeleton={<DetailSkeleton />}>
        {(data) => <Receipt receipt={data} />}
      </Loaded>
    </Screen>
  );
}

/** Date and minute, in UTC like all dates of a payment. */
function timeOf(at: InstantView, language: Language): string {
  const time = new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
    timeZone: 'UTC',
  });
  return `${at.text} ${time.format(new Date(at.iso))} UTC`;
}

function Receipt({ receipt }: { receipt: ReceiptView }) {
  const { t, language } = useWords();
  const { navigate } = useNavigation();
  const { money, period, refund, returned, status } = receipt;
  const isPartly = returned !== null && returned.amount !== money.amount;
  const provider = providerName(t, receipt);
  const claimUrl = refund?.status === 'requested' ? refund.claimUrl : null;
  return (
    <div data-testid="receipt">
      <Card className="mt-6">
        <div className="flex items-start justify-between gap-3 p-4">
          <div className="min-w-0">
            <Money money={receipt.money} className="text-display" />
            <p className="mt-1 text-sub text-hint">{receipt.paidAt.text}</p>
          </div>
          <StatusPill status={receipt.status} />
        </div>
        {refund && claimUrl === null && (
          <p className="px-4 py-3 text-sub">
            {isPartly && refund.status === 'succeeded'
              ? t('refund.part', { date: refund.at.text, amount: refund.money.text })
              : t(`refund.${refund.status}.${refund.reason}`, { date: refund.at.text })}
          </p>
        )}
        {refund && claimUrl !== null && <Claim refund={refund} url={claimUrl} />}
        {(status === 'disputed' || status === 'charged_back') && (
          <p className="px-4 py-3 text-sub">{t(`receipt.${status}`)}</p>
        )}
      </Card>
      {isPartly && returned !== null && <Returned receipt={receipt} returned={returned} />}
      <Download paymentId={receipt.id} />
      <Section>
        <Facts
          facts={[
            ...soldFacts(t, receipt),
            { label: t('receipt.kind'), value: t(`paymentKind.${receipt.kind}`) },
            { label: t('receipt.method'), value: methodText(t, receipt) },
            ...(period
              ? [
                  {
                    label: t('receipt.period'),
                    value: t('receipt.fromUntil', { from: period.from.text, until: period.until.text }),
                  },
                ]
              : []),
          ]}
        />
      </Section>
      <PaymentRecords paymentId={receipt.id} />
      <Section title={t('receipt.split')}>
        <SplitBar split={receipt.split} />
      </Section>
      <Section title={t('receipt.timeline')}>
        <Timeline
          events={receipt.timeline.map(({ kind, at }, index) => ({
            key: `${index} ${kind}`,
            text: t(`timeline.${kind}`),
            at: timeOf(at, language),
          }))}
        />
      </Section>
      <Section title={t('receipt.chargeId', { provider })} note={t('receipt.chargeNote')}>
        <div className="px-4 py-1">
          <CopyText text={receipt.chargeId} testId="charge-id" />
        </div>
      </Section>
      <Section>
        <CellButton icon="help" title={t('receipt.help')} leadsOn onPress={() => navigate({ screen: 'help' })} />
      </Section>
    </div>
  );
}

/** What was sold; once the server has forgotten it, where that still stands. */
function soldFacts(t: Translate, receipt: ReceiptView) {
  const { planName, productName } = receipt;
  return [
    // One-off products have one plan, of their own name.
    ...(planName !== null && planName === productName
      ? []
      : [{ label: t('receipt.plan'), value: planName ?? t('receipt.inRecord') }]),
    ...(productName === null ? [] : [{ label: t('receipt.product'), value: productName }]),
  ];
}

/** "Card · Stripe"; where a provider is the method, it is said once. */
function methodText(t: Translate, receipt: ReceiptView): string {
  const method = t(`method.${receipt.method}`);
  const provider = providerName(t, receipt);
  return method === provider ? method : `${method} · ${provider}`;
}

/** A provider that does not know where to send the money asks its payer. */
function Claim({ refund, url }: { refund: NonNullable<ReceiptView['refund']>; url: string }) {
  const t = useT();
  return (
    <div className="p-4">
      <p className="text-sub text-hint">{t('refund.claim.text', { date: refund.at.text })}</p>
      <div className="mt-3 grid">
        <Button look="filled" onPress={() => openOutside(url)} testId="refund-claim">
          {t('refund.claim.action', { amount: refund.money.text })}
        </Button>
      </div>
    </div>
  );
}

/** A part went back: what was paid, what was returned and what is left of it. */
function Returned({ receipt: { money }, returned }: { receipt: ReceiptView; returned: MoneyView }) {
  const t = useT();
  return (
    <Section>
      <Facts
        facts={[
          { label: t('receipt.paid'), value: <Money money={money} /> },
          { label: t('receipt.returned'), value: <Money money={returned} /> },
        ]}
      />
    </Section>
  );
}

/** The receipt as a PDF. A WebView downloads nothing, so it opens where the person's own browser can. */
function Download({ paymentId }: { paymentId: string }) {
  const t = useT();
  const link = useReceiptLink();
  const open = () =>
    link.mutate(paymentId, { onSuccess: ({ url }) => openOutside(new URL(url, location.origin).href) });
  return (
    <Section>
      <CellButton
        icon="download"
        tone="link"
        title={t('receipt.download')}
        isDisabled={link.isPending}
        onPress={open}
        testId="receipt-download"
      />
      {link.isError && <ProblemNotice problem={problemOf(link.error)} onRetry={open} />}
    </Section>
  );
}
