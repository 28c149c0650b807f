import { Composer } from 'grammy';
import { listPayments } from '#domain/payment/records.ts';
import { miniAppLink } from '#messages/telegram.ts';
import { formatDate, formatMoney } from '#messages/translate.ts';
import { type BotContext, onPress, type View } from '../context.ts';
import { moneyOf, paragraphs, pressButton, titlesOf } from '../render.ts';

/** The last payments at a glance; the app has all of them, with receipts. */
export const history = new Composer<BotContext>();

const SHOWN = 10;
const ROW_TEXTS = {
  succeeded: 'bot.history.row',
  refunding: 'bot.history.refunding',
  refunded: 'bot.history.refunded',
  disputed: 'bot.history.disputed',
  charged_back: 'bot.history.charged_back',
} as const;

history.command('history', async (context) => context.tell(await historyView(context)));
onPress(history, 'history', async (context) => context.show(await historyView(context)));

/** The newest payments, one line each. */
export async function historyView(context: BotContext): Promise<View> {
  const { user, language, say, t, ctx } = context.visitor;
  const { rows } = await listPayments(ctx, { userId: user.id, limit: SHOWN });
  if (rows.length === 0)
    return { text: say('bot.history.empty'), buttons: [[pressButton(t('bot.button.buy'), 'buy')]] };
  const title = await titlesOf(
    ctx,
    rows.map(({ planId }) => planId),
    language,
  );
  const lines = rows.map((payment) =>
    say(ROW_TEXTS[payment.status], {
      date: formatDate(payment.paidAt, language),
      plan: payment.planId === null ? t(`app.paymentKind.${payment.kind}`) : title(payment.planId),
      amount: formatMoney(moneyOf(payment), language),
    }),
  );
  return {
    text: paragraphs(
      say('bot.history.title'),
      lines.join('\n'),
      rows.some(({ planId }) => planId === null) ? say('bot.history.inRecord') : null,
    ),
    buttons: [
      [{ text: t('bot.button.allPayments'), url: miniAppLink(context.place.botUsername, 'history') }],
      [pressButton(t('bot.button.support'), 'support')],
    ],
  };
}
