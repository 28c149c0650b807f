import { createTranslator } from 'use-intl/core';
import en from './en.ts';
import ja from './ja.ts';

/** All texts by language. `ja` has the shape of `en`: a key missing on either side fails the type check and a test. */
export const MESSAGES = { ja, en } satisfies Record<string, typeof en>;

export type Messages = typeof en;
export type MessageLanguage = keyof typeof MESSAGES;

/** One translator per language: they hold no state of a request. Dates inside messages are in UTC. */
const TRANSLATORS = { ja: make('ja'), en: make('en') };

function make(language: MessageLanguage) {
  return createTranslator<Messages>({ locale: language, messages: MESSAGES[language], timeZone: 'UTC' });
}

/** The texts of one language: `translator('ja')('error.not_yours')`. A missing key throws in tests and shows its name live. */
export function translator(language: MessageLanguage): ReturnType<typeof make> {
  return TRANSLATORS[language];
}

/** What a provider is called; one that has no name yet shows its id. */
export function providerName(providerId: string, language: MessageLanguage): string {
  const { provider } = MESSAGES[language].common;
  return Object.entries(provider).find(([id]) => id === providerId)?.[1] ?? providerId;
}

type Amount = { amount: bigint; currency: string };

/** Digits after the point and how a currency is written; ISO currencies follow Intl, Stars and coins do not. */
const DIGITS: Record<string, number> = { XTR: 0, JPY: 0, USD: 2, EUR: 2, UZS: 2, BTC: 8, ETH: 9 };

/** An exact decimal string of minor units for Intl, which accepts strings without rounding through a float. */
function decimal({ amount, currency }: Amount): `${number}` {
  const digits = DIGITS[currency] ?? 0;
  const sign = amount < 0n ? '-' : '';
  const text = (amount < 0n ? -amount : amount).toString().padStart(digits + 1, '0');
  return (digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`) as `${number}`;
}

/** Making one costs a hundred times more than using it. */
const formats = new Map<string, Intl.NumberFormat>();

const dates = new Map<string, Intl.DateTimeFormat>();

function dateFormat(language: MessageLanguage, style: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${style.timeStyle}`;
  const locale = language === 'en' ? 'en-GB' : language;
  const known = dates.get(key) ?? new Intl.DateTimeFormat(locale, { ...style, timeZone: 'UTC' });
  dates.set(key, known);
  return known;
}

function numberFormat(language: MessageLanguage, name: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language} ${name}`;
  const known = formats.get(key) ?? new Intl.NumberFormat(language, options);
  formats.set(key, known);
  return known;
}

/** People write so'm after the number and by name; Intl would write the code before it, and tiyin that hardly exist. */
const SOM: Record<MessageLanguage, string> = { en: '\u00a0so’m', ja: '\u00a0スム' };

/** An amount for eyes: "150 ★", "¥1,500", "$9.99", "36,000 so’m", "0.00123456 BTC". The letters XTR are never shown. */
export function formatMoney(money: Amount, language: MessageLanguage): string {
  const { currency } = money;
  if (currency === 'XTR') return `${numberFormat(language, currency, {}).format(money.amount)} ★`;
  const digits = DIGITS[currency] ?? 0;
  if (currency === 'UZS') {
    const digitsShown = money.amount % 100n === 0n ? 0 : digits;
    const number = numberFormat(language, `UZS ${digitsShown}`, {
      minimumFractionDigits: digitsShown,
      maximumFractionDigits: digitsShown,
    });
    return number.format(decimal(money)) + SOM[language];
  }
  if (currency === 'BTC' || currency === 'ETH') {
    const coins = numberFormat(language, currency, { minimumFractionDigits: 0, maximumFractionDigits: digits });
    return `${coins.format(decimal(money))} ${currency}`;
  }
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return numberFormat(language, currency, { style: 'currency', currency, ...fraction }).format(decimal(money));
}

/** An amount for screen readers: a star glyph is read out as a word. */
export function labelMoney(money: Amount, language: MessageLanguage): string {
  return money.currency === 'XTR'
    ? translator(language)('common.stars', { count: Number(money.amount) })
    : formatMoney(money, language);
}

/** A date in full: "20 December 2026", "2026年12月20日". Days are UTC days, as periods are kept in UTC. */
export function formatDate(date: Date, language: MessageLanguage): string {
  return dateFormat(language, { dateStyle: 'long' }).format(date);
}

/** A date with the time to the minute, in UTC. */
export function formatDateTime(date: Date, language: MessageLanguage): string {
  const text = dateFormat(language, { dateStyle: 'long', timeStyle: 'short' }).format(date);
  return `${text} UTC`;
}
