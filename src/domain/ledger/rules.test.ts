import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CURRENCIES } from '#domain/money.ts';
import { splitRevenue } from '#domain/revenue/rules.ts';
import { type Entry, entriesForPayment, entriesForRefund } from './rules.ts';

const payments = fc
  .record({
    amount: fc.bigInt({ min: 1n, max: 10n ** 15n }),
    currency: fc.constantFrom(...CURRENCIES),
    bps: fc.integer({ min: 0, max: 10_000 }),
    fixed: fc.bigInt({ min: 0n, max: 500n }),
    platformFeeBps: fc.integer({ min: 0, max: 10_000 }),
    hasDeveloper: fc.boolean(),
  })
  .map(({ amount, bps, currency, fixed, hasDeveloper, platformFeeBps }) => ({
    providerId: 'telegram-stars',
    amount,
    currency,
    developerUserId: hasDeveloper ? 'usr_developer' : null,
    ...splitRevenue(
      { amount, currency },
      { processor: { bps, fixed, network: false, isKept: false }, platformFeeBps, hasDeveloper },
    ),
  }));
const sum = (entries: ReadonlyArray<Entry>) => entries.reduce((total, entry) => total + entry.amount, 0n);

describe('entries', () => {
  it('of every payment sum to zero, in one currency, with no empty leg and each account once', () => {
    fc.assert(
      fc.property(payments, (payment) => {
        const entries = entriesForPayment(payment);
        expect(sum(entries)).toBe(0n);
        expect(entries.every((entry) => entry.amount !== 0n && entry.currency === payment.currency)).toBe(true);
        expect(new Set(entries.map(({ account }) => account)).size).toBe(entries.length);
      }),
    );
  });

  it('of a refund undo the payment leg by leg', () => {
    fc.assert(
      fc.property(payments, (payment) => {
        const legs = [...entriesForPayment(payment), ...entriesForRefund(payment)];
        for (const account of new Set(legs.map((leg) => leg.account))) {
          expect(sum(legs.filter((leg) => leg.account === account))).toBe(0n);
        }
      }),
    );
  });

  it('owe the developer, hold at the provider, and earn the rest', () => {
    const shares = { amount: 1_000n, platformFee: 270n, processorFee: 100n, developerShare: 630n };
    expect(
      entriesForPayment({ providerId: 'card', currency: 'USD', developerUserId: 'usr_developer', ...shares }),
    ).toEqual([
      { account: 'provider_receivable', owner: 'card', amount: 900n, currency: 'USD' },
      { account: 'processor_fees', owner: 'card', amount: 100n, currency: 'USD' },
      { account: 'developer_payable', owner: 'usr_developer', amount: -630n, currency: 'USD' },
      { account: 'platform_revenue', owner: '', amount: -370n, currency: 'USD' },
    ]);
  });
});
