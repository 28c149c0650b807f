import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { PAYMENT_FAILURES } from '#domain/provider/event.ts';
import { checkConfirmation, readCard, toFailedEvent, toPaymentFailure } from './card-token.ts';

const TOKEN = '3B1DF3F1-7358-407C-B57F-0F6351310803';
const failureOf = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return error instanceof ProviderError ? [error.failure, error.code] : error;
  }
};

describe('what the browser brings', () => {
  it('is a token and the code of the SMS', () => {
    expect(checkConfirmation({ token: TOKEN, code: '012345' })).toEqual({ token: TOKEN, code: '012345' });
  });

  it.each([null, '', '.', '..', 'a/b', 'a b', '%2e', 'ё', 'x'.repeat(129)])('never a token like %j', (token) => {
    expect(failureOf(() => checkConfirmation({ token, code: '1' }))).toEqual(['declined', 'TOKEN_MALFORMED']);
  });

  it.each([null, '', '12a', '-1', '1.5', '1234567890', ' 1'])('never a code like %j', (code) => {
    expect(failureOf(() => checkConfirmation({ token: TOKEN, code }))).toEqual(['declined', 'CODE_MALFORMED']);
  });
});

describe('a confirmed card', () => {
  it.each([
    ['8600 55** **** 3244', 'Uzcard', '3244'],
    ['561468******1234', 'Uzcard', '1234'],
    ['9860 01** **** 4321', 'Humo', '4321'],
    ['400000******0002', 'card', '0002'],
  ])('%s is of %s', (number, brand, last4) => {
    expect(readCard({ card_number: number }, TOKEN)).toEqual({ token: TOKEN, brand, last4, expires: null });
  });

  it('may come with a newer token, which is kept', () => {
    expect(readCard({ card_number: '8600********3244', card_token: 'newer' }, TOKEN).token).toBe('newer');
  });

  it.each([
    {},
    { card_number: '8600 55** ****' },
    { card_number: 8600 },
    { card_number: '8600********3244', card_token: '../' },
  ])('%o is none', (body) => {
    expect(failureOf(() => readCard(body, TOKEN))).toEqual(['unavailable', 'UNREADABLE_CARD']);
  });
});

describe('why a card was not charged', () => {
  it.each([
    ['-5017', 'insufficient_funds'],
    // Our own answers to Prepare.
    ['-1', 'processing_error'],
    ['-9', 'processing_error'],
    ['-10', 'card_declined'],
    ['-500', 'card_declined'],
    ['7', 'card_declined'],
  ])('%s: %s', (code, failure) => {
    expect(toPaymentFailure(code)).toBe(failure);
  });

  it('always has a word', () => {
    fc.assert(fc.property(fc.integer(), (code) => PAYMENT_FAILURES.includes(toPaymentFailure(String(code)))));
  });

  it('is told without what Click does not say', () => {
    const now = new Date('2026-11-20T10:00:05Z');
    expect(toFailedEvent({ id: '9007199254740995', status: -2 }, 'inv_1', now)).toEqual({
      type: 'payment_failed',
      eventId: 'payment:9007199254740995:failed',
      occurredAt: now,
      invoiceId: 'inv_1',
      chargeId: null,
      attemptId: null,
      failure: 'card_declined',
      isFinal: true,
    });
  });
});
