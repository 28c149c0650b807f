import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Api } from '#ui/api.ts';
import { type Problem, ProblemError, problemOf } from '#ui/problem.ts';

const ERROR = { reason: 'x', text: 'In words.', requestId: 'req_1', retryAfterSeconds: null, details: {} };
const UNAUTHENTICATED = { ...ERROR, kind: 'unauthenticated', reason: 'session_expired' };

type Call = { path: string; token: string | null; body: unknown };

/** A server of one session: it accepts the newest token it gave out. */
function fakeServer() {
  const calls: Call[] = [];
  let sessions = 0;
  const server = {
    calls,
    accepts: (_token: string | null): boolean => true,
    signIn: (): object => ({ result: { data: { token: `t${++sessions}`, expiresAt: '', me: { userId: 'usr_1' } } } }),
    paths: () => calls.map(({ path }) => path),
  };
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const path = new URL(url, 'http://x').pathname.split('/').pop() ?? '';
    const token = new Headers(init.headers).get('authorization')?.replace('Bearer ', '') ?? null;
    calls.push({ path, token, body: typeof init.body === 'string' ? JSON.parse(init.body) : null });
    const refused = { error: { message: 'x', code: -32001, data: { hoshi: UNAUTHENTICATED } } };
    const answer =
      path === 'session.start' ? server.signIn() : server.accepts(token) ? { result: { data: path } } : refused;
    return Response.json(answer, { status: 'error' in answer ? 401 : 200 });
  });
  return server;
}

describe('the session', () => {
  let server: ReturnType<typeof fakeServer>;
  let expired: Problem[];
  let api: Api;

  beforeEach(() => {
    server = fakeServer();
    expired = [];
    api = new Api({
      launch: () => ({ initData: 'signed', startParam: 'help' }),
      onExpired: (problem) => expired.push(problem),
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it('exchanges the launch for a token, which every call then bears', async () => {
    expect(await api.start()).toEqual({ userId: 'usr_1' });
    await api.query('me.get', undefined);
    expect(server.calls).toMatchObject([
      { path: 'session.start', token: null, body: { initData: 'signed', startParam: 'help' } },
      { path: 'me.get', token: 't1' },
    ]);
  });

  it('is renewed once and in silence when it has ended, and the call is repeated', async () => {
    await api.start();
    server.accepts = (token) => token === 't2';
    expect(await api.query('catalog.list', undefined)).toBe('catalog.list');
    expect(server.paths()).toEqual(['session.start', 'catalog.list', 'session.start', 'catalog.list']);
    expect(expired).toEqual([]);
  });

  it('is renewed once for all calls that find it ended', async () => {
    await api.start();
    server.accepts = (token) => token === 't2';
    await Promise.all([
      api.query('me.get', undefined),
      api.query('catalog.list', undefined),
      api.query('payments.months', undefined),
    ]);
    expect(server.paths().filter((path) => path === 'session.start')).toHaveLength(2);
  });

  it('asks for reopening when the launch itself is too old', async () => {
    await api.start();
    server.accepts = () => false;
    server.signIn = () => ({
      error: { message: 'x', code: -32001, data: { hoshi: { ...UNAUTHENTICATED, reason: 'init_data_expired' } } },
    });
    await expect(api.query('me.get', undefined)).rejects.toThrow(ProblemError);
    expect(expired).toMatchObject([{ reason: 'init_data_expired', requestId: 'req_1' }]);
  });

  it('does not go in circles when fresh sessions are refused too', async () => {
    await api.start();
    server.accepts = () => false;
    await expect(api.query('me.get', undefined)).rejects.toThrow(ProblemError);
    expect(server.calls).toHaveLength(4);
    expect(expired).toHaveLength(1);
  });

  it('does not take a lost connection for an ended session', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    const error = await api.query('me.get', undefined).catch((reason: unknown) => reason);
    expect(problemOf(error)).toMatchObject({ kind: 'network', text: null });
    expect(expired).toEqual([]);
  });
});
