import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '#domain/context/context.ts';
import { addMethod } from '#domain/payment-method/add.ts';
import { actingFor } from './request.ts';
import { makeRoutes } from './rest.ts';
import { makeVault, VAULT } from './testing/vault.ts';
import { type Answer, orderOf, type Person, useWorld } from './testing/world.ts';

type Attempt = Readonly<{ method: string; path: string; json?: unknown }>;
/** A route about somebody's affairs. `attempt` says how to ask it about `owner`. */
type Row = Readonly<{
  route: string;
  scopes: ReadonlyArray<Scope>;
  /** What another person is told; staff-only routes tell the owner the same. */
  stranger: readonly [number, string];
  isStaffOnly?: boolean;
  attempt: (owner: Owner) => Attempt;
  /** What its own people are told. */
  status: number;
}>;
type Owner = Person &
  Readonly<{
    paymentId: string;
    invoiceId: string;
    openInvoiceId: string;
    subscriptionId: string;
    methodId: string;
    eventId: string;
  }>;

const reasonOf = ({ body }: Answer) => (body['error'] as { reason: string } | undefined)?.reason ?? null;

const ROWS: ReadonlyArray<Row> = [
  {
    route: 'POST /api/v1/payments/create',
    scopes: ['payments:write'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({
      method: 'POST',
      path: '/api/v1/payments/create',
      json: { ...orderOf('year'), user_id: userId },
    }),
    status: 201,
  },
  {
    route: 'POST /api/v1/payment/subscriptions',
    scopes: ['payments:write'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({
      method: 'POST',
      path: '/api/v1/payment/subscriptions',
      json: { plan_id: 'log-pro', interval: 'year', user_id: userId },
    }),
    status: 201,
  },
  {
    route: 'GET /api/v1/payments/history/{user_id}',
    scopes: ['payments:read'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({ method: 'GET', path: `/api/v1/payments/history/${userId}` }),
    status: 200,
  },
  {
    route: 'GET /api/v1/payment/history',
    scopes: ['payments:read'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({ method: 'GET', path: `/api/v1/payment/history?user_id=${userId}` }),
    status: 200,
  },
  {
    route: 'GET /api/v1/payment/payments/{id}',
    scopes: ['payments:read'],
    stranger: [404, 'payment_not_found'],
    attempt: ({ paymentId }) => ({ method: 'GET', path: `/api/v1/payment/payments/${paymentId}` }),
    status: 200,
  },
  {
    route: 'GET /api/v1/payment/payments/{id}/receipt',
    scopes: ['payments:read'],
    stranger: [404, 'payment_not_found'],
    attempt: ({ paymentId }) => ({ method: 'GET', path: `/api/v1/payment/payments/${paymentId}/receipt` }),
    status: 200,
  },
  {
    route: 'POST /api/v1/payment/methods',
    scopes: ['payments:write'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({
      method: 'POST',
      path: '/api/v1/payment/methods',
      json: { user_id: userId, provider: VAULT },
    }),
    status: 201,
  },
  {
    route: 'GET /api/v1/payment/methods',
    scopes: ['payments:read'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({ method: 'GET', path: `/api/v1/payment/methods?user_id=${userId}` }),
    status: 200,
  },
  {
    route: 'POST /api/v1/payment/methods/{id}/confirm',
    scopes: ['payments:write'],
    stranger: [404, 'payment_method_not_found'],
    attempt: ({ methodId }) => ({
      method: 'POST',
      path: `/api/v1/payment/methods/${methodId}/confirm`,
      json: { token: 'tok_silent' },
    }),
    status: 200,
  },
  {
    route: 'POST /api/v1/payment/process',
    scopes: ['payments:write'],
    stranger: [403, 'not_yours'],
    attempt: ({ methodId, userId }) => ({
      method: 'POST',
      path: '/api/v1/payment/process',
      json: { payment_method_id: methodId, user_id: userId, item_id: 'tool-license', amount: 500, currency: 'USD' },
    }),
    status: 201,
  },
  {
    route: 'DELETE /api/v1/payment/methods/{id}',
    scopes: ['payments:write'],
    stranger: [404, 'payment_method_not_found'],
    attempt: ({ methodId }) => ({ method: 'DELETE', path: `/api/v1/payment/methods/${methodId}` }),
    status: 200,
  },
  {
    route: 'GET /api/v1/payment/analytics/revenue',
    scopes: ['revenue:read'],
    stranger: [403, 'not_yours'],
    isStaffOnly: true,
    attempt: () => ({ method: 'GET', path: '/api/v1/payment/analytics/revenue' }),
    status: 200,
  },
  {
    route: 'GET /api/v1/payment/analytics/subscriptions',
    scopes: ['subscriptions:read'],
    stranger: [403, 'not_yours'],
    isStaffOnly: true,
    attempt: () => ({ method: 'GET', path: '/api/v1/payment/analytics/subscriptions' }),
    status: 200,
  },
  {
    route: 'GET /api/v1/payment/subscription',
    scopes: ['subscriptions:read'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({ method: 'GET', path: `/api/v1/payment/subscription?user_id=${userId}` }),
    status: 200,
  },
  {
    route: 'PUT /api/v1/payment/subscription/cancel',
    scopes: ['subscriptions:write', 'subscriptions:read'],
    stranger: [404, 'subscription_not_found'],
    attempt: ({ subscriptionId }) => ({
      method: 'PUT',
      path: '/api/v1/payment/subscription/cancel',
      json: { subscription_id: subscriptionId },
    }),
    status: 200,
  },
  {
    route: 'GET /api/v1/entitlements/{user_id}',
    scopes: ['entitlements:read'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({ method: 'GET', path: `/api/v1/entitlements/${userId}?product=log` }),
    status: 200,
  },
  {
    route: 'GET /api/v1/payments/revenue-sharing/stats/{user_id}',
    scopes: ['revenue:read'],
    stranger: [403, 'not_yours'],
    attempt: ({ userId }) => ({ method: 'GET', path: `/api/v1/payments/revenue-sharing/stats/${userId}` }),
    status: 200,
  },
  {
    route: 'GET /api/v1/webhooks',
    scopes: ['webhooks:replay'],
    stranger: [403, 'not_yours'],
    isStaffOnly: true,
    attempt: () => ({ method: 'GET', path: '/api/v1/webhooks?status=failed' }),
    status: 200,
  },
  {
    route: 'POST /api/v1/webhooks/{id}/replay',
    scopes: ['webhooks:replay'],
    stranger: [403, 'not_yours'],
    isStaffOnly: true,
    attempt: ({ eventId }) => ({ method: 'POST', path: `/api/v1/webhooks/${eventId}/replay?dry_run=true`, json: {} }),
    status: 200,
  },
  ...['verify', 'head'].map((what) => ({
    route: `GET /api/v1/audit/${what}`,
    scopes: ['audit:read'] as Scope[],
    stranger: [403, 'not_yours'] as const,
    isStaffOnly: true,
    attempt: () => ({ method: 'GET', path: `/api/v1/audit/${what}` }),
    status: 200,
  })),
  {
    route: 'POST /api/v1/payments/{id}/cancel',
    scopes: ['payments:write'],
    stranger: [404, 'invoice_not_found'],
    attempt: ({ openInvoiceId }) => ({ method: 'POST', path: `/api/v1/payments/${openInvoiceId}/cancel`, json: {} }),
    status: 200,
  },
  {
    route: 'POST /api/v1/payments/{id}/hold',
    scopes: ['payments:write'],
    stranger: [403, 'not_yours'],
    isStaffOnly: true,
    attempt: ({ paymentId }) => ({
      method: 'POST',
      path: `/api/v1/payments/${paymentId}/hold`,
      json: { until: '2040-01-01T00:00:00.000Z' },
    }),
    status: 200,
  },
  {
    // Last: it changes what the others read.
    route: 'POST /api/v1/payments/{id}/refund',
    scopes: ['refunds:write'],
    stranger: [403, 'not_yours'],
    isStaffOnly: true,
    attempt: ({ paymentId }) => ({ method: 'POST', path: `/api/v1/payments/${paymentId}/refund`, json: {} }),
    status: 202,
  },
];

describe('who may call what', () => {
  const world = useWorld({ surfacePolicy: 'permissive', others: (stars) => [makeVault(stars).provider] });
  let owner: Owner;
  let stranger: Person;
  let admin: Person;

  beforeAll(async () => {
    const person = await world.person();
    stranger = await world.person('developer');
    admin = await world.person('admin');
    const { invoiceId, paymentId } = await world.buy(person, 'month');
    const subscription = await world.ctx.db.subscription.findFirstOrThrow({ where: { userId: person.userId } });
    const event = await world.ctx.db.webhookEvent.findFirstOrThrow({ where: { kind: 'payment_succeeded' } });
    await world.ctx.db.price.create({
      data: { id: 'prc_tool_usd', planId: 'pln_tool', currency: 'USD', amount: 500n, interval: 'once' },
    });
    const ctx = actingFor(world.ctx, { kind: 'user', userId: person.userId, role: 'user' });
    const { id: methodId } = await addMethod(ctx, { userId: person.userId, providerId: VAULT, language: 'en' });
    const open = await world.call('POST', '/api/v1/payments/create', { as: person.token, json: orderOf('plugin') });
    const openInvoiceId = String(open.body['payment_id']);
    owner = {
      ...person,
      invoiceId,
      openInvoiceId,
      paymentId,
      methodId,
      subscriptionId: subscription.id,
      eventId: event.id,
    };
  });

  /** Paying is for five times a minute. */
  beforeEach(() => world.clock.advance(60_000));

  const ask = ({ method, path, json }: Attempt, as?: string) =>
    world.call(method, path, { as, ...(json !== undefined && { json }) });

  it('covers every route that is not public, nor for sessions alone (billing-keys.db.test.ts)', () => {
    const guarded = makeRoutes({ metricsToken: null, onMessage: async () => {}, providers: world.ctx.providers })
      .filter(({ access }) => access.kind !== 'public' && access.kind !== 'session')
      .map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(ROWS.map(({ route }) => route).sort()).toEqual(guarded.sort());
  });

  describe.each(ROWS)('$route', ({ attempt, isStaffOnly, scopes, status, stranger: told }) => {
    it('refuses who has no credential', async () => {
      const answer = await ask(attempt(owner));
      expect([answer.status, reasonOf(answer)]).toEqual([401, 'session_missing']);
    });

    it('refuses another person', async () => {
      const answer = await ask(attempt(owner), stranger.token);
      expect([answer.status, reasonOf(answer)]).toEqual(told);
    });

    it.each(scopes)('refuses a key with everything but %s', async (scope) => {
      const key = await world.key(SCOPES.filter((other) => other !== scope));
      const answer = await ask(attempt(owner), key);
      expect([answer.status, reasonOf(answer)]).toEqual([403, 'scope_missing']);
      expect(answer.body['error']).toMatchObject({ details: { scope } });
    });

    it('serves its person, or tells them that it is for servers', async () => {
      const answer = await ask(attempt(owner), owner.token);
      const expected = isStaffOnly ? [...told] : [status, null];
      expect([answer.status, reasonOf(answer)]).toEqual(expected);
    });

    it('serves a key with just its scopes, in either header, and an admin', async () => {
      const key = await world.key(scopes);
      const { method, path, json } = attempt(owner);
      const inHeader = await world.call(method, path, {
        headers: { 'x-api-key': key },
        ...(json !== undefined && { json }),
      });
      for (const answer of [await ask(attempt(owner), key), inHeader, await ask(attempt(owner), admin.token)])
        expect([answer.status, reasonOf(answer)]).toEqual([status, null]);
    });
  });

  it('refuses a revoked key', async () => {
    const key = await world.key();
    await world.ctx.db.apiKey.updateMany({ data: { revokedAt: world.clock.now() } });
    const answer = await world.call('GET', '/api/v1/payment/history', { as: key });
    expect([answer.status, reasonOf(answer)]).toEqual([401, 'api_key_unknown']);
  });
});
