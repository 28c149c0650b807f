import type { SimStripeEvent, SimStripePayment } from '../control-stripe.ts';
import { type Html, html, renderFacts, renderPage } from '../page.ts';
import { formatMoney } from './money.ts';
import type { Session } from './objects.ts';

const TONES: Readonly<Record<string, string>> = { succeeded: 'good', canceled: 'bad', requires_payment_method: 'bad' };

export type CabinetView = {
  payments: readonly SimStripePayment[];
  /** Those without a payment: still open, expired, or in setup mode. */
  sessions: readonly Session[];
  /** Of setups, customers and sessions without a payment. */
  others: readonly SimStripeEvent[];
  balances: Readonly<Record<string, number>>;
  /** Of the last press of a button. */
  message: string | null;
};

/** What the Dashboard would show, and what payers and banks do: every payment with its events and their deliveries. */
export function renderCabinet({ payments, sessions, others, balances, message }: CabinetView): string {
  const body = html`
${message && html`<p class="note" role="status">${message}</p>`}
<section><h1>Balance</h1>${renderFacts(Object.entries(balances).map(([currency, sum]) => [currency.toUpperCase(), formatMoney(sum, currency, 'en')] as const))}</section>
<div class="rows" data-testid="payments">
${payments.length === 0 && html`<section><p class="quiet">No payments yet. Open a Checkout link of the application; what happens shows up here.</p></section>`}
${payments.map(renderPayment)}
</div>
<section><h2>Sessions without a payment</h2>${sessions.map(renderSession)}</section>
<section><h2>Other events</h2>${renderEvents(others)}</section>`;
  return renderPage({ title: 'Dashboard', provider: 'stripe', language: 'en', body, isWide: true });
}

function renderPayment(payment: SimStripePayment): Html {
  const { id, status, amount, currency, method, events, client_reference_id: order } = payment;
  const money = (sum: number): string => formatMoney(sum, currency, 'en');
  const waitsForShop = method === 'konbini_display_details';
  const waitsForBank = payment.amount_remaining !== null;
  const isDisputed = payment.disputes.length > 0;
  const isRefundable = status === 'succeeded' && payment.amount_refunded < amount && !isDisputed;
  return html`<section id="p-${id}" data-testid="payment-${id}">
<div class="head"><h2>${order ?? id}</h2><span class="tag ${TONES[status] ?? ''}">${status}</span><span class="sum">${money(amount)}</span></div>
${renderFacts([
  ['Payment', html`<code>${id}</code>`],
  ['Method', method],
  ['Refunded', money(payment.amount_refunded)],
  ['Left to pay', payment.amount_remaining === null ? '–' : money(payment.amount_remaining)],
])}
${payment.refunds.map((refund) => renderRefund(refund, money))}
${payment.disputes.map((dispute) => renderDispute(dispute, money))}
<div class="actions">
${isRefundable && renderAction(id, 'refund', 'Refund', 'the rest')}
${isRefundable && renderAction(id, 'dispute', 'Open a dispute')}
${waitsForShop && renderAction(id, 'konbini', 'Pay at the shop')}
${waitsForBank && renderAction(id, 'transfer', 'Send a transfer', String(payment.amount_remaining))}
${(waitsForShop || waitsForBank) && renderAction(id, 'fail', 'Let it fail')}
</div>
${renderEvents(events)}</section>`;
}

function renderRefund(
  { id, amount, status }: SimStripePayment['refunds'][number],
  money: (sum: number) => string,
): Html {
  const isOpen = status === 'pending' || status === 'requires_action';
  return html`<div class="head"><code>${id}</code><span class="tag">${status}</span><span class="sum">−${money(amount)}</span></div>
<div class="actions">${isOpen && renderAction(id, 'arrive', 'Refund arrives')}${(isOpen || status === 'succeeded') && renderAction(id, 'bounce', 'Refund fails')}</div>`;
}

function renderDispute(
  { id, amount, status }: SimStripePayment['disputes'][number],
  money: (sum: number) => string,
): Html {
  const isOpen = status === 'needs_response' || status === 'under_review';
  return html`<div class="head"><code>${id}</code><span class="tag bad">dispute ${status}</span><span class="sum">${money(amount)}</span></div>
<div class="actions">${isOpen && renderAction(id, 'win', 'We win')}${isOpen && renderAction(id, 'lose', 'We lose')}</div>`;
}

function renderSession({ id, status, mode, client_reference_id: order, url }: Session): Html {
  return html`<div class="head"><code>${order ?? id}</code><span class="tag">${mode} ${status}</span>
${url !== null && html`<a href="${url}">open</a>`}${status === 'open' && renderAction(id, 'expire', 'Let it expire')}</div>`;
}

function renderEvents(events: readonly SimStripeEvent[]): Html {
  return html`<details><summary>Events (${events.length})</summary><ol class="steps">${events.map(renderEvent)}</ol></details>`;
}

function renderEvent({ id, type, created, state, deliveries }: SimStripeEvent): Html {
  const isGood = state === 'delivered' || state === 'quiet';
  return html`<li><strong>${type}</strong>: <span class="${isGood ? '' : 'bad-text'}">${state}</span>
<small>${formatTime(created * 1000)} · <code>${id}</code></small>
${deliveries.map(({ atMs, status, answer }) => html`<small>${formatTime(atMs)} · ${status ?? 'no answer'} ${answer}</small>`)}
${state !== 'quiet' && html`<div class="actions">${renderAction(id, 'redeliver', 'Send again')}</div>`}</li>`;
}

/** A button, with a field for an amount in minor units where `amount` says what stands in it when empty. */
function renderAction(id: string, action: string, label: string, amount?: string): Html {
  const field =
    amount === undefined
      ? ''
      : html`<input name="amount" inputmode="numeric" placeholder="${amount}" aria-label="${label}: amount in minor units">`;
  return html`<form method="post" action="/stripe/cabinet/${id}/${action}">${field}<button class="plain small">${label}</button></form>`;
}

function formatTime(atMs: number): string {
  return new Date(atMs).toISOString().replace('T', ' ').slice(0, 19);
}
