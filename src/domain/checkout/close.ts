import type { Ctx } from '#domain/context/context.ts';
import type { JobRequest } from '#domain/context/queue.ts';

/**
 * Makes a checkout unpayable at its provider. `busy`: somebody has paid there or is about to, so the provider should be
 * asked what is true. A link that cannot be taken back counts as closed: its provider asks before it takes money. Throws
 * ProviderError.
 */
export async function closeCheckout(
  ctx: Ctx,
  attempt: Readonly<{ provider: string; status: string; url: string | null; reference: string | null }>,
): Promise<'closed' | 'busy'> {
  const provider = ctx.providers.get(attempt.provider);
  if (!provider?.closeCheckout || attempt.reference === null) {
    // Without a page it is a stored method that was charged: what came of that cannot be taken back, only waited for.
    const isCharge = attempt.status === 'live' && attempt.url === null && provider?.storedMethods !== undefined;
    return isCharge ? 'busy' : 'closed';
  }
  const startedAt = performance.now();
  try {
    return await provider.closeCheckout({ reference: attempt.reference, voidsTransfer: false });
  } finally {
    ctx.outside.ms += performance.now() - startedAt;
  }
}

/**
 * Makes a transfer void that is awaited and of which nothing has come, by its checkout or its charge. `busy`: that cannot be,
 * or something has come. Throws ProviderError.
 */
export async function withdrawTransfer(
  ctx: Ctx,
  transfer: Readonly<{ provider: string; reference: string }>,
): Promise<'closed' | 'busy'> {
  const provider = ctx.providers.get(transfer.provider);
  if (!provider?.closeCheckout) return 'busy';
  const startedAt = performance.now();
  try {
    return await provider.closeCheckout({ reference: transfer.reference, voidsTransfer: true });
  } finally {
    ctx.outside.ms += performance.now() - startedAt;
  }
}

/** Has checkouts closed at their providers later, for orders that are closed here. */
export function closeCheckoutJobs(attempts: ReadonlyArray<{ id: string; reference: string | null }>): JobRequest[] {
  return attempts
    .filter(({ reference }) => reference !== null)
    .map(({ id }) => ({ name: 'close_checkout', lane: `checkout:${id}`, payload: { attemptId: id } }));
}
