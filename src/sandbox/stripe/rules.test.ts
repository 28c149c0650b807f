import { describe, expect, it } from 'vitest';
import { judgeCardForm } from './cards.ts';
import { readForm } from './form.ts';
import { feeOf, formatMoney } from './money.ts';

describe('a form', () => {
  it('nests as its brackets say, and makes lists of numbers and empty brackets', () => {
    const text =
      'line_items[0][price_data][currency]=jpy&line_items[0][quantity]=1&expand[]=a&expand[]=b&metadata[k]=v%20w';
    expect(readForm(text)).toEqual({
      line_items: [{ price_data: { currency: 'jpy' }, quantity: '1' }],
      expand: ['a', 'b'],
      metadata: { k: 'v w' },
    });
  });

  it.each(['a[b=1', 'a=1&a[b]=2', 'a[b]=1&a=2', `a${'[b]'.repeat(20)}=1`])('%s is refused', (text) => {
    expect(() => readForm(text)).toThrow();
  });

  it('cannot reach the prototype', () => {
    const form = readForm('__proto__[polluted]=1&metadata[__proto__]=2');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(form)).toBe(Object.prototype);
  });
});

it('judges a card as it is typed, before any bank is asked', () => {
  const nowMs = Date.UTC(2026, 10, 27);
  const good = { number: '4242 4242 4242 4242', expiry: '11 / 26', cvc: '123' };
  expect(judgeCardForm(good, nowMs)).toMatchObject({ card: { brand: 'visa' } });
  expect(judgeCardForm({ ...good, expiry: '10/26' }, nowMs)).toMatchObject({
    problem: { code: 'invalid_expiry_year' },
  });
  expect(judgeCardForm({ ...good, expiry: '13/27' }, nowMs)).toMatchObject({
    problem: { code: 'invalid_expiry_year' },
  });
  expect(judgeCardForm({ ...good, number: '1234' }, nowMs)).toMatchObject({ problem: { code: 'incorrect_number' } });
  expect(judgeCardForm({ ...good, cvc: '12' }, nowMs)).toMatchObject({ problem: { code: 'invalid_cvc' } });
});

it('reckons in whole minor units', () => {
  expect(feeOf(1_200, 'usd')).toBe(65);
  expect(feeOf(1_000, 'eur')).toBe(54);
  expect(feeOf(980, 'jpy')).toBe(35);
  expect(feeOf(13, 'jpy')).toBe(0);
  expect(formatMoney(1_234, 'usd', 'en')).toBe('$12.34');
  expect(formatMoney(1_234, 'jpy', 'ja')).toBe('￥1,234');
});
