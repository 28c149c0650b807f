import { type Html, html, type Page, renderFacts, renderPage } from '../page.ts';
import { groupCard, TEST_CARDS } from './cards.ts';
import type { Choice } from './checkout.ts';
import { formatMoney } from './money.ts';
import type { Charge, PaymentIntent, Session } from './objects.ts';
import { fillSuccessUrl } from './stripe.ts';
import { languageOf, type StripeLanguage, type Texts, texts } from './texts.ts';
import type { Visit } from './world.ts';

const RESULT_SECONDS = 1;
const WALLETS = { apple_pay: 'Apple Pay', google_pay: 'Google Pay', link: 'Link' } as const;

export type CheckoutView = {
  session: Session;
  visit: Visit;
  /** Once there is one. */
  intent: PaymentIntent | undefined;
  choices: readonly Choice[];
  /** `MM/YY` that fits the test cards. */
  expiry: string;
  /** The customer's, if known. */
  email: string;
  /** Wished for by the payer, against the session's locale. */
  language: StripeLanguage | null;
};

/** The page of a session: how to pay, the bank's question, or how it ended. */
export function renderCheckout(view: CheckoutView): string {
  const { session, visit } = view;
  const language = view.language ?? languageOf(session.locale);
  const words = texts[language];
  const path = `/stripe/checkout/${session.id}`;
  const frame: Omit<Page, 'body'> = {
    title: session.mode === 'setup' ? words.save : words.pay,
    provider: 'stripe',
    language,
    languageLinks: { ja: `${path}?lang=ja`, en: `${path}?lang=en` },
  };
  if (session.status === 'expired') {
    const body = html`<section data-testid="result" data-status="expired"><span class="mark bad" aria-hidden="true">!</span><h1>${words.expired}</h1><p class="quiet">${words.expiredHint}</p></section>${renderCancel(session, words)}`;
    return renderPage({ ...frame, body });
  }
  if (session.status === 'complete') return renderResult(frame, view, words, language);
  const form =
    visit.challenge === undefined
      ? renderForms(view, words, language)
      : renderChallenge(`/stripe/checkout/${session.id}/authenticate`, words);
  return renderPage({
    ...frame,
    body: html`${renderOrder(session, visit, words, language)}${form}${renderCancel(session, words)}`,
  });
}

function renderOrder(session: Session, visit: Visit, words: Texts, language: StripeLanguage): Html {
  const title = session.mode === 'setup' ? words.save : visit.title;
  return html`<section><div><h1>${title}</h1>
${session.mode === 'payment' && html`<p class="amount" data-testid="amount">${amountOf(session, language)}</p>`}</div></section>`;
}

function renderForms(view: CheckoutView, words: Texts, language: StripeLanguage): Html {
  const { session, visit, choices } = view;
  const action = `/stripe/checkout/${session.id}/pay?lang=${language}`;
  const isOffered = (choice: Choice): boolean => choices.includes(choice);
  const wallets = (['apple_pay', 'google_pay', 'link'] as const).filter(isOffered);
  return html`${visit.problem && renderProblem(visit.problem, words)}
${
  wallets.length > 0 &&
  html`<section><h2>${words.wallets}</h2><form method="post" action="${action}" class="actions">
${wallets.map((wallet) => html`<button class="plain" name="choice" value="${wallet}">${WALLETS[wallet]}</button>`)}</form></section>`
}
${isOffered('card') && renderCardForm(view, action, words, language)}
${isOffered('konbini') && renderOther(action, 'konbini', words.konbini, view)}
${isOffered('bank_transfer') && renderOther(action, 'bank_transfer', words.transfer, view)}`;
}

function renderCardForm(view: CheckoutView, action: string, words: Texts, language: StripeLanguage): Html {
  const { session } = view;
  const label = session.mode === 'setup' ? words.saveNow : words.payNow(amountOf(session, language));
  return html`<section>
<form method="post" action="${action}">
${renderEmail(view, words)}
<label>${words.card}<input name="number" inputmode="numeric" autocomplete="off" placeholder="4242 4242 4242 4242" maxlength="23" required></label>
<div class="fields">
<label>${words.expiry}<input name="expiry" inputmode="numeric" autocomplete="off" placeholder="MM / YY" maxlength="7" required></label>
<label>${words.cvc}<input name="cvc" inputmode="numeric" autocomplete="off" placeholder="123" maxlength="4" required></label>
</div>
<button name="choice" value="card">${label}</button>
</form>
<details open><summary>${words.testCards}</summary>
<form method="post" action="${action}">
<input type="hidden" name="choice" value="card"><input type="hidden" name="expiry" value="${view.expiry}"><input type="hidden" name="cvc" value="123"><input type="hidden" name="email" value="${view.email}">
${TEST_CARDS.map(
  ({ number, name }) => html`<button class="plain row" name="number" value="${number}">
<code>${groupCard(number)}</code><small>${name[language]}</small></button>`,
)}
</form></details>
</section>`;
}

function renderOther(action: string, choice: Choice, label: string, view: CheckoutView): Html {
  return html`<section><form method="post" action="${action}">
<input type="hidden" name="email" value="${view.email}"><button class="plain" name="choice" value="${choice}">${label}</button></form></section>`;
}

/** An address the application gave cannot be changed. */
function renderEmail({ session, email }: CheckoutView, words: Texts): Html {
  const isFixed = session.customer_email !== null || session.customer !== null;
  return html`<label>${words.email}<input name="email" type="email" autocomplete="off" value="${email}" ${isFixed ? html`readonly` : ''} required></label>`;
}

/** The bank's question about a charge of a stored card, which has no session. */
export function renderBank(intent: PaymentIntent, language: StripeLanguage): string {
  const words = texts[language];
  const body = renderChallenge(`/stripe/bank/${intent.id}`, words);
  return renderPage({ title: words.bankAsks, provider: 'stripe', language, body });
}

/**
 * What follows the bank's question. A form may only lead to its own place (content security policy), so the payer is sent on
 * to the application by the page and not by an answer to the form.
 */
export function renderBankAnswered(url: string | null, language: StripeLanguage): string {
  const words = texts[language];
  const body = html`<section data-testid="result"><span class="mark" aria-hidden="true">✓</span><h1>${words.answered}</h1></section>
${url !== null && html`<p class="quiet">${words.goingBack}</p><a class="button" href="${url}">${words.back}</a>`}`;
  const refresh = url === null ? {} : { refresh: { seconds: RESULT_SECONDS, url } };
  return renderPage({ title: words.bankAsks, provider: 'stripe', language, body, ...refresh });
}

function renderChallenge(action: string, words: Texts): Html {
  return html`<section data-testid="challenge"><h1>${words.bankAsks}</h1><p class="quiet">${words.bankAsksHint}</p>
<form method="post" action="${action}">
<button name="answer" value="accept">${words.accept}</button><button class="plain" name="answer" value="refuse">${words.refuse}</button>
</form></section>`;
}

function renderProblem({ code, decline_code, message }: NonNullable<Visit['problem']>, words: Texts): Html {
  const said = words.problems[decline_code ?? code] ?? words.problems[code] ?? message;
  return html`<p class="note bad" role="alert" data-testid="problem"><strong>${words.declined}</strong>${said} <code>${decline_code ?? code}</code></p>`;
}

function renderCancel({ cancel_url: url }: Session, words: Texts): Html | null {
  return url === null ? null : html`<a class="button plain" href="${url}">${words.cancel}</a>`;
}

function renderResult(
  frame: Omit<Page, 'body'>,
  { session, intent }: CheckoutView,
  words: Texts,
  language: StripeLanguage,
): string {
  const url = fillSuccessUrl(session);
  const isUnpaid = session.mode === 'payment' && session.payment_status === 'unpaid';
  const said = session.mode === 'setup' ? words.saved : words.paid;
  const result = isUnpaid
    ? intent !== undefined && renderWaiting(intent, words, language)
    : html`<section data-testid="result" data-status="${session.payment_status}"><span class="mark" aria-hidden="true">✓</span><h1>${said}</h1>
${session.amount_total !== null && html`<p class="amount">${amountOf(session, language)}</p>`}</section><p class="quiet">${words.goingBack}</p>`;
  const body = html`${result}<a class="button" href="${url}">${words.back}</a>`;
  return renderPage({ ...frame, body, ...(isUnpaid ? {} : { refresh: { seconds: RESULT_SECONDS, url } }) });
}

/** A voucher or the account for a transfer, on a page of its own. */
export function renderInstructions(intent: PaymentIntent, locale: string | null): string {
  const language = languageOf(locale);
  const words = texts[language];
  return renderPage({
    title: words.instructions,
    provider: 'stripe',
    language,
    body: html`${renderWaiting(intent, words, language)}`,
    refresh: { seconds: 30 },
  });
}

function renderWaiting(intent: PaymentIntent, words: Texts, language: StripeLanguage): Html {
  const { status, next_action: next } = intent;
  const total = formatMoney(intent.amount, intent.currency, language);
  if (status === 'succeeded' || next === null) {
    const said = status === 'succeeded' ? words.paid : status === 'canceled' ? words.canceled : words.failed;
    return html`<section data-testid="result" data-status="${status}"><h1>${said}</h1><p class="amount">${total}</p></section>`;
  }
  const voucher = next.konbini_display_details;
  const rows = voucher === undefined ? transferRows(next, words, language) : voucherRows(voucher, words, language);
  return html`<section data-testid="result" data-status="unpaid"><span class="mark wait" aria-hidden="true">…</span>
<h1>${words.waiting}</h1><p class="amount">${total}</p>
<p class="quiet">${voucher === undefined ? words.waitingTransfer : words.waitingKonbini}</p>${renderFacts(rows)}</section>`;
}

type NextAction = NonNullable<PaymentIntent['next_action']>;
type Rows = [string, string][];

function voucherRows(
  voucher: NonNullable<NextAction['konbini_display_details']>,
  words: Texts,
  language: StripeLanguage,
): Rows {
  const { lawson } = voucher.stores;
  return [
    [words.paymentCode, lawson?.payment_code ?? ''],
    [words.confirmationNumber, lawson?.confirmation_number ?? ''],
    [words.payBy, formatTime(voucher.expires_at, language)],
  ];
}

function transferRows(next: NextAction, words: Texts, language: StripeLanguage): Rows {
  const details = next.display_bank_transfer_instructions;
  const address = details?.financial_addresses?.[0];
  const { zengin, aba, iban } = address ?? {};
  const bank = zengin?.bank_name ?? aba?.bank_name ?? iban?.bic ?? '';
  const branch = zengin?.branch_name ?? aba?.routing_number ?? '';
  return [
    [words.remaining, formatMoney(details?.amount_remaining ?? 0, details?.currency ?? '', language)],
    [words.bank, [bank, branch].filter((part) => part !== '').join(' · ')],
    [words.account, zengin?.account_number ?? aba?.account_number ?? iban?.iban ?? ''],
    [words.holder, zengin?.account_holder_name ?? aba?.account_holder_name ?? iban?.account_holder_name ?? ''],
    [words.reference, details?.reference ?? ''],
  ];
}

/** What `receipt_url` of a charge leads to. */
export function renderReceipt(charge: Charge, locale: string | null): string {
  const language = languageOf(locale);
  const words = texts[language];
  const money = (amount: number): string => formatMoney(amount, charge.currency, language);
  const body = html`<section><h1>${words.receipt}</h1><p class="amount">${money(charge.amount)}</p>
${renderFacts([
  [words.number, html`<code>${charge.id}</code>`],
  [words.pay, formatTime(charge.created, language)],
  [words.refunded, money(charge.amount_refunded)],
])}</section>`;
  return renderPage({ title: words.receipt, provider: 'stripe', language, body });
}

function amountOf({ amount_total: amount, currency }: Session, language: StripeLanguage): string {
  return amount === null || currency === null ? '' : formatMoney(amount, currency, language);
}

/** In Japan's time for Japanese readers, else UTC. */
function formatTime(atSeconds: number, language: StripeLanguage): string {
  const timeZone = language === 'ja' ? 'Asia/Tokyo' : 'UTC';
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(
    atSeconds * 1000,
  );
}
