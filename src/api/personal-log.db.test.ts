import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { asActor, newId } from '#domain/context/context.ts';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { bindLog, breakLog } from '#domain/personal-log/bind.ts';
import { changeLog } from '#domain/personal-log/change.ts';
import { getLog } from '#domain/personal-log/records.ts';
import type { AppRouter } from './router.ts';
import { orderOf, type Person, useWorld } from './testing/world.ts';
import type { ErrorView } from './views.ts';

const GROUP = { chatId: -1_002_000_000_001, topicId: 7 };
// biome-ignore lint/correctness/useHookAtTopLevel: no React hook.
const world = useWorld();
const system = () => asActor(world.ctx, { kind: 'system', name: 'test' });
const clientOf = ({ token }: Person) =>
  createTRPCClient<AppRouter>({
    links: [httpLink({ url: `${world.url}/api/trpc`, headers: { authorization: `Bearer ${token}` } })],
  });

/** A record of a person's as it lies in the database. */
async function record(person: Person, data: { status?: 'waiting' | 'sealed' | 'delivered'; obstacle?: string } = {}) {
  const { status = 'sealed', obstacle = null } = data;
  const now = world.clock.now();
  const bytes = new Uint8Array([1]);
  const id = newId(world.ctx, 'rec');
  const sealed = { ciphertext: bytes, sha256: bytes, sealedAt: now };
  await world.ctx.db.billingRecord.create({
    data: {
      id,
      userId: person.userId,
      type: 'payment',
      objectId: newId(world.ctx, 'pay'),
      status,
      obstacle,
      createdAt: now,
      ...(status === 'waiting' ? { waiting: bytes } : sealed),
      ...(status === 'delivered' && { deliveredAt: now }),
    },
  });
  return id;
}

const jobsOf = (person: Person) => world.ctx.db.job.findMany({ where: { lane: `log:${person.userId}` } });

describe('the log in the app', () => {
  it('of somebody who chose nothing is the chat with the bot', async () => {
    const log = await clientOf(await world.person()).log.get.query();
    expect(log).toEqual({
      isBound: false,
      boundAt: null,
      obstacle: null,
      isReachable: false,
      isOn: true,
      isSilent: true,
      asDocument: false,
      keepDays: 30,
      bindUrl: 'https://t.me/hoshi_test_bot?start=log',
      withoutKey: 0,
      onTheirWay: 0,
      delay: null,
      held: 0,
      records: [],
    });
  });

  it('shows whether a group is bound and what stands in its way, never which one', async () => {
    const person = await world.person();
    await bindLog(system(), { userId: person.userId, group: GROUP });
    const bound = await clientOf(person).log.get.query();
    expect(bound).toMatchObject({ isBound: true, obstacle: null, boundAt: { iso: '2026-11-20T10:00:00.000Z' } });
    expect(JSON.stringify(bound)).not.toContain('2000000001');
    const { boundAt } = await getLog(system(), person.userId);
    await breakLog(system(), { userId: person.userId, boundAt }, 'removed');
    await breakLog(system(), { userId: person.userId, boundAt }, 'gone');
    expect(await clientOf(person).log.get.query()).toMatchObject({ isBound: true, obstacle: 'removed' });
    expect(await world.ctx.db.job.count({ where: { lane: `chat:${person.userId}` } })).toBe(1);
    expect(await clientOf(person).log.unbind.mutate()).toMatchObject({ isBound: false, boundAt: null, obstacle: null });
    // What broke before a group was chosen anew says nothing of the new one.
    await bindLog(system(), { userId: person.userId, group: GROUP });
    await breakLog(system(), { userId: person.userId, boundAt: new Date(0) }, 'gone');
    expect(await clientOf(person).log.get.query()).toMatchObject({ obstacle: null });
  });

  it('keeps each choice, and refuses others', async () => {
    const person = await world.person();
    const { log } = clientOf(person);
    expect(await log.update.mutate({ isSilent: false })).toMatchObject({ isSilent: false, keepDays: 30 });
    expect(await log.update.mutate({ asDocument: true, keepDays: 0 })).toMatchObject({ asDocument: true, keepDays: 0 });
    expect(await log.update.mutate({ keepDays: 365 })).toMatchObject({
      isSilent: false,
      asDocument: true,
      keepDays: 365,
    });
    await expect(log.update.mutate({ keepDays: 31 as never })).rejects.toBeInstanceOf(TRPCClientError);
  });

  it('tells apart what waits for a key, what is on its way and what is held, and sends again what its owner may send', async () => {
    const person = await world.person();
    await record(person, { status: 'waiting' });
    await record(person, { status: 'delivered' });
    for (const obstacle of [undefined, 'sending', 'flood', 'telegram_unavailable'])
      await record(person, obstacle === undefined ? {} : { obstacle });
    const held = [];
    for (const obstacle of ['unreachable', 'off', 'unknown', 'interrupted', 'refused', 'not_logged'])
      held.push({ id: await record(person, { obstacle }), obstacle });
    const { log } = clientOf(person);
    const before = await log.get.query();
    expect(before).toMatchObject({ withoutKey: 1, onTheirWay: 4, delay: 'flood', held: 6 });
    expect(before.records.map(({ canSend, obstacle }) => [obstacle, canSend]).sort()).toEqual([
      ['interrupted', true],
      ['not_logged', true],
      ['off', false],
      ['refused', true],
      ['unknown', true],
      ['unreachable', false],
    ]);
    const unknown = held.find(({ obstacle }) => obstacle === 'unknown')?.id ?? '';
    expect(await log.sendAgain.mutate({ recordId: unknown })).toMatchObject({ onTheirWay: 5, held: 5 });
    expect((await jobsOf(person)).map(({ payload }) => payload)).toEqual([{ recordId: unknown }]);
    const refusal = async (as: Person, recordId: string) =>
      (
        (await clientOf(as)
          .log.sendAgain.mutate({ recordId })
          .catch((error: TRPCClientError<AppRouter>) => error.data?.hoshi)) as ErrorView
      ).reason;
    expect(await refusal(person, unknown)).toBe('record_not_held');
    expect(await refusal(await world.person(), unknown)).toBe('record_not_found');
    expect(await log.update.mutate({ isOn: true })).toMatchObject({ onTheirWay: 6, held: 4 });
    await changeSettings(system(), { userId: person.userId, isReachable: true });
    expect((await jobsOf(person)).map(({ name }) => name)).toContain('resume_records');
  });
});

describe('an order of a server', () => {
  const create = (person: Person, json: object = {}) =>
    world.call('POST', '/api/v1/payments/create', { as: person.token, json: { ...orderOf('month'), ...json } });
  const reachable = async () => {
    const person = await world.person();
    await changeSettings(system(), { userId: person.userId, isReachable: true });
    return person;
  };

  it('says whether its record will be delivered', async () => {
    const said = async (person: Person) => (await create(person)).body['personal_log_recorded'];
    expect(await said(await world.person())).toBe(false);
    const person = await reachable();
    expect(await said(person)).toBe(true);
    await changeLog(system(), { userId: person.userId, isOn: false });
    expect(await said(person)).toBe(false);
    const grouped = await world.person();
    await bindLog(system(), { userId: grouped.userId, group: GROUP });
    expect(await said(grouped)).toBe(true);
    await breakLog(system(), { userId: grouped.userId, boundAt: world.clock.now() }, 'gone');
    expect(await said(grouped)).toBe(false);
  });

  it('may ask that it is not, and keeps that while it is open', async () => {
    const person = await reachable();
    const first = await create(person, { log_to_personal_server: false });
    expect(first.body).toMatchObject({ personal_log_recorded: false, billing_data_encrypted: true });
    const again = await create(person, { log_to_personal_server: true });
    expect(again.body).toMatchObject({ is_resumed: true, personal_log_recorded: false });
  });

  it('is encrypted whatever it asks', async () => {
    const answer = await create(await reachable(), { encrypt_billing_data: false });
    expect(answer.body).toMatchObject({ personal_log_recorded: true, billing_data_encrypted: true });
  });
});
