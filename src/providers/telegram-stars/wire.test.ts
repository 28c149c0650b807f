import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '#domain/provider/error.ts';
import { PLAIN_CHARGE } from '#domain/provider/event.ts';
import {
  preCheckoutQuery,
  refundedPayment,
  starTransaction,
  subscriptionUpdate,
  successfulPayment,
  textMessage,
} from '../../testing/updates.ts';
import { normaliseInvoiceLink, readAnswer, readTransaction, readUpdate, StarTransactions } from './wire.ts';

const now = new Date('2026-11-20T10:00:05Z');
const at = new Date('2026-11-20T10:00:00Z');
const until = new Date('2026-12-20T10:00:00Z');
const payer = { telegramId: 7_000_000_101n, languageCode: 'ja' };
const facts = { payer, invoiceId: 'inv_1', amount: 150, chargeId: 'stxA-b_c', at };
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const read = (value: unknown) => readUpdate(bytes(value), now);
const MALFORMED = { kind: 'rejected', reason: 'malformed_request', reply: null };
/** Authentic and about money, but nobody can say what: kept, not refused. */
const unreadable = (type: string) => ({ kind: 'unreadable', type, eventId: '9' });

describe('readUpdate', () => {
  const told = { eventId: '9', occurredAt: at, invoiceId: 'inv_1', chargeId: 'stxA-b_c', payerId: 7_000_000_101n };
  const paid = { amount: 150n, currency: 'XTR' };

  it('a single payment', () => {
    expect(read(successfulPayment(9, facts))).toEqual({
      kind: 'event',
      event: { type: 'payment_succeeded', ...told, paid, ...PLAIN_CHARGE },
    });
  });

  it.each([
    [true, 'first'],
    [false, 'renewal'],
  ])('a subscription’s charge, first: %s', (isFirst, renewal) => {
    expect(read(successfulPayment(9, { ...facts, recurring: { isFirst, until } }))).toEqual({
      kind: 'event',
      event: { type: 'payment_succeeded', ...told, paid, ...PLAIN_CHARGE, renewal, paidUntil: until, renewalDays: 30 },
    });
  });

  it('a refund', () => {
    expect(read(refundedPayment(9, facts))).toEqual({
      kind: 'event',
      event: { type: 'payment_refunded', ...told, paid, reference: told.chargeId, refundId: null },
    });
  });

  it('takes the payer from the chat when the message names nobody', () => {
    const { message, update_id } = refundedPayment(9, facts);
    const { from: _, ...anonymous } = message as Record<string, unknown>;
    expect(read({ update_id, message: anonymous })).toMatchObject({ event: { payerId: 7_000_000_101n } });
  });

  it('a question before the payment', () => {
    expect(read(preCheckoutQuery(9, { payer, invoiceId: 'inv_1', amount: 150 }))).toEqual({
      kind: 'inquiry',
      inquiry: {
        type: 'may_pay',
        inquiryId: '40000000009',
        invoiceId: 'inv_1',
        payerId: 7_000_000_101n,
        price: { amount: 150n, currency: 'XTR' },
        languageCode: 'ja',
      },
    });
  });

  it('a question from a client without a language', () => {
    const query = preCheckoutQuery(9, { payer, invoiceId: 'inv_1', amount: 150 }).pre_checkout_query;
    const from = { id: 7, is_bot: false, first_name: 'Mina' };
    expect(read({ update_id: 9, pre_checkout_query: { ...query, from } })).toMatchObject({
      inquiry: { languageCode: null },
    });
  });

  it('refuses a question whose order no database can name, and keeps a charge that names one', () => {
    const order = { payer, invoiceId: 'inv_\0', amount: 150 };
    expect(read(preCheckoutQuery(9, order))).toEqual(MALFORMED);
    expect(read(successfulPayment(9, { ...facts, ...order }))).toMatchObject({ kind: 'event' });
  });

  it.each([
    ['canceled', 'cancelled'],
    ['active', 'restored'],
    ['failed', 'renewal_failed'],
  ])('a subscription that is %s', (state, change) => {
    expect(read(subscriptionUpdate(9, { payer, invoiceId: 'inv_1', state }))).toEqual({
      kind: 'event',
      event: {
        type: 'subscription_changed',
        eventId: '9',
        occurredAt: now,
        invoiceId: 'inv_1',
        payerId: 7_000_000_101n,
        change,
      },
    });
  });

  it.each(['paused', 'constructor', 'toString'])('leaves a subscription state it does not know: %s', (state) => {
    expect(read(subscriptionUpdate(9, { payer, invoiceId: 'inv_1', state }))).toMatchObject({
      kind: 'ignored',
      type: 'subscription',
    });
  });

  it('hands everything else on', () => {
    const text = textMessage(9, payer, at, '/start');
    expect(read(text)).toEqual({ kind: 'ignored', type: 'message', eventId: '9', message: text });
    expect(read({ update_id: 9, callback_query: {} })).toMatchObject({ type: 'callback_query' });
    expect(read({ update_id: 9, some_new_type: {} })).toMatchObject({ type: 'other' });
    expect(read({ update_id: 9 })).toMatchObject({ kind: 'ignored', type: 'other' });
    expect(read({ update_id: 9, message: 'text' })).toMatchObject({ kind: 'ignored', type: 'message' });
    expect(read({ update_id: 9, message: null })).toMatchObject({ kind: 'ignored', type: 'message' });
  });

  it('takes fields it does not know', () => {
    const update = successfulPayment(9, facts);
    expect(read({ ...update, message: { ...update.message, effect_id: '5', sender_boost_count: 1 } })).toMatchObject({
      kind: 'event',
    });
  });

  it.each([
    ['no bytes', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['a number', '7'],
    ['a list', '[]'],
    ['no id', '{}'],
    ['a negative id', '{"update_id":-1}'],
    ['a broken id', '{"update_id":1.5}'],
    ['a text for an id', '{"update_id":"9"}'],
    ['an id beyond a safe integer', '{"update_id":9007199254740993}'],
    ['an infinite id', '{"update_id":1e999}'],
    ['a prototype', '{"__proto__":{"update_id":1}}'],
  ])('refuses %s', (_name, text) => {
    expect(read(text)).toEqual(MALFORMED);
  });

  it('refuses bytes that are no UTF-8, and survives very deep nesting', () => {
    expect(readUpdate(Buffer.from([0xff, 0xfe, 0x7b]), now)).toEqual(MALFORMED);
    const deep = `{"update_id":1,"message":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
    expect(read(deep).kind).toBe('ignored');
  });

  const payment = { currency: 'XTR', total_amount: 150, invoice_payload: 'inv_1', telegram_payment_charge_id: 'stx' };
  const hostile: Array<[string, Record<string, unknown>]> = [
    ['a negative amount', { total_amount: -1 }],
    ['a broken amount', { total_amount: 1.5 }],
    ['an amount as text', { total_amount: '150' }],
    ['an amount beyond a safe integer', { total_amount: 2 ** 53 }],
    ['an enormous amount', { total_amount: 1e308 }],
    ['no amount', { total_amount: null }],
    ['another currency', { currency: 'USD' }],
    ['a payload that is too long', { invoice_payload: 'x'.repeat(129) }],
    ['a payload that is none', { invoice_payload: 5 }],
    ['an empty charge id', { telegram_payment_charge_id: '' }],
    ['a charge id that is too long', { telegram_payment_charge_id: 'x'.repeat(257) }],
  ];
  it.each(hostile)('cannot read a payment and a refund with %s', (_name, change) => {
    const message = { date: 1, chat: { id: 7 }, from: { id: 7 } };
    expect(read({ update_id: 9, message: { ...message, successful_payment: { ...payment, ...change } } })).toEqual(
      unreadable('payment_succeeded'),
    );
    expect(read({ update_id: 9, message: { ...message, refunded_payment: { ...payment, ...change } } })).toEqual(
      unreadable('payment_refunded'),
    );
  });

  it.each([
    ['nothing', null],
    ['a text', 'x'],
    ['a list', []],
  ])('cannot read money that is %s, and refuses such a question', (_name, value) => {
    const message = { date: 1, chat: { id: 7 } };
    expect(read({ update_id: 9, message: { ...message, successful_payment: value } })).toEqual(
      unreadable('payment_succeeded'),
    );
    expect(read({ update_id: 9, message: { ...message, refunded_payment: value } })).toEqual(
      unreadable('payment_refunded'),
    );
    expect(read({ update_id: 9, subscription: value })).toEqual(unreadable('subscription_changed'));
    expect(read({ update_id: 9, pre_checkout_query: value })).toEqual(MALFORMED);
  });

  it.each([
    ['a payer of 53 bits', { from: { id: 2 ** 52 + 1 } }],
    ['a payer below one', { from: { id: 0 } }],
    ['a date after the year 9999', { date: 253_402_300_800 }],
    ['a negative date', { date: -1 }],
    ['no chat', { chat: undefined }],
    ['an expiry out of range', { successful_payment: { ...payment, subscription_expiration_date: 1e12 } }],
    ['a flag that is a text', { successful_payment: { ...payment, is_recurring: 'true' } }],
  ])('cannot read a payment with %s', (_name, change) => {
    const message = { date: 1, chat: { id: 7 }, from: { id: 7 }, successful_payment: payment };
    expect(read({ update_id: 9, message: { ...message, ...change } })).toEqual(unreadable('payment_succeeded'));
  });

  it('never throws, and never makes an event of noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        expect(readUpdate(noise, now)).toEqual(MALFORMED);
      }),
    );
    const content = fc.object({
      key: fc.constantFrom('date', 'chat', 'id', 'from', 'successful_payment', 'currency', 'total_amount'),
      maxDepth: 3,
    });
    fc.assert(
      fc.property(fc.constantFrom('message', 'subscription', 'pre_checkout_query'), content, (key, value) => {
        expect(['rejected', 'ignored', 'unreadable']).toContain(read({ update_id: 1, [key]: value }).kind);
      }),
    );
  });
});

describe('readTransaction', () => {
  const parse = (row: unknown) => StarTransactions.parse({ transactions: [row] }).transactions.map(readTransaction)[0];

  it('a charge, a subscription’s charge, and a refund', () => {
    const expected = {
      chargeId: 'stxA-b_c',
      amount: { amount: 150n, currency: 'XTR' },
      occurredAt: at,
      payerId: 7_000_000_101n,
      invoiceId: 'inv_1',
      reference: null,
    };
    expect(parse(starTransaction('charge', { ...facts, isSubscription: false }))).toEqual({
      ...expected,
      direction: 'charge',
      renewalDays: null,
    });
    expect(parse(starTransaction('charge', { ...facts, isSubscription: true }))).toEqual({
      ...expected,
      direction: 'charge',
      renewalDays: 30,
    });
    expect(parse(starTransaction('refund', { ...facts, isSubscription: false }))).toEqual({
      ...expected,
      reference: 'stxA-b_c',
      direction: 'refund',
      renewalDays: null,
    });
  });

  it('a row of an older server, without a type and a payload', () => {
    const row = { id: 'stx', amount: 1, date: 1, source: { type: 'user', user: { id: 7 } } };
    expect(parse(row)).toMatchObject({ invoiceId: null, payerId: 7n, direction: 'charge' });
  });

  it.each([
    ['a withdrawal', { receiver: { type: 'fragment', withdrawal_state: { type: 'pending' } } }],
    ['an advert', { receiver: { type: 'telegram_ads' } }],
    ['paid media', { source: { type: 'user', transaction_type: 'paid_media_payment', user: { id: 7 } } }],
    ['a gift', { receiver: { type: 'user', transaction_type: 'gift_purchase', user: { id: 7 } } }],
    ['nobody', {}],
  ])('%s is no sale', (_name, partner) => {
    expect(parse({ id: 'x', amount: 1, date: 1, ...partner })).toBeNull();
  });
});

describe('readAnswer', () => {
  const failure = (error_code: number, description: string, parameters?: object) => {
    try {
      return readAnswer(error_code, { ok: false, error_code, description, ...(parameters ? { parameters } : {}) });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return [error.failure, error.code, error.retryAfterSeconds];
    }
  };

  it('takes the envelope off', () => {
    expect(readAnswer(200, { ok: true, result: { a: 1 } })).toEqual({ a: 1 });
  });

  it.each([
    [400, 'Bad Request: CHARGE_ALREADY_REFUNDED', ['invalid', 'CHARGE_ALREADY_REFUNDED', undefined]],
    [400, 'Bad Request: chat not found', ['invalid', 'Bad Request: chat not found', undefined]],
    [401, 'Unauthorized', ['misconfigured', 'Unauthorized', undefined]],
    [403, 'Forbidden: bot was blocked by the user', ['declined', 'Forbidden: bot was blocked by the user', undefined]],
    [404, 'Not Found', ['misconfigured', 'Not Found', undefined]],
    [500, 'Internal Server Error', ['unavailable', 'Internal Server Error', undefined]],
    [502, 'Bad Gateway', ['unavailable', 'Bad Gateway', undefined]],
    [429, 'Too Many Requests: retry after 17', ['unavailable', 'FLOOD', 1]],
  ])('%s %s', (code, description, expected) => {
    expect(failure(code, description)).toEqual(expected);
  });

  it('waits as long as Telegram asks', () => {
    expect(failure(429, 'Too Many Requests: retry after 17', { retry_after: 17 })).toEqual([
      'unavailable',
      'FLOOD',
      17,
    ]);
  });

  it('keeps no more than 80 characters of a text', () => {
    expect(failure(400, `Bad Request: ${'x'.repeat(500)}`)).toEqual([
      'invalid',
      expect.stringMatching(/^.{80}$/),
      undefined,
    ]);
  });

  it.each([[null], ['<html>'], [{}], [{ ok: false }], [{ ok: 'true', result: 1 }]])(
    'anything else is no answer: %j',
    (body) => {
      expect(() => readAnswer(502, body)).toThrow(new ProviderError('unavailable', 'HTTP_502'));
    },
  );
});

describe('normaliseInvoiceLink', () => {
  it.each(['https://t.me/$Ab-_9=', 'https://telegram.me/$Ab-_9=', 'https://t.me/invoice/Ab-_9='])('%s', (link) => {
    expect(normaliseInvoiceLink(link)).toBe('https://t.me/$Ab-_9=');
  });

  it.each([
    ['http://t.me/$a'],
    ['https://t.me/a'],
    ['https://evil.example/$a'],
    ['https://t.me/$a/../b'],
    ['https://t.me/$'],
    [7],
    [null],
  ])('refuses %j', (link) => {
    expect(() => normaliseInvoiceLink(link)).toThrow(ProviderError);
  });
});
