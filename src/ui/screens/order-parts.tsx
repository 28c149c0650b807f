'use client';
import { type ReactNode, useState } from 'react';
import type { InvoiceView } from '#api/views.ts';
import { Icon, type IconName, Star } from '#ui/components/icons.tsx';
import { Money } from '#ui/components/money.tsx';
import { Card, CellButton, Facts } from '#ui/components/section.tsx';
import { ProblemNotice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';
import { useNavigation } from '#ui/navigation.tsx';
import { usePayment } from '#ui/payment/payment.tsx';
import { problemOf } from '#ui/problem.ts';
import { useAllowMessages, useCancelOrder, useMe } from '#ui/queries.ts';
import { canRequestWriteAccess, requestWriteAccess } from '#ui/telegram.ts';

/*
 * What the states of an order have in common.
 */

/** The heart of each state: a sign, one sentence, and what it means. Announced when it changes. */
export function Status(props: {
  sign: ReactNode;
  title: string;
  text: string;
  note?: string;
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
          {props.note && <p className="mx-auto mt-2 max-w-sm text-sub text-hint">{props.note}</p>}
        </div>
        {props.children && <div className="mt-5 flex flex-col items-center gap-2">{props.children}</div>}
      </div>
    </Card>
  );
}

export function OrderFacts({ invoice }: { invoice: InvoiceView }) {
  const t = useT();
  // What was never paid stands in no record.
  const plan = fullName(invoice) ?? (invoice.status === 'paid' ? t('order.inRecord') : null);
  return (
    <Card className="mt-4">
      <Facts
        facts={[
          ...(plan === null ? [] : [{ label: t('order.plan'), value: plan }]),
          { label: t('order.price'), value: <Money money={invoice.price.money} /> },
          ...(invoice.minutesLeft === null || invoice.pending !== null
            ? []
            : [{ label: t('order.payWithin'), value: t('order.minutes', { count: invoice.minutesLeft }) }]),
        ]}
      />
    </Card>
  );
}

export function CancelOrder({ invoice }: { invoice: InvoiceView }) {
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

/** Offered where a message in the chat would help and the bot may not write yet. */
export function AllowMessages() {
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

export function Sign({ name }: { name: IconName }) {
  return (
    <span className="grid size-16 place-items-center rounded-full bg-track text-hint">
      <Icon name={name} className="size-8" />
    </span>
  );
}

/** The one place where gold covers more than a star: the check is drawn once. */
export function SuccessSign() {
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
