import { asObject } from './args.ts';
import { badRequest } from './errors.ts';
import { parseHtml } from './html.ts';
import { parseMarkdown } from './markdown.ts';
import type { FormattedText, TEntity } from './wire.ts';

const EXPLICIT_TYPES: ReadonlySet<string> = new Set([
  'bold',
  'italic',
  'underline',
  'strikethrough',
  'spoiler',
  'code',
  'pre',
  'text_link',
  'blockquote',
  'expandable_blockquote',
  'custom_emoji',
  'text_mention',
]);

/** Found by every Telegram client and server in plain text. */
const AUTOMATIC: ReadonlyArray<{ type: string; pattern: RegExp }> = [
  { type: 'url', pattern: /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'…。、」]/gi },
  { type: 'email', pattern: /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g },
  { type: 'bot_command', pattern: /(?<![\w/@])\/[a-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])/gi },
  { type: 'mention', pattern: /(?<!\w)@[a-z]\w{3,31}\b/gi },
  { type: 'hashtag', pattern: /(?<!\w)#[\p{L}\p{N}_]*[\p{L}_][\p{L}\p{N}_]*/gu },
];

/** Text as the bot gave it, by parse mode or entity list, with the automatic entities added. Throws Telegram's texts. */
export function formatText(text: string, parseMode: string, given: unknown): FormattedText {
  const mode = parseMode.toLowerCase();
  if (mode === 'html') return finish(complainAbout(() => parseHtml(text)));
  if (mode === 'markdownv2') return finish(complainAbout(() => parseMarkdown(text)));
  if (mode === 'markdown') return finish(complainAbout(() => parseMarkdown(text, true)));
  if (mode !== '') throw badRequest('Unsupported parse_mode');
  return finish({ text, entities: readEntities(given) });
}

/** Text as a person types it. */
export function plainText(text: string): FormattedText {
  return finish({ text, entities: [] });
}

function complainAbout(parse: () => FormattedText): FormattedText {
  try {
    return parse();
  } catch (error) {
    throw badRequest(`can't parse entities: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `entities` argument; like the original it skips what it does not understand instead of refusing. */
function readEntities(given: unknown): TEntity[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((item: unknown) => {
    const entity = asObject(item);
    const { type, offset, length, url, language, custom_emoji_id: emoji } = entity ?? {};
    if (typeof type !== 'string' || !EXPLICIT_TYPES.has(type)) return [];
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return [];
    return [
      {
        type,
        offset: offset as number,
        length: length as number,
        ...(typeof url === 'string' ? { url } : {}),
        ...(typeof language === 'string' ? { language } : {}),
        ...(typeof emoji === 'string' ? { custom_emoji_id: emoji } : {}),
      },
    ];
  });
}

/** Cuts white space off the ends, keeps entities inside the text, adds the automatic ones, sorts. */
function finish(formatted: FormattedText): FormattedText {
  const leading = formatted.text.length - formatted.text.trimStart().length;
  const text = formatted.text.trim();
  const explicit = formatted.entities.flatMap((entity) => {
    const start = Math.max(0, entity.offset - leading);
    const end = Math.min(text.length, entity.offset - leading + entity.length);
    return end > start ? [{ ...entity, offset: start, length: end - start }] : [];
  });
  const entities = [...explicit];
  for (const { type, pattern } of AUTOMATIC) {
    for (const match of text.matchAll(pattern)) {
      const found = { type, offset: match.index, length: match[0].length };
      if (!entities.some((entity) => overlaps(entity, found) && !isOnlyStyle(entity))) entities.push(found);
    }
  }
  entities.sort((a, b) => a.offset - b.offset || b.length - a.length);
  return { text, entities };
}

function overlaps(left: TEntity, right: TEntity): boolean {
  return left.offset < right.offset + right.length && right.offset < left.offset + left.length;
}

function isOnlyStyle(entity: TEntity): boolean {
  return ['bold', 'italic', 'underline', 'strikethrough', 'spoiler', 'blockquote', 'expandable_blockquote'].includes(
    entity.type,
  );
}
