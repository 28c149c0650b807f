import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda } from './agenda.ts';
import { formatText, plainText } from './telegram/entities.ts';

describe('HTML', () => {
  it.each([
    [
      '<b>bold <i>both</i></b>',
      'bold both',
      [
        ['bold', 0, 9],
        ['italic', 5, 4],
      ],
    ],
    ['a &lt;b&gt; &amp; &quot;&#128512;&quot;', 'a <b> & "😀"', []],
    ['<code>x &amp; y</code>', 'x & y', [['code', 0, 5]]],
    ['<a href="https://t.me/a?b=1&amp;c=2">link</a>', 'link', [['text_link', 0, 4]]],
    [
      '<tg-spoiler>s</tg-spoiler><span class="tg-spoiler">t</span>',
      'st',
      [
        ['spoiler', 0, 1],
        ['spoiler', 1, 1],
      ],
    ],
    ['<blockquote expandable>q</blockquote>', 'q', [['expandable_blockquote', 0, 1]]],
    ['  <b>trimmed</b>  ', 'trimmed', [['bold', 0, 7]]],
    ['<b></b>plain', 'plain', []],
  ])('%s', (source, text, entities) => {
    const formatted = formatText(source, 'HTML', undefined);
    expect(formatted.text).toBe(text);
    expect(formatted.entities.map(({ type, offset, length }) => [type, offset, length])).toEqual(entities);
  });

  it('keeps the language of a code block', () => {
    const source = '<pre><code class="language-ts">let x</code></pre>';
    expect(formatText(source, 'HTML', undefined).entities).toEqual([
      { type: 'pre', offset: 0, length: 5, language: 'ts' },
    ]);
  });

  it.each([
    ['<b>x</i>', 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
    ['x</b>', 'Unexpected end tag at byte offset 1'],
    ['a < b', 'Unsupported start tag'],
    ['<span>x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
    ['<b', 'Unclosed start tag at byte offset 0'],
  ])('refuses %s', (source, complaint) => {
    const refusal = complaint === 'Unsupported start tag' ? 'Empty tag name at byte offset 2' : complaint;
    expect(() => formatText(source, 'HTML', undefined)).toThrow(`Bad Request: can't parse entities: ${refusal}`);
  });

  it('gives any escaped text back as it was', () => {
    const escapeHtml = (text: string): string =>
      text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        (text) => formatText(escapeHtml(text), 'HTML', undefined).text === text.trim(),
      ),
    );
  });
});

describe('MarkdownV2', () => {
  it.each([
    [
      '*bold _both_*',
      'bold both',
      [
        ['bold', 0, 9],
        ['italic', 5, 4],
      ],
    ],
    [
      '__under__ ~gone~ ||hid||',
      'under gone hid',
      [
        ['underline', 0, 5],
        ['strikethrough', 6, 4],
        ['spoiler', 11, 3],
      ],
    ],
    ['`a*b` 1\\.5', 'a*b 1.5', [['code', 0, 3]]],
    ['[text](https://example.com/a\\)b)', 'text', [['text_link', 0, 4]]],
    ['```ts\nlet x```', 'let x', [['pre', 0, 5]]],
  ])('%s', (source, text, entities) => {
    const formatted = formatText(source, 'MarkdownV2', undefined);
    expect(formatted.text).toBe(text);
    expect(formatted.entities.map(({ type, offset, length }) => [type, offset, length])).toEqual(entities);
  });

  it.each([
    ['1.5', "Character '.' is reserved and must be escaped with the preceding '\\'"],
    ['*open', "Can't find end of Bold entity at byte offset 0"],
  ])('refuses %s', (source, complaint) => {
    expect(() => formatText(source, 'MarkdownV2', undefined)).toThrow(
      `Bad Request: can't parse entities: ${complaint}`,
    );
  });
});

describe('plain text', () => {
  it('has links, commands, mentions and hashtags found in it', () => {
    const { entities } = plainText('/start see https://t.me/x, ask @someone or a@b.example #help a/b');
    expect(entities.map(({ type }) => type)).toEqual(['bot_command', 'url', 'mention', 'email', 'hashtag']);
  });

  it('keeps given entities inside the text and drops what it does not know', () => {
    const given = [{ type: 'bold', offset: 2, length: 99 }, { type: 'nonsense', offset: 0, length: 1 }, 'x'];
    expect(formatText('ab cd', '', given).entities).toEqual([{ type: 'bold', offset: 2, length: 3 }]);
  });
});

describe('the agenda', () => {
  it('runs everything once, in the order of its time, whatever order it was planned in', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000)), fc.nat(1_000), (times, now) => {
        const agenda = new Agenda(() => now);
        const ran: number[] = [];
        agenda.hold();
        for (const time of times) agenda.plan(time, () => ran.push(time), time % 2 === 0);
        agenda.runDue();
        agenda.clear();
        expect(ran).toEqual(times.filter((time) => time <= now).sort((a, b) => a - b));
      }),
    );
  });
});
