import type { PaymentRecord } from './world.ts';

/** Click publishes no list of its codes, only that 0 is success. */
export const ERROR = {
  notFound: -1,
  cannotReverse: -2,
  wrongAmount: -3,
  wrongCard: -4,
  wrongCode: -5,
  cardNotVerified: -6,
  notPaid: -7,
} as const;

/** An answer of the Merchant API. */
export type Answer = { status: number; body: Record<string, unknown> };

export function succeed(fields: Record<string, unknown>): Answer {
  return { status: 200, body: { error_code: 0, error_note: 'Success', ...fields } };
}

export function refuse(code: number, note: string): Answer {
  return { status: 200, body: { error_code: code, error_note: note } };
}

export function httpError(status: number): Answer {
  return { status, body: { error_code: status, error_note: `HTTP ${status}` } };
}

/** The payment_status: below 0 failed or given back, 1 under way, 2 paid. */
export function statusOf({ status }: PaymentRecord): number {
  if (status === 'paid') return 2;
  if (status === 'failed') return -1;
  if (status === 'reversed') return -2;
  return 1;
}
