import type { InlineKeyboardButton } from 'grammy/types';
import { z } from 'zod';
import type { Ctx } from '#domain/context/context.ts';
import type { NoticeJob, NoticeKind } from '#domain/context/queue.ts';
import { getUser } from '#domain/identity/find-user.ts';
import { Language, languageFor } from '#domain/identity/rules.ts';
import { getPayment, type PaymentRecord } from '#domain/payment/records.ts';
import { takesRight } from '#domain/payment/rules.ts';
import { getSubscription } from '#domain/subscription/records.ts';
import { graceEnd } from '#domain/subscription/rules.ts';
import { markup, miniAppLink, topUpLink } from '#messages/telegram.ts';
import { formatDate, translator } from '#messages/translate.ts';
import {
  aboutDispute,
  tellDisputeLost,
  tellDisputeOpened,
  tellDisputeWon,
  tellShareHeld,
  tellShareLost,
  tellShareReleased,
} from './dispute.ts';
import { tellErasureAsked, tellErasureFailed } from './erasure.ts';
import { tellKeyEnds } from './key-ends.ts';
import { tellLogBroken } from './log-broken.ts';
import {
  type Composed,
  type Facts,
  factsOf,
  moneyText,
  planButtons,
  receiptButton,
  returnedText,
  type Telling,
} from './telling.ts';
import { tellAttention, tellFailed, tellPartRefunded, tellRefundToClaim, tellWaiting } from './unfinished.ts';

/** One chat message: Telegram HTML and its buttons. */
export type NoticeMessage = Readonly<{ text: string; parse_mode: 'HTML'; buttons: InlineKeyboardButton[][] }>;

type Subscription = Awaited<ReturnType<typeof getSubscription>>;

/**
 * The message of a notice in the reader's present language, from the state as it is when it is sent. Null when there is
 * nothing to say any more (a refunded purchase was not "paid", a resumed subscription is not "cancelled") or the reader
 * does not want this kind; what concerns their own money cannot be declined. Throws AppError when the object is unknown.
 */
export async function composeNotice(
  ctx: Ctx,
  notice: NoticeJob,
  place: { botUsername: string },
): Promise<NoticeMessage | null> {
  const reader = await getUser(ctx, notice.userId);
  const stored = Language.safeParse(reader.language);
  const language = stored.success ? stored.data : languageFor(reader.language);
  const telling: Telling = { ctx, reader, language, say: markup(language), botUsername: place.botUsername };
  const composed = await COMPOSERS[notice.kind](telling, notice.objectId);
  return (
    composed && { text: composed.text, parse_mode: 'HTML', buttons: (composed.buttons ?? []).map((button) => [button]) }
  );
}

/** What each kind says, and about which object. */
const COMPOSERS: Record<NoticeKind, (telling: Telling, objectId: string) => Promise<Composed>> = {
  paid: aboutPayment(tellPaid),
  renewed: aboutPayment(tellRenewed),
  refunded: aboutPayment(tellRefunded),
  surplus_refunded: aboutPayment(tellSurplusRefunded),
  sale: aboutPayment(tellSale),
  end_ahead: aboutPayment(tellEndAhead),
  subscription_cancelled: aboutSubscription(tellCancelled),
  subscription_resumed: aboutSubscription(tellResumed),
  renewal_ahead: aboutSubscription(tellRenewalAhead),
  renewal_failed: aboutSubscription(tellRenewalFailed),
  subscription_ended: aboutSubscription(tellEnded),
  part_refunded: tellPartRefunded,
  refund_to_claim: tellRefundToClaim,
  payment_waiting: tellWaiting,
  payment_failed: tellFailed,
  dispute_opened: aboutDispute('open', tellDisputeOpened),
  dispute_won: aboutDispute('won', tellDisputeWon),
  dispute_lost: aboutDispute('lost', tellDisputeLost),
  share_held: aboutDispute('open', tellShareHeld),
  share_released: aboutDispute('won', tellShareReleased),
  share_lost: aboutDispute('lost', tellShareLost),
  log_broken: tellLogBroken,
  attention: tellAttention,
  key_expiring: tellKeyEnds,
  erasure_asked: tellErasureAsked,
  erasure_failed: tellErasureFailed,
};

function aboutPayment(tell: (telling: Telling, payment: PaymentRecord, facts: Facts) => Promise<Composed> | Composed) {
  return async (telling: Telling, paymentId: string): Promise<Composed> => {
    const payment = await getPayment(telling.ctx, paymentId);
    return tell(telling, payment, await factsOf(telling, payment));
  };
}

function aboutSubscription(tell: (telling: Telling, subscription: Subscription, facts: Facts) => Composed) {
  return async (telling: Telling, subscriptionId: string): Promise<Composed> => {
    const subscription = await getSubscription(telling.ctx, subscriptionId);
    return tell(telling, subscription, await factsOf(telling, subscription));
  };
}

/** While its right rests nothing is said here: the notices of the dispute do, and say in the end what is the buyer's. */
async function tellPaid(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Promise<Composed> {
  if (takesRight(payment.status)) return null;
  const { ctx, language, say } = telling;
  const buttons = [receiptButton(telling, payment)];
  const odd = payment.irregularity === 'late' || payment.irregularity === 'excess' ? payment.irregularity : null;
  const note = odd ? `\n${say(`notice.paid.${odd}`)}` : '';
  if (!payment.periodEnd) return { text: say('notice.paid.forGood', { plan, amount }) + note, buttons };
  const subscription = payment.subscriptionId ? await getSubscription(ctx, payment.subscriptionId) : null;
  const date = formatDate(payment.periodEnd, language);
  const renews = subscription?.status === 'active';
  return { text: say(renews ? 'notice.paid.renews' : 'notice.paid.until', { plan, amount, date }) + note, buttons };
}

function tellRenewed(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  if (takesRight(payment.status) || !payment.periodEnd) return null;
  const date = formatDate(payment.periodEnd, telling.language);
  return { text: telling.say('notice.renewed', { plan, amount, date }), buttons: [receiptButton(telling, payment)] };
}

function tellRefunded(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  if (payment.status !== 'refunded') return null;
  const date = formatDate(payment.paidAt, telling.language);
  const returned = returnedText(telling, amount, payment.currency);
  return { text: telling.say('notice.refunded', { plan, returned, date }), buttons: [receiptButton(telling, payment)] };
}

const SurplusData = z.object({
  reason: z
    .enum([
      'invoice_already_paid',
      'already_owned',
      'already_subscribed',
      'payer_is_not_buyer',
      'amount_mismatch',
      'invoice_expired',
      'buyer_erased',
    ])
    .catch('invoice_already_paid'),
});

function tellSurplusRefunded(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  if (payment.status !== 'refunded') return null;
  const verdict = payment.audit.find(({ action, objectId }) => action === 'payment.surplus' && objectId === payment.id);
  const { reason } = SurplusData.parse(verdict?.data ?? {});
  return {
    text: telling.say(`notice.surplusRefunded.${reason}`, {
      plan,
      returned: returnedText(telling, amount, payment.currency),
    }),
    buttons: [receiptButton(telling, payment)],
  };
}

/** For time that was paid once: nothing renews it, so it ends unless it is bought again. */
function tellEndAhead(telling: Telling, payment: PaymentRecord, { plan, planCode }: Facts): Composed {
  const { ctx, language, reader, say } = telling;
  const end = takesRight(payment.status) ? null : payment.periodEnd;
  if (!end || end <= ctx.clock.now() || !reader.wantsReminders) return null;
  return {
    text: say('notice.endAhead', { plan, date: formatDate(end, language) }),
    buttons: planButtons(telling, planCode),
  };
}

/** For the plugin's developer. Who bought it is not theirs to know. */
function tellSale(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  const { language, reader, say } = telling;
  const isTheirs = payment.developerUserId === reader.id;
  if (!isTheirs || !reader.wantsSalesNotices || takesRight(payment.status)) return null;
  return {
    text: say('notice.sale', { plan, amount, share: moneyText(language, payment.developerShare, payment.currency) }),
  };
}

function tellCancelled(telling: Telling, subscription: Subscription, { plan }: Facts): Composed {
  if (subscription.status !== 'cancelling' && subscription.status !== 'expired') return null;
  const isOver = subscription.currentPeriodEnd <= telling.ctx.clock.now();
  const date = formatDate(subscription.currentPeriodEnd, telling.language);
  if (isOver) return { text: telling.say('notice.subscriptionCancelled.ended', { plan }) };
  return {
    text: telling.say('notice.subscriptionCancelled.until', { plan, date }),
    buttons: [subscriptionsButton(telling)],
  };
}

function tellResumed(telling: Telling, subscription: Subscription, { plan, amount }: Facts): Composed {
  if (subscription.status !== 'active') return null;
  const date = formatDate(subscription.currentPeriodEnd, telling.language);
  return {
    text: telling.say('notice.subscriptionResumed', { plan, amount, date }),
    buttons: [subscriptionsButton(telling)],
  };
}

function tellRenewalAhead(telling: Telling, subscription: Subscription, { plan, amount }: Facts): Composed {
  const isAhead = subscription.status === 'active' && subscription.currentPeriodEnd > telling.ctx.clock.now();
  if (!isAhead || !telling.reader.wantsReminders) return null;
  const date = formatDate(subscription.currentPeriodEnd, telling.language);
  const buttons = [topUpButton(telling, subscription, amount), subscriptionsButton(telling)];
  return { text: telling.say('notice.renewalAhead', { plan, amount, date }), buttons };
}

function tellRenewalFailed(telling: Telling, subscription: Subscription, { plan, amount }: Facts): Composed {
  const until = subscription.graceUntil ?? graceEnd(subscription.currentPeriodEnd);
  if (subscription.status !== 'past_due' || until <= telling.ctx.clock.now()) return null;
  const date = formatDate(until, telling.language);
  const buttons = [topUpButton(telling, subscription, amount), subscriptionsButton(telling)];
  return { text: telling.say('notice.renewalFailed', { plan, amount, date }), buttons };
}

function tellEnded(telling: Telling, subscription: Subscription, { plan, planCode }: Facts): Composed {
  if (subscription.status !== 'expired') return null;
  return { text: telling.say('notice.subscriptionEnded', { plan }), buttons: planButtons(telling, planCode) };
}

function subscriptionsButton({ botUsername, language }: Telling): InlineKeyboardButton {
  return { text: translator(language)('notice.button.subscriptions'), url: miniAppLink(botUsername, 'subscription') };
}

function topUpButton({ language }: Telling, subscription: Subscription, amount: string): InlineKeyboardButton {
  return { text: translator(language)('notice.button.topUp', { amount }), url: topUpLink(subscription.amount) };
}
