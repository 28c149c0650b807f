import { describe, expect, it } from 'vitest';
import { formatExpiry, formatNumber, hasCheckDigit, readCard } from '#ui/methods/card.ts';

describe('a card as it is typed', () => {
  it.each([
    ['8600069195406311', '8600 0691 9540 6311'],
    ['8600 0691-9540.6311', '8600 0691 9540 6311'],
    ['86000', '8600 0'],
    ['8600', '8600'],
    ['', ''],
    ['12345678901234567890', '1234 5678 9012 3456 789'],
  ])('the number %j is shown as %j', (typed, shown) => expect(formatNumber(typed)).toBe(shown));

  it.each([
    ['0327', '03/27'],
    ['03/27', '03/27'],
    ['03', '03'],
    ['9', '09'],
    ['1', '1'],
    ['032', '03/2'],
    ['03/2027', '03/20'],
  ])('the date %j is shown as %j', (typed, shown) => expect(formatExpiry(typed)).toBe(shown));

  it('is one when both are whole', () => {
    expect(readCard({ number: '8600 0691 9540 6311', expiry: '03/99' })).toEqual({
      number: '8600069195406311',
      expiry: '0399',
    });
  });

  it.each([
    ['8600 0691', '03/99'],
    ['8600 0691 9540 6311', '03'],
    ['8600 0691 9540 6311', '13/27'],
    ['8600 0691 9540 6311', '00/27'],
  ])('is none yet: %s %s', (number, expiry) => expect(readCard({ number, expiry })).toBeNull());
});

it('a check digit fits or does not', () => {
  expect(hasCheckDigit('8600 0691 9540 6311')).toBe(true);
  expect(hasCheckDigit('8600 0691 9540 6312')).toBe(false);
  expect(hasCheckDigit('8600 0691 9504 6311')).toBe(false);
});
