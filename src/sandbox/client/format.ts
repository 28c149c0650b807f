import type { SimUser } from '../control.ts';
import type { Language } from './texts.ts';

const locales: Readonly<Record<Language, string>> = { en: 'en-GB', ja: 'ja-JP' };

/** `1,250` */
export const formatNumber = (value: number, language: Language) => value.toLocaleString(locales[language]);

/** `20 Dec 2026` · `2026年12月20日`; `seconds` is Unix time. */
export function formatDate(seconds: number, language: Language): string {
  const month = language === 'ja' ? 'long' : 'short';
  return new Date(seconds * 1000).toLocaleDateString(locales[language], { day: 'numeric', month, year: 'numeric' });
}

/** `Friday 20 November` · `11月20日(金)`, for the stage's clock and the chat's day marks. */
export function formatDay(ms: number, language: Language): string {
  const weekday = language === 'ja' ? 'short' : 'long';
  return new Date(ms).toLocaleDateString(locales[language], { weekday, day: 'numeric', month: 'long' });
}

/** `09:41` */
export function formatTime(ms: number, language: Language): string {
  return new Date(ms).toLocaleTimeString(locales[language], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

const exactTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** `09:41:07`, for the wire log. */
export const formatExactTime = (ms: number): string => exactTime.format(ms);

/** `12.4 KB` */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export const fullName = (user: SimUser) => [user.first_name, user.last_name].filter(Boolean).join(' ');

/** Up to two initials; for scripts without capitals the first character alone reads better. */
export function initials(name: string): string {
  const letters = name
    .trim()
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0] ?? '');
  return letters.every((letter) => /[\p{Script=Latin}\p{Script=Cyrillic}]/u.test(letter))
    ? letters.join('').toUpperCase()
    : (letters[0] ?? '');
}

/** A key for a keyboard's row: bots do not send two equal rows. */
export const rowKey = (row: ReadonlyArray<{ text: string }>) => row.map((button) => button.text).join('\n');

/** Two messages stand under the same day mark when this is equal. */
export const dayKey = (ms: number) => new Date(ms).toDateString();
