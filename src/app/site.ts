import { headers } from 'next/headers';
import { hasOrder, showRetention } from '#api/show.ts';
import en from '#messages/en.ts';
import ja from '#messages/ja.ts';
import { sharedServer } from '#server.ts';
import {
  type ClientMessages,
  type Language,
  type LongMessages,
  languageOf,
  languageOfHeader,
} from '#ui/message-format.ts';
import type { SiteConfig } from '#ui/session.tsx';

const MESSAGES = { ja: ja.app, en: en.app };

/** What pages tell a visitor's browser before anyone signs in. Nothing secret belongs here. */
export async function siteConfig(): Promise<SiteConfig> {
  const { ctx, env } = await sharedServer();
  const { supportContact, telegram } = env;
  const { botUsername, webOrigin } = telegram;
  return { botUsername, webOrigin, supportContact, retention: showRetention(ctx) };
}

/** False for a link that leads nowhere. While that cannot be learned the page is served, and tells so itself. */
export async function isOrder(invoiceId: string): Promise<boolean> {
  const { ctx } = await sharedServer();
  return hasOrder(ctx, invoiceId).catch(() => true);
}

/** `?lang=`, which the bot puts into its links, else the browser's wish. */
export async function pageLanguage(search: Promise<Record<string, string | string[] | undefined>>): Promise<Language> {
  const { lang } = await search;
  return typeof lang === 'string' ? languageOf(lang) : languageOfHeader((await headers()).get('accept-language'));
}

/** The texts of a language, parted into what the Mini App needs at once and what is long. */
export function messagesOf(language: Language): { client: ClientMessages; long: LongMessages } {
  const { documents, faq, ...client } = MESSAGES[language];
  return { client, long: { documents, faq } };
}
