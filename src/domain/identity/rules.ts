import { z } from 'zod';
import type { Verdict } from '#domain/errors.ts';

/** The languages whose texts are complete, in the order they are offered. */
export const LANGUAGES = ['ja', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];
export const Language = z.enum(LANGUAGES);

/**
 * The language to start with for Telegram's `language_code` (an IETF tag), English when it is none of ours. `tag` may be
 * anything: an update reaches the bot unchecked, and even an apology must find a language.
 */
export function languageFor(tag: unknown): Language {
  const primary = typeof tag === 'string' ? tag.toLowerCase().split(/[-_]/)[0] : undefined;
  return LANGUAGES.find((language) => language === primary) ?? 'en';
}

/** A person without saying who they are: the keyed hash of their Telegram id, hex. */
export type Subject = string;

/** initData may start a session for this long after its auth_date (telegram.md §2.1: at most 1 h where money is near). */
export const INIT_DATA_MAX_AGE_SECONDS = 3600;
/** Clocks differ a little. */
export const INIT_DATA_MAX_SKEW_SECONDS = 60;

/** Whether a launch signed at `authDate` (Unix seconds) may still start a session. */
export function judgeLaunchAge(
  authDate: number,
  nowSeconds: number,
): Verdict<'init_data_expired' | 'init_data_from_future'> {
  if (authDate > nowSeconds + INIT_DATA_MAX_SKEW_SECONDS) return { ok: false, reason: 'init_data_from_future' };
  if (authDate < nowSeconds - INIT_DATA_MAX_AGE_SECONDS) return { ok: false, reason: 'init_data_expired' };
  return { ok: true };
}

/** Telegram's ids have at most 52 bits: beyond them is nobody, and numbers lose digits. */
export const MAX_TELEGRAM_ID = 2 ** 52;

/** The user object of initData, reduced to what Hoshi needs. */
export const LaunchUser = z.object({
  id: z.number().int().positive().max(MAX_TELEGRAM_ID),
  language_code: z.string().max(35).optional(),
  allows_write_to_pm: z.boolean().optional(),
  is_bot: z.boolean().optional(),
});
export type LaunchUser = z.infer<typeof LaunchUser>;
