'use client';
import type { LinkedOrderView } from '#api/views.ts';
import type { IconName } from '#ui/components/icons.tsx';
import { ProblemNotice } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import type { Translate } from '#ui/message-format.ts';
import { Legal } from '#ui/pay/legal.tsx';
import { LinkButton, OrderFacts, PaidSign, Sheet, Sign, Told } from '#ui/pay/sheet.tsx';
import type { Started } from '#ui/pay/started.ts';
import type { Problem } from '#ui/problem.ts';
import { providerName } from '#ui/ways.ts';

type Props = { order: LinkedOrderView; botUrl: string };

/** Paid: what is now theirs and until when. */
export function Paid({ order, botUrl }: Props) {
  const t = useT();
  return (
    <>
      <Sheet>
        <Told
          sign={<PaidSign />}
          {...(order.planName === null
            ? { title: t('order.pastTitle'), text: t('order.pastText') }
            : {
                title: t('pay.paid.title', { plan: order.planName }),
                lead: rightText(order, t),
                text: t('pay.paid.text'),
              })}
        >
          <LinkButton href={botUrl} testId="to-bot">
            {t('pay.paid.back')}
          </LinkButton>
        </Told>
        <OrderFacts order={order} />
      </Sheet>
      <Legal />
    </>
  );
}

function rightText({ until, price }: LinkedOrderView, t: Translate): string {
  if (until === null) return t('right.forGood');
  return t(price.renewsEveryDays === null ? 'right.until' : 'right.renews', { date: until.text });
}

type Undone = 'refunding' | 'refunded' | 'disputed' | 'charged_back';

const UNDONE: Readonly<Record<Undone, IconName>> = {
  refunding: 'repeat',
  refunded: 'repeat',
  disputed: 'alert',
  charged_back: 'repeat',
};

/** Paid once, and the money has gone back or is asked back. */
export function Undone({ order, botUrl, kind }: Props & { kind: Undone }) {
  const t = useT();
  return (
    <>
      <Sheet>
        <Told sign={<Sign name={UNDONE[kind]} />} title={t(`pay.${kind}.title`)} text={t(`pay.${kind}.text`)}>
          <LinkButton href={botUrl} isQuiet testId="to-bot">
            {t('pay.toBot')}
          </LinkButton>
        </Told>
        <OrderFacts order={order} />
      </Sheet>
      <Legal />
    </>
  );
}

/** Nothing needs to be paid: its buyer has it already. */
export function Blocked({ order, botUrl, text }: Props & { text: string }) {
  const t = useT();
  return (
    <>
      <Sheet>
        <Told
          sign={<Sign name="check" />}
          title={t('pay.blocked.title', { plan: order.planName ?? order.id })}
          text={text}
        >
          <LinkButton href={botUrl} testId="to-bot">
            {t('pay.paid.back')}
          </LinkButton>
        </Told>
        <OrderFacts order={order} />
      </Sheet>
      <Legal />
    </>
  );
}

/** Closed unpaid: run out or cancelled. `started`: a payment that was begun here may still be told. */
export function Ended({ order, started, botUrl }: Props & { started: Started | null }) {
  const t = useT();
  const isCancelled = order.status === 'cancelled';
  const kind = isCancelled ? 'cancelled' : 'ended';
  return (
    <>
      <Sheet>
        <Told
          sign={<Sign name={isCancelled ? 'minus' : 'clock'} />}
          title={t(`pay.${kind}.title`)}
          text={endText(t, order, isCancelled ? null : started)}
        >
          <LinkButton href={botUrl} isQuiet testId="to-bot">
            {t('pay.toBot')}
          </LinkButton>
        </Told>
        <OrderFacts order={order} />
      </Sheet>
      <Legal />
    </>
  );
}

/** The failure knows best: after some of them money was sent and comes back. */
function endText(t: Translate, { failure, status }: LinkedOrderView, started: Started | null): string {
  if (failure !== null) return failure.text;
  const provider = started && providerName(t, started);
  if (provider !== null) return t('pay.ended.startedText', { provider });
  return t(status === 'cancelled' ? 'pay.cancelled.text' : 'pay.ended.text');
}

/** The link leads to no order. */
export function Unknown({ botUrl }: { botUrl: string }) {
  const t = useT();
  return (
    <>
      <Sheet>
        <Told sign={<Sign name="search" />} title={t('pay.unknown.title')} text={t('pay.unknown.text')}>
          <LinkButton href={botUrl} isQuiet testId="to-bot">
            {t('pay.toBot')}
          </LinkButton>
        </Told>
      </Sheet>
      <Legal />
    </>
  );
}

/** Nothing could be learned yet. The page keeps trying; the button tries at once. */
export function Trouble({ problem, onRetry }: { problem: Problem; onRetry: () => void }) {
  const t = useT();
  return (
    <>
      <h1 tabIndex={-1} className="sr-only">
        {t('pay.title')}
      </h1>
      <Sheet>
        <ProblemNotice problem={problem} onRetry={onRetry} />
      </Sheet>
      <Legal />
    </>
  );
}
