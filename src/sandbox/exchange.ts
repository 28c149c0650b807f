import type { SimProviderStep } from './control-payme-click.ts';
import { formatTashkent, type Html, html } from './page.ts';

/** What a provider and the application said to each other, one line per exchange. */
export function renderSteps(steps: readonly SimProviderStep[]): Html {
  return html`<details><summary>What was said (${steps.length})</summary><ol class="steps">${steps.map(renderStep)}</ol></details>`;
}

function renderStep(step: SimProviderStep): Html {
  const isGood = step.outcome === 'accepted' || step.outcome === 'done';
  const tries = step.tries > 1 ? `, ${step.tries} tries` : '';
  return html`<li><strong>${step.name}</strong>${step.is_repeat ? ' (again)' : ''}: <span class="${isGood ? '' : 'bad-text'}">${step.outcome}</span>${tries}
<small>${formatTashkent(step.atMs)}${step.note === undefined ? '' : ` · ${step.note}`}</small>
${step.answer !== undefined && html`<code>${show(step.answer)}</code>`}</li>`;
}

/** Where the application broke the protocol; nothing when it did not. */
export function renderComplaints(complaints: readonly string[]): Html | null {
  if (complaints.length === 0) return null;
  return html`<p class="note bad"><strong>The application broke the protocol</strong>${complaints.map((words) => html`${words}<br>`)}</p>`;
}

/** Any value as a short text. */
export function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
