import { AppError } from '#domain/errors.ts';
import type { RawInput } from './route.ts';

/** Names under which card data are sent, without case and punctuation. */
const KEYS = new Set([
  'number',
  'cardnumber',
  'pan',
  'cvc',
  'cvc2',
  'cvv',
  'cvv2',
  'cardcvc',
  'cardcvv',
  'securitycode',
]);

/** Digits as people and machines group them: in one run, or with single spaces, dots or hyphens between. */
const RUN = /\d(?:[ .-]?\d)*/g;

/**
 * Refuses a request that carries what may be a card: a name such as `cvc`, or 13 to 19 digits that pass the check of card
 * numbers (ISO/IEC 7812-1, Luhn), wherever they stand. Thrown before anything of the body is kept, hashed or logged:
 * `invalid card_data_refused`. A `token` is a provider's own word, so it is refused only when nothing else is in it.
 */
export function refuseCardData({ body, query }: RawInput): void {
  if (hasCardData(body) || hasCardData(query)) throw new AppError('invalid', 'card_data_refused');
}

/** Whether a value, or anything in it, may be card data. */
export function hasCardData(value: unknown): boolean {
  if (typeof value === 'number') return hasCardNumber(value.toLocaleString('en', { useGrouping: false }));
  if (typeof value === 'string') return hasCardNumber(value);
  if (Array.isArray(value)) return value.some(hasCardData);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => {
    if (KEYS.has(key.toLowerCase().replaceAll(/[^a-z0-9]/g, '')) || hasCardNumber(key)) return true;
    return key === 'token' && typeof inner === 'string' ? isCardNumber(inner) : hasCardData(inner);
  });
}

/** Whether a text is a card number and nothing else. */
export function isCardNumber(text: string): boolean {
  const [run] = text.trim().match(RUN) ?? [];
  return run === text.trim() && hasCardNumber(run);
}

function hasCardNumber(text: string): boolean {
  return (text.match(RUN) ?? []).some((run) => {
    const digits = run.replaceAll(/\D/g, '');
    return digits.length >= 13 && digits.length <= 19 && passesLuhn(digits);
  });
}

function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
