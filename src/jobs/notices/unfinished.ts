import { AppError } from '#domain/errors.ts';
import { PAYMENT_FAILURES } from '#domain/provider/event.ts';
import { translator } from '#messages/translate.ts';
import { type Composed, factsOf, factsOfPayment, moneyText, receiptButton, type Telling } from './telling.ts';

/*
 * Notices about money that is not where it should be yet, or not any more: transfers that are awaited, refunds of a part and
 * refunds to be claimed, tries that failed, and what an operator should look at.
 */

/** The buyer of an order whose money is awaited. Nothing once it has come or will not. */
export async function tellWaiting(telling: Telling, reservationId: string): Promise<Composed> {
  const { ctx, language, say } = telling;
  const held = await ctx.db.reservation.findUniqueOrThrow({ where: { id: reservationId }, include: { invoice: true } });
  if (held.status !== 'reserved') return null;
  const { amount, plan } = await factsOf(telling, held.invoice);
  const { instructionsUrl, missing } = held;
  const url = instructionsUrl && ctx.vault.reveal(instructionsUrl);
  const buttons = url ? [{ text: translator(language)('notice.button.instructions'), url }] : [];
  if (held.progress === 'underpaid' && missing !== null)
    return {
      text: say('notice.paymentWaiting.underpaid', { plan, missing: moneyText(language, missing, held.currency) }),
      buttons,
    };
  return { text: say('notice.paymentWaiting.transfer', { plan, amount }), buttons };
}

/** The buyer whose money was announced and did not come. Nothing when they have paid meanwhile. */
export async function tellFailed(telling: Telling, attemptId: string): Promise<Composed> {
  const { ctx, language, say } = telling;
  const attempt = await ctx.db.paymentAttempt.findUniqueOrThrow({
    where: { id: attemptId },
    include: { invoice: true },
  });
  const failure = PAYMENT_FAILURES.find((known) => known === attempt.failure);
  if (attempt.invoice.status === 'paid' || !failure) return null;
  const { amount, plan } = await factsOf(telling, attempt.invoice);
  if (failure === 'cancelled_by_payer' && attempt.method === 'bank_transfer')
    return { text: say('notice.transferCalledOff', { plan, amount }) };
  return {
    text: say('notice.paymentFailed', { plan, amount, why: translator(language)(`common.failure.${failure}`) }),
  };
}

/** The buyer of whose payment a part went back. */
export async function tellPartRefunded(telling: Telling, refundId: string): Promise<Composed> {
  const { payment, ...refund } = await getRefund(telling, refundId);
  if (refund.status !== 'succeeded') return null;
  const { plan } = await factsOfPayment(telling, payment);
  const amount = moneyText(telling.language, refund.amount, refund.currency);
  return { text: telling.say('notice.partRefunded', { plan, amount }), buttons: [receiptButton(telling, payment)] };
}

/** The buyer who has to say where their money should go. */
export async function tellRefundToClaim(telling: Telling, refundId: string): Promise<Composed> {
  const { payment, ...refund } = await getRefund(telling, refundId);
  if (refund.status !== 'requested' || refund.claimUrl === null) return null;
  const { plan } = await factsOfPayment(telling, payment);
  const amount = moneyText(telling.language, refund.amount, refund.currency);
  const button = {
    text: translator(telling.language)('notice.button.claim'),
    url: telling.ctx.vault.reveal(refund.claimUrl),
  };
  return { text: telling.say('notice.refundToClaim', { plan, amount }), buttons: [button] };
}

/** An operator, about a payment, refund, dispute or hold that needs eyes. */
export async function tellAttention(telling: Telling, objectId: string): Promise<Composed> {
  if (objectId.startsWith('pay_')) return tellOddPayment(telling, objectId);
  if (objectId.startsWith('ref_')) return tellRefundFailed(telling, objectId);
  if (objectId.startsWith('dsp_')) return tellDispute(telling, objectId);
  if (objectId.startsWith('rsv_')) return tellCancelled(telling, objectId);
  throw new AppError('not_found', 'payment_not_found');
}

const IRREGULARITIES = ['late', 'excess', 'underpaid'] as const;

async function tellOddPayment({ ctx, language, say }: Telling, id: string): Promise<Composed> {
  const payment = await ctx.db.payment.findUniqueOrThrow({ where: { id } });
  const { irregularity, provider } = payment;
  const what = IRREGULARITIES.find((known) => known === irregularity) ?? 'amount_mismatch';
  const amount = moneyText(language, payment.amount, payment.currency);
  return {
    text: say('notice.attention.payment', {
      id,
      amount,
      provider,
      what: translator(language)(`notice.attention.what.${what}`),
    }),
  };
}

async function tellRefundFailed(telling: Telling, id: string): Promise<Composed> {
  const { payment, ...refund } = await getRefund(telling, id);
  if (refund.status !== 'failed') return null;
  const amount = moneyText(telling.language, refund.amount, refund.currency);
  const failure = refund.failure ?? '';
  return { text: telling.say('notice.attention.refundFailed', { id, amount, provider: payment.provider, failure }) };
}

const DISPUTE_TEXTS = {
  open: 'notice.attention.disputeOpened',
  won: 'notice.attention.disputeWon',
  lost: 'notice.attention.disputeLost',
} as const;

async function tellDispute({ ctx, language, say }: Telling, id: string): Promise<Composed> {
  const dispute = await ctx.db.dispute.findUniqueOrThrow({ where: { id }, include: { payment: true } });
  const { provider } = dispute.payment;
  const amount = moneyText(language, dispute.amount, dispute.currency);
  return { text: say(DISPUTE_TEXTS[dispute.status], { id, amount, provider, payment: dispute.paymentId }) };
}

/** Nothing once the payment has gone back in our books too. */
async function tellCancelled({ ctx, language, say }: Telling, id: string): Promise<Composed> {
  const { amount, currency, provider, status } = await ctx.db.reservation.findUniqueOrThrow({ where: { id } });
  if (status !== 'paid') return null;
  return { text: say('notice.attention.cancelled', { id, amount: moneyText(language, amount, currency), provider }) };
}

function getRefund({ ctx }: Telling, id: string) {
  return ctx.db.refund.findUniqueOrThrow({ where: { id }, include: { payment: true } });
}
