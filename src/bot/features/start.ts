import { Composer } from 'grammy';
import { z } from 'zod';
import { findOffer, listOffers, planView } from '../catalog-views.ts';
import { type BotContext, describeFailure } from '../context.ts';
import { miniAppUrl, openButton, pressButton } from '../render.ts';
import { productsView } from './buy.ts';
import { historyView } from './history.ts';
import { askView } from './log.ts';
import { subscriptionView } from './subscription.ts';

/** Onboarding, and the ways in by a link: `t.me/<bot>?start=plan_<code>`, `buy`, `subscription`, `history`, `log`. */
export const start = new Composer<BotContext>();

/** Telegram lets at most 64 of these characters through, but anyone can type a command. */
const Payload = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const PLAN_PREFIX = 'plan_';

start.command('start', async (context) => {
  await setMenuButton(context);
  const payload = Payload.safeParse(context.match);
  if (payload.success && (await followLink(context, payload.data))) return;
  const { language, say, t } = context.visitor;
  await context.tell({
    text: say('bot.start.welcome'),
    buttons: [
      [openButton(context.place, language)],
      [pressButton(t('bot.button.buy'), 'buy'), pressButton(t('bot.button.help'), 'help', 'menu')],
      [pressButton(t('bot.button.language'), 'languages')],
    ],
  });
});

/** Whether the payload led somewhere; otherwise the welcome is shown. */
async function followLink(context: BotContext, payload: string): Promise<boolean> {
  const { language, say, ctx } = context.visitor;
  if (payload.startsWith(PLAN_PREFIX)) {
    const code = payload.slice(PLAN_PREFIX.length);
    const sold = findOffer(await listOffers(ctx), (plan) => plan.code === code);
    if (sold) await context.tell(planView(sold, language));
    else await context.tell(await productsView(context, say('bot.start.planGone')));
    return true;
  }
  if (payload === 'buy') await context.tell(await productsView(context));
  else if (payload === 'subscription') await context.tell(await subscriptionView(context));
  else if (payload === 'history') await context.tell(await historyView(context));
  else if (payload === 'log') await context.tell(await askView(context));
  else return false;
  return true;
}

/** The button beside the input opens the Mini App in the reader's language. The answer matters more: a failure is only noted. */
export async function setMenuButton(context: BotContext): Promise<void> {
  const { language, t } = context.visitor;
  const chatId = context.chat?.id;
  if (chatId === undefined) return;
  try {
    const url = miniAppUrl(context.place, language);
    await context.api.setChatMenuButton({
      chat_id: chatId,
      menu_button: { type: 'web_app', text: t('bot.profile.menuButton'), web_app: { url } },
    });
  } catch (error) {
    context.system.log.warn(
      { ...describeFailure(error), event: 'menu_button_not_set' },
      'the menu button could not be set',
    );
  }
}
