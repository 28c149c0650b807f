import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY } from '../test-bench.ts';
import { signBody } from './sign.ts';
import { btcpayStoreId, btcpayWebhookSecret, TestStore } from './test-store.ts';

let store: TestStore;
const WEBHOOKS = `stores/${btcpayStoreId}/webhooks`;

beforeEach(async () => {
  store = await TestStore.start({ retryScale: 0.000_01 });
});
afterEach(async () => {
  await store.close();
});

describe('a webhook', () => {
  it('is signed as in the published vector', () => {
    const event = {
      ...{ deliveryId: 'd1', webhookId: 'w1', originalDeliveryId: 'd1', isRedelivery: false, type: 'InvoiceSettled' },
      ...{ timestamp: 1_795_165_200, manuallyMarked: false, overPaid: false, storeId: 's1', invoiceId: 'i1' },
      metadata: { orderId: 'pay_01' },
    };
    const body = JSON.stringify(event, null, 2);
    expect(Buffer.byteLength(body)).toBe(288);
    expect(signBody(body, 'whsec')).toBe('sha256=b3645ca6282cd572b74ba10d6a0c532239ddcbbac1af05b08188522390141a84');
  });

  it('comes indented, with its members in order and the signature of its bytes', async () => {
    const { id } = await store.create({ metadata: { orderId: 'pay_01', plan: '月額' } });
    await store.pay(id);
    await store.allSent();
    const settled = store.server.received.at(-1);
    expect(settled?.path).toBe('/api/v1/payment/webhooks/btcpay');
    expect(settled?.headers['btcpay-sig']).toBe(signBody(settled?.body ?? '', btcpayWebhookSecret));
    expect(settled?.body).toBe(JSON.stringify(JSON.parse(settled?.body ?? ''), null, 2));
    expect(Object.keys(store.events.at(-1))).toEqual([
      ...['deliveryId', 'webhookId', 'originalDeliveryId', 'isRedelivery', 'type', 'timestamp'],
      ...['manuallyMarked', 'overPaid', 'storeId', 'invoiceId', 'metadata'],
    ]);
    const received = store.events.find(({ type }) => type === 'InvoiceReceivedPayment');
    expect(received).toMatchObject({
      ...{ afterExpiration: false, paymentMethodId: 'BTC-CHAIN', payment: { status: 'Processing', fee: '0' } },
    });
    const payment = store.events.find(({ type }) => type === 'InvoicePaymentSettled');
    expect(payment).toMatchObject({ payment: { status: 'Settled', value: '0.001' } });
  });

  it.each([500, 503, 408, 429])('is sent again after %i, as a new delivery that names the first', async (status) => {
    store.answer = (_received, count) => ({ status: count <= 2 ? status : 200, body: '' });
    await store.create();
    await store.received(3);
    const [first, second, third] = store.events;
    expect(first).toMatchObject({ isRedelivery: false, originalDeliveryId: first.deliveryId });
    for (const again of [second, third]) {
      expect(again).toMatchObject({
        isRedelivery: true,
        originalDeliveryId: first.deliveryId,
        timestamp: first.timestamp,
      });
    }
    expect(new Set([first, second, third].map(({ deliveryId }) => deliveryId)).size).toBe(3);
  });

  it.each([400, 401, 404, 301])('is not sent again after %i', async (status) => {
    store.answer = () => ({ status, body: '' });
    await store.create();
    await store.allSent();
    await store.create();
    await store.allSent();
    expect(store.events.map(({ isRedelivery }) => isRedelivery)).toEqual([false, false]);
    expect(await store.deliveries()).toMatchObject([{ status: 'HttpError', http_code: status }, {}]);
  });

  it('is given up after eight redeliveries, and blocks what comes later meanwhile', async () => {
    store.answer = (_received, count) => ({ status: count <= 9 ? 500 : 200, body: '' });
    const first = await store.create();
    const second = await store.create();
    await store.received(10);
    expect(store.events.map(({ invoiceId }) => invoiceId)).toEqual([...Array(9).fill(first.id), second.id]);
  });

  it('without an answer is a failure that is repeated', async () => {
    store.answer = (_received, count) => (count === 1 ? null : { body: '' });
    await store.create();
    await store.received(2);
    await store.allSent();
    expect(await store.deliveries()).toMatchObject([{ status: 'HttpSuccess' }, { status: 'Failed', http_code: null }]);
  });

  it.each([
    ['lost_answer', 2],
    ['lost_request', 1],
    ['duplicate', 2],
    ['delay', 1],
  ])('and the fault %s: %i requests arrive', async (kind, requests) => {
    await store.fault({ kind, method: 'InvoiceCreated', delay_ms: 5 });
    await store.create();
    await store.received(requests);
    await store.allSent();
    expect(store.server.received).toHaveLength(requests);
  });

  it.each(['wrong_auth', 'malformed'])('and the fault %s: it cannot be trusted', async (kind) => {
    await store.fault({ kind, method: 'InvoiceCreated' });
    await store.create();
    await store.allSent();
    const [received] = store.server.received;
    expect(received?.headers['btcpay-sig']).not.toBe(signBody(received?.body ?? '', btcpayWebhookSecret));
  });

  it('is sent again by hand, as long as it is kept', async () => {
    await store.create();
    await store.allSent();
    const [webhook] = await store.get('GET', WEBHOOKS);
    const deliveries = `webhooks/${webhook.id}/deliveries`;
    const [delivery] = await store.get('GET', deliveries);
    expect(delivery).toMatchObject({ status: 'HttpSuccess', httpCode: 200, errorMessage: null });
    const newId = await store.get('POST', `${deliveries}/${delivery.id}/redeliver`);
    await store.allSent();
    expect(store.events[1]).toMatchObject({ deliveryId: newId, originalDeliveryId: delivery.id, isRedelivery: true });
    const again = await store.bench.sim('POST', `/btcpay/deliveries/${newId}/redeliver`);
    expect(again).toMatchObject({ original_delivery_id: delivery.id, status: 'HttpSuccess' });
    expect(await store.get('GET', `stores/${btcpayStoreId}/${deliveries}`)).toHaveLength(3);
    expect(await store.call('POST', `${deliveries}/nothing/redeliver`)).toMatchObject({
      ...{ status: 404, body: { code: 'webhookdelivery-not-found' } },
    });
    await store.bench.advance(61 * DAY);
    expect(await store.call('POST', `${deliveries}/${delivery.id}/redeliver`)).toMatchObject({
      ...{ status: 409, body: { code: 'webhookdelivery-pruned' } },
    });
  });

  it('is made, changed and taken away by the API, with a secret told once', async () => {
    const [own] = await store.get('GET', WEBHOOKS);
    expect(own).toMatchObject({ enabled: true, automaticRedelivery: true, authorizedEvents: { everything: true } });
    const url = `${store.server.url}/own`;
    const authorizedEvents = { everything: false, specificEvents: ['InvoiceExpired'] };
    const made = await store.get('POST', WEBHOOKS, { url, authorizedEvents });
    expect(made).toMatchObject({ url, secret: expect.any(String), authorizedEvents });
    expect(await store.get('GET', `webhooks/${made.id}`)).not.toHaveProperty('secret');
    await store.create();
    await store.allSent();
    expect(store.server.received.map(({ path }) => path)).toEqual(['/api/v1/payment/webhooks/btcpay']);
    await store.bench.advance(902);
    await store.allSent();
    const expired = store.server.received.find(({ path }) => path === '/own');
    expect(expired?.headers['btcpay-sig']).toBe(signBody(expired?.body ?? '', made.secret));
    await store.get('PUT', `${WEBHOOKS}/${made.id}`, { url, secret: 'new', enabled: false });
    expect(await store.get('GET', `webhooks/${made.id}`)).toMatchObject({
      enabled: false,
      authorizedEvents: { everything: true },
    });
    await store.get('DELETE', `webhooks/${made.id}`);
    expect(await store.call('GET', `webhooks/${made.id}`)).toMatchObject({
      ...{ status: 404, body: { code: 'webhook-not-found' } },
    });
    expect(await store.call('POST', WEBHOOKS, { url: 'https://example.com/hook' })).toEqual({
      ...{ status: 422, body: [{ path: 'Url', message: 'Invalid Url' }] },
    });
  });
});

it('follows the options in the webhook it has from the beginning', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hoshi-btcpay-'));
  const first = await TestStore.start({ stateDir: dir });
  await first.close();
  const second = await TestStore.start({ stateDir: dir });
  await second.create();
  await second.received(1);
  expect(await second.get('GET', WEBHOOKS)).toHaveLength(1);
  await second.close();
  await rm(dir, { recursive: true });
});

it('goes on after a restart: invoices, their times, and what was not sent', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hoshi-btcpay-'));
  await store.close();
  store = await TestStore.start({ stateDir: dir, retryScale: 1_000 });
  let isDown = true;
  store.answer = () => ({ status: isDown ? 503 : 200, body: '' });
  const invoice = await store.create();
  const waiting = await store.create();
  await store.received(1);
  isDown = false;
  await store.bench.restart();
  await store.received(2);
  await store.allSent();
  expect(store.events[1]).toMatchObject({ type: 'InvoiceCreated', invoiceId: waiting.id });
  expect(await store.get('GET', `invoices/${invoice.id}`)).toMatchObject({ status: 'New', amount: '97.5' });
  await store.bench.advance(902);
  expect(store.types(invoice.id)).toContain('InvoiceExpired');
  await store.bench.sim('POST', '/reset');
  expect(await store.get('GET', `stores/${btcpayStoreId}/invoices`)).toEqual([]);
  expect(await store.get('GET', WEBHOOKS)).toHaveLength(1);
  await store.bench.sandbox.close();
  await store.bench.restart();
  await rm(dir, { recursive: true });
});
