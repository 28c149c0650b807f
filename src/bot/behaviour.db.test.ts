import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#domain/errors.ts';
import { findUserByTelegramId } from '#domain/identity/find-user.ts';
import { makeBot } from './bot.ts';
import { encodePress } from './callback.ts';
import type { SeenMessage } from './testing/sandbox.ts';
import { buttonOf, forgedPress, useStage } from './testing/stage.ts';

/** A text from a person, as Telegram sends it. */
const textUpdate = (userId: number, text: string, chatType = 'private', language = 'en') => ({
  update_id: 1,
  message: {
    message_id: 1,
    date: 1,
    chat: { id: userId, type: chatType, first_name: 'Mika' },
    from: { id: userId, is_bot: false, first_name: 'Mika', language_code: language },
    text,
    entities: text.startsWith('/') ? [{ type: 'bot_command', offset: 0, length: text.split(' ')[0]?.length ?? 0 }] : [],
  },
});

describe('the bot and a person', () => {
  const stage = useStage();
  const userOf = (telegramId: number) => findUserByTelegramId(stage.ctx, BigInt(telegramId));

  it('changes the language at once, in the message, the next answers and the menu button', async () => {
    const person = await stage.person('en');
    const [asked] = await person.write('/language');
    const [chosen] = await person.press(asked as SeenMessage, buttonOf(asked, '日本語'));
    expect(chosen?.message_id).toBe(asked?.message_id);
    expect(chosen?.text).toBe('チャットとアプリを日本語で表示します。');
    expect(buttonOf(chosen, 'Hoshiを開く').web_app?.url).toBe(`${stage.publicUrl}/?lang=ja`);
    expect((await person.write('/help'))[0]?.text).toContain('ヘルプ');
    expect(await userOf(person.id)).toMatchObject({ language: 'ja', hasChosenLanguage: true });
    const traffic = await stage.sandbox.sim<
      Array<{ name: string; request: { menu_button?: { web_app: { url: string } } } }>
    >('GET', '/traffic?limit=30');
    const menu = traffic.find(({ name }) => name.toLowerCase() === 'setchatmenubutton');
    expect(JSON.stringify(menu)).toContain('lang=ja');
  });

  it('speaks English to who speaks neither language', async () => {
    const person = await stage.person('uz');
    expect((await person.write('/start'))[0]?.text).toContain('Welcome to Hoshi');
  });

  it('switches reminders off and on; sales are offered to developers only', async () => {
    const person = await stage.person('en');
    const [settings] = await person.write('/settings');
    expect(
      settings?.inline_keyboard
        ?.flat()
        .map(({ text }) => text)
        .join(),
    ).not.toContain('Sales');
    const [off] = await person.press(settings as SeenMessage, buttonOf(settings, 'Before a renewal: on'));
    expect(await userOf(person.id)).toMatchObject({ wantsReminders: false });
    await person.press(off as SeenMessage, buttonOf(off, 'Before a renewal: off'));
    expect(await userOf(person.id)).toMatchObject({ wantsReminders: true });

    await stage.ctx.db.user.updateMany({
      where: { id: (await userOf(person.id))?.id ?? '' },
      data: { role: 'developer' },
    });
    const [more] = await person.write('/settings');
    await person.press(more as SeenMessage, buttonOf(more, 'Sales of your plugins: on'));
    expect(await userOf(person.id)).toMatchObject({ wantsSalesNotices: false, wantsReminders: true });
  });

  it('learns whether it may write', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    expect(await userOf(person.id)).toMatchObject({ isReachable: true });
    await stage.sandbox.sim('PATCH', `/users/${person.id}`, { has_blocked_bot: true });
    await expect.poll(async () => (await userOf(person.id))?.isReachable).toBe(false);
    await stage.sandbox.sim('PATCH', `/users/${person.id}`, { has_blocked_bot: false });
    await expect.poll(async () => (await userOf(person.id))?.isReachable).toBe(true);
  });

  it('notes a block that shows only when it answers', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    await stage.sandbox.sim('PATCH', `/users/${person.id}`, { has_blocked_bot: true });
    await expect.poll(async () => (await userOf(person.id))?.isReachable).toBe(false);
    await stage.bot.handleUpdate(textUpdate(person.id, '/help'));
    expect(await userOf(person.id)).toMatchObject({ isReachable: false });
  });

  it('leaves groups, other bots, service messages and nonsense alone', async () => {
    const person = await stage.person('en');
    const said = async () => (await person.messages()).length;
    const before = await said();
    await stage.bot.handleUpdate(textUpdate(person.id, '/start', 'supergroup'));
    await stage.bot.handleUpdate({
      update_id: 2,
      message: { ...textUpdate(person.id, '').message, text: undefined, pinned_message: {} },
    });
    await stage.bot.handleUpdate({ nothing: true });
    await stage.bot.handleUpdate(null);
    await stage.bot.handleUpdate({
      update_id: 3,
      inline_query: { id: '1', from: { id: person.id, is_bot: false, first_name: 'x' }, query: '' },
    });
    const { message } = textUpdate(person.id, '/start');
    for (const id of [1.5, -person.id, 'x', person.id + 1])
      await stage.bot.handleUpdate({ update_id: 4, message: { ...message, from: { ...message.from, id } } });
    expect(await said()).toBe(before);
  });
});

describe('buttons', () => {
  const stage = useStage();
  const calls = async (name: string) => {
    const traffic = await stage.sandbox.sim<Array<{ name: string; request: { text?: string } }>>(
      'GET',
      '/traffic?limit=20',
    );
    return traffic.filter((call) => call.name === name);
  };

  it.each(['0:b', 'nonsense', '1:r:'])('answers the stale button %s kindly', async (data) => {
    const person = await stage.person('en');
    await person.write('/start');
    const before = (await calls('answerCallbackQuery')).length;
    await stage.bot.handleUpdate(forgedPress(person.id, data));
    const answers = await calls('answerCallbackQuery');
    expect(answers.length).toBe(before + 1);
    expect(JSON.stringify(answers[0]?.request)).toContain('This button is from an older message');
  });

  it('sends a new message when the pressed one can no longer be edited, and says what is no longer sold', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('help', 'menu')));
    expect((await person.messages()).at(-1)?.text).toContain('How can Hoshi help?');
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('plan', 'pln_gone')));
    expect((await person.messages()).at(-1)?.text).toContain('not sold at the moment');
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('price', 'prc_gone')));
    expect((await person.messages()).at(-1)?.text).toContain('This price does not exist');
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('askCancel', 'sub_gone')));
    expect((await person.messages()).at(-1)?.text).toContain('This subscription does not exist');
  });

  it('explains why a price in dollars cannot be paid here', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    await stage.bot.handleUpdate(forgedPress(person.id, encodePress('price', 'prc_channels_pro_month_usd')));
    const answer = (await person.messages()).at(-1);
    expect(answer?.text).toContain('$29.99 a month');
    expect(answer?.text).toContain('cannot be bought here');
    expect(answer?.text).toContain('sold for Stars only');
    await stage.bot.handleUpdate(
      forgedPress(person.id, encodePress('pay', 'prc_channels_pro_month_usd', 'credit_card')),
    );
    expect((await person.messages()).at(-1)?.text).toContain('Stars only');
  });

  it('lets a message be pressed twice', async () => {
    const person = await stage.person('en');
    const [start] = await person.write('/start');
    const [help] = await person.press(start as SeenMessage, buttonOf(start, 'Help'));
    const again = await person
      .press(help as SeenMessage, buttonOf(help, 'Guides'))
      .then(([guides]) => person.press(guides as SeenMessage, buttonOf(guides, 'Buying')));
    expect(again[0]?.message_id).toBe(start?.message_id);
    expect(again[0]?.text).toContain('Send /buy and choose a line');
  });
});

describe('when something fails', () => {
  const stage = useStage();
  let silent: Server | undefined;
  afterEach(async () => {
    vi.restoreAllMocks();
    await stage.sandbox.sim('PUT', '/faults', {});
    silent?.closeAllConnections();
    silent?.close();
    silent = undefined;
  });

  it('asks Telegram to send the update again while nothing was said', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    await stage.sandbox.sim('PUT', '/faults', {
      api: { method: 'sendMessage', kind: 'flood', retry_after: 7, remaining: 1 },
    });
    await expect(stage.bot.handleUpdate(textUpdate(person.id, '/help'))).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'service_unavailable',
      retryAfterSeconds: 7,
    });
    await stage.sandbox.sim('PUT', '/faults', { api: { method: 'sendMessage', kind: 'server_error', remaining: 1 } });
    await expect(stage.bot.handleUpdate(textUpdate(person.id, '/help'))).rejects.toBeInstanceOf(AppError);
    await stage.bot.handleUpdate(textUpdate(person.id, '/help'));
    expect((await person.messages()).at(-1)?.text).toContain('How can Hoshi help?');
  });

  it('does not sell twice because the words after the invoice were lost', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    await stage.sandbox.sim('PUT', '/faults', { api: { method: 'sendMessage', kind: 'server_error', remaining: 1 } });
    await stage.bot.handleUpdate(
      forgedPress(person.id, encodePress('pay', 'prc_personal_pro_year_xtr', 'telegram_stars')),
    );
    const messages = await person.messages();
    expect(messages.filter((message) => message.invoice)).toHaveLength(1);
    expect(messages.at(-1)?.text).toMatch(/Something went wrong on our side.*\nRequest: req_/);
  });

  it('keeps the answer when only the menu button cannot be set', async () => {
    const person = await stage.person('en');
    await stage.sandbox.sim('PUT', '/faults', {
      api: { method: 'setChatMenuButton', kind: 'server_error', remaining: 1 },
    });
    expect((await person.write('/start'))[0]?.text).toContain('Welcome to Hoshi');
  });

  it('apologises once, with the request id, when the database fails', async () => {
    const person = await stage.person('ja');
    await person.write('/start');
    const before = (await person.messages()).length;
    vi.spyOn(stage.ctx.db.product, 'findMany').mockRejectedValue(new Error('password=secret'));
    await stage.bot.handleUpdate(textUpdate(person.id, '/plans', 'private', 'ja'), 'req_seen_in_the_log');
    const said = (await person.messages()).slice(before);
    expect(said).toHaveLength(1);
    expect(said[0]?.text).toContain('お問い合わせ番号：req_seen_in_the_log');
    expect(said[0]?.text).not.toContain('secret');
  });

  it('says in words that the provider does not answer', async () => {
    const person = await stage.person('en');
    await person.write('/start');
    await stage.sandbox.sim('PUT', '/faults', {
      api: { method: 'createInvoiceLink', kind: 'server_error', remaining: 5 },
    });
    await stage.bot.handleUpdate(
      forgedPress(person.id, encodePress('pay', 'prc_personal_pro_month_xtr', 'telegram_stars')),
    );
    expect((await person.messages()).at(-1)?.text).toContain(
      'The payment service could not be reached. You have not been charged.',
    );
  });

  it('asks again when Telegram cannot be reached at all', async () => {
    silent = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => silent?.listen(0, '127.0.0.1', resolve));
    const apiRoot = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const place = { publicUrl: stage.publicUrl, botUsername: 'hoshi_sandbox_bot', supportContact: null };
    const bot = makeBot({
      ...place,
      ctx: stage.ctx,
      botInfo: { id: 7_000_000_001, username: 'hoshi_sandbox_bot' },
      apiRoot,
      token: '7000000001:x',
    });
    await expect(bot.handleUpdate(textUpdate(99_001, '/help'))).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(bot.handleUpdate(forgedPress(99_001, encodePress('help', 'menu')))).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});

describe('/paysupport by the operator’s contact', () => {
  describe.each([
    ['help@hoshi.example', undefined],
    ['https://hoshi.example/help', 'https://hoshi.example/help'],
    ['javascript:alert(1)', undefined],
  ])('%s', (supportContact, url) => {
    const stage = useStage({ supportContact });

    it('shows it, and links what a button can open', async () => {
      const person = await stage.person('en');
      const [answer] = await person.write('/paysupport');
      expect(answer?.text).toContain(`Write to: ${supportContact}`);
      const buttons = (answer?.inline_keyboard ?? []).flat();
      expect(buttons.find(({ text }) => text === 'Write to support')?.url).toBe(url);
    });
  });
});
