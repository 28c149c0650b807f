import type { CheckoutOffer } from '#domain/checkout/preview.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Adding } from '#domain/payment-method/add.ts';
import type { StoredMethod } from '#domain/payment-method/records.ts';
import type { AddingView, StoringProviderView } from './views.ts';

/** Where a person goes on with a method they began to add. `pageUrl` is ours, for where no session is. */
export function presentAdding(ctx: Ctx, adding: Adding): AddingView {
  const { client, id, provider, url } = adding;
  return { id, provider, url, client, pageUrl: `${ctx.policy.publicUrl}/methods/${id}` };
}

/** The providers that can keep a payment method. */
export function storingProviders(ctx: Ctx): StoringProviderView[] {
  return [...ctx.providers.values()].flatMap(({ id, storedMethods }) =>
    storedMethods ? [{ provider: id, method: storedMethods.method, currencies: [...storedMethods.currencies] }] : [],
  );
}

/** Of a person's stored methods those that can pay what is offered, where it is offered. */
export function methodsFor(
  ctx: Ctx,
  methods: ReadonlyArray<StoredMethod>,
  offer: CheckoutOffer,
): ReadonlyArray<StoredMethod> {
  return methods.filter(({ method, provider, status }) => {
    if (status !== 'active') return false;
    const currencies = ctx.providers.get(provider)?.storedMethods?.currencies ?? [];
    return (
      currencies.includes(offer.price.currency) &&
      offer.methods.some(
        ({ capability, providerId, refusal }) =>
          providerId === provider && capability.method === method && refusal === null,
      )
    );
  });
}
