import { closeCheckout, closeCheckoutJobs } from '#domain/checkout/close.ts';
import type { OpenOrder } from '#domain/checkout/load.ts';
import { refusalFor, reserved } from '#domain/checkout/refusals.ts';
import type { OpenInvoice, StartRequest } from '#domain/checkout/request.ts';
import { type Candidate, PAYABLE_FOR_MS } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { AppError } from '#domain/errors.ts';
import { ProviderError } from '#domain/provider/error.ts';

/** An attempt that is still being created after this long belongs to a process that died. */
const CREATING_FOR_MS = 20_000;

type Attempt = NonNullable<OpenOrder['attempt']>;

/** The open order of the same price, when its link still works. A chat delivery is always made anew: the old message may be far up. */
export function findResumable(
  order: OpenOrder | null,
  candidates: ReadonlyArray<Candidate>,
  request: StartRequest,
  now: Date,
): OpenInvoice | null {
  if (!order || !isPayable(order, now) || request.chatId !== undefined) return null;
  const { attempt, hold } = order;
  // Whoever chooses again while a transfer is awaited wants to begin anew; a server that repeats itself wants the same answer.
  if (hold?.progress === 'awaiting_transfer' && request.surface !== 'api') return null;
  if (attempt?.status !== 'live' || !attempt.url || request.token !== undefined) return null;
  // Its page is about the stored card: it is no page for another card, and nobody's but its owner's.
  if (attempt.openedBy === 'stored_method') return null;
  // Another way to pay was chosen meanwhile.
  if ((attempt.method ?? request.method) !== request.method) return null;
  if (!candidates.some(({ providerId }) => providerId === attempt.provider)) return null;
  return {
    invoiceId: order.id,
    providerId: attempt.provider,
    url: attempt.url,
    expiresAt: order.expiresAt,
    isResumed: true,
    platformFeeBps: order.platformFeeBps,
    isLogged: order.isLogged,
    passedOver: [],
  };
}

/** Whether an order may still be paid, so that another way to pay it can be opened. */
export function isPayable(order: OpenOrder, now: Date): boolean {
  return order.expiresAt > now && now.getTime() - order.createdAt.getTime() < PAYABLE_FOR_MS;
}

/**
 * Refuses to open another way to pay beside the attempt that stands where that could charge twice, or where another request
 * is opening one now. `isReused`: the order is gone on with. Throws `conflict invoice_reserved | busy`.
 */
export function refuseBeside(
  attempt: Attempt,
  { isByLink = false, token }: StartRequest,
  { isReused, now }: { isReused: boolean; now: Date },
): void {
  // A provider may be charging a stored method, and whoever holds the link does not end what its owner began.
  const isStored = attempt.openedBy === 'stored_method';
  if (isStored && isByLink) throw reserved();
  const isCreating = attempt.status === 'creating';
  if (isCreating && now.getTime() - attempt.createdAt.getTime() < CREATING_FOR_MS)
    throw new AppError('conflict', 'busy', { retryAfterSeconds: 2 });
  // Nobody heard whether it was charged. Only a stored method's own next try finds that out; a page beside it would not.
  if (isReused && isStored && isCreating && token === undefined) throw reserved();
}

/**
 * Closes an attempt before another is opened. Throws `conflict invoice_reserved` when somebody is paying there, and what
 * its provider's failure means: a link that was shown and may still be paid must not stand beside another.
 */
export async function closeAttempt(ctx: Ctx, attempt: Attempt): Promise<void> {
  const answer = await closeCheckout(ctx, attempt).catch((error: unknown) => {
    throw error instanceof ProviderError ? refusalFor(error) : error;
  });
  if (answer === 'busy') {
    // What is true is asked for behind this refusal, so that the next look shows it.
    await queueJobs(ctx, closeCheckoutJobs([attempt]));
    throw reserved();
  }
  await ctx.db.paymentAttempt.updateMany({
    where: { id: attempt.id, status: { in: ['creating', 'live'] } },
    data: { status: 'closed' },
  });
}
