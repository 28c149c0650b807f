import { renderComplaints, renderSteps } from '../exchange.ts';
import { formatTashkent, formatTiyin, type Html, html, renderFacts, renderPage } from '../page.ts';
import type { PaymentRecord } from './world.ts';

const TONES = { paid: 'good', reversed: '', processing: '', unclear: '', failed: 'bad', investigation: 'bad' } as const;

/** Click's side of every payment; those which its support has to look into come first. */
export function renderCabinet(payments: readonly PaymentRecord[], message: string | null): string {
  const open = payments.filter(({ status }) => status === 'investigation');
  const others = payments.filter(({ status }) => status !== 'investigation');
  const body = html`
${message !== null && html`<p class="note" role="status">${message}</p>`}
<section><h1>Manual investigation</h1>
<p class="quiet">Payments whose money was taken and which the application did not confirm. ${open.length === 0 ? 'There is none.' : ''}</p></section>
${open.length > 0 && html`<div class="rows" data-testid="investigations">${open.map(renderPayment)}</div>`}
<section><h1>Payments</h1>${others.length === 0 && html`<p class="quiet">Nothing yet. Open a pay link of the application; what happens shows up here.</p>`}</section>
<div class="rows" data-testid="payments">${others.map(renderPayment)}</div>`;
  return renderPage({ title: 'Payments', provider: 'click', language: 'en', body, isWide: true });
}

function renderPayment(payment: PaymentRecord): Html {
  const { click_trans_id: id, status, money, error, complaints, steps } = payment;
  return html`<section data-testid="payment-${id}">
<div class="head"><h2>${payment.merchant_trans_id}</h2><span class="tag ${TONES[status]}">${status}</span>
<span class="sum">${formatTiyin(payment.amount_tiyin, 'en')}</span></div>
${renderComplaints(complaints)}
${error && html`<p class="note">${error.message} <code>${error.code}</code></p>`}
${renderFacts([
  ['click_trans_id', html`<code>${id}</code>`],
  ['click_paydoc_id', html`<code>${payment.click_paydoc_id}</code>`],
  ['Created', formatTashkent(payment.created_at_ms)],
  ['Money', money === 'none' ? 'not taken' : money],
  ['Given back', formatTiyin(payment.reversed_tiyin, 'en')],
  ['merchant_prepare_id', html`<code>${payment.merchant_prepare_id ?? 'none'}</code>`],
])}
${renderSteps(steps)}
${
  isOpen(payment) &&
  html`<div class="actions">${renderAction(id, 'complete', 'Send Complete')}
${status === 'investigation' && renderAction(id, 'return', 'Return the money')}</div>`
}</section>`;
}

function isOpen({ status, merchant_prepare_id: prepareId }: PaymentRecord): boolean {
  return prepareId !== null && (status === 'investigation' || status === 'unclear');
}

function renderAction(id: string, action: string, label: string): Html {
  return html`<form method="post" action="/click/cabinet/${id}/${action}"><button class="plain small">${label}</button></form>`;
}
