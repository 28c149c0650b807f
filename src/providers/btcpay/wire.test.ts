import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { ProviderRequest } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import {
  INVOICE_EVENTS,
  Invoice,
  PAYOUT_EVENTS,
  readAnswer,
  readMessage,
  readStoredMessage,
  toFailure,
  type WebhookSecrets,
} from './wire.ts';

const SECRET = 'whsec';
const SIGNATURE = 'sha256=b3645ca6282cd572b74ba10d6a0c532239ddcbbac1af05b08188522390141a84';
const told = new Date(1_795_165_200_000);
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url));
const sign = (body: Uint8Array, secret = SECRET) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
const secrets = (change: Partial<WebhookSecrets> = {}): WebhookSecrets => ({
  current: SECRET,
  previous: null,
  onPrevious: () => undefined,
  ...change,
});
const send = (
  body: Uint8Array | string,
  change: Partial<ProviderRequest> = {},
  { at = told, keys = secrets() }: { at?: Date; keys?: WebhookSecrets } = {},
) => {
  const bytes = Buffer.from(body);
  const headers = { 'btcpay-sig': sign(bytes) };
  const request = { method: 'POST', headers, body: bytes, remoteAddress: null, ...change };
  return readMessage(request, { storeId: 's1', secrets: keys }, at);
};
/** Written as BTCPay writes: indented. */
const event = (change: Record<string, unknown> = {}) =>
  JSON.stringify({ ...JSON.parse(fixture('invoice-settled').toString()), ...change }, null, 2);
const rejected = (reason: string) => ({ kind: 'rejected', reason, reply: null });
const HINT = {
  kind: 'hint',
  type: 'InvoiceSettled',
  eventId: 'd1',
  about: { invoiceId: 'pay_01', reference: 'i1', chargeId: 'i1' },
};

describe('a webhook', () => {
  it('signed as the published vector is a hint', () => {
    const body = fixture('invoice-settled');
    expect([body.length, sign(body)]).toEqual([288, SIGNATURE]);
    expect(send(body, { headers: { 'btcpay-sig': SIGNATURE } })).toEqual(HINT);
    expect(send(body, { headers: { 'btcpay-sig': SIGNATURE.toUpperCase() } })).toEqual(HINT);
    expect(readStoredMessage(body, 's1')).toEqual(HINT);
  });

  it.each([
    ['none', {}],
    ['an empty one', { 'btcpay-sig': '' }],
    ['one without its prefix', { 'btcpay-sig': SIGNATURE.slice(7) }],
    ['half of it', { 'btcpay-sig': SIGNATURE.slice(0, 39) }],
    ['that of another secret', { 'btcpay-sig': sign(fixture('invoice-settled'), 'other') }],
    ['the header of another provider', { 'crypto-pay-api-signature': SIGNATURE.slice(7) }],
  ])('with a wrong signature is refused: %s', (_name, headers) => {
    expect(send(fixture('invoice-settled'), { headers })).toEqual(rejected('webhook_secret_wrong'));
  });

  it('of which a byte was changed is refused', () => {
    const body = fixture('invoice-settled');
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Buffer.from(body);
        changed[at] = (changed[at] ?? 0) ^ bits;
        const headers = { 'btcpay-sig': SIGNATURE };
        expect(send(changed, { headers })).toEqual(rejected('webhook_secret_wrong'));
      }),
    );
  });

  it('is verified over its bytes, not over what they say', () => {
    const rewritten = JSON.stringify(JSON.parse(fixture('invoice-settled').toString()));
    expect(send(rewritten, { headers: { 'btcpay-sig': SIGNATURE } })).toEqual(rejected('webhook_secret_wrong'));
  });

  it('signed with the previous secret counts until its day, and each use is heard', () => {
    const onPrevious = vi.fn();
    const until = new Date(told.getTime() + 1);
    const keys = secrets({ current: 'new', previous: { secret: SECRET, until }, onPrevious });
    expect(send(fixture('invoice-settled'), {}, { keys })).toEqual(HINT);
    expect(send(fixture('invoice-settled'), {}, { keys, at: until })).toEqual(rejected('webhook_secret_wrong'));
    const headers = { 'btcpay-sig': sign(fixture('invoice-settled'), 'neither') };
    expect(send(fixture('invoice-settled'), { headers }, { keys })).toEqual(rejected('webhook_secret_wrong'));
    expect(onPrevious.mock.calls).toEqual([[false], [true]]);
  });

  const DAY_MS = 86_400_000;
  it.each([
    [61 * DAY_MS, 'hint'],
    [61 * DAY_MS + 1, 'webhook_too_old'],
    [-3_600_000, 'hint'],
    [-3_600_001, 'webhook_from_future'],
  ])('that is %d ms old: %s', (ageMs, outcome) => {
    const at = new Date(told.getTime() + ageMs);
    expect(send(fixture('invoice-settled'), {}, { at })).toEqual(outcome === 'hint' ? HINT : rejected(outcome));
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"deliveryId":'],
    ['no object', '[]'],
    ['no delivery', event({ deliveryId: undefined })],
    ['a delivery that no row can hold', event({ deliveryId: 'd\0' })],
    ['no type', event({ type: null })],
    ['no store', event({ storeId: undefined })],
    ['no time', event({ timestamp: 'now' })],
    ['another provider’s', '{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-20T09:00:00Z"}'],
  ])('that is signed but malformed is refused: %s', (_name, body) => {
    expect(send(body)).toEqual(rejected('malformed_request'));
    expect(readStoredMessage(Buffer.from(body), 's1')).toEqual(rejected('malformed_request'));
  });

  it('that is no UTF-8, of a megabyte, or by another method is refused', () => {
    expect(send(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toEqual(rejected('malformed_request'));
    expect(send(Buffer.alloc(1_048_576, 0x20))).toEqual(rejected('malformed_request'));
    expect(send(fixture('invoice-settled'), { method: 'PUT' })).toEqual(rejected('malformed_request'));
  });
});

describe('an event', () => {
  it('about invoices has ten types, three of which are not published', () => {
    expect(INVOICE_EVENTS).toHaveLength(10);
    expect(INVOICE_EVENTS.slice(-3)).toEqual([
      'InvoiceExpiredPaidPartial',
      'InvoicePaidAfterExpiration',
      'InvoiceRefund',
    ]);
  });

  it.each(INVOICE_EVENTS)('%s is a hint about its invoice', (type) => {
    expect(send(event({ type, pullPaymentId: 'pp1' }))).toEqual({ ...HINT, type });
  });

  it.each(PAYOUT_EVENTS)('%s is a hint about its pull payment', (type) => {
    const body = fixture('payout-updated').toString().replace('PayoutUpdated', type);
    const about = { invoiceId: null, reference: 'pp1', chargeId: null };
    expect(send(body)).toEqual({ kind: 'hint', type, eventId: 'd8', about });
  });

  it.each([
    'PaymentRequestCreated',
    'PaymentRequestCompleted',
    'SubscriberCreated',
    'InvoiceEaten',
    'invoicesettled',
    'constructor',
  ])('%s is ignored', (type) => {
    const ignored = { kind: 'ignored', type: 'other', eventId: 'd1', message: null };
    expect(send(event({ type }))).toEqual(ignored);
  });

  it('of another store, and a payout that is no refund, is ignored', () => {
    const ignored = { kind: 'ignored', type: 'other', eventId: 'd1', message: null };
    expect(send(event({ storeId: 's2' }))).toEqual(ignored);
    expect(send(event({ type: 'PayoutCreated', pullPaymentId: null }))).toEqual(ignored);
  });

  it('that comes again has the id of its first delivery', () => {
    const again = { deliveryId: 'd2', originalDeliveryId: 'd1', isRedelivery: true };
    expect(send(event(again))).toEqual(HINT);
    expect(send(event({ originalDeliveryId: null }))).toEqual(HINT);
  });

  it.each([[undefined], [''], [7], ['x'.repeat(129)]])(
    'that does not say which invoice is kept for a person: %j',
    (invoiceId) => {
      expect(send(event({ invoiceId }))).toEqual({ kind: 'unreadable', type: 'InvoiceSettled', eventId: 'd1' });
    },
  );

  it.each([[null], ['text'], [{}], [{ orderId: 7 }], [{ orderId: 'a\0b' }], [{ orderId: '' }]])(
    'of an invoice that is no order of ours names the invoice only: %j',
    (metadata) => {
      expect(send(event({ metadata }))).toMatchObject({ about: { invoiceId: null, reference: 'i1', chargeId: 'i1' } });
    },
  );
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

  it('is read', () => {
    expect(answer(200, { a: 7 })).toEqual({ a: 7 });
    expect(failureOf(() => answer(200, { a: '7' }))).toEqual(['unavailable', 'UNREADABLE_ANSWER']);
  });

  it.each([
    [401, { code: 'unauthenticated' }, ['misconfigured', 'unauthenticated']],
    [403, { code: 'missing-permission', missingPermission: 'x' }, ['misconfigured', 'missing-permission']],
    [404, { code: 'invoice-not-found' }, ['misconfigured', 'invoice-not-found']],
    [404, {}, ['misconfigured', 'HTTP_404']],
    [405, '', ['misconfigured', 'HTTP_405']],
    [400, { code: 'non-refundable' }, ['declined', 'non-refundable']],
    [400, { code: 'invalid-payment-method' }, ['invalid', 'invalid-payment-method']],
    [400, { code: 'already-unarchived' }, ['invalid', 'already-unarchived']],
    [400, { code: 'rate-failure' }, ['unavailable', 'rate-failure']],
    [400, { code: null, message: 'no rate' }, ['invalid', 'HTTP_400']],
    [400, { code: 'Two words', message: 'x' }, ['invalid', 'HTTP_400']],
    [422, [{ path: 'amount', message: 'x' }, { path: 'b' }], ['invalid', 'invalid-amount']],
    [422, [{ path: 'checkout.paymentMethods[0]', message: 'x' }], ['invalid', 'invalid-checkout_paymentMethods_0_']],
    [422, [], ['invalid', 'HTTP_422']],
    [422, [{ path: '' }], ['invalid', 'invalid-']],
    [408, {}, ['unavailable', 'HTTP_408']],
    [429, {}, ['unavailable', 'HTTP_429']],
    [500, {}, ['unavailable', 'HTTP_500']],
    [302, {}, ['unavailable', 'HTTP_302']],
  ])('of HTTP %d %j', (status, body, failure) => {
    expect(failureOf(() => answer(status, body))).toEqual(failure);
  });

  it('says how long to wait', () => {
    expect(toFailure(429, '', 17)).toMatchObject({ code: 'HTTP_429', retryAfterSeconds: 17 });
    expect(toFailure(503, '')).toMatchObject({ retryAfterSeconds: undefined });
  });

  it.each([
    ['amount', 29.99],
    ['amount', '1e3'],
    ['paidAmount', null],
    ['status', 'Paid'],
    ['checkoutLink', 'javascript:1'],
  ])('about an invoice whose %s is %j is unreadable', (name, value) => {
    const invoice = { ...JSON.parse(fixture('invoice').toString()), [name]: value };
    expect(Invoice.safeParse(invoice).success).toBe(false);
  });
});
