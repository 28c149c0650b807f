import { Composer } from 'grammy';
import type { InlineKeyboardButton } from 'grammy/types';
import { type CatalogPlan, type CatalogProduct, getPlan, getPlans, listCatalog } from '#domain/catalog/list-catalog.ts';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { type CheckoutOffer, previewCheckout } from '#domain/checkout/preview.ts';
import { findOpenInvoice } from '#domain/checkout/records.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import { AppError } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { Method } from '#domain/provider.ts';
import { markup } from '#messages/telegram.ts';
import { formatDate, formatDateTime, formatMoney, translator } from '#messages/translate.ts';
import { type BotContext, onPress, type View } from '../context.ts';
import { openButton, pressButton, priceText, refusalText, titleOf, titlesOf } from '../render.ts';
import { productText } from './plans.ts';

/** Selling in the chat: product → plan → interval → method → invoice, each step in the place of the one before. */
export const buy = new Composer<BotContext>();

/** Telegram takes 100 buttons; the app shows longer lists better. */
const MAX_CHOICES = 40;

buy.command('buy', async (context) => context.tell(await productsView(context)));
onPress(buy, 'buy', async (context) => context.show(await productsView(context)));

onPress(buy, 'product', async (context, { args: [productId] }) => {
  const { language, ctx } = context.visitor;
  const product = (await listCatalog(ctx)).find(({ id }) => id === productId);
  if (!product) throw new AppError('precondition_failed', 'plan_not_for_sale');
  await context.show(productView(product, language));
});

onPress(buy, 'plan', async (context, { args: [planId] }) => {
  const { language, ctx } = context.visitor;
  await context.show(planView(await getPlan(ctx, planId), language));
});

onPress(buy, 'price', async (context, { args: [priceId] }) => {
  const { user, language, ctx } = context.visitor;
  const offer = await previewCheckout(ctx, { userId: user.id, priceId, surface: 'bot' });
  const replaced = offer.replaces ? (await titlesOf(ctx, [offer.replaces.planId], language))(offer.replaces.planId) : null;
  await context.show(confirmView(offer, { language, replaced, isStrict: ctx.policy.surfacePolicy === 'strict' }));
});

onPress(buy, 'pay', async (context, { args: [priceId, method] }) => pay(context, priceId, method));

onPress(buy, 'cancelOrder', async (context, { args: [invoiceId] }) => {
  const { say, ctx } = context.visitor;
  await cancelInvoice(ctx, invoiceId);
  await context.show({ text: say('bot.buy.orderCancelled'), buttons: [[pressButton(say('bot.button.buy'), 'buy')]] });
});

/** Everything for sale, and the order that still waits to be paid. `notice` comes first. */
export async function productsView(context: BotContext, notice?: string): Promise<View> {
  const { user, language, say, ctx } = context.visitor;
  const [products, open] = await Promise.all([listCatalog(ctx), findOpenInvoice(ctx, user.id)]);
  const forSale = products.filter((product) => product.plans.some((plan) => plan.prices.length > 0));
  if (forSale.length === 0) return { text: say('bot.plans.empty') };
  const order = open && (await openOrderView(context, open));
  const choices = forSale.slice(0, MAX_CHOICES).map((product) => [productButton(product, language)]);
  return {
    text: [notice, order?.text, say('bot.buy.title')].filter(Boolean).join('\n\n'),
    buttons: [...(order?.buttons ?? []), ...choices, [openButton(context.place, language)]],
  };
}

async function openOrderView(context: BotContext, open: NonNullable<Awaited<ReturnType<typeof findOpenInvoice>>>): Promise<View> {
  const { language, say, ctx } = context.visitor;
  const plans = await getPlans(ctx, [open.planId]);
  const sold = plans.get(open.planId);
  const price = sold?.plan.prices.find(({ id }) => id === open.priceId);
  const amount = formatMoney(open, language);
  const text = say('bot.buy.openOrder', { plan: sold ? titleOf(sold, language) : open.planId, amount, until: formatDateTime(open.expiresAt, language) });
  const url = open.attempts[0]?.url;
  const resume: InlineKeyboardButton[] = url
    ? [{ text: say('bot.buy.continueOrder', { amount }), url }]
    : price
      ? [pressButton(translator(language)('bot.buy.continueOrder', { amount }), 'price', price.id)]
      : [];
  return { text, buttons: [[...resume, pressButton(say('bot.buy.cancelOrder'), 'cancelOrder', open.id)]] };
}

/** Steps with one choice only are skipped. */
function productButton(product: CatalogProduct, language: Language): InlineKeyboardButton {
  const { name } = product.texts[language];
  const [only, ...others] = product.plans.filter((plan) => plan.prices.length > 0);
  return only && others.length === 0 ? pressButton(name, 'plan', only.id) : pressButton(name, 'product', product.id);
}

function productView(product: CatalogProduct, language: Language): View {
  const say = markup(language);
  const choices = product.plans
    .filter((plan) => plan.prices.length > 0)
    .slice(0, MAX_CHOICES)
    .map((plan) => [pressButton(plan.texts[language].name, 'plan', plan.id)]);
  return {
    text: `${productText(product, language)}\n\n${say('bot.buy.choosePlan')}`,
    buttons: [...choices, [pressButton(say('bot.button.back'), 'buy')]],
  };
}

/** A plan whole: what it gives, how it is private, and a button per price. */
export function planView(sold: { product: CatalogProduct; plan: CatalogPlan }, language: Language): View {
  const say = markup(language);
  const { description, features, privacy } = sold.plan.texts[language];
  const list = (title: string, items: ReadonlyArray<string>) => (items.length === 0 ? null : [title, ...items.map((item) => say('bot.buy.item', { item }))].join('\n'));
  const isFree = sold.plan.prices.length === 0;
  const text = [
    say('bot.buy.plan', { plan: titleOf(sold, language), description }),
    list(say('bot.buy.features'), features),
    list(say('bot.buy.privacy'), privacy),
    isFree ? say('bot.price.free') : say('bot.buy.chooseInterval'),
  ];
  const choices = sold.plan.prices.map((price) => [pressButton(priceText(price, language, sold.plan), 'price', price.id)]);
  const isOnlyPlan = sold.product.plans.length === 1;
  const back = isOnlyPlan ? pressButton(say('bot.button.back'), 'buy') : pressButton(say('bot.button.back'), 'product', sold.product.id);
  return { text: text.filter(Boolean).join('\n\n'), buttons: [...choices, [back]] };
}

/** The last look before paying: price, what it gives until when, what it replaces, and the ways to pay. */
function confirmView(offer: CheckoutOffer, reader: { language: Language; replaced: string | null; isStrict: boolean }): View {
  const { language, replaced, isStrict } = reader;
  const say = markup(language);
  const head = say('bot.buy.confirm', { plan: titleOf(offer, language), price: priceText(offer.price, language) });
  const back = [pressButton(say('bot.button.back'), 'plan', offer.plan.id)];
  if (offer.blocked) return { text: `${head}\n\n${refusalText(offer.blocked, language)}`, buttons: [[pressButton(say('command' in offer ? 'bot.button.back' : 'bot.button.subscription'), 'subscription')], back] };

  const allowed = offer.methods.filter(({ refusal }) => refusal === null);
  const methods = [...new Set(allowed.map(({ capability }) => capability.method))];
  const isDigitalOnly = isStrict && offer.product.fulfilment === 'digital';
  const text = [
    head,
    methods.length > 0 ? termText(offer, language) : null,
    offer.replaces && replaced ? say('bot.buy.replaces', { plan: replaced, date: formatDate(offer.replaces.until, language) }) : null,
    methods.length > 0 ? say('bot.buy.chooseMethod') : say('bot.buy.noMethod'),
    isDigitalOnly ? say('bot.buy.starsOnly') : null,
  ];
  const choices = methods.map((method) => [pressButton(say(`bot.buy.method.${method}`), 'pay', offer.price.id, method)]);
  return { text: text.filter(Boolean).join('\n\n'), buttons: [...choices, back] };
}

/** How long it lasts and whether it goes on by itself. */
function termText(offer: CheckoutOffer, language: Language): string {
  const say = markup(language);
  if (!offer.accessUntil) return say('bot.buy.forGood');
  const date = formatDate(offer.accessUntil, language);
  return say(isRenewing(offer) ? 'bot.buy.renews' : 'bot.buy.until', { date });
}

function isRenewing(offer: CheckoutOffer, method?: Method): boolean {
  return offer.methods.some((candidate) => candidate.refusal === null && candidate.renewalDays !== null && (!method || candidate.capability.method === method));
}

/**
 * Opens the order. One-off Stars invoices go into the chat; Telegram refuses subscriptions there
 * (SUBSCRIPTION_EXPORT_MISSING, telegram.md §1.3), so those and other methods get a button with the link.
 */
async function pay(context: BotContext, priceId: string, method: Method): Promise<void> {
  const { user, language, say, ctx } = context.visitor;
  const offer = await previewCheckout(ctx, { userId: user.id, priceId, surface: 'bot' });
  const isIntoChat = method === 'telegram_stars' && !isRenewing(offer, method);
  const order = await startCheckout(ctx, { userId: user.id, priceId, surface: 'bot', method, language, ...(isIntoChat ? { chatId: user.telegramId } : {}) });
  context.hasSent ||= isIntoChat;
  const facts = { plan: titleOf(offer, language), price: priceText(offer.price, language), until: formatDateTime(order.expiresAt, language) };
  const cancel = pressButton(say('bot.buy.cancelOrder'), 'cancelOrder', order.invoiceId);
  if (!order.url) return context.show({ text: say('bot.buy.invoiceSent', facts), buttons: [[cancel]] });
  const amount = formatMoney(offer.price, language);
  await context.show({ text: say('bot.buy.payLink', facts), buttons: [[{ text: translator(language)('bot.buy.payButton', { amount }), url: order.url }], [cancel]] });
}
