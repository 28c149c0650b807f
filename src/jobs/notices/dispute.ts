import type { Dispute, Entitlement, Payment } from '#lib/generated/prisma/client.ts';
import { formatDate } from '#messages/translate.ts';
import {
  type Composed,
  type Facts,
  factsOfPayment,
  moneyText,
  planButtons,
  receiptButton,
  returnedText,
  type Telling,
} from './telling.ts';

/*
 * Notices about a dispute, each of one state and only while it is in it: the next one says what is true then. They stand
 * for notices of the payment that are not sent while its right rests, so they say all that is the reader's again.
 */

type Disputed = Dispute & { payment: Payment & { entitlement: Entitlement | null } };

/** Composes a notice of one state of a dispute; nothing when it is in another. */
export function aboutDispute(
  status: Dispute['status'],
  tell: (telling: Telling, dispute: Disputed, facts: Facts) => Composed,
) {
  return async (telling: Telling, disputeId: string): Promise<Composed> => {
    const dispute = await telling.ctx.db.dispute.findUniqueOrThrow({
      where: { id: disputeId },
      include: { payment: { include: { entitlement: true } } },
    });
    if (dispute.status !== status) return null;
    return tell(telling, dispute, await factsOfPayment(telling, dispute.payment));
  };
}

/** The buyer, whose right rests. Nothing when there is none that could: it went back before, or nothing was owed for it. */
export function tellDisputeOpened(
  telling: Telling,
  { amount, currency, payment }: Disputed,
  { plan }: Facts,
): Composed {
  if (payment.status !== 'disputed' || payment.kind === 'surplus') return null;
  const { language, say } = telling;
  const date = formatDate(payment.paidAt, language);
  return {
    text: say('notice.dispute.opened', { plan, date, amount: moneyText(language, amount, currency) }),
    buttons: [receiptButton(telling, payment)],
  };
}

/** The buyer, whose right is back. Nothing while something else keeps it from them. */
export function tellDisputeWon(telling: Telling, { payment }: Disputed, { plan }: Facts): Composed {
  const { ctx, language, say } = telling;
  const { entitlement, kind, paidAt, periodEnd } = payment;
  if (kind === 'surplus' || (payment.status !== 'succeeded' && payment.status !== 'refunding')) return null;
  const date = formatDate(paidAt, language);
  const buttons = [receiptButton(telling, payment)];
  const endsAt = entitlement ? entitlement.endsAt : periodEnd;
  if (!endsAt) return { text: say('notice.dispute.won.forGood', { plan, date }), buttons };
  const isOver = endsAt <= ctx.clock.now();
  const end = formatDate(endsAt, language);
  return { text: say(isOver ? 'notice.dispute.won.over' : 'notice.dispute.won.until', { plan, date, end }), buttons };
}

/** The buyer, whose money went back and who has nothing for it any more. */
export function tellDisputeLost(telling: Telling, dispute: Disputed, { plan, planCode }: Facts): Composed {
  const { currency, payment, returnedAmount } = dispute;
  if (payment.status !== 'charged_back' || payment.kind === 'surplus' || returnedAmount === 0n) return null;
  const { language, say } = telling;
  const returned = returnedText(telling, moneyText(language, returnedAmount, currency), currency);
  return {
    text: say('notice.dispute.lost', { plan, returned, date: formatDate(payment.paidAt, language) }),
    buttons: [receiptButton(telling, payment), ...planButtons(telling, planCode)],
  };
}

/** The developer, of whose share a part is held. */
export function tellShareHeld(telling: Telling, dispute: Disputed, { amount, plan }: Facts): Composed {
  if (!isTheirs(telling, dispute)) return null;
  return { text: telling.say('notice.share.held', { plan, amount, share: heldText(telling, dispute) }) };
}

export function tellShareReleased(telling: Telling, dispute: Disputed, { plan }: Facts): Composed {
  if (!isTheirs(telling, dispute)) return null;
  return { text: telling.say('notice.share.back', { plan, share: heldText(telling, dispute) }) };
}

export function tellShareLost(telling: Telling, dispute: Disputed, { plan }: Facts): Composed {
  const { currency, returnedAmount } = dispute;
  if (!isTheirs(telling, dispute) || returnedAmount === 0n) return null;
  return {
    text: telling.say('notice.share.gone', { plan, amount: moneyText(telling.language, returnedAmount, currency) }),
  };
}

function isTheirs({ reader }: Telling, { payment }: Disputed): boolean {
  return payment.developerUserId === reader.id;
}

function heldText({ language }: Telling, { currency, heldShare }: Disputed): string {
  return moneyText(language, heldShare, currency);
}
