import { Composer } from 'grammy';
import type { BotContext } from '../context.ts';
import { openButton, pressButton } from '../render.ts';

/** The terms of sale, whole, in the chat: Telegram asks that /terms answers before anyone pays. */
export const terms = new Composer<BotContext>();

terms.command('terms', async (context) => {
  const { language, say, t } = context.visitor;
  await context.tell({
    text: say('bot.terms.text'),
    buttons: [[pressButton(t('bot.button.support'), 'support'), openButton(context.place, language)]],
  });
});
