import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, Bench, DAY, HANA, TestBot, type Update } from './test-bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.close());

const textOf = (update: Update): string | undefined => update['message']?.text;
const texts = (): (string | undefined)[] => bench.bot.of('message').map(textOf);

describe('a webhook', () => {
  it('gets the secret, JSON, and what was pending before it was set', async () => {
    await bench.say(HANA, 'before');
    const set = await bench.api('setWebhook', { url: bench.bot.url, secret_token: 'sec-ret_1' });
    expect(set).toMatchObject({ ok: true, result: true, description: 'Webhook was set' });
    await bench.bot.until('the message', () => texts().includes('before'));
    const [first] = bench.bot.deliveries;
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-telegram-bot-api-secret-token': 'sec-ret_1',
      'accept-encoding': 'gzip, deflate',
      connection: 'keep-alive',
    });
    expect((await bench.api('getWebhookInfo')).result).toMatchObject({
      url: bench.bot.url,
      pending_update_count: 0,
      max_connections: 40,
    });
    expect(await bench.api('setWebhook', { url: bench.bot.url })).toMatchObject({
      status: 429,
      parameters: { retry_after: 1 },
    });
    expect((await bench.api('getUpdates')).description).toBe(
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
    expect((await bench.api('deleteWebhook')).description).toBe('Webhook was deleted');
    expect((await bench.api('deleteWebhook')).description).toBe('Webhook is already deleted');
  });

  it('gets a failed update again until it takes it, later ones of the chat waiting, other chats not', async () => {
    let failures = 4;
    bench.bot.answer = (update) => (textOf(update) === 'one' && failures-- > 0 ? { status: 500 } : {});
    await bench.setWebhook();
    await bench.say(HANA, 'one');
    await bench.say(HANA, 'two');
    await bench.say(ALEX, 'other');
    await bench.bot.until('everything', () => texts().includes('two') && texts().includes('other'));
    const ofHana = bench.bot
      .of('message')
      .filter((update) => update['message'].chat.id === HANA)
      .map(textOf);
    expect(ofHana).toEqual(['one', 'one', 'one', 'one', 'one', 'two']);
    const { result } = await bench.api('getWebhookInfo');
    expect(result).toMatchObject({ last_error_message: 'Wrong response from the webhook: 500 Internal Server Error' });
    const [first, second, third, fourth] = bench.bot.deliveries
      .filter(({ update }) => textOf(update) === 'one')
      .map(({ atMs }) => atMs);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(2_000 * 0.005 - 2);
    expect((fourth ?? 0) - (third ?? 0)).toBeGreaterThanOrEqual(4_000 * 0.005 - 2);
    expect((second ?? 0) - (first ?? 0)).toBeLessThan((fourth ?? 0) - (first ?? 0));
  });

  it('is heard when it asks for time, and the clock shortens the wait', async () => {
    bench.options.retryScale = 1;
    await bench.restart();
    bench.bot.answer = (_update, count) => (count === 1 ? { status: 503, headers: { 'retry-after': '3600' } } : {});
    await bench.setWebhook();
    await bench.say(HANA, 'patience');
    await bench.bot.until('the first try', (bot) => bot.deliveries.length === 1);
    await bench.advance(3_601);
    await bench.bot.until('the second try', (bot) => bot.deliveries.length === 2);
  });

  it('is tried again when the clock goes back', async () => {
    bench.bot.answer = (_update, count) => (count <= 2 ? { status: 500 } : {});
    bench.options.retryScale = 1;
    await bench.restart();
    await bench.advance(30 * DAY);
    await bench.setWebhook();
    await bench.say(HANA, 'from the future');
    await bench.bot.until('two tries', (bot) => bot.deliveries.length === 2);
    await bench.sim('POST', '/clock/reset');
    await bench.bot.until('the third try', (bot) => bot.deliveries.length === 3);
  });

  it('loses what it did not take within a day', async () => {
    bench.bot.answer = () => ({ status: 500 });
    await bench.setWebhook();
    await bench.say(HANA, 'never');
    await bench.bot.until('a try', (bot) => bot.deliveries.length > 1);
    await bench.advance(DAY + 10);
    const traffic = await bench.sim<{ name: string }[]>('GET', '/traffic');
    expect(traffic.length).toBeGreaterThan(1);
    bench.bot.answer = () => ({});
    await bench.say(HANA, 'after');
    await bench.bot.until('the next message', () => texts().includes('after'));
    expect((await bench.api('getWebhookInfo')).result.pending_update_count).toBe(0);
  });

  it('that is down is found again without losing anything', async () => {
    const { url } = bench.bot;
    await bench.bot.close();
    await bench.api('setWebhook', { url });
    await bench.say(HANA, 'one');
    await bench.say(HANA, 'two');
    await bench.say(ALEX, 'other');
    expect((await bench.api('getWebhookInfo')).result).toMatchObject({ pending_update_count: 3 });
    bench.bot = await TestBot.start(Number(new URL(url).port));
    await bench.bot.until('all three', (bot) => bot.deliveries.length === 3);
    expect(texts().filter((text) => text !== 'other')).toEqual(['one', 'two']);
    expect((await bench.api('getWebhookInfo')).result.last_error_message).toBe('Connection refused');
  });

  it('may call a method in its answer, except some', async () => {
    bench.bot.answer = (update) =>
      textOf(update) === 'hello'
        ? { body: { method: 'sendMessage', chat_id: HANA, text: 'hi' } }
        : { body: { method: 'deleteWebhook' } };
    await bench.setWebhook();
    await bench.say(HANA, 'hello');
    await bench.say(HANA, 'go away');
    await bench.bot.until('both', (bot) => bot.deliveries.length === 2);
    const messages = await bench.sim<{ text?: string }[]>('GET', `/chats/${HANA}/messages`);
    expect(messages.map(({ text }) => text)).toContain('hi');
    expect((await bench.api('getWebhookInfo')).result.url).toBe(bench.bot.url);
  });

  it('gets only the updates it asked for; an omitted list keeps the last one', async () => {
    await bench.api('getUpdates', { allowed_updates: ['message', 'no_such_type'] });
    await bench.setWebhook();
    await bench.say(HANA, 'one');
    await bench.sim('PATCH', `/users/${HANA}`, { has_blocked_bot: true });
    await bench.sim('PATCH', `/users/${HANA}`, { has_blocked_bot: false });
    await bench.say(HANA, 'two');
    await bench.bot.until('the second message', () => texts().includes('two'));
    expect(bench.bot.of('my_chat_member')).toEqual([]);
    expect((await bench.api('getWebhookInfo')).result.allowed_updates).toEqual(['message']);
  });
});

describe('accidents', () => {
  beforeEach(() => bench.setWebhook());
  const fault = (kind: string, more: object = {}): Promise<unknown> =>
    bench.sim('PUT', '/faults', { updates: { kind, type: 'message', remaining: 1, ...more } });

  it('drop', async () => {
    await fault('drop');
    await bench.say(HANA, 'lost');
    await bench.say(HANA, 'seen');
    await bench.bot.until('the second', () => texts().includes('seen'));
    expect(texts()).toEqual(['seen']);
    expect(await bench.sim<{ status: unknown }[]>('GET', '/traffic')).toContainEqual(
      expect.objectContaining({ status: 'dropped' }),
    );
  });

  it('drop of one kind of message', async () => {
    bench.agree();
    await bench.sim('PUT', '/faults', { updates: { kind: 'drop', type: 'successful_payment', remaining: 1 } });
    await bench.say(HANA, 'seen');
    expect(await bench.pay(await bench.link(), HANA)).toMatchObject({ status: 'paid' });
    await bench.pay(await bench.link({ payload: 'order-2' }), HANA);
    const paid = await bench.bot.until('the second', (bot) => bot.messages('successful_payment')[0]);
    expect(paid['message'].successful_payment.invoice_payload).toBe('order-2');
    expect(texts()).toContain('seen');
  });

  it('duplicate', async () => {
    await fault('duplicate');
    await bench.say(HANA, 'twice');
    await bench.bot.until('both', (bot) => bot.deliveries.length === 2);
    const [first, second] = bench.bot.of('message');
    expect(first).toEqual(second);
  });

  it('delay', async () => {
    await fault('delay', { delay_ms: 60 });
    await bench.say(HANA, 'late');
    const before = performance.now();
    await bench.bot.until('it', () => texts().includes('late'));
    expect((bench.bot.deliveries[0]?.atMs ?? 0) - before).toBeGreaterThan(20);
  });

  it('reorder', async () => {
    await fault('reorder');
    await bench.say(HANA, 'first');
    await bench.say(HANA, 'second');
    await bench.bot.until('both', (bot) => bot.deliveries.length === 2);
    expect(texts()).toEqual(['second', 'first']);
    await fault('reorder', { delay_ms: 20 });
    await bench.say(HANA, 'alone');
    await bench.bot.until('the lonely one', () => texts().includes('alone'));
  });
});

describe('long polling', () => {
  it('waits, confirms by offset, and gives way to another poller', async () => {
    const waiting = bench.api('getUpdates', { timeout: 5 });
    await bench.api('getMe');
    const other = bench.api('getUpdates', { timeout: 5 });
    expect((await waiting).description).toBe(
      'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
    );
    await bench.say(HANA, 'one');
    const [first] = (await other).result;
    expect(first.message.text).toBe('one');
    await bench.say(HANA, 'two');
    const { result } = await bench.api('getUpdates', { offset: first.update_id + 1 });
    expect(result.map(textOf)).toEqual(['two']);
  });
});
