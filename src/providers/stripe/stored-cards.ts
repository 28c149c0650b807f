import type { StoredMethods } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { StripeApi } from './client.ts';
import { idOf, toStoredCard } from './objects.ts';
import { CURRENCIES, parseToken, toSetup } from './requests.ts';

/**
 * Cards stored on Stripe's page. Each has a customer of its own, so that Stripe cannot join a person's cards; a token is
 * both (`cus_…/pm_…`). A customer whose page comes to nothing goes with it. Calls throw ProviderError.
 */
export function makeStoredCards(api: StripeApi): StoredMethods {
  return {
    method: 'credit_card',
    currencies: CURRENCIES,

    async begin(request) {
      const customer = await api.createCustomer({ method: request.id }, `method-customer:${request.id}`);
      try {
        const session = await api.openSession(toSetup(request, customer), `method:${request.id}`);
        if (session.url === null) throw new ProviderError('unavailable', 'NO_PAGE');
        return { url: session.url, reference: session.id, client: null };
      } catch (error) {
        await unlessRefused(api.deleteCustomer(customer), DELETED);
        throw error;
      }
    },

    async confirm({ reference }) {
      if (reference === null) throw new ProviderError('invalid', 'REFERENCE_NEEDED');
      const session = await api.getSetup(reference);
      const { customer, status } = session;
      if (status === 'expired' && customer !== null) await unlessRefused(api.deleteCustomer(idOf(customer)), DELETED);
      return toStoredCard(session);
    },

    async remove(token) {
      const { customer, method } = parseToken(token);
      await unlessRefused(api.detachMethod(method), GONE);
      await unlessRefused(api.deleteCustomer(customer), DELETED);
    },
  };
}

/** Stripe has no one code for a method that was detached before; that its customer is gone is what counts. */
export const GONE: ReadonlySet<string> = new Set([
  'resource_missing',
  'payment_method_unexpected_state',
  'invalid_request_error',
]);
const DELETED: ReadonlySet<string> = new Set(['resource_missing']);

async function unlessRefused(work: Promise<void>, codes: ReadonlySet<string>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ProviderError) || error.failure !== 'invalid' || !codes.has(error.code)) throw error;
  }
}
