import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { findTelegramId } from '#domain/identity/account.ts';
import { Currency } from '#domain/money.ts';
import { lockPayment } from '#domain/payment/change.ts';
import { completeRefund, failRefund } from '#domain/payment/record-refund.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { KnownRefund, RefundAnswer } from '#domain/provider/request.ts';
import type { Payment, Refund } from '#lib/generated/prisma/client.ts';

/** Longer than a refund takes to be asked for: 30 s in all, and a minute in which what was sent may still arrive. */
const ASKING_LASTS_SECONDS = 90;

/**
 * Asks the provider for a requested refund and records the answer. Safe to run again: that it is asked is written down
 * first, so two workers never ask at once, and the provider hears when it is asked again after nobody learned what came of
 * it. A charge that was given back before counts as done, and one that takes days is finished by the provider's own message.
 * Throws ProviderError `unavailable` (BEING_ASKED: by another), so that the job is tried later; any other refusal ends the
 * refund as failed and leaves the payment as it was.
 */
export async function executeRefund(
  ctx: Ctx,
  refundId: string,
): Promise<'done' | 'pending' | 'failed' | 'nothing_to_do'> {
  const refund = await ctx.db.refund.findUnique({ where: { id: refundId }, include: { payment: true } });
  if (refund?.status !== 'requested') return 'nothing_to_do';
  const { payment } = refund;
  try {
    const answer = await ask(ctx, refund, payment);
    if (answer.status === 'pending') {
      await keepPending(ctx, refund, payment, answer);
      return 'pending';
    }
    await inTransaction(ctx, async (tx) => {
      const { reference } = answer;
      await completeRefund(tx, await lockPayment(tx, { id: payment.id }), {
        refundId,
        reference,
        amount: refund.amount,
      });
    });
    return 'done';
  } catch (error) {
    if (!(error instanceof ProviderError) || isTriedLater(error)) throw error;
    await inTransaction(ctx, async (tx) => {
      await failRefund(tx, await lockPayment(tx, { id: payment.id }), {
        refundId,
        reference: null,
        code: error.code,
        undoesDone: false,
      });
    });
    ctx.log.error({ refundId, code: error.code }, 'refund refused by the provider');
    return 'failed';
  }
}

function isTriedLater({ failure }: ProviderError): boolean {
  return failure === 'unavailable' || failure === 'misconfigured';
}

async function ask(ctx: Ctx, refund: Refund, payment: Payment): Promise<RefundAnswer> {
  const provider = ctx.providers.get(payment.provider);
  if (!provider) throw new ProviderError('misconfigured', 'not_registered');
  const payerId = await findTelegramId(ctx, payment.userId);
  const reserved = await ctx.db.reservation.findUnique({
    where: { provider_chargeId: { provider: payment.provider, chargeId: payment.chargeId } },
    select: { reference: true },
  });
  const askedAt = await markAsked(ctx, refund);
  const known = await loadKnown(ctx, payment);
  try {
    return await provider.refund({
      refundId: refund.id,
      chargeId: payment.chargeId,
      reference: reserved?.reference ?? null,
      invoiceId: payment.invoiceId,
      payerId,
      amount: { amount: refund.amount, currency: Currency.parse(refund.currency) },
      isWhole: refund.amount === payment.amount,
      isRepeat: refund.askedAt !== null,
      known,
      paidAt: payment.paidAt,
    });
  } catch (error) {
    // Nothing came of it: what was known before holds again.
    if (error instanceof ProviderError && isTriedLater(error) && !error.mayBeDone)
      await ctx.db.refund.updateMany({ where: { id: refund.id, askedAt }, data: { askedAt: refund.askedAt } });
    throw error;
  }
}

/** All refunds of the order at the provider of a payment. */
async function loadKnown(ctx: Ctx, { invoiceId, provider }: Payment): Promise<KnownRefund[]> {
  const refunds = await ctx.db.refund.findMany({
    where: { payment: { invoiceId, provider } },
    include: { payment: { select: { chargeId: true } } },
    orderBy: { createdAt: 'desc' },
    take: 100,
  });
  return refunds.map(({ amount, askedAt, id, payment, reference, status }) => ({
    refundId: id,
    chargeId: payment.chargeId,
    reference,
    status,
    amount,
    isUnsure: reference === null && askedAt !== null,
  }));
}

/**
 * Writes down that the provider is being asked, durably and before it is: whoever finds the mark knows that it may be done.
 * Throws `unavailable BEING_ASKED` while another asks. A mark ahead of the clock is one from before the clock was moved back.
 */
async function markAsked(ctx: Ctx, refund: Refund): Promise<Date> {
  const askedAt = ctx.clock.now();
  const awayMs = refund.askedAt === null ? null : Math.abs(askedAt.getTime() - refund.askedAt.getTime());
  const isFree = awayMs === null || awayMs >= ASKING_LASTS_SECONDS * 1_000;
  // As it was read: meanwhile another may have asked, and got its answer.
  const { askedAt: before, id, reference } = refund;
  const mark = { where: { id, status: 'requested', askedAt: before, reference }, data: { askedAt } } as const;
  if (isFree && (await ctx.db.refund.updateMany(mark)).count === 1) return askedAt;
  throw new ProviderError('unavailable', 'BEING_ASKED', { retryAfterSeconds: ASKING_LASTS_SECONDS });
}

/** Keeps what the provider calls the refund, and tells the buyer where to claim it; once, however often it is asked for. */
async function keepPending(ctx: Ctx, refund: Refund, payment: Payment, answer: RefundAnswer): Promise<void> {
  const { claimUrl, reference } = answer;
  await inTransaction(ctx, async (tx) => {
    await tx.db.refund.updateMany({ where: { id: refund.id, status: 'requested' }, data: { askedAt: null } });
    const { count } = await tx.db.refund.updateMany({
      where: { id: refund.id, status: 'requested', reference: null, claimUrl: null },
      data: { reference, claimUrl },
    });
    if (count === 0) return;
    await recordAudit(tx, { action: 'refund.pending', objectId: payment.id, data: { refund: refund.id } });
    if (claimUrl)
      await queueJobs(tx, [noticeJob({ userId: payment.userId, kind: 'refund_to_claim', objectId: refund.id })]);
  });
}
