import { createTRPCClient, httpLink } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { capturedKey } from '#lib/testing/keys.ts';
import { type KeyPair, newKeyPair, readWith } from '../testing/keys.ts';
import { makeRoutes } from './rest.ts';
import type { AppRouter } from './router.ts';
import { type Answer, useWorld } from './testing/world.ts';

const PATH = '/api/v1/billing-keys';

describe('billing keys', () => {
  const world = useWorld();
  const reasonOf = ({ body }: Answer) => (body['error'] as { reason: string } | undefined)?.reason ?? null;
  const add = (as: string, publicKey: string, headers: Record<string, string> = {}) =>
    world.call('POST', PATH, { as, json: { public_key: publicKey }, headers });
  const list = async (as: string) =>
    (await world.call('GET', PATH, { as })).body['billing_keys'] as Record<string, unknown>[];
  const codeFor = async ({ privateKey }: KeyPair, message: unknown) =>
    (await readWith(privateKey, String(message))).trim();

  it('are added, proven, shown and taken out of use', async () => {
    const { token } = await world.person();
    const pair = await newKeyPair({ endsInDays: 20 });
    const added = await add(token, pair.publicKey);
    expect(added).toMatchObject({ status: 201, body: { state: 'unproven', outcome: 'begun' } });
    const id = String(added.body['billing_key_id']);
    const wrong = await world.call('POST', `${PATH}/${id}/prove`, { as: token, json: { code: 'AAAAAAAA' } });
    expect([wrong.status, reasonOf(wrong)]).toEqual([400, 'key_code_wrong']);
    expect(wrong.text).toContain('4 tries are left');
    const code = await codeFor(pair, added.body['challenge']);
    const proven = await world.call('POST', `${PATH}/${id}/prove`, { as: token, json: { code } });
    expect(proven).toMatchObject({ status: 200, body: { state: 'expiring', expires_at: '2026-12-10T10:00:00.000Z' } });
    const fingerprint = pair.privateKey.getFingerprint().toUpperCase();
    expect(await list(token)).toMatchObject([
      { billing_key_id: id, fingerprint, user_ids: ['Mio <mio@keys.test>'], algorithm: 'Curve25519', challenge: null },
    ]);
    const retired = await world.call('DELETE', `${PATH}/${id}`, { as: token });
    expect(retired).toMatchObject({ status: 200, body: { billing_key_id: id } });
    expect(await list(token)).toMatchObject([{ billing_key_id: id, state: 'retired' }]);
  });

  it('are the affair of their owner’s session alone', async () => {
    const [owner, stranger, admin] = await Promise.all([world.person(), world.person(), world.person('admin')]);
    const { body } = await add(owner.token, (await newKeyPair()).publicKey);
    const key = await world.key();
    const routes = makeRoutes({ metricsToken: null, onMessage: async () => {}, providers: world.ctx.providers })
      .filter(({ access, path }) => access.kind === 'session' && path.startsWith(PATH))
      .map(({ method, path }) => ({
        method: method.toUpperCase(),
        path: path.replace('{id}', String(body['billing_key_id'])),
      }));
    expect(routes).toHaveLength(4);
    for (const { method, path } of routes) {
      const json = path.endsWith('prove') ? { code: 'AAAAAAAA' } : { public_key: capturedKey('rsa') };
      const ask = (as?: string) => world.call(method, path, { as, ...(method === 'POST' && { json }) });
      for (const as of [undefined, key]) {
        const answer = await ask(as);
        expect([answer.status, reasonOf(answer)], `${method} ${path}`).toEqual([401, 'session_missing']);
      }
      if (path === PATH) continue;
      for (const { token } of [stranger, admin]) {
        const answer = await ask(token);
        expect([answer.status, reasonOf(answer)], `${method} ${path}`).toEqual([404, 'billing_key_not_found']);
      }
    }
    expect(await list(stranger.token)).toEqual([]);
    expect(await list(owner.token)).toMatchObject([{ state: 'unproven', tries_left: 5 }]);
  });

  it.each([
    ['en', 'treat it as exposed'],
    ['ja', '漏えい'],
  ])('refuse a private key at once, and say what that means (%s)', async (language, words) => {
    const { token, userId } = await world.person();
    const before = world.lines.length;
    const secret = capturedKey('curve-private');
    const answer = await add(token, secret, { 'accept-language': language, 'idempotency-key': `private-${language}` });
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'key_private_block']);
    expect(answer.text).toContain(words);
    expect(await world.ctx.db.billingKey.count({ where: { userId } })).toBe(0);
    const body = secret.split('\n').find((line) => line.length === 64) ?? 'no line';
    for (const said of [answer.text, world.lines.slice(before).join('\n')]) expect(said).not.toContain(body);
    const kept = await world.ctx.db.$queryRaw<
      unknown[]
    >`SELECT 1 FROM idempotency_key k WHERE k::text LIKE ${`%${body}%`}`;
    expect(kept).toEqual([]);
  });

  it('leave nothing of their owner in an answer that is kept for its repetition', async () => {
    const { token } = await world.person();
    const pair = await newKeyPair();
    const headers = { 'idempotency-key': 'key-once' };
    const first = await add(token, pair.publicKey, headers);
    const again = await add(token, pair.publicKey, headers);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-hit')).toBe('true');
    for (const personal of ['Mio', pair.privateKey.getFingerprint().toUpperCase()])
      expect(first.text).not.toContain(personal);
  });

  it('of the largest size are told to be too large, by both doors, and not to be malformed', async () => {
    const { token } = await world.person();
    const tooLarge = `${capturedKey('curve')}${'\n'.repeat(65_536 - 600)}`;
    const answer = await add(token, tooLarge);
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'key_too_large']);
    const client = createTRPCClient<AppRouter>({
      links: [httpLink({ url: `${world.url}/api/trpc`, headers: { authorization: `Bearer ${token}` } })],
    });
    await expect(client.privacy.addKey.mutate({ publicKey: tooLarge })).rejects.toMatchObject({
      message: 'key_too_large',
    });
  });

  it('are the same in the Mini App, in the reader’s language', async () => {
    const { token } = await world.person('user', 'ja');
    const client = createTRPCClient<AppRouter>({
      links: [httpLink({ url: `${world.url}/api/trpc`, headers: { authorization: `Bearer ${token}` } })],
    });
    expect(await client.privacy.keys.query()).toEqual({ keys: [], now: world.clock.now().toISOString() });
    const pair = await newKeyPair({ endsInDays: 730 });
    const { key, outcome } = await client.privacy.addKey.mutate({ publicKey: pair.publicKey });
    expect([outcome, key.state, key.expiresAt?.text]).toEqual(['begun', 'unproven', '2028年11月19日']);
    // Whoever comes back later finds the message again.
    expect((await client.privacy.keys.query()).keys).toEqual([key]);
    const proven = await client.privacy.proveKey.mutate({ keyId: key.id, code: await codeFor(pair, key.message) });
    expect(proven).toMatchObject({ id: key.id, state: 'active', message: null });
    expect(await client.privacy.retireKey.mutate({ keyId: key.id })).toEqual({ isRetired: true });
    expect((await client.privacy.keys.query()).keys).toMatchObject([
      { state: 'retired', retiredAt: { text: '2026年11月20日' } },
    ]);
  });
});
