import type { InlineKeyboardButton } from 'grammy/types';
import { type CatalogPlan, type CatalogPrice, type CatalogProduct, listCatalog } from '#domain/catalog/list-catalog.ts';
import type { CheckoutOffer, MethodOffer } from '#domain/checkout/preview.ts';
import { chooseProviders, judgeSurface } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Language } from '#domain/identity/rules.ts';
import { CURRENCIES } from '#domain/money.ts';
import { METHODS, type Method } from '#domain/provider/capability.ts';
import { markup } from '#messages/telegram.ts';
import { formatDate, providerName, translator } from '#messages/translate.ts';
import { METHOD_CODES } from './callback.ts';
import type { View } from './context.ts';
import { paragraphs, pressButton, priceText, refusalText, titleOf } from './render.ts';

/**
 * The catalogue as it can be bought in the chat: of each plan the prices that some provider takes here. A plan that has
 * none keeps its prices, so that choosing one says why it cannot be bought.
 */
export async function listOffers(ctx: Ctx): Promise<CatalogProduct[]> {
  const products = await listCatalog(ctx);
  return products.map((product) => ({
    ...product,
    plans: product.plans.map((plan) => {
      const payable = plan.prices.filter((price) => isPayableHere(ctx, product, price));
      return payable.length > 0 ? { ...plan, prices: inOrder(payable) } : plan;
    }),
  }));
}

/** Inside Telegram its own currency comes first; the others as in the Mini App. */
function inOrder(prices: ReadonlyArray<CatalogPrice>): CatalogPrice[] {
  return prices.toSorted((a, b) => CURRENCIES.indexOf(a.currency) - CURRENCIES.indexOf(b.currency));
}

function isPayableHere(ctx: Ctx, { fulfilment }: CatalogProduct, price: CatalogPrice): boolean {
  const { surfacePolicy: policy } = ctx.policy;
  const methods = METHODS.filter((method) => judgeSurface({ surface: 'bot', method, fulfilment, policy }).ok);
  return methods.some((method) => {
    const order = { price, method, surface: 'bot', interval: price.interval } as const;
    return chooseProviders([...ctx.providers.values()], order).length > 0;
  });
}

/** A plan with the product it belongs to. */
export type SoldPlan = Readonly<{ product: CatalogProduct; plan: CatalogPlan }>;

/** The offered plan that `is` describes, null when there is none. */
export function findOffer(
  products: ReadonlyArray<CatalogProduct>,
  is: (plan: CatalogPlan) => boolean,
): SoldPlan | null {
  const sold = products.flatMap((product) => product.plans.map((plan) => ({ product, plan })));
  return sold.find(({ plan }) => is(plan)) ?? null;
}

/** Telegram takes 100 buttons under a message; the app shows longer lists better. */
const MAX_CHOICES = 40;

/** Plans that have a price; the free level is told of but cannot be bought. */
function plansForSale(product: CatalogProduct): CatalogPlan[] {
  return product.plans.filter((plan) => plan.prices.length > 0);
}

/** One button per product that can be bought. A product with one plan leads straight to it. */
export function productChoices(products: ReadonlyArray<CatalogProduct>, language: Language): InlineKeyboardButton[][] {
  return products
    .filter((product) => plansForSale(product).length > 0)
    .slice(0, MAX_CHOICES)
    .map((product) => {
      const { name } = product.texts[language];
      const [only, ...others] = plansForSale(product);
      return [
        only && others.length === 0 ? pressButton(name, 'plan', only.id) : pressButton(name, 'product', product.id),
      ];
    });
}

/** The prices that a list of plans tells: those in the first currency, since all of them would hide the plans. */
function listedPrices({ prices }: CatalogPlan): CatalogPrice[] {
  return prices.filter(({ currency }) => currency === prices[0]?.currency);
}

/** That there are more prices than a list tells; null when it tells all. */
export function otherCurrenciesText(products: ReadonlyArray<CatalogProduct>, language: Language): string | null {
  const plans = products.flatMap((product) => product.plans);
  const isCut = plans.some((plan) => listedPrices(plan).length < plan.prices.length);
  return isCut ? markup(language)('bot.plans.otherCurrencies') : null;
}

/** A product with its plans, one line each; plans in `heldPlanIds` are marked as the reader's. */
export function productText(
  product: CatalogProduct,
  language: Language,
  heldPlanIds: ReadonlySet<string> = new Set(),
): string {
  const say = markup(language);
  const t = translator(language);
  const { name, description } = product.texts[language];
  const lines = product.plans.map((plan) => {
    const prices =
      listedPrices(plan)
        .map((price) => priceText(price, language, plan))
        .join(t('bot.plans.separator')) || t('bot.price.free');
    return say(heldPlanIds.has(plan.id) ? 'bot.plans.current' : 'bot.plans.plan', {
      plan: plan.texts[language].name,
      prices,
    });
  });
  return [say('bot.plans.product', { name, description }), ...lines].join('\n');
}

/** A product and a button per plan of it. */
export function productView(product: CatalogProduct, language: Language): View {
  const choices = plansForSale(product).slice(0, MAX_CHOICES);
  return {
    text: paragraphs(
      productText(product, language),
      otherCurrenciesText([product], language),
      markup(language)('bot.buy.choosePlan'),
    ),
    buttons: [
      ...choices.map((plan) => [pressButton(plan.texts[language].name, 'plan', plan.id)]),
      [pressButton(translator(language)('bot.button.back'), 'buy')],
    ],
  };
}

/** A row per currency, with its prices beside each other. */
function priceButtons({ plan }: SoldPlan, language: Language): InlineKeyboardButton[][] {
  const currencies = [...new Set(plan.prices.map(({ currency }) => currency))];
  return currencies.map((currency) =>
    plan.prices
      .filter((price) => price.currency === currency)
      .map((price) => pressButton(priceText(price, language, plan), 'price', price.id)),
  );
}

/** A plan whole: what it gives, how it is private, and a button per price. */
export function planView(sold: SoldPlan, language: Language): View {
  const say = markup(language);
  const { description, features, privacy } = sold.plan.texts[language];
  const list = (title: string, items: ReadonlyArray<string>) =>
    items.length === 0 ? null : [title, ...items.map((item) => say('bot.buy.item', { item }))].join('\n');
  const isOnlyPlan = plansForSale(sold.product).length < 2;
  const back = translator(language)('bot.button.back');
  return {
    text: paragraphs(
      say('bot.buy.plan', { plan: titleOf(sold, language), description }),
      list(say('bot.buy.features'), features),
      list(say('bot.buy.privacy'), privacy),
      sold.plan.prices.length === 0 ? say('bot.price.free') : say('bot.buy.chooseInterval'),
    ),
    buttons: [
      ...priceButtons(sold, language),
      [isOnlyPlan ? pressButton(back, 'buy') : pressButton(back, 'product', sold.product.id)],
    ],
  };
}

/** Whether what is bought goes on by itself, by `method` or by any way that is offered. */
export function isRenewing(offer: CheckoutOffer, method?: Method): boolean {
  return offer.methods.some(
    ({ capability, refusal, renewalDays }) =>
      refusal === null && renewalDays !== null && (!method || capability.method === method),
  );
}

/** The last look before paying: price, what it gives until when, what it replaces (by title), and the ways to pay. */
export function offerView(
  offer: CheckoutOffer,
  reader: { language: Language; replaced: string | null; surfacePolicy: 'strict' | 'permissive' },
): View {
  const { language, replaced, surfacePolicy } = reader;
  const say = markup(language);
  const t = translator(language);
  const head = say('bot.buy.confirm', { plan: titleOf(offer, language), price: priceText(offer.price, language) });
  const back = [pressButton(t('bot.button.back'), 'plan', offer.plan.id)];
  if (offer.blocked) {
    // An erasure is taken back in the app, or in the message that told of it.
    const mine =
      offer.blocked === 'erasure_waiting' ? [] : [[pressButton(t('bot.button.subscription'), 'subscription')]];
    return { text: paragraphs(head, refusalText(offer.blocked, language)), buttons: [...mine, back] };
  }
  const allowed = offer.methods.filter(({ refusal }) => refusal === null);
  const canPay = allowed.length > 0;
  const resting = new Set(allowed.filter(({ isResting }) => isResting).map(({ providerId }) => providerId));
  return {
    text: paragraphs(
      head,
      canPay ? termText(offer, language) : null,
      canPay && offer.replaces && replaced
        ? say('bot.buy.replaces', { plan: replaced, date: formatDate(offer.replaces.until, language) })
        : null,
      ...[...resting].map((id) => say('bot.buy.resting', { provider: providerName(id, language) })),
      canPay ? say('bot.buy.chooseMethod') : say('bot.buy.noMethod'),
      surfacePolicy === 'strict' && offer.product.fulfilment === 'digital' ? say('bot.buy.starsOnly') : null,
      canPay ? say('bot.buy.agreement') : null,
    ),
    buttons: [...allowed.map((way) => [wayButton(way, { ways: allowed, priceId: offer.price.id, language })]), back],
  };
}

/** "Card (Payme)"; a wallet, a bank transfer or coins go by their own name while only one provider takes them. */
function wayButton(
  { capability, providerId }: MethodOffer,
  { language, priceId, ways }: { ways: ReadonlyArray<MethodOffer>; priceId: string; language: Language },
): InlineKeyboardButton {
  const t = translator(language);
  const { method } = capability;
  const text = t(`bot.buy.method.${method}`);
  // Only Telegram takes Stars.
  if (method === 'telegram_stars') return pressButton(text, 'pay', priceId, method);
  const isOnly = ways.filter((way) => way.capability.method === method).length === 1;
  const way =
    isOnly && method !== 'credit_card'
      ? text
      : t('common.way', { method: text, provider: providerName(providerId, language) });
  return pressButton(way, 'payBy', priceId, METHOD_CODES[method], providerId);
}

/** How long it lasts and whether it goes on by itself. */
function termText(offer: CheckoutOffer, language: Language): string {
  const say = markup(language);
  if (!offer.accessUntil) return say('bot.buy.forGood');
  return say(isRenewing(offer) ? 'bot.buy.renews' : 'bot.buy.until', { date: formatDate(offer.accessUntil, language) });
}
