import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { describe, expect, it } from 'vitest';
import { makeRest } from './rest.ts';
import { type Answer, orderOf, useWorld } from './testing/world.ts';

const CREATE = '/api/v1/payments/create';
const SQL = "x'; DROP TABLE payment; --";
const errorOf = ({ body }: Answer) => body['error'] as { reason: string; details: Record<string, string> };

describe('hostile input', () => {
  const world = useWorld();
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

  it.each([
    ['half a JSON', '{"amount":', 400, 'malformed_request'],
    ['no JSON at all', '<xml/>', 400, 'malformed_request'],
    ['a number', '5', 400, 'malformed_request'],
    ['null', 'null', 400, 'malformed_request'],
    ['an array', '[]', 400, 'malformed_request'],
    ['nothing', '', 400, 'malformed_request'],
    ['nine levels', nested(9), 400, 'malformed_request'],
    ['a hundred thousand brackets', '['.repeat(100_000), 400, 'malformed_request'],
    ['more than 256 kB', JSON.stringify({ description: 'x'.repeat(262_144) }), 413, 'body_too_large'],
  ])('as a body: %s', async (_, body, status, reason) => {
    const { token } = await world.person();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await world.send('POST', CREATE, { headers, body });
    expect([answer.status, errorOf(answer).reason]).toEqual([status, reason]);
  });

  it('bytes that are no UTF-8', async () => {
    const { token } = await world.person();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await world.send('POST', CREATE, {
      headers,
      body: new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    });
    expect([answer.status, errorOf(answer).reason]).toEqual([400, 'malformed_request']);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx'])(
    'content as %s',
    async (type) => {
      const { token } = await world.person();
      const headers = { authorization: `Bearer ${token}`, 'content-type': type };
      const answer = await world.send('POST', CREATE, { headers, body: JSON.stringify(orderOf('month')) });
      expect([answer.status, errorOf(answer).reason]).toEqual([415, 'unsupported_media_type']);
    },
  );

  it.each([
    ['a fraction', { amount: 1.5 }, 'amount'],
    ['a negative amount', { amount: -150 }, 'amount'],
    ['nothing to pay', { amount: 0 }, 'amount'],
    ['an amount beyond a float', { amount: 9_007_199_254_740_992 }, 'amount'],
    ['an amount beyond 64 bits', { amount: '99999999999999999999' }, 'amount'],
    ['an amount in words', { amount: '150 ' }, 'amount'],
    ['an amount as hexadecimal', { amount: '0x96' }, 'amount'],
    ['an unknown currency', { currency: 'DOGE' }, 'currency'],
    ['a currency of the prototype', { currency: 'constructor' }, 'currency'],
    ['an unknown method', { payment_method: 'cash' }, 'payment_method'],
    ['SQL as an item', { item_id: SQL }, 'item_id'],
    ['a zero byte', { item_id: 'log\u0000-pro' }, 'item_id'],
    ['a lone surrogate', { item_id: '\ud800' }, 'item_id'],
    ['an emoji', { item_id: '💣' }, 'item_id'],
    ['a long id', { item_id: 'x'.repeat(101) }, 'item_id'],
    ['an object as an id', { item_id: { contains: '' } }, 'item_id'],
    ['a fee over the whole', { platform_fee_percentage: 101 }, 'platform_fee_percentage'],
    ['a fee of three decimals', { platform_fee_percentage: 2.999 }, 'platform_fee_percentage'],
    ['a tiny fee', { platform_fee_percentage: 1e-7 }, 'platform_fee_percentage'],
    ['no time to pay', { expires_in_minutes: 0 }, 'expires_in_minutes'],
    ['a Telegram id that is none', { customer_telegram_id: '1e9' }, 'customer_telegram_id'],
    ['a Telegram id of 53 bits', { customer_telegram_id: '4503599627370497' }, 'customer_telegram_id'],
    ['a long description', { description: 'x'.repeat(501) }, 'description'],
  ])('as a field: %s', async (_, change, field) => {
    const { token } = await world.person();
    const answer = await world.call('POST', CREATE, { as: token, json: { ...orderOf('month'), ...change } });
    expect([answer.status, errorOf(answer).reason]).toEqual([400, 'malformed_request']);
    expect(errorOf(answer).details['fields']).toBe(field);
  });

  it('names unknown fields and repeats no value', async () => {
    const { token } = await world.person();
    const json = { ...orderOf('month'), card_number: '4242424242424242', '<script>': 1, __proto__x: 1 };
    const answer = await world.call('POST', CREATE, { as: token, json });
    expect(errorOf(answer).details).toEqual({ unknownFields: 'card_number, __proto__x' });
    expect(answer.text).not.toMatch(/4242|script/);
  });

  it('cannot reach the prototype', async () => {
    const { token } = await world.person();
    const body = `{"__proto__":{"amount":150},"currency":"XTR","item_id":"log-pro"}`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await world.send('POST', CREATE, { headers, body });
    expect([answer.status, errorOf(answer).reason]).toEqual([400, 'malformed_request']);
    expect(({} as Record<string, unknown>)['amount']).toBeUndefined();
  });

  it.each([
    '/api/v1/payments/history/%00',
    `/api/v1/payments/history/${encodeURIComponent(SQL)}`,
    `/api/v1/payments/history/${'9'.repeat(101)}`,
    '/api/v1/payments/history/%E2%80%AEusr',
    '/api/v1/payment/payments/%F0%9F%92%A3',
    '/api/v1/payment/plans/..%2f..%2fetc%2fpasswd',
    '/api/v1/payment/history?cursor=next',
    '/api/v1/payment/history?limit=0',
    '/api/v1/payment/history?limit=51',
    '/api/v1/payment/history?limit=1e1.5',
    '/api/v1/payment/history?month=2026-13',
    '/api/v1/payment/history?status=stolen',
    `/api/v1/payment/history?user_id=${encodeURIComponent(SQL)}`,
    `/api/v1/payment/history?cursor=${Buffer.from('["0000-01-01T00:00:00.000Z","pay_1"]').toString('base64url')}`,
    '/api/v1/entitlements/usr_1',
    '/api/v1/entitlements/usr_1?product=%00',
    '/api/v1/payments/revenue-sharing/stats/usr_1?from=0000-01-01',
    '/api/v1/payments/revenue-sharing/stats/usr_1?from=2026-02-31T99:00:00Z',
    '/api/v1/payments/revenue-sharing/stats/usr_1?from=2001-01-01',
  ])('as an address: %s', async (path) => {
    const key = await world.key();
    const answer = await world.call('GET', path, { as: key });
    expect([answer.status, errorOf(answer).reason]).toEqual([400, 'malformed_request']);
  });

  it.each(['inv_nothing', 'pay_nothing', 'usr_nothing', 'x', '0', 'constructor'])(
    'an id that is none: %s',
    async (id) => {
      const key = await world.key();
      const answer = await world.call('GET', `/api/v1/payment/payments/${id}`, { as: key });
      expect(answer.status).toBe(404);
      expect(errorOf(answer).reason).toBe(id.startsWith('inv_') ? 'invoice_not_found' : 'payment_not_found');
    },
  );

  it('other people’s orders, payments and subscriptions look like none', async () => {
    const [owner, stranger] = await Promise.all([world.person(), world.person()]);
    const { invoiceId, paymentId } = await world.buy(owner, 'month');
    const { id } = await world.ctx.db.subscription.findFirstOrThrow({ where: { userId: owner.userId } });
    const as = stranger.token;
    const order = await world.call('GET', `/api/v1/payment/payments/${invoiceId}`, { as });
    const payment = await world.call('GET', `/api/v1/payment/payments/${paymentId}`, { as });
    const cancel = await world.call('PUT', '/api/v1/payment/subscription/cancel', {
      as,
      json: { subscription_id: id },
    });
    expect([order, payment, cancel].map((answer) => [answer.status, errorOf(answer).reason])).toEqual([
      [404, 'invoice_not_found'],
      [404, 'payment_not_found'],
      [404, 'subscription_not_found'],
    ]);
    const named = await world.call('PUT', '/api/v1/payment/subscription/cancel', {
      as,
      json: { user_id: owner.userId },
    });
    expect([named.status, errorOf(named).reason]).toEqual([403, 'not_yours']);
    const order2 = await world.call('POST', CREATE, { as, json: { ...orderOf('year'), user_id: owner.userId } });
    expect([order2.status, errorOf(order2).reason]).toEqual([403, 'not_yours']);
    expect((await world.ctx.db.subscription.findUniqueOrThrow({ where: { id } })).status).toBe('active');
  });

  it.each([
    ['nothing behind Bearer', 'Bearer ', 'session_missing'],
    ['another scheme', 'Basic dXNlcjpwYXNz', 'session_missing'],
    [
      'an unsigned token',
      `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"usr_1"}').toString('base64url')}.`,
      'session_missing',
    ],
    ['a token of others', 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl', 'session_missing'],
    ['an unknown key', 'Bearer hoshi_sandbox_api_key_do_not_use_live', 'api_key_unknown'],
    ['a key of a kilobyte', `Bearer ${'k'.repeat(1000)}`, 'api_key_unknown'],
    ['ten kilobytes', `Bearer ${'k'.repeat(10_000)}`, 'session_missing'],
  ])('as a credential: %s', async (_, authorization, reason) => {
    const answer = await world.send('GET', '/api/v1/payment/history', { headers: { authorization } });
    expect([answer.status, errorOf(answer).reason]).toEqual([401, reason]);
  });

  it('a session outlives neither its hours nor its key’s', async () => {
    const { token } = await world.person();
    world.clock.advance(13 * 3_600_000);
    const answer = await world.call('GET', '/api/v1/payment/history', { as: token });
    expect([answer.status, errorOf(answer).reason]).toEqual([401, 'session_expired']);
  });

  it('addresses and methods that are none', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/nothing'],
      ['DELETE', CREATE],
      ['GET', CREATE],
      ['POST', '/health/live'],
      ['OPTIONS', CREATE],
    ] as const) {
      const answer = await world.call(method, path);
      expect([answer.status, errorOf(answer).reason]).toEqual([404, 'route_not_found']);
    }
  });

  it('a host that is none', async () => {
    const rest = makeRest({ ctx: world.ctx, metricsToken: null, handleBotUpdate: async () => {} });
    const server = createServer(getRequestListener(rest.fetch, { errorHandler: rest.refuse }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ port, path: '/health/live', headers: { host: 'a b' } }, resolve)
        .on('error', reject)
        .end();
    });
    const body = JSON.parse(Buffer.concat(await answer.toArray()).toString()) as { error: { reason: string } };
    server.close();
    expect([answer.statusCode, body.error.reason]).toEqual([400, 'malformed_request']);
    expect(answer.headers['x-request-id']).toMatch(/^req_/);
  });

  it('broken data of ours are our fault, in both doors', async () => {
    const { token } = await world.person();
    const { ctx } = world;
    await ctx.db.plan.update({ where: { id: 'pln_log_pro' }, data: { limits: { notes: 'many' } } });
    const rest = await world.call('GET', '/api/v1/payment/plans/log-pro');
    const trpc = await world.call('GET', '/api/trpc/catalog.list', { as: token });
    await ctx.db.plan.update({ where: { id: 'pln_log_pro' }, data: { limits: { notes: 1000 } } });
    expect([rest.status, errorOf(rest).reason, trpc.status]).toEqual([500, 'internal', 500]);
    expect(rest.text + trpc.text).not.toMatch(/notes|many/);
  });

  it('a table that is gone stays a secret', async () => {
    const { token } = await world.person();
    const { ctx } = world;
    await ctx.pool.query('ALTER TABLE payment RENAME TO payment_gone');
    const broken = await world.call('GET', '/api/v1/payment/history', { as: token });
    await ctx.pool.query('ALTER TABLE payment_gone RENAME TO payment');
    expect([broken.status, errorOf(broken).reason]).toEqual([500, 'internal']);
    expect(broken.text).not.toMatch(/payment_gone|relation|prisma/i);
    expect(world.lines.join('')).not.toContain(token);
  });
});
