import { formatDecimal } from '../decimal.ts';
import { formatUtc, type Html, html, renderFacts, renderPage } from '../page.ts';
import { accountingOf, coinText, digitsOf, promptOf } from './amounts.ts';
import { renderQr } from './qr.ts';
import { type PageLanguage, type Texts, texts } from './texts.ts';
import { paymentLink, redirectOf } from './wire.ts';
import type { InvoiceRecord, MethodId, PayoutRecord, Prompt, PullPaymentRecord } from './world.ts';

const REFRESH_SECONDS = 20;
const REDIRECT_SECONDS = 3;
const MINUTE_MS = 60_000;
const NAMES: Readonly<Record<MethodId, string>> = { 'BTC-CHAIN': 'Bitcoin', 'BTC-LN': 'Lightning' };

export type CheckoutView = {
  invoice: InvoiceRecord;
  method: string | null;
  language: PageLanguage;
  nowMs: number;
  message: string | null;
};

/** The checkout of an invoice: what is due and where to send it; below, the wallet of the sandbox. */
export function renderCheckout({ invoice, method, language, nowMs, message }: CheckoutView): string {
  const words = texts[language];
  const chosen = invoice.prompts.find((prompt) => prompt.method === method);
  const prompt = chosen ?? promptOf(invoice, invoice.default_method);
  const link = redirectOf(invoice);
  const isOpen = invoice.status === 'New' || invoice.status === 'Processing';
  const isDone = invoice.status === 'Processing' || invoice.status === 'Settled';
  const body = html`
${message !== null && html`<p class="note bad" role="alert">${message}</p>`}
<section data-testid="invoice" data-status="${invoice.status}" data-additional="${invoice.additional_status}">
${renderStatus(invoice, words)}
${prompt !== undefined && renderAmounts(invoice, prompt, words, nowMs)}
</section>
${prompt !== undefined && invoice.status === 'New' && renderPayment(invoice, prompt, words, language)}
${prompt !== undefined && renderWallet(invoice, prompt, words)}
${link !== null && html`<a class="button" href="${link}">${words.back}</a>`}`;
  const refresh =
    isDone && link !== null && invoice.redirects_automatically
      ? { seconds: REDIRECT_SECONDS, url: link }
      : isOpen
        ? { seconds: REFRESH_SECONDS }
        : undefined;
  return renderPage({
    title: words.invoice,
    provider: 'btcpay',
    language,
    languageLinks: { ja: pathOf(invoice, prompt, 'ja'), en: pathOf(invoice, prompt, 'en') },
    body,
    ...(refresh === undefined ? {} : { refresh }),
  });
}

function pathOf({ id }: InvoiceRecord, prompt: Prompt | undefined, language: PageLanguage): string {
  return `/btcpay/i/${id}?lang=${language}${prompt === undefined ? '' : `&method=${prompt.method}`}`;
}

function renderStatus({ status, additional_status: additional }: InvoiceRecord, words: Texts): Html {
  const tone = { New: 'wait', Processing: 'wait', Settled: '', Expired: 'bad', Invalid: 'bad' }[status];
  const sign = { New: '…', Processing: '…', Settled: '✓', Expired: '!', Invalid: '!' }[status];
  return html`<span class="mark ${tone}" aria-hidden="true">${sign}</span><h1>${words.status[status]}</h1>
${additional !== 'None' && html`<p class="quiet">${words.additional[additional]}</p>`}`;
}

function renderAmounts(invoice: InvoiceRecord, prompt: Prompt, words: Texts, nowMs: number): Html {
  const { due, paid } = accountingOf(invoice, prompt);
  const minutes = Math.ceil((invoice.expires_at_ms - nowMs) / MINUTE_MS);
  const left = invoice.status === 'New' && minutes > 0 ? ` · ${words.minutesLeft(minutes)}` : '';
  return html`<div><p class="quiet">${words.due}</p><p class="amount" data-testid="due">${coinText(due > 0n ? due : 0n)} BTC</p></div>
${renderFacts([
  [words.price, `${invoice.amount} ${invoice.currency}`],
  [words.rate, `${prompt.rate} ${invoice.currency}`],
  [words.received, `${coinText(paid)} BTC`],
  [words.expires, `${formatUtc(invoice.expires_at_ms)}${left}`],
])}`;
}

function renderPayment(invoice: InvoiceRecord, prompt: Prompt, words: Texts, language: PageLanguage): Html {
  const link = paymentLink(invoice, prompt);
  const others = invoice.prompts.filter((other) => other !== prompt);
  return html`<section>
${renderQr(link, words.qr)}
${renderFacts([[prompt.method === 'BTC-LN' ? words.lightning : words.address, html`<code data-testid="destination">${prompt.destination}</code>`]])}
<a class="button plain" href="${link}" data-testid="payment-link">${words.openWallet}</a>
${others.map((other) => html`<a class="button plain" href="${pathOf(invoice, other, language)}">${NAMES[other.method]}</a>`)}
</section>`;
}

/** The strip that only the sandbox has. */
function renderWallet(invoice: InvoiceRecord, prompt: Prompt, words: Texts): Html {
  const { due } = accountingOf(invoice, prompt);
  return html`<section data-testid="wallet"><h2>${words.strip}</h2>
<form method="post" action="/btcpay/i/${invoice.id}">
<input type="hidden" name="method" value="${prompt.method}">
<label>${words.amount}<input name="amount" inputmode="decimal" autocomplete="off" value="${due > 0n ? coinText(due) : ''}"></label>
${prompt.method === 'BTC-CHAIN' && html`<label>${words.rbf}<select name="rbf"><option value="">–</option><option value="yes">${words.rbf}</option></select></label>`}
<button name="action" value="send">${words.send}</button>
${due > 0n && html`<button class="plain" name="action" value="under">${words.half}</button><button class="plain" name="action" value="over">${words.over}</button>`}
<button class="plain" name="action" value="confirm">${words.confirmOnce}</button>
<button class="plain" name="action" value="confirm_all">${words.confirmAll}</button>
<button class="plain" name="action" value="drop">${words.drop}</button>
</form></section>`;
}

export type RefundView = {
  pullPayment: PullPaymentRecord;
  payouts: readonly PayoutRecord[];
  /** In whole units of the currency's last decimal. */
  rest: bigint;
  language: PageLanguage;
  message: string | null;
};

/** The page on which a buyer claims a refund. */
export function renderRefund({ pullPayment, payouts, rest, language, message }: RefundView): string {
  const words = texts[language];
  const path = `/btcpay/pull-payments/${pullPayment.id}`;
  const remaining = `${formatDecimal(rest, digitsOf(pullPayment.currency))} ${pullPayment.currency}`;
  const isOpen = !pullPayment.is_archived && rest > 0n;
  const body = html`
${message !== null && html`<p class="note bad" role="alert">${message}</p>`}
<section data-testid="refund"><h1>${pullPayment.name}</h1>
<div><p class="quiet">${words.remaining}</p><p class="amount" data-testid="rest">${remaining}</p></div>
${pullPayment.description !== '' && html`<p>${pullPayment.description}</p>`}
${pullPayment.is_archived && html`<p class="note">${words.archived}</p>`}
</section>
${isOpen && renderClaim(pullPayment, path, words)}
${payouts.length > 0 && html`<section><h2>${words.payouts}</h2>${payouts.map((payout) => renderClaimed(payout, words))}</section>`}`;
  const languageLinks = { ja: `${path}?lang=ja`, en: `${path}?lang=en` };
  return renderPage({ title: words.refund, provider: 'btcpay', language, languageLinks, body });
}

function renderClaim({ methods }: PullPaymentRecord, path: string, words: Texts): Html {
  return html`<section><form method="post" action="${path}">
<label>${words.destination}<input name="destination" autocomplete="off" placeholder="bcrt1…"></label>
${methods.length > 1 ? html`<label>BTC<select name="method">${methods.map((method) => html`<option value="${method}">${NAMES[method]}</option>`)}</select></label>` : html`<input type="hidden" name="method" value="${methods[0] ?? ''}">`}
<button name="action" value="claim">${words.claim}</button>
<button class="plain" name="action" value="fresh">${words.fresh}</button>
</form></section>`;
}

function renderClaimed(payout: PayoutRecord, words: Texts): Html {
  return html`<div class="head" data-testid="payout" data-state="${payout.state}"><code>${payout.destination}</code><span class="tag">${words.payout[payout.state]}</span><span class="sum">${payout.original_amount} ${payout.original_currency}</span></div>`;
}

/** For a link that leads nowhere. */
export function renderUnknown(language: PageLanguage, what: 'unknown' | 'refundUnknown'): string {
  const words = texts[language];
  const body = html`<section><p class="note bad" role="alert" data-testid="refusal">${words[what]}</p></section>`;
  return renderPage({ title: words[what], provider: 'btcpay', language, body });
}
