import { describe, expect, it } from 'vitest';
import { type BillingRecord, writeRecord } from '#domain/billing-record/rules.ts';
import { readRecord } from './record.ts';

const RECORD: BillingRecord = {
  hoshi: 1,
  record: 'rec_1',
  type: 'payment',
  about: 'pay_1',
  at: '2026-11-20T10:00:00.000Z',
  amount: { amount: '150', currency: 'XTR' },
  item: { product: { code: 'log', name: 'Personal log' }, plan: { code: 'pro', name: 'Pro' }, interval: 'month' },
  description: 'Order 7',
  period: { start: '2026-11-20T10:00:00.000Z', end: '2026-12-20T10:00:00.000Z' },
};

describe('what a decrypted record says', () => {
  it('is read as the server wrote it', () => {
    const text = writeRecord(RECORD);
    expect(readRecord(text)).toEqual({
      id: 'rec_1',
      type: 'payment',
      name: 'Pro · Personal log',
      product: 'Personal log',
      plan: 'Pro',
      period: RECORD.period,
      at: RECORD.at,
      amount: RECORD.amount,
      description: 'Order 7',
      metadata: [],
      text: text.trim(),
    });
  });

  it('may be less', () => {
    const { about, at, hoshi, record } = RECORD;
    expect(readRecord(writeRecord({ hoshi, record, about, at, type: 'refund', payment: 'pay_1' }))).toMatchObject({
      type: 'refund',
      name: null,
      period: null,
      description: null,
      amount: null,
      metadata: [],
    });
  });

  it('may be of a newer kind, whose fields are not what this app thinks', () => {
    const newer = {
      ...RECORD,
      hoshi: 2,
      type: 'gift',
      at: 7,
      amount: { amount: 150, currency: 'XTR' },
      item: ['x'],
      period: 'always',
      description: 7,
      metadata: { order: '7', n: { a: 1 } },
    };
    expect(readRecord(JSON.stringify(newer))).toMatchObject({
      id: 'rec_1',
      type: null,
      name: null,
      at: null,
      amount: null,
      period: null,
      description: null,
      metadata: [
        { name: 'order', value: '7' },
        { name: 'n', value: '{"a":1}' },
      ],
    });
  });

  it.each(['', 'a letter', '7', 'null', '[]', '{"a":1}'])('is nothing in %s', (text) =>
    expect(readRecord(text)).toBeNull(),
  );
});
