import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CatalogPrice } from '#domain/catalog/list-catalog.ts';
import { AppError } from '#domain/errors.ts';
import { judgeFee } from './checkout-routes.ts';
import { choosePrice } from './item.ts';
import { spanOf } from './revenue-routes.ts';
import { percentage } from './schemas.ts';

function reasonOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof AppError) return error.reason;
    throw error;
  }
}

describe('percentage', () => {
  it.each([
    [0, '0'],
    [3000, '30'],
    [290, '2.9'],
    [1234, '12.34'],
    [5, '0.05'],
    [10_000, '100'],
  ])('%i bps are %s %%', (bps, text) => expect(percentage(bps)).toBe(text));

  it('loses nothing', () => {
    const bps = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(bps, (value) => {
        expect(Math.round(Number(percentage(value)) * 100)).toBe(value);
      }),
    );
  });
});

describe('choosePrice', () => {
  const prices: CatalogPrice[] = [
    { id: 'm', amount: 150n, currency: 'XTR', interval: 'month' },
    { id: 'y', amount: 1500n, currency: 'XTR', interval: 'year' },
    { id: 'u', amount: 999n, currency: 'USD', interval: 'month' },
  ];

  it.each([
    [{ currency: 'XTR' }, 'm'],
    [{ currency: 'XTR', amount: 1500n }, 'y'],
    [{ currency: 'XTR', interval: 'year' }, 'y'],
    [{ currency: 'USD', amount: 999n }, 'u'],
  ] as const)('takes %o for %s', (wish, id) => expect(choosePrice(prices, wish).id).toBe(id));

  it.each([
    [{ currency: 'XTR', amount: 149n }, 'amount_mismatch'],
    [{ currency: 'XTR', interval: 'month', amount: 1500n }, 'amount_mismatch'],
    [{ currency: 'EUR', amount: 150n }, 'currency_mismatch'],
    [{ currency: 'USD', interval: 'year' }, 'price_not_found'],
  ] as const)('refuses %o: %s', (wish, reason) => expect(reasonOf(() => choosePrice(prices, wish))).toBe(reason));

  it('has nothing to choose for a free plan', () => {
    expect(reasonOf(() => choosePrice([], { currency: 'XTR' }))).toBe('plan_not_for_sale');
  });
});

describe('judgeFee', () => {
  const nothing = { feeBps: undefined, developerUserId: undefined, isSharing: undefined };
  const plugin = { developerUserId: 'usr_dev', productFeeBps: null, effectiveFeeBps: 3000, isServer: true };
  const own = { ...plugin, developerUserId: null };

  it.each([
    ['asks for nothing', nothing, plugin, null],
    ['repeats the catalogue', { feeBps: 3000, developerUserId: 'usr_dev', isSharing: true }, plugin, null],
    ['sets another fee, as a server', { ...nothing, feeBps: 2000 }, plugin, 2000],
    ['asks to share what has nobody to share with', { ...nothing, isSharing: true }, own, null],
    ['asks not to share what is not shared', { ...nothing, isSharing: false }, own, null],
  ])('lets pass who %s', (_, wish, terms, fee) => expect(judgeFee(wish, terms)).toBe(fee));

  it.each([
    ['takes the share away', { ...nothing, isSharing: false }, plugin],
    ['names another developer', { ...nothing, developerUserId: 'usr_thief' }, plugin],
    ['names a developer of our own product', { ...nothing, developerUserId: 'usr_dev' }, own],
    ['sets a fee as a person', { ...nothing, feeBps: 1 }, { ...plugin, isServer: false }],
    ['sets a fee of our own product', { ...nothing, feeBps: 1 }, own],
    [
      'sets a fee the product has agreed',
      { ...nothing, feeBps: 1 },
      { ...plugin, productFeeBps: 2500, effectiveFeeBps: 2500 },
    ],
  ])('refuses who %s', (_, wish, terms) => expect(reasonOf(() => judgeFee(wish, terms))).toBe('fee_not_settable'));
});

describe('spanOf', () => {
  const now = new Date('2026-11-20T10:00:00.000Z');

  it('is the last 30 days by default', () => {
    expect(spanOf({}, now)).toEqual({ from: new Date('2026-10-21T10:00:00.000Z'), to: now });
  });

  it.each([
    ['backwards', { from: now, to: new Date('2026-11-19') }],
    ['empty', { from: now, to: now }],
    ['longer than a year', { from: new Date('2025-01-01'), to: now }],
  ])('refuses one that is %s', (_, asked) => expect(reasonOf(() => spanOf(asked, now))).toBe('malformed_request'));
});
