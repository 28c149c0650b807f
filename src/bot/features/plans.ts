import { Composer } from 'grammy';
import { type CatalogPlan, type CatalogProduct, listCatalog } from '#domain/catalog/list-catalog.ts';
import { listEntitlements } from '#domain/entitlement/list.ts';
import type { Language } from '#domain/identity/rules.ts';
import { markup } from '#messages/telegram.ts';
import type { BotContext } from '../context.ts';
import { openButton, pressButton, priceText } from '../render.ts';

/** What there is and what it costs, in one message. */
export const plans = new Composer<BotContext>();

/** A message holds 4096 characters: longer catalogues go on in the app. */
const MAX_TEXT = 3500;

plans.command('plans', async (context) => {
  const { user, language, say, ctx } = context.visitor;
  const [products, held] = await Promise.all([listCatalog(ctx), listEntitlements(ctx, user.id)]);
  if (products.length === 0) return context.tell({ text: say('bot.plans.empty') });
  const heldPlanIds = new Set(held.map(({ plan }) => plan.id));
  let text = say('bot.plans.title');
  for (const product of products) {
    const part = `\n\n${productText(product, language, heldPlanIds)}`;
    if (text.length + part.length > MAX_TEXT) break;
    text += part;
  }
  await context.tell({ text, buttons: [[pressButton(say('bot.button.buy'), 'buy'), openButton(context.place, language)]] });
});

/** A product with its plans, one line each; plans in `heldPlanIds` are marked as the reader's. */
export function productText(product: CatalogProduct, language: Language, heldPlanIds: ReadonlySet<string> = new Set()): string {
  const say = markup(language);
  const { name, description } = product.texts[language];
  const lines = product.plans.map((plan) =>
    say(heldPlanIds.has(plan.id) ? 'bot.plans.current' : 'bot.plans.plan', { plan: plan.texts[language].name, prices: pricesText(plan, language) }),
  );
  return [say('bot.plans.product', { name, description }), ...lines].join('\n');
}

function pricesText(plan: CatalogPlan, language: Language): string {
  const say = markup(language);
  if (plan.prices.length === 0) return say('bot.price.free');
  return plan.prices.map((price) => priceText(price, language, plan)).join(say('bot.plans.separator'));
}
