import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { Currency } from '#domain/money.ts';
import { lockPayment } from '#domain/payment/change.ts';
import { completeRefund, failRefund } from '#domain/payment/record-refund.ts';
import { ProviderError, type RefundAnswer } from '#domain/provider.ts';
import type { Payment, Refund } from '#lib/generated/prisma/client.ts';

/**
 * Asks the provider for a requested refund and records the answer. Safe to run again: a charge that was given back
 * before counts as done, and one that takes days is finished by the provider's own message. Throws ProviderError
 * `unavailable`, so that the job is tried later; any other refusal ends the refund as failed and leaves the payment as it was.
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
    if (!(error instanceof ProviderError) || error.failure === 'unavailable' || error.failure === 'misconfigured')
      throw error;
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

async function ask(ctx: Ctx, refund: Refund, payment: Payment): Promise<RefundAnswer> {
  const provider = ctx.providers.get(payment.provider);
  if (!provider) throw new ProviderError('misconfigured', 'not_registered');
  const payer = await ctx.db.user.findUniqueOrThrow({ where: { id: payment.userId } });
  const reserved = await ctx.db.reservation.findUnique({
    where: { provider_chargeId: { provider: payment.provider, chargeId: payment.chargeId } },
    select: { reference: true },
  });
  return provider.refund({
    refundId: refund.id,
    chargeId: payment.chargeId,
    reference: reserved?.reference ?? null,
    invoiceId: payment.invoiceId,
    payerId: payer.telegramId,
    amount: { amount: refund.amount, currency: Currency.parse(refund.currency) },
    isWhole: refund.amount === payment.amount,
    paidAt: payment.paidAt,
  });
}

/** Keeps what the provider calls the refund, and tells the buyer where to claim it; once, however often it is asked for. */
async function keepPending(ctx: Ctx, refund: Refund, payment: Payment, answer: RefundAnswer): Promise<void> {
  const { claimUrl, reference } = answer;
  await inTransaction(ctx, async (tx) => {
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
