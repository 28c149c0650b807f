import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTranslator } from 'use-intl/core';
import { describe, expect, it } from 'vitest';
import en from '#messages/en.ts';
import ja from '#messages/ja.ts';
import { formatMessage, languageOf, languageOfHeader, type MessageValues, makeTranslate } from '#ui/message-format.ts';

const MESSAGES = { ja: ja.app, en: en.app };

/** All texts of a tree by their dotted names. */
function leaves(node: object, path = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(node)) {
    const own = path === '' ? name : `${path}.${name}`;
    if (typeof value === 'string') found.set(own, value);
    else for (const [deep, text] of leaves(value as object, own)) found.set(deep, text);
  }
  return found;
}

/** The names of the values a text takes. */
const placeholders = (text: string) => new Set([...text.matchAll(/\{\s*(\w+)\s*[,}]/g)].map(([, name]) => name ?? ''));

const TEXTS = { ja: leaves(MESSAGES.ja), en: leaves(MESSAGES.en) };

describe('the texts of the Mini App', () => {
  it('exist in both languages', () => {
    expect([...TEXTS.ja.keys()].sort()).toEqual([...TEXTS.en.keys()].sort());
  });

  it('take the same values in both languages', () => {
    for (const [name, text] of TEXTS.en) {
      expect(placeholders(TEXTS.ja.get(name) ?? ''), name).toEqual(placeholders(text));
    }
  });

  it.each(['ja', 'en'] as const)('read the same with our formatter as with use-intl: %s', (language) => {
    const reference = createTranslator({ locale: language, messages: { app: MESSAGES[language] } });
    for (const [name, text] of TEXTS[language]) {
      for (const count of [0, 1, 2, 21, 1_234]) {
        const values = Object.fromEntries(
          [...placeholders(text)].map((one) => [one, isNumber(one) ? count : `«${one}»`]),
        );
        const expected = (reference as (key: string, values: MessageValues) => string)(`app.${name}`, values);
        expect(formatMessage(text, values, language), name).toBe(expected);
      }
    }
  });

  it('never shout, and never name the code of a currency', () => {
    for (const text of [...TEXTS.ja.values(), ...TEXTS.en.values()]) expect(text).not.toMatch(/[!！]|XTR/);
  });

  it('get exactly the values they take wherever a screen names them', () => {
    let checked = 0;
    for (const source of sources(join(import.meta.dirname))) {
      for (const [, name, given] of source.matchAll(/\bt\('([\w.]+)'(?:,\s*\{([^}]*)\})?\)/g)) {
        const text = TEXTS.en.get(name ?? '');
        const names = (given ?? '').split(',').flatMap((part) => part.split(':')[0]?.trim() || []);
        expect(new Set(names), `${name}`).toEqual(placeholders(text ?? `no text ${name}`));
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(100);
  });
});

const isNumber = (name: string) => ['count', 'seconds', 'percent', 'days'].includes(name);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(path) && !path.includes('.test.') ? [readFileSync(path, 'utf8')] : [];
  });
}

describe('formatMessage', () => {
  it('refuses what it cannot fill: both are bugs', () => {
    expect(() => formatMessage('{name}', {}, 'en')).toThrow('no value');
    expect(() => formatMessage('{name', { name: 'x' }, 'en')).toThrow('unbalanced');
    expect(() => formatMessage('{n, plural, one {x}}', { n: 2 }, 'en')).toThrow('no plural form');
  });

  it('refuses a name without a text', () => {
    expect(() => makeTranslate('en', MESSAGES.en)('missing' as 'back')).toThrow('no text missing');
  });
});

describe('languages', () => {
  it('are Japanese for Japanese and English for the rest of the world', () => {
    expect(['ja', 'JA', 'ja-JP', 'jav', 'en', 'uz', '', null].map(languageOf)).toEqual([
      'ja',
      'ja',
      'ja',
      'en',
      'en',
      'en',
      'en',
      'en',
    ]);
  });

  it('follow a browser’s first wish that we can grant', () => {
    expect(languageOfHeader('ru,ja;q=0.8,en;q=0.5')).toBe('ja');
    expect(languageOfHeader('en-US,en;q=0.9,ja;q=0.8')).toBe('en');
    expect(languageOfHeader(null)).toBe('en');
  });
});
