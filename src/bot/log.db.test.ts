import { describe, expect, it } from 'vitest';
import type { Ctx } from '#domain/context/context.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import { getLog, type PersonalLog } from '#domain/personal-log/records.ts';
import { type Person, useStage } from './testing/stage.ts';

type Group = { id: number; bot_status: string; topics: Array<{ thread_id: number; name: string; icon_color: number }> };

describe('a group for one’s records', () => {
  const stage = useStage();
  const logOf = async (person: Person): Promise<PersonalLog> => {
    const ctx: Ctx = stage.ctx;
    return getLog(ctx, (await findUserByTelegramId(ctx, BigInt(person.id)))?.id ?? '');
  };
  const groups = async (person: Person) =>
    (await stage.sandbox.sim<{ groups: Array<Group & { owner_id: number }> }>('GET', '/state')).groups.filter(
      ({ owner_id }) => owner_id === person.id,
    );
  const makeGroup = (body: object) => stage.sandbox.sim<Group>('POST', '/groups', { title: 'Log', ...body });
  /** The message that asks, and its button's number. */
  async function ask(person: Person, text = '/log') {
    const asked = (await person.write(text)).at(-1);
    const request = asked?.reply_keyboard?.flat().find(({ request_chat }) => request_chat)?.request_chat;
    if (!request) throw new Error('nothing was asked for');
    return { asked, request };
  }

  it.each(['/log', '/start log'])('is asked for by %s with Telegram’s own button', async (text) => {
    const { asked, request } = await ask(await stage.person('en'), text);
    expect(asked?.text).toContain('Where your payment records go');
    expect(request).toMatchObject({
      chat_is_channel: false,
      chat_is_forum: true,
      chat_is_created: true,
      bot_is_member: true,
      bot_administrator_rights: { can_manage_topics: true },
      user_administrator_rights: { can_manage_topics: true, can_promote_members: true },
    });
  });

  it('is bound once it is made: it has its topic, the keyboard goes, and nothing says which group it is', async () => {
    const person = await stage.person('ja');
    const { request } = await ask(person);
    const [done, ...more] = await person.share({ request_id: request.request_id, title: '家計' });
    expect(more).toEqual([]);
    expect(done).toMatchObject({ text: expect.stringContaining('つなぎました'), reply_keyboard: [] });
    const [group] = await groups(person);
    expect(group?.topics).toMatchObject([{ name: '💰 Payment & Transactions', icon_color: 0xffd67e }]);
    const log = await logOf(person);
    expect(log.group).toEqual({ chatId: group?.id, topicId: group?.topics[0]?.thread_id });
    const [{ whole } = { whole: '' }] = await stage.ctx.db.$queryRaw<Array<{ whole: string }>>`
      SELECT string_agg(t.row, ' ') AS whole FROM (SELECT l::text AS row FROM personal_log l
        UNION ALL SELECT a::text FROM audit_event a UNION ALL SELECT w::text FROM webhook_event w
        UNION ALL SELECT j::text FROM job j) t`;
    expect(whole).toContain('log.bound');
    expect(whole).not.toContain(String(Math.abs(group?.id ?? 0)));
  });

  it('replaces the one before, and the same one keeps its topic', async () => {
    const person = await stage.person('en');
    const { request } = await ask(person);
    const answer = { request_id: request.request_id };
    await person.share({ ...answer, title: 'One' });
    const first = (await logOf(person)).group;
    expect((await ask(person)).asked?.text).toContain('Records come into a group of yours');
    await person.share({ ...answer, group_id: first?.chatId ?? 0 });
    expect((await logOf(person)).group).toEqual(first);
    await ask(person);
    await person.share({ ...answer, title: 'Two' });
    const second = (await logOf(person)).group;
    expect(second?.chatId).not.toBe(first?.chatId);
    expect((await groups(person)).map(({ topics }) => topics.length)).toEqual([1, 1]);
  });

  it.each([
    ['of somebody else', { owner_id: 7_000_000_101 }, 'belongs to somebody else'],
    ['without topics', { is_forum: false }, 'has no topics'],
    ['in which the bot may make none', { can_manage_topics: false }, 'with the right to manage topics'],
    ['in which the bot is a plain member', { bot_status: 'member' }, 'with the right to manage topics'],
    ['that the bot is not in', { bot_status: 'left' }, 'let Telegram add the bot'],
  ])('%s is refused, with what to do', async (_which, group, words) => {
    const person = await stage.person('en');
    await ask(person);
    // As a client that offers more than it should.
    await makeGroup({ owner_id: person.id, ...group, shared_by: person.id, request_id: 1 });
    await expect
      .poll(async () => (await person.messages()).filter(({ from }) => from === 'bot').at(-1)?.text)
      .toContain(words);
    expect((await logOf(person)).group).toBeNull();
  });

  it('is left alone when another button’s answer comes, and when nobody wants one', async () => {
    const person = await stage.person('en');
    const { asked } = await ask(person);
    const count = (await person.messages()).length;
    await makeGroup({ owner_id: person.id, shared_by: person.id, request_id: 99 });
    const cancel = asked?.reply_keyboard?.flat().find(({ request_chat }) => !request_chat)?.text ?? '';
    await person.write(cancel);
    const since = async () => (await person.messages()).slice(count).filter(({ from }) => from === 'bot');
    await expect.poll(since).toMatchObject([{ text: 'Nothing was changed.', reply_keyboard: [] }]);
    expect((await logOf(person)).group).toBeNull();
  });

  it('that broke is asked for again', async () => {
    const person = await stage.person('en');
    const { request } = await ask(person);
    await person.share({ request_id: request.request_id, title: 'One' });
    const bound = await logOf(person);
    await stage.ctx.db.personalLog.updateMany({ where: { boundAt: bound.boundAt }, data: { obstacle: 'removed' } });
    expect((await ask(person)).asked?.text).toContain('nothing can be delivered to your group');
    await person.share({ request_id: request.request_id, group_id: bound.group?.chatId ?? 0 });
    expect(await logOf(person)).toMatchObject({ group: bound.group, obstacle: null });
  });

  it('is bound once although Telegram was away when the answer was sent', async () => {
    const person = await stage.person('en');
    const { request } = await ask(person);
    await stage.sandbox.sim('PUT', '/faults', { api: { kind: 'server_error', method: 'sendMessage', remaining: 1 } });
    await person.share({ request_id: request.request_id, title: 'One' });
    const [group] = await groups(person);
    expect(group?.topics).toHaveLength(1);
    expect((await person.messages()).filter(({ text }) => text?.includes('Connected.'))).toHaveLength(1);
  });
});
