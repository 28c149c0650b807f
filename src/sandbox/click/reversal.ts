const MONTH = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Tashkent', dateStyle: 'short' });

type Reversible = { status: string; created_at_ms: number; card_type?: 'uzcard' | 'humo' };

/**
 * Whether a payment may be given back (Merchant API, "reversal conditions"): it was successful, and of this month in
 * Tashkent, or of the last one while it is the first day of this one. UZCARD may refuse by itself.
 *
 * @returns why not, or null
 */
export function judgeReversal(
  payment: Reversible,
  { nowMs, doesUzcardRefuse }: { nowMs: number; doesUzcardRefuse: boolean },
): string | null {
  if (payment.status === 'reversed') return 'Payment is reversed already';
  if (payment.status !== 'paid') return 'Payment was not successful';
  if (doesUzcardRefuse && payment.card_type !== 'humo') return 'Reversal was refused by UZCARD';
  const [year = 0, month = 0, day = 0] = MONTH.format(nowMs).split('-').map(Number);
  const [paidYear = 0, paidMonth = 0] = MONTH.format(payment.created_at_ms).split('-').map(Number);
  const monthsAgo = (year - paidYear) * 12 + (month - paidMonth);
  if (monthsAgo === 0 || (monthsAgo === 1 && day === 1)) return null;
  return 'Payment is of a closed reporting month';
}
