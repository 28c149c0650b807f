'use client';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { SubmitButton } from '#ui/components/controls.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { useIsOnline } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { formatExpiry, formatNumber, hasCheckDigit, onlyDigits, readCard } from '#ui/methods/card.ts';
import { Field } from '#ui/methods/field.tsx';
import type { CardFlow } from '#ui/methods/use-card-flow.ts';
import { Refusal } from '#ui/pay/refusal.tsx';

/** The digits of the shortest code of any provider, and of the longest. */
const CODE_DIGITS = { min: 4, max: 8 };

/** A card, typed here and sent to its provider. What was typed is forgotten as soon as the provider has taken it. */
export function CardForm({ cards, provider }: { cards: CardFlow; provider: string }) {
  const t = useT();
  const isOnline = useIsOnline();
  const [number, setNumber] = useState('');
  const [expiry, setExpiry] = useState('');
  const [isDoubtful, setIsDoubtful] = useState(false);
  const card = readCard({ number, expiry });
  const { isBusy } = cards.flow;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (card === null || !(await cards.send(card))) return;
    setNumber('');
    setExpiry('');
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="grid gap-4" autoComplete="on">
      <Field
        label={t('adding.number')}
        value={number}
        onChange={(typed) => {
          setNumber(formatNumber(typed));
          setIsDoubtful(false);
        }}
        onLeave={() => setIsDoubtful(number !== '' && !isPlausible(number))}
        hint={isDoubtful ? t('adding.numberHint') : null}
        isWrong={isDoubtful}
        inputMode="numeric"
        autoComplete="cc-number"
        placeholder="0000 0000 0000 0000"
        maxLength={23}
        isLocked={isBusy}
        testId="card-number"
      />
      <Field
        label={t('adding.expiry')}
        value={expiry}
        onChange={(typed) => setExpiry(formatExpiry(typed))}
        hint={t('adding.expiryHint')}
        inputMode="numeric"
        autoComplete="cc-exp"
        placeholder="MM/YY"
        maxLength={7}
        isLocked={isBusy}
        testId="card-expiry"
      />
      <Trouble cards={cards} provider={provider} />
      <SubmitButton isDisabled={card === null || !isOnline} isBusy={isBusy} testId="card-send">
        {t(isBusy ? 'adding.sending' : 'adding.send', { provider })}
      </SubmitButton>
    </form>
  );
}

function isPlausible(number: string): boolean {
  return onlyDigits(number).length >= 16 && hasCheckDigit(number);
}

/** The code that came to the owner's phone. */
export function CodeForm({ cards, provider }: { cards: CardFlow; provider: string }) {
  const t = useT();
  const isOnline = useIsOnline();
  const [code, setCode] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const { flow, keeper } = cards;
  const { codes, failure, isBusy, sent } = flow;
  useEffect(() => {
    if (failure === 'code_wrong' || failure === 'code_over') setCode('');
    field.current?.focus();
  }, [failure]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.length >= CODE_DIGITS.min) cards.confirm(code);
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <p role="status" className="text-sub text-pretty text-hint">
        {sent?.phone ? t('adding.codeText', { provider, phone: sent.phone }) : t('adding.codeTextPlain', { provider })}
        {codes > 1 && ` ${t('adding.resent')}`}
      </p>
      <Field
        label={t('adding.code')}
        value={code}
        onChange={(typed) => setCode(onlyDigits(typed).slice(0, CODE_DIGITS.max))}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={CODE_DIGITS.max}
        isLocked={isBusy}
        inputRef={field}
        testId="card-code"
      />
      <Trouble cards={cards} provider={provider} />
      <SubmitButton isDisabled={code.length < CODE_DIGITS.min || !isOnline} isBusy={isBusy} testId="card-confirm">
        {t('adding.confirm')}
      </SubmitButton>
      <div className="-my-1 flex flex-wrap justify-between gap-x-4">
        {keeper?.resend && <Resend key={codes} cards={cards} />}
        <Plain onPress={cards.otherCard} isDisabled={isBusy} testId="card-other">
          {t('adding.otherCard')}
        </Plain>
      </div>
    </form>
  );
}

/** Another code, once the provider lets one be asked for. The countdown is for eyes only. */
function Resend({ cards }: { cards: CardFlow }) {
  const t = useT();
  const { isBusy, sent } = cards.flow;
  const left = useSecondsLeft(sent?.waitMs ?? 0);
  return (
    <Plain onPress={cards.resend} isDisabled={isBusy || left > 0} testId="card-resend">
      <span className="tabular">{left > 0 ? t('adding.resendIn', { seconds: left }) : t('adding.resend')}</span>
    </Plain>
  );
}

function useSecondsLeft(ms: number): number {
  const [left, setLeft] = useState(Math.ceil(ms / 1_000));
  useEffect(() => {
    const until = Date.now() + ms;
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1_000))), 500);
    return () => clearInterval(timer);
  }, [ms]);
  return left;
}

function Plain(props: { children: ReactNode; onPress: () => void; isDisabled: boolean; testId: string }) {
  return (
    <button
      type="button"
      onClick={props.onPress}
      disabled={props.isDisabled}
      data-testid={props.testId}
      className="min-h-11 text-sub font-medium text-link disabled:text-hint"
    >
      {props.children}
    </button>
  );
}

/** Why the provider, or our own server, did not take what was typed. */
function Trouble({ cards: { flow }, provider }: { cards: CardFlow; provider: string }) {
  const t = useT();
  if (flow.problem) return <Refusal problem={flow.problem} />;
  if (flow.failure === null) return null;
  return (
    <p role="alert" data-testid="card-failure" className="flex gap-3 rounded-card bg-track px-4 py-3 text-sub">
      <Icon name="alert" className="mt-px size-5 text-danger" />
      <span className="min-w-0">{t(`adding.failure.${flow.failure}`, { provider })}</span>
    </p>
  );
}
