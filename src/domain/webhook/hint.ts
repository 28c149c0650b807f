import type { Ctx } from '#domain/context/context.ts';
import type { InboxEntry } from '#domain/context/inbox.ts';
import type { OrderHint } from '#domain/provider/contract.ts';
import { convergeOrder } from '#domain/reconciliation/converge.ts';
import { failReceived, finishReceived, storeReceived } from '#domain/webhook/store.ts';
import { describeError } from '#lib/log.ts';
import { withinTime } from '#lib/time-box.ts';

/** How long a provider waits for us while we ask it: Stripe's page shows its thanks after ten seconds at the latest. */
const TIME_BOX_MS = 5_000;

/**
 * Takes a hint in: keeps it, asks its provider what is true, and applies that. `repeated`: it was kept before and is done or
 * being done. `kept`: it took longer than the time box, and goes on here or with the worker. `failed`: it will be tried again.
 * Throws a database error when it could not be kept.
 */
export async function handleHint(
  ctx: Ctx,
  { about, inbox, providerId }: { providerId: string; about: OrderHint; inbox: InboxEntry },
): Promise<'applied' | 'duplicate' | 'ignored' | 'repeated' | 'kept' | 'failed'> {
  const received = await storeReceived(ctx, inbox);
  if (received === null) return 'repeated';
  return withinTime(TIME_BOX_MS, converge(ctx, { ...received, about, providerId }), 'kept' as const);
}

/** Never rejects: whoever waits may have gone. */
async function converge(
  ctx: Ctx,
  { about, attempts, id, providerId }: { id: string; attempts: number; about: OrderHint; providerId: string },
): Promise<'applied' | 'duplicate' | 'ignored' | 'failed'> {
  try {
    const outcome = await convergeOrder(ctx, { providerId, about });
    await finishReceived(ctx, id, outcome);
    return outcome;
  } catch (error) {
    ctx.log.warn({ event: id, error: describeError(error) }, 'a hint was not followed, kept for another try');
    await failReceived(ctx, { id, attempts }, error).catch((failure: unknown) => {
      // Its lease runs out, and the worker takes it.
      ctx.log.error({ event: id, error: describeError(failure) }, 'a hint could not be marked as failed');
    });
    return 'failed';
  }
}
