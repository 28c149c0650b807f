import { describe, expect, it } from 'vitest';
import { parentOf, parseRoute, pathOf, type Route, routeOfStartParam, startParamOf } from '#ui/routes.ts';

const ROUTES: readonly Route[] = [
  { screen: 'home' },
  { screen: 'plugins' },
  { screen: 'history' },
  { screen: 'subscriptions' },
  { screen: 'methods' },
  { screen: 'log' },
  { screen: 'settings' },
  { screen: 'help' },
  { screen: 'terms' },
  { screen: 'privacy' },
  { screen: 'plan', code: 'log-pro' },
  { screen: 'checkout', priceId: 'prc_01abc' },
  { screen: 'order', invoiceId: 'inv_01abc' },
  { screen: 'receipt', paymentId: 'pay_01abc' },
  { screen: 'subscription', subscriptionId: 'sub_01abc' },
  { screen: 'privacy-centre' },
  { screen: 'what-server-sees' },
  { screen: 'export' },
  { screen: 'erase' },
  { screen: 'agreements' },
  { screen: 'new-key' },
  { screen: 'add-key' },
  { screen: 'open-record' },
  { screen: 'key', keyId: 'bky_01abc' },
];

describe('routes', () => {
  it.each(ROUTES)('finds $screen again by its path', (route) => {
    expect(parseRoute(pathOf(route))).toEqual(route);
  });

  it.each([
    '/nothing',
    '/plans',
    '/plans/',
    '/plans/a/b',
    '/plans/../x',
    '/checkout/x',
    '/orders/inv_%2e',
    '/methods/pmt_01abc',
    '/keys',
    '/keys/other',
    '//evil.example',
  ])('knows nothing at %s', (path) => expect(parseRoute(path)).toBeNull());

  it('leads every screen back to the front door', () => {
    for (const route of ROUTES) {
      let steps = 0;
      for (let at: Route | null = route; at !== null && at.screen !== 'home'; at = parentOf(at)) steps += 1;
      expect(steps, route.screen).toBeLessThanOrEqual(3);
    }
  });
});

describe('start parameters', () => {
  it.each([
    ['plan_log-pro', { screen: 'plan', code: 'log-pro' }],
    ['invoice_inv_01abc', { screen: 'order', invoiceId: 'inv_01abc' }],
    ['receipt_pay_01abc', { screen: 'receipt', paymentId: 'pay_01abc' }],
    ['subscription', { screen: 'subscriptions' }],
    ['history', { screen: 'history' }],
    ['erase', { screen: 'erase' }],
    ['methods', { screen: 'methods' }],
    ['card_pmt_01kahw9d6xq3v7c0mtz8b5r2ny_A-z0_9A-z0_9A-z0_9A-z0', { screen: 'methods' }],
    ['log', { screen: 'log' }],
    ['export', { screen: 'export' }],
    ['help', { screen: 'help' }],
    ['keys', { screen: 'privacy-centre' }],
  ])('%s opens its screen', (startParam, route) => {
    expect(routeOfStartParam(startParam)).toEqual(route);
  });

  it.each([
    null,
    '',
    'checkout_prc_01abc',
    'plan_',
    'plan_../settings',
    'https://evil.example',
    'card_pmt_01kahw9d6xq3v7c0mtz8b5r2ny_short',
    'home',
    'x'.repeat(513),
  ])('ignores %s', (startParam) => expect(routeOfStartParam(startParam)).toBeNull());

  it('come back as they were made', () => {
    for (const route of ROUTES) {
      const startParam = startParamOf(route);
      if (startParam === null) continue;
      const lists: Partial<Record<Route['screen'], Route>> = {
        subscription: { screen: 'subscriptions' },
        key: { screen: 'privacy-centre' },
        'what-server-sees': { screen: 'privacy-centre' },
      };
      const expected = lists[route.screen] ?? route;
      expect(routeOfStartParam(startParam)).toEqual(expected);
    }
  });
});
