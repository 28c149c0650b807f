import { describe, expect, it } from 'vitest';
import { cardExpiry, cardName, isExpired } from '#ui/cards.ts';

describe('a stored card', () => {
  it.each([
    [{ brand: 'visa', last4: '4242' }, 'Visa •••• 4242'],
    [{ brand: 'Uzcard', last4: '6311' }, 'Uzcard •••• 6311'],
    [{ brand: 'Sun Card', last4: '0001' }, 'Sun Card •••• 0001'],
    [{ brand: 'humo', last4: '' }, 'Humo'],
    [{ brand: '', last4: '4242' }, '•••• 4242'],
  ])('%j is told from others as %s', (card, name) => {
    expect(cardName(card).replaceAll('\u00a0', ' ')).toBe(name);
  });

  it('shows until when it is good, where that is known', () => {
    expect(cardExpiry({ expires: '2027-12' })).toBe('12/2027');
    expect(cardExpiry({ expires: null })).toBeNull();
    expect(cardExpiry({ expires: '99/03' })).toBeNull();
  });

  it('is good to the end of its month', () => {
    expect(isExpired({ expires: '2027-12' }, new Date('2027-12-31T23:59:59Z'))).toBe(false);
    expect(isExpired({ expires: '2027-12' }, new Date('2028-01-01T00:00:00Z'))).toBe(true);
    expect(isExpired({ expires: null }, new Date('2099-01-01T00:00:00Z'))).toBe(false);
  });
});
