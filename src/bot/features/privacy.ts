import { Composer } from 'grammy';
import { retentionTimes } from '#domain/context/retention.ts';
import type { BotContext } from '../context.ts';
import { openButton, pressButton } from '../render.ts';

/** What is kept about a person and for how long: Telegram's terms (§ 4) ask every bot to answer /privacy. */
export const privacy = new Composer<BotContext>();

privacy.command('privacy', async (context) => {
  const { language, say, t, ctx } = context.visitor;
  const { bookYears, pastDays, rawMessageDays } = retentionTimes(ctx.policy);
  await context.tell({
    text: say('bot.privacy.text', { days: rawMessageDays, years: bookYears, past: pastDays }),
    buttons: [[pressButton(t('bot.button.support'), 'support'), openButton(context.place, language)]],
  });
});
