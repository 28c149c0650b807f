/** What a pay link asks for. `amount` is the text of the link: Click signs exactly that. */
export type Order = {
  service_id: string;
  merchant_id: string;
  transaction_param: string;
  amount: string;
  amount_tiyin: number;
  return_url?: string;
  card_type?: 'uzcard' | 'humo';
};

/** A link Click does not accept. */
export class LinkError extends Error {
  readonly field: string;

  constructor(field: string, words: string) {
    super(`${field} ${words}.`);
    this.field = field;
  }
}

/**
 * Reads the query of `/services/pay` (documentation: "Payment button").
 *
 * @throws LinkError
 */
export function readLink(query: URLSearchParams, ids: { serviceId: string; merchantId: string }): Order {
  for (const key of new Set(query.keys())) {
    if (query.getAll(key).length > 1) throw new LinkError(key, 'is given twice');
  }
  const order = query.get('transaction_param') ?? '';
  const amount = query.get('amount') ?? '';
  if (query.get('service_id') !== ids.serviceId) throw new LinkError('service_id', 'names no service');
  if (query.get('merchant_id') !== ids.merchantId) throw new LinkError('merchant_id', 'names no merchant');
  if (order === '' || order.length > 255) throw new LinkError('transaction_param', 'must have 1 to 255 characters');
  const tiyin = toTiyin(amount);
  if (tiyin === null) throw new LinkError('amount', 'must be an amount of soʻm above 0 (N.NN)');
  const returnUrl = query.get('return_url');
  if (returnUrl && !isWebAddress(returnUrl)) throw new LinkError('return_url', 'must be an http(s) address');
  const cardType = query.get('card_type');
  if (cardType && cardType !== 'uzcard' && cardType !== 'humo')
    throw new LinkError('card_type', 'must be uzcard or humo');
  return {
    service_id: ids.serviceId,
    merchant_id: ids.merchantId,
    transaction_param: order,
    amount,
    amount_tiyin: tiyin,
    ...(returnUrl ? { return_url: returnUrl } : {}),
    ...(cardType ? { card_type: cardType as 'uzcard' | 'humo' } : {}),
  };
}

/** Decimal text of so'm in tiyin; null when it is no amount above 0. */
export function toTiyin(text: string): number | null {
  const parts = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(text);
  if (parts === null) return null;
  const tiyin = Number(parts[1]) * 100 + Number((parts[2] ?? '').padEnd(2, '0'));
  return tiyin > 0 ? tiyin : null;
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
