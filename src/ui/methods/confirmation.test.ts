import { describe, expect, it } from 'vitest';
import { confirmationLink, readConfirmation } from '#ui/methods/confirmation.ts';

const CARD = { methodId: 'pmt_01kahw9d6xq3v7c0mtz8b5r2ny', secret: 'A-z0_9A-z0_9A-z0_9A-z0' };

describe('the link by which a card is confirmed', () => {
  it('is read as it was made, and is short enough for any start parameter', () => {
    const link = new URL(confirmationLink('hoshi_bot', CARD));
    const startParam = link.searchParams.get('startapp') ?? '';
    expect([link.origin, link.pathname]).toEqual(['https://t.me', '/hoshi_bot']);
    expect(startParam).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(readConfirmation(startParam)).toEqual(CARD);
  });

  it.each([
    null,
    '',
    'methods',
    `card_${CARD.methodId}`,
    `card_${CARD.methodId}_short`,
    `card_${CARD.methodId}_${CARD.secret}x`,
    `card_inv_01kahw9d6xq3v7c0mtz8b5r2ny_${CARD.secret}`,
    `card_${CARD.methodId}_${CARD.secret.slice(1)}.`,
  ])('is not %s', (startParam) => expect(readConfirmation(startParam)).toBeNull());
});
