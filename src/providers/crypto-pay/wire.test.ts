import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toDecimal } from '#domain/money.ts';
import type { ProviderRequest } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import {
  Invoice,
  readAnswer,
  readComment,
  readMessage,
  readPrice,
  readStoredMessage,
  type Tokens,
  Transfer,
  toChargeRow,
  toComment,
  toEvents,
  toFailure,
  toPrice,
  toRefundRow,
  toReturn,
} from './wire.ts';

const TOKEN = '12345:AAtestTOKEN';
const SIGNATURE = '200bf60785d621ce46fa69f298eb240d2d2e5bf3e6d21492844979f3f961971c';
const now = new Date('2026-11-20T09:00:05Z');
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url));
const parsed = (name: string) => JSON.parse(fixture(name).toString()) as Record<string, unknown>;
const invoice = (name: string, change: Record<string, unknown> = {}) => Invoice.parse({ ...parsed(name), ...change });
const transfer = (change: Record<string, unknown> = {}) => Transfer.parse({ ...parsed('transfer'), ...change });
const sign = (body: Uint8Array, token = TOKEN) =>
  createHmac('sha256', createHash('sha256').update(token).digest()).update(body).digest('hex');
const tokens: Tokens = { current: TOKEN, previous: null, onPrevious: () => undefined };
const options = { tokens, replayWindowMs: 600_000 };
const send = (body: Uint8Array | string, change: Partial<ProviderRequest> = {}, at = now) => {
  const bytes = Buffer.from(body);
  const headers = { 'crypto-pay-api-signature': sign(bytes) };
  return readMessage({ method: 'POST', headers, body: bytes, remoteAddress: null, ...change }, options, at);
};
const rejected = (reason: string) => ({ kind: 'rejected', reason, reply: null });
const HINT = {
  kind: 'hint',
  type: 'invoice_paid',
  eventId: 'invoice_paid:528890',
  about: { invoiceId: 'pay_01', reference: '528890', chargeId: '528890' },
};

describe('an update', () => {
  it('signed as the published vector is a hint', () => {
    const body = fixture('invoice-paid');
    expect(sign(body)).toBe(SIGNATURE);
    expect(send(body, { headers: { 'crypto-pay-api-signature': SIGNATURE } })).toEqual(HINT);
    expect(send(body, { headers: { 'crypto-pay-api-signature': SIGNATURE.toUpperCase() } })).toEqual(HINT);
    expect(readStoredMessage(body)).toEqual(HINT);
  });

  it('has one id however often it comes: update_id is not unique', () => {
    const again = fixture('invoice-paid').toString().replace('"update_id":1', '"update_id":2');
    expect(send(again)).toEqual(HINT);
  });

  it.each([
    ['none', {}],
    ['an empty one', { 'crypto-pay-api-signature': '' }],
    ['half of it', { 'crypto-pay-api-signature': SIGNATURE.slice(0, 32) }],
    ['that of another token', { 'crypto-pay-api-signature': sign(fixture('invoice-paid'), '12345:AAother') }],
    [
      'keyed by the token itself',
      { 'crypto-pay-api-signature': createHmac('sha256', TOKEN).update(fixture('invoice-paid')).digest('hex') },
    ],
    ['the header of another provider', { 'btcpay-sig': `sha256=${SIGNATURE}`, 'stripe-signature': `v1=${SIGNATURE}` }],
  ])('with a wrong signature is refused: %s', (_name, headers) => {
    expect(send(fixture('invoice-paid'), { headers })).toEqual(rejected('webhook_secret_wrong'));
  });

  it('of which a byte was changed is refused', () => {
    const body = fixture('invoice-paid');
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Buffer.from(body);
        changed[at] = (changed[at] ?? 0) ^ bits;
        const headers = { 'crypto-pay-api-signature': SIGNATURE };
        expect(send(changed, { headers })).toEqual(rejected('webhook_secret_wrong'));
      }),
    );
  });

  it('signed with a token that is being replaced is taken until its day, and each use is heard', () => {
    const heard: boolean[] = [];
    const until = new Date('2026-11-20T09:00:05Z');
    const replaced: Tokens = {
      current: '12345:AAanewTOKEN',
      previous: { secret: TOKEN, until },
      onPrevious: (isOverdue) => void heard.push(isOverdue),
    };
    const readAt = (at: Date, by: string) => {
      const body = fixture('invoice-paid');
      const headers = { 'crypto-pay-api-signature': sign(body, by) };
      const request = { method: 'POST', headers, body, remoteAddress: null };
      return readMessage(request, { ...options, tokens: replaced }, at);
    };
    expect(readAt(now, '12345:AAanewTOKEN')).toEqual(HINT);
    expect(readAt(now, '12345:AAanotherTOKEN')).toEqual(rejected('webhook_secret_wrong'));
    expect(heard).toEqual([]);
    expect(readAt(new Date(until.getTime() - 1), TOKEN)).toEqual(HINT);
    expect(readAt(until, TOKEN)).toEqual(rejected('webhook_secret_wrong'));
    expect(heard).toEqual([false, true]);
  });

  it('is verified over its bytes, not over what they say', () => {
    const body = Buffer.from(
      '{"update_id":1, "update_type":"invoice_paid","request_date":"2026-11-20T09:00:00Z","payload":{"invoice_id":7,"amount":1.0,"n":"caf\\u00e9","u":"a\\/b"}}',
    );
    expect(send(body)).toMatchObject({ kind: 'hint', eventId: 'invoice_paid:7' });
    const rewritten = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
    const headers = { 'crypto-pay-api-signature': sign(body) };
    expect(send(rewritten, { headers })).toEqual(rejected('webhook_secret_wrong'));
  });

  it.each([
    [600_000, 'hint'],
    [600_001, 'webhook_too_old'],
    [-300_000, 'hint'],
    [-300_001, 'webhook_from_future'],
  ])('that is %d ms old: %s', (ageMs, outcome) => {
    const at = new Date(Date.parse('2026-11-20T09:00:00Z') + ageMs);
    expect(send(fixture('invoice-paid'), {}, at)).toEqual(outcome === 'hint' ? HINT : rejected(outcome));
    expect(readStoredMessage(fixture('invoice-paid'))).toEqual(HINT);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"update_id":'],
    ['no object', '[]'],
    ['a number', '7'],
    ['no type', '{"update_id":1,"request_date":"2026-11-20T09:00:00Z"}'],
    ['no date', '{"update_id":1,"update_type":"invoice_paid"}'],
    ['a date without a zone', '{"update_type":"invoice_paid","request_date":"2026-11-20T09:00:00"}'],
    ['another provider’s', '{"type":"InvoiceSettled","deliveryId":"d1","invoiceId":"i1"}'],
  ])('that is signed but malformed is refused: %s', (_name, body) => {
    expect(send(body)).toEqual(rejected('malformed_request'));
    expect(readStoredMessage(Buffer.from(body))).toEqual(rejected('malformed_request'));
  });

  it('that is no UTF-8 is refused', () => {
    expect(send(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toEqual(rejected('malformed_request'));
  });

  it('of a megabyte, and by another method, is refused unread', () => {
    expect(send(Buffer.alloc(1_048_576, 0x20))).toEqual(rejected('malformed_request'));
    expect(send(fixture('invoice-paid'), { method: 'GET' })).toEqual(rejected('malformed_request'));
  });

  it.each(['invoice_expired', 'check_activated', '', 'constructor'])('of the unknown type "%s" is ignored', (type) => {
    const body = JSON.stringify({ update_id: 1, update_type: type, request_date: '2026-11-20T09:00:00Z', payload: {} });
    expect(send(body)).toEqual({ kind: 'ignored', type: 'other', eventId: null, message: null });
  });

  it.each([[{}], [{ invoice_id: '7' }], [{ invoice_id: 1.5 }], [{ invoice_id: -1 }], [null]])(
    'that does not say which invoice is kept for a person: %j',
    (payload) => {
      const head = { update_id: 1, update_type: 'invoice_paid', request_date: '2026-11-20T09:00:00Z' };
      const reading = send(JSON.stringify({ ...head, payload }));
      expect(reading).toMatchObject({ kind: 'unreadable', type: 'invoice_paid' });
      expect(reading).toHaveProperty('eventId', expect.stringMatching(/^body:[0-9a-f]{64}$/));
    },
  );

  it.each([[null], [undefined], [7], [''], ['a\0b'], ['x'.repeat(256)]])(
    'of an invoice whose payload cannot be an order of ours names the invoice only: %j',
    (payload) => {
      const head = { update_id: 1, update_type: 'invoice_paid', request_date: '2026-11-20T09:00:00Z' };
      expect(send(JSON.stringify({ ...head, payload: { invoice_id: 7, payload } }))).toMatchObject({
        about: { invoiceId: null, reference: '7', chargeId: '7' },
      });
    },
  );
});

describe('a price', () => {
  it.each([
    [
      { amount: 2_999n, currency: 'USD' },
      { currency_type: 'fiat', fiat: 'USD', amount: '29.99' },
    ],
    [
      { amount: 1n, currency: 'EUR' },
      { currency_type: 'fiat', fiat: 'EUR', amount: '0.01' },
    ],
    [
      { amount: 31_000n, currency: 'BTC' },
      { currency_type: 'crypto', asset: 'BTC', amount: '0.00031000' },
    ],
    [
      { amount: 1n, currency: 'ETH' },
      { currency_type: 'crypto', asset: 'ETH', amount: '0.000000001' },
    ],
  ] as const)('%o is asked as %o', (price, asked) => {
    const coins = asked.currency_type === 'fiat' ? { accepted_assets: 'BTC,ETH,TON,USDT' } : {};
    expect(toPrice(price)).toEqual({ ...asked, ...coins });
  });

  it.each(['JPY', 'UZS', 'XTR'] as const)('in %s is refused', (currency) => {
    expect(() => toPrice({ amount: 1n, currency })).toThrow(new ProviderError('invalid', 'CURRENCY_UNSUPPORTED'));
  });

  it('comes back as it was asked, to the last unit, with zeros behind it or without', () => {
    const currencies = fc.constantFrom('USD', 'EUR', 'BTC', 'ETH');
    fc.assert(
      fc.property(currencies, fc.bigInt(0n, 9_223_372_036_854_775_807n), fc.nat(9), (currency, amount, zeros) => {
        const text = toDecimal({ amount, currency }) + '0'.repeat(zeros);
        const kind = currency === 'USD' || currency === 'EUR' ? { currency_type: 'fiat', fiat: currency } : null;
        const asked = { asset: undefined, fiat: undefined, ...(kind ?? { currency_type: 'crypto', asset: currency }) };
        expect(readPrice(invoice('invoice-settled', { ...asked, amount: text }))).toEqual({ amount, currency });
      }),
    );
  });

  it.each([
    [{ fiat: 'RUB' }],
    [{ fiat: null }],
    [{ amount: '29.999' }],
    [{ currency_type: 'crypto', asset: 'USDT' }],
    [{ currency_type: 'crypto', asset: 'ETH', amount: '0.0000000001' }],
    [{ amount: '99999999999999999.99' }],
  ])('that cannot be ours is none: %o', (change) => {
    expect(readPrice(invoice('invoice-settled', change))).toBeNull();
  });

  it.each(['-1', '1e3', '.5', '1.', '', ' 1', 29.99, null])('that is no decimal text is unreadable: %j', (amount) => {
    expect(Invoice.safeParse({ ...parsed('invoice-settled'), amount }).success).toBe(false);
  });
});

describe('what an invoice tells', () => {
  const ORDER = 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w';
  const events = (found: Invoice, transfers: Transfer[] = [], invoiceId: string | null = ORDER) =>
    toEvents({ invoice: found, transfers, invoiceId, now });

  it('active: nothing', () => {
    expect(events(invoice('invoice-active'))).toEqual([]);
  });

  it('expired: no money comes any more', () => {
    const failed = {
      type: 'payment_failed',
      eventId: 'expired:528890',
      occurredAt: new Date('2026-11-20T09:20:00Z'),
      invoiceId: ORDER,
      chargeId: '528890',
      attemptId: null,
      failure: 'checkout_expired',
      isFinal: true,
    };
    expect(events(invoice('invoice-expired'))).toEqual([failed]);
    expect(events(invoice('invoice-expired', { expiration_date: null }))).toEqual([{ ...failed, occurredAt: now }]);
  });

  it('paid: the price as it was asked, whatever coin came', () => {
    expect(events(invoice('invoice-settled'))).toEqual([
      {
        type: 'payment_succeeded',
        eventId: 'payment:528890',
        occurredAt: new Date('2026-11-20T08:59:58.123Z'),
        invoiceId: ORDER,
        chargeId: '528890',
        payerId: null,
        paid: { amount: 2_999n, currency: 'USD' },
        renewal: 'none',
        paidUntil: null,
        renewalDays: null,
        fee: null,
        method: null,
        irregularity: null,
      },
    ]);
    expect(events(invoice('invoice-settled', { paid_at: null }))).toMatchObject([{ occurredAt: now }]);
  });

  it.each([
    [{}, 930n],
    [{ fee_amount: '0.00000001' }, 1n],
    [{ fee_amount: '0' }, 0n],
    [{ fee_amount: '0.000000001' }, null],
    [{ fee_asset: 'USDT' }, null],
    [{ fee_amount: null }, null],
    [{ fee_amount: 0.1 }, null],
    [{ fee_asset: 7 }, null],
  ])('paid: the fee only where it is whole units of the order’s currency: %o', (change, fee) => {
    expect(events(invoice('invoice-coin-priced', change), [], 'inv_coin')).toMatchObject([{ fee }]);
  });

  it('paid and given back: both, with our id of the refund, whether spend_id comes back or not', () => {
    for (const spend_id of ['ref_01kb2v', undefined])
      expect(events(invoice('invoice-settled'), [transfer({ spend_id })])).toMatchObject([
        { type: 'payment_succeeded' },
        {
          type: 'payment_refunded',
          eventId: 'refund:7701',
          occurredAt: new Date('2026-11-20T10:30:00Z'),
          invoiceId: ORDER,
          chargeId: '528890',
          payerId: 7_000_000_101n,
          paid: { amount: 2_999n, currency: 'USD' },
          reference: '7701',
          refundId: 'ref_01kb2v',
        },
      ]);
  });

  it.each([
    [{ comment: null }],
    [{ comment: 'Refund ref_01kb2v of invoice 528891' }],
    [{ comment: 'Payout for November' }],
    [{ spend_id: 'ref_other' }],
  ])('a transfer that is not its refund is not told: %o', (change) => {
    expect(events(invoice('invoice-settled'), [transfer(change)])).toHaveLength(1);
  });

  it('paid at a price that is none of ours: an error, not silence', () => {
    const thrown = new ProviderError('invalid', 'UNREADABLE_PRICE');
    expect(() => events(invoice('invoice-settled', { fiat: 'RUB' }))).toThrow(thrown);
  });

  it('of nobody’s order: nothing; of the order that was asked about where it does not say', () => {
    expect(events(invoice('invoice-settled', { payload: null }), [], null)).toEqual([]);
    expect(events(invoice('invoice-settled', { payload: null }))).toMatchObject([{ invoiceId: ORDER }]);
    expect(events(invoice('invoice-settled'), [], null)).toMatchObject([{ invoiceId: ORDER }]);
  });
});

describe('what goes back', () => {
  it('is the coin and amount that came, to the last place', () => {
    expect(toReturn(invoice('invoice-settled'))).toEqual({ asset: 'ETH', amount: '0.009876543210123456' });
    expect(toReturn(invoice('invoice-coin-priced'))).toEqual({ asset: 'BTC', amount: '0.00031' });
  });

  it.each([[{ paid_amount: null }], [{ paid_asset: null }]])('is not guessed: %o', (change) => {
    const thrown = new ProviderError('unavailable', 'PAID_AMOUNT_UNKNOWN');
    expect(() => toReturn(invoice('invoice-settled', change))).toThrow(thrown);
  });

  it('is tied to its charge by the comment', () => {
    const comment = toComment('ref_9', '12');
    expect(readComment(transfer({ comment, spend_id: 'ref_9' }))).toEqual({ refundId: 'ref_9', chargeId: '12' });
  });
});

describe('a row of the list', () => {
  it('is a charge, or the refund of one', () => {
    const row = toChargeRow(invoice('invoice-settled'));
    expect(row).toEqual({
      chargeId: '528890',
      reference: null,
      direction: 'charge',
      amount: { amount: 2_999n, currency: 'USD' },
      occurredAt: new Date('2026-11-20T08:59:58.123Z'),
      payerId: null,
      invoiceId: 'inv_01kb2v9d3h8mzq4x7c5n6t0r2w',
      renewalDays: null,
    });
    expect(toRefundRow(transfer(), invoice('invoice-settled'))).toEqual({
      ...row,
      direction: 'refund',
      reference: String(transfer().transfer_id),
      occurredAt: new Date('2026-11-20T10:30:00Z'),
      payerId: 7_000_000_101n,
    });
    expect(toChargeRow(invoice('invoice-settled', { paid_at: null }))).toMatchObject({
      occurredAt: new Date('2026-11-20T08:50:00Z'),
    });
  });

  it.each([[{ payload: null }], [{ fiat: 'RUB' }], [{ status: 'active' }]])('is null for no sale: %o', (change) => {
    expect(toChargeRow(invoice('invoice-settled', change))).toBeNull();
    expect(toRefundRow(transfer(), invoice('invoice-settled', change))).toBeNull();
    expect(toRefundRow(transfer(), undefined)).toBeNull();
  });
});

describe('an answer', () => {
  const answer = (status: number, body: unknown, retryAfterSeconds?: number) =>
    readAnswer({ status, body, retryAfterSeconds }, z.object({ a: z.number() }));
  const failureOf = (work: () => unknown) => {
    try {
      return work();
    } catch (error) {
      return error instanceof ProviderError ? [error.failure, error.code] : error;
    }
  };
  const refusal = (name: string, more = {}) => ({ ok: false, error: { code: 400, name, ...more } });

  it('comes without its envelope', () => {
    expect(answer(200, { ok: true, result: { a: 7 } })).toEqual({ a: 7 });
  });

  it.each([
    [401, 'UNAUTHORIZED', 'misconfigured'],
    [200, 'UNAUTHORIZED', 'misconfigured'],
    [405, 'METHOD_NOT_FOUND', 'misconfigured'],
    [403, 'METHOD_DISABLED', 'declined'],
    [400, 'INSUFFICIENT_FUNDS', 'declined'],
    [400, 'USER_NOT_FOUND', 'declined'],
    [400, 'AMOUNT_TOO_SMALL', 'declined'],
    [400, 'EXPIRES_IN_INVALID', 'invalid'],
    [400, 'SPEND_ID_ALREADY_USED', 'invalid'],
    [400, 'INVOICE_NOT_FOUND', 'invalid'],
    [400, 'CHECK_NOT_FOUND', 'invalid'],
    [200, 'SOMETHING_NEW', 'invalid'],
    [422, 'SOMETHING-NEW', 'invalid'],
    [429, 'TOO_MANY_REQUESTS', 'unavailable'],
    [400, 'TOO_MANY_REQUESTS', 'unavailable'],
    [500, 'INTERNAL', 'unavailable'],
    [503, 'MAINTENANCE', 'unavailable'],
  ])('HTTP %d %s is %s', (status, name, failure) => {
    expect(failureOf(() => answer(status, refusal(name, { more: 'x' })))).toEqual([failure, name]);
  });

  it.each(['', 'Bad request: user 7000000101', 'x'.repeat(81), 'A\nB'])(
    'with a name that is no name shows its status instead: %j',
    (name) => {
      expect(failureOf(() => answer(400, refusal(name)))).toEqual(['invalid', 'HTTP_400']);
    },
  );

  it.each([
    [200, {}],
    [200, null],
    [200, { ok: true }],
    [200, { ok: true, result: { a: '7' } }],
    [200, { ok: false }],
    [200, []],
  ])('of %d that cannot be read is no answer: %j', (status, body) => {
    expect(failureOf(() => answer(status, body))).toEqual(['unavailable', 'UNREADABLE_ANSWER']);
  });

  it.each([
    [302, 'unavailable'],
    [403, 'misconfigured'],
    [404, 'misconfigured'],
    [400, 'invalid'],
    [502, 'unavailable'],
  ])('of HTTP %d without an envelope is %s', (status, failure) => {
    expect(failureOf(() => answer(status, {}))).toEqual([failure, `HTTP_${status}`]);
  });

  it('says how long to wait', () => {
    expect(toFailure(429, '', 17)).toMatchObject({ code: 'HTTP_429', retryAfterSeconds: 17 });
    expect(toFailure(429, '')).toMatchObject({ retryAfterSeconds: undefined });
  });
});
