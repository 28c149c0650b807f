import type { InlineKeyboardButton } from 'grammy/types';
import { getPlan } from '#domain/catalog/list-catalog.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { getUser } from '#domain/identity/find-user.ts';
import type { Language } from '#domain/identity/rules.ts';
import { Currency } from '#domain/money.ts';
import { findPlanIds } from '#domain/payment/records.ts';
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

/** `planCode` is null where only the reader's encrypted record still says what it was. */
export type Facts = { plan: string; planCode: string | null; amount: string };

/** What was bought and for how much, in the reader's words. */
export async function factsOf(
  { ctx, language }: Telling,
  row: { planId: string | null; amount: bigint; currency: string },
): Promise<Facts> {
  const amount = moneyText(language, row.amount, row.currency);
  if (row.planId === null) return { plan: translator(language)('common.unnamed'), planCode: null, amount };
  const { product, plan } = await getPlan(ctx, row.planId);
  const names = [product.texts[language].name, plan.texts[language].name];
  return { plan: [...new Set(names)].join(' '), planCode: plan.code, amount };
}

/** The same of a payment that was read without its plan. */
export async function factsOfPayment(
  telling: Telling,
  payment: { id: string; amount: bigint; currency: string },
): Promise<Facts> {
  const planId = (await findPlanIds(telling.ctx, [payment.id])).get(payment.id) ?? null;
  return factsOf(telling, { ...payment, planId });
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

/** The way to buy it again; none where it is not known what it was. */
export function planButtons({ botUsername, language }: Telling, planCode: string | null): InlineKeyboardButton[] {
  if (planCode === null) return [];
  return [{ text: translator(language)('notice.button.again'), url: miniAppLink(botUsername, `plan_${planCode}`) }];
}
