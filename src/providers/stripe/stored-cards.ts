import { ProviderError, type StoredMethods } from '#domain/provider.ts';
import type { StripeApi } from './client.ts';
import { toStoredCard } from './objects.ts';
import { CURRENCIES, parseToken, toSetup } from './requests.ts';

/**
 * Cards stored on Stripe's page. Each has a customer of its own, so that Stripe cannot join a person's cards; a token is
 * both (`cus_…/pm_…`). Calls throw ProviderError.
 */
export function makeStoredCards(api: StripeApi): StoredMethods {
  return {
    method: 'credit_card',
    currencies: CURRENCIES,

    async begin(request) {
      const customer = await api.createCustomer({ method: request.id }, `method-customer:${request.id}`);
      const session = await api.openSession(toSetup(request, customer), `method:${request.id}`);
      if (session.url === null) throw new ProviderError('unavailable', 'NO_PAGE');
      return { url: session.url, reference: session.id, client: null };
    },

    async confirm({ reference }) {
      if (reference === null) throw new ProviderError('invalid', 'REFERENCE_NEEDED');
      return toStoredCard(await api.getSetup(reference));
    },

    async remove(token) {
      const { customer, method } = parseToken(token);
      // Detached first: a customer that is gone keeps nothing, but says nothing of its methods either.
      await unlessGone(api.detachMethod(method));
      await unlessGone(api.deleteCustomer(customer));
    },
  };
}

/** Stripe refuses what was detached or deleted before: that is what was asked for. */
async function unlessGone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ProviderError) || error.failure !== 'invalid') throw error;
  }
}
