import { invalid } from './api-error.ts';

const MOST_FIELDS = 5_000;
const DEEPEST = 12;

export type FormValue = string | FormValue[] | { [name: string]: FormValue };
type Branch = Map<string, Branch | string>;

/**
 * Reads a form with Stripe's bracket nesting: `line_items[0][price_data][currency]=jpy`, `expand[]=charge`. Names that
 * are all numbers, or empty, make a list. @throws ApiError
 */
export function readForm(text: string): Record<string, FormValue> {
  const root: Branch = new Map();
  const fields = [...new URLSearchParams(text)];
  if (fields.length > MOST_FIELDS) throw invalid('The request has too many parameters.');
  for (const [name, value] of fields) {
    const path = splitName(name);
    const last = path.pop() as string;
    let branch = root;
    for (const part of path) branch = descend(branch, part, name);
    const key = last === '' ? String(branch.size) : last;
    if (branch.get(key) instanceof Map) throw invalid(`Invalid parameter: ${name}`, name);
    branch.set(key, value);
  }
  return Object.fromEntries([...root].map(([key, value]) => [key, toValue(value)]));
}

/** `a[b][0]` → a, b, 0 */
function splitName(name: string): string[] {
  const shape = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (shape === null) throw invalid(`Invalid parameter name: ${name}`, name);
  const inner = [...(shape[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map(([, part]) => part ?? '');
  if (inner.length > DEEPEST) throw invalid(`The parameter ${name} is nested too deeply.`, name);
  return [shape[1] ?? '', ...inner];
}

function descend(branch: Branch, part: string, name: string): Branch {
  const key = part === '' ? String(branch.size) : part;
  const found = branch.get(key);
  if (found instanceof Map) return found;
  if (found !== undefined) throw invalid(`Invalid parameter: ${name}`, name);
  const made: Branch = new Map();
  branch.set(key, made);
  return made;
}

function toValue(value: Branch | string): FormValue {
  if (typeof value === 'string') return value;
  const entries = [...value].map(([key, inner]): [string, FormValue] => [key, toValue(inner)]);
  const isList = entries.every(([key]) => /^\d+$/.test(key));
  return isList ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}
