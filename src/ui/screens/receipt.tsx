'use client';
import type { InstantView, ReceiptView } from '#api/views.ts';
import { CopyText } from '#ui/components/copy.tsx';
import { Timeline } from '#ui/components/lists.tsx';
import { Money } from '#ui/components/money.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Facts, Section } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { SplitBar } from '#ui/components/split-bar.tsx';
import { Loaded } from '#ui/components/states.tsx';
import { StatusPill } from '#ui/components/status-pill.tsx';
import { useT, useWords } from '#ui/i18n.tsx';
import type { Language } from '#ui/message-format.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { useReceipt } from '#ui/queries.ts';

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
  const { period, refund } = receipt;
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
        {refund && (
          <p className="px-4 py-3 text-sub">
            {t(`refund.${refund.status}.${refund.reason}`, { date: refund.at.text })}
          </p>
        )}
      </Card>
      <Section>
        <Facts
          facts={[
            { label: t('receipt.plan'), value: receipt.planName },
            { label: t('receipt.product'), value: receipt.productName },
            { label: t('receipt.kind'), value: t(`paymentKind.${receipt.kind}`) },
            { label: t('receipt.method'), value: t(`method.${receipt.method}`) },
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
      <Section title={t('receipt.chargeId')} note={t('receipt.chargeNote')}>
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
