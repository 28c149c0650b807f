import { recordAudit } from '#domain/audit/record.ts';
import { type Ctx, newId } from '#domain/context/context.ts';
import { closeInbox, type InboxEntry } from '#domain/context/inbox.ts';
import { attentionJob, type JobRequest, type NoticeKind, noticeJob, queueJobs } from '#domain/context/queue.ts';
import { inTransaction } from '#domain/context/transaction.ts';
import { AppError } from '#domain/errors.ts';
import { entriesForHold, entriesForReturn, entriesForWonDispute, returnedShare } from '#domain/ledger/rules.ts';
import {
  endNeedlessRefunds,
  giveRight,
  leftOf,
  lockPayment,
  movePayment,
  recordReturn,
  takeRight,
  writeEntries,
} from '#domain/payment/change.ts';
import { takesRight } from '#domain/payment/rules.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { Dispute, Payment } from '#lib/generated/prisma/client.ts';

export type DisputedEvent = Extract<ProviderEvent, { type: 'payment_disputed' }>;

/**
 * Records what became of a dispute. Open: the right rests and the developer's share is held. Won: both come back. Lost: the
 * money is the payer's again, every share gives its part, and the right is gone. Decided is decided: what comes after the
 * end, or a second time, changes nothing, so the order of arrival does not matter. Throws `not_found payment_not_found` while
 * its charge is not known, `invalid currency_mismatch` for money that is not the charge's.
 */
export async function recordDispute(
  ctx: Ctx,
  request: { providerId: string; event: DisputedEvent; inbox: InboxEntry | null },
): Promise<'applied' | 'duplicate'> {
  const { event, inbox, providerId } = request;
  return inTransaction(ctx, async (tx) => {
    const payment = await lockPayment(tx, { provider: providerId, chargeId: event.chargeId });
    if (event.amount.currency !== payment.currency) throw new AppError('invalid', 'currency_mismatch');
    const outcome = await apply(tx, payment, event);
    await closeInbox(tx, inbox, outcome);
    return outcome;
  });
}

async function apply(tx: Ctx, payment: Payment, event: DisputedEvent): Promise<'applied' | 'duplicate'> {
  const key = { paymentId: payment.id, reference: event.reference };
  const standing = await tx.db.dispute.findUnique({ where: { paymentId_reference: key } });
  if (standing && (standing.status !== 'open' || event.status === 'open')) return 'duplicate';
  const dispute = standing ?? (await open(tx, payment, event));
  if (event.status === 'open') return 'applied';
  const current = await lockPayment(tx, { id: payment.id });
  const jobs =
    event.status === 'won' ? await win(tx, current, dispute, event) : await lose(tx, current, dispute, event);
  await queueJobs(tx, [...jobs, ...tellingOf(payment, dispute, event.status)]);
  return 'applied';
}

/** What its buyer and the developer whose share is concerned hear of each state; both learn by it what they have. */
const NOTICES = {
  open: { buyer: 'dispute_opened', developer: 'share_held' },
  won: { buyer: 'dispute_won', developer: 'share_released' },
  lost: { buyer: 'dispute_lost', developer: 'share_lost' },
} as const satisfies Record<Dispute['status'], Record<'buyer' | 'developer', NoticeKind>>;

function tellingOf(payment: Payment, { heldShare, id }: Dispute, status: Dispute['status']): JobRequest[] {
  const { developerUserId, userId } = payment;
  const { buyer, developer } = NOTICES[status];
  const jobs = [attentionJob(id, status), noticeJob({ userId, kind: buyer, objectId: id })];
  if (developerUserId && heldShare > 0n)
    jobs.push(noticeJob({ userId: developerUserId, kind: developer, objectId: id }));
  return jobs;
}

async function open(tx: Ctx, payment: Payment, { amount, reference }: DisputedEvent): Promise<Dispute> {
  const span = { from: payment.returnedAmount, to: payment.returnedAmount + leftOf(payment, amount.amount) };
  const heldShare = returnedShare(payment.developerShare, payment.amount, span);
  const dispute = await tx.db.dispute.create({
    data: {
      id: newId(tx, 'dsp'),
      paymentId: payment.id,
      reference,
      status: 'open',
      amount: amount.amount,
      currency: payment.currency,
      heldShare,
      createdAt: tx.clock.now(),
    },
  });
  const { currency, developerUserId } = payment;
  if (developerUserId)
    await writeEntries(tx, dispute.id, entriesForHold({ developerUserId, share: heldShare, currency }));
  const { returnedAmount } = payment;
  if (await movePayment(tx, payment, { event: 'dispute_opened', returnedAmount }))
    await takeRight(tx, payment, { isForGood: false });
  const data = { dispute: dispute.id, amount: amount.amount.toString(), currency };
  await recordAudit(tx, { action: 'dispute.opened', objectId: payment.id, data });
  await queueJobs(tx, tellingOf(payment, dispute, 'open'));
  return dispute;
}

async function win(tx: Ctx, payment: Payment, dispute: Dispute, { fee }: DisputedEvent): Promise<JobRequest[]> {
  const { currency, developerUserId, provider: providerId, returnedAmount } = payment;
  await close(tx, payment, dispute, { status: 'won', fee, returnedAmount: 0n });
  const status = await movePayment(tx, payment, { event: 'dispute_won', returnedAmount });
  if (status && !takesRight(status)) await giveRight(tx, payment);
  const entries = entriesForWonDispute({ providerId, developerUserId, held: dispute.heldShare, fee, currency });
  await writeEntries(tx, endOf(dispute), entries);
  return [];
}

async function lose(tx: Ctx, payment: Payment, dispute: Dispute, { fee }: DisputedEvent): Promise<JobRequest[]> {
  const returned = leftOf(payment, dispute.amount);
  const span = { from: payment.returnedAmount, to: payment.returnedAmount + returned };
  await close(tx, payment, dispute, { status: 'lost', fee, returnedAmount: returned });
  if (span.to === payment.amount) await endNeedlessRefunds(tx, payment.id);
  const status = await movePayment(tx, payment, { event: 'dispute_lost', returnedAmount: span.to });
  if (returned > 0n) await recordReturn(tx, payment, { objectId: dispute.id, reason: 'dispute', span });
  const shares = { ...payment, providerId: payment.provider };
  const entries = entriesForReturn(shares, span, { isFeeKept: true, held: dispute.heldShare, extraFee: fee });
  await writeEntries(tx, endOf(dispute), entries);
  return status ? takeRight(tx, payment, { isForGood: true }) : [];
}

async function close(
  tx: Ctx,
  payment: Payment,
  dispute: Dispute,
  end: { status: 'won' | 'lost'; fee: bigint; returnedAmount: bigint },
): Promise<void> {
  await tx.db.dispute.update({ where: { id: dispute.id }, data: { ...end, closedAt: tx.clock.now() } });
  const data = { dispute: dispute.id, returned: end.returnedAmount.toString(), currency: payment.currency };
  await recordAudit(tx, { action: `dispute.${end.status}`, objectId: payment.id, data });
}

/** Under this id the end of a dispute stands in the books; its hold stands under the dispute's own. */
function endOf(dispute: Dispute): string {
  return `${dispute.id}/end`;
}
