import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimGroup, SimMessage } from './control.ts';
import { ALEX, Bench, HANA } from './test-bench.ts';

const BOT = 7_000_000_001;
let bench: Bench;
beforeEach(async () => {
  bench = await Bench.start();
  await bench.setWebhook();
  await bench.say(HANA, '/log');
});
afterEach(() => bench.close());

const REQUEST = {
  request_id: 7,
  chat_is_channel: false,
  chat_is_forum: true,
  chat_is_created: true,
  bot_is_member: true,
  bot_administrator_rights: { can_manage_topics: true, can_delete_messages: false },
};
const ask = (request: object = REQUEST) =>
  bench.api('sendMessage', {
    chat_id: HANA,
    text: 'Choose',
    reply_markup: { keyboard: [[{ text: 'Choose', request_chat: request }]] },
  });
const share = (answer: object) => bench.sim<SimGroup>('POST', `/chats/${HANA}/share`, answer);
const makeGroup = (body: object = {}) =>
  bench.sim<SimGroup>('POST', '/groups', { title: 'Log', owner_id: HANA, ...body });
const change = (group: SimGroup, body: object) => bench.sim('PATCH', `/groups/${group.id}`, body);
const said = async (method: string, args: Record<string, unknown>) => (await bench.api(method, args)).description;

describe('a button that asks for a chat', () => {
  it('is answered by a new group, in which the bot has the rights it asked for', async () => {
    await ask();
    const group = await share({ request_id: 7, title: 'My log' });
    expect(group).toMatchObject({ title: 'My log', owner_id: HANA, is_forum: true, can_manage_topics: true });
    const added = await bench.bot.until('my_chat_member', (bot) => bot.of('my_chat_member')[0]);
    expect(added['my_chat_member']).toMatchObject({
      chat: { id: group.id, type: 'supergroup', is_forum: true },
      from: { id: HANA },
      old_chat_member: { status: 'left' },
      new_chat_member: { status: 'administrator', can_manage_topics: true, can_delete_messages: false },
    });
    const shared = await bench.bot.until('the share', (bot) => bot.messages('chat_shared')[0]);
    expect(shared['message']).toMatchObject({ chat: { id: HANA, type: 'private' }, from: { id: HANA } });
    expect(shared['message'].chat_shared).toEqual({ request_id: 7, chat_id: group.id });
  });

  it('tells the title only where it was asked for', async () => {
    await ask({ ...REQUEST, request_title: true });
    await share({ request_id: 7, title: 'My log' });
    const shared = await bench.bot.until('the share', (bot) => bot.messages('chat_shared')[0]);
    expect(shared['message'].chat_shared.title).toBe('My log');
  });

  it('is answered by a group of one’s own, never by another, nor without a button', async () => {
    const [own, foreign, flat] = [
      await makeGroup({ bot_status: 'left' }),
      await makeGroup({ owner_id: ALEX }),
      await makeGroup({ is_forum: false }),
    ];
    const refused = (answer: object) => bench.trySim<{ error: string }>('POST', `/chats/${HANA}/share`, answer);
    expect((await refused({ request_id: 7 })).content.error).toBe('REQUEST_INVALID');
    await ask();
    expect((await refused({ request_id: 8 })).content.error).toBe('REQUEST_INVALID');
    for (const { id } of [foreign, flat])
      expect((await refused({ request_id: 7, group_id: id })).content.error).toBe('CHAT_NOT_FITTING');
    expect(await share({ request_id: 7, group_id: own.id })).toMatchObject({ id: own.id, bot_status: 'administrator' });
    await bench.api('sendMessage', { chat_id: HANA, text: 'ok', reply_markup: { remove_keyboard: true } });
    expect((await refused({ request_id: 7 })).content.error).toBe('REQUEST_INVALID');
  });

  it('needs its fields', async () => {
    const { description } = await ask({ request_id: 7 });
    expect(description).toBe('Bad Request: can\'t parse keyboard button: Can\'t find field "chat_is_channel"');
  });
});

describe('a group', () => {
  it('shows who its owner is and what the bot may', async () => {
    const group = await makeGroup({ can_manage_topics: false });
    const member = async (id: number) => (await bench.api('getChatMember', { chat_id: group.id, user_id: id })).result;
    expect(await member(HANA)).toMatchObject({ status: 'creator', user: { id: HANA } });
    expect(await member(ALEX)).toMatchObject({ status: 'left' });
    expect(await member(BOT)).toMatchObject({ status: 'administrator', can_manage_topics: false });
    expect(await said('createForumTopic', { chat_id: group.id, name: 'x' })).toBe(
      'Bad Request: not enough rights to create a topic',
    );
  });

  it.each([
    ['kicked', 'Forbidden: bot was kicked from the supergroup chat'],
    ['left', 'Forbidden: bot is not a member of the supergroup chat'],
  ])('from which the bot was %s lets it ask and do nothing', async (status, words) => {
    const group = await makeGroup();
    await change(group, { bot_status: status });
    const told = await bench.bot.until('the end', (bot) => bot.of('my_chat_member')[1]);
    expect(told['my_chat_member'].new_chat_member).toMatchObject({ status });
    for (const [method, args] of [
      ['sendMessage', { text: 'x' }],
      ['getChat', {}],
      ['getChatMember', { user_id: HANA }],
      ['createForumTopic', { name: 'x' }],
    ] as const)
      expect(await said(method, { chat_id: group.id, ...args }), method).toBe(words);
  });

  it('that is gone is no chat, one that is no forum has no topics, and one may be closed to the bot', async () => {
    const group = await makeGroup();
    const { result } = await bench.api('createForumTopic', { chat_id: group.id, name: 'Log' });
    const place = { chat_id: group.id, message_thread_id: result.message_thread_id, text: 'x' };
    await change(group, { can_send_messages: false });
    expect(await said('sendMessage', place)).toBe('Bad Request: not enough rights to send text messages to the chat');
    await change(group, { can_send_messages: true });
    await bench.sim('DELETE', `/groups/${group.id}/topics/${result.message_thread_id}`);
    expect(await said('sendMessage', place)).toBe('Bad Request: message thread not found');
    await change(group, { is_forum: false });
    expect(await said('createForumTopic', { chat_id: group.id, name: 'x' })).toBe(
      'Bad Request: the chat is not a forum',
    );
    await bench.sim('DELETE', `/groups/${group.id}`);
    expect(await said('sendMessage', place)).toBe('Bad Request: chat not found');
    expect((await bench.state()).groups).toEqual([]);
  });

  it('stands in the state with its topics, and its messages can be read', async () => {
    const group = await makeGroup();
    const { result } = await bench.api('createForumTopic', { chat_id: group.id, name: 'Log', icon_color: 16766590 });
    const threadId = result.message_thread_id;
    await bench.api('sendMessage', {
      chat_id: group.id,
      message_thread_id: threadId,
      text: 'one',
      disable_notification: true,
    });
    expect((await bench.state()).groups).toMatchObject([
      { id: group.id, topics: [{ thread_id: threadId, name: 'Log', icon_color: 16766590, is_closed: false }] },
    ]);
    const messages = await bench.sim<SimMessage[]>('GET', `/chats/${group.id}/messages`);
    expect(messages).toMatchObject([
      { forum_topic_created: { name: 'Log' } },
      { text: 'one', message_thread_id: threadId, is_silent: true },
    ]);
  });
});
