import type { Language } from '#ui/message-format.ts';

/** Digits after the point, as on the server (messages/translate.ts); a test holds the two together. */
const DIGITS: Readonly<Record<string, number>> = { XTR: 0, JPY: 0, USD: 2, EUR: 2, UZS: 2, BTC: 8, ETH: 9 };
const SOM: Readonly<Record<Language, string>> = { en: '\u00a0so’m', ja: '\u00a0スム' };

/**
 * An amount of a decrypted record as the server writes amounts: the server does not see this one, so it cannot write it.
 *
 * @param amount minor units in decimal digits, as they stand in the record
 * @returns null for a currency that this app does not know: a wrong amount would be worse than none
 */
export function recordMoney(
  { amount, currency }: { amount: string; currency: string },
  language: Language,
): string | null {
  const digits = DIGITS[currency];
  if (digits === undefined || !/^-?\d{1,20}$/.test(amount)) return null;
  const units = amount.replace('-', '').padStart(digits + 1, '0');
  const whole = digits === 0 ? units : `${units.slice(0, -digits)}.${units.slice(-digits)}`;
  const number = (amount.startsWith('-') ? `-${whole}` : whole) as `${number}`;
  const format = (options: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(language, options).format(number as never);
  if (currency === 'XTR') return `${format({})} ★`;
  if (currency === 'BTC' || currency === 'ETH') return `${format({ maximumFractionDigits: digits })} ${currency}`;
  const shown = currency === 'UZS' && units.endsWith('00') ? 0 : digits;
  const fraction = { minimumFractionDigits: shown, maximumFractionDigits: shown };
  return currency === 'UZS' ? format(fraction) + SOM[language] : format({ style: 'currency', currency, ...fraction });
}
