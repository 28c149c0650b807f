import { describe, expect, it } from 'vitest';
import { hasCardData, isCardNumber } from './card-data.ts';

const VISA = '4242424242424242';

describe('what may be card data', () => {
  it.each([
    ['a number', { provider: VISA }],
    ['a number in groups', { provider: '4242 4242-4242.4242' }],
    ['a number in a sentence', { note: `my card is x${VISA}x` }],
    ['a number as a number', { amount: Number(VISA) }],
    ['the shortest and the longest', { a: ['4222222222222', '6304000000000000000'] }],
    ['something deep', { a: [{ b: { c: [VISA] } }] }],
    ['a number as a name', { [VISA]: 1 }],
    ['a token that is a number', { token: '4242-4242-4242-4242' }],
    ['a security code by its name', { cvc: '123' }],
    ['names with case and punctuation', { card: { Security_Code: null } }],
    ['a number under its name, whatever it is', { card_number: 'x' }],
  ])('is %s', (_, body) => expect(hasCardData(body)).toBe(true));

  it.each([
    [
      'an order',
      { item_id: 'personal-pro', amount: 99_900, currency: 'UZS', user_id: 'usr_01kahw9d6xq3v7c0mtz8b5r2ny' },
    ],
    ['digits that fail the check', { note: '4242424242424241' }],
    ['too few and too many digits', { a: '424242424242', b: `${VISA}42424242` }],
    ['a token with such digits in it', { token: `550e8400-e29b-41d4-a716-446655440000${VISA}` }],
    ['nothing', null],
  ])('is not %s', (_, body) => expect(hasCardData(body)).toBe(false));

  it('reads a huge text of digits once', () => {
    expect(hasCardData({ note: '1 '.repeat(130_000) })).toBe(false);
  });

  it('knows a card number that stands alone', () => {
    expect([VISA, ` ${VISA} `, `${VISA}x`, 'tok_1'].map(isCardNumber)).toEqual([true, true, false, false]);
  });
});
