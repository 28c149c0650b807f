import { Composer } from 'grammy';
import type { BotContext } from '../context.ts';
import { openButton, pressButton } from '../render.ts';

/** What no feature understood: old buttons, free text, pictures. Service messages are left alone. */
export const fallback = new Composer<BotContext>();

fallback.on('callback_query', async (context) => {
  await context.answerPress(context.visitor.t('bot.stale'));
});

fallback.on(
  ['message:text', 'message:file', 'message:contact', 'message:location', 'message:poll', 'message:dice'],
  async (context) => {
    const { language, say, t } = context.visitor;
    await context.tell({
      text: say('bot.unknown'),
      buttons: [[pressButton(t('bot.button.help'), 'help', 'menu'), openButton(context.place, language)]],
    });
  },
);
