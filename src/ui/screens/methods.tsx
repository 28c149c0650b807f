'use client';
import { useEffect, useState } from 'react';
import type { AddingView, StoredMethodView, StoringProviderView } from '#api/views.ts';
import { cardExpiry, cardName, isExpired } from '#ui/cards.ts';
import { Button } from '#ui/components/controls.tsx';
import { useAsk } from '#ui/components/dialog.tsx';
import { Icon, Spinner } from '#ui/components/icons.tsx';
import { MethodIcon } from '#ui/components/method-icon.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card, CellButton, Section } from '#ui/components/section.tsx';
import { CellsSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded, Notice, ProblemNotice, useIsOnline } from '#ui/components/states.tsx';
import { useT, useWords } from '#ui/i18n.tsx';
import { Added, Claiming } from '#ui/methods/claiming.tsx';
import { problemOf } from '#ui/problem.ts';
import { useAddMethod, useConfirmMethod, useMethods, useRemoveMethod, useStoringProviders } from '#ui/queries.ts';
import { onVisibility, openOutside } from '#ui/telegram.ts';
import { providerName } from '#ui/ways.ts';

/** Cards and the like that providers keep for the person: what there is, add one, delete one. */
export default function MethodsScreen() {
  const t = useT();
  const [adding, setAdding] = useState<AddingView | null>(null);
  const methods = useMethods(adding?.id ?? null);
  const [addedId, setAddedId] = useState<string | null>(null);
  const begun = methods.data?.find(({ id }) => id === adding?.id);
  const isThere = begun?.status === 'active';
  const added = methods.data?.find(({ id }) => id === addedId);
  // Told once: from then on it is a method like the others, and may be deleted.
  useEffect(() => {
    if (adding === null || !isThere) return;
    setAddedId(adding.id);
    setAdding(null);
  }, [adding, isThere]);
  return (
    <Screen title={t('methods.title')} lead={t('methods.lead')}>
      <Claiming />
      {adding && <Waiting adding={adding} isGiven={begun !== undefined} onStop={() => setAdding(null)} />}
      {added && <Added card={cardName(added)} />}
      <Loaded query={methods} skeleton={<CellsSkeleton count={3} />}>
        {(list) => (
          <>
            {list.length > 0 ? <Methods list={list} /> : adding === null && <Empty />}
            {adding === null && <Add onBegun={setAdding} />}
          </>
        )}
      </Loaded>
    </Screen>
  );
}

function Empty() {
  const t = useT();
  return <Notice icon="card" title={t('methods.emptyTitle')} text={t('methods.emptyText')} />;
}

function Methods({ list }: { list: readonly StoredMethodView[] }) {
  const t = useT();
  const remove = useRemoveMethod();
  return (
    <>
      {remove.isError && (
        <ProblemNotice problem={problemOf(remove.error)} onRetry={() => remove.mutate(remove.variables)} />
      )}
      <Section title={t('methods.yours')} note={t('methods.note')}>
        {list.map((method) => (
          <MethodRow
            key={method.id}
            method={method}
            isGoing={remove.isPending && remove.variables === method.id}
            onRemove={() => remove.mutate(method.id)}
          />
        ))}
      </Section>
    </>
  );
}

function MethodRow(props: { method: StoredMethodView; isGoing: boolean; onRemove: () => void }) {
  const { isGoing, method, onRemove } = props;
  const t = useT();
  const ask = useAsk();
  const isWaiting = method.status === 'confirming';
  const name = isWaiting ? t('methods.unconfirmed.name') : cardName(method);
  const provider = providerName(t, method);
  const press = async () => {
    const question = {
      title: t('methods.remove.title', { card: name }),
      message: t('methods.remove.text', { provider }),
      yes: t('methods.remove.yes'),
      no: t('methods.remove.no'),
      isDestructive: true,
    };
    if (await ask(question)) onRemove();
  };
  return (
    <div className="flex min-h-12 items-center gap-3 ps-4 pe-1" data-testid={`method-row-${method.id}`}>
      <MethodIcon method={method.method} className="size-6 text-link" />
      <div className="min-w-0 flex-1 py-2.5">
        <p className="tabular text-body">{name}</p>
        <p className="mt-0.5 text-sub text-hint">
          {isWaiting ? t('methods.unconfirmed.text', { provider }) : <MethodDetail method={method} />}
        </p>
      </div>
      <button
        type="button"
        onClick={() => void press()}
        disabled={isGoing}
        aria-label={t('methods.remove.label', { card: name })}
        data-testid={`method-remove-${method.id}`}
        className="grid size-11 shrink-0 place-items-center rounded-full text-danger active:bg-track disabled:opacity-50"
      >
        {isGoing ? <Spinner className="size-5" /> : <Icon name="trash" className="size-[22px]" />}
      </button>
    </div>
  );
}

function MethodDetail({ method }: { method: StoredMethodView }) {
  const t = useT();
  const provider = providerName(t, method);
  const date = cardExpiry(method);
  if (date === null) return provider;
  if (isExpired(method, new Date()))
    return <span className="text-danger">{t('methods.over', { provider, date })}</span>;
  return t('methods.until', { provider, date });
}

function Add({ onBegun }: { onBegun: (adding: AddingView) => void }) {
  const t = useT();
  const { language } = useWords();
  const isOnline = useIsOnline();
  const providers = useStoringProviders();
  const add = useAddMethod();
  const begin = (provider: string) =>
    add.mutate(provider, {
      onSuccess: (adding) => {
        openOutside(pageOf(adding, language));
        onBegun(adding);
      },
    });
  if (providers.data?.length === 0) return null;
  return (
    <>
      {add.isError && <ProblemNotice problem={problemOf(add.error)} onRetry={() => begin(add.variables)} />}
      <Loaded query={providers} skeleton={<CellsSkeleton count={2} />}>
        {(list) => (
          <Section title={t('methods.add')} note={t('methods.addNote')}>
            {list.map((one) => (
              <CellButton
                key={one.provider}
                icon="plus"
                title={providerName(t, one)}
                subtitle={<Takes provider={one} />}
                value={add.isPending && add.variables === one.provider ? <Spinner className="size-5" /> : undefined}
                leadsOn
                isDisabled={!isOnline || add.isPending}
                testId={`method-add-${one.provider}`}
                onPress={() => begin(one.provider)}
              />
            ))}
          </Section>
        )}
      </Loaded>
    </>
  );
}

/** "Card · JPY, USD, EUR": what is stored there, and which prices it then pays. */
function Takes({ provider: { method, currencies } }: { provider: StoringProviderView }) {
  const t = useT();
  return t('methods.takes', { method: t(`method.${method}`), currencies: currencies.join(', ') });
}

/** The provider's own page, or ours that leads to it. Both open in the person's browser. */
function pageOf({ pageUrl, url }: AddingView, language: string): string {
  return url ?? `${pageUrl}?lang=${language}`;
}

/** The page is open in the browser: no card was given there yet, or it waits to be confirmed from there. */
function Waiting({ adding, isGiven, onStop }: { adding: AddingView; isGiven: boolean; onStop: () => void }) {
  const t = useT();
  const { language } = useWords();
  const confirm = useConfirmMethod();
  const { mutate } = confirm;
  const provider = providerName(t, { provider: adding.provider, method: 'credit_card' });
  // A page of the provider may be closed before it leads back: then it is asked, once per return.
  const isTheirs = adding.url !== null && !isGiven;
  useEffect(
    () => (isTheirs ? onVisibility((isVisible) => isVisible && mutate(adding.id)) : undefined),
    [adding.id, isTheirs, mutate],
  );
  return (
    <>
      <Card className="mt-6">
        <div
          className="appear flex flex-col items-center px-6 py-8 text-center"
          role="status"
          data-testid="method-waiting"
        >
          <Spinner className="size-12 text-accent" />
          <p className="mt-5 text-heading">{t(isGiven ? 'methods.waiting.nearlyTitle' : 'methods.waiting.title')}</p>
          <p className="mt-2 max-w-sm text-sub text-hint">
            {t(isGiven ? 'methods.waiting.nearlyText' : 'methods.waiting.text', { provider })}
          </p>
          <div className="mt-5 grid gap-2">
            {!isGiven && (
              <Button onPress={() => openOutside(pageOf(adding, language))} testId="method-open-again">
                {t('methods.waiting.again')}
              </Button>
            )}
            <Button look="plain" onPress={onStop}>
              {t('methods.waiting.stop')}
            </Button>
          </div>
        </div>
      </Card>
      {confirm.isError && <ProblemNotice problem={problemOf(confirm.error)} onRetry={() => mutate(adding.id)} />}
    </>
  );
}
