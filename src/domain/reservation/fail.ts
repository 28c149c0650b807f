import { recordAudit } from '#domain/audit/record.ts';
import { dropHold } from '#domain/checkout/end-hold.ts';
import type { Ctx } from '#domain/context/context.ts';
import { closeInbox, type InboxEntry } from '#domain/context/inbox.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { PaymentAttempt } from '#lib/generated/prisma/client.ts';

export type FailedEvent = Extract<ProviderEvent, { type: 'payment_failed' }>;

/**
 * Keeps why a payer's try failed, so that their page can say it. A final failure also ends the checkout and the hold on its
 * order, which then can be paid another way; a payer whose money was announced is told. Told again it changes nothing.
 * `reference` is the checkout that was asked about.
 */
export async function recordFailure(
  ctx: Ctx,
  told: { providerId: string; event: FailedEvent; inbox: InboxEntry | null; reference: string | null },
): Promise<'applied' | 'duplicate'> {
  const { event, inbox, providerId: provider, reference } = told;
  return inTransaction(ctx, async (tx) => {
    const outcome = await fail(tx, { event, provider, reference });
    await closeInbox(tx, inbox, outcome);
    return outcome;
  });
}

type Failed = Readonly<{ provider: string; event: FailedEvent; reference: string | null }>;

async function fail(tx: Ctx, { event, provider, reference }: Failed): Promise<'applied' | 'duplicate'> {
  const { chargeId, failure, invoiceId, isFinal } = event;
  const attempt = await findAttempt(tx, { event, provider, reference });
  // What was dropped is not on its way any more, also where the payer may send it again.
  const isGone = isFinal || failure === 'payment_dropped';
  // An older try has no say about a hold that a newer one may have made.
  const mayRelease = isGone && (chargeId !== null || (attempt !== null && (await isNewest(tx, attempt))));
  const wasHeld = mayRelease && (await release(tx, { provider, chargeId, invoiceId }));
  if (!attempt) return wasHeld ? 'applied' : 'duplicate';
  const isNew = await keepFailure(tx, attempt, { failure, isFinal });
  if (!isNew && !wasHeld) return 'duplicate';
  const data = { attempt: attempt.id, failure, final: isFinal };
  await recordAudit(tx, { action: 'checkout.declined', objectId: invoiceId, data });
  if (wasHeld)
    await queueJobs(tx, [noticeJob({ userId: attempt.userId, kind: 'payment_failed', objectId: attempt.id })]);
  return 'applied';
}

/** False when it stood there already. A provider may tell of one refusal several times at once: one of them writes it. */
async function keepFailure(
  tx: Ctx,
  { failure: before, id, status }: PaymentAttempt,
  { failure, isFinal }: Pick<FailedEvent, 'failure' | 'isFinal'>,
): Promise<boolean> {
  const ends = isFinal && (status === 'live' || status === 'creating');
  if (!ends && before === failure) return false;
  const { count } = await tx.db.paymentAttempt.updateMany({
    where: { id, status, failure: before },
    data: { failure, ...(ends ? { status: 'closed' } : {}) },
  });
  if (count > 0) return true;
  const now = await tx.db.paymentAttempt.findUniqueOrThrow({ where: { id } });
  return keepFailure(tx, now, { failure, isFinal });
}

/**
 * The try that failed: by our id or the checkout's, since an older one of the same order may end while another is open. Where
 * neither is known, a refusal is shown with the latest, and an end ends none.
 */
async function findAttempt(tx: Ctx, { event, provider, reference }: Failed): Promise<PaymentAttempt | null> {
  const { attemptId, invoiceId, isFinal } = event;
  if (attemptId !== null) return tx.db.paymentAttempt.findFirst({ where: { id: attemptId, invoiceId, provider } });
  if (reference !== null) return tx.db.paymentAttempt.findFirst({ where: { reference, invoiceId, provider } });
  if (isFinal) return null;
  return tx.db.paymentAttempt.findFirst({ where: { invoiceId, provider }, orderBy: { createdAt: 'desc' } });
}

async function isNewest(tx: Ctx, { createdAt, invoiceId, provider }: PaymentAttempt): Promise<boolean> {
  return (await tx.db.paymentAttempt.count({ where: { invoiceId, provider, createdAt: { gt: createdAt } } })) === 0;
}

async function release(
  tx: Ctx,
  { chargeId, invoiceId, provider }: { provider: string; chargeId: string | null; invoiceId: string },
): Promise<boolean> {
  const held = await tx.db.reservation.findFirst({
    where: { invoiceId, provider, status: 'reserved', ...(chargeId === null ? {} : { chargeId }) },
  });
  return held !== null && dropHold(tx, held.id);
}
