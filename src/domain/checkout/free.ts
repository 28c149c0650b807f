import { recordAudit } from '#domain/audit/record.ts';
import { closeCheckoutJobs, withdrawTransfer } from '#domain/checkout/close.ts';
import { dropHold } from '#domain/checkout/end-hold.ts';
import type { Hold } from '#domain/checkout/load.ts';
import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import type { PaymentFailure } from '#domain/provider/event.ts';

/** What becomes of the try: whoever pays may choose anew. */
const FAILURE: PaymentFailure = 'cancelled_by_payer';

/**
 * Frees an order of a transfer of which nothing has come, so that it can be paid another way: first at its provider, so that
 * both cannot be paid, then here, as if the provider had told of the end. False when somebody is paying there, what the
 * provider is then asked about; and where `isByLink`, when the owner began it. Throws ProviderError.
 */
export async function freeOrder(
  ctx: Ctx,
  { hold, invoiceId, isByLink }: { invoiceId: string; hold: Hold; isByLink: boolean },
): Promise<boolean> {
  const { attempt, chargeId, id, progress, provider } = hold;
  if (progress !== 'awaiting_transfer' || attempt === null) return false;
  if (isByLink && attempt.openedBy !== 'link') return false;
  if ((await withdrawTransfer(ctx, { provider, reference: chargeId })) === 'busy') {
    await queueJobs(ctx, closeCheckoutJobs([attempt]));
    return false;
  }
  await inTransaction(ctx, async (tx) => {
    // The provider's own message may have come first, and done the same.
    if (!(await dropHold(tx, id))) return;
    await tx.db.paymentAttempt.update({ where: { id: attempt.id }, data: { status: 'closed', failure: FAILURE } });
    await recordAudit(tx, { action: 'checkout.withdrawn', objectId: invoiceId, data: { attempt: attempt.id } });
    await queueJobs(tx, [noticeJob({ userId: attempt.userId, kind: 'payment_failed', objectId: attempt.id })]);
  });
  return true;
}
