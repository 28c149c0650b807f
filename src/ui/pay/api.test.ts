import { afterEach, describe, expect, it, vi } from 'vitest';
import { fetchOrder, startPayment } from '#ui/pay/api.ts';
import { problemOf } from '#ui/problem.ts';

const ORDER = { invoiceId: 'inv_1', language: 'ja' } as const;
const START = { ...ORDER, method: 'credit_card', provider: 'payme' } as const;

function answer(body: unknown, status = 200) {
  const server = vi.fn(async (_url: string, _init: RequestInit) => Response.json(body, { status }));
  vi.stubGlobal('fetch', server);
  return server;
}

const ask = () => fetchOrder(ORDER, new AbortController().signal);

describe('the calls of the browser checkout', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('ask for an order in the address, without a token', async () => {
    const server = answer({ result: { data: { id: 'inv_1' } } });
    await expect(ask()).resolves.toEqual({ id: 'inv_1' });
    const [url, init] = server.mock.calls[0] ?? [];
    const { pathname, searchParams } = new URL(url ?? '', 'http://x');
    expect(pathname).toBe('/api/trpc/pay.order');
    expect(JSON.parse(searchParams.get('input') ?? '')).toEqual(ORDER);
    expect(init?.headers).toBeUndefined();
  });

  it('begin a payment in the body', async () => {
    const server = answer({ result: { data: { invoiceId: 'inv_1', url: null } } });
    await expect(startPayment(START)).resolves.toEqual({ invoiceId: 'inv_1', url: null });
    const [url, init] = server.mock.calls[0] ?? [];
    expect(url).toBe('/api/trpc/pay.start');
    expect(init?.method).toBe('POST');
    expect(JSON.parse(String(init?.body))).toEqual(START);
  });

  it('tell what the server said when it refused', async () => {
    const hoshi = { kind: 'rate_limited', reason: 'x', text: 'Wait.', requestId: 'req_1', retryAfterSeconds: 7 };
    answer({ error: { message: 'x', code: -32029, data: { code: 'x', hoshi } } }, 429);
    expect(problemOf(await startPayment(START).catch((error: unknown) => error))).toEqual(hoshi);
  });

  it.each([
    ['no answer', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['a page of a proxy', async () => new Response('<p>Bad gateway', { status: 502 })],
  ])('take %s for no connection', async (_, respond) => {
    vi.stubGlobal('fetch', respond);
    expect(problemOf(await ask().catch((error: unknown) => error)).kind).toBe('network');
  });
});
