import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimEvent, SimMessage, SimTraffic, SimUser } from './control.ts';
import { ALEX, Bench, HANA } from './test-bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.close());

/** Reads server-sent events until `enough` of them have come. */
async function listen(enough: (events: SimEvent[]) => boolean, onReady: () => Promise<unknown>): Promise<SimEvent[]> {
  const events: SimEvent[] = [];
  const response = await fetch(`${bench.sandbox.url}/sim/events`, { signal: AbortSignal.timeout(8_000) });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  let acting: Promise<unknown> | undefined;
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + Buffer.from(chunk).toString()).split('\n\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) events.push(JSON.parse(line.slice(6)) as SimEvent);
    acting ??= onReady();
    if (enough(events)) break;
  }
  await acting;
  return events;
}

describe('the chat', () => {
  it('shows what the bot sends, changes and deletes, and answers taps', async () => {
    bench.bot.answer = (update) => {
      const query = update['callback_query'];
      return query === undefined
        ? {}
        : { body: { method: 'answerCallbackQuery', callback_query_id: query.id, text: 'Done', show_alert: true } };
    };
    await bench.setWebhook();
    await bench.say(HANA, '/start ref_1');
    const events = await listen(
      (seen) =>
        seen.some((event) => event.type === 'callback_answer') &&
        seen.some((event) => event.type === 'message_deleted'),
      async () => {
        const keyboard = {
          inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }], [{ text: 'Copy', copy_text: { text: 'abc' } }]],
        };
        const { result } = await bench.api('sendMessage', { chat_id: HANA, text: 'Sure?', reply_markup: keyboard });
        await bench.sim('POST', `/chats/${HANA}/callback`, { message_id: result.message_id, data: 'yes' });
        await bench.api('editMessageText', { chat_id: HANA, message_id: result.message_id, text: 'Sure.' });
        await bench.api('deleteMessage', { chat_id: HANA, message_id: result.message_id });
      },
    );
    expect(events[0]).toMatchObject({ type: 'state', state: { bot: { username: 'hoshi_sandbox_bot' } } });
    const shown = events.flatMap((event) =>
      event.type === 'message' && event.user_id === HANA ? [event.message] : [],
    );
    expect(shown).toMatchObject([
      { text: 'Sure?', from: 'bot', inline_keyboard: [[{ text: 'Yes' }], [{ copy_text: { text: 'abc' } }]] },
      { text: 'Sure.', edit_date: expect.any(Number) },
    ]);
    expect(events).toContainEqual({ type: 'callback_answer', user_id: HANA, text: 'Done', show_alert: true });
    expect(events.some((event) => event.type === 'traffic' && event.traffic.status === 'pending')).toBe(true);
    const [query] = bench.bot.of('callback_query');
    expect(query?.['callback_query']).toMatchObject({
      from: { id: HANA },
      data: 'yes',
      message: { text: 'Sure?', from: { is_bot: true } },
    });
    const start = bench.bot.messages('text')[0]?.['message'];
    expect(start).toMatchObject({ text: '/start ref_1', entities: [{ type: 'bot_command', offset: 0, length: 6 }] });
  });

  it('has no button that was not sent', async () => {
    const { message_id: id } = await bench.say(HANA, 'hello');
    const answer = await bench.trySim('POST', `/chats/${HANA}/callback`, { message_id: id, data: 'yes' });
    expect(answer).toMatchObject({ status: 400, content: { error: 'DATA_INVALID' } });
  });

  it('keeps the last 500 messages and hands out those after an id', async () => {
    let last = 0;
    for (let count = 0; count < 510; count += 1) last = (await bench.say(ALEX, `m${count}`)).message_id;
    const messages = await bench.sim<SimMessage[]>('GET', `/chats/${ALEX}/messages`);
    expect(messages).toHaveLength(200);
    expect(messages.at(-1)?.text).toBe('m509');
    expect(await bench.sim('GET', `/chats/${ALEX}/messages?after=${last - 1}`)).toMatchObject([{ text: 'm509' }]);
  });
});

describe('people', () => {
  it('are made, changed, and block the bot', async () => {
    await bench.setWebhook();
    const made = await bench.sim<SimUser>('POST', '/users', { first_name: 'Mio', balance: 77 });
    expect(made).toMatchObject({ first_name: 'Mio', balance: 77, language_code: 'en', has_blocked_bot: false });
    expect(await bench.trySim('POST', '/users', { id: made.id })).toMatchObject({
      status: 409,
      content: { error: 'USER_EXISTS' },
    });
    expect(await bench.sim('PATCH', `/users/${made.id}`, { language_code: 'ja' })).toMatchObject({
      language_code: 'ja',
    });
    await bench.sim('PATCH', `/users/${made.id}`, { has_blocked_bot: true });
    const update = await bench.bot.until('the block', (bot) => bot.of('my_chat_member')[0]);
    expect(update['my_chat_member']).toMatchObject({
      chat: { id: made.id, type: 'private' },
      old_chat_member: { status: 'member', user: { id: 7_000_000_001 } },
      new_chat_member: { status: 'kicked' },
    });
    expect(await bench.trySim('POST', `/chats/${made.id}/text`, { text: 'x' })).toMatchObject({ status: 409 });
    expect(await bench.trySim('PATCH', `/users/${made.id}`, { balance: -1 })).toMatchObject({ status: 400 });
  });
});

describe('the clock', () => {
  it('wakes its followers and waits for them before it goes on', async () => {
    bench.options.followerWaitMs = 60_000;
    await bench.restart();
    const first = bench.sim<{ offsetMs: number }>('GET', '/clock?after=0&wait=8');
    await bench.sim('GET', '/clock');
    const moved = bench.advance(3_600);
    const { offsetMs } = await first;
    expect(offsetMs).toBeGreaterThan(3_590_000);
    let isAnswered = false;
    void moved.then(() => {
      isAnswered = true;
    });
    for (let count = 0; count < 5; count += 1) await bench.sim('GET', '/health');
    expect(isAnswered).toBe(false);
    const again = bench.sim<{ offsetMs: number }>('GET', `/clock?after=${offsetMs}&wait=8`);
    await moved;
    const reset = bench.sim('POST', '/clock/reset');
    expect((await again).offsetMs).toBe(0);
    expect(await bench.sim('GET', '/clock?after=0&wait=0')).toMatchObject({ offsetMs: 0 });
    await reset;
    expect(await bench.trySim('POST', '/clock', { advance_seconds: -5 })).toMatchObject({ status: 400 });
  });

  it('answers a follower that is behind at once, and one that waits in vain after its time', async () => {
    expect(await bench.sim('GET', '/clock?after=5&wait=8')).toMatchObject({ offsetMs: 0 });
    expect(await bench.sim('GET', '/clock?after=0&wait=0.02')).toMatchObject({ offsetMs: 0 });
  });
});

describe('the traffic log', () => {
  it('keeps calls and deliveries, bodies cut short, newest first', async () => {
    await bench.setWebhook();
    await bench.say(HANA, 'x'.repeat(4_000));
    await bench.bot.until('the message', (bot) => bot.of('message')[0]);
    await bench.api('sendMessage', { chat_id: HANA, text: 'y', entities: [], extra: 'z'.repeat(6_000) });
    const rows = await bench.sim<SimTraffic[]>('GET', '/traffic?limit=2');
    expect(rows[0]).toMatchObject({ direction: 'from_bot', name: 'sendMessage', status: 200, response: { ok: true } });
    expect(String(rows[0]?.request)).toHaveLength(4_096);
    expect(rows[1]).toMatchObject({ direction: 'to_bot', name: 'message', status: 200 });
    expect(JSON.stringify(rows)).not.toContain('AAHoshiSandbox');
  });
});

describe('topics', () => {
  it('exist in a group shared with the bot', async () => {
    await bench.setWebhook();
    await bench.say(HANA, '/log');
    const group = await bench.sim<{ id: number }>('POST', '/groups', {
      title: 'My log',
      shared_by: HANA,
      request_id: 4,
    });
    const shared = await bench.bot.until('the share', (bot) => bot.messages('chat_shared')[0]);
    expect(shared['message'].chat_shared).toEqual({ request_id: 4, chat_id: group.id });
    expect((await bench.api('getChat', { chat_id: group.id })).result).toMatchObject({
      type: 'supergroup',
      is_forum: true,
    });
    const member = await bench.api('getChatMember', { chat_id: group.id, user_id: 7_000_000_001 });
    expect(member.result).toMatchObject({ status: 'administrator', can_manage_topics: true });
    const topic = (await bench.api('createForumTopic', { chat_id: group.id, name: 'Receipts' })).result;
    expect(topic).toMatchObject({ name: 'Receipts', message_thread_id: expect.any(Number), icon_color: 7322096 });
    const place = { chat_id: group.id, message_thread_id: topic.message_thread_id };
    expect((await bench.api('sendMessage', { ...place, text: 'one' })).result).toMatchObject({
      is_topic_message: true,
    });
    expect((await bench.api('closeForumTopic', place)).result).toBe(true);
    expect((await bench.api('sendMessage', { ...place, text: 'two' })).description).toBe('Bad Request: TOPIC_CLOSED');
    expect((await bench.api('deleteForumTopic', place)).result).toBe(true);
    expect((await bench.api('sendMessage', { ...place, text: 'three' })).description).toBe(
      'Bad Request: message thread not found',
    );
  });

  it('exist in private chats only while the bot has them enabled', async () => {
    await bench.say(HANA, '/log');
    expect((await bench.api('createForumTopic', { chat_id: HANA, name: 'x' })).description).toBe(
      'Bad Request: the chat is not a forum',
    );
    await bench.sim('PATCH', '/bot', { has_topics_enabled: true });
    expect((await bench.api('getMe')).result.has_topics_enabled).toBe(true);
    expect((await bench.api('createForumTopic', { chat_id: HANA, name: 'x' })).ok).toBe(true);
  });
});

describe('the bot', () => {
  it('has commands and texts by language and menu buttons by user', async () => {
    await bench.api('setMyCommands', { commands: [{ command: '/buy', description: 'Buy' }] });
    await bench.api('setMyCommands', {
      commands: [{ command: 'buy', description: '購入' }],
      language_code: 'ja',
      scope: { type: 'all_private_chats' },
    });
    expect((await bench.api('getMyCommands')).result).toEqual([{ command: 'buy', description: 'Buy' }]);
    expect(
      (await bench.api('getMyCommands', { language_code: 'ja', scope: { type: 'all_private_chats' } })).result,
    ).toEqual([{ command: 'buy', description: '購入' }]);
    await bench.api('setMyDescription', { description: 'Plans', language_code: 'en' });
    expect((await bench.api('getMyDescription', { language_code: 'en' })).result).toEqual({ description: 'Plans' });
    const web_app = { url: 'http://localhost:3000' };
    await bench.api('setChatMenuButton', { chat_id: HANA, menu_button: { type: 'web_app', text: 'Mine', web_app } });
    expect((await bench.api('getChatMenuButton', { chat_id: HANA })).result).toMatchObject({ text: 'Mine' });
    expect((await bench.api('getChatMenuButton')).result).toEqual({ type: 'default' });
    const { bot } = await bench.state();
    expect(bot).toMatchObject({
      menu_buttons: { [HANA]: { text: 'Mine', url: 'http://localhost:3000' } },
      commands_by_language: { ja: [{ command: 'buy' }] },
    });
    expect(await bench.trySim('POST', '/webapp/launch', { user_id: ALEX })).toMatchObject({
      status: 409,
      content: { error: 'NO_MENU_BUTTON' },
    });
  });
});

describe('the page', () => {
  it('says what to run while the client is not built, and serves only its own files', async () => {
    const page = await fetch(`${bench.sandbox.url}/`);
    expect(page.status).toBe(503);
    expect(await page.text()).toContain('npm start');
    expect((await fetch(`${bench.sandbox.url}/..%2f..%2fpackage.json`)).status).toBe(404);
    expect((await fetch(`${bench.sandbox.url}/%ff`)).status).toBe(404);
  });
});
