import { describe, expect, it } from 'vitest';
import { AppError } from '#domain/errors.ts';
import { type Actor, actorRef, asActor, type Ctx, ID_PREFIXES, newId, SCOPES } from './context.ts';
import { requireOwnerOr, requireScope } from './permission.ts';
import { noticeJob, toJobRow } from './queue.ts';
import { databaseCode, isRetryable } from './transaction.ts';

const now = new Date('2026-11-20T10:00:00Z');
const clock = { now: () => now, stop: () => undefined };
const ctxFor = (actor: Actor) => ({ actor }) as Ctx;
const refusal = (work: () => void) => {
  try {
    work();
    return 'allowed';
  } catch (error) {
    return error instanceof AppError ? error.reason : 'unknown';
  }
};

const ACTORS: ReadonlyArray<Actor> = [
  { kind: 'system', name: 'test' },
  { kind: 'user', userId: 'usr_owner', role: 'user' },
  { kind: 'user', userId: 'usr_other', role: 'user' },
  { kind: 'user', userId: 'usr_other', role: 'developer' },
  { kind: 'user', userId: 'usr_other', role: 'support' },
  { kind: 'user', userId: 'usr_other', role: 'admin' },
  { kind: 'api_key', keyId: 'key_1', scopes: ['payments:read'] },
  { kind: 'api_key', keyId: 'key_1', scopes: [] },
  { kind: 'provider', providerId: 'telegram-stars' },
  { kind: 'stranger' },
];

describe('permissions', () => {
  it('requireOwnerOr, for every kind of actor', () => {
    const verdicts = ACTORS.map((actor) => refusal(() => requireOwnerOr(ctxFor(actor), 'usr_owner', 'payments:read')));
    expect(verdicts).toEqual([
      'allowed',
      'allowed',
      'not_yours',
      'not_yours',
      'allowed',
      'allowed',
      'allowed',
      'scope_missing',
      'session_missing',
      'session_missing',
    ]);
  });

  it.each(SCOPES)('requireOwnerOr lets support read and change nothing: %s', (scope) => {
    const as = (userId: string, role: 'support' | 'admin') =>
      refusal(() => requireOwnerOr(ctxFor({ kind: 'user', userId, role }), 'usr_owner', scope));
    const reads = ['payments:read', 'subscriptions:read', 'entitlements:read', 'revenue:read', 'audit:read'];
    expect(as('usr_other', 'support')).toBe(reads.includes(scope) ? 'allowed' : 'not_yours');
    expect(as('usr_owner', 'support')).toBe('allowed');
    expect(as('usr_other', 'admin')).toBe('allowed');
  });

  it('requireOwnerOr hides what exists from a stranger', () => {
    const hidden = new AppError('not_found', 'payment_not_found');
    const stranger = ctxFor({ kind: 'user', userId: 'usr_other', role: 'user' });
    expect(refusal(() => requireOwnerOr(stranger, 'usr_owner', 'payments:read', hidden))).toBe('payment_not_found');
  });

  it('requireScope, for every kind of actor', () => {
    const verdicts = ACTORS.map((actor) => refusal(() => requireScope(ctxFor(actor), 'payments:read')));
    expect(verdicts).toEqual([
      'allowed',
      'not_yours',
      'not_yours',
      'not_yours',
      'not_yours',
      'allowed',
      'allowed',
      'scope_missing',
      'session_missing',
      'session_missing',
    ]);
  });
});

describe('ids and names', () => {
  it('ids carry their prefix, sort by time and differ', () => {
    for (const prefix of ID_PREFIXES) expect(newId({ clock }, prefix)).toMatch(new RegExp(`^${prefix}_[0-9a-z]{26}$`));
    const later = { now: () => new Date(now.getTime() + 1), stop: () => undefined };
    expect(newId({ clock }, 'pay') < newId({ clock: later }, 'pay')).toBe(true);
    expect(new Set(Array.from({ length: 1_000 }, () => newId({ clock }, 'pay'))).size).toBe(1_000);
  });

  it('audit rows name ids only', () => {
    expect(ACTORS.map(actorRef)).toEqual([
      'system:test',
      'usr_owner',
      'usr_other',
      'usr_other',
      'usr_other',
      'usr_other',
      'key_1',
      'key_1',
      'provider:telegram-stars',
      'stranger',
    ]);
  });

  it('a request has its own logger and id', () => {
    const bindings: unknown[] = [];
    const log = {
      child: (given: unknown) => {
        bindings.push(given);
        return log;
      },
    };
    const ctx = asActor({ clock, log } as unknown as Ctx, { kind: 'stranger' }, 'req_1');
    expect(bindings).toEqual([]);
    expect([ctx.requestId, ctx.actor, ctx.log, ctx.log]).toEqual(['req_1', { kind: 'stranger' }, log, log]);
    expect(bindings).toEqual([{ requestId: 'req_1' }]);
    expect(asActor(ctx, { kind: 'stranger' }, 'req_1').log).toBe(log);
  });
});

describe('job rows', () => {
  it('run now unless said otherwise, and have a lane per reader', () => {
    const job = noticeJob({ userId: 'usr_1', kind: 'paid', objectId: 'pay_1' });
    expect(toJobRow(job, now)).toEqual({
      name: 'send_notice',
      lane: 'chat:usr_1',
      key: null,
      payload: { userId: 'usr_1', kind: 'paid', objectId: 'pay_1' },
      run_at: now.toISOString(),
      created_at: now.toISOString(),
    });
    const later = new Date('2026-11-21T10:00:00Z');
    const keyed = noticeJob({ userId: 'usr_1', kind: 'paid', objectId: 'pay_1' }, { key: 'once', runAt: later });
    expect(toJobRow(keyed, now)).toMatchObject({ key: 'once', run_at: later.toISOString() });
  });
});

describe('database errors', () => {
  const pg = Object.assign(new Error('x'), { code: '40001' });
  const adapter = Object.assign(new Error('x'), {
    code: 'P2010',
    meta: { driverAdapterError: Object.assign(new Error('x'), { cause: { originalCode: '40P01' } }) },
  });
  it.each([
    ['pg', pg, '40001', true],
    ['Prisma over pg', adapter, '40P01', true],
    ['Prisma', Object.assign(new Error('x'), { code: 'P2034' }), 'P2034', true],
    [
      'Prisma without an inner code',
      Object.assign(new Error('x'), { code: 'P2010', meta: { driverAdapterError: {} } }),
      'P2010',
      false,
    ],
    ['a unique violation', Object.assign(new Error('x'), { code: '23505' }), '23505', false],
    ['no code', new Error('x'), null, false],
    ['a number for a code', Object.assign(new Error('x'), { code: 1 }), null, false],
    ['nothing', null, null, false],
    ['a text', 'x', null, false],
  ])('%s', (_name, error, code, retryable) => {
    expect(databaseCode(error)).toBe(code);
    expect(isRetryable(error)).toBe(retryable);
  });
});
