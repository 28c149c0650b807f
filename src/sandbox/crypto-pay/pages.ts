import { formatUtc, type Html, html, renderFacts, renderPage } from '../page.ts';
import type { Invoices } from './invoices.ts';
import { type Asset, isAsset } from './money.ts';
import { type Texts, texts } from './texts.ts';
import type { CheckRecord, InvoiceRecord } from './world.ts';

type PageLanguage = keyof typeof texts;

export type PayView = {
  invoice: InvoiceRecord;
  invoices: Invoices;
  language: PageLanguage;
  /** What the payer chose. */
  asset: string | null;
  isCancelled: boolean;
};

/** The pay page of an invoice: choice of the coin, the amount in it, and how it ended. */
export function renderPayPage(view: PayView): string {
  const { invoice, language } = view;
  const words = texts[language];
  const path = pathOf(invoice);
  const body = html`<section data-testid="invoice" data-status="${invoice.status}">
<div><h1>${invoice.description ?? words.title}</h1><p class="amount" data-testid="amount">${priceOf(invoice)}</p></div>
${invoice.expires_at_ms !== undefined && invoice.status === 'active' && renderFacts([[words.expires, formatUtc(invoice.expires_at_ms)]])}
</section>
${invoice.status === 'active' ? renderChoice(view, words) : renderEnd(invoice, words)}`;
  return renderPage({
    title: words.invoice,
    provider: 'crypto-pay',
    language,
    body,
    languageLinks: { ja: `${path}?lang=ja`, en: `${path}?lang=en` },
  });
}

/** The page of a check: whoever has the link takes the money. */
export function renderCheckPage({ hash, amount, asset, status }: CheckRecord, language: PageLanguage): string {
  const words = texts[language];
  const path = `/crypto-pay/checks/${hash}`;
  const coins = `${amount} ${asset}`;
  const body = html`<section data-testid="check" data-status="${status}"><h1>${words.check}</h1><p class="amount">${coins}</p>
${status === 'active' ? html`<form method="post" action="${path}?lang=${language}"><button>${words.takeCheck(coins)}</button></form>` : html`<p class="note good">${words.checkTaken}</p>`}</section>`;
  const languageLinks = { ja: `${path}?lang=ja`, en: `${path}?lang=en` };
  return renderPage({ title: words.check, provider: 'crypto-pay', language, body, languageLinks });
}

/** For a link that names no invoice. */
export function renderUnknown(language: PageLanguage): string {
  const words = texts[language];
  const body = html`<section><p class="note bad" role="alert" data-testid="refusal"><strong>${words.unknown}</strong>${words.unknownHint}</p></section>`;
  return renderPage({ title: words.unknown, provider: 'crypto-pay', language, body });
}

function pathOf({ hash }: InvoiceRecord): string {
  return `/crypto-pay/invoices/${hash}`;
}

function priceOf({ amount, fiat, asset }: InvoiceRecord): string {
  return `${amount} ${fiat ?? asset ?? ''}`;
}

function renderChoice(view: PayView, words: Texts): Html {
  const { invoice, invoices, asset } = view;
  if (view.isCancelled) return renderMark('wait', '…', words.cancelled, words.cancelledHint);
  const assets = invoices.assetsOf(invoice);
  const chosen = assets.length === 1 ? assets[0] : asset !== null && isAsset(asset) ? asset : undefined;
  if (chosen === undefined || !assets.includes(chosen)) return renderAssets(view, words);
  return renderConfirm(view, chosen, words, assets.length > 1);
}

function renderAssets({ invoice, invoices, language }: PayView, words: Texts): Html {
  return html`<section><h2>${words.chooseAsset}</h2><form method="get" action="${pathOf(invoice)}">
<input type="hidden" name="lang" value="${language}">
${invoices
  .assetsOf(invoice)
  .map(
    (asset) =>
      html`<button class="plain row" name="asset" value="${asset}"><strong>${asset}</strong><small>${invoices.priceIn(invoice, asset)} ${asset}</small></button>`,
  )}</form></section>`;
}

function renderConfirm({ invoice, invoices, language }: PayView, asset: Asset, words: Texts, hasOthers: boolean): Html {
  const amount = `${invoices.priceIn(invoice, asset)} ${asset}`;
  return html`<section>
<p class="amount" data-testid="asset-amount">${amount}</p>
<form method="post" action="${pathOf(invoice)}?lang=${language}">
<input type="hidden" name="asset" value="${asset}">
${invoice.allow_comments && html`<label>${words.comment}<input name="comment" maxlength="1024" autocomplete="off"></label>`}
${invoice.allow_anonymous && html`<label>${words.anonymous}<select name="anonymous"><option value="">–</option><option value="yes">${words.anonymous}</option></select></label>`}
<button name="action" value="pay">${words.payWith(amount)}</button>
<button class="plain" name="action" value="cancel">${words.cancel}</button>
</form>
${hasOthers && html`<a class="button plain" href="${pathOf(invoice)}?lang=${language}">${words.otherAsset}</a>`}
</section>`;
}

function renderEnd(invoice: InvoiceRecord, words: Texts): Html {
  const { paid, hidden_message: message, paid_btn_name: button, paid_btn_url: url } = invoice;
  if (paid === undefined) return renderMark('bad', '!', words.expired, '');
  return html`${renderMark('', '✓', words.paid, `${paid.amount} ${paid.asset}`)}
${message !== undefined && html`<section><h2>${words.hiddenMessage}</h2><p>${message}</p></section>`}
${url !== undefined && html`<a class="button" href="${url}">${words[button as 'viewItem' | 'openChannel' | 'openBot' | 'callback']}</a>`}`;
}

function renderMark(tone: '' | 'bad' | 'wait', sign: string, title: string, hint: string): Html {
  return html`<section data-testid="result"><span class="mark ${tone}" aria-hidden="true">${sign}</span><h1>${title}</h1>${hint !== '' && html`<p class="quiet">${hint}</p>`}</section>`;
}
