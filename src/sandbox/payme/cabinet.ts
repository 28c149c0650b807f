import type { SimPaymeCard, SimPaymeReceipt, SimPaymeStatement } from '../control-payme-click.ts';
import { renderComplaints, renderSteps, show } from '../exchange.ts';
import { formatTashkent, formatTiyin, type Html, html, renderFacts, renderPage } from '../page.ts';
import type { TransactionRecord } from './world.ts';

const TONES = { paid: 'good', refunded: '', processing: '', unclear: '', failed: 'bad' } as const;
const REASONS: Readonly<Record<number, string>> = {
  1: 'receivers not found',
  2: 'debit failed',
  3: 'execution failed',
  4: 'timeout',
  5: 'refund',
  10: 'unknown',
};

const RECEIPT_STATES: Readonly<Record<SimPaymeReceipt['state'], string>> = {
  0: 'created',
  1: 'checks',
  2: 'debit',
  3: 'closing',
  4: 'paid',
  21: 'to be cancelled',
  30: 'waits for Perform',
  50: 'cancelled',
};

export type CabinetView = {
  transactions: readonly TransactionRecord[];
  cards: readonly SimPaymeCard[];
  receipts: readonly SimPaymeReceipt[];
  /** Of the last press of a button. */
  message?: string;
  statement?: SimPaymeStatement;
  /** Days in Tashkent, for the fields of the statement. */
  period: { from: string; to: string };
};

/**
 * The merchant's cabinet: every transaction with its exchange, refunds, the statement against Payme's books, and what
 * the Subscribe API keeps.
 */
export function renderCabinet(view: CabinetView): string {
  const { transactions, message, statement, period } = view;
  const body = html`
${message && html`<p class="note" role="status">${message}</p>`}
<section>
<h1>Statement</h1>
<form method="get" action="/payme/cabinet"><div class="fields even">
<label>From<input type="date" name="from" value="${period.from}" required></label>
<label>To<input type="date" name="to" value="${period.to}" required></label>
<button>GetStatement</button>
</div></form>
${statement && renderStatement(statement)}
</section>
${view.cards.length > 0 && renderCards(view.cards)}
${view.receipts.length > 0 && renderReceipts(view.receipts)}
<div class="rows" data-testid="transactions">
${transactions.length === 0 && html`<section><p class="quiet">No payments yet. Open a pay link of the application; what happens shows up here.</p></section>`}
${transactions.map(renderTransaction)}
</div>`;
  return renderPage({ title: 'Merchant cabinet', provider: 'payme', language: 'en', body, isWide: true });
}

function renderStatement(statement: SimPaymeStatement): Html {
  const { error, differences, transactions } = statement;
  if (error !== undefined) return html`<p class="note bad">${error.message} <code>${error.code}</code></p>`;
  if (differences.length === 0) {
    return html`<p class="note good" data-testid="statement">${transactions.length} transactions; the application and Payme agree.</p>`;
  }
  return html`<p class="note bad" data-testid="statement">Differences between the application and Payme: ${differences.length}</p>
<div class="scroll"><table><thead><tr><th>Transaction</th><th>Field</th><th>Payme</th><th>Application</th></tr></thead><tbody>
${differences.map(
  ({ id, field, payme, application }) =>
    html`<tr><td><code>${id}</code></td><td>${field}</td><td>${show(payme)}</td><td class="bad-text">${show(application)}</td></tr>`,
)}</tbody></table></div>`;
}

function renderCards(cards: readonly SimPaymeCard[]): Html {
  return html`<section data-testid="cards"><h1>Stored cards</h1>
<div class="scroll"><table><thead><tr><th>Card</th><th>Stored</th><th>Token</th><th>Payments</th><th></th></tr></thead><tbody>
${cards.map(
  ({ id, number, created_at_ms: atMs, recurrent, verify, declines }) => html`<tr><td>${number}</td>
<td>${formatTashkent(atMs)}</td><td>${verify ? (recurrent ? 'kept' : 'for one payment') : 'not verified'}</td>
<td class="${declines === undefined ? '' : 'bad-text'}">${declines ?? 'as the test card'}</td>
<td><form method="post" action="/payme/cabinet/${id}/${declines === undefined ? 'block' : 'unblock'}"><button class="plain small">${declines === undefined ? 'Block' : 'Unblock'}</button></form></td></tr>`,
)}</tbody></table></div></section>`;
}

function renderReceipts(receipts: readonly SimPaymeReceipt[]): Html {
  return html`<section data-testid="receipts"><h1>Receipts</h1>
<div class="scroll"><table><thead><tr><th>Account</th><th>Amount</th><th>State</th><th>Card</th><th>Created</th><th>Receipt</th></tr></thead><tbody>
${receipts.map(
  ({ id, account, amount, state, card, create_time: atMs, transaction_id: transaction, error }) => html`<tr>
<td>${Object.values(account).join(', ')}</td><td>${formatTiyin(amount, 'en')}</td>
<td>${state} (${RECEIPT_STATES[state]})${error && html` <span class="bad-text">${error.message} <code>${error.code}</code></span>`}</td>
<td>${card ?? ''}</td><td>${formatTashkent(atMs)}</td>
<td>${transaction === null ? html`<code>${id}</code>` : html`<a href="#t-${transaction}"><code>${id}</code></a>`}</td></tr>`,
)}</tbody></table></div></section>`;
}

function renderTransaction(transaction: TransactionRecord): Html {
  const { id, account, amount, card, status, reason, money, error, complaints, steps } = transaction;
  return html`<section id="t-${id}" data-testid="transaction-${id}">
<div class="head"><h2>${Object.values(account).join(', ')}</h2><span class="tag ${TONES[status]}">${status}</span>
<span class="sum">${formatTiyin(amount, 'en')}</span></div>
${renderComplaints(complaints)}
${error && html`<p class="note">${error.message} <code>${error.code}</code></p>`}
${renderFacts([
  ['Transaction', html`<code>${id}</code>`],
  ['Created', formatTashkent(transaction.time)],
  ['State', `${transaction.state}${reason === null ? '' : `, reason ${reason} (${REASONS[reason] ?? ''})`}`],
  ['Card', `${card}, money ${money === 'none' ? 'not taken' : money}`],
  ...(transaction.receipt_id === undefined ? [] : [['Receipt', html`<code>${transaction.receipt_id}</code>`] as const]),
  ['Number in the application', html`<code>${transaction.transaction ?? 'none'}</code>`],
])}
${renderSteps(steps)}
<div class="actions">
${status === 'paid' && renderAction(id, 'refund', 'Refund')}
${status === 'unclear' && renderAction(id, 'resume', 'Go on')}
${transaction.create_time !== 0 && renderAction(id, 'check', 'CheckTransaction')}
</div></section>`;
}

function renderAction(id: string, action: string, label: string): Html {
  return html`<form method="post" action="/payme/cabinet/${id}/${action}"><button class="plain small">${label}</button></form>`;
}
