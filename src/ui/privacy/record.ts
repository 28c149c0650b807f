import type { BillingRecord } from '#domain/billing-record/rules.ts';
import { fullName } from '#ui/names.ts';

type Period = { start: string; end: string | null };

/** What a decrypted record tells of a payment. Null: it does not say. */
export type RecordDetails = Readonly<{
  /** The record's own id, by which it is known that it belongs where it stands. */
  id: string | null;
  type: BillingRecord['type'] | null;
  /** "Pro · Personal log". */
  name: string | null;
  product: string | null;
  plan: string | null;
  period: Period | null;
  /** When it happened, an ISO instant. */
  at: string | null;
  /** In minor units of its currency, as text. */
  amount: Readonly<{ amount: string; currency: string }> | null;
  /** What the seller's server wrote to the order. */
  description: string | null;
  metadata: ReadonlyArray<Readonly<{ name: string; value: string }>>;
  /** All of it, as it was encrypted. */
  text: string;
}>;

const TYPES = [
  'payment',
  'refund',
  'renewal',
  'subscription_change',
  'revenue_share',
  'payout',
] as const satisfies readonly BillingRecord['type'][];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);

/**
 * Reads what a record says (version 1 of domain/billing-record/rules.ts). Lenient, because it was signed when it was written and
 * may be newer than this app: what is not understood is left out and stands in `text`. Null when it is no record at all.
 */
export function readRecord(text: string): RecordDetails | null {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(said) || typeof said['hoshi'] !== 'number') return null;
  const item = isObject(said['item']) ? said['item'] : {};
  const nameIn = (value: unknown) => (isObject(value) ? textOf(value['name']) : null);
  const [plan, product] = [nameIn(item['plan']), nameIn(item['product'])];
  return {
    id: textOf(said['record']),
    type: TYPES.find((type) => type === said['type']) ?? null,
    name: fullName({ planName: plan, productName: product }),
    product,
    plan,
    period: periodOf(said['period']),
    at: textOf(said['at']),
    amount: amountOf(said['amount']),
    description: textOf(said['description']),
    metadata: metadataOf(said['metadata']),
    text: text.trim(),
  };
}

function periodOf(value: unknown): Period | null {
  if (!isObject(value) || typeof value['start'] !== 'string') return null;
  return { start: value['start'], end: textOf(value['end']) };
}

function amountOf(value: unknown): RecordDetails['amount'] {
  if (!isObject(value)) return null;
  const { amount, currency } = value;
  return typeof amount === 'string' && typeof currency === 'string' ? { amount, currency } : null;
}

function metadataOf(value: unknown): RecordDetails['metadata'] {
  if (!isObject(value)) return [];
  return Object.entries(value).map(([name, told]) => ({
    name,
    value: typeof told === 'string' ? told : JSON.stringify(told),
  }));
}
