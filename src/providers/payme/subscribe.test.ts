import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { PAYMENT_FAILURES } from '#domain/provider/event.ts';
import cardsCheck from './fixtures/cards-check.json';
import receiptsGet from './fixtures/receipts-get.json';
import { readCard, readWholeReceipt, toEvents, toPaymentFailure } from './subscribe.ts';

const failureOf = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return error instanceof ProviderError ? [error.failure, error.code] : error;
  }
};

describe('a stored card', () => {
  const { card } = cardsCheck.answer.result;
  const read = (change: object) => readCard({ card: { ...card, ...change } });

  it('is known by what tells it from others', () => {
    expect(read({})).toEqual({ token: card.token, brand: 'Uzcard', last4: '6311', expires: '2099-03' });
  });

  it.each([
    ['860006******6311', 'Uzcard'],
    ['561468******1234', 'Uzcard'],
    ['986009******4321', 'Humo'],
    ['8600 06** **** 6311', 'Uzcard'],
    ['400000******0002', 'card'],
    ['********6311', 'card'],
  ])('%s is of %s', (number, brand) => {
    expect(read({ number })).toMatchObject({ brand, last4: number.slice(-4) });
  });

  it.each([
    ['03/99', '2099-03'],
    ['0399', '2099-03'],
    ['12/26', '2026-12'],
    ['13/26', null],
    ['00/26', null],
    ['', null],
    ['03/2099', null],
  ])('expires at %j: %s', (expire, expires) => {
    expect(read({ expire }).expires).toBe(expires);
  });

  it.each([
    [{ verify: false }, ['declined', 'CARD_NOT_VERIFIED']],
    [{ recurrent: false }, ['declined', 'CARD_NOT_RECURRENT']],
    [{ number: '860006******' }, ['unavailable', 'UNREADABLE_CARD']],
    [{ token: '' }, ['unavailable', 'UNREADABLE_CARD']],
    [{ recurrent: 'true' }, ['unavailable', 'UNREADABLE_CARD']],
  ])('%o is none: %o', (change, failure) => {
    expect(failureOf(() => read(change))).toEqual(failure);
  });
});

describe('why a card was not charged', () => {
  it.each([
    // Codes that published clients know.
    [-31400, 'card_data_wrong'],
    [-31300, 'card_data_wrong'],
    [-32500, 'card_data_wrong'],
    [-31301, 'card_declined'],
    [-31302, 'processing_error'],
    [-31303, 'insufficient_funds'],
    [-31002, 'processing_error'],
    [-31101, 'authentication_failed'],
    [-31102, 'authentication_failed'],
    [-31103, 'authentication_failed'],
    [-31110, 'authentication_failed'],
    // A published simulator refuses every card with this one.
    [-31008, 'card_declined'],
    // The checkout's own table.
    [-31611, 'limit_exceeded'],
    [-31612, 'limit_exceeded'],
    [-31622, 'processing_error'],
    [-31623, 'processing_error'],
    [-31630, 'insufficient_funds'],
    // Our own Merchant API said no.
    [-31001, 'processing_error'],
    [-31050, 'processing_error'],
    [-31059, 'processing_error'],
    [-31099, 'processing_error'],
    // In no table.
    [-31100, 'card_declined'],
    [-31049, 'card_declined'],
    [-99, 'card_declined'],
  ])('%d: %s', (code, failure) => {
    expect(toPaymentFailure(String(code))).toBe(failure);
  });

  it('always has a word', () => {
    fc.assert(fc.property(fc.integer(), (code) => PAYMENT_FAILURES.includes(toPaymentFailure(String(code)))));
  });
});

describe('what a receipt tells of an order', () => {
  const { receipt } = receiptsGet.answer.result;
  const invoiceId = 'inv_01jd4q3v7k8m9n0p1q2r3s4t5v';
  const chargeId = '673db0a2e51de5b3a1f0c6d4';
  const paid = { amount: 50_000_000n, currency: 'UZS' } as const;
  const held = { invoiceId, chargeId: null, reservation: { chargeId, reference: null, price: paid } };
  const free = { ...held, reservation: null };
  const tell = (change: object, asked: Parameters<typeof toEvents>[1] = held) =>
    toEvents(readWholeReceipt({ receipt: { ...receipt, ...change } }), asked);
  const UNMATCHED = ['invalid', 'UNMATCHED_RECEIPT'];
  const other = { account: [{ name: 'order_id', title: 'Order', value: 'inv_another' }] };
  const success = {
    type: 'payment_succeeded',
    eventId: 'receipt:2e0b1bc1f1eb50d487ba268d:paid',
    occurredAt: new Date(1_795_168_812_000),
    invoiceId,
    chargeId,
    payerId: null,
    paid,
    renewal: 'none',
  };

  it('paid: the charge is the transaction that holds the order', () => {
    expect(tell({})).toEqual([expect.objectContaining(success)]);
    expect(tell({}, { ...held, invoiceId: null })).toHaveLength(1);
  });

  it('paid: the charge may be known without a hold', () => {
    expect(tell({}, { ...free, chargeId })).toEqual([expect.objectContaining(success)]);
  });

  it('paid with an amount of its own: that is told', () => {
    expect(tell({ amount: 100 })).toMatchObject([{ paid: { amount: 100n, currency: 'UZS' } }]);
  });

  it('paid, but nobody asked us to hold the order: an error, not silence', () => {
    expect(failureOf(() => tell({}, free))).toEqual(UNMATCHED);
  });

  it('paid, but for another order or for none: an error, not silence', () => {
    expect(failureOf(() => tell(other))).toEqual(UNMATCHED);
    expect(failureOf(() => tell({ account: [] }))).toEqual(UNMATCHED);
    expect(failureOf(() => tell({ ...other, state: 50 }))).toEqual(UNMATCHED);
  });

  it.each([0, 1, 2, 3, 5, 6, 20, 21, 30, 77])('on the way in state %d: nothing', (state) => {
    expect(tell({ state, pay_time: 0 })).toEqual([]);
    expect(tell({ ...other, state, pay_time: 0 })).toEqual([]);
  });

  it('cancelled before money was taken: no money comes by it', () => {
    const failed = {
      type: 'payment_failed',
      eventId: 'receipt:2e0b1bc1f1eb50d487ba268d:cancelled',
      occurredAt: new Date(1_795_168_900_000),
      invoiceId,
      chargeId: null,
      attemptId: null,
      failure: 'processing_error',
      isFinal: true,
    };
    const cancelled = { state: 50, pay_time: 0, cancel_time: 1_795_168_900_000 };
    expect(tell(cancelled)).toEqual([failed]);
    expect(tell(cancelled, free)).toEqual([failed]);
    expect(tell({ ...cancelled, ...other })).toEqual([]);
  });

  it('cancelled afterwards: paid, then given back', () => {
    const cancelled = { state: 50, cancel_time: 1_795_168_900_000 };
    expect(tell(cancelled)).toEqual([
      expect.objectContaining(success),
      {
        type: 'payment_refunded',
        eventId: 'receipt:2e0b1bc1f1eb50d487ba268d:cancelled',
        occurredAt: new Date(1_795_168_900_000),
        invoiceId,
        chargeId,
        payerId: null,
        paid,
        reference: chargeId,
        refundId: null,
      },
    ]);
    expect(tell(cancelled, free)).toMatchObject([{ type: 'payment_failed', isFinal: true }]);
  });

  it('without a time of its end: that of its beginning', () => {
    const createdAt = new Date(receipt.create_time);
    expect(tell({ pay_time: 0 })).toMatchObject([{ occurredAt: createdAt }]);
    expect(tell({ state: 50, pay_time: 0, cancel_time: 0 })).toMatchObject([{ occurredAt: createdAt }]);
  });

  it('an order’s number may come back as a number: it names no order of ours', () => {
    expect(failureOf(() => tell({ account: [{ name: 'order_id', value: 197 }] }))).toEqual(UNMATCHED);
  });
});
