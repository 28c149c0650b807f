import type { SimProviderError } from '../control-payme-click.ts';
import { formatTiyin, type Html, html, type Page, renderFacts, renderPage } from '../page.ts';
import type { Language } from '../surroundings.ts';
import { CARD_EXPIRE, groupCard, maskCard, TEST_CARDS } from './cards.ts';
import { fillCallback, type LinkError, type Order } from './link.ts';
import { type Texts, texts } from './texts.ts';
import type { Checkout, TransactionRecord } from './world.ts';

/** Long enough to be read by a person, even where the link asks for milliseconds. */
const SHORTEST_RESULT_SECONDS = 1;

/** The page of a checkout: refusal, card, code, or how the payment goes. */
export function renderCheckout(checkout: Checkout, transaction: TransactionRecord | undefined): string {
  const { order } = checkout;
  const { language } = order;
  const words = texts[language];
  const frame: Omit<Page, 'body'> = {
    title: words.pay,
    provider: 'payme',
    language,
    languageLinks: languageLinks(checkout.id),
  };
  if (transaction !== undefined) return renderTransaction(frame, order, transaction);
  const error = checkout.check.errors?.[language];
  const rest = error !== undefined ? renderRefusal(words.refused, error, words) : renderForms(checkout, words);
  return renderPage({ ...frame, body: html`${renderOrder(checkout, words)}${rest}${renderWayBack(order, words)}` });
}

/** For a link or form that cannot be read. */
export function renderLinkError(error: LinkError, language: Language): string {
  const words = texts[language];
  const shown = { code: error.code, message: error.message, data: error.field };
  const body = html`<section>${renderRefusal(words.linkWrong, shown, words)}</section>`;
  return renderPage({ title: words.linkWrong, provider: 'payme', language, body });
}

function languageLinks(checkoutId: string): Record<Language, string> {
  const link = (language: Language): string => `/payme/checkout/${checkoutId}?lang=${language}`;
  return { ru: link('ru'), uz: link('uz'), en: link('en') };
}

function renderOrder({ order, check }: Checkout, words: Texts): Html {
  return html`<section>
<div><h1>${order.description ?? words.pay}</h1><p class="amount" data-testid="amount">${formatTiyin(order.amount, order.language)}</p></div>
${renderFacts([[words.merchant, html`<code>${order.merchant}</code>`], ...accountRows(order, check.additional)])}
${renderItems(check.detail ?? order.detail, order.language)}
</section>`;
}

function accountRows(order: Order, additional: unknown): [string, string][] {
  const extra = typeof additional === 'object' && additional !== null ? Object.entries(additional) : [];
  return [...Object.entries(order.account), ...extra.map(([key, value]): [string, string] => [key, String(value)])];
}

/** The items of `detail`, which the application wrote: whatever is not as documented is left out. */
function renderItems(detail: unknown, language: Language): Html | null {
  const items = (detail as { items?: unknown } | null | undefined)?.items;
  if (!Array.isArray(items) || items.length === 0) return null;
  const rows = items.flatMap((item: { title?: unknown; price?: unknown; count?: unknown } | null) => {
    const { title, price, count = 1 } = item ?? {};
    if (typeof title !== 'string' || typeof price !== 'number' || !Number.isSafeInteger(price)) return [];
    return [[`${title} × ${String(count)}`, formatTiyin(price, language)] as const];
  });
  return html`<details><summary>${texts[language].items}</summary>${renderFacts(rows)}</details>`;
}

function renderForms(checkout: Checkout, words: Texts): Html {
  return checkout.card_number === undefined ? renderCardForm(checkout, words) : renderCodeForm(checkout, words);
}

function renderCardForm({ id, order, problem }: Checkout, words: Texts): Html {
  const action = `/payme/checkout/${id}/card`;
  return html`<section>
${problem && renderProblem(problem)}
<form method="post" action="${action}">
<div class="fields">
<label>${words.card}<input name="number" inputmode="numeric" autocomplete="off" placeholder="8600 0000 0000 0000" maxlength="23" required></label>
<label>${words.expire}<input name="expire" inputmode="numeric" autocomplete="off" placeholder="03/99" maxlength="5" required></label>
</div>
<button>${words.continue}</button>
</form>
<details open><summary>${words.testCards}</summary>
<form method="post" action="${action}">
<input type="hidden" name="expire" value="${CARD_EXPIRE}">
${TEST_CARDS.map(
  ({ number, name }) => html`<button class="plain row" name="number" value="${number}">
<code>${groupCard(number)}</code><small>${name[order.language]}</small></button>`,
)}
</form></details>
</section>`;
}

function renderCodeForm({ id, order, card_number: card, problem }: Checkout, words: Texts): Html {
  return html`<section>
${problem && renderProblem(problem)}
${renderFacts([[words.card, maskCard(card ?? '')]])}
<form method="post" action="/payme/checkout/${id}/pay">
<label>${words.code}<input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6" required aria-describedby="hint"></label>
<p class="quiet" id="hint">${words.codeHint}</p>
<button>${words.confirm(formatTiyin(order.amount, order.language))}</button>
<details><summary>Sandbox</summary>
<label>${words.howItGoes}<select name="stop_after">
<option value="">${words.goesNormally}</option>
<option value="create">${words.stopsAfterCreate}</option>
<option value="debit">${words.stopsAfterDebit}</option>
</select></label></details>
</form>
<form method="post" action="/payme/checkout/${id}/card"><button class="plain" name="again" value="yes">${words.otherCard}</button></form>
</section>`;
}

function renderProblem({ code, message }: SimProviderError): Html {
  return html`<p class="note bad" role="alert">${message} <code>${code}</code></p>`;
}

function renderRefusal(title: string, error: SimProviderError, words: Texts): Html {
  const field = error.data === undefined ? '' : ` · ${words.field}: ${error.data}`;
  return html`<p class="note bad" role="alert" data-testid="refusal"><strong>${title}</strong>${error.message}<br><code>${words.errorCode} ${error.code}${field}</code></p>`;
}

function renderWayBack(order: Order, words: Texts): Html | null {
  const url = fillCallback(order, null);
  return url === null ? null : html`<a class="button plain" href="${url}">${words.cancel}</a>`;
}

function renderTransaction(frame: Omit<Page, 'body'>, order: Order, transaction: TransactionRecord): string {
  const words = texts[order.language];
  const url = fillCallback(order, transaction.id);
  const isPaid = transaction.status === 'paid';
  const seconds = Math.max(SHORTEST_RESULT_SECONDS, Math.ceil(order.callbackTimeoutMs / 1000));
  const refresh =
    transaction.status === 'processing' ? { seconds: 1 } : isPaid && url !== null ? { seconds, url } : undefined;
  const body = html`<section data-testid="result" data-status="${transaction.status}">
${renderOutcome(transaction, words)}
<p class="amount">${formatTiyin(transaction.amount, order.language)}</p>
${renderFacts([
  ...Object.entries(transaction.account),
  [words.card, transaction.card],
  [words.transaction, html`<code>${transaction.id}</code>`],
])}
</section>
${isPaid && url !== null && html`<p class="quiet">${words.goingBack}</p>`}
${url !== null && html`<a class="button" href="${url}">${words.backToShop}</a>`}`;
  return renderPage({ ...frame, body, ...(refresh === undefined ? {} : { refresh }) });
}

function renderOutcome(transaction: TransactionRecord, words: Texts): Html {
  const { error, money } = transaction;
  switch (transaction.status) {
    case 'processing':
      return html`<span class="mark wait" aria-hidden="true">…</span><h1>${words.working}</h1><p class="quiet">${words.workingHint}</p>`;
    case 'paid':
      return html`<span class="mark" aria-hidden="true">✓</span><h1>${words.paid}</h1>`;
    case 'refunded':
      return html`<span class="mark" aria-hidden="true">↩</span><h1>${words.refunded}</h1>`;
    case 'unclear':
      return html`<span class="mark wait" aria-hidden="true">…</span><h1>${words.unclear}</h1><p class="quiet">${words.unclearHint}</p>`;
    case 'failed':
      return html`<span class="mark bad" aria-hidden="true">!</span><h1>${words.failed}</h1>
${error && html`<p class="note bad">${error.message} <code>${error.code}</code></p>`}
<p class="quiet">${money === 'returned' ? words.moneyReturned : words.notDebited}</p>`;
  }
}
