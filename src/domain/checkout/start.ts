import { closeCheckoutJobs } from '#domain/checkout/close.ts';
import { freeOrder } from '#domain/checkout/free.ts';
import { type Hold, type LoadedCheckout, loadCheckout } from '#domain/checkout/load.ts';
import { refusalFor, reserved, tooManyAttempts } from '#domain/checkout/refusals.ts';
import type { Bought, OpenInvoice, StartRequest } from '#domain/checkout/request.ts';
import { type Candidate, checkAttemptLimit, chooseProviders, judgeSurface, passOver } from '#domain/checkout/rules.ts';
import { closeAttempt, findResumable, isPayable, refuseBeside } from '#domain/checkout/standing.ts';
import { tryProviders } from '#domain/checkout/try-providers.ts';
import { keepConsents, newOrder } from '#domain/checkout/write-attempt.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { AppError } from '#domain/errors.ts';
import { ProviderError } from '#domain/provider/error.ts';

const MAX_TRIES = 4;

/**
 * Opens an order and returns where to pay it. A second tap on the same price gets the same order and link. Candidates
 * are tried in order; only an unavailable provider, before any link was shown, lets the next one try, and one that failed
 * repeatedly is passed over at once. A door that has loaded the checkout to understand its request gives it along.
 *
 * Throws not_found price_not_found | user_not_found, precondition_failed plan_not_for_sale | already_owned |
 * already_subscribed, forbidden method_not_allowed_here, invalid method_unavailable, rate_limited too_many_attempts,
 * precondition_failed erasure_waiting | provider_declined, conflict busy | invoice_reserved, unavailable
 * provider_unavailable, internal provider_misconfigured.
 */
export async function startCheckout(
  ctx: Ctx,
  request: StartRequest,
  given: LoadedCheckout | null = null,
): Promise<OpenInvoice> {
  requireOwnerOr(ctx, request.userId, 'payments:write');
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const isGiven = attempt === 1 && given !== null;
    const loaded = isGiven ? given : await loadCheckout(ctx, { item: request.priceId, buyer: request });
    const bought = findBought(loaded, request);
    const candidates = decide(ctx, request, bought);
    const resumed = findResumable(bought.price.order, candidates, request, ctx.clock.now());
    if (resumed) {
      await keepConsents(ctx, request);
      return resumed;
    }
    const { order } = bought.price;
    const recent = request.isByLink ? (order?.recentByLink ?? []) : bought.loaded.recent;
    const limit = checkAttemptLimit(recent, ctx.clock.now());
    if (!limit.ok) throw tooManyAttempts(limit.retryAfterSeconds);
    if (order?.hold) {
      await free(ctx, request, order.id, order.hold);
      // What was loaded is not so any more.
      continue;
    }
    const opened = await open(ctx, request, bought, candidates);
    if (opened) return opened;
    // Of taps at the same moment one charges. By the next look its order may be paid and gone, and this would buy once more.
    if (request.token !== undefined) break;
  }
  throw new AppError('conflict', 'busy', { retryAfterSeconds: 1 });
}

function findBought(loaded: LoadedCheckout | null, request: StartRequest): Bought {
  const price = loaded?.prices.find(({ id }) => id === request.priceId);
  if (!loaded || !price) throw new AppError('not_found', 'price_not_found');
  if (loaded.buyer?.id !== request.userId) throw new AppError('not_found', 'user_not_found');
  return { loaded, price };
}

function decide(ctx: Ctx, request: StartRequest, { loaded, price }: Bought): Candidate[] {
  const { product } = loaded;
  if (!price.isActive || !product.isPublished) throw new AppError('precondition_failed', 'plan_not_for_sale');
  const surface = judgeSurface({
    surface: request.surface,
    method: request.method,
    fulfilment: product.fulfilment,
    policy: ctx.policy.surfacePolicy,
  });
  if (!surface.ok) throw new AppError('forbidden', surface.reason);
  if (loaded.hasLasting) throw new AppError('precondition_failed', 'already_owned');
  if (loaded.isRenewing && price.interval === 'month') throw new AppError('precondition_failed', 'already_subscribed');
  const { interval } = price;
  const { method } = request;
  const providers = [...ctx.providers.values()].filter(({ id }) => (request.providerId ?? id) === id);
  const candidates = chooseProviders(providers, { price, method, surface: request.surface, interval });
  if (candidates.length === 0) throw new AppError('invalid', 'method_unavailable');
  return candidates;
}

/** Throws `conflict invoice_reserved` where a provider is taking the money: any other way to pay could take it twice. */
async function free(ctx: Ctx, { isByLink = false }: StartRequest, invoiceId: string, hold: Hold): Promise<void> {
  const isFree = await freeOrder(ctx, { invoiceId, hold, isByLink }).catch((error: unknown) => {
    throw error instanceof ProviderError ? refusalFor(error) : error;
  });
  if (!isFree) throw reserved();
}

/** Opens a way to pay, on the order that stands where it may still be paid. Null when another request changed it meanwhile. */
async function open(
  ctx: Ctx,
  request: StartRequest,
  bought: Bought,
  candidates: ReadonlyArray<Candidate>,
): Promise<OpenInvoice | null> {
  const now = ctx.clock.now();
  const before = bought.price.order;
  const reusable = before && isPayable(before, now) ? before : null;
  const attempt = before?.attempt ?? null;
  if (attempt) refuseBeside(attempt, request, { isReused: reusable !== null, now });
  const order = reusable ? { ...reusable, sealed: null } : await newOrder(ctx, request, bought);
  // A live attempt that is not resumed is closed first, here and at its provider: never two at once.
  if (reusable && attempt) await closeAttempt(ctx, attempt);
  else if (attempt) await queueJobs(ctx, closeCheckoutJobs([attempt]));
  const ways = passOver(candidates, bought.loaded.breakers, now);
  return tryProviders(ctx, request, bought, { order, isNew: reusable === null, ...ways });
}
