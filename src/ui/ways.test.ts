import { describe, expect, it } from 'vitest';
import { chooseWay, groupWays, isResting, wayKey } from '#ui/ways.ts';

const way = (provider: string, method: 'credit_card' | 'bank_transfer' | 'cryptocurrency', isAllowed = true) => ({
  provider,
  method,
  isAllowed,
  isResting: false,
});
const STRIPE = way('stripe', 'credit_card');
const TRANSFER = way('stripe', 'bank_transfer');
const PAYME = way('payme', 'credit_card');
const COINS = way('btcpay', 'cryptocurrency', false);

describe('ways to pay', () => {
  it('stand under their method, where its first way stood', () => {
    expect(groupWays([STRIPE, TRANSFER, PAYME])).toEqual([
      { method: 'credit_card', ways: [STRIPE, PAYME] },
      { method: 'bank_transfer', ways: [TRANSFER] },
    ]);
  });

  it('come last where none of a method may be used', () => {
    expect(groupWays([COINS, STRIPE]).map(({ method }) => method)).toEqual(['credit_card', 'cryptocurrency']);
    const half = { ...COINS, provider: 'crypto-pay', isAllowed: true };
    expect(groupWays([COINS, STRIPE, half]).map(({ method }) => method)).toEqual(['cryptocurrency', 'credit_card']);
  });

  it('of one provider are told apart', () => {
    expect(new Set([STRIPE, TRANSFER, PAYME].map(wayKey)).size).toBe(3);
  });
});

describe('the chosen way', () => {
  it('is the wanted one, else the first that may be used', () => {
    expect(chooseWay([STRIPE, TRANSFER], wayKey(TRANSFER))).toBe(TRANSFER);
    expect(chooseWay([COINS, TRANSFER], null)).toBe(TRANSFER);
  });

  it('is one that answers where nobody wants another, else the first', () => {
    const resting = { ...STRIPE, isResting: true };
    const alsoResting = { ...PAYME, isResting: true };
    expect(chooseWay([resting, TRANSFER], null)).toBe(TRANSFER);
    expect(chooseWay([resting, COINS, PAYME], null)).toBe(PAYME);
    expect(chooseWay([resting, TRANSFER], wayKey(resting))).toBe(resting);
    expect(chooseWay([resting, alsoResting], null)).toBe(resting);
    expect([STRIPE, TRANSFER].map((way) => isResting(way, [resting, TRANSFER]))).toEqual([true, false]);
  });

  it('is never one that may not be used', () => {
    expect(chooseWay([COINS, STRIPE], wayKey(COINS))).toBe(STRIPE);
    expect(chooseWay([COINS], wayKey(COINS))).toBeNull();
    expect(chooseWay([], null)).toBeNull();
  });
});
