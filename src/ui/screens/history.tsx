'use client';
import { useState } from 'react';
import type { PaymentStatusView, PaymentView } from '#api/views.ts';
import { Button, Select } from '#ui/components/controls.tsx';
import { Money } from '#ui/components/money.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Notice, ProblemNotice } from '#ui/components/states.tsx';
import { StatusPill } from '#ui/components/status-pill.tsx';
import { useT, useWords } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';
import { useNavigation } from '#ui/navigation.tsx';
import type { OpenedRecord } from '#ui/privacy/open-record.ts';
import { ProblemTrouble } from '#ui/privacy/parts.tsx';
import { mainRecord, OpenedMark, RowRecord } from '#ui/privacy/record-view.tsx';
import { UnlockSection } from '#ui/privacy/unlock-section.tsx';
import { useRecords } from '#ui/privacy/use-records.ts';
import { problemOf } from '#ui/problem.ts';
import { type HistoryFilter, usePaymentMonths, usePayments } from '#ui/queries.ts';

const STATUSES = [
  'succeeded',
  'refunding',
  'refunded',
  'disputed',
  'charged_back',
] as const satisfies readonly PaymentStatusView[];

/** All payments, newest first, page by page. */
export default function HistoryScreen() {
  const t = useT();
  const [filter, setFilter] = useState<HistoryFilter>({ status: null, month: null });
  return (
    <Screen title={t('history.title')}>
      <Filters filter={filter} onChange={setFilter} />
      <Payments filter={filter} onClear={() => setFilter({ status: null, month: null })} />
    </Screen>
  );
}

function Filters({ filter, onChange }: { filter: HistoryFilter; onChange: (filter: HistoryFilter) => void }) {
  const t = useT();
  const { language } = useWords();
  const months = usePaymentMonths().data ?? [];
  return (
    <div className="mt-4 flex gap-3">
      <Select
        label={t('history.status')}
        testId="history-status"
        value={filter.status ?? ''}
        onChange={(status) => onChange({ ...filter, status: STATUSES.find((one) => one === status) ?? null })}
        options={[
          { value: '', label: t('history.all') },
          ...STATUSES.map((status) => ({ value: status, label: t(`status.${status}`) })),
        ]}
      />
      <Select
        label={t('history.month')}
        testId="history-month"
        value={filter.month ?? ''}
        onChange={(month) => onChange({ ...filter, month: month === '' ? null : month })}
        options={[
          { value: '', label: t('history.all') },
          ...months.map((month) => ({ value: month, label: monthText(month, language) })),
        ]}
      />
    </div>
  );
}

/** "November 2026", "2026年11月" of 'YYYY-MM'. Months are UTC months, as on the server. */
function monthText(month: string, language: string): string {
  const format = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    year: 'numeric',
    month: 'long',
    timeZone: 'UTC',
  });
  return format.format(new Date(`${month}-01T00:00:00Z`));
}

function Payments({ filter, onClear }: { filter: HistoryFilter; onClear: () => void }) {
  const t = useT();
  const payments = usePayments(filter);
  if (payments.data === undefined) {
    if (payments.isError || payments.fetchStatus === 'paused') {
      return <ProblemNotice problem={problemOf(payments.error)} onRetry={() => void payments.refetch()} />;
    }
    return <CellsSkeleton count={5} />;
  }
  const rows = payments.data.pages.flatMap((page) => page.rows);
  if (rows.length === 0)
    return <NoPayments isFiltered={filter.status !== null || filter.month !== null} onClear={onClear} />;
  return (
    <>
      <UnlockSection />
      <Card className="mt-4">
        {payments.data.pages.map(({ rows: page }) => (
          <Page key={page[0]?.id} rows={page} />
        ))}
      </Card>
      {payments.isFetchNextPageError && <ProblemNotice problem={problemOf(payments.error)} />}
      {payments.hasNextPage && (
        <div className="mt-4 flex justify-center">
          <Button
            onPress={() => void payments.fetchNextPage()}
            isBusy={payments.isFetchingNextPage}
            testId="history-more"
          >
            {t('history.more')}
          </Button>
        </div>
      )}
    </>
  );
}

function NoPayments({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  const t = useT();
  const { navigate } = useNavigation();
  if (isFiltered) {
    return (
      <Notice icon="search" title={t('history.noneFoundTitle')} text={t('history.noneFoundText')}>
        <Button onPress={onClear}>{t('history.clear')}</Button>
      </Notice>
    );
  }
  return (
    <Notice icon="receipt" title={t('history.emptyTitle')} text={t('history.emptyText')}>
      <Button onPress={() => navigate({ screen: 'home' })}>{t('plan.toPlans')}</Button>
    </Notice>
  );
}

/** The payments that came in one answer, with what their records say while a key is unlocked. */
function Page({ rows }: { rows: ReadonlyArray<PaymentView> }) {
  const t = useT();
  const { isUnlocked, opened, problem, retry } = useRecords(rows.map(({ id }) => id));
  return (
    <>
      {isUnlocked && problem && (
        <div className="grid gap-3 p-4">
          <p className="text-body">{t('record.notLoaded')}</p>
          <ProblemTrouble problem={problem} />
          <Button onPress={retry}>{t('problem.retry')}</Button>
        </div>
      )}
      {rows.map((payment) => (
        <PaymentRow key={payment.id} payment={payment} record={mainRecord(opened?.get(payment.id))} />
      ))}
    </>
  );
}

function PaymentRow({ payment, record }: { payment: PaymentView; record: OpenedRecord | undefined }) {
  const t = useT();
  const { navigate } = useNavigation();
  const { returned, status } = payment;
  const isPartly = returned !== null && returned.amount !== payment.money.amount;
  const name = (record?.kind === 'read' ? record.details.name : null) ?? fullName(payment);
  return (
    <CellButton
      title={name ?? t(`paymentKind.${payment.kind}`)}
      subtitle={
        <>
          <span className="flex items-center gap-1.5">
            {payment.paidAt.text}
            {record?.kind === 'read' && <OpenedMark isQuiet />}
          </span>
          {record && <RowRecord record={record} />}
          {name === null && !record && <span className="block text-note">{t('record.row.locked')}</span>}
        </>
      }
      value={
        <span className="flex flex-col items-end gap-0.5">
          <Money money={payment.money} className="text-text" />
          {isPartly && <span className="tabular text-note">{t('history.returned', { amount: returned.text })}</span>}
          {status !== 'succeeded' && <StatusPill status={status} />}
        </span>
      }
      testId={`history-row-${payment.id}`}
      onPress={() => navigate({ screen: 'receipt', paymentId: payment.id })}
    />
  );
}
