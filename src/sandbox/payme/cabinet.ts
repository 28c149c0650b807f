import type { SimPaymeStatement } from '../control.ts';
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

export type CabinetView = {
  transactions: readonly TransactionRecord[];
  /** Of the last press of a button. */
  message?: string;
  statement?: SimPaymeStatement;
  /** Days in Tashkent, for the fields of the statement. */
  period: { from: string; to: string };
};

/** The merchant's cabinet: every transaction with its exchange, refunds, and the statement against Payme's books. */
export function renderCabinet({ transactions, message, statement, period }: CabinetView): string {
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
