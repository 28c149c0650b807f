import type { InlineKeyboardButton } from 'grammy/types';
import { z } from 'zod';
import { getPlan } from '#domain/catalog/list-catalog.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { NoticeJob, NoticeKind } from '#domain/context/queue.ts';
import { getUser } from '#domain/identity/find-user.ts';
import { Language, languageFor } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import { getPayment, type PaymentRecord } from '#domain/payment/records.ts';
import { getSubscription } from '#domain/subscription/records.ts';
import { graceEnd } from '#domain/subscription/rules.ts';
import { type Markup, markup, miniAppLink, topUpLink } from '#messages/telegram.ts';
import { formatDate, formatMoney, translator } from '#messages/translate.ts';

/** One chat message: Telegram HTML and its buttons. */
export type NoticeMessage = Readonly<{ text: string; parse_mode: 'HTML'; buttons: InlineKeyboardButton[][] }>;

type User = Awaited<ReturnType<typeof getUser>>;
type Subscription = Awaited<ReturnType<typeof getSubscription>>;

/** Everything a notice's text is made of. */
type Telling = Readonly<{ ctx: Ctx; reader: User; language: Language; say: Markup; botUsername: string }>;
type Composed = { text: string; buttons?: InlineKeyboardButton[] } | null;

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

/** What each kind says, and about which object: a payment or a subscription. */
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
};

type Facts = { plan: string; planCode: string; amount: string };

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

async function factsOf(
  { ctx, language }: Telling,
  row: { planId: string; amount: bigint; currency: string },
): Promise<Facts> {
  const { product, plan } = await getPlan(ctx, row.planId);
  const names = [product.texts[language].name, plan.texts[language].name];
  return {
    plan: [...new Set(names)].join(' '),
    planCode: plan.code,
    amount: moneyText(language, row.amount, row.currency),
  };
}

function moneyText(language: Language, amount: bigint, currency: string): string {
  return formatMoney({ amount, currency: Currency.parse(currency) }, language);
}

async function tellPaid(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Promise<Composed> {
  if (payment.status === 'refunded') return null;
  const { ctx, language, say } = telling;
  const buttons = [receiptButton(telling, payment)];
  if (!payment.periodEnd) return { text: say('notice.paid.forGood', { plan, amount }), buttons };
  const subscription = payment.subscriptionId ? await getSubscription(ctx, payment.subscriptionId) : null;
  const date = formatDate(payment.periodEnd, language);
  return {
    text: say(subscription?.status === 'active' ? 'notice.paid.renews' : 'notice.paid.until', { plan, amount, date }),
    buttons,
  };
}

function tellRenewed(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  if (payment.status === 'refunded' || !payment.periodEnd) return null;
  const date = formatDate(payment.periodEnd, telling.language);
  return { text: telling.say('notice.renewed', { plan, amount, date }), buttons: [receiptButton(telling, payment)] };
}

function tellRefunded(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  if (payment.status !== 'refunded') return null;
  const date = formatDate(payment.paidAt, telling.language);
  return { text: telling.say('notice.refunded', { plan, amount, date }), buttons: [receiptButton(telling, payment)] };
}

const SurplusData = z.object({
  reason: z
    .enum(['invoice_already_paid', 'already_owned', 'already_subscribed', 'payer_is_not_buyer', 'amount_mismatch'])
    .catch('invoice_already_paid'),
});

function tellSurplusRefunded(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  if (payment.status !== 'refunded') return null;
  const verdict = payment.audit.find(({ action, objectId }) => action === 'payment.surplus' && objectId === payment.id);
  const { reason } = SurplusData.parse(verdict?.data ?? {});
  return {
    text: telling.say(`notice.surplusRefunded.${reason}`, { plan, amount }),
    buttons: [receiptButton(telling, payment)],
  };
}

/** For time that was paid once: nothing renews it, so it ends unless it is bought again. */
function tellEndAhead(telling: Telling, payment: PaymentRecord, { plan, planCode }: Facts): Composed {
  const { ctx, language, reader, say } = telling;
  const end = payment.status === 'refunded' ? null : payment.periodEnd;
  if (!end || end <= ctx.clock.now() || !reader.wantsReminders) return null;
  return {
    text: say('notice.endAhead', { plan, date: formatDate(end, language) }),
    buttons: [planButton(telling, planCode)],
  };
}

/** For the plugin's developer. Who bought it is not theirs to know. */
function tellSale(telling: Telling, payment: PaymentRecord, { plan, amount }: Facts): Composed {
  const { language, reader, say } = telling;
  const isTheirs = payment.developerUserId === reader.id;
  if (!isTheirs || !reader.wantsSalesNotices || payment.status === 'refunded') return null;
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
  return { text: telling.say('notice.subscriptionEnded', { plan }), buttons: [planButton(telling, planCode)] };
}

function planButton({ botUsername, language }: Telling, planCode: string): InlineKeyboardButton {
  return { text: translator(language)('notice.button.again'), url: miniAppLink(botUsername, `plan_${planCode}`) };
}

function receiptButton({ botUsername, language }: Telling, payment: PaymentRecord): InlineKeyboardButton {
  return {
    text: translator(language)('notice.button.receipt'),
    url: miniAppLink(botUsername, `receipt_${payment.id}`),
  };
}

function subscriptionsButton({ botUsername, language }: Telling): InlineKeyboardButton {
  return { text: translator(language)('notice.button.subscriptions'), url: miniAppLink(botUsername, 'subscription') };
}

function topUpButton({ language }: Telling, subscription: Subscription, amount: string): InlineKeyboardButton {
  return { text: translator(language)('notice.button.topUp', { amount }), url: topUpLink(subscription.amount) };
}
