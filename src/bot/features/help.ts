import { Composer } from 'grammy';
import type { InlineKeyboardButton } from 'grammy/types';
import type { HelpPage } from '../callback.ts';
import { type BotContext, onPress, type Visitor } from '../context.ts';
import { pressButton } from '../render.ts';

/** What one can ask for, frequent questions, and guides of a few steps. */
export const help = new Composer<BotContext>();

const GUIDES = ['buying', 'renewing', 'receipts', 'notices'] as const;

help.command('help', async (context) => context.tell(pageView(context.visitor, 'menu')));
help.command('faq', async (context) => context.tell(pageView(context.visitor, 'faq')));
help.command('guides', async (context) => context.tell(pageView(context.visitor, 'guides')));
onPress(help, 'help', async (context, { args: [page] }) => context.show(pageView(context.visitor, page)));

function pageView({ say, t }: Visitor, page: HelpPage) {
  const to = (target: HelpPage, text: string): InlineKeyboardButton => pressButton(text, 'help', target);
  const support = pressButton(t('bot.button.support'), 'support');
  const back = t('bot.button.back');
  const text = say(`bot.help.${page}`);
  if (page === 'menu') {
    const learn = [to('faq', t('bot.help.faqButton')), to('guides', t('bot.help.guidesButton'))];
    return {
      text,
      buttons: [
        learn,
        [pressButton(t('bot.button.buy'), 'buy'), pressButton(t('bot.button.settings'), 'settings')],
        [support],
      ],
    };
  }
  if (page === 'guides') {
    const guides = GUIDES.map((guide) => [to(guide, t(`bot.help.${guide}Button`))]);
    return { text, buttons: [...guides, [to('menu', back)]] };
  }
  return { text, buttons: [[support], [to(page === 'faq' ? 'menu' : 'guides', back)]] };
}
