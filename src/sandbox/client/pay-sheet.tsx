import { useCallback, useEffect, useRef, useState } from 'react';
import type { SimPayForm, SimPayResult } from '../control.ts';
import { api, SimRefusal } from './api.ts';
import { formatNumber } from './format.ts';
import { Icon, StarIcon, Stars } from './icons.tsx';
import { usePhone } from './phone-context.ts';
import { Sheet } from './sheet.tsx';
import { useLanguage, useTexts } from './texts.ts';
import type { Texts } from './texts-en.ts';

type PayStatus = SimPayResult['status'];

type Stage =
  | { name: 'preparing' }
  | { name: 'ready'; form: SimPayForm }
  | { name: 'paying'; form: SimPayForm }
  | { name: 'done'; form: SimPayForm; status: 'paid' | 'pending' }
  | { name: 'failed'; form: SimPayForm | undefined; words: string; code: string; retry: boolean };

/** How long success stays on screen before the sheet leaves by itself. */
const farewellMs = 1100;
/** Telegram itself gives the bot 10 s; after this the client stops waiting and calls the payment pending. */
const clientTimeoutMs = 20_000;

function explain(code: string, words: string | undefined, texts: Texts): string {
  if (words) return words;
  if (code === 'BOT_PRECHECKOUT_TIMEOUT' || code === 'BOT_PRECHECKOUT_FAILED') return texts.pay.timeout;
  if (code === 'FORM_EXPIRED') return texts.pay.expired;
  if (code === 'SLUG_INVALID' || code === 'INVOICE_INVALID') return texts.pay.unknownInvoice;
  if (code === 'INVOICE_ALREADY_PAID') return texts.pay.alreadyPaid;
  if (code === 'NETWORK') return texts.pay.network;
  return texts.pay.failedText;
}

function failure(cause: unknown, form: SimPayForm | undefined, texts: Texts): Stage {
  if (!(cause instanceof SimRefusal)) throw cause;
  return { name: 'failed', form, code: cause.code, words: explain(cause.code, undefined, texts), retry: true };
}

function Balance({ balance }: { balance: number }) {
  const texts = useTexts();
  const language = useLanguage();
  const amount = formatNumber(balance, language);
  return (
    <span className="balance-chip">
      <small>{texts.pay.balance}</small>
      <Stars amount={amount} label={texts.people.stars(amount)} size={13} />
    </span>
  );
}

function Offer({ form }: { form: SimPayForm }) {
  const { state } = usePhone();
  const texts = useTexts();
  const language = useLanguage();
  const amount = formatNumber(form.total_amount, language);
  const recurring = form.subscription_period !== undefined;
  const question = recurring ? texts.pay.subscribeQuestion : texts.pay.question;
  const [before, title, after] = question(form.title, state.bot.first_name);
  return (
    <>
      <p className="pay-price">
        <Stars amount={amount} label={texts.people.stars(amount)} size={30} />
        {recurring && <span className="pay-period">{texts.pay.month}</span>}
      </p>
      <p className="pay-question">
        {before}
        <strong>{title}</strong>
        {after}
      </p>
      <p className="pay-description">{form.description}</p>
      {recurring && <p className="pay-note">{texts.pay.renewal}</p>}
    </>
  );
}

function Outcome({ stage }: { stage: Extract<Stage, { name: 'done' | 'failed' }> }) {
  const texts = useTexts();
  const language = useLanguage();
  if (stage.name === 'failed') {
    return (
      <div className="pay-outcome failed" role="alert" data-testid="pay-error">
        <h3>{stage.form ? texts.pay.failed : texts.pay.notReady}</h3>
        <p>{stage.words}</p>
        <code>{stage.code}</code>
      </div>
    );
  }
  const paid = stage.status === 'paid';
  const amount = `${formatNumber(stage.form.total_amount, language)} ★`;
  return (
    <div className={`pay-outcome ${stage.status}`} role="status" data-testid={`pay-${stage.status}`}>
      <span className="outcome-mark">{paid ? <Icon name="check" size={34} /> : <span className="spinner" />}</span>
      <h3>{paid ? texts.pay.done : texts.pay.pending}</h3>
      <p>{paid ? texts.pay.doneText(amount) : texts.pay.pendingText}</p>
    </div>
  );
}

/** Loads the form, pays it, and remembers where it stands. */
function usePayment(slug: string) {
  const phone = usePhone();
  const texts = useTexts();
  const [stage, setStage] = useState<Stage>({ name: 'preparing' });
  const userId = phone.user.id;
  const latestTexts = useRef(texts);
  latestTexts.current = texts;

  const prepare = useCallback(async () => {
    setStage({ name: 'preparing' });
    try {
      setStage({ name: 'ready', form: await api.payForm(slug, userId) });
    } catch (cause) {
      setStage(failure(cause, undefined, latestTexts.current));
    }
  }, [slug, userId]);

  useEffect(() => {
    void prepare();
  }, [prepare]);

  const settle = async (form: SimPayForm, result: SimPayResult): Promise<void> => {
    if (result.error === 'BALANCE_TOO_LOW') {
      await phone.openTopUp(form.total_amount - phone.user.balance);
      return prepare();
    }
    const code = result.error ?? 'PAYMENT_FAILED';
    if (result.status === 'paid' || result.status === 'pending') setStage({ name: 'done', form, status: result.status });
    else setStage({ name: 'failed', form, code, words: explain(code, result.error_message, texts), retry: true });
  };

  const pay = async (form: SimPayForm) => {
    setStage({ name: 'paying', form });
    try {
      const result = await api.pay(slug, userId, form.form_id, AbortSignal.timeout(clientTimeoutMs));
      await settle(form, reportAs(result, phone.state.faults.invoice_closed));
    } catch (cause) {
      // An answer that never came says nothing about the charge: the client may only call it pending.
      const unknown = cause instanceof SimRefusal && cause.code === 'NETWORK';
      setStage(unknown ? { name: 'done', form, status: 'pending' } : failure(cause, form, texts));
    }
  };

  return { stage, prepare, pay };
}

/** What the sheet itself shows when the client is made to lie about a charge. */
function reportAs(result: SimPayResult, fault: string | undefined): SimPayResult {
  if (result.status !== 'paid') return result;
  if (fault === 'charged_but_failed') return { status: 'failed', error: 'PAYMENT_FAILED' };
  return fault === 'pending' ? { status: 'pending' } : result;
}

function ActionButton(props: { stage: Stage; onPay: (form: SimPayForm) => void; onRetry: () => void; onClose: () => void }) {
  const { stage } = props;
  const texts = useTexts();
  if (stage.name === 'done') {
    if (stage.status === 'paid') return null;
    return (
      <button type="button" className="sheet-action" onClick={props.onClose}>
        {texts.close}
      </button>
    );
  }
  if (stage.name === 'failed') {
    return (
      <button type="button" className="sheet-action" onClick={props.onRetry}>
        {texts.pay.retry}
      </button>
    );
  }
  const busy = stage.name !== 'ready';
  return (
    <button
      type="button"
      className="sheet-action"
      data-testid="pay-confirm"
      disabled={busy}
      aria-busy={busy}
      onClick={() => stage.name === 'ready' && props.onPay(stage.form)}
    >
      {busy ? <span className="spinner" /> : texts.pay.confirm}
      {busy && (
        <span className="visually-hidden">{stage.name === 'paying' ? texts.pay.waiting : texts.pay.preparing}</span>
      )}
    </button>
  );
}

/** The status a closed sheet reports: what happened, or that the user left. */
function closingStatus(stage: Stage): PayStatus {
  if (stage.name === 'done') return stage.status;
  if (stage.name === 'failed') return 'failed';
  return stage.name === 'paying' ? 'pending' : 'cancelled';
}

/** Telegram's own payment sheet for an invoice. `onClose` gets what the client believes about the payment. */
export function PaySheet(props: { slug: string; inert: boolean; onClose: (status: PayStatus) => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const { stage, prepare, pay } = usePayment(props.slug);
  const form = stage.name === 'preparing' ? undefined : stage.form;
  const paid = stage.name === 'done' && stage.status === 'paid';
  const close = () => props.onClose(closingStatus(stage));
  const latestClose = useRef(props.onClose);
  latestClose.current = props.onClose;

  useEffect(() => {
    if (!paid) return;
    const timer = setTimeout(() => latestClose.current('paid'), farewellMs);
    return () => clearTimeout(timer);
  }, [paid]);

  return (
    <Sheet
      title={texts.pay.title}
      testId="pay-sheet"
      closeTestId="pay-cancel"
      corner={<Balance balance={phone.user.balance} />}
      inert={props.inert}
      onClose={close}
    >
      <div className="pay-body">
        {stage.name !== 'done' && (
          <span className={`pay-star ${stage.name}`}>
            <StarIcon size={56} />
          </span>
        )}
        {stage.name === 'preparing' && <div className="pay-skeleton" aria-busy="true" />}
        {form && (stage.name === 'ready' || stage.name === 'paying') && <Offer form={form} />}
        {(stage.name === 'done' || stage.name === 'failed') && <Outcome stage={stage} />}
        <p className="pay-waiting" aria-live="polite">
          {stage.name === 'paying' && texts.pay.waiting}
        </p>
      </div>
      <ActionButton stage={stage} onPay={(ready) => void pay(ready)} onRetry={() => void prepare()} onClose={close} />
    </Sheet>
  );
}
