import type { Outcome } from './world.ts';

/** A test card of this sandbox; Click publishes none. All expire 12/99, the code is always 12345. */
export type TestCard = {
  number: string;
  type: 'uzcard' | 'humo';
  /** What becomes of every payment by it. */
  outcome: Outcome;
  /** Refused before a code is sent. */
  hasNoSms?: true;
};

export const CARD_EXPIRE = '1299';
export const SMS_CODE = '12345';

const INSUFFICIENT_FUNDS: Outcome = { kind: 'not_paid', error: -5017, note: 'Insufficient funds' };
const BLOCKED: Outcome = { kind: 'not_paid', error: -1, note: 'Card is blocked' };

/** The endings that the pay page offers, one card for each that a charge without a payer can have. */
const TEST_CARDS: readonly TestCard[] = [
  { number: '8600120000000011', type: 'uzcard', outcome: { kind: 'paid' } },
  { number: '9860120000000022', type: 'humo', outcome: { kind: 'paid' } },
  { number: '8600120000005176', type: 'uzcard', outcome: INSUFFICIENT_FUNDS },
  { number: '8600120000003015', type: 'uzcard', outcome: BLOCKED },
  { number: '9860120000005039', type: 'humo', outcome: { kind: 'lost_answer' } },
  { number: '8600120000004047', type: 'uzcard', outcome: { kind: 'paid' }, hasNoSms: true },
];

/** How a payment ends by a card that was made to decline after it was stored. */
export const DECLINES = { blocked: BLOCKED, insufficient_funds: INSUFFICIENT_FUNDS } as const;

/** The test card with this number; null for every other number. */
export function findCard(number: string): TestCard | null {
  return TEST_CARDS.find((card) => card.number === number) ?? null;
}

/** `860012******0011` */
export function maskCard(number: string): string {
  return `${number.slice(0, 6)}******${number.slice(-4)}`;
}
