import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CURRENCIES } from '#domain/money.ts';
import { splitRevenue } from '#domain/revenue/rules.ts';
import {
  type Entry,
  entriesForHold,
  entriesForPayment,
  entriesForReturn,
  entriesForWonDispute,
  returnedShare,
  reversed,
} from './rules.ts';

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
/** A payment with its whole cut into up to six parts that go back one after the other. */
const returns = fc
  .tuple(payments, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }))
  .map(([payment, cuts]) => {
    const inner = cuts.map((cut) => (payment.amount * BigInt(Math.floor(cut * 1_000_000))) / 1_000_000n);
    const steps = [...new Set([0n, ...inner, payment.amount])].sort((a, b) => (a < b ? -1 : 1));
    return { payment, spans: steps.slice(1).map((to, index) => ({ from: steps[index] ?? 0n, to })) };
  });
const balances = (entries: ReadonlyArray<Entry>) => {
  const accounts = [...new Set(entries.map(({ account }) => account))];
  return Object.fromEntries(accounts.map((name) => [name, sum(entries.filter(({ account }) => account === name))]));
};
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

  it('of returns undo the payment leg by leg, in whatever parts it goes back', () => {
    fc.assert(
      fc.property(returns, ({ payment, spans }) => {
        const back = spans.map((span) => entriesForReturn(payment, span, { isFeeKept: false }));
        for (const [index, legs] of back.entries()) {
          const { from, to } = spans[index] ?? { from: 0n, to: 0n };
          expect(sum(legs)).toBe(0n);
          expect(new Set(legs.map(({ account }) => account)).size).toBe(legs.length);
          const { processor_fees = 0n, provider_receivable = 0n } = balances(legs);
          expect(-processor_fees - provider_receivable).toBe(to - from);
        }
        for (const left of Object.values(balances([...entriesForPayment(payment), ...back.flat()])))
          expect(left).toBe(0n);
      }),
    );
  });

  it('of returns whose fee the provider keeps leave exactly that fee, as the platform’s loss', () => {
    fc.assert(
      fc.property(returns, ({ payment, spans }) => {
        const back = spans.flatMap((span) => entriesForReturn(payment, span, { isFeeKept: true }));
        const left = balances([...entriesForPayment(payment), ...back]);
        expect(left['processor_fees'] ?? 0n).toBe(payment.processorFee);
        expect(left['provider_receivable'] ?? 0n).toBe(-payment.processorFee);
        expect([left['developer_payable'] ?? 0n, left['platform_revenue'] ?? 0n]).toEqual([0n, 0n]);
      }),
    );
  });

  it('that take the last returns back, whichever they were, leave what is returned to the unit', () => {
    fc.assert(
      fc.property(returns, ({ payment, spans }) => {
        const done = spans.flatMap((span) => entriesForReturn(payment, span, { isFeeKept: false }));
        const undone = spans
          .slice(1)
          .toReversed()
          .flatMap((span) => reversed(entriesForReturn(payment, span, { isFeeKept: false })));
        const to = spans[0]?.to ?? 0n;
        const { developer_payable = 0n } = balances([...entriesForPayment(payment), ...done, ...undone]);
        expect(developer_payable).toBe((payment.developerShare * to) / payment.amount - payment.developerShare);
      }),
    );
  });

  it('of a hold move the share aside and sum to zero; without a share there is nothing to move', () => {
    expect(entriesForHold({ developerUserId: 'usr_developer', share: 7n, currency: 'USD' })).toEqual([
      { account: 'developer_payable', owner: 'usr_developer', amount: 7n, currency: 'USD' },
      { account: 'dispute_hold', owner: 'usr_developer', amount: -7n, currency: 'USD' },
    ]);
    expect(entriesForHold({ developerUserId: 'usr_developer', share: 0n, currency: 'USD' })).toEqual([]);
  });

  it('of a dispute end its hold, won or lost, whatever went back between', () => {
    fc.assert(
      fc.property(returns, fc.bigInt({ min: 0n, max: 2_000n }), fc.boolean(), (given, fee, isLost) => {
        const { payment, spans } = given;
        const [first = { from: 0n, to: payment.amount }, last = first] = [spans[0], spans.at(-1)];
        const { currency, developerUserId, providerId } = payment;
        const held = returnedShare(payment.developerShare, payment.amount, first);
        const hold = developerUserId ? entriesForHold({ developerUserId, share: held, currency }) : [];
        const end = isLost
          ? entriesForReturn(payment, last, { isFeeKept: true, held, extraFee: fee })
          : entriesForWonDispute({ providerId, developerUserId, held, fee, currency });
        const legs = [...hold, ...end];
        expect(sum(end)).toBe(0n);
        expect(new Set(end.map(({ account }) => account)).size).toBe(end.length);
        const left = balances(legs);
        expect(left['dispute_hold'] ?? 0n).toBe(0n);
        const returned = isLost ? last.to - last.from : 0n;
        expect(-(left['processor_fees'] ?? 0n) - (left['provider_receivable'] ?? 0n)).toBe(returned);
        expect(left['developer_payable'] ?? 0n).toBe(
          isLost ? returnedShare(payment.developerShare, payment.amount, last) : 0n,
        );
      }),
    );
  });

  it('of a lost dispute cost the platform its fee and the fee of the charge', () => {
    const shares = { amount: 1_000n, platformFee: 270n, processorFee: 100n, developerShare: 630n };
    const payment = { providerId: 'card', currency: 'USD', developerUserId: 'usr_developer', ...shares };
    const terms = { isFeeKept: true, held: 630n, extraFee: 1_500n };
    expect(entriesForReturn(payment, { from: 0n, to: 1_000n }, terms)).toEqual([
      { account: 'provider_receivable', owner: 'card', amount: -2_500n, currency: 'USD' },
      { account: 'processor_fees', owner: 'card', amount: 1_500n, currency: 'USD' },
      { account: 'dispute_hold', owner: 'usr_developer', amount: 630n, currency: 'USD' },
      { account: 'platform_revenue', owner: '', amount: 370n, currency: 'USD' },
    ]);
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

describe('returnedShare', () => {
  it('gives the whole share in the end, never more than one unit from the exact part on the way', () => {
    fc.assert(
      fc.property(returns, ({ payment: { amount, developerShare }, spans }) => {
        let given = 0n;
        for (const span of spans) {
          const part = returnedShare(developerShare, amount, span);
          expect(part >= 0n).toBe(true);
          given += part;
          const tooLittle = developerShare * span.to - given * amount;
          expect(tooLittle >= 0n && tooLittle < amount).toBe(true);
        }
        expect(given).toBe(developerShare);
      }),
    );
  });
});
