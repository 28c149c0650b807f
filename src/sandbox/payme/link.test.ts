import { describe, expect, it } from 'vitest';
import { fillCallback, LinkError, readForm, readLink } from './link.ts';

const MERCHANT = '587f72c72cac0d162c722ae2';
const encode = (text: string): string => Buffer.from(text).toString('base64');

function refusal(text: string): Pick<LinkError, 'code' | 'field'> {
  try {
    readLink(text, MERCHANT);
  } catch (error) {
    if (error instanceof LinkError) return { code: error.code, field: error.field };
  }
  throw new Error('the link was accepted');
}

describe('a pay link', () => {
  it('is read as the documented example', () => {
    const link = 'bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw';
    expect(readLink(link, MERCHANT)).toEqual({
      ...{ merchant: MERCHANT, amount: 500, account: { order_id: '197' }, language: 'ru', callbackTimeoutMs: 15 },
    });
  });

  it('may name language, currency and the way back', () => {
    const link = encode(`m=${MERCHANT};ac.a=1;ac.b=Б;a=500;l=uz;c=https://x.uz/?q=1;ct=2500;cr=860`);
    expect(readLink(link, MERCHANT)).toMatchObject({
      ...{ account: { a: '1', b: 'Б' }, language: 'uz', callback: 'https://x.uz/?q=1', callbackTimeoutMs: 2_500 },
    });
  });

  it.each([
    ['another register', encode(`m=${'0'.repeat(24)};ac.o=1;a=500`), -31601, 'm'],
    ['no register', encode('ac.o=1;a=500'), -31610, 'm'],
    ['no amount', encode(`m=${MERCHANT};ac.o=1`), -31610, 'a'],
    ['an amount of soʻm', encode(`m=${MERCHANT};ac.o=1;a=5.00`), -31610, 'a'],
    ['an amount of 0', encode(`m=${MERCHANT};ac.o=1;a=0`), -31610, 'a'],
    ['no account', encode(`m=${MERCHANT};a=500`), -31610, 'ac'],
    ['an empty account', encode(`m=${MERCHANT};ac.o=;a=500`), -31610, 'ac.o'],
    ['an unknown language', encode(`m=${MERCHANT};ac.o=1;a=500;l=ja`), -31610, 'l'],
    ['an unknown field', encode(`m=${MERCHANT};ac.o=1;a=500;x=1`), -31610, 'x'],
    ['a field twice', encode(`m=${MERCHANT};ac.o=1;a=500;a=1`), -31610, 'a'],
    ['a script as the way back', encode(`m=${MERCHANT};ac.o=1;a=500;c=javascript:alert(1)`), -31610, 'c'],
    ['dollars', encode(`m=${MERCHANT};ac.o=1;a=500;cr=840`), -31610, 'cr'],
    ['base64 without its end', encode(`m=${MERCHANT};ac.o=10;a=500`).replace(/=+$/, ''), -31610, 'link'],
    ['something else', 'favicon.ico', -31610, 'link'],
  ])('is refused with %s', (_what, link, code, field) => {
    expect(refusal(link)).toEqual({ code, field });
  });
});

describe('a form', () => {
  const fields = { merchant: MERCHANT, amount: '500', 'account[order_id]': '197' };

  it('is read with its defaults; the page it stood on is the way back', () => {
    expect(readForm(new URLSearchParams(fields), MERCHANT, 'https://shop.uz/cart')).toEqual({
      ...{ merchant: MERCHANT, amount: 500, account: { order_id: '197' }, language: 'ru', callbackTimeoutMs: 15 },
      callback: 'https://shop.uz/cart',
    });
  });

  it('may describe the purchase in several languages, and its receipt', () => {
    const detail = encode(JSON.stringify({ items: [] }));
    const more = { ...fields, lang: 'en', description: 'Чек', 'description[en]': 'Receipt', detail };
    expect(readForm(new URLSearchParams(more), MERCHANT, undefined)).toMatchObject({
      ...{ description: 'Receipt', detail: { items: [] }, language: 'en' },
    });
  });
});

it('fills in the address to go back to, "null" without a transaction', () => {
  const order = readLink(encode(`m=${MERCHANT};ac.id=a b;a=500;c=https://x.uz/:transaction?id=:account.id`), MERCHANT);
  expect(fillCallback(order, 'abc')).toBe('https://x.uz/abc?id=a%20b');
  expect(fillCallback(order, null)).toBe('https://x.uz/null?id=a%20b');
});
