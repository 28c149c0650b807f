import { type Capability, type Provider, ProviderError, type ProviderRequest } from '#domain/provider.ts';
import { isEqualSecret } from '#lib/crypto.ts';
import { PROTOCOL_ERRORS } from './refusals.ts';
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
 * Payme over its Merchant API, in which Payme calls us (reference: developer.help.paycom.uz). Nothing here calls out.
 * Throws ProviderError `misconfigured` for an empty key: it would let everybody in.
 */
export function makePayme(options: PaymeOptions): Provider {
  const { keys } = options;
  if (keys.current === '' || keys.previous?.key === '') throw new ProviderError('misconfigured', 'EMPTY_KEY');
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
  };
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
