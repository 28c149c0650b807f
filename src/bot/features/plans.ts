import { Composer } from 'grammy';
import { listEntitlements } from '#domain/entitlement/list.ts';
import { listOffers, otherCurrenciesText, productText } from '../catalog-views.ts';
import type { BotContext } from '../context.ts';
import { openButton, paragraphs, pressButton } from '../render.ts';

/** What there is and what it costs, in one message. */
export const plans = new Composer<BotContext>();

/** A message holds 4096 characters: a longer catalogue goes on in the app. */
const MAX_TEXT = 3500;

plans.command('plans', async (context) => {
  const { user, language, say, t, ctx } = context.visitor;
  const [products, held] = await Promise.all([listOffers(ctx), listEntitlements(ctx, user.id)]);
  if (products.length === 0) return context.tell({ text: say('bot.plans.empty') });
  const heldPlanIds = new Set(held.map(({ plan }) => plan.id));
  let text = say('bot.plans.title');
  for (const product of products) {
    const part = `\n\n${productText(product, language, heldPlanIds)}`;
    if (text.length + part.length > MAX_TEXT) break;
    text += part;
  }
  await context.tell({
    text: paragraphs(text, otherCurrenciesText(products, language)),
    buttons: [[pressButton(t('bot.button.buy'), 'buy'), openButton(context.place, language)]],
  });
});
