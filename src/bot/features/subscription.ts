import { Composer } from 'grammy';
import type { InlineKeyboardButton } from 'grammy/types';
import { listEntitlements } from '#domain/entitlement/list.ts';
import { cancelSubscription, resumeSubscription } from '#domain/subscription/cancel.ts';
import { getSubscription, listSubscriptions } from '#domain/subscription/records.ts';
import { graceEnd } from '#domain/subscription/rules.ts';
import { topUpLink } from '#messages/telegram.ts';
import { formatDate, formatMoney } from '#messages/translate.ts';
import { type BotContext, onPress, type View } from '../context.ts';
import { moneyOf, openButton, paragraphs, pressButton, titleOf, titlesOf } from '../render.ts';

/** What renews when, and the way out: cancelling takes two taps and names the end date. */
export const subscription = new Composer<BotContext>();

type Subscription = Awaited<ReturnType<typeof getSubscription>>;

subscription.command('subscription', async (context) => context.tell(await subscriptionView(context)));
onPress(subscription, 'subscription', async (context) => context.show(await subscriptionView(context)));

onPress(subscription, 'askCancel', async (context, { args: [subscriptionId] }) => {
  const { language, say, t, ctx } = context.visitor;
  const record = await getSubscription(ctx, subscriptionId);
  // A button from before the cancellation: the state as it is says more than a question.
  if (record.status !== 'active' && record.status !== 'past_due') return context.show(await subscriptionView(context));
  const title = await titlesOf(ctx, [record.planId], language);
  const question = isOver(context, record) ? 'bot.subscription.confirmEnd' : 'bot.subscription.confirmCancel';
  await context.show({
    text: say(question, { plan: title(record.planId), date: formatDate(record.currentPeriodEnd, language) }),
    buttons: [
      [{ ...pressButton(t('bot.subscription.confirmButton'), 'cancel', record.id), style: 'danger' }],
      [pressButton(t('bot.subscription.keepButton'), 'subscription')],
    ],
  });
});

onPress(subscription, 'cancel', async (context, { args: [subscriptionId] }) => {
  const { language, say, t, ctx } = context.visitor;
  const record = await cancelSubscription(ctx, subscriptionId);
  const title = await titlesOf(ctx, [record.planId], language);
  const plan = title(record.planId);
  if (isOver(context, record))
    return context.show({
      text: say('bot.subscription.ended', { plan }),
      buttons: [[pressButton(t('bot.button.buy'), 'buy')]],
    });
  await context.show({
    text: say('bot.subscription.cancelled', { plan, date: formatDate(record.currentPeriodEnd, language) }),
    buttons: [[pressButton(t('bot.subscription.resume', { plan }), 'resume', record.id)]],
  });
});

onPress(subscription, 'resume', async (context, { args: [subscriptionId] }) => {
  const { language, say, ctx } = context.visitor;
  const record = await resumeSubscription(ctx, subscriptionId);
  const title = await titlesOf(ctx, [record.planId], language);
  await context.show({
    text: say('bot.subscription.resumed', {
      plan: title(record.planId),
      date: formatDate(record.currentPeriodEnd, language),
      amount: formatMoney(moneyOf(record), language),
    }),
  });
});

/** Whether the paid period is over: what is cancelled then ends at once. */
function isOver(context: BotContext, record: Subscription): boolean {
  return record.currentPeriodEnd <= context.visitor.ctx.clock.now();
}

/** Whether there is still something to tell: a cancelled one counts until its end, also before the schedule closes it. */
function isRunning(context: BotContext, record: Subscription): boolean {
  if (record.status === 'cancelling') return !isOver(context, record);
  return record.status === 'active' || record.status === 'past_due';
}

/** Running subscriptions with their dates and buttons, then what is held without one. */
export async function subscriptionView(context: BotContext): Promise<View> {
  const { user, language, say, t, ctx } = context.visitor;
  const [all, held] = await Promise.all([listSubscriptions(ctx, user.id), listEntitlements(ctx, user.id)]);
  const running = all.filter((record) => isRunning(context, record));
  const title = await titlesOf(
    ctx,
    running.map(({ planId }) => planId),
    language,
  );
  const subscribedPlanIds = new Set(running.map(({ planId }) => planId));
  const owned = held.filter(({ plan }) => !subscribedPlanIds.has(plan.id));
  const ownedLines = owned.map((right) => {
    const plan = titleOf(right, language);
    return right.until
      ? say('bot.subscription.ownedUntil', { plan, date: formatDate(right.until, language) })
      : say('bot.subscription.ownedForGood', { plan });
  });
  return {
    text: paragraphs(
      say('bot.subscription.title'),
      ...(running.length > 0
        ? running.map((record) => stateText(context, record, title(record.planId)))
        : [say('bot.subscription.empty')]),
      ownedLines.length > 0 ? [say('bot.subscription.owned'), ...ownedLines].join('\n') : null,
    ),
    buttons: [
      ...running.flatMap((record) => stateButtons(context, record, title(record.planId))),
      running.length > 0
        ? [openButton(context.place, language)]
        : [pressButton(t('bot.button.buy'), 'buy'), openButton(context.place, language)],
    ],
  };
}

function stateText(context: BotContext, record: Subscription, plan: string): string {
  const { language, say } = context.visitor;
  const date = formatDate(record.currentPeriodEnd, language);
  const amount = formatMoney(moneyOf(record), language);
  if (record.status === 'active') return say('bot.subscription.active', { plan, date, amount });
  if (record.status === 'past_due') {
    const until = formatDate(record.graceUntil ?? graceEnd(record.currentPeriodEnd), language);
    return say('bot.subscription.pastDue', { plan, date, until, amount });
  }
  const text = say('bot.subscription.cancelling', { plan, date });
  return record.cancelledBy === 'user' ? `${text}\n${say('bot.subscription.resumeInTelegram')}` : text;
}

function stateButtons(context: BotContext, record: Subscription, plan: string): InlineKeyboardButton[][] {
  const { t } = context.visitor;
  if (record.status === 'active')
    return [[pressButton(t('bot.subscription.cancel', { plan }), 'askCancel', record.id)]];
  if (record.status === 'past_due') {
    const topUp = { text: t('bot.button.topUp'), url: topUpLink(record.amount) };
    return [[topUp], [pressButton(t('bot.subscription.cancel', { plan }), 'askCancel', record.id)]];
  }
  return record.cancelledBy === 'user'
    ? []
    : [[pressButton(t('bot.subscription.resume', { plan }), 'resume', record.id)]];
}
