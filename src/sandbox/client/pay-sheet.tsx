import { useCallback, useEffect, useRef, useState } from 'react';
import type { SimPayForm, SimPayResult } from '../control.ts';
import { api, SimRefusal } from './api.ts';
import { formatNumber } from './format.ts';
import { Icon, StarIcon, Stars } from './icons.tsx';
import { usePhone } from './phone-context.ts';
import { Sheet } from './sheet.tsx';
import { useLanguage, useTexts } from './texts.ts';
import type { Texts } from './texts-en.ts';

type Reported = SimPayResult['reported'];

type Stage =
  | { name: 'preparing' }
  | { name: 'ready'; form: SimPayForm }
  | { name: 'paying'; form: SimPayForm }
  | { name: 'done'; form: SimPayForm; status: 'paid' | 'pending'; reported: Reported }
  | { name: 'failed'; form: SimPayForm | undefined; words: string; code: string; reported: Reported };

/** How long success stays on screen before the sheet leaves by itself. */
const farewellMs = 1100;
/** Telegram itself gives the bot 10 s; after this the client stops waiting and calls the payment pending. */
const clientTimeoutMs = 20_000;

function explain(code: string, words: string | undefined, texts: Texts): string {
  if (words) return words;
  if (code === 'BOT_PRECHECKOUT_TIMEOUT') return texts.pay.timeout;
  if (code === 'FORM_EXPIRED' || code === 'FORM_SUBMIT_DUPLICATE') return texts.pay.expired;
  if (code === 'SLUG_INVALID') return texts.pay.unknownInvoice;
  if (code === 'INVOICE_ALREADY_PAID') return texts.pay.alreadyPaid;
  if (code === 'NETWORK') return texts.pay.network;
  return texts.pay.failedText;
}

function failure(cause: unknown, form: SimPayForm | undefined, texts: Texts): Stage {
  if (!(cause instanceof SimRefusal)) throw cause;
  return { name: 'failed', form, code: cause.code, words: explain(cause.code, undefined, texts), reported: ['failed'] };
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
function usePayment(slug: string, leave: (reported: Reported) => void) {
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
    const { reported } = result;
    // A lying client believes its own lie, so the sheet shows what the Mini App is told first.
    const shown = reported[0] ?? result.status;
    const code = result.error ?? 'PAYMENT_FAILED';
    if (shown === 'cancelled') return leave(reported);
    if (shown === 'failed')
      setStage({ name: 'failed', form, code, words: explain(code, result.error_message, texts), reported });
    else setStage({ name: 'done', form, status: shown, reported });
  };

  const pay = async (form: SimPayForm) => {
    setStage({ name: 'paying', form });
    try {
      await settle(form, await api.pay(slug, userId, form.form_id, AbortSignal.timeout(clientTimeoutMs)));
    } catch (cause) {
      // An answer that never came says nothing about the charge: the client may only call it pending.
      const isUnknown = cause instanceof SimRefusal && cause.code === 'NETWORK';
      setStage(
        isUnknown ? { name: 'done', form, status: 'pending', reported: ['pending'] } : failure(cause, form, texts),
      );
    }
  };

  return { stage, prepare, pay };
}

/** Errors that a second try cannot mend. */
const finalCodes = new Set(['SLUG_INVALID', 'INVOICE_ALREADY_PAID']);

function ActionButton(props: {
  stage: Stage;
  onPay: (form: SimPayForm) => void;
  onRetry: () => void;
  onClose: () => void;
}) {
  const { stage } = props;
  const texts = useTexts();
  if (stage.name === 'done' && stage.status === 'paid') return null;
  if (stage.name === 'done' || (stage.name === 'failed' && finalCodes.has(stage.code))) {
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

/** Telegram's own payment sheet for an invoice. `onClose` gets the statuses a Mini App is told, in order. */
export function PaySheet(props: { slug: string; inert: boolean; onClose: (reported: Reported) => void }) {
  const phone = usePhone();
  const texts = useTexts();
  const { stage, prepare, pay } = usePayment(props.slug, props.onClose);
  const form = stage.name === 'preparing' ? undefined : stage.form;
  const isPaid = stage.name === 'done' && stage.status === 'paid';
  const close = () => {
    if (stage.name === 'paying') return;
    if (stage.name === 'done' || stage.name === 'failed') return props.onClose(stage.reported);
    props.onClose(phone.state.faults.invoice_closed === 'missing' ? [] : ['cancelled']);
  };
  const latestClose = useRef(close);
  latestClose.current = close;

  useEffect(() => {
    if (!isPaid) return;
    const timer = setTimeout(() => latestClose.current(), farewellMs);
    return () => clearTimeout(timer);
  }, [isPaid]);

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
