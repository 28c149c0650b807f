import { recordAudit } from '#domain/audit/record.ts';
import type { Ctx } from '#domain/context/context.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { Currency } from '#domain/money.ts';
import { completeRefund } from '#domain/payment/record-refund.ts';
import { nextPaymentStatus } from '#domain/payment/rules.ts';
import { ProviderError } from '#domain/provider.ts';

/**
 * Asks the provider for a requested refund and records the answer. Safe to run again: a charge that was given back
 * before counts as done, and one that takes days is finished by the provider's own message. Throws ProviderError `unavailable`, so that the job is tried later; any other refusal ends the
 * refund as failed and leaves the payment as it was.
 */
export async function executeRefund(
  ctx: Ctx,
  refundId: string,
): Promise<'done' | 'pending' | 'failed' | 'nothing_to_do'> {
  const refund = await ctx.db.refund.findUnique({ where: { id: refundId }, include: { payment: true } });
  if (refund?.status !== 'requested') return 'nothing_to_do';
  const { payment } = refund;
  const provider = ctx.providers.get(payment.provider);
  const payer = await ctx.db.user.findUniqueOrThrow({ where: { id: payment.userId } });
  try {
    if (!provider) throw new ProviderError('misconfigured', 'not_registered');
    const reserved = await ctx.db.reservation.findUnique({
      where: { provider_chargeId: { provider: payment.provider, chargeId: payment.chargeId } },
      select: { reference: true },
    });
    const outcome = await provider.refund({
      refundId,
      chargeId: payment.chargeId,
      reference: reserved?.reference ?? null,
      invoiceId: payment.invoiceId,
      payerId: payer.telegramId,
      amount: { amount: refund.amount, currency: Currency.parse(refund.currency) },
      isWhole: refund.amount === payment.amount,
      paidAt: payment.paidAt,
    });
    if (outcome === 'pending') return 'pending';
  } catch (error) {
    if (!(error instanceof ProviderError) || error.failure === 'unavailable' || error.failure === 'misconfigured')
      throw error;
    await recordFailure(ctx, { refundId, paymentId: payment.id, code: error.code });
    return 'failed';
  }
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT id FROM payment WHERE id = ${payment.id} FOR UPDATE`;
    await completeRefund(tx, await tx.db.payment.findUniqueOrThrow({ where: { id: payment.id } }));
  });
  return 'done';
}

async function recordFailure(ctx: Ctx, failed: { refundId: string; paymentId: string; code: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT id FROM payment WHERE id = ${failed.paymentId} FOR UPDATE`;
    const payment = await tx.db.payment.findUniqueOrThrow({ where: { id: failed.paymentId } });
    const next = nextPaymentStatus(payment.status, 'refund_failed');
    if (!next) return;
    await tx.db.payment.update({ where: { id: payment.id }, data: { status: next } });
    await tx.db.refund.update({
      where: { id: failed.refundId },
      data: { status: 'failed', failure: failed.code, completedAt: tx.clock.now() },
    });
    await recordAudit(tx, {
      action: 'refund.failed',
      objectId: payment.id,
      data: { refund: failed.refundId, code: failed.code },
    });
    tx.metrics.refunds.inc({ provider: payment.provider, outcome: 'failed' });
  });
  ctx.log.error({ refundId: failed.refundId, code: failed.code }, 'refund refused by the provider');
}
