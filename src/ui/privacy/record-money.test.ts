import { describe, expect, it } from 'vitest';
import { formatMoney } from '#messages/translate.ts';
import { recordMoney } from './record-money.ts';

const CURRENCIES = ['XTR', 'JPY', 'USD', 'EUR', 'UZS', 'BTC', 'ETH'];
const AMOUNTS = ['0', '7', '150', '-1999', '123400', '3600050', '98765432109876543210'];

describe('an amount that a decrypted record says', () => {
  it.each(CURRENCIES)('is written as the server writes it: %s', (currency) => {
    for (const language of ['ja', 'en'] as const)
      for (const amount of AMOUNTS)
        expect(recordMoney({ amount, currency }, language)).toBe(
          formatMoney({ amount: BigInt(amount), currency }, language),
        );
  });

  it('is not guessed', () => {
    expect(recordMoney({ amount: '100', currency: 'XYZ' }, 'en')).toBeNull();
    expect(recordMoney({ amount: '1.5', currency: 'USD' }, 'en')).toBeNull();
    expect(recordMoney({ amount: '', currency: 'USD' }, 'en')).toBeNull();
  });
});
