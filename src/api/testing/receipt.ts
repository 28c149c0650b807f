import type { Language } from '#domain/identity/rules.ts';
import type { Currency } from '#domain/money.ts';
import { formatDate } from '#messages/translate.ts';
import { presentMoney } from '../present.ts';
import type { ReceiptView } from '../views.ts';

/** What a receipt is drawn from. */
export function receipt(language: Language, change: Partial<ReceiptView> = {}): ReceiptView {
  const money = (amount: bigint, currency: Currency = 'UZS') => presentMoney({ amount, currency }, language);
  const day = (text: string) => ({ iso: `${text}T00:00:00.000Z`, text: formatDate(new Date(text), language) });
  return {
    id: 'pay_01kahw9d6xq3v7c0mtz8b5r2ny',
    kind: 'one_time',
    status: 'succeeded',
    money: money(36_000_000n),
    returned: null,
    planName: 'Pro',
    productName: 'Log',
    method: 'credit_card',
    provider: 'payme',
    paidAt: day('2026-11-20'),
    invoiceId: 'inv_01kahw9d6xq3v7c0mtz8b5r2ny',
    chargeId: 'charge',
    period: { from: day('2026-11-20'), until: day('2027-11-20') },
    split: [
      { party: 'platform', money: money(35_460_000n), bps: 9850 },
      { party: 'processor', money: money(540_000n), bps: 150 },
    ],
    refund: null,
    refunds: [],
    disputes: [],
    timeline: [],
    ...change,
  };
}
