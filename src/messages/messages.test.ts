import { describe, expect, it } from 'vitest';
import { LANGUAGES } from '#domain/identity/rules.ts';
import { escapeHtml, markup, miniAppLink, topUpLink } from './telegram.ts';
import { formatMoney, MESSAGES } from './translate.ts';

type Tree = { [key: string]: string | Tree };

/** Dotted names with their texts. */
function flatten(tree: Tree, prefix = ''): Array<[string, string]> {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[prefix + key, value] as [string, string]] : flatten(value, `${prefix}${key}.`),
  );
}

const TEXTS = Object.fromEntries(
  LANGUAGES.map((language) => [language, new Map(flatten(MESSAGES[language] as unknown as Tree))]),
);
const texts = (language: string) => TEXTS[language] ?? new Map<string, string>();

/** Names in braces; a plural's branches belong to its name. */
const placeholders = (text: string) => [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map(([, name]) => name))].sort();
const tags = (text: string) => [...text.matchAll(/<(\/?\w+)>/g)].map(([, name]) => name).sort();

describe('the texts of both languages', () => {
  it('have the same names', () => {
    expect([...texts('ja').keys()].sort()).toEqual([...texts('en').keys()].sort());
  });

  it.each([...texts('en').keys()])('%s has the same placeholders and tags', (key) => {
    const en = texts('en').get(key) ?? '';
    const ja = texts('ja').get(key) ?? '';
    expect(placeholders(ja)).toEqual(placeholders(en));
    expect(tags(ja)).toEqual(tags(en));
    expect(en.trim()).not.toBe('');
    expect(ja.trim()).not.toBe('');
  });

  const chatTexts = LANGUAGES.flatMap((language) =>
    [...texts(language)].filter(([key]) => /^(bot|notice)\./.test(key)).map(([key, text]) => ({ language, key, text })),
  );

  it.each(chatTexts)('$language $key is fit for Telegram’s HTML', ({ text }) => {
    const withoutTags = text.replaceAll(/<\/?(b|i|code)>/g, '');
    expect(withoutTags).not.toMatch(/[<>&]/);
    expect(text).not.toContain('!');
    expect(text).not.toContain('XTR');
    expect(text.length).toBeLessThan(3000);
  });

  it('fit Telegram’s limits for the profile', () => {
    for (const language of LANGUAGES) {
      const { command, profile } = MESSAGES[language].bot;
      expect(profile.description.length).toBeLessThanOrEqual(512);
      expect(profile.shortDescription.length).toBeLessThanOrEqual(120);
      for (const description of Object.values(command)) expect(description.length).toBeLessThanOrEqual(256);
    }
  });
});

describe('markup', () => {
  it('keeps the tags of a text and escapes its values', () => {
    expect(markup('en')('bot.buy.plan', { plan: '<i>x</i> & "y"', description: 'z' })).toBe(
      '<b>&lt;i&gt;x&lt;/i&gt; &amp; &quot;y&quot;</b>\nz',
    );
  });

  it('counts with numbers', () => {
    expect(markup('en')('error.too_many_attempts', { retryAfterSeconds: 1 })).toContain('in 1 second.');
    expect(markup('en')('error.too_many_attempts', { retryAfterSeconds: 42 })).toContain('in 42 seconds.');
    expect(markup('ja')('error.too_many_attempts', { retryAfterSeconds: 42 })).toContain('42秒後');
  });

  it('lets meant HTML through', () => {
    expect(markup('en')('bot.buy.item', { item: { html: '<code>a</code>' } })).toBe('• <code>a</code>');
    expect(escapeHtml(`<a href="x">'&'</a>`)).toBe(`&lt;a href=&quot;x&quot;&gt;'&amp;'&lt;/a&gt;`);
  });

  it('makes the links that Telegram opens', () => {
    expect(miniAppLink('hoshi_bot', 'receipt_pay_1')).toBe('https://t.me/hoshi_bot?startapp=receipt_pay_1');
    expect(topUpLink(150n)).toBe('tg://stars_topup?balance=150&purpose=subs');
  });
});

describe('so’m', () => {
  it('stand after the number, and tiyin only where there are some', () => {
    const som = (amount: bigint) => LANGUAGES.map((language) => formatMoney({ amount, currency: 'UZS' }, language));
    expect(som(36_000_000n)).toEqual(expect.arrayContaining(['360,000\u00a0so’m', '360,000\u00a0スム']));
    expect(som(123_456n)).toEqual(expect.arrayContaining(['1,234.56\u00a0so’m', '1,234.56\u00a0スム']));
  });
});
