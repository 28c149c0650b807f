'use client';
import { useEffect, useRef } from 'react';
import { useT, WordsProvider } from '#ui/i18n.tsx';
import type { ClientMessages, Language } from '#ui/message-format.ts';
import { Choose } from '#ui/pay/choose.tsx';
import { Blocked, Ended, Paid, Trouble, Undone, Unknown } from '#ui/pay/ends.tsx';
import { Frame } from '#ui/pay/frame.tsx';
import { Pending } from '#ui/pay/pending.tsx';
import { PaySkeleton } from '#ui/pay/skeleton.tsx';
import { type PayState, stateOf } from '#ui/pay/state.ts';
import { useOrder } from '#ui/pay/use-order.ts';
import { type Payment, type Standing, usePayment } from '#ui/pay/use-payment.ts';
import { Waiting } from '#ui/pay/waiting.tsx';
import { startParamOf } from '#ui/routes.ts';

type Props = Readonly<{ invoiceId: string; botUsername: string }>;

/** An order as its link shows it in any browser: how it can be paid, and what has become of it. */
export function PayPage(props: Props & { language: Language; messages: ClientMessages }) {
  const { invoiceId, botUsername, language, messages } = props;
  return (
    <WordsProvider language={language} messages={messages}>
      <Checkout invoiceId={invoiceId} botUsername={botUsername} />
    </WordsProvider>
  );
}

/** The same frame for a link that leads to no order, which the server knows before anything is shown. */
export function UnknownOrder(props: { botUsername: string; language: Language; messages: ClientMessages }) {
  return (
    <WordsProvider language={props.language} messages={props.messages}>
      <Frame isStale={false}>
        <main data-testid="pay-unknown">
          <Unknown botUrl={`https://t.me/${props.botUsername}`} />
        </main>
      </Frame>
    </WordsProvider>
  );
}

function Checkout({ invoiceId, botUsername }: Props) {
  useTitle();
  const latest = useRef<Standing>({ failure: null, look: () => {} });
  const payment = usePayment(invoiceId, latest);
  const { seen, look } = useOrder(invoiceId, payment.started);
  latest.current = { failure: seen.order?.failure?.failure ?? null, look };
  const state = stateOf(seen, payment.started, payment.isChoosingAnew);
  const main = useFocusOnChange(state.kind);
  const isStale = seen.order !== null && seen.problem !== null;
  return (
    <Frame isStale={isStale}>
      <main ref={main} key={state.kind} data-testid={`pay-${state.kind}`}>
        <State state={state} payment={payment} botUrl={orderInBot(botUsername, invoiceId)} onRetry={look} />
      </main>
    </Frame>
  );
}

/** The order's own screen in the Mini App. */
function orderInBot(botUsername: string, invoiceId: string): string {
  return `https://t.me/${botUsername}?startapp=${startParamOf({ screen: 'order', invoiceId })}`;
}

function State(props: { state: PayState; payment: Payment; botUrl: string; onRetry: () => void }) {
  const { state, payment, botUrl } = props;
  switch (state.kind) {
    case 'loading':
      return <PaySkeleton />;
    case 'trouble':
      return <Trouble problem={state.problem} onRetry={props.onRetry} />;
    case 'unknown':
      return <Unknown botUrl={botUrl} />;
    case 'choosing':
      return <Choose order={state.order} payment={payment} botUrl={botUrl} />;
    case 'waiting':
      return <Waiting order={state.order} started={state.started} payment={payment} botUrl={botUrl} />;
    case 'paid':
      return <Paid order={state.order} botUrl={botUrl} />;
    case 'blocked':
      return <Blocked order={state.order} text={state.text} botUrl={botUrl} />;
    case 'pending':
      return <Pending order={state.order} pending={state.pending} payment={payment} botUrl={botUrl} />;
    case 'refunding':
    case 'refunded':
    case 'disputed':
    case 'charged_back':
      return <Undone order={state.order} kind={state.kind} botUrl={botUrl} />;
    case 'expired':
    case 'cancelled':
      return <Ended order={state.order} started={'started' in state ? state.started : null} botUrl={botUrl} />;
  }
}

/** Brings a reader to the new heading when the page has changed by itself; the first state takes no focus. */
function useFocusOnChange(kind: PayState['kind']) {
  const main = useRef<HTMLElement>(null);
  const before = useRef(kind);
  useEffect(() => {
    const isFirst = before.current === 'loading' || before.current === kind;
    before.current = kind;
    if (!isFirst) main.current?.querySelector('h1')?.focus();
  }, [kind]);
  return main;
}

/** The tab's name follows a change of the language. */
function useTitle(): void {
  const title = useT()('pay.title');
  useEffect(() => {
    document.title = `${title} · Hoshi`;
  }, [title]);
}
