import { type MessageLanguage, translator } from '#messages/translate.ts';

/** Every text there is, by its dotted name. */
export type MessageKey = Parameters<ReturnType<typeof translator>>[0];

/** HTML that is meant as HTML, so that `markup` does not escape it again. */
export type Html = Readonly<{ html: string }>;
export type MarkupValue = string | number | Html;

/** Escapes text for Telegram's HTML parse mode, attribute values included. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The tags that message files may use, all of them known to Telegram's HTML parse mode. */
const TAGS = {
  b: (chunks: string) => `<b>${chunks}</b>`,
  i: (chunks: string) => `<i>${chunks}</i>`,
  code: (chunks: string) => `<code>${chunks}</code>`,
};

/** Renders one text as Telegram HTML: the file's own tags stay tags, every value is escaped. */
export type Markup = (key: MessageKey, values?: Readonly<Record<string, MarkupValue>>) => string;

const MARKUPS: Record<MessageLanguage, Markup> = { ja: make('ja'), en: make('en') };

function make(language: MessageLanguage): Markup {
  const t = translator(language);
  return (key, values = {}) => {
    const escaped = Object.entries(values).map(([name, value]) => [name, toText(value)] as const);
    return t.markup(key, { ...Object.fromEntries(escaped), ...TAGS });
  };
}

function toText(value: MarkupValue): string | number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? escapeHtml(value) : value.html;
}

/** The texts of one language for chat messages: `markup('ja')('bot.help.title')`. */
export function markup(language: MessageLanguage): Markup {
  return MARKUPS[language];
}

/**
 * A link that opens the Mini App at a place, from any chat. `startParam` has at most 512 characters of
 * `[A-Za-z0-9_-]` (telegram.md §1.8).
 */
export function miniAppLink(botUsername: string, startParam: string): string {
  return `https://t.me/${botUsername}?startapp=${startParam}`;
}

/** A link to the chat with the bot that sends it `/start <payload>`; at most 64 characters of `[A-Za-z0-9_-]`. */
export function botLink(botUsername: string, payload: string): string {
  return `https://t.me/${botUsername}?start=${payload}`;
}

/** A link that opens Telegram's sheet for buying Stars until the balance is at least `stars`. */
export function topUpLink(stars: bigint): string {
  return `tg://stars_topup?balance=${stars}&purpose=subs`;
}
