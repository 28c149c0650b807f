import type { Ctx } from '#domain/context/context.ts';
import { ProviderError } from '#domain/provider/error.ts';

/** Tells a provider to renew a subscription, known by its first charge, or not to. Throws ProviderError. */
export async function setRenewal(
  ctx: Ctx,
  subscription: { providerId: string; chargeId: string; payerId: bigint | null; renews: boolean },
): Promise<void> {
  const { providerId, ...change } = subscription;
  const provider = ctx.providers.get(providerId);
  if (!provider?.setRenewal) throw new ProviderError('misconfigured', 'not_registered');
  await provider.setRenewal(change);
}
