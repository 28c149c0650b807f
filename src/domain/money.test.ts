import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, allocate, CURRENCIES, CURRENCY_EXPONENTS, Currency, fromDecimal, toDecimal } from './money.ts';

const INT8_MAX = 9_223_372_036_854_775_807n;
const currencies = fc.constantFrom(...CURRENCIES);
const amounts = fc.bigInt({ min: 0n, max: INT8_MAX });

describe('allocate', () => {
  const weights = fc
    .array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 12 })
    .filter((list) => list.some((weight) => weight > 0));

  it('gives every unit away, each part within one unit of its exact share', () => {
    fc.assert(
      fc.property(amounts, weights, (amount, list) => {
        const parts = allocate(amount, list);
        const total = BigInt(list.reduce((sum, weight) => sum + weight, 0));
        expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(amount);
        for (const [index, part] of parts.entries()) {
          const exact = amount * BigInt(list[index] ?? 0);
          expect(part * total - exact < total && exact - part * total < total).toBe(true);
          expect(part >= 0n).toBe(true);
        }
      }),
    );
  });

  it('gives nothing to a weight of zero', () => {
    fc.assert(
      fc.property(amounts, weights, (amount, list) => {
        expect(allocate(amount, [0, ...list])[0]).toBe(0n);
      }),
    );
  });

  it.each([
    [10n, [1, 1, 1], [4n, 3n, 3n]],
    [100n, [3_000, 7_000], [30n, 70n]],
    [101n, [3_000, 7_000], [30n, 71n]],
    [1n, [5_000, 5_000], [1n, 0n]],
    [0n, [1, 2], [0n, 0n]],
  ])('splits %s by %j into %s', (amount, list, parts) => {
    expect(allocate(amount, list)).toEqual(parts);
  });

  it.each([
    [-1n, [1]],
    [1n, []],
    [1n, [0, 0]],
    [1n, [2, -1]],
    [1n, [0.5, 0.5]],
    [1n, [Number.NaN, 1]],
  ])('refuses %s by %j', (amount, list) => {
    expect(() => allocate(amount, list)).toThrow(RangeError);
  });
});

describe('decimals', () => {
  it('come back as they were, in each of the seven currencies', () => {
    expect(CURRENCIES).toEqual(['XTR', 'JPY', 'USD', 'EUR', 'UZS', 'BTC', 'ETH']);
    fc.assert(
      fc.property(currencies, amounts, (currency, amount) => {
        expect(fromDecimal(toDecimal({ amount, currency }), currency)).toEqual({ amount, currency });
      }),
    );
  });

  it('have exactly the digits of the currency', () => {
    fc.assert(
      fc.property(currencies, amounts, (currency, amount) => {
        const [, fraction = ''] = toDecimal({ amount, currency }).split('.');
        expect(fraction).toHaveLength(CURRENCY_EXPONENTS[currency]);
      }),
    );
  });

  it.each([
    [999n, 'USD', '9.99'],
    [5n, 'EUR', '0.05'],
    [-5n, 'EUR', '-0.05'],
    [150n, 'XTR', '150'],
    [-150n, 'JPY', '-150'],
    [1n, 'BTC', '0.00000001'],
    [1_234_567_890n, 'ETH', '1.234567890'],
    [100n, 'UZS', '1.00'],
  ] as const)('%s %s reads %s', (amount, currency, text) => {
    expect(toDecimal({ amount, currency })).toBe(text);
  });

  it.each([
    ['', 'USD'],
    ['-1', 'USD'],
    ['+1', 'USD'],
    ['1e3', 'USD'],
    ['1,5', 'USD'],
    ['1.', 'USD'],
    ['.5', 'USD'],
    ['1.234', 'USD'],
    ['1.0', 'XTR'],
    [' 1', 'USD'],
    ['１', 'USD'],
    ['0x10', 'USD'],
    ['NaN', 'USD'],
    ['92233720368547758.08', 'USD'],
    ['99999999999999999999', 'XTR'],
  ] as const)('%j is no amount of %s', (text, currency) => {
    expect(fromDecimal(text, currency)).toBeNull();
  });

  it('reads fewer digits than the currency has', () => {
    expect(fromDecimal('9.9', 'USD')).toEqual({ amount: 990n, currency: 'USD' });
    expect(fromDecimal('92233720368547758.07', 'USD')?.amount).toBe(INT8_MAX);
  });
});

describe('addMoney', () => {
  it('sums one currency and refuses two', () => {
    fc.assert(
      fc.property(currencies, fc.array(amounts, { minLength: 1 }), (currency, list) => {
        const [first = { amount: 0n, currency }, ...rest] = list.map((amount) => ({ amount, currency }));
        expect(addMoney(first, ...rest).amount).toBe(list.reduce((sum, amount) => sum + amount, 0n));
      }),
    );
    expect(() => addMoney({ amount: 1n, currency: 'USD' }, { amount: 1n, currency: 'EUR' })).toThrow(RangeError);
  });

  it('knows only the closed list of currencies', () => {
    expect(Currency.safeParse('TON').success).toBe(false);
    expect(Currency.options).toEqual(CURRENCIES);
  });
});
