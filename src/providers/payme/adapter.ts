import type { Capability } from '#domain/provider/capability.ts';
import type { Provider, ProviderRequest, StoredMethods } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { PaymentFailure } from '#domain/provider/event.ts';
import type { CheckoutLink, CheckoutRequest } from '#domain/provider/request.ts';
import { isEqualSecret } from '#lib/crypto.ts';
import { makeSubscribeApi, type SubscribeApi } from './client.ts';
import { PROTOCOL_ERRORS } from './refusals.ts';
import { isCancelled, isUnpaid, toEvents, toPaymentFailure } from './subscribe.ts';
import { parseMessage, readMessage, rejectMessage, writeAnswer, writePayLink } from './wire.ts';

/** Keys of the cash register that Payme may send. `onPrevious` hears each use of the one being replaced. */
export type RegisterKeys = Readonly<{
  current: string;
  previous: { key: string; until: Date } | null;
  onPrevious: (isOverdue: boolean) => void;
}>;

export type PaymeOptions = Readonly<{
  /** Id or alias of the cash register. */
  merchantId: string;
  /** Where the pay page stands: https://checkout.paycom.uz, or https://test.paycom.uz for the sandbox. */
  checkoutUrl: string;
  /** Where the Subscribe API stands: https://checkout.paycom.uz/api, or https://checkout.test.paycom.uz/api. */
  apiUrl: string;
  /** Whether the cash register may use the Subscribe API: cards are then stored and charged. */
  subscribe: boolean;
  /** `keys.current` also signs our own calls. */
  keys: RegisterKeys;
  /** Addresses that Payme may call from (`PAYME_ADDRESSES`); null: any. */
  allowedAddresses: ReadonlyArray<string> | null;
  /** What Payme's contract takes of a charge, in basis points. */
  feeBps: number;
}>;

/** The addresses Payme documents as its only ones: 185.234.113.1 – 185.234.113.15 (skhema-vzaimodeystviya). */
export const PAYME_ADDRESSES: ReadonlyArray<string> = Array.from(
  { length: 15 },
  (_, index) => `185.234.113.${index + 1}`,
);

const LOGIN = 'Paycom';

const acceptsOf = (feeBps: number): ReadonlyArray<Capability> => [
  {
    method: 'credit_card',
    currency: 'UZS',
    fee: { bps: feeBps, fixed: 0n, network: false, isKept: false },
    privacy: 'medium',
    renewalDays: [],
    surfaces: ['mini_app', 'bot', 'browser', 'api'],
    // 100 million so'm in tiyin. Payme's own limits belong to the register and are not published.
    maxAmount: { oneTime: 10_000_000_000n, renewing: 0n },
    settlesInMinutes: 1,
  },
];

/**
 * Payme over its Merchant API, in which Payme calls us (reference: developer.help.paycom.uz), and with `subscribe` over its
 * Subscribe API, in which we call Payme for stored cards. A card that we charge reaches our books by the Merchant API too.
 * Throws ProviderError `misconfigured` for an empty key: it would let everybody in.
 */
export function makePayme(options: PaymeOptions): Provider {
  const { keys } = options;
  if (keys.current === '' || keys.previous?.key === '') throw new ProviderError('misconfigured', 'EMPTY_KEY');
  const api = options.subscribe ? makeSubscribeApi({ ...options, key: keys.current }) : null;
  return {
    id: 'payme',
    accepts: acceptsOf(options.feeBps),
    refunds: 'none',
    // Any status but 200 counts as a failure of ours (protokol-merchant-api).
    answersAll: true,
    // 43 200 000 ms from the creation in Payme, then reason 4 (createtransaction).
    reservations: { lastMs: 43_200_000, lapseCode: 4 },

    async createCheckout(request) {
      if (request.renewalDays !== null) throw new ProviderError('invalid', 'NO_RENEWALS');
      if (request.token !== null) return chargeCard(api, request, request.token);
      return { url: writePayLink(options, request), reference: null };
    },

    read(request, now) {
      const message = parseMessage(request.body);
      if (request.method !== 'POST') return rejectMessage(message, PROTOCOL_ERRORS.not_post);
      if (!isAllowed(request.remoteAddress, options.allowedAddresses) || !isGenuine(request, keys, now))
        return rejectMessage(message, PROTOCOL_ERRORS.not_authorised, 'webhook_secret_wrong');
      return readMessage(message);
    },

    // Every message is an inquiry and answered at once; none is ever kept to be read again.
    readStored: () => ({ kind: 'unreadable', type: 'inquiry', eventId: 'none' }),

    reply: writeAnswer,

    // Refunds begin in Payme's cabinet and reach us as CancelTransaction (canceltransaction).
    async refund() {
      throw new ProviderError('declined', 'REFUND_IN_CABINET');
    },

    ...(api && byReceipts(api, options)),
  };
}

/** What the Subscribe API adds. Only a charged card has a receipt; the pay link has none before somebody pays. */
function byReceipts(
  api: SubscribeApi,
  { apiUrl, merchantId }: PaymeOptions,
): Required<Pick<Provider, 'closeCheckout' | 'find' | 'storedMethods'>> {
  return {
    storedMethods: storeCards(api, { endpoint: apiUrl, publicId: merchantId }),

    async closeCheckout({ reference }) {
      const receipt = await api.getReceipt(reference);
      if (isCancelled(receipt)) return 'closed';
      // To cancel one that is paid would give the money back.
      if (!isUnpaid(receipt)) return 'busy';
      return isCancelled(await api.cancelReceipt(reference)) ? 'closed' : 'busy';
    },

    async find(order) {
      return order.reference === null ? [] : toEvents(await api.getReceipt(order.reference), order);
    },
  };
}

function storeCards(api: SubscribeApi, client: { endpoint: string; publicId: string }): StoredMethods {
  return {
    method: 'credit_card',
    currencies: ['UZS'],
    // The person's browser makes the token and has it verified: the card's number never comes here.
    begin: async () => ({ url: null, reference: null, client }),
    async confirm({ token }) {
      if (token === null) throw new ProviderError('invalid', 'TOKEN_MISSING');
      return api.checkCard(token);
    },
    remove: api.removeCard,
  };
}

/**
 * Charges a stored card. The answer grants nothing: Payme drives our Merchant API meanwhile, and its steps do. A second
 * receipt for an order that is held or paid is refused there.
 */
async function chargeCard(api: SubscribeApi | null, request: CheckoutRequest, token: string): Promise<CheckoutLink> {
  const { description, invoiceId, price } = request;
  if (!api) throw new ProviderError('invalid', 'NO_STORED_CARDS');
  if (price.currency !== 'UZS') throw new ProviderError('invalid', 'CURRENCY_IS_NOT_UZS');
  const receipt = await api.createReceipt({ amount: price.amount, invoiceId, description }).catch(refuse);
  const paid = await api.payReceipt(receipt._id, token).catch((error: unknown) => {
    // It may be on its way. To say `unavailable` would have it tried elsewhere and charged twice: `find` tells later.
    if (error instanceof ProviderError && error.failure === 'unavailable' && error.code !== 'HTTP_429') return null;
    return refuse(error);
  });
  if (paid && isCancelled(paid)) throw new ProviderError('declined', 'processing_error' satisfies PaymentFailure);
  return { url: null, reference: receipt._id };
}

/** A refusal in the contract's words; Payme's own is a number. */
function refuse(error: unknown): never {
  if (!(error instanceof ProviderError) || error.failure !== 'declined') throw error;
  throw new ProviderError('declined', toPaymentFailure(error.code));
}

function isAllowed(address: string | null, allowed: ReadonlyArray<string> | null): boolean {
  if (allowed === null) return true;
  // A socket that takes both families shows IPv4 addresses in their IPv6 form.
  return address !== null && allowed.includes(address.replace(/^::ffff:/i, ''));
}

function isGenuine(request: ProviderRequest, keys: RegisterKeys, now: Date): boolean {
  const given = credentialsOf(request.headers['authorization'] ?? '');
  if (!given) return false;
  if (isEqualSecret(given, credentials(keys.current))) return true;
  if (!keys.previous || !isEqualSecret(given, credentials(keys.previous.key))) return false;
  const isOverdue = keys.previous.until <= now;
  keys.onPrevious(isOverdue);
  return !isOverdue;
}

/** Login and key as one secret: a key with a colon needs no splitting, and a wrong login takes as long as a wrong key. */
function credentials(key: string): string {
  return `${LOGIN}:${key}`;
}

/** What stands behind `Basic` (RFC 7617), decoded; null for another scheme or no base64. */
function credentialsOf(header: string): Uint8Array | null {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  return encoded === undefined ? null : Buffer.from(encoded, 'base64');
}
