import { randomInt } from 'node:crypto';

/** The shape of the documentation's example terminal. */
const TERMINAL = 'EP000000000025';

/** The `fiscal_data` of SetFiscalData: a receipt as the tax authority's module would have given it. */
export function fiscalReceipt(type: 'PERFORM' | 'CANCEL', receiptId: number, nowMs: number): Record<string, unknown> {
  const date = toDigits(nowMs);
  const sign = String(randomInt(100_000_000_000, 999_999_999_999));
  return {
    receipt_id: receiptId,
    status_code: 0,
    message: 'accepted',
    terminal_id: TERMINAL,
    fiscal_sign: sign,
    qr_code_url: `https://ofd.soliq.uz/check?t=${TERMINAL}&r=${receiptId}&c=${date}&s=${sign}${type === 'CANCEL' ? '&refund=1' : ''}`,
    date,
  };
}

/** `YYYYMMDDHHmmss` in Tashkent, which has no summer time. */
function toDigits(atMs: number): string {
  return new Date(atMs + 5 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14);
}
