'use client';
import type { RecordView } from '#api/privacy-views.ts';
import { Button } from '#ui/components/controls.tsx';
import { Icon, Spinner } from '#ui/components/icons.tsx';
import { Facts, Section } from '#ui/components/section.tsx';
import { ProblemNotice } from '#ui/components/states.tsx';
import { useT, useWords } from '#ui/i18n.tsx';
import type { Language, Translate } from '#ui/message-format.ts';
import { useNavigation } from '#ui/navigation.tsx';
import type { OpenedRecord } from '#ui/privacy/open-record.ts';
import { Trouble } from '#ui/privacy/parts.tsx';
import type { RecordDetails } from '#ui/privacy/record.ts';
import { recordMoney } from '#ui/privacy/record-money.ts';
import { UnlockSection } from '#ui/privacy/unlock-section.tsx';
import { useRecords } from '#ui/privacy/use-records.ts';

/** The records of one payment: locked, being read, or what each of them says. */
export function PaymentRecords({ paymentId }: { paymentId: string }) {
  const t = useT();
  const { isUnlocked, opened, problem, retry } = useRecords([paymentId]);
  const records = opened?.get(paymentId) ?? [];
  return (
    <>
      <UnlockSection needsOther={records.some(({ kind }) => kind === 'other_key')} />
      {isUnlocked && problem && <ProblemNotice problem={problem} onRetry={retry} />}
      {isUnlocked && !problem && opened === null && <Reading />}
      {opened !== null && records.length === 0 && (
        <p className="mt-2 px-4 text-note text-hint">{t('record.state.none')}</p>
      )}
      {records.map((record) => (
        <OneRecord key={record.view.id} record={record} />
      ))}
    </>
  );
}

function Reading() {
  const t = useT();
  return (
    <div role="status" className="mt-4 flex justify-center p-4">
      <Spinner />
      <span className="sr-only">{t('record.reading')}</span>
    </div>
  );
}

function OneRecord({ record }: { record: OpenedRecord }) {
  const t = useT();
  const { view } = record;
  return (
    <Section title={t('record.title', { type: t(`log.type.${view.type}`) })} testId={`record-${view.id}`}>
      {record.kind === 'read' ? (
        <Details details={record.details} isGenuine={record.isGenuine} />
      ) : (
        <Unread kind={record.kind} />
      )}
    </Section>
  );
}

/** Why a record cannot be read here, and what leads on. */
function Unread({ kind }: { kind: Exclude<OpenedRecord['kind'], 'read'> }) {
  const t = useT();
  const { navigate } = useNavigation();
  return (
    <div className="grid gap-3 p-4">
      <p className="text-sub text-hint">{t(`record.state.${kind}`)}</p>
      {kind === 'waiting' && (
        <Button onPress={() => navigate({ screen: 'privacy-centre' })}>{t('record.toKeys')}</Button>
      )}
      {kind === 'dropped' && (
        <Button onPress={() => navigate({ screen: 'open-record' })}>{t('record.paper.title')}</Button>
      )}
    </div>
  );
}

/** What a record says, who signed it, and the whole of it as it was encrypted. */
export function Details({ details, isGenuine }: { details: RecordDetails; isGenuine: boolean }) {
  const { t, language } = useWords();
  const { amount, at, description, metadata, period, plan, product, text } = details;
  const facts = [
    { label: t('record.on'), value: at && dayText(at, language) },
    { label: t('record.amount'), value: amount && recordMoney(amount, language) },
    // One-off products have one plan, of their own name.
    { label: t('receipt.plan'), value: plan === product ? null : plan },
    { label: t('receipt.product'), value: product },
    { label: t('receipt.period'), value: period && periodText(period, { t, language }) },
  ].filter(({ value }) => value !== null);
  return (
    <>
      {!isGenuine && (
        <div className="p-4">
          <Trouble testId="record-signature">{t('record.notSigned')}</Trouble>
        </div>
      )}
      {facts.length > 0 && <Facts facts={facts} />}
      {(description !== null || metadata.length > 0) && (
        <div className="px-4 py-3" data-testid="record-seller">
          <p className="text-note font-medium text-hint">{t('record.seller')}</p>
          {description !== null && <p className="mt-1 text-body break-words whitespace-pre-line">{description}</p>}
        </div>
      )}
      {metadata.length > 0 && (
        <Facts
          facts={metadata.map(({ name, value }) => ({
            label: name,
            value: <span className="break-words">{value}</span>,
          }))}
        />
      )}
      <div className="grid gap-1.5 px-4 py-3 text-note text-hint">
        <OpenedMark />
        {isGenuine && <Signed />}
      </div>
      <details className="group">
        <summary className="flex min-h-12 list-none items-center gap-3 px-4 py-2.5 text-body [&::-webkit-details-marker]:hidden">
          <span className="min-w-0 flex-1">{t('record.whole')}</span>
          <Icon name="chevron" className="size-4 text-hint transition-transform duration-quick group-open:rotate-90" />
        </summary>
        <pre className="px-4 pb-4 text-note break-words whitespace-pre-wrap select-text">{text}</pre>
      </details>
    </>
  );
}

function periodText(
  { end, start }: NonNullable<RecordDetails['period']>,
  { language, t }: { language: Language; t: Translate },
): string {
  const from = dayText(start, language);
  if (end === null) return t('record.since', { from });
  const until = dayText(end, language);
  return t('receipt.fromUntil', { from, until });
}

/** A day in full, in UTC as the server writes it. */
function dayText(iso: string, language: Language): string {
  const format = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    dateStyle: 'long',
    timeZone: 'UTC',
  });
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : format.format(date);
}

/** That these words were read from the record here, and were not sent. `isQuiet`: the sign alone, its words for screen readers. */
export function OpenedMark({ isQuiet = false }: { isQuiet?: boolean }) {
  const t = useT();
  return (
    <span className="inline-flex items-center gap-1.5 text-note text-hint" data-testid="opened-mark">
      <Icon name="unlock" className="size-4" />
      <span className={isQuiet ? 'sr-only' : ''}>{t('record.mark')}</span>
    </span>
  );
}

function Signed() {
  const t = useT();
  return (
    <span data-testid="record-signature" className="inline-flex items-start gap-1.5">
      <Icon name="shield" className="size-4" />
      <span className="min-w-0">{t('record.signed')}</span>
    </span>
  );
}

/** What the row of a payment shows of its record: what the seller wrote, or why nothing can be read. */
export function RowRecord({ record }: { record: OpenedRecord }) {
  const t = useT();
  if (record.kind !== 'read') return <span className="block text-note">{t(`record.row.${record.kind}`)}</span>;
  const { details, isGenuine } = record;
  return (
    <>
      {details.description !== null && <span className="line-clamp-2 break-words">{details.description}</span>}
      {!isGenuine && <span className="block text-note text-danger">{t('record.row.notSigned')}</span>}
    </>
  );
}

/** The record of the payment itself among those of a payment. */
export function mainRecord(records: ReadonlyArray<OpenedRecord> | undefined): OpenedRecord | undefined {
  const isMain = (type: RecordView['type']) => type === 'payment' || type === 'renewal';
  return records?.find(({ view }) => isMain(view.type));
}
