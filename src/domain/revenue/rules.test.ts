import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CURRENCIES } from '#domain/money.ts';
import { splitRevenue } from './rules.ts';

const fees = fc.record({
  bps: fc.integer({ min: 0, max: 10_000 }),
  fixed: fc.bigInt({ min: 0n, max: 10_000n }),
  network: fc.boolean(),
  isKept: fc.boolean(),
});
const none = { bps: 0, fixed: 0n, network: false, isKept: false };

describe('splitRevenue', () => {
  it('parts of every charge, in every currency, sum to it and none is negative', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 18n }),
        fc.constantFrom(...CURRENCIES),
        fees,
        fc.integer({ min: 0, max: 10_000 }),
        fc.boolean(),
        (amount, currency, processor, platformFeeBps, hasDeveloper) => {
          const split = splitRevenue({ amount, currency }, { processor, platformFeeBps, hasDeveloper });
          expect(split.developerShare + split.platformFee + split.processorFee).toBe(amount);
          for (const part of Object.values(split)) expect(part >= 0n).toBe(true);
          if (!hasDeveloper) expect(split.developerShare).toBe(0n);
        },
      ),
    );
  });

  it.each([
    { amount: 100n, bps: 3_000, platform: 30n, developer: 70n },
    { amount: 101n, bps: 3_000, platform: 30n, developer: 71n },
    { amount: 1n, bps: 3_000, platform: 0n, developer: 1n },
    { amount: 1n, bps: 5_000, platform: 1n, developer: 0n },
    { amount: 100n, bps: 0, platform: 0n, developer: 100n },
    { amount: 100n, bps: 10_000, platform: 100n, developer: 0n },
  ])('$amount at $bps bps: platform $platform, developer $developer', ({ amount, bps, developer, platform }) => {
    const split = splitRevenue(
      { amount, currency: 'XTR' },
      { processor: none, platformFeeBps: bps, hasDeveloper: true },
    );
    expect(split).toEqual({ developerShare: developer, platformFee: platform, processorFee: 0n });
  });

  it('takes the processor first, rounded up, and never more than the charge', () => {
    const card = { bps: 290, fixed: 30n, network: false, isKept: false };
    const terms = { processor: card, platformFeeBps: 3_000, hasDeveloper: true };
    expect(splitRevenue({ amount: 999n, currency: 'USD' }, terms)).toEqual({
      processorFee: 59n,
      platformFee: 282n,
      developerShare: 658n,
    });
    expect(splitRevenue({ amount: 20n, currency: 'USD' }, terms)).toEqual({
      processorFee: 20n,
      platformFee: 0n,
      developerShare: 0n,
    });
  });
});
