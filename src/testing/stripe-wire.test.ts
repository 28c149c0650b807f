import { describe, expect, it } from 'vitest';
import { validateAnswer, validateEvent, validateObject, validateRequest } from './stripe-wire.ts';

const SESSION = new URLSearchParams({
  mode: 'payment',
  ui_mode: 'hosted_page',
  success_url: 'https://shop.test/done?session={CHECKOUT_SESSION_ID}',
  'allowed_payment_method_types[0]': 'card',
  'line_items[0][quantity]': '1',
  'line_items[0][price_data][currency]': 'jpy',
  'line_items[0][price_data][unit_amount]': '980',
  'line_items[0][price_data][product_data][name]': 'Pro',
  'metadata[order]': 'inv_1',
});

function session(change: Record<string, string | null>): string[] {
  const form = new URLSearchParams(SESSION);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) form.delete(name);
    else form.set(name, value);
  }
  return validateRequest('POST', '/v1/checkout/sessions', form.toString());
}

describe('a request', () => {
  it('as the API takes it passes', () => {
    expect(session({})).toEqual([]);
    expect(validateRequest('GET', '/v1/charges?created[gte]=5&limit=3&expand[0]=data.balance_transaction')).toEqual([]);
    expect(validateRequest('POST', '/v1/refunds', 'payment_intent=pi_1&amount=100&reason=duplicate')).toEqual([]);
  });

  it.each([
    ['payment_method_types', { 'payment_method_types[0]': 'card' }, 'payment_method_types'],
    ['an old ui_mode', { ui_mode: 'hosted' }, 'ui_mode must be equal to one of the allowed values ("hosted")'],
    ['an unknown mode', { mode: 'paymentt' }, 'mode must be equal'],
    ['no currency', { 'line_items[0][price_data][currency]': null }, "must have required property 'currency'"],
    ['a word for an amount', { 'line_items[0][price_data][unit_amount]': 'abc' }, 'unit_amount must be number ("abc")'],
    ['a misspelt parameter', { sucess_url: 'https://shop.test' }, 'sucess_url'],
  ])('with %s is complained of', (_what, change, words) => {
    expect(session(change)).toEqual([expect.stringContaining(words)]);
  });

  it('to a removed or unknown route is complained of', () => {
    expect(validateRequest('POST', '/v1/subscription_items/si_1/usage_records', 'quantity=1')).toHaveLength(1);
    expect(validateAnswer('GET', '/v1/nothing', {})).toHaveLength(1);
  });
});

describe('an object', () => {
  const refund = {
    ...{ id: 're_1', object: 'refund', amount: 980, balance_transaction: 'txn_1', charge: 'ch_1', created: 1 },
    ...{ currency: 'jpy', customer: null, customer_account: null, metadata: {}, payment_intent: 'pi_1' },
    ...{ payment_method: 'pm_1', reason: null, receipt_number: null, source_transfer_reversal: null },
    ...{ status: 'succeeded', transfer_reversal: null },
  };

  it('with all its fields passes', () => {
    expect(validateObject(refund)).toEqual([]);
  });

  it('with a removed field, a wrong type or an unknown value is complained of', () => {
    expect(validateObject({ ...refund, invoice: null })).toEqual([expect.stringContaining('invoice')]);
    expect(validateObject({ object: 'charge', invoice: 'in_1' })).toContainEqual(
      'must NOT have additional properties: invoice',
    );
    expect(validateObject({ ...refund, amount: '980' })).toEqual([expect.stringContaining('amount must be number')]);
    expect(validateObject({ ...refund, reason: 'why_not' })).toContainEqual(
      'reason must be equal to one of the allowed values ("why_not")',
    );
    expect(validateObject({ ...refund, status: undefined })).toEqual([expect.stringContaining('status')]);
    expect(validateObject({ object: 'invoice' })).toEqual([expect.stringContaining('invoice is no object')]);
  });

  it('in an event is checked too', () => {
    const event = {
      ...{ id: 'evt_1', object: 'event', api_version: '2026-10-28.endive', created: 1, livemode: false },
      ...{ pending_webhooks: 1, request: { id: null, idempotency_key: null }, type: 'refund.created' },
      data: { object: refund },
    };
    expect(validateEvent(event)).toEqual([]);
    expect(validateEvent({ ...event, data: { object: { ...refund, charge: 7 } } })).toContainEqual(
      'data/object/charge must be string (7)',
    );
    expect(validateEvent({ ...event, type: 'refund.made' })).toEqual([expect.stringContaining('refund.made')]);
  });
});
