import { Composer } from 'grammy';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import { previewCheckout } from '#domain/checkout/preview.ts';
import { findOpenInvoice, type InvoiceRecord } from '#domain/checkout/records.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import { AppError } from '#domain/errors.ts';
import { METHODS, type Method } from '#domain/provider/capability.ts';
import { formatDateTime, formatMoney, providerName } from '#messages/translate.ts';
import { AGREEMENT } from '#messages/versions.ts';
import { METHOD_CODES } from '../callback.ts';
import {
  findOffer,
  isRenewing,
  listOffers,
  offerView,
  planView,
  productChoices,
  productView,
} from '../catalog-views.ts';
import { type BotContext, onPress, type View } from '../context.ts';
import { moneyOf, openButton, paragraphs, pressButton, priceText, titleOf, titlesOf } from '../render.ts';

/** Selling in the chat: product → plan → interval → method → invoice, each step in the place of the one before. */
export const buy = new Composer<BotContext>();

buy.command('buy', async (context) => context.tell(await productsView(context)));
onPress(buy, 'buy', async (context) => context.show(await productsView(context)));

onPress(buy, 'product', async (context, { args: [productId] }) => {
  const { language, ctx } = context.visitor;
  const product = (await listOffers(ctx)).find(({ id }) => id === productId);
  if (!product) throw new AppError('precondition_failed', 'plan_not_for_sale');
  await context.show(productView(product, language));
});

onPress(buy, 'plan', async (context, { args: [planId] }) => {
  const { language, ctx } = context.visitor;
  const sold = findOffer(await listOffers(ctx), ({ id }) => id === planId);
  if (!sold) throw new AppError('precondition_failed', 'plan_not_for_sale');
  await context.show(planView(sold, language));
});

onPress(buy, 'price', async (context, { args: [priceId] }) => {
  const { user, language, ctx } = context.visitor;
  const offer = await previewCheckout(ctx, { userId: user.id, priceId, surface: 'bot' });
  const replaced = offer.replaces
    ? (await titlesOf(ctx, [offer.replaces.planId], language))(offer.replaces.planId)
    : null;
  await context.show(offerView(offer, { language, replaced, surfacePolicy: ctx.policy.surfacePolicy }));
});

onPress(buy, 'pay', async (context, { args: [priceId, method] }) => pay(context, { priceId, method }));

onPress(buy, 'payBy', async (context, { args: [priceId, code, providerId] }) => {
  const method = METHODS.find((known) => METHOD_CODES[known] === code);
  if (!method) throw new AppError('invalid', 'method_unavailable');
  await pay(context, { priceId, method, providerId });
});

onPress(buy, 'cancelOrder', async (context, { args: [invoiceId] }) => {
  const { say, t, ctx } = context.visitor;
  await cancelInvoice(ctx, invoiceId);
  await context.show({ text: say('bot.buy.orderCancelled'), buttons: [[pressButton(t('bot.button.buy'), 'buy')]] });
});

/** Everything for sale, after the order that still waits to be paid. `notice` (HTML) comes first. */
export async function productsView(context: BotContext, notice?: string): Promise<View> {
  const { user, language, say, ctx } = context.visitor;
  const [products, open] = await Promise.all([listOffers(ctx), findOpenInvoice(ctx, user.id)]);
  const choices = productChoices(products, language);
  if (choices.length === 0) return { text: say('bot.plans.empty') };
  const order = open && (await openOrderView(context, open));
  return {
    text: paragraphs(notice, order?.text, say('bot.buy.title')),
    buttons: [...(order?.buttons ?? []), ...choices, [openButton(context.place, language)]],
  };
}

/** An order that waits: its link when it has one, else the way to a new invoice, and the way out. */
async function openOrderView(context: BotContext, open: InvoiceRecord): Promise<View> {
  const { language, say, t, ctx } = context.visitor;
  const title = await titlesOf(ctx, [open.planId], language);
  const amount = formatMoney(moneyOf(open), language);
  const url = open.attempts.find(({ status }) => status === 'live')?.url;
  const text = t('bot.buy.payButton', { amount });
  const resume = url ? { text, url } : open.priceId && pressButton(text, 'price', open.priceId);
  const cancel = pressButton(t('bot.buy.cancelOrder'), 'cancelOrder', open.id);
  return {
    text: say('bot.buy.openOrder', {
      plan: title(open.planId),
      amount,
      until: formatDateTime(open.expiresAt, language),
    }),
    buttons: [resume ? [resume, cancel] : [cancel]],
  };
}

/**
 * Opens the order. One-off Stars invoices go into the chat; Telegram refuses subscriptions there
 * (SUBSCRIPTION_EXPORT_MISSING, telegram.md §1.3), so those and other methods get a button with the link.
 */
async function pay(
  context: BotContext,
  choice: { priceId: string; method: Method; providerId?: string },
): Promise<void> {
  const { method, priceId } = choice;
  const { user, language, say, t, ctx } = context.visitor;
  const offer = await previewCheckout(ctx, { userId: user.id, priceId, surface: 'bot' });
  const isIntoChat = method === 'telegram_stars' && !isRenewing(offer, method);
  // A private chat has the id of its person.
  const chat = isIntoChat && context.from ? { chatId: BigInt(context.from.id) } : {};
  const order = await startCheckout(ctx, {
    ...choice,
    userId: user.id,
    surface: 'bot',
    language,
    agreesTo: AGREEMENT,
    ...chat,
  });
  context.hasSent ||= isIntoChat;
  const facts = {
    plan: titleOf(offer, language),
    price: priceText(offer.price, language),
    until: formatDateTime(order.expiresAt, language),
  };
  const provider = providerName(order.providerId, language);
  const passedOver = order.passedOver.map((id) =>
    say('bot.buy.passedOver', { provider: providerName(id, language), other: provider }),
  );
  const cancel = [pressButton(t('bot.buy.cancelOrder'), 'cancelOrder', order.invoiceId)];
  if (!order.url)
    return context.show({ text: paragraphs(...passedOver, say('bot.buy.invoiceSent', facts)), buttons: [cancel] });
  const button = { text: t('bot.buy.payButton', { amount: formatMoney(offer.price, language) }), url: order.url };
  const link =
    method === 'telegram_stars' ? say('bot.buy.payLink', facts) : say('bot.buy.payPage', { ...facts, provider });
  await context.show({ text: paragraphs(...passedOver, link), buttons: [[button], cancel] });
}
