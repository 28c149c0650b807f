import { formatTiyin, type Html, html, renderFacts, renderPage } from '../page.ts';
import type { Language } from '../surroundings.ts';
import type { LinkError, Order } from './link.ts';
import { type Texts, texts } from './texts.ts';
import type { PaymentRecord } from './world.ts';

const REDIRECT_SECONDS = 2;

/** What the payer sees behind a pay link. `query` is that of the link, kept for the form. */
export function renderPayPage(order: Order, query: URLSearchParams, language: Language): string {
  const words = texts[language];
  const amount = formatTiyin(order.amount_tiyin, language);
  const button = (outcome: string, label: string): Html =>
    html`<button class="plain" name="outcome" value="${outcome}">${label}</button>`;
  const body = html`<section>
<div><h1>${words.pay}</h1><p class="amount" data-testid="amount">${amount}</p></div>
${renderFacts([
  [words.order, order.transaction_param],
  [words.service, order.service_id],
  ...(order.card_type === undefined ? [] : [[words.cardType, order.card_type.toUpperCase()] as const]),
])}
</section>
<section><form method="post" action="${pathWith(query, language)}">
<button name="outcome" value="paid">${words.payButton(amount)}</button>
${button('cancelled', words.cancel)}
<details open><summary>${words.others}</summary><div class="rows">
${button('insufficient_funds', `${words.insufficientFunds} (−5017)`)}
${button('lost_answer', words.loseAnswer)}
${button('stop_after_prepare', words.stopAfterPrepare)}
</div></details>
</form></section>`;
  const languageLinks = { ru: pathWith(query, 'ru'), uz: pathWith(query, 'uz'), en: pathWith(query, 'en') };
  return renderPage({ title: words.pay, provider: 'click', language, languageLinks, body });
}

function pathWith(query: URLSearchParams, language: Language): string {
  const changed = new URLSearchParams(query);
  changed.set('lang', language);
  return `/click/services/pay?${changed}`;
}

/** For a link that cannot be read. */
export function renderLinkError(error: LinkError, language: Language): string {
  const words = texts[language];
  const body = html`<section><p class="note bad" role="alert" data-testid="refusal"><strong>${words.linkWrong}</strong>${error.message}<br><code>${words.field}: ${error.field}</code></p></section>`;
  return renderPage({ title: words.linkWrong, provider: 'click', language, body });
}

/** How a payment goes, or went. */
export function renderPayment(payment: PaymentRecord): string {
  const { language, order, status } = payment;
  const words = texts[language];
  const url = order.return_url;
  const isPaid = status === 'paid';
  const refresh =
    status === 'processing'
      ? { seconds: 1 }
      : isPaid && url !== undefined
        ? { seconds: REDIRECT_SECONDS, url }
        : undefined;
  const body = html`<section data-testid="result" data-status="${status}">
${renderOutcome(payment, words)}
<p class="amount">${formatTiyin(payment.amount_tiyin, language)}</p>
${renderFacts([
  [words.order, payment.merchant_trans_id],
  [words.number, html`<code>${payment.click_paydoc_id}</code>`],
])}
</section>
${isPaid && url !== undefined && html`<p class="quiet">${words.goingBack}</p>`}
${url !== undefined && html`<a class="button" href="${url}">${words.backToShop}</a>`}`;
  return renderPage({
    title: words.pay,
    provider: 'click',
    language,
    body,
    ...(refresh === undefined ? {} : { refresh }),
  });
}

function renderOutcome({ status, error, money }: PaymentRecord, words: Texts): Html {
  switch (status) {
    case 'processing':
      return html`<span class="mark wait" aria-hidden="true">…</span><h1>${words.working}</h1><p class="quiet">${words.workingHint}</p>`;
    case 'paid':
      return html`<span class="mark" aria-hidden="true">✓</span><h1>${words.paid}</h1>`;
    case 'reversed':
      return html`<span class="mark" aria-hidden="true">↩</span><h1>${words.reversed}</h1>`;
    case 'unclear':
      return html`<span class="mark wait" aria-hidden="true">…</span><h1>${words.unclear}</h1><p class="quiet">${words.unclearHint}</p>`;
    case 'investigation':
      return html`<span class="mark wait" aria-hidden="true">?</span><h1>${words.investigation}</h1><p class="quiet">${words.investigationHint}</p>`;
    case 'failed':
      return html`<span class="mark bad" aria-hidden="true">!</span><h1>${words.failed}</h1>
${error && html`<p class="note bad">${error.message} <code>${words.code} ${error.code}</code></p>`}
<p class="quiet">${money === 'returned' ? words.moneyReturned : words.notDebited}</p>`;
  }
}
