'use client';
import { type ReactNode, useEffect, useRef } from 'react';
import { cardName } from '#ui/cards.ts';
import { Icon } from '#ui/components/icons.tsx';
import { MethodIcon } from '#ui/components/method-icon.tsx';
import { ProblemNotice, useIsOnline } from '#ui/components/states.tsx';
import { useT, WordsProvider } from '#ui/i18n.tsx';
import type { ClientMessages, Language } from '#ui/message-format.ts';
import type { CardClient } from '#ui/methods/card.ts';
import { CardForm, CodeForm } from '#ui/methods/card-form.tsx';
import { NearlySaved } from '#ui/methods/nearly-saved.tsx';
import { type AddingState, stateOf } from '#ui/methods/state.ts';
import { type Following, useAdding } from '#ui/methods/use-adding.ts';
import { useCardFlow } from '#ui/methods/use-card-flow.ts';
import { Frame } from '#ui/pay/frame.tsx';
import { Legal } from '#ui/pay/legal.tsx';
import { Refusal } from '#ui/pay/refusal.tsx';
import { LinkButton, PaidSign, Sheet, Sign, Told } from '#ui/pay/sheet.tsx';
import { providerName } from '#ui/ways.ts';

type Props = Readonly<{ methodId: string; botUsername: string }>;

/** Payme asks of every page that takes a card for it to lead to this offer (protokol-subscribe-api). */
const PAYME_OFFER = 'https://cdn.payme.uz/terms/main.html';

/** Where a person adds a payment method in their own browser: with the provider's page, or on this one past us. */
export function AddingPage(props: Props & { language: Language; messages: ClientMessages }) {
  return (
    <WordsProvider language={props.language} messages={props.messages}>
      <Adding methodId={props.methodId} botUsername={props.botUsername} />
    </WordsProvider>
  );
}

function Adding({ methodId, botUsername }: Props) {
  const title = useT()('adding.title');
  useEffect(() => {
    document.title = `${title} · Hoshi`;
  }, [title]);
  const following = useAdding(methodId);
  const { seen } = following;
  const state = stateOf(seen);
  const main = useFocusOnChange(state.kind);
  return (
    <Frame isStale={seen.adding !== null && seen.problem !== null && state.kind !== 'page'}>
      <main ref={main} key={state.kind} data-testid={`adding-${state.kind}`}>
        <State state={state} methodId={methodId} following={following} botUsername={botUsername} />
        <Legal />
      </main>
    </Frame>
  );
}

function State(props: { state: AddingState; methodId: string; following: Following; botUsername: string }) {
  const { botUsername, following, methodId, state } = props;
  const t = useT();
  const appUrl = `https://t.me/${botUsername}?startapp=methods`;
  switch (state.kind) {
    case 'loading':
      return <Skeleton />;
    case 'trouble':
      return (
        <Sheet>
          <h1 className="sr-only">{t('adding.title')}</h1>
          <ProblemNotice problem={state.problem} onRetry={following.look} />
        </Sheet>
      );
    case 'unknown':
    case 'removed':
    case 'elsewhere':
      return <Over kind={state.kind} appUrl={appUrl} />;
    case 'page':
      return <AtProvider provider={state.provider} url={state.url} following={following} />;
    case 'card':
      return <CardHere methodId={methodId} provider={state.provider} client={state.client} following={following} />;
    case 'nearly':
      return <NearlySaved methodId={methodId} botUsername={botUsername} card={state.card} onLook={following.look} />;
    case 'done':
      return (
        <Sheet>
          <Told
            sign={<PaidSign />}
            title={t('adding.done.title', { card: cardName(state.card) })}
            text={t('adding.done.text')}
          >
            <LinkButton href={appUrl} testId="to-app">
              {t('adding.done.back')}
            </LinkButton>
          </Told>
        </Sheet>
      );
  }
}

const SIGNS = { unknown: 'search', removed: 'minus', elsewhere: 'clock' } as const;

function Over({ kind, appUrl }: { kind: keyof typeof SIGNS; appUrl: string }) {
  const t = useT();
  return (
    <Sheet>
      <Told sign={<Sign name={SIGNS[kind]} />} title={t(`adding.${kind}.title`)} text={t(`adding.${kind}.text`)}>
        <LinkButton href={appUrl} isQuiet testId="to-app">
          {t('adding.toApp')}
        </LinkButton>
      </Told>
    </Sheet>
  );
}

function nameOf(t: ReturnType<typeof useT>, provider: string): string {
  return providerName(t, { provider, method: 'credit_card' });
}

/** The provider has a page of its own; on the way back it is asked what came of it. */
function AtProvider({ provider, url, following }: { provider: string; url: string; following: Following }) {
  const t = useT();
  const isOnline = useIsOnline();
  const name = nameOf(t, provider);
  const { isChecking, seen } = following;
  return (
    <Sheet>
      <Told
        sign={<CardSign />}
        title={t('adding.title')}
        text={t(isChecking ? 'adding.checking' : 'adding.toProviderText', { provider: name })}
      >
        {seen.problem && <Refusal problem={seen.problem} />}
        {!isChecking && <Warning />}
        <LinkButton href={url} testId="to-provider" isQuiet={isChecking || !isOnline}>
          {t('adding.toProvider', { provider: name })}
        </LinkButton>
      </Told>
    </Sheet>
  );
}

/** The card goes from here to the provider. */
function CardHere(props: { methodId: string; provider: string; client: CardClient; following: Following }) {
  const { client, following, methodId, provider } = props;
  const t = useT();
  const name = nameOf(t, provider);
  const cards = useCardFlow({ methodId, provider, client, onDone: following.tell });
  // A provider that this page cannot speak to: its adapter and this table must change together.
  if (cards.keeper === null) throw new Error(`no card form for ${provider}`);
  return (
    <Sheet>
      <div className="px-4 pt-6 pb-5">
        <CardSign />
        <h1 tabIndex={-1} className="mt-5 text-heading text-balance">
          {t('adding.title')}
        </h1>
        <p className="mt-2 mb-4 text-sub text-pretty text-hint">{t('adding.lead', { provider: name })}</p>
        <Warning />
        <div className="h-5" />
        {cards.flow.sent === null ? (
          <CardForm cards={cards} provider={name} />
        ) : (
          <CodeForm cards={cards} provider={name} />
        )}
      </div>
      {provider === 'payme' && <PaymeNotice />}
    </Sheet>
  );
}

/** Before a card is given: whoever was sent this page by somebody would save it for them. */
function Warning() {
  const t = useT();
  return (
    <div data-testid="adding-warning" className="flex gap-3 rounded-card bg-track px-4 py-3 text-sub">
      <Icon name="alert" className="mt-px size-5" />
      <div className="min-w-0 text-pretty">
        <p className="font-semibold">{t('adding.warning.title')}</p>
        <p className="mt-1 text-hint">{t('adding.warning.text')}</p>
      </div>
    </div>
  );
}

function CardSign() {
  return (
    <span className="grid size-14 place-items-center rounded-full bg-tint text-link">
      <MethodIcon method="credit_card" className="size-6" />
    </span>
  );
}

/** What Payme asks to be told beside a form that takes cards for it. */
function PaymeNotice() {
  const t = useT();
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 px-4 py-2 text-note text-hint">
      <p className="min-w-0 py-1">
        <span className="font-semibold text-text">{t('adding.powered')}</span> · {t('adding.keeps')}
      </p>
      <a
        href={PAYME_OFFER}
        target="_blank"
        rel="noopener"
        className="flex min-h-11 items-center underline decoration-separator underline-offset-4"
      >
        {t('adding.offer')}
      </a>
    </div>
  );
}

/** The shape of the card form. */
function Skeleton(): ReactNode {
  const t = useT();
  return (
    <div aria-busy="true" data-testid="skeleton">
      <h1 className="sr-only">{t('adding.title')}</h1>
      <noscript>
        <p className="mb-3 rounded-card bg-track px-4 py-3 text-sub">{t('adding.noScript')}</p>
      </noscript>
      <Sheet>
        <div className="px-4 pt-6 pb-5">
          <div className="size-14 rounded-full bg-track" />
          <div className="skeleton mt-5 h-6 w-52" />
          <div className="skeleton mt-4 h-4 w-full" />
          <div className="skeleton mt-2 h-4 w-3/5" />
          <div className="skeleton mt-7 h-4 w-28" />
          <div className="skeleton mt-2 h-12 w-full rounded-card" />
          <div className="skeleton mt-5 h-4 w-24" />
          <div className="skeleton mt-2 h-12 w-full rounded-card" />
          <div className="skeleton mt-10 h-12 w-full rounded-card" />
        </div>
      </Sheet>
    </div>
  );
}

/** Brings a reader to the new heading when the page has changed by itself; the first state takes no focus. */
function useFocusOnChange(kind: AddingState['kind']) {
  const main = useRef<HTMLElement>(null);
  const before = useRef(kind);
  useEffect(() => {
    const isFirst = before.current === 'loading' || before.current === kind;
    before.current = kind;
    if (!isFirst) main.current?.querySelector('h1')?.focus();
  }, [kind]);
  return main;
}
