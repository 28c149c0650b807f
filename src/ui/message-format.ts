import type en from '#messages/en.ts';

/**
 * Texts for the screens. The bot and the server use use-intl; its ICU engine would cost the Mini App 12 KiB, and our texts
 * use two constructs of it: `{name}` and `{count, plural, …}`. A test formats every text with both and compares.
 */
export type Language = 'ja' | 'en';

type AppMessages = (typeof en)['app'];

/** What the screens need at once. Long documents and the help articles load with their screens. */
export type ClientMessages = Omit<AppMessages, 'documents' | 'faq'>;
export type LongMessages = Pick<AppMessages, 'documents' | 'faq'>;

type Leaf<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Leaf<T[K]>}` }[keyof T & string];

/** Every text by its dotted name: a name that does not exist fails the type check. */
export type MessageKey = Leaf<ClientMessages>;

export type MessageValues = Readonly<Record<string, string | number>>;
export type Translate = (key: MessageKey, values?: MessageValues) => string;

/** The translate function over one language's texts. Throws for a name or value that is missing: both are bugs. */
export function makeTranslate(language: Language, messages: ClientMessages): Translate {
  return (key, values = {}) => {
    let node: unknown = messages;
    for (const part of key.split('.')) node = (node as Record<string, unknown> | undefined)?.[part];
    if (typeof node !== 'string') throw new Error(`no text ${key} in ${language}`);
    return formatMessage(node, values, language);
  };
}

/** Fills `{name}` and `{name, plural, one {…} other {… # …}}` (plural forms may hold names, and `#` the number). */
export function formatMessage(template: string, values: MessageValues, language: Language): string {
  let text = '';
  for (let at = 0; at < template.length; at += 1) {
    const char = template[at] as string;
    if (char !== '{') {
      text += char;
      continue;
    }
    const end = closingBrace(template, at);
    text += fill(template.slice(at + 1, end), values, language);
    at = end;
  }
  return text;
}

function closingBrace(template: string, from: number): number {
  let depth = 0;
  for (let at = from; at < template.length; at += 1) {
    if (template[at] === '{') depth += 1;
    if (template[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  throw new Error(`unbalanced braces in "${template}"`);
}

function fill(inside: string, values: MessageValues, language: Language): string {
  const [, name, forms] = /^\s*(\w+)\s*(?:,\s*plural\s*,(.*))?$/s.exec(inside) ?? [];
  const value = name === undefined ? undefined : values[name];
  if (value === undefined) throw new Error(`no value for {${inside}}`);
  if (forms === undefined) return unbroken(String(value));
  const count = Number(value);
  const options = new Map<string, string>();
  for (let at = forms.indexOf('{'), from = 0; at >= 0; at = forms.indexOf('{', from)) {
    const end = closingBrace(forms, at);
    options.set(forms.slice(from, at).trim(), forms.slice(at + 1, end));
    from = end + 1;
  }
  const form =
    options.get(`=${count}`) ?? options.get(new Intl.PluralRules(language).select(count)) ?? options.get('other');
  if (form === undefined) throw new Error(`no plural form for ${count} in {${inside}}`);
  return formatMessage(form.replaceAll('#', new Intl.NumberFormat(language).format(count)), values, language);
}

/** An amount's star never stands alone at the beginning of a line. */
function unbroken(value: string): string {
  return value.replaceAll(' ★', '\u00a0★');
}

/** The language to use for what a person or a browser asks for: Japanese for ja, English for the rest of the world. */
export function languageOf(tag: string | null | undefined): Language {
  return /^ja\b/i.test(tag ?? '') ? 'ja' : 'en';
}

/** The best of an Accept-Language header: the first of our languages it names. */
export function languageOfHeader(header: string | null): Language {
  const tags = (header ?? '').split(',').map((part) => part.split(';')[0]?.trim() ?? '');
  return languageOf(tags.find((tag) => /^(ja|en)\b/i.test(tag)));
}
