import { SURFACES } from '#domain/provider/capability.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';

/*
 * A provider that stores cards and charges them, played for the doors' tests: what a card does is written in its token.
 */

/** What comes of a card when it is charged. */
export type Card = 'pays' | 'declined' | 'unknown-refusal' | 'asks' | 'transfers' | 'silent' | 'stuck';

export const VAULT = 'vault';
const TOKEN = /^tok_([a-z-]+)(?:\.\w+)?$/;

/** Beside `provider`, what it was asked and a way to release what is stuck. */
export function makeVault(stars: Provider) {
  const asked: string[] = [];
  const charged = new Map<string, { card: Card; amount: bigint }>();
  const state = { release: () => {} };
  const stuck = new Promise<void>((resolve) => {
    state.release = resolve;
  });

  const provider: Provider = {
    ...stars,
    id: VAULT,
    refunds: 'parts',
    accepts: [
      {
        method: 'credit_card',
        currency: 'USD',
        fee: { bps: 290, fixed: 30n, network: false, isKept: true },
        privacy: 'medium',
        renewalDays: [],
        surfaces: [...SURFACES],
        maxAmount: { oneTime: 1_000_000n, renewing: 0n },
        settlesInMinutes: 1,
      },
    ],
    createCheckout: async ({ attemptId, invoiceId, price, token }) => {
      const card = TOKEN.exec(token ?? '')?.[1] as Card | undefined;
      if (!card) return { url: `https://vault.test/pay/${attemptId}`, reference: attemptId };
      if (card === 'declined') throw new ProviderError('declined', 'insufficient_funds');
      if (card === 'unknown-refusal') throw new ProviderError('declined', 'because');
      charged.set(invoiceId, { card, amount: price.amount });
      return { url: card === 'asks' ? `https://vault.test/confirm/${attemptId}` : null, reference: attemptId };
    },
    closeCheckout: async () => 'closed',
    find: async ({ invoiceId }): Promise<ProviderEvent[]> => {
      const charge = charged.get(invoiceId ?? '');
      if (!charge || invoiceId === null) return [];
      const { amount, card } = charge;
      if (card === 'stuck') await stuck;
      const told = { eventId: `evt_${invoiceId}`, occurredAt: new Date('2026-11-20T10:00:00.000Z') };
      const money = { amount, currency: 'USD' } as const;
      const chargeId = `ch_${invoiceId}`;
      if (card === 'pays' || card === 'stuck')
        return [
          { ...told, ...PLAIN_CHARGE, type: 'payment_succeeded', invoiceId, chargeId, payerId: null, paid: money },
        ];
      if (card === 'transfers')
        return [
          {
            ...told,
            type: 'payment_pending',
            invoiceId,
            chargeId,
            price: money,
            progress: 'awaiting_transfer',
            missing: amount,
            instructionsUrl: 'https://vault.test/how',
          },
        ];
      return [];
    },
    refund: async ({ refundId }) => ({ status: 'pending', reference: `re_${refundId}`, claimUrl: null }),
    storedMethods: {
      method: 'credit_card',
      currencies: ['USD'],
      begin: async ({ id, language }) => {
        asked.push(`begin ${id} ${language}`);
        return { url: null, reference: null, client: { endpoint: 'https://vault.test/tokens', publicId: 'pk_1' } };
      },
      confirm: async ({ code, token }) => {
        asked.push(`confirm ${token} ${code}`);
        if (token === 'tok_wants-code' && code === null) return null;
        if (token === null || !TOKEN.test(token)) throw new ProviderError('declined', 'no_such_token');
        // A card of its own each time, unless the token names one.
        const own = token.includes('.') ? token : `${token}.${asked.length}`;
        return { token: own, brand: 'visa', last4: '4242', expires: '2029-04' };
      },
      remove: async () => {},
    },
  };
  return { provider, asked, release: () => state.release() };
}
