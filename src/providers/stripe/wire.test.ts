import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import type { ProviderRequest } from '#domain/provider/contract.ts';
import {
  CREATED,
  cashTransaction,
  charge,
  dispute,
  event,
  INVOICE,
  intent,
  refund,
  session,
  setupIntent,
} from './fixtures/objects.ts';
import { invoiceOf, readEvent, readMessage, type WebhookSecrets } from './wire.ts';

const SECRET = 'whsec_fixture_current';
const OLD_SECRET = 'whsec_fixture_previous';
const SENT = CREATED + 62;
const now = new Date(SENT * 1_000);
const stripe = new Stripe('sk_test_fixture');

const PAID = event('checkout.session.completed', session({ status: 'complete', payment_status: 'paid' }));
const signed = (payload: string, secret = SECRET, timestamp = SENT) =>
  stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
const v1 = (payload: string | Uint8Array, secret = SECRET, timestamp: number | string = SENT) =>
  createHmac('sha256', secret).update(`${timestamp}.`).update(payload).digest('hex');
const requestOf = (body: string | Uint8Array, signature: string | undefined): ProviderRequest => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', 'stripe-signature': signature },
  body: Buffer.from(body),
  remoteAddress: '127.0.0.1',
});

type Heard = { overdue: boolean[]; versions: string[]; frauds: string[] };
function endpointOf(heard: Heard, change: { previous?: WebhookSecrets['previous']; isLive?: boolean | null } = {}) {
  return {
    secrets: {
      current: SECRET,
      previous: change.previous ?? null,
      onPrevious: (isOverdue: boolean) => void heard.overdue.push(isOverdue),
    },
    isLive: change.isLive === undefined ? false : change.isLive,
    onOtherVersion: (version: string) => void heard.versions.push(version),
    onFraudWarning: (chargeId: string) => void heard.frauds.push(chargeId),
  };
}
const listen = (): Heard => ({ overdue: [], versions: [], frauds: [] });
const read = (body: string | Uint8Array, signature: string | undefined, at = now) =>
  readMessage(requestOf(body, signature), endpointOf(listen()), at);
const reasonOf = (body: string | Uint8Array, signature: string | undefined, at = now) => {
  const reading = read(body, signature, at);
  return reading.kind === 'rejected' ? reading.reason : reading.kind;
};
const later = (seconds: number) => new Date((SENT + seconds) * 1_000);

describe('a signature', () => {
  it('of Stripe’s own making is right', () => {
    expect(reasonOf(PAID, signed(PAID))).toBe('hint');
  });

  it('is that of the SDK, byte by byte', () => {
    expect(signed(PAID)).toBe(`t=${SENT},v1=${v1(PAID)}`);
  });

  it.each([
    ['one byte of the body changed', PAID.replace('"amount_total":999', '"amount_total":998'), signed(PAID)],
    ['the body written anew', JSON.stringify(JSON.parse(PAID), null, 2), signed(PAID)],
    ['another secret', PAID, signed(PAID, 'whsec_other')],
    ['another time than was signed', PAID, `t=${SENT + 1},v1=${v1(PAID)}`],
    ['a digit changed', PAID, signed(PAID).replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))],
    ['cut short', PAID, signed(PAID).slice(0, -1)],
    ['capital digits', PAID, `t=${SENT},v1=${v1(PAID).toUpperCase()}`],
    ['no header', PAID, undefined],
    ['an empty header', PAID, ''],
    ['only another scheme', PAID, `t=${SENT},v0=${v1(PAID)}`],
    ['no time', PAID, `v1=${v1(PAID)}`],
    ['a time that is no number', PAID, `t=now,v1=${v1(PAID, SECRET, 'now')}`],
    ['two times', PAID, `t=${SENT},t=${SENT},v1=${v1(PAID)}`],
    ['no signature', PAID, `t=${SENT}`],
    ['an empty signature', PAID, `t=${SENT},v1=`],
    ['a name without a value', PAID, `t=${SENT},v1`],
    [
      'too many signatures',
      PAID,
      `t=${SENT},${Array(9)
        .fill(`v1=${v1(PAID)}`)
        .join(',')}`,
    ],
  ])('with %s is refused', (_name, body, signature) => {
    expect(reasonOf(body, signature)).toBe('webhook_secret_wrong');
  });

  it.each([
    ['before', (good: string, bad: string) => `t=${SENT},v1=${good},v1=${bad}`],
    ['after', (good: string, bad: string) => `t=${SENT},v1=${bad},v1=${good}`],
    ['with spaces and other schemes', (good: string) => `t=${SENT}, v0=abc, v1=${good}`],
  ])('stands %s others in a header that has several', (_name, header) => {
    expect(reasonOf(PAID, header(v1(PAID), v1(PAID, 'whsec_other')))).toBe('hint');
  });

  it('of a body of 1 MB is checked whole', () => {
    const long = event('charge.succeeded', { ...charge(), description: 'x'.repeat(1_000_000) });
    expect(reasonOf(long, signed(long))).toBe('hint');
    expect(reasonOf(long.replace('x"', 'y"'), signed(long))).toBe('webhook_secret_wrong');
  });

  it('of another provider’s message is none', () => {
    const form = 'click_trans_id=1&service_id=85335&sign_string=0123456789abcdef0123456789abcdef';
    expect(reasonOf(form, undefined)).toBe('webhook_secret_wrong');
  });
});

describe('the time of a message', () => {
  it.each([
    [0, 'hint'],
    [300, 'hint'],
    [301, 'webhook_too_old'],
    [86_400, 'webhook_too_old'],
    [-300, 'hint'],
    [-301, 'webhook_from_future'],
    [-86_400, 'webhook_from_future'],
  ])('%d seconds ago: %s', (age, outcome) => {
    expect(reasonOf(PAID, signed(PAID), later(age))).toBe(outcome);
  });

  it('is told to nobody whose signature is wrong', () => {
    expect(reasonOf(PAID, signed(PAID, 'whsec_other'), later(9_999))).toBe('webhook_secret_wrong');
  });
});

describe('a secret that is being replaced', () => {
  const previous = { secret: OLD_SECRET, until: later(60) };

  it.each([
    ['before its end', 0, 'hint', [false]],
    ['at its end', 60, 'rejected', [true]],
    ['after its end', 61, 'rejected', [true]],
  ])('%s', (_name, seconds, kind, overdue) => {
    const heard = listen();
    const reading = readMessage(
      requestOf(PAID, signed(PAID, OLD_SECRET)),
      endpointOf(heard, { previous }),
      later(seconds),
    );
    expect([reading.kind, heard.overdue]).toEqual([kind, overdue]);
  });

  it('is not heard of while the current one signs too', () => {
    const heard = listen();
    const both = `t=${SENT},v1=${v1(PAID, OLD_SECRET)},v1=${v1(PAID)}`;
    expect(readMessage(requestOf(PAID, both), endpointOf(heard, { previous }), now).kind).toBe('hint');
    expect(heard.overdue).toEqual([]);
  });
});

describe('bytes with a right signature', () => {
  it.each([
    ['no UTF-8', Buffer.concat([Buffer.from('{"id":"'), Buffer.of(0xc3, 0x28), Buffer.from('"}')])],
    ['no JSON', '{"id":'],
    ['nothing', ''],
    ['no object', 'null'],
    ['no event', '{"id":"evt_1","object":"charge","type":"x","livemode":false,"data":{"object":{}}}'],
    ['no id', event('charge.succeeded', charge(), { id: '' })],
    ['an id that no row can hold', event('charge.succeeded', charge(), { id: 'evt_\0' })],
    ['no mode', event('charge.succeeded', charge(), { livemode: undefined })],
    ['another provider’s', '{"jsonrpc":"2.0","method":"CheckTransaction","params":{}}'],
  ])('but %s are malformed', (_name, body) => {
    expect(reasonOf(body, `t=${SENT},v1=${v1(body)}`)).toBe('malformed_request');
  });

  it('of a thin event are none of ours', () => {
    const thin = '{"id":"evt_1","object":"v2.core.event","type":"v1.charge.refunded","livemode":false}';
    expect(read(thin, signed(thin))).toEqual({ kind: 'ignored', type: 'other', eventId: null, message: null });
  });
});

const PI = 'pi_3SVhoshi0000000000000001';
const CS = 'cs_test_a1HoshiFixture000000000000000001';
const ofSession = { invoiceId: INVOICE, reference: CS, chargeId: null };
const ofPaidSession = { ...ofSession, chargeId: PI };
const ofCharge = { invoiceId: INVOICE, reference: null, chargeId: PI };
const ofUnnamed = { invoiceId: null, reference: null, chargeId: PI };
const endpoint = { isLive: false, onOtherVersion: () => undefined, onFraudWarning: () => undefined };
const readBody = (body: string) => readEvent(Buffer.from(body), endpoint);

describe('an event', () => {
  it.each([
    ['checkout.session.completed', session({ status: 'complete', payment_intent: PI }), ofPaidSession],
    ['checkout.session.completed', session({ status: 'complete', payment_intent: intent() }), ofPaidSession],
    ['checkout.session.async_payment_succeeded', session({ payment_intent: PI }), ofPaidSession],
    ['checkout.session.async_payment_failed', session({ payment_intent: PI }), ofPaidSession],
    ['checkout.session.expired', session({ status: 'expired' }), ofSession],
    ['payment_intent.processing', intent({ status: 'processing' }), ofCharge],
    ['payment_intent.partially_funded', intent({ status: 'requires_action' }), ofCharge],
    ['payment_intent.payment_failed', intent({ status: 'requires_payment_method' }), ofCharge],
    ['payment_intent.canceled', intent({ status: 'canceled' }), ofCharge],
    ['charge.succeeded', charge(), ofCharge],
    ['charge.failed', charge({ status: 'failed' }), ofCharge],
    ['charge.refunded', charge({ refunded: true, amount_refunded: 999 }), ofCharge],
    ['refund.created', refund({ status: 'pending' }), ofUnnamed],
    ['refund.updated', refund(), ofUnnamed],
    ['refund.failed', refund({ status: 'failed', failure_reason: 'declined' }), ofUnnamed],
    ['charge.dispute.created', dispute(), ofUnnamed],
    ['charge.dispute.updated', dispute({ status: 'under_review' }), ofUnnamed],
    ['charge.dispute.closed', dispute({ status: 'lost' }), ofUnnamed],
    ['charge.dispute.funds_withdrawn', dispute(), ofUnnamed],
    ['charge.dispute.funds_reinstated', dispute({ status: 'won' }), ofUnnamed],
    ['customer_cash_balance_transaction.created', cashTransaction(), ofUnnamed],
    [
      'customer_cash_balance_transaction.created',
      { ...cashTransaction(), applied_to_payment: undefined, unapplied_from_payment: { payment_intent: PI } },
      ofUnnamed,
    ],
  ])('%s is a hint', (type, object, about) => {
    expect(readBody(event(type, object))).toEqual({
      kind: 'hint',
      type,
      eventId: 'evt_3SVhoshi0000000000000001',
      about,
    });
  });

  it('of a setup page names the page', () => {
    const setup = session({ mode: 'setup', client_reference_id: null, metadata: { method: 'pm_ours' } });
    expect(readBody(event('checkout.session.completed', setup))).toMatchObject({
      kind: 'hint',
      about: { invoiceId: null, reference: CS, chargeId: null },
    });
  });

  it.each([
    ['another’s page', 'checkout.session.completed', session({ metadata: {}, client_reference_id: 'cart 7' })],
    // Whoever opens a payment link writes it.
    ['another’s page that claims our order', 'checkout.session.completed', session({ metadata: {} })],
    [
      'another’s page without any id',
      'checkout.session.expired',
      session({ metadata: null, client_reference_id: null }),
    ],
    ['another’s setup', 'checkout.session.completed', session({ mode: 'setup', metadata: {} })],
    ['a subscription’s page', 'checkout.session.completed', session({ mode: 'subscription' })],
    ['another’s payment', 'payment_intent.canceled', intent({ metadata: {} })],
    ['a payment of an invoice of others', 'payment_intent.canceled', intent({ metadata: { invoice: 'INV-2026-1' } })],
    ['another’s charge', 'charge.succeeded', charge({ metadata: {} })],
    ['a charge without a PaymentIntent', 'charge.succeeded', charge({ payment_intent: null })],
    ['a refund without a PaymentIntent', 'refund.created', refund({ payment_intent: null })],
    ['a dispute without a PaymentIntent', 'charge.dispute.created', dispute({ payment_intent: null })],
    [
      'money that no payment is named for',
      'customer_cash_balance_transaction.created',
      { ...cashTransaction(), type: 'funded', applied_to_payment: undefined },
    ],
    [
      'a refund into a balance, which has an event of its own',
      'customer_cash_balance_transaction.created',
      { ...cashTransaction(), applied_to_payment: undefined, refunded_from_payment: { refund: 're_1' } },
    ],
    ['a payment whose charge says it', 'payment_intent.succeeded', intent()],
    ['an action that its page says', 'payment_intent.requires_action', intent({ status: 'requires_action' })],
    [
      'a balance that has money, of which its movements say what it pays for',
      'cash_balance.funds_available',
      { object: 'cash_balance', customer: 'cus_1', available: { eur: 500 }, livemode: false },
    ],
    ['a stored method, whose page says it', 'setup_intent.succeeded', setupIntent()],
    ['a stored method that failed', 'setup_intent.setup_failed', setupIntent({ status: 'requires_payment_method' })],
  ])('about %s is ignored', (_name, type, object) => {
    expect(readBody(event(type, object))).toEqual({ kind: 'ignored', type, eventId: null, message: null });
  });

  it.each([
    'customer.subscription.updated',
    'invoice.paid',
    'payout.paid',
    'charge.updated',
    'toString',
    'no such thing',
  ])('%s is none we listen to, and its name is no label', (type) => {
    expect(readBody(event(type, { id: 'x' }))).toEqual({
      kind: 'ignored',
      type: 'other',
      eventId: null,
      message: null,
    });
  });

  it.each([
    ['checkout.session.completed', { ...session(), mode: 7 }],
    ['checkout.session.completed', charge()],
    ['charge.succeeded', { object: 'charge', payment_intent: { no: 'id' } }],
    ['refund.created', null],
    ['charge.dispute.created', 'du_1'],
    ['radar.early_fraud_warning.created', { object: 'radar.early_fraud_warning' }],
  ])('%s in a form we do not know is kept', (type, object) => {
    expect(readBody(event(type, object))).toEqual({
      kind: 'unreadable',
      type,
      eventId: 'evt_3SVhoshi0000000000000001',
    });
  });
});

describe('a card company’s warning of fraud', () => {
  const warning = (change: object = {}) =>
    event('radar.early_fraud_warning.created', {
      id: 'issfr_1',
      object: 'radar.early_fraud_warning',
      actionable: true,
      charge: 'ch_1',
      fraud_type: 'made_with_stolen_card',
      payment_intent: PI,
      ...change,
    });

  it.each([
    ['its payment', {}, PI],
    ['its charge, where it has no payment', { payment_intent: null }, 'ch_1'],
  ])('is heard with %s, and nothing else follows from it', (_name, change, chargeId) => {
    const heard = listen();
    const reading = readEvent(Buffer.from(warning(change)), endpointOf(heard));
    expect(reading).toEqual({
      kind: 'ignored',
      type: 'radar.early_fraud_warning.created',
      eventId: null,
      message: null,
    });
    expect(heard.frauds).toEqual([chargeId]);
  });

  it('of the other mode is not ours', () => {
    const heard = listen();
    readEvent(Buffer.from(warning()), endpointOf(heard, { isLive: true }));
    expect(heard.frauds).toEqual([]);
  });
});

describe('the mode of an event', () => {
  it.each([
    [false, true, 'ignored'],
    [true, false, 'ignored'],
    [true, true, 'hint'],
    [null, true, 'hint'],
    [null, false, 'hint'],
  ])('with a live key %s and a live event %s: %s', (isLive, livemode, kind) => {
    const body = Buffer.from(event('charge.succeeded', charge(), { livemode }));
    const reading = readEvent(body, { ...endpoint, isLive });
    expect(reading.kind).toBe(kind);
    if (reading.kind === 'ignored') expect(reading.type).toBe('livemode_mismatch');
  });
});

describe('the API version of an event', () => {
  it.each([
    ['2026-10-28.endive', []],
    ['2026-09-30.endive', []],
    [null, []],
    ['2026-03-25.dahlia', ['2026-03-25.dahlia']],
    ['2020-08-27', ['2020-08-27']],
  ])('%s is read all the same', (version, versions) => {
    const heard = listen();
    const body = event('charge.succeeded', charge(), { api_version: version });
    expect(readMessage(requestOf(body, signed(body)), endpointOf(heard), now).kind).toBe('hint');
    expect(heard.versions).toEqual(versions);
  });
});

describe('whose object it is', () => {
  it.each([
    [{ invoice: INVOICE }, INVOICE],
    [{}, null],
    [{ invoice: 'INV-1' }, null],
    [null, null],
    [{ invoice: 'inv_' }, null],
    [{ invoice: `inv_${'0'.repeat(61)}` }, null],
    [{ invoice: 'inv_1\u0000' }, null],
    [undefined, null],
  ])('%o: %s', (metadata, invoiceId) => {
    expect(invoiceOf(metadata)).toBe(invoiceId);
  });
});
