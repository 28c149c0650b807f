import { TEST_VAULT } from '#lib/testing/vault.ts';

/** Where a statement compares a concealed column with a value it is given. */
const COMPARED = /\b(?:charge_id|event_id|first_charge_id|reference|claim_url)\s*=\s*(?:ANY\s*\()?\s*\$(\d+)/g;

/**
 * A test's own statement in the providers' words: values that are compared with a concealed column are concealed. What the database
 * really holds is the matter of privacy/conceal-past.db.test.ts and of the canary.
 */
export function concealCompared(text: string, values: ReadonlyArray<unknown>): unknown[] {
  const compared = new Set([...text.matchAll(COMPARED)].map(([, position]) => Number(position) - 1));
  return values.map((value, index) => (compared.has(index) ? conceal(value) : value));
}

function conceal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(conceal);
  return typeof value === 'string' && !value.startsWith('~') ? TEST_VAULT.conceal(value) : value;
}

/** The same rows with everything that is concealed in them revealed. */
export function revealAll<Value>(value: Value): Value {
  if (typeof value === 'string') return TEST_VAULT.reveal(value) as Value;
  if (Array.isArray(value)) return value.map(revealAll) as Value;
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revealAll(part)])) as Value;
}
