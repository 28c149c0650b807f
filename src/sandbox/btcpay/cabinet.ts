import { formatUtc, type Html, html, renderFacts, renderPage } from '../page.ts';
import type { Btcpay } from './btcpay.ts';
import { markableStatuses } from './status.ts';
import { checkoutLink, orderIdOf } from './wire.ts';
import {
  type DeliveryRecord,
  type InvoiceRecord,
  newestFirst,
  type PaymentRecord,
  type PayoutRecord,
} from './world.ts';

const ROWS = 100;
const TONES = { New: '', Processing: '', Settled: 'good', Expired: 'bad', Invalid: 'bad' } as const;

/** The store's side: payouts that wait, and every invoice with its payments, webhooks and their answers. */
export function renderCabinet({ world, invoices }: Btcpay, message: string | null): string {
  const deliveries = newestFirst(world.deliveries);
  const shown = newestFirst(world.invoices)
    .slice(0, ROWS)
    .map((invoice) => invoices.watch(invoice));
  const payouts = newestFirst(world.payouts).slice(0, ROWS);
  const body = html`
${message !== null && html`<p class="note" role="status">${message}</p>`}
<section><h1>Payouts</h1>${payouts.length === 0 && html`<p class="quiet">None. A refund becomes a payout when the buyer claims it.</p>`}</section>
${payouts.length > 0 && html`<div class="rows" data-testid="payouts">${payouts.map(renderPayout)}</div>`}
<section><h1>Invoices</h1>${shown.length === 0 && html`<p class="quiet">Nothing yet. Open an invoice of the application; what happens shows up here.</p>`}</section>
<div class="rows" data-testid="invoices">${shown.map((invoice) =>
    renderInvoice(
      invoice,
      deliveries.filter((delivery) => delivery.invoice_id === invoice.id),
    ),
  )}</div>`;
  return renderPage({ title: 'Store', provider: 'btcpay', language: 'en', body, isWide: true });
}

function renderInvoice(invoice: InvoiceRecord, deliveries: readonly DeliveryRecord[]): Html {
  const { id, status, additional_status: additional, payments } = invoice;
  return html`<section data-testid="invoice-${id}">
<div class="head"><h2>${orderIdOf(invoice.metadata) ?? id}</h2><span class="tag ${TONES[status]}">${status}${additional === 'None' ? '' : `, ${additional}`}</span>
<span class="sum">${invoice.amount} ${invoice.currency}</span></div>
${renderFacts([
  ['Invoice', html`<a href="${new URL(checkoutLink(invoice)).pathname}"><code>${id}</code></a>`],
  ['Created', formatUtc(invoice.created_at_ms)],
  ['Expires', formatUtc(invoice.expires_at_ms)],
  ['Watched until', formatUtc(invoice.monitoring_until_ms)],
])}
${payments.map(renderPayment)}
<details><summary>Webhooks (${deliveries.length})</summary><div class="rows">${deliveries.map(renderDelivery)}</div></details>
<div class="actions">${payments.length > 0 && renderAction(`invoices/${id}/confirm`, 'One confirmation')}
${payments.some(({ status: paid }) => paid === 'Processing') && renderAction(`invoices/${id}/drop`, 'Replace the payment')}
${markableStatuses(invoice).map((markable) => renderAction(`invoices/${id}/${markable}`, `Mark ${markable.toLowerCase()}`))}</div>
</section>`;
}

function renderPayment({ id, value, status, confirmations, payment_method_id: method }: PaymentRecord): Html {
  return html`<div class="head"><code>${id}</code><span class="tag">${method}, ${status}, ${confirmations} conf.</span><span class="sum">${value} BTC</span></div>`;
}

function renderDelivery(delivery: DeliveryRecord): Html {
  const { id, type, status, http_code: code, error, is_redelivery: isRedelivery } = delivery;
  const isGood = status === 'HttpSuccess';
  return html`<div class="head"><strong>${type}${isRedelivery ? ' (again)' : ''}</strong><span class="${isGood ? '' : 'bad-text'}">${code ?? status}</span>
<small class="quiet">${formatUtc(delivery.at_ms)}${error === null ? '' : ` · ${error}`}</small><span class="sum">${renderAction(`deliveries/${id}/redeliver`, 'Redeliver')}</span></div>`;
}

function renderPayout(payout: PayoutRecord): Html {
  const { id, state, destination, amount } = payout;
  return html`<section data-testid="payout-${id}">
<div class="head"><code>${destination}</code><span class="tag">${state}</span><span class="sum">${payout.original_amount} ${payout.original_currency}${amount === null ? '' : ` (${amount} BTC)`}</span></div>
<div class="actions">
${state === 'AwaitingApproval' && renderAction(`payouts/${id}/approve`, 'Approve')}
${state === 'AwaitingPayment' && renderAction(`payouts/${id}/start`, 'In progress')}
${(state === 'AwaitingPayment' || state === 'InProgress') && renderAction(`payouts/${id}/complete`, 'Complete')}
${(state === 'AwaitingApproval' || state === 'AwaitingPayment') && renderAction(`payouts/${id}/cancel`, 'Cancel')}
</div></section>`;
}

function renderAction(path: string, label: string): Html {
  return html`<form method="post" action="/btcpay/cabinet/${path}"><button class="plain small">${label}</button></form>`;
}
