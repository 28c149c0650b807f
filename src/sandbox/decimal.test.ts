import { expect, it } from 'vitest';
import { divideToNearest, divideUp, formatDecimal, parseDecimal } from './decimal.ts';

it.each([
  ['0.00031', 8, 31_000n],
  ['29.99', 2, 2_999n],
  ['1.500000000000000001', 18, 1_500_000_000_000_000_001n],
  ['10', 0, 10n],
  ['0.10000000', 2, 10n],
])('reads %s exactly with %i decimals', (text, digits, units) => {
  expect(parseDecimal(text, digits)).toBe(units);
});

it.each([
  ['0.001', 2],
  ['1e-7', 8],
  ['-1', 2],
  ['1,5', 2],
  ['', 2],
  ['.5', 2],
])('refuses %s with %i decimals', (text, digits) => {
  expect(parseDecimal(text, digits)).toBeNull();
});

it.each([
  [31_000n, 8, '0.00031'],
  [3_000n, 2, '30'],
  [-1n, 8, '-0.00000001'],
  [0n, 18, '0'],
  [7n, 0, '7'],
])('writes %i with %i decimals as %s', (units, digits, text) => {
  expect(formatDecimal(units, digits)).toBe(text);
});

it('rounds up, also below 0, and to the nearest even', () => {
  expect([divideUp(7n, 2n), divideUp(6n, 2n), divideUp(-7n, 2n), divideUp(-1n, 10n)]).toEqual([4n, 3n, -3n, 0n]);
  expect([divideToNearest(5n, 2n), divideToNearest(7n, 2n), divideToNearest(8n, 3n)]).toEqual([2n, 4n, 3n]);
});
