import { readPrivateKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { signHeads } from '#domain/audit/heads.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import type { Provider } from '#domain/provider/contract.ts';
import { capturedKey } from '#lib/testing/keys.ts';
import { readWith } from '../testing/keys.ts';
import { isWrite, makeDocument, type OpenApiDocument } from './rest/document.ts';
import { makeRoutes } from './rest.ts';
import { type Answer, orderOf, useWorld } from './testing/world.ts';

type Json = { [key: string]: unknown };
type Operation = {
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
  security?: Json[];
  parameters?: { name: string; in: string }[];
  requestBody?: Json;
};

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema as one that stands alone, and that takes no field it does not name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (!isObject(schema)) return schema;
  const entries = Object.entries(schema).map(([key, value]) =>
    key === '$ref' ? [key, String(value).replace('#/components/schemas/', '#/$defs/')] : [key, closed(value)],
  );
  const isNamed = isObject(schema['properties']) && schema['additionalProperties'] === undefined;
  return { ...Object.fromEntries(entries), ...(isNamed && { additionalProperties: false }) };
}

describe('the OpenAPI document', () => {
  const world = useWorld();
  // Only that a provider is set up counts for its door.
  const providers = new Map([['telegram-stars', {} as Provider]]);
  const routes = makeRoutes({ metricsToken: 'x', onMessage: async () => {}, providers });
  let document: OpenApiDocument;
  beforeAll(async () => {
    const served = await world.call('GET', '/api/v1/openapi.json');
    expect(served.status).toBe(200);
    document = served.body as unknown as OpenApiDocument;
  });
  const operationOf = (method: string, path: string) =>
    (document.paths?.[path] as Record<string, Operation> | undefined)?.[method];

  it('is what the routes make', () => {
    expect(document).toEqual(JSON.parse(JSON.stringify(makeDocument(routes))));
    expect(document.openapi).toBe('3.1.0');
  });

  it('has every route, and every route it has is there', () => {
    const documented = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(item ?? {}).map((method) => `${method} ${path}`),
    );
    expect(documented.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
    expect(new Set(documented).size).toBe(documented.length);
  });

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'says of %s who may, how and what comes back',
    (_, route) => {
      const operation = operationOf(route.method, route.path);
      if (!operation) throw new Error('not documented');
      const ways = { public: [], session: ['session'], server: ['apiKey'], person: ['session', 'apiKey'] };
      expect((operation.security ?? []).flatMap(Object.keys)).toEqual(ways[route.access.kind]);
      expect(operation.responses[String(route.answer.status)]?.content).toBeDefined();
      const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(named).toEqual(inPath);
      const keys = (operation.parameters ?? []).filter((parameter) => parameter.name === 'idempotency-key');
      expect(keys).toHaveLength(isWrite(route) ? 1 : 0);
      expect(operation.requestBody !== undefined).toBe(isWrite(route));
    },
  );

  it('offers routes that exist: none of them is answered with route_not_found', async () => {
    for (const { method, path } of routes) {
      if (path === '/metrics') continue;
      const { text } = await world.call(
        method.toUpperCase(),
        path.replaceAll(/\{\w+\}/g, 'x'),
        method === 'get' ? {} : { json: {} },
      );
      expect(text).not.toContain('route_not_found');
    }
  });

  /** Holds an answer against what the document says of its route and status. */
  function check(method: string, path: string, answer: Answer): void {
    const schema = operationOf(method, path)?.responses[String(answer.status)]?.content?.['application/json']?.schema;
    if (!schema) throw new Error(`${method} ${path} does not say that it may answer ${answer.status}: ${answer.text}`);
    const schemas = (document.components?.schemas ?? {}) as Json;
    const standalone = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      ...(closed(schema) as Json),
      $defs: closed(schemas),
    };
    const result = z.fromJSONSchema(standalone as Parameters<typeof z.fromJSONSchema>[0]).safeParse(answer.body);
    expect(result.success ? [] : result.error.issues, `${method} ${path}: ${answer.text}`).toEqual([]);
  }

  it('notices an answer that is not as it says', () => {
    const wrong = (body: Json): Answer => ({ status: 200, headers: new Headers(), text: '', body });
    expect(() => check('get', '/health/live', wrong({ status: 'dead' }))).toThrow();
    expect(() => check('get', '/health/live', wrong({ status: 'ok', extra: 1 }))).toThrow();
    expect(() => check('get', '/api/v1/payment/plans', wrong({ success: true, plans: [{ id: 1 }] }))).toThrow();
  });

  it('is true of real answers', async () => {
    const buyer = await world.person();
    const developer = await ensureUser(world.ctx, { telegramId: 99_001n, languageCode: null });
    const key = await world.key();
    const { invoiceId, paymentId } = await world.buy(buyer, 'month');
    await world.buy(buyer, 'plugin');
    const event = await world.ctx.db.webhookEvent.findFirstOrThrow({ where: { kind: 'payment_succeeded' } });
    const as = buyer.token;
    world.clock.advance(1000);

    const get = async (route: string, path = route, who: string | undefined = as) =>
      check('get', route, await world.call('GET', path, { as: who }));
    const send = async (method: 'post' | 'put', route: string, path: string, json: unknown, who = as) =>
      check(method, route, await world.call(method.toUpperCase(), path, { as: who, json }));

    await get('/health/live');
    await get('/health/ready');
    await get('/api/v1/payments/health');
    await get('/api/v1/payments/plans');
    await get('/api/v1/payment/plans');
    await get('/api/v1/payment/plans/{id}', '/api/v1/payment/plans/log-pro');
    await get('/api/v1/payment/plans/{id}', '/api/v1/payment/plans/nothing');
    await get('/api/v1/payments/currencies');
    await send('post', '/api/v1/payments/create', '/api/v1/payments/create', orderOf('year'));
    await send('post', '/api/v1/payments/create', '/api/v1/payments/create', {});
    await send('post', '/api/v1/payments/create', '/api/v1/payments/create', { ...orderOf('year'), amount: 1 });
    await send('post', '/api/v1/payments/create', '/api/v1/payments/create', orderOf('year'), 'nobody');
    await send('post', '/api/v1/payment/subscriptions', '/api/v1/payment/subscriptions', {
      plan_id: 'log-pro',
      interval: 'year',
    });
    const opened = await world.call('POST', '/api/v1/payments/create', { as, json: orderOf('year') });
    const cancel = (id: string) => `/api/v1/payments/${id}/cancel`;
    await send('post', '/api/v1/payments/{id}/cancel', cancel(String(opened.body['payment_id'])), {});
    await send('post', '/api/v1/payments/{id}/cancel', cancel(invoiceId), {});
    await send('post', '/api/v1/payments/{id}/cancel', cancel('inv_none'), {});
    await get('/api/v1/payments/history/{user_id}', `/api/v1/payments/history/${buyer.userId}`);
    await get('/api/v1/payment/history');
    await get('/api/v1/payment/history', '/api/v1/payment/history?cursor=x');
    await get('/api/v1/payment/payments/{id}', `/api/v1/payment/payments/${paymentId}`);
    await get('/api/v1/payment/payments/{id}', `/api/v1/payment/payments/${invoiceId}`);
    await get('/api/v1/payment/subscription');
    await get('/api/v1/entitlements/{user_id}', `/api/v1/entitlements/${buyer.userId}?product=log`);
    await get('/api/v1/entitlements/{user_id}', `/api/v1/entitlements/${buyer.userId}?product=nothing`);
    await get(
      '/api/v1/payments/revenue-sharing/stats/{user_id}',
      `/api/v1/payments/revenue-sharing/stats/${developer.id}`,
      key,
    );
    await send('put', '/api/v1/payment/subscription/cancel', '/api/v1/payment/subscription/cancel', {});
    await send('post', '/api/v1/webhooks/{id}/replay', `/api/v1/webhooks/${event.id}/replay?dry_run=true`, {}, key);
    await send('post', '/api/v1/payments/{id}/refund', `/api/v1/payments/${paymentId}/refund`, {}, key);
    await send('post', '/api/v1/payments/{id}/refund', `/api/v1/payments/${paymentId}/refund`, {}, as);
    check(
      'get',
      '/api/v1/payment/payments/{id}',
      await world.call('GET', `/api/v1/payment/payments/${paymentId}`, { as }),
    );
    await get('/api/v1/payment/methods');
    await send('post', '/api/v1/payment/methods', '/api/v1/payment/methods', { provider: 'telegram-stars' });
    await send('post', '/api/v1/payment/methods', '/api/v1/payment/methods', { provider: '4242424242424242' });
    await send('post', '/api/v1/payment/methods/{id}/confirm', '/api/v1/payment/methods/pmt_1/confirm', {});
    check(
      'delete',
      '/api/v1/payment/methods/{id}',
      await world.call('DELETE', '/api/v1/payment/methods/pmt_1', { as }),
    );
    await send('post', '/api/v1/payment/process', '/api/v1/payment/process', {
      ...orderOf('year'),
      payment_method: undefined,
      payment_method_id: 'pmt_1',
    });
    const added = await world.call('POST', '/api/v1/billing-keys', { as, json: { public_key: capturedKey('curve') } });
    check('post', '/api/v1/billing-keys', added);
    await send('post', '/api/v1/billing-keys', '/api/v1/billing-keys', { public_key: capturedKey('expired') });
    await send('post', '/api/v1/billing-keys', '/api/v1/billing-keys', { public_key: capturedKey('curve') }, key);
    await get('/api/v1/billing-keys');
    const keyPath = `/api/v1/billing-keys/${added.body['billing_key_id']}`;
    const challenge = String(added.body['challenge']);
    const privateKey = await readPrivateKey({ armoredKey: capturedKey('curve-private') });
    const code = (await readWith(privateKey, challenge)).trim();
    await send('post', '/api/v1/billing-keys/{id}/prove', `${keyPath}/prove`, { code: 'AAAAAAAA' });
    await send('post', '/api/v1/billing-keys/{id}/prove', `${keyPath}/prove`, { code });
    await send('post', '/api/v1/billing-keys/{id}/prove', '/api/v1/billing-keys/bky_1/prove', { code });
    check('delete', '/api/v1/billing-keys/{id}', await world.call('DELETE', keyPath, { as }));
    await get('/api/v1/privacy/export');
    await send('post', '/api/v1/privacy/export', '/api/v1/privacy/export', {});
    await send('post', '/api/v1/privacy/export', '/api/v1/privacy/export', {}, key);
    await get('/api/v1/privacy/export');
    await get('/api/v1/payment/payments/{id}/receipt', '/api/v1/payment/payments/pay_1/receipt');
    await get('/api/v1/receipts/{token}', '/api/v1/receipts/x');
    await get('/api/v1/payment/analytics/revenue', '/api/v1/payment/analytics/revenue', key);
    await get('/api/v1/payment/analytics/revenue', '/api/v1/payment/analytics/revenue?from=2020-01-01', key);
    await get('/api/v1/payment/analytics/subscriptions', '/api/v1/payment/analytics/subscriptions', key);
    await get('/api/v1/payment/analytics/subscriptions', '/api/v1/payment/analytics/subscriptions', as);
    await get('/api/v1/audit/verify', '/api/v1/audit/verify', key);
    await get('/api/v1/audit/verify', '/api/v1/audit/verify?limit=1', key);
    await get('/api/v1/audit/verify', '/api/v1/audit/verify?cursor=x', key);
    await get('/api/v1/audit/verify', '/api/v1/audit/verify', as);
    await get('/api/v1/audit/head', '/api/v1/audit/head', key);
    world.clock.advance(86_400_000);
    await signHeads(world.ctx);
    await get('/api/v1/audit/head', '/api/v1/audit/head', key);
    check('post', '/webhooks/telegram', await world.update({ message: { text: '/start' } }));
    check('post', '/webhooks/telegram', await world.update({ message: { text: '/start' } }, { secret: 'wrong' }));
  });
});
