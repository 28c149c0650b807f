import { Composer } from 'grammy';
import type { BotContext } from '../context.ts';
import { openButton } from '../render.ts';

/** How to reach the account from other devices: it is the Telegram account itself. */
export const link = new Composer<BotContext>();

link.command('link', async (context) => {
  const { language, say, t } = context.visitor;
  const address = `https://t.me/${context.place.botUsername}`;
  await context.tell({
    text: say('bot.link.text', { link: address }),
    buttons: [[openButton(context.place, language), { text: t('bot.button.copyLink'), copy_text: { text: address } }]],
  });
});
