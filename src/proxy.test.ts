import { NextRequest } from 'next/server';
import { describe, expect, it } from 'vitest';
import { config, contentSecurityPolicy, proxy } from './proxy.ts';

const policyOf = (path: string) => {
  const response = proxy(new NextRequest(`http://localhost:3000${path}`));
  return new Map(
    (response.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
      const [name, ...values] = directive.split(' ');
      return [name ?? '', values.join(' ')];
    }),
  );
};

describe('the content security policy', () => {
  it('lets Telegram’s web client alone frame the Mini App', () => {
    for (const path of ['/', '/history', '/plans/log-pro', '/terms']) {
      expect(policyOf(path).get('frame-ancestors'), path).toBe('http://localhost:8081');
    }
  });

  it('lets nobody frame other pages', () => {
    for (const path of ['/nothing', '/dashboard', '/admin'])
      expect(policyOf(path).get('frame-ancestors'), path).toBe("'none'");
  });

  it('lets the page of a card send it to its provider’s own addresses, and no other page', () => {
    expect(policyOf('/methods/pmt_01abc').get('connect-src')).toBe(
      "'self' http://localhost:8081/payme/api http://localhost:8081/click/v2/merchant/card_token/request",
    );
    expect(policyOf('/methods/pmt_01abc').get('frame-ancestors')).toBe("'none'");
    for (const path of ['/', '/methods', '/methods/a/b', '/pay/inv_01abc'])
      expect(policyOf(path).get('connect-src'), path).toBe("'self'");
  });

  it('runs scripts by a nonce that is new each time, and nothing inline', () => {
    const [first, second] = [policyOf('/').get('script-src'), policyOf('/').get('script-src')];
    expect(first).toMatch(/^'self' 'nonce-[\w+/]{22}==' 'strict-dynamic'$/);
    expect(first).not.toBe(second);
    const policy = contentSecurityPolicy({ nonce: 'x', frameAncestors: "'none'", isDevelopment: false });
    expect(policy).not.toMatch(/unsafe-(inline|eval)/);
  });

  it('loosens for the development client only', () => {
    expect(contentSecurityPolicy({ nonce: 'x', frameAncestors: "'none'", isDevelopment: true })).toContain(
      "'unsafe-eval'",
    );
  });

  it('is set on pages, not on doors of programs and files', () => {
    const pattern = new RegExp(`^${config.matcher[0]}$`);
    // Pages that only begin like files are pages of ours that say "not found", and nobody may frame them either.
    for (const path of ['/', '/history', '/plans/log-pro', '/iconfoo', '/manifest/x', '/metricsfoo', '/favicon.ico'])
      expect(path).toMatch(pattern);
    for (const path of ['/api/trpc/me.get', '/webhooks/telegram', '/health/live', '/metrics', '/_next/static/a.js'])
      expect(path).not.toMatch(pattern);
  });
});
