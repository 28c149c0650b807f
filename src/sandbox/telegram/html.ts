import type { FormattedText, TEntity } from './wire.ts';

const STYLE_OF_TAG: Readonly<Record<string, string>> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  'tg-spoiler': 'spoiler',
  code: 'code',
  pre: 'pre',
  blockquote: 'blockquote',
  a: 'text_link',
  span: 'spoiler',
  'tg-emoji': 'custom_emoji',
  'tg-time': 'date_time',
};

const NAMED_CHARACTERS: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };

type OpenTag = { name: string; offset: number; attributes: Record<string, string> };

/** Telegram's HTML style. Throws an Error with the original's wording, byte offsets included. */
export function parseHtml(source: string): FormattedText {
  const entities: TEntity[] = [];
  const open: OpenTag[] = [];
  let text = '';
  let position = 0;
  while (position < source.length) {
    const character = source.charAt(position);
    if (character === '&') {
      const [decoded, length] = decodeCharacter(source, position);
      text += decoded;
      position += length;
    } else if (character !== '<') {
      text += character;
      position += 1;
    } else if (source.charAt(position + 1) === '/') {
      position = closeTag(source, position, open, entities, text.length);
    } else {
      position = openTag(source, position, open, text.length);
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw new Error(`Can't find end tag corresponding to start tag "${unclosed.name}"`);
  return { text, entities: joinPreCode(entities) };
}

function decodeCharacter(source: string, position: number): [string, number] {
  const match = /^&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot));?/i.exec(source.slice(position, position + 12));
  if (match === null) return ['&', 1];
  const named = NAMED_CHARACTERS[match[3]?.toLowerCase() ?? ''];
  if (named !== undefined) return [named, match[0].length];
  const code = match[1] === undefined ? Number.parseInt(match[2] ?? '', 16) : Number.parseInt(match[1], 10);
  if (code === 0 || code > 0x10ffff) return ['&', 1];
  return [String.fromCodePoint(code), match[0].length];
}

function openTag(source: string, position: number, open: OpenTag[], offset: number): number {
  const at = byteOffset(source, position);
  const name = /^[^\s>/]*/.exec(source.slice(position + 1))?.[0].toLowerCase() ?? '';
  if (name === '') throw new Error(`Empty tag name at byte offset ${at}`);
  if (STYLE_OF_TAG[name] === undefined) throw new Error(`Unsupported start tag "${name}" at byte offset ${at}`);
  const end = source.indexOf('>', position);
  if (end < 0) throw new Error(`Unclosed start tag at byte offset ${at}`);
  const attributes: Record<string, string> = {};
  const inside = source.slice(position + 1 + name.length, end);
  for (const match of inside.matchAll(/([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gi)) {
    const value = match[2] ?? match[3] ?? match[4] ?? '';
    attributes[(match[1] ?? '').toLowerCase()] = value.replace(
      /&(?:lt|gt|amp|quot);/g,
      (code) => decodeCharacter(code, 0)[0],
    );
  }
  if (name === 'span' && attributes['class'] !== 'tg-spoiler') {
    throw new Error(`Tag "span" must have class "tg-spoiler" at byte offset ${at}`);
  }
  open.push({ name, offset, attributes });
  return end + 1;
}

function closeTag(source: string, position: number, open: OpenTag[], entities: TEntity[], offset: number): number {
  const at = byteOffset(source, position);
  const end = source.indexOf('>', position);
  if (end < 0) throw new Error(`Unclosed end tag at byte offset ${at}`);
  const name = source
    .slice(position + 2, end)
    .trim()
    .toLowerCase();
  const tag = open.pop();
  if (tag === undefined) throw new Error(`Unexpected end tag at byte offset ${at}`);
  if (name !== '' && name !== tag.name) {
    throw new Error(`Unmatched end tag at byte offset ${at}, expected "</${tag.name}>", found "</${name}>"`);
  }
  const entity = toEntity(tag, offset);
  if (entity !== null) entities.push(entity);
  return end + 1;
}

function toEntity(tag: OpenTag, end: number): TEntity | null {
  const length = end - tag.offset;
  if (length === 0) return null;
  const type = STYLE_OF_TAG[tag.name] ?? '';
  const base = { type, offset: tag.offset, length };
  const { href, class: className, expandable, 'emoji-id': emoji } = tag.attributes;
  if (tag.name === 'a') return href === undefined || href === '' ? null : { ...base, url: href };
  if (tag.name === 'tg-emoji') return emoji === undefined ? null : { ...base, custom_emoji_id: emoji };
  if (tag.name === 'blockquote' && expandable !== undefined) return { ...base, type: 'expandable_blockquote' };
  if (tag.name === 'code' && className?.startsWith('language-') === true) {
    return { ...base, language: className.slice('language-'.length) };
  }
  return base;
}

/** `<pre><code class="language-x">` is one entity: pre with a language. */
function joinPreCode(entities: TEntity[]): TEntity[] {
  const isSame = (a: TEntity, b: TEntity): boolean => a.offset === b.offset && a.length === b.length;
  return entities.flatMap((entity) => {
    if (entity.type === 'code') {
      const isInsidePre = entities.some((other) => other.type === 'pre' && isSame(other, entity));
      const { language: _, ...code } = entity;
      return isInsidePre ? [] : [code];
    }
    const code =
      entity.type === 'pre' ? entities.find((other) => other.type === 'code' && isSame(other, entity)) : undefined;
    return [code?.language === undefined ? entity : { ...entity, language: code.language }];
  });
}

function byteOffset(source: string, position: number): number {
  return Buffer.byteLength(source.slice(0, position));
}
