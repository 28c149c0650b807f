import type { SimClickCard } from '../control-payme-click.ts';
import { renderComplaints, renderSteps } from '../exchange.ts';
import { formatTashkent, formatTiyin, type Html, html, renderFacts, renderPage } from '../page.ts';
import type { PaymentRecord } from './world.ts';

const TONES = { paid: 'good', reversed: '', processing: '', unclear: '', failed: 'bad', investigation: 'bad' } as const;

export type CabinetView = {
  payments: readonly PaymentRecord[];
  cards: readonly SimClickCard[];
  /** Of the last press of a button. */
  message: string | null;
};

/** Click's side of every payment, and the stored cards; payments which its support has to look into come first. */
export function renderCabinet({ payments, cards, message }: CabinetView): string {
  const open = payments.filter(({ status }) => status === 'investigation');
  const others = payments.filter(({ status }) => status !== 'investigation');
  const body = html`
${message !== null && html`<p class="note" role="status">${message}</p>`}
<section><h1>Manual investigation</h1>
<p class="quiet">Payments whose money was taken and which the application did not confirm. ${open.length === 0 ? 'There is none.' : ''}</p></section>
${open.length > 0 && html`<div class="rows" data-testid="investigations">${open.map(renderPayment)}</div>`}
${cards.length > 0 && renderCards(cards)}
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
  ...(payment.card_number === undefined ? [] : [['Card', payment.card_number] as const]),
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

function renderCards(cards: readonly SimClickCard[]): Html {
  return html`<section data-testid="cards"><h1>Stored cards</h1>
<div class="scroll"><table><thead><tr><th>Card</th><th>Stored</th><th>Token</th><th>Payments</th><th></th></tr></thead><tbody>
${cards.map(
  ({
    card_token: token,
    card_number: number,
    created_at_ms: atMs,
    temporary,
    is_verified: isVerified,
    declines,
  }) => html`
<tr><td>${number}</td><td>${formatTashkent(atMs)}</td>
<td>${isVerified ? (temporary ? 'for one payment' : 'kept') : 'not verified'}</td>
<td class="${declines === undefined ? '' : 'bad-text'}">${declines ?? 'as the test card'}</td>
<td>${renderAction(token, declines === undefined ? 'block' : 'unblock', declines === undefined ? 'Block' : 'Unblock')}</td></tr>`,
)}</tbody></table></div></section>`;
}

function isOpen({ status, merchant_prepare_id: prepareId }: PaymentRecord): boolean {
  return prepareId !== null && (status === 'investigation' || status === 'unclear');
}

function renderAction(id: string, action: string, label: string): Html {
  return html`<form method="post" action="/click/cabinet/${id}/${action}"><button class="plain small">${label}</button></form>`;
}
