import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type PrivateKey, unarmor } from 'openpgp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginDelivery } from '#domain/billing-record/delivery.ts';
import { findOwner } from '#domain/billing-record/owner.ts';
import { deliveryOf, sealRecords } from '#domain/billing-record/seal.ts';
import { queueJobs } from '#domain/context/queue.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { bindLog } from '#domain/personal-log/bind.ts';
import { changeLog } from '#domain/personal-log/change.ts';
import { queueLeftOver, sendAgain } from '#domain/personal-log/queue-again.ts';
import { getLog, listUndelivered } from '#domain/personal-log/records.ts';
import type { SimFaults, SimGroup, SimMessage } from '../../sandbox/control.ts';
import { giveKey, readRecord } from '../../testing/keys.ts';
import { BOT_TOKEN, type Buyer, openWorld } from '../../testing/world.ts';
import { type Engine, startEngine } from '../engine.ts';
import { makeNoticeSender } from '../notices/send.ts';
import { MAX_ATTEMPTS } from '../rules.ts';
import { type JobHandlers, jobHandlers } from '../table.ts';
import { makeCarefulApi } from './careful-api.ts';
import { makeRecordDeliverer } from './deliver.ts';

const world = openWorld();
const engines: Engine[] = [];
/** Lets calls that hang go on, so that their engine can stop. */
const engineEnds: Array<() => void> = [];
type Deliver = JobHandlers['deliver_record'];
let deliver: Deliver;
let deadUrl: string;

beforeEach(async () => {
  deliver = delivererAt(world.sandboxUrl);
  // A port that nobody listens to.
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  deadUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
});
afterEach(async () => {
  for (const end of engineEnds.splice(0)) end();
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await world.sandbox.setFaults({});
  await world.sql('DELETE FROM job');
});

const apiAt = (apiRoot: string) => makeCarefulApi({ token: BOT_TOKEN, apiRoot, timeoutSeconds: 1 });
const delivererAt = (apiRoot: string) => makeRecordDeliverer(apiAt(apiRoot));
const fault = (kind: NonNullable<SimFaults['api']>['kind'], rest: Partial<NonNullable<SimFaults['api']>> = {}) =>
  world.sandbox.setFaults({ api: { kind, method: 'sendMessage', remaining: 1, ...rest } });

/** A worker on the real engine; `deliver` may be changed while it runs. */
function startWorker(): void {
  const handlers = jobHandlers({
    send_notice: makeNoticeSender({ api: apiAt(world.sandboxUrl), botUsername: 'hoshi_sandbox_bot' }),
    deliver_record: (ctx, job) => deliver(ctx, job),
    export_data: async () => ({ kind: 'done' }),
    run_erasure: async () => ({ kind: 'done' }),
  });
  engines.push(startEngine(world.door, handlers));
}

const UNTIL = { timeout: 30_000, interval: 20 };
type JobRow = { run_at: Date; attempts: number; is_running: boolean };
const openJobs = (userId: string) =>
  world.sql<JobRow>(
    `SELECT run_at, attempts, locked_until IS NOT NULL AS is_running FROM job WHERE lane = $1 AND done_at IS NULL ORDER BY id`,
    [`log:${userId}`],
  );

/** Lets the worker work until nothing of a person's lane is left, or until `isEnough`; the clock goes to whatever waits. */
async function work(userId: string, isEnough: () => Promise<boolean> = async () => false): Promise<void> {
  await expect
    .poll(async () => {
      const [first] = await openJobs(userId);
      if (!first || (await isEnough())) return true;
      const waitMs = first.run_at.getTime() - world.clock.now().getTime();
      if (!first.is_running && waitMs > 0) await world.advance(waitMs);
      await world.sql("SELECT pg_notify('job', '')");
      return false;
    }, UNTIL)
    .toBe(true);
}

type Owner = Buyer & { key: PrivateKey; chat: number };

/** A person with a key who has written to the bot. */
async function newOwner(): Promise<Owner> {
  const buyer = await world.newBuyer();
  const chat = Number(buyer.telegramId);
  await world.sandbox.ask('POST', `/chats/${chat}/text`, { text: '/start' });
  await ensureUser(world.system, { telegramId: buyer.telegramId, languageCode: 'en', isReachable: true });
  return { ...buyer, key: await giveKey(buyer), chat };
}

let records = 0;
/** Seals records of a person and queues them, oldest first. Returns their ids. */
async function write(owner: Owner, count = 1, description = 'Order'): Promise<string[]> {
  const found = await findOwner(world.system, owner.id);
  if (!found) throw new Error('the owner has no link');
  const drafts = Array.from({ length: count }, () => {
    records += 1;
    const objectId = `pay_${String(records).padStart(6, '0')}`;
    return { owner: found, type: 'payment' as const, objectId, facts: { description }, at: world.clock.now() };
  });
  const ids: string[] = [];
  for (const draft of drafts) {
    const { rows } = await sealRecords(world.system, [draft]);
    await world.sql('SELECT write_billing_records($1::jsonb)', [JSON.stringify(rows)]);
    await queueJobs(world.system, rows.map(deliveryOf));
    ids.push(...rows.map(({ id }) => id));
    // The order of ids is that of the clock.
    await world.advance(1_000);
  }
  return ids;
}

const messagesIn = async (chatId: number) =>
  (await world.sandbox.ask<SimMessage[]>('GET', `/chats/${chatId}/messages`)).filter(({ from }) => from === 'bot');
const stateOf = async (userId: string) =>
  (
    await world.sql<{ id: string; status: string; obstacle: string | null }>(
      'SELECT id, status, obstacle FROM billing_record WHERE user_id = $1 ORDER BY created_at, id',
      [userId],
    )
  ).map(({ obstacle, status }) => obstacle ?? status);

/** A group of a person's that is bound as their log. */
async function bind(owner: Owner): Promise<SimGroup & { topicId: number }> {
  const group = await world.sandbox.ask<SimGroup>('POST', '/groups', { title: 'Mine', owner_id: owner.chat });
  const { message_thread_id: topicId } = await apiAt(world.sandboxUrl).createForumTopic(group.id, 'Log');
  await bindLog(world.system, { userId: owner.id, group: { chatId: group.id, topicId } });
  return { ...group, topicId };
}

/** The record in a message, as its owner reads it. */
async function read(owner: Owner, message: SimMessage | undefined): Promise<Record<string, unknown>> {
  const text = message?.document
    ? await (await fetch(`${world.sandboxUrl}${message.document.url}`)).text()
    : (message?.text ?? '').replace(/^#.*\n/, '');
  const { data } = await unarmor(text);
  return readRecord(new Uint8Array(data as Uint8Array), owner.key);
}

describe('a record', () => {
  it('comes as a message to the chat with the bot, without a sound, and is read with its owner’s key', async () => {
    const owner = await newOwner();
    const [id] = await write(owner);
    startWorker();
    await work(owner.id);
    const [message, ...more] = await messagesIn(owner.chat);
    expect(more).toEqual([]);
    expect(message?.text).toMatch(/^#payment #hoshi\n-----BEGIN PGP MESSAGE-----\n/);
    expect(message).toMatchObject({
      is_silent: true,
      entities: [{ type: 'hashtag' }, { type: 'hashtag' }, { type: 'pre' }],
    });
    expect(await read(owner, message)).toMatchObject({ record: id, type: 'payment', description: 'Order' });
    expect(await stateOf(owner.id)).toEqual(['delivered']);
  });

  it.each([
    ['is too long for a message', 'x'.repeat(3_000), {}],
    ['is wanted so', 'Order', { asDocument: true, isSilent: false }],
  ])('comes as a file when it %s', async (_why, description, settings) => {
    const owner = await newOwner();
    await changeLog(owner.ctx, { userId: owner.id, ...settings });
    // Text that does not compress.
    const random =
      description.length > 100
        ? Buffer.from(crypto.getRandomValues(new Uint8Array(3_000))).toString('hex')
        : description;
    const [id] = await write(owner, 1, random);
    startWorker();
    await work(owner.id);
    const [message] = await messagesIn(owner.chat);
    expect(message?.document).toMatchObject({ file_name: `hoshi-2026-11-20-${id}.asc`, caption: '#payment #hoshi' });
    expect(message?.is_silent ?? false).toBe(!('isSilent' in settings));
    expect(await read(owner, message)).toMatchObject({ record: id, description: random });
  });

  it('comes into the topic of the group that is bound, and the group stands nowhere in plain text', async () => {
    const owner = await newOwner();
    const group = await bind(owner);
    const [id] = await write(owner);
    startWorker();
    await work(owner.id);
    const message = (await messagesIn(group.id)).at(-1);
    expect(message?.message_thread_id).toBe(group.topicId);
    expect(await read(owner, message)).toMatchObject({ record: id });
    expect(await messagesIn(owner.chat)).toEqual([]);
    const [{ whole } = { whole: '' }] = await world.sql<{ whole: string }>(
      `SELECT concat((SELECT string_agg(l::text, ' ') || string_agg(encode(l.sealed, 'escape'), ' ') FROM personal_log l),
        (SELECT string_agg(j::text, ' ') FROM job j), (SELECT string_agg(a::text, ' ') FROM audit_event a)) AS whole`,
    );
    expect(whole).toContain(owner.id);
    expect(whole).not.toContain(String(Math.abs(group.id)));
  });

  it('is not delivered while the log is off, and is once it is on', async () => {
    const owner = await newOwner();
    await changeLog(owner.ctx, { userId: owner.id, isOn: false });
    await write(owner, 2);
    startWorker();
    await work(owner.id);
    expect(await stateOf(owner.id)).toEqual(['off', 'off']);
    expect(await messagesIn(owner.chat)).toEqual([]);
    await changeLog(owner.ctx, { userId: owner.id, isOn: true });
    await work(owner.id);
    expect(await stateOf(owner.id)).toEqual(['delivered', 'delivered']);
  });

  it('leaves no copy here where its owner wants none', async () => {
    const owner = await newOwner();
    await changeLog(owner.ctx, { userId: owner.id, keepDays: 0 });
    await write(owner);
    startWorker();
    await work(owner.id);
    expect(await world.sql('SELECT ciphertext FROM billing_record WHERE user_id = $1', [owner.id])).toEqual([
      { ciphertext: null },
    ]);
  });
});

describe('a group', () => {
  it('whose topic was deleted gets another, and the records come there at once', async () => {
    const owner = await newOwner();
    const group = await bind(owner);
    await world.sandbox.ask('DELETE', `/groups/${group.id}/topics/${group.topicId}`);
    const ids = await write(owner, 2);
    startWorker();
    await work(owner.id);
    const [made, ...got] = await messagesIn(group.id);
    expect(made?.forum_topic_created).toEqual({ name: '💰 Payment & Transactions', icon_color: 0xffd67e });
    expect(got.map(({ message_thread_id }) => message_thread_id)).toEqual([made?.message_id, made?.message_id]);
    expect(await Promise.all(got.map((message) => read(owner, message)))).toMatchObject(
      ids.map((record) => ({ record })),
    );
    expect(
      (await world.sql<{ attempts: number }>("SELECT attempts FROM job WHERE name = 'deliver_record'")).map(
        ({ attempts }) => attempts,
      ),
    ).toEqual([1, 1]);
    expect((await getLog(world.system, owner.id)).obstacle).toBeNull();
  });

  it.each([
    [
      'threw the bot out',
      'removed',
      (id: number) => world.sandbox.ask('PATCH', `/groups/${id}`, { bot_status: 'kicked' }),
    ],
    ['is gone', 'gone', (id: number) => world.sandbox.ask('DELETE', `/groups/${id}`)],
    [
      'does not let it write',
      'no_rights',
      (id: number) => world.sandbox.ask('PATCH', `/groups/${id}`, { can_send_messages: false }),
    ],
  ])('that %s: its owner is told once, and records come to the chat', async (_what, obstacle, change) => {
    const owner = await newOwner();
    const group = await bind(owner);
    await change(group.id);
    const ids = await write(owner, 3);
    startWorker();
    await work(owner.id);
    expect((await getLog(world.system, owner.id)).obstacle).toBe(obstacle);
    const got = () => messagesIn(owner.chat);
    await expect.poll(async () => (await got()).length, UNTIL).toBe(4);
    const notices = (await got()).filter(({ text }) => text?.includes('group'));
    expect(notices).toHaveLength(1);
    expect(notices[0]?.inline_keyboard).toMatchObject([[{ url: 'https://t.me/hoshi_sandbox_bot?start=log' }]]);
    const sent = (await got()).filter(({ text }) => text?.startsWith('#payment'));
    expect(await Promise.all(sent.map((message) => read(owner, message)))).toMatchObject(
      ids.map((record) => ({ record })),
    );
    expect(await stateOf(owner.id)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  it('in which no topic can be made any more does not take records either', async () => {
    const owner = await newOwner();
    const group = await bind(owner);
    await world.sandbox.ask('DELETE', `/groups/${group.id}/topics/${group.topicId}`);
    await world.sandbox.ask('PATCH', `/groups/${group.id}`, { can_manage_topics: false });
    await write(owner);
    startWorker();
    await work(owner.id);
    expect((await getLog(world.system, owner.id)).obstacle).toBe('no_rights');
    expect(await stateOf(owner.id)).toEqual(['delivered']);
  });

  it('that is chosen again takes records again', async () => {
    const owner = await newOwner();
    const group = await bind(owner);
    await world.sandbox.ask('PATCH', `/groups/${group.id}`, { bot_status: 'kicked' });
    await write(owner);
    startWorker();
    await work(owner.id);
    await world.sandbox.ask('PATCH', `/groups/${group.id}`, { bot_status: 'administrator' });
    await bindLog(world.system, { userId: owner.id, group: { chatId: group.id, topicId: group.topicId } });
    const [id] = await write(owner);
    await work(owner.id);
    expect(await read(owner, (await messagesIn(group.id)).at(-1))).toMatchObject({ record: id });
  });
});

describe('whoever cannot be written to', () => {
  it('gets all that waited, in order, when they come back', async () => {
    const owner = await newOwner();
    await world.sandbox.changeUser(owner.chat, { has_blocked_bot: true });
    const ids = await write(owner, 3);
    startWorker();
    await work(owner.id);
    expect(await stateOf(owner.id)).toEqual(['unreachable', 'unreachable', 'unreachable']);
    expect(await openJobs(owner.id)).toEqual([]);
    await world.sandbox.changeUser(owner.chat, { has_blocked_bot: false });
    await ensureUser(world.system, { telegramId: owner.telegramId, languageCode: 'en', isReachable: true });
    await work(owner.id);
    const got = await messagesIn(owner.chat);
    expect(await Promise.all(got.map((message) => read(owner, message)))).toMatchObject(
      ids.map((record) => ({ record })),
    );
  });
});

describe('Telegram', () => {
  it('that asks to wait is waited for as long as it says, and the later records wait too', async () => {
    const owner = await newOwner();
    const ids = await write(owner, 2);
    await fault('flood', { retry_after: 40, remaining: 30 });
    const began = world.clock.now().getTime();
    startWorker();
    await work(owner.id);
    expect(world.clock.now().getTime() - began).toBeGreaterThanOrEqual(30 * 40_000);
    const got = await messagesIn(owner.chat);
    expect(await Promise.all(got.map((message) => read(owner, message)))).toMatchObject(
      ids.map((record) => ({ record })),
    );
  });

  it('that cannot be reached for a day costs time and nothing else', async () => {
    const owner = await newOwner();
    const ids = await write(owner, 2);
    deliver = delivererAt(deadUrl);
    const began = world.clock.now().getTime();
    startWorker();
    await work(owner.id, async () => world.clock.now().getTime() - began > 86_400_000);
    await expect.poll(() => stateOf(owner.id), UNTIL).toEqual(['telegram_unavailable', 'sealed']);
    expect(await listUndelivered(owner.ctx, owner.id)).toMatchObject({
      onTheirWay: 2,
      delay: 'telegram_unavailable',
      held: 0,
    });
    deliver = delivererAt(world.sandboxUrl);
    await work(owner.id);
    const got = await messagesIn(owner.chat);
    expect(await Promise.all(got.map((message) => read(owner, message)))).toMatchObject(
      ids.map((record) => ({ record })),
    );
  });

  it.each(['server_error' as const])('that answers %s is asked again', async (kind) => {
    const owner = await newOwner();
    await write(owner);
    await fault(kind, { remaining: 2 });
    startWorker();
    await work(owner.id);
    expect(await stateOf(owner.id)).toEqual(['delivered']);
    expect(await messagesIn(owner.chat)).toHaveLength(1);
  });

  it('outlives the tries of a job: the record is queued again', async () => {
    const owner = await newOwner();
    await write(owner);
    await world.sql("UPDATE job SET attempts = $1 WHERE name = 'deliver_record'", [MAX_ATTEMPTS - 1]);
    deliver = delivererAt(deadUrl);
    startWorker();
    await work(owner.id);
    expect(await world.sql("SELECT outcome, error FROM job WHERE name = 'deliver_record'")).toEqual([
      { outcome: 'done', error: 'NOT_CONNECTED' },
    ]);
    expect(await stateOf(owner.id)).toEqual(['telegram_unavailable']);
    deliver = delivererAt(world.sandboxUrl);
    expect(await queueLeftOver(world.system)).toBe(1);
    expect(await queueLeftOver(world.system)).toBe(0);
    await work(owner.id);
    expect(await messagesIn(owner.chat)).toHaveLength(1);
  });

  it.each(['lost_answer', 'timeout'] as const)(
    'that took a record and did not answer (%s) is not sent it again by itself, and the next goes on',
    async (kind) => {
      const owner = await newOwner();
      const [first] = await write(owner, 2);
      await fault(kind);
      startWorker();
      await work(owner.id);
      expect(await stateOf(owner.id)).toEqual(['unknown', 'delivered']);
      expect(await messagesIn(owner.chat)).toHaveLength(kind === 'lost_answer' ? 2 : 1);
      expect(await queueLeftOver(world.system)).toBe(0);
      expect(await listUndelivered(owner.ctx, owner.id)).toMatchObject({
        held: 1,
        records: [{ id: first, obstacle: 'unknown' }],
      });
      await sendAgain(owner.ctx, { userId: owner.id, recordId: first ?? '' });
      await work(owner.id);
      expect(await read(owner, (await messagesIn(owner.chat)).at(-1))).toMatchObject({ record: first });
      await expect(sendAgain(owner.ctx, { userId: owner.id, recordId: first ?? '' })).rejects.toMatchObject({
        reason: 'record_not_held',
      });
    },
  );
});

describe('a worker', () => {
  it('that was killed while it sent leaves a record that its owner sees, and the next goes on', async () => {
    const owner = await newOwner();
    await write(owner, 2);
    let isHanging = true;
    deliver = async (ctx, job) => {
      if (!isHanging) return delivererAt(world.sandboxUrl)(ctx, job);
      await beginDelivery(ctx, job.recordId);
      // Killed: nothing is heard of it while this test runs.
      return new Promise((resolve) => engineEnds.push(() => resolve({ kind: 'done' })));
    };
    startWorker();
    await expect.poll(() => stateOf(owner.id), UNTIL).toEqual(['sending', 'sealed']);
    isHanging = false;
    await world.sql("UPDATE job SET locked_until = now() - interval '1 second' WHERE locked_until IS NOT NULL");
    startWorker();
    await work(owner.id);
    expect(await stateOf(owner.id)).toEqual(['interrupted', 'delivered']);
    expect(await messagesIn(owner.chat)).toHaveLength(1);
  });
});

describe('somebody else', () => {
  it('can send nothing of a person’s again', async () => {
    const [owner, stranger] = [await newOwner(), await newOwner()];
    const [id = ''] = await write(owner);
    await expect(sendAgain(stranger.ctx, { userId: owner.id, recordId: id })).rejects.toMatchObject({
      reason: 'not_yours',
    });
    await expect(sendAgain(stranger.ctx, { userId: stranger.id, recordId: id })).rejects.toMatchObject({
      reason: 'record_not_found',
    });
  });
});

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('twenty records', () => {
  it.each([1, 2, 3, 4])(
    'arrive once and in order, or are held for their owner to see, whatever happens (seed %i)',
    async (seed) => {
      const owner = await newOwner();
      const group = await bind(owner);
      await changeLog(owner.ctx, { userId: owner.id, asDocument: true });
      const ids = await write(owner, 20);
      const random = randomFrom(seed);
      const plain = delivererAt(world.sandboxUrl);
      const despite = (accident: Promise<unknown>) => accident.then(() => plain);
      const accidents: Array<() => Promise<Deliver>> = [
        async () => plain,
        async () => plain,
        async () => plain,
        () => despite(fault('flood', { method: 'sendDocument', retry_after: 3 })),
        () => despite(fault('server_error', { method: 'sendDocument' })),
        () => despite(fault('lost_answer', { method: 'sendDocument' })),
        async () => delivererAt(deadUrl),
        async () => {
          const { topics } = (await groupsOf(owner))[0] ?? { topics: [] };
          for (const { thread_id } of topics)
            await world.sandbox.ask('DELETE', `/groups/${group.id}/topics/${thread_id}`);
          return plain;
        },
        async () =>
          async (ctx, { recordId }) => {
            await beginDelivery(ctx, recordId);
            throw new Error('the worker died');
          },
        async () => {
          if (random() < 0.2) await world.sandbox.ask('PATCH', `/groups/${group.id}`, { bot_status: 'kicked' });
          return plain;
        },
      ];
      const seen: SimMessage[] = [];
      deliver = async (ctx, job) => {
        const accident = accidents[Math.floor(random() * accidents.length)] ?? accidents[0];
        const outcome = await ((await accident?.()) ?? plain)(ctx, job);
        await world.sandbox.setFaults({});
        // What stands in a topic goes with it: what arrived is looked at each time.
        for (const message of [...(await messagesIn(owner.chat)), ...(await messagesOf(group.id))])
          if (message.document && !seen.some(({ message_id }) => message_id === message.message_id)) seen.push(message);
        return outcome;
      };
      startWorker();
      startWorker();
      await work(owner.id);
      const arrived = seen
        .sort((a, b) => a.message_id - b.message_id)
        .map(({ document }) => /rec_\w+/.exec(document?.file_name ?? '')?.[0]);
      const states = await stateOf(owner.id);
      const delivered = ids.filter((_id, index) => states[index] === 'delivered');
      expect(
        new Set(states.filter((state) => state !== 'delivered' && state !== 'unknown' && state !== 'interrupted')),
      ).toEqual(new Set());
      expect(arrived.filter((id) => id !== undefined && delivered.includes(id))).toEqual(delivered);
      expect(new Set(arrived).size).toBe(arrived.length);
      expect(delivered.length).toBeGreaterThan(5);
      const { held } = await listUndelivered(owner.ctx, owner.id);
      expect(delivered.length + held).toBe(20);
    },
  );
});

const groupsOf = async (owner: Owner) =>
  (await world.sandbox.ask<{ groups: SimGroup[] }>('GET', '/state')).groups.filter(
    ({ owner_id }) => owner_id === owner.chat,
  );
const messagesOf = (groupId: number) => messagesIn(groupId);
