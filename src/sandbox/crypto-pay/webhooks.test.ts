import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signBody } from './sign.ts';
import { cryptoPayToken, TestApplication } from './test-application.ts';

let app: TestApplication;

beforeEach(async () => {
  app = await TestApplication.start();
});
afterEach(async () => {
  await app.close();
});

describe('invoice_paid', () => {
  it('is signed as in the published vector', () => {
    const body =
      '{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-20T09:00:00.000Z","payload":{"invoice_id":528890,"hash":"IVDoTcNBYEfk","currency_type":"fiat","fiat":"USD","amount":"29.99","status":"paid","paid_asset":"BTC","paid_amount":"0.00031","payload":"pay_01"}}';
    expect(signBody(body, '12345:AAtestTOKEN')).toBe(
      '200bf60785d621ce46fa69f298eb240d2d2e5bf3e6d21492844979f3f961971c',
    );
  });

  it('comes to the webhook of the application with the signature of its bytes', async () => {
    await app.pay((await app.createInvoice({ description: '月額プラン' })).bot_invoice_url);
    const [received] = app.server.received;
    expect(received?.path).toBe('/api/v1/payment/webhooks/crypto-pay');
    expect(received?.headers['content-type']).toBe('application/json');
    expect(received?.headers['crypto-pay-api-signature']).toBe(signBody(received?.body ?? '', cryptoPayToken));
  });

  it.each([400, 404, 500, 301])('is sent again after %i: the same payload at another time', async (status) => {
    app.answer = (_received, count) => ({ status: count <= 2 ? status : 200, body: '' });
    const { delivery, invoice } = await app.pay((await app.createInvoice()).bot_invoice_url);
    expect(delivery).toMatchObject({ status: 'pending', tries: [{ status }] });
    await app.bench.advance(1);
    const [first, second, third] = await untilUpdates(3);
    expect([first?.['payload'], second?.['payload']]).toEqual([invoice, invoice]);
    expect(third?.['update_id']).toBe(first?.['update_id']);
    expect(new Set([first, second, third].map((update) => update?.['request_date'])).size).toBeGreaterThan(1);
  });

  it('has ids that are not unique', async () => {
    for (let count = 0; count < 6; count += 1) await app.pay((await app.createInvoice()).bot_invoice_url);
    expect(new Set(app.updates.map((update) => update['update_id'])).size).toBeLessThan(6);
  });

  it.each([
    ['lost_answer', 2],
    ['lost_request', 1],
    ['duplicate', 2],
    ['malformed', 2],
    ['wrong_auth', 2],
    ['delay', 1],
  ])('and the fault %s: %i requests arrive', async (kind, requests) => {
    app.answer = ({ body, headers }) => ({
      status: headers['crypto-pay-api-signature'] === signBody(body, cryptoPayToken) && body.endsWith('}') ? 200 : 401,
      body: '',
    });
    await app.fault({ kind, method: 'invoice_paid', delay_ms: 5 });
    const { delivery } = await app.pay((await app.createInvoice()).bot_invoice_url);
    await app.delivered(delivery.id);
    expect(app.server.received).toHaveLength(requests);
  });

  it('is sent again by hand, also with a wrong signature', async () => {
    const { delivery } = await app.pay((await app.createInvoice()).bot_invoice_url);
    const path = `/crypto-pay/deliveries/${delivery.id}/redeliver`;
    await app.bench.sim('POST', path);
    await app.bench.sim('POST', path, { wrong_signature: true });
    const right = app.server.received.map(
      ({ body, headers }) => headers['crypto-pay-api-signature'] === signBody(body, cryptoPayToken),
    );
    expect(right).toEqual([true, true, false]);
  });

  function untilUpdates(count: number): Promise<Record<string, unknown>[]> {
    return app.bench.until(async () => {
      await app.bench.sim('GET', '/health');
      return app.updates.length >= count && app.updates;
    });
  }
});

it('goes on after a restart with what was not taken, and forgets with a reset', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hoshi-crypto-pay-'));
  await app.close();
  app = await TestApplication.start({ stateDir: dir, retryScale: 1_000 });
  app.answer = (_received, count) => ({ status: count === 1 ? 500 : 200, body: '' });
  const { invoice, delivery } = await app.pay((await app.createInvoice()).bot_invoice_url);
  expect(delivery.status).toBe('pending');
  await app.bench.restart();
  await app.delivered(delivery.id);
  const path = `/crypto-pay/invoices/${invoice.invoice_id}`;
  expect(await app.bench.sim('GET', path)).toMatchObject({ invoice, deliveries: [{ status: 'delivered' }] });
  await app.bench.sim('POST', '/reset');
  expect(await app.bench.sim('GET', '/crypto-pay/invoices')).toEqual([]);
  expect((await app.createInvoice()).invoice_id).toBeGreaterThan(invoice.invoice_id);
  await app.bench.sandbox.close();
  await app.bench.restart();
  await rm(dir, { recursive: true });
});
