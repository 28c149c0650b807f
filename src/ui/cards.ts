import type { StoredMethodView } from '#api/views.ts';

const BRANDS: Readonly<Record<string, string>> = {
  visa: 'Visa',
  mastercard: 'Mastercard',
  amex: 'American Express',
  american_express: 'American Express',
  jcb: 'JCB',
  unionpay: 'UnionPay',
  diners: 'Diners Club',
  discover: 'Discover',
  uzcard: 'Uzcard',
  humo: 'Humo',
};

/** A stored card as its owner tells it from others: "Visa •••• 4242". A brand we have no spelling of stays as it came. */
export function cardName({ brand, last4 }: Pick<StoredMethodView, 'brand' | 'last4'>): string {
  const name = BRANDS[brand.toLowerCase()] ?? brand;
  // Held together, so that the digits never stand alone at the beginning of a line.
  const digits = last4 === '' ? '' : `••••\u00a0${last4}`;
  return [name, digits].filter((part) => part !== '').join('\u00a0');
}

/** "12/2027" of "2027-12"; null when the provider does not say. */
export function cardExpiry({ expires }: Pick<StoredMethodView, 'expires'>): string | null {
  const [, year, month] = /^(\d{4})-(\d{2})$/.exec(expires ?? '') ?? [];
  return year === undefined ? null : `${month}/${year}`;
}

/** True from the month after the card's last one, by `now`. */
export function isExpired({ expires }: Pick<StoredMethodView, 'expires'>, now: Date): boolean {
  return expires !== null && expires < now.toISOString().slice(0, 7);
}
