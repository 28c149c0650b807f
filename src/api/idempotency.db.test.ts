import { describe, expect, it } from 'vitest';
import {
  claimKey,
  KEPT_HOURS,
  keepAnswer,
  keyedRequest,
  LOCK_SECONDS,
  markPlainKeys,
  releaseKey,
} from './idempotency.ts';
import { type Answer, orderOf, UNREACHABLE, useWorld } from './testing/world.ts';

const CREATE = '/api/v1/payments/create';
const reasonOf = ({ body }: Answer) => (body['error'] as { reason: string } | undefined)?.reason;

describe('Idempotency-Key', () => {
  const world = useWorld();
  const create = (as: string, key: string, json: unknown) =>
    world.call('POST', CREATE, { as, json, headers: { 'idempotency-key': key } });

  it('repeats the answer of the same request', async () => {
    const { token } = await world.person();
    const first = await create(token, 'order-1', orderOf('month'));
    const calls = world.telegram.calls.length;
    const second = await create(token, 'order-1', orderOf('month'));
    expect([first.headers.get('idempotency-hit'), second.headers.get('idempotency-hit')]).toEqual([null, 'true']);
    expect([second.status, second.text]).toEqual([first.status, first.text]);
    expect(world.telegram.calls).toHaveLength(calls);
  });

  it('repeats the answer of a request from before keys were marked, whose key the migration step marks, once', async () => {
    const { token, userId } = await world.person();
    const first = await create(token, 'before-the-update', orderOf('month'));
    const plain = { key: 'before-the-update', responseBody: first.text };
    await world.ctx.db.idempotencyKey.updateMany({ where: { scope: userId }, data: plain });
    const others = Array.from({ length: 600 }, (_, n) => ({
      ...{ scope: userId, key: `other-${n}`, requestHash: Buffer.of(n % 256), lockedUntil: world.clock.now() },
    }));
    await world.ctx.db.idempotencyKey.createMany({ data: others });
    const counts = await Promise.all([markPlainKeys(world.ctx), markPlainKeys(world.ctx)]);
    expect(counts[0] + counts[1]).toBe(601);
    expect(await markPlainKeys(world.ctx)).toBe(0);
    const second = await create(token, 'before-the-update', orderOf('month'));
    expect([second.headers.get('idempotency-hit'), second.text]).toEqual(['true', first.text]);
  });

  it('repeats refusals that would come again', async () => {
    const { token } = await world.person();
    const json = { ...orderOf('month'), amount: 1 };
    const first = await create(token, 'order-1', json);
    const second = await create(token, 'order-1', json);
    expect([first.status, second.status, second.headers.get('idempotency-hit')]).toEqual([412, 412, 'true']);
    expect(second.text).toBe(first.text);
  });

  it('refuses the key for another body or another address', async () => {
    const { token } = await world.person();
    await create(token, 'order-1', orderOf('month'));
    const body = await create(token, 'order-1', orderOf('year'));
    expect([body.status, reasonOf(body)]).toEqual([409, 'idempotency_key_reused']);
    const address = await world.call('POST', '/api/v1/payment/subscriptions', {
      as: token,
      json: { plan_id: 'log-pro' },
      headers: { 'idempotency-key': 'order-1' },
    });
    expect([address.status, reasonOf(address)]).toEqual([409, 'idempotency_key_reused']);
  });

  it('keeps callers apart', async () => {
    const [one, two] = await Promise.all([world.person(), world.person()]);
    const [first, second] = await Promise.all([
      create(one.token, 'same', orderOf('month')),
      create(two.token, 'same', orderOf('month')),
    ]);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body['payment_id']).not.toBe(second.body['payment_id']);
  });

  it('lets twenty at the same instant have one effect', async () => {
    const { token, userId } = await world.person();
    world.telegram.delayMs = 50;
    const calls = world.telegram.calls.length;
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(token, 'burst', orderOf('month'))));
    world.telegram.delayMs = 0;
    expect(world.telegram.calls.length - calls).toBe(1);
    expect(await world.ctx.db.invoice.count({ where: { userId } })).toBe(1);
    expect(await world.ctx.db.paymentAttempt.count({ where: { userId } })).toBe(1);
    const ok = answers.filter((answer) => answer.status === 201);
    const busy = answers.filter((answer) => answer.status !== 201);
    expect(new Set(ok.map((answer) => answer.text)).size).toBe(1);
    for (const answer of busy) {
      expect([answer.status, reasonOf(answer)]).toEqual([409, 'idempotency_key_in_progress']);
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect((await create(token, 'burst', orderOf('month'))).headers.get('idempotency-hit')).toBe('true');
  });

  it('can be tried again after a failure of the provider', async () => {
    const { token } = await world.person();
    world.telegram.failure = UNREACHABLE;
    expect((await create(token, 'order-1', orderOf('month'))).status).toBe(503);
    world.telegram.failure = null;
    const retried = await create(token, 'order-1', orderOf('month'));
    expect([retried.status, retried.headers.get('idempotency-hit')]).toEqual([201, null]);
  });

  it('does not remember "too many attempts"', async () => {
    const { token } = await world.person();
    world.telegram.failure = UNREACHABLE;
    for (let attempt = 0; attempt < 5; attempt += 1) await create(token, 'order-1', orderOf('month'));
    world.telegram.failure = null;
    expect((await create(token, 'order-1', orderOf('month'))).status).toBe(429);
    world.clock.advance(61_000);
    expect((await create(token, 'order-1', orderOf('month'))).status).toBe(201);
  });

  it.each(['', ' ', 'with space', 'ключ', 'x'.repeat(256)])('refuses the key "%s"', async (key) => {
    const { token } = await world.person();
    const headers = new Headers({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
    // Header values are bytes: what is no Latin-1 cannot be sent at all.
    headers.set('idempotency-key', Buffer.from(key).toString('latin1'));
    const answer = await world.send('POST', CREATE, {
      headers: Object.fromEntries(headers),
      body: JSON.stringify(orderOf('month')),
    });
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'malformed_request']);
  });

  it('keeps nothing of what the caller called the request', async () => {
    const { token, userId } = await world.person();
    await create(token, 'order-1042-for-mio@example.com', orderOf('month'));
    const rows = await world.ctx.db.$queryRaw<Array<{ row: string }>>`
      SELECT k::text AS row FROM idempotency_key k WHERE scope = ${userId}`;
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain('mio');
  });

  it('takes a key of 255 characters', async () => {
    const { token } = await world.person();
    expect((await create(token, 'x'.repeat(255), orderOf('month'))).status).toBe(201);
  });

  describe('after a crash', () => {
    const request = (key: string) =>
      keyedRequest(world.ctx, 'usr_crash', key, {
        method: 'POST',
        url: `http://localhost${CREATE}`,
        body: new Uint8Array([1]),
      });

    it('passes to the next one once the lock is over, and not before', async () => {
      const first = await claimKey(world.ctx, request('killed'));
      expect(first.kind).toBe('owner');
      world.clock.advance((LOCK_SECONDS - 1) * 1000);
      await expect(claimKey(world.ctx, request('killed'))).rejects.toMatchObject({
        reason: 'idempotency_key_in_progress',
      });
      world.clock.advance(1000);
      const claims = await Promise.allSettled(Array.from({ length: 5 }, () => claimKey(world.ctx, request('killed'))));
      expect(claims.filter((claim) => claim.status === 'fulfilled')).toHaveLength(1);
    });

    it('lets an overtaken holder change nothing', async () => {
      const slow = await claimKey(world.ctx, request('slow'));
      world.clock.advance(LOCK_SECONDS * 1000);
      const next = await claimKey(world.ctx, request('slow'));
      if (slow.kind !== 'owner' || next.kind !== 'owner') throw new Error('both were to own it');
      await keepAnswer(world.ctx, request('slow'), slow.lockedUntil, { status: 201, body: 'late' });
      await releaseKey(world.ctx, request('slow'), slow.lockedUntil);
      await keepAnswer(world.ctx, request('slow'), next.lockedUntil, { status: 201, body: 'right' });
      expect(await claimKey(world.ctx, request('slow'))).toEqual({ kind: 'known', status: 201, body: 'right' });
    });

    it('is forgotten after a day, for any request', async () => {
      const claim = await claimKey(world.ctx, request('old'));
      if (claim.kind !== 'owner') throw new Error('was to own it');
      await keepAnswer(world.ctx, request('old'), claim.lockedUntil, { status: 201, body: 'x' });
      world.clock.advance(KEPT_HOURS * 3_600_000);
      const other = keyedRequest(world.ctx, 'usr_crash', 'old', {
        method: 'PUT',
        url: 'http://localhost/x',
        body: new Uint8Array(),
      });
      expect((await claimKey(world.ctx, other)).kind).toBe('owner');
    });
  });
});
