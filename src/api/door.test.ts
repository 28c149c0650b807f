import { describe, expect, it } from 'vitest';
import { doorOf } from './door.ts';

describe('doorOf', () => {
  it.each([
    ['GET', '/', 'page'],
    ['HEAD', '/plans/pro?lang=ja', 'page'],
    ['GET', '//evil.example/', 'page'],
    ['GET', '/?next=%ff', 'page'],
    ['GET', '/metricsfoo', 'page'],
    ['POST', '/', 'rest'],
    ['TRACE', '/', 'rest'],
    ['OPTIONS', '*', 'rest'],
    ['GET', 'http://evil.example/', 'rest'],
    ['GET', '/%', 'rest'],
    ['GET', '/plans/%ff', 'rest'],
    [undefined, '/', 'rest'],
    ['GET', '/metrics', 'rest'],
    ['GET', '/health/live', 'rest'],
    ['GET', '/api/v1/payments/plans', 'rest'],
    ['GET', '/api/nothing', 'rest'],
    ['GET', '/webhooks/telegram', 'rest'],
    ['POST', '/webhooks/%74elegram', 'rest'],
    ['GET', '/api/trpc/me.get', 'trpc'],
    ['DELETE', '/api/trpc/%ff', 'trpc'],
  ])('%s %s: %s', (method, target, door) => {
    expect(doorOf(method, target)).toBe(door);
  });

  it('lets Next’s development client post', () => {
    expect(doorOf('POST', '/__nextjs_original-stack-frames', true)).toBe('page');
    expect(doorOf('POST', '/%', true)).toBe('rest');
  });
});
