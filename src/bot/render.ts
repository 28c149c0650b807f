import type { InlineKeyboardButton } from 'grammy/types';
import { type CatalogPlan, type CatalogPrice, type CatalogProduct, getPlans } from '#domain/catalog/list-catalog.ts';
import { yearlySavings } from '#domain/catalog/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { ErrorDetails, Reason } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { Currency, type Money } from '#domain/money.ts';
import { markup } from '#messages/telegram.ts';
import { formatMoney, translator } from '#messages/translate.ts';
import { type Action, encodePress } from './callback.ts';
import type { Place } from './context.ts';

/** A button that asks the bot for something. */
export function pressButton<Name extends Action>(
  text: string,
  ...press: Parameters<typeof encodePress<Name>>
): InlineKeyboardButton {
  return { text, callback_data: encodePress<Name>(...press) };
}

/** A button that opens the Mini App in the reader's language. */
export function openButton(place: Place, language: Language): InlineKeyboardButton {
  return { text: translator(language)('bot.button.open'), web_app: { url: miniAppUrl(place, language) } };
}

/** Where the Mini App starts; the language is known before its first paint (ux.md, point 68). */
export function miniAppUrl(place: Pick<Place, 'publicUrl'>, language: Language): string {
  return `${place.publicUrl}/?lang=${language}`;
}

/** "Personal log Pro"; a plugin's only plan often bears the plugin's own name and is told once. */
export function titleOf(sold: { product: CatalogProduct; plan: CatalogPlan }, language: Language): string {
  const product = sold.product.texts[language].name;
  const plan = sold.plan.texts[language].name;
  return product === plan ? plan : `${product} ${plan}`;
}

/** Joins the parts of a message by blank lines; empty parts are left out. */
export function paragraphs(...parts: ReadonlyArray<string | null | undefined>): string {
  return parts.filter(Boolean).join('\n\n');
}

/** Amount and currency of a row as money. */
export function moneyOf(row: { amount: bigint; currency: string }): Money {
  return { amount: row.amount, currency: Currency.parse(row.currency) };
}

/**
 * The titles of several plans at once. What stands in the reader's encrypted record alone is told as an earlier purchase, a plan
 * that no longer exists by its id.
 */
export async function titlesOf(
  ctx: Ctx,
  planIds: ReadonlyArray<string | null>,
  language: Language,
): Promise<(planId: string | null) => string> {
  const plans = await getPlans(
    ctx,
    planIds.flatMap((planId) => planId ?? []),
  );
  return (planId) => {
    if (planId === null) return translator(language)('common.unnamed');
    const sold = plans.get(planId);
    return sold ? titleOf(sold, language) : planId;
  };
}

/** "150 ★ a month". With `plan`, a year says what it saves against twelve months. */
export function priceText(price: CatalogPrice, language: Language, plan?: CatalogPlan): string {
  const t = translator(language);
  const amount = formatMoney(price, language);
  const monthly = plan?.prices.find((other) => other.interval === 'month' && other.currency === price.currency);
  const savings = price.interval === 'year' && monthly ? yearlySavings(monthly.amount, price.amount) : null;
  if (savings && savings.percent > 0) return t('bot.price.yearSaving', { amount, percent: savings.percent });
  return t(`bot.price.${price.interval}`, { amount });
}

/** The text of a refusal, in words: the message files hold one per reason, some naming facts of `details`. */
export function refusalText(reason: Reason, language: Language, details: ErrorDetails = {}): string {
  return markup(language)(`error.${reason}`, details);
}
