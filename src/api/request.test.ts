import { describe, expect, it } from 'vitest';
import { AppError } from '#domain/errors.ts';
import { decodeCursor, encodeCursor, Month } from './cursor.ts';
import { isJson, languageOf, parseJson, readBody } from './request.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

async function reasonOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof AppError) return error.reason;
    throw error;
  }
  return 'nothing was refused';
}

describe('languageOf', () => {
  it.each([
    [null, 'en'],
    ['', 'en'],
    ['ja', 'ja'],
    ['ja-JP,ja;q=0.9,en;q=0.8', 'ja'],
    ['fr,en;q=0.3,ja;q=0.9', 'ja'],
    ['uz,ru;q=0.9', 'en'],
    ['ja;q=0,en', 'en'],
    ['en;q=wat,ja', 'ja'],
    ['*', 'en'],
  ])('reads %j as %s', (header, language) => {
    expect(languageOf(header)).toBe(language);
  });
});

describe('parseJson', () => {
  it('reads what is not too deep', () => {
    expect(parseJson(bytes('{"a":[{"b":"]]]]]]]]]]{{{{{{{{{\\"["}]}'))).toEqual({
      a: [{ b: ']]]]]]]]]]{{{{{{{{{"[' }],
    });
  });

  it.each([
    ['nothing', ''],
    ['half an object', '{"a":'],
    ['nine levels', '['.repeat(9) + ']'.repeat(9)],
    ['a megabyte of brackets', '['.repeat(1_000_000)],
    ['JavaScript', "{a:'b'}"],
    ['NaN', '{"a":NaN}'],
  ])('refuses %s', async (_, text) => {
    expect(await reasonOf(() => parseJson(bytes(text)))).toBe('malformed_request');
  });

  it('refuses bytes that are not UTF-8', async () => {
    expect(await reasonOf(() => parseJson(new Uint8Array([0x22, 0xc3, 0x28, 0x22])))).toBe('malformed_request');
  });
});

describe('readBody', () => {
  const request = (body: BodyInit, headers: Record<string, string> = {}) =>
    new Request('http://localhost/', { method: 'POST', body, headers });

  it('reads up to the limit and not a byte more', async () => {
    expect(await readBody(request('x'.repeat(10)), 10)).toHaveLength(10);
    expect(await reasonOf(() => readBody(request('x'.repeat(11)), 10))).toBe('body_too_large');
  });

  it('stops reading a body without a length', async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024));
      },
    });
    const streaming = new Request('http://localhost/', {
      method: 'POST',
      body: endless,
      duplex: 'half',
    } as RequestInit);
    expect(await reasonOf(() => readBody(streaming, 4096))).toBe('body_too_large');
    expect(pulled).toBeLessThan(10);
  });

  it('does not take a sender that went away for a database that did', async () => {
    const broken = new ReadableStream({
      pull: (controller) => controller.error(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })),
    });
    const aborted = new Request('http://localhost/', { method: 'POST', body: broken, duplex: 'half' } as RequestInit);
    expect(await reasonOf(() => readBody(aborted, 10))).toBe('malformed_request');
  });

  it('believes a length that is too large', async () => {
    expect(await reasonOf(() => readBody(request('x', { 'content-length': '999' }), 10))).toBe('body_too_large');
  });
});

describe('isJson', () => {
  it.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['APPLICATION/JSON', true],
    ['application/jsonp', false],
    ['text/plain', false],
    [null, false],
  ])('%s: %s', (header, expected) => {
    expect(isJson(header)).toBe(expected);
  });
});

describe('cursors', () => {
  const cursor = { paidAt: new Date('2026-11-20T10:00:00.123Z'), id: 'pay_01kahw9d6xq3v7c0mtz8b5r2ny' };
  const packed = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('come back as they went', () => {
    expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
  });

  it.each([
    ['nothing', ''],
    ['a word', 'next'],
    ['not an array', packed({ paidAt: '2026-11-20T10:00:00.123Z' })],
    ['a year before Postgres', packed(['0000-01-01T00:00:00.000Z', cursor.id])],
    ['a day that is none', packed(['2026-11-39T10:00:00.123Z', cursor.id])],
    ['SQL', packed(['2026-11-20T10:00:00.123Z', "pay_1'; DROP TABLE payment; --"])],
    ['another kind of id', packed(['2026-11-20T10:00:00.123Z', 'usr_1'])],
    ['a long one', 'A'.repeat(10_000)],
  ])('refuse %s', async (_, text) => {
    expect(await reasonOf(() => decodeCursor(text))).toBe('malformed_request');
  });

  it.each(['2026-11', '2099-12'])('%s is a month', (text) => expect(Month.safeParse(text).success).toBe(true));
  it.each(['2026-13', '2026-00', '1999-01', '2026-1', "2026-11'"])('%s is none', (text) =>
    expect(Month.safeParse(text).success).toBe(false),
  );
});
