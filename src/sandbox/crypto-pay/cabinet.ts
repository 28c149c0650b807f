import type { SimWebhookTry } from '../control-crypto.ts';
import { formatUtc, type Html, html, renderFacts, renderPage } from '../page.ts';
import type { CryptoPay } from './crypto-pay.ts';
import { ASSET_CODES, toText } from './money.ts';
import {
  type CheckRecord,
  type DeliveryRecord,
  type InvoiceRecord,
  newestFirst,
  type TransferRecord,
} from './world.ts';

const ROWS = 100;
const TONES = { active: '', paid: 'good', expired: 'bad' } as const;

/** Crypto Pay's side: balances, every invoice with its webhooks, transfers and checks. */
export function renderCabinet(cryptoPay: CryptoPay, message: string | null): string {
  const { world, balances, invoices } = cryptoPay;
  const deliveries = newestFirst(world.deliveries);
  const shown = invoices.list().slice(0, ROWS);
  const isTransferOff = world.settings.disabled_methods.includes('transfer');
  const body = html`
${message !== null && html`<p class="note" role="status">${message}</p>`}
<section><h1>Balances</h1>${renderFacts(ASSET_CODES.map((asset) => [asset, toText(asset, balances.of(asset))]))}
<div class="actions">${renderAction('transfer', isTransferOff ? 'Allow transfers' : 'Disable transfers')}</div></section>
<section><h1>Invoices</h1>${shown.length === 0 && html`<p class="quiet">Nothing yet. Open an invoice of the application; what happens shows up here.</p>`}</section>
<div class="rows" data-testid="invoices">${shown.map((invoice) =>
    renderInvoice(
      cryptoPay,
      invoice,
      deliveries.filter((delivery) => delivery.invoice_id === invoice.invoice_id),
    ),
  )}</div>
<section><h1>Transfers</h1>${renderTransfers(newestFirst(world.transfers).slice(0, ROWS))}</section>
<section><h1>Checks</h1>${renderChecks(newestFirst(world.checks).slice(0, ROWS))}</section>`;
  return renderPage({ title: 'Cabinet', provider: 'crypto-pay', language: 'en', body, isWide: true });
}

function renderInvoice(cryptoPay: CryptoPay, invoice: InvoiceRecord, deliveries: readonly DeliveryRecord[]): Html {
  const { invoice_id: id, status, paid, payload } = invoice;
  const assets = cryptoPay.invoices.assetsOf(invoice);
  return html`<section data-testid="invoice-${id}">
<div class="head"><h2>${invoice.description ?? `Invoice ${id}`}</h2><span class="tag ${TONES[status]}">${status}</span>
<span class="sum">${invoice.amount} ${invoice.fiat ?? invoice.asset ?? ''}</span></div>
${renderFacts([
  ['invoice_id', html`<code>${id}</code>`],
  ['payload', html`<code>${payload ?? 'none'}</code>`],
  ['Created', formatUtc(invoice.created_at_ms)],
  ['Expires', invoice.expires_at_ms === undefined ? 'never' : formatUtc(invoice.expires_at_ms)],
  ...(paid === undefined
    ? []
    : ([
        ['Paid', `${paid.amount} ${paid.asset}`],
        ['Fee', `${paid.fee_amount} ${paid.asset}`],
      ] as const)),
])}
${deliveries.map(renderDelivery)}
${status === 'active' && html`<div class="actions">${assets.map((asset) => renderAction(`invoices/${id}/${asset}`, `Pay in ${asset}`))}</div>`}
</section>`;
}

function renderDelivery(delivery: DeliveryRecord): Html {
  const { id, status, tries } = delivery;
  return html`<details><summary>invoice_paid, ${status} (${tries.length})</summary><ol class="steps">${tries.map(renderTry)}</ol>
<div class="actions">${renderAction(`deliveries/${id}/send`, 'Send again')}${renderAction(`deliveries/${id}/wrong`, 'Send with a wrong signature')}</div></details>`;
}

function renderTry({ atMs, status, note }: SimWebhookTry): Html {
  const isGood = status !== null && status >= 200 && status < 300;
  return html`<li><strong class="${isGood ? '' : 'bad-text'}">${status ?? 'no answer'}</strong> <small>${formatUtc(atMs)}${note === undefined ? '' : ` · ${note}`}</small></li>`;
}

function renderTransfers(transfers: readonly TransferRecord[]): Html {
  if (transfers.length === 0)
    return html`<p class="quiet">None. A refund is a transfer that the application makes.</p>`;
  return html`<div class="scroll"><table><thead><tr><th>Transfer</th><th>spend_id</th><th>User</th><th>Amount</th></tr></thead><tbody>${transfers.map(
    ({ transfer_id: id, spend_id: spendId, user_id: userId, amount, asset }) =>
      html`<tr><td>${id}</td><td><code>${spendId}</code></td><td>${userId}</td><td>${amount} ${asset}</td></tr>`,
  )}</tbody></table></div>`;
}

function renderChecks(checks: readonly CheckRecord[]): Html {
  if (checks.length === 0) return html`<p class="quiet">None.</p>`;
  return html`${checks.map(
    ({ check_id: id, amount, asset, status }) =>
      html`<div class="head"><span>${id}</span><span class="tag">${status}</span><span class="sum">${amount} ${asset}</span>${
        status === 'active' && renderAction(`checks/${id}/activate`, 'Take the money')
      }</div>`,
  )}`;
}

function renderAction(path: string, label: string): Html {
  return html`<form method="post" action="/crypto-pay/cabinet/${path}"><button class="plain small">${label}</button></form>`;
}
