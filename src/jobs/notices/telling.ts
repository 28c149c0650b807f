import type { InlineKeyboardButton } from 'grammy/types';
import { getPlan } from '#domain/catalog/list-catalog.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { getUser } from '#domain/identity/find-user.ts';
import type { Language } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import { type Markup, miniAppLink } from '#messages/telegram.ts';
import { formatMoney, translator } from '#messages/translate.ts';

/** Everything a notice's text is made of. */
export type Telling = Readonly<{
  ctx: Ctx;
  reader: Awaited<ReturnType<typeof getUser>>;
  language: Language;
  say: Markup;
  botUsername: string;
}>;

/** A notice without its form; null when there is nothing to say any more. */
export type Composed = { text: string; buttons?: InlineKeyboardButton[] } | null;

export type Facts = { plan: string; planCode: string; amount: string };

/** What was bought and for how much, in the reader's words. */
export async function factsOf(
  { ctx, language }: Telling,
  row: { planId: string; amount: bigint; currency: string },
): Promise<Facts> {
  const { product, plan } = await getPlan(ctx, row.planId);
  const names = [product.texts[language].name, plan.texts[language].name];
  return {
    plan: [...new Set(names)].join(' '),
    planCode: plan.code,
    amount: moneyText(language, row.amount, row.currency),
  };
}

export function moneyText(language: Language, amount: bigint, currency: string): string {
  return formatMoney({ amount, currency: Currency.parse(currency) }, language);
}

/** "150 ★ went back to your Stars", or where else the money goes. */
export function returnedText({ language }: Telling, amount: string, currency: string): string {
  return translator(language)(currency === 'XTR' ? 'notice.returned.stars' : 'notice.returned.other', { amount });
}

export function receiptButton({ botUsername, language }: Telling, payment: { id: string }): InlineKeyboardButton {
  return {
    text: translator(language)('notice.button.receipt'),
    url: miniAppLink(botUsername, `receipt_${payment.id}`),
  };
}

export function planButton({ botUsername, language }: Telling, planCode: string): InlineKeyboardButton {
  return { text: translator(language)('notice.button.again'), url: miniAppLink(botUsername, `plan_${planCode}`) };
}
