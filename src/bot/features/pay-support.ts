import { Composer } from 'grammy';
import type { InlineKeyboardButton } from 'grammy/types';
import { z } from 'zod';
import { getPayment, listPayments } from '#domain/payment/records.ts';
import { formatDate, formatMoney } from '#messages/translate.ts';
import { type BotContext, onPress, type Place, type View } from '../context.ts';
import { moneyOf, paragraphs, pressButton, titlesOf } from '../render.ts';

/**
 * Help with a payment. Telegram's terms (§ 6.2.1) ask every bot that sells to answer /paysupport and to process what is
 * asked there: the person leaves with the payment's numbers, a ready request and somebody to send it to.
 */
export const paySupport = new Composer<BotContext>();

const SHOWN = 5;
/** Where Telegram itself takes disputes (telegram.md §4.1). */
const DISPUTE_URL = 'https://t.me/BotFather?start=starsdispute';
/** Telegram's limit for a button that copies. */
const COPY_MAX = 256;

paySupport.command('paysupport', async (context) => context.tell(await supportView(context)));
onPress(paySupport, 'support', async (context) => context.show(await supportView(context)));

onPress(paySupport, 'askRefund', async (context, { args: [paymentId] }) => {
  const { language, say, t, ctx } = context.visitor;
  const payment = await getPayment(ctx, paymentId);
  const title = await titlesOf(ctx, [payment.planId], language);
  const facts = {
    plan: title(payment.planId),
    amount: formatMoney(moneyOf(payment), language),
    date: formatDate(payment.paidAt, language),
  };
  const back = [pressButton(t('bot.button.back'), 'support')];
  if (payment.status === 'refunded')
    return context.show({ text: say('bot.support.alreadyRefunded', facts), buttons: [back] });
  if (payment.status === 'refunding')
    return context.show({ text: say('bot.support.refunding', facts), buttons: [back] });
  const request = t('bot.support.requestText', { ...facts, id: payment.id }).slice(0, COPY_MAX);
  await context.show({
    text: paragraphs(
      say('bot.support.request', { ...facts, id: payment.id, charge: payment.chargeId }),
      ...contactText(context, [payment]),
    ),
    buttons: [
      [{ text: t('bot.button.copyRequest'), copy_text: { text: request } }],
      ...contactButtons(context, request),
      ...disputeButton(context, [payment]),
      back,
    ],
  });
});

async function supportView(context: BotContext): Promise<View> {
  const { user, language, say, t, ctx } = context.visitor;
  const { rows } = await listPayments(ctx, { userId: user.id, limit: SHOWN });
  const title = await titlesOf(
    ctx,
    rows.map(({ planId }) => planId),
    language,
  );
  const facts = rows.map((payment) => ({
    id: payment.id,
    date: formatDate(payment.paidAt, language),
    plan: title(payment.planId),
    amount: formatMoney(moneyOf(payment), language),
  }));
  const payments =
    facts.length === 0
      ? say('bot.support.noPayments')
      : [say('bot.support.payments'), ...facts.map((fact) => say('bot.support.payment', fact))].join('\n');
  return {
    text: paragraphs(say('bot.support.text'), payments, ...contactText(context, rows)),
    buttons: [
      ...facts.map(({ id, date, plan }) => [pressButton(t('bot.support.askButton', { date, plan }), 'askRefund', id)]),
      ...contactButtons(context),
      ...disputeButton(context, rows),
    ],
  };
}

type Paid = Readonly<{ currency: string }>;

/** Telegram decides about its own Stars only. */
function isForTelegram(payments: ReadonlyArray<Paid>): boolean {
  return payments.some(({ currency }) => currency === 'XTR');
}

function disputeButton(context: BotContext, payments: ReadonlyArray<Paid>): InlineKeyboardButton[][] {
  return isForTelegram(payments) ? [[{ text: context.visitor.t('bot.button.dispute'), url: DISPUTE_URL }]] : [];
}

function contactText(context: BotContext, payments: ReadonlyArray<Paid>): string[] {
  const { say } = context.visitor;
  const { supportContact } = context.place;
  const contact = supportContact
    ? say('bot.support.contact', { contact: supportContact })
    : say('bot.support.noContact');
  return isForTelegram(payments) ? [contact, say('bot.support.dispute')] : [contact];
}

function contactButtons(context: BotContext, request?: string): InlineKeyboardButton[][] {
  const url = contactUrl(context.place, request);
  return url ? [[{ text: context.visitor.t('bot.button.contact'), url }]] : [];
}

const Handle = z.string().regex(/^@[A-Za-z][A-Za-z0-9_]{3,31}$/);
const WebAddress = z.url({ protocol: /^https?$/ });

/** What a button can open: a Telegram @name (with the request as a draft) or a web page. An e-mail address stays text. */
function contactUrl({ supportContact }: Place, request?: string): string | null {
  const handle = Handle.safeParse(supportContact);
  if (handle.success)
    return `https://t.me/${handle.data.slice(1)}${request ? `?text=${encodeURIComponent(request)}` : ''}`;
  const address = WebAddress.safeParse(supportContact);
  return address.success ? address.data : null;
}
