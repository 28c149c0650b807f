import { useEffect, useState } from 'react';
import type { SimButton, SimMessage } from '../control.ts';
import { api } from './api.ts';
import { EntityText } from './entities.tsx';
import { formatBytes, formatNumber, formatTime, rowKey } from './format.ts';
import { Icon, type IconName, StarIcon, Stars, starText } from './icons.tsx';
import { usePhone } from './phone-context.ts';
import { store } from './store.ts';
import { useLanguage, useTexts } from './texts.ts';

/** How long a callback button spins when the bot never answers. Telegram keeps the query itself 150 s. */
const callbackWaitMs = 15_000;

function useStarAmount(): (amount: number) => string {
  const language = useLanguage();
  return (amount) => `${formatNumber(amount, language)} ★`;
}

function ServiceMessage({ message }: { message: SimMessage }) {
  const texts = useTexts();
  const stars = useStarAmount();
  const { successful_payment: payment, refunded_payment: refund } = message;
  let words = message.text ?? '';
  if (payment) {
    const say = payment.is_renewal ? texts.chat.renewedService : texts.chat.paidService;
    words = say(stars(payment.total_amount), payment.title);
  }
  if (refund) words = texts.chat.refundedService(stars(refund.total_amount));
  if (message.chat_shared) words = texts.groups.shared;
  if (message.forum_topic_created) words = texts.groups.topicMade(message.forum_topic_created.name);
  return (
    <li className="service" data-testid={`message-${message.message_id}`}>
      <span>{words}</span>
    </li>
  );
}

function InvoiceCard({ invoice }: { invoice: NonNullable<SimMessage['invoice']> }) {
  const texts = useTexts();
  const language = useLanguage();
  const amount = formatNumber(invoice.total_amount, language);
  return (
    <div className="invoice-card">
      <div className="invoice-head">
        <span className="invoice-star">
          <StarIcon size={22} />
        </span>
        <div>
          <strong>{invoice.title}</strong>
          <Stars amount={amount} label={texts.people.stars(amount)} />
        </div>
        {invoice.state === 'paid' && <span className="paid-badge">{texts.chat.paidBadge}</span>}
      </div>
      <p>{invoice.description}</p>
    </div>
  );
}

function DocumentCard({ document }: { document: NonNullable<SimMessage['document']> }) {
  const texts = useTexts();
  const href = /^(https?:|\/)/.test(document.url) ? document.url : undefined;
  return (
    <a
      className="document-card"
      href={href}
      download={document.file_name}
      aria-label={texts.chat.download(document.file_name)}
      rel="noopener noreferrer"
      target="_blank"
    >
      <span className="document-icon">
        <Icon name="file" size={22} />
      </span>
      <span className="document-name">
        <strong>{document.file_name}</strong>
        <small>{formatBytes(document.file_size)}</small>
      </span>
    </a>
  );
}

function cornerIcon(button: SimButton): IconName | undefined {
  if (button.url || button.login_url) return 'external';
  if (button.web_app) return 'window';
  if (button.copy_text) return 'copy';
  return button.pay ? 'card' : undefined;
}

function KeyboardButton({ button, message }: { button: SimButton; message: SimMessage }) {
  const phone = usePhone();
  const texts = useTexts();
  const [waiting, setWaiting] = useState(false);
  const icon = cornerIcon(button);
  const paid = button.pay === true && message.invoice?.state === 'paid';

  useEffect(() => {
    if (!waiting) return;
    const stop = () => setWaiting(false);
    const timer = setTimeout(() => {
      stop();
      phone.toast(texts.chat.noAnswer);
    }, callbackWaitMs);
    const forget = store.onCallbackAnswer((answer) => {
      if (answer.user_id === phone.user.id) stop();
    });
    return () => {
      clearTimeout(timer);
      forget();
    };
  }, [waiting, phone, texts]);

  const press = async () => {
    const url = button.url ?? button.login_url?.url;
    if (url) return phone.openLink(url);
    if (button.web_app) return phone.launchApp({ url: button.web_app.url });
    if (button.pay && message.invoice) return void phone.openInvoice(message.invoice.slug);
    if (button.copy_text) {
      const copied = await navigator.clipboard.writeText(button.copy_text.text).then(
        () => true,
        () => false,
      );
      return phone.toast(copied ? texts.chat.copied : texts.chat.copyFailed);
    }
    if (!button.callback_data || waiting) return;
    setWaiting(true);
    try {
      await api.press(phone.user.id, message.message_id, button.callback_data);
    } catch (cause) {
      setWaiting(false);
      phone.fail(cause);
    }
  };

  return (
    <button type="button" className="inline-button" onClick={() => void press()} disabled={paid} aria-busy={waiting}>
      <span>{paid ? texts.chat.paidBadge : button.pay ? starText(button.text) : button.text}</span>
      {waiting ? <span className="spinner corner" /> : icon && <Icon name={icon} size={12} />}
    </button>
  );
}

/** Telegram puts its own Pay button under an invoice that was sent without a keyboard. */
function inlineKeyboard(message: SimMessage, pay: string): NonNullable<SimMessage['inline_keyboard']> {
  if (message.inline_keyboard?.length) return message.inline_keyboard;
  return message.invoice ? [[{ text: `${pay} ⭐ ${message.invoice.total_amount}`, pay: true }]] : [];
}

/** One message of the chat: text, document, invoice or service note, with its inline keyboard. */
export function Bubble({ message }: { message: SimMessage }) {
  const phone = usePhone();
  const texts = useTexts();
  const language = useLanguage();
  const isService = message.successful_payment ?? message.refunded_payment ?? message.forum_topic_created;
  if (message.from === 'service' || isService) {
    return <ServiceMessage message={message} />;
  }
  const keyboard = inlineKeyboard(message, texts.chat.payButton);
  const words = message.text ?? message.document?.caption;
  return (
    <li className={`message from-${message.from}`} data-testid={`message-${message.message_id}`}>
      <div className="bubble">
        <span className="visually-hidden">
          {message.from === 'user' ? texts.chat.you : phone.state.bot.first_name}:{' '}
        </span>
        {message.document && <DocumentCard document={message.document} />}
        {message.invoice && <InvoiceCard invoice={message.invoice} />}
        {words && (
          <div className="bubble-text">
            <EntityText
              text={words}
              entities={message.entities}
              openLink={phone.openLink}
              runCommand={(command) => void phone.say(command)}
            />
          </div>
        )}
        <span className="bubble-meta">
          {message.edit_date !== undefined && <span>{texts.chat.edited} </span>}
          {message.is_silent && <span>{texts.groups.silent} </span>}
          <time dateTime={new Date(message.date * 1000).toISOString()}>
            {formatTime(message.date * 1000, language)}
          </time>
          {message.from === 'user' && <Icon name="checks" size={15} />}
        </span>
      </div>
      {keyboard.length > 0 && (
        <div className="inline-keyboard">
          {keyboard.map((row) => (
            <div className="inline-row" key={rowKey(row)}>
              {row.map((button) => (
                <KeyboardButton key={button.text} button={button} message={message} />
              ))}
            </div>
          ))}
        </div>
      )}
    </li>
  );
}
