import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SimMessage } from './control.ts';
import { Bench, DAY, HANA, MONTH } from './test-bench.ts';

let dir: string;
let bench: Bench;
const said: string[] = [];

beforeEach(async () => {
  said.length = 0;
  dir = await mkdtemp(join(tmpdir(), 'hoshi-sandbox-'));
  bench = await Bench.start({ stateDir: dir, say: (line) => said.push(line) });
});
afterEach(async () => {
  await bench.close();
  await rm(dir, { recursive: true });
});

it('goes on after a restart: chats, Stars, subscriptions, clock, faults, documents and pending updates', async () => {
  bench.agree();
  await bench.setWebhook({ secret_token: 'abc' });
  await bench.pay(await bench.link({ subscription_period: MONTH }), HANA);
  await bench.bot.until('the payment', (bot) => bot.messages('successful_payment')[0]);
  const form = new FormData();
  form.set('chat_id', String(HANA));
  form.set('caption', '<b>Log</b>');
  form.set('parse_mode', 'HTML');
  form.set('document', new File(['content'], 'log.txt', { type: 'text/plain' }));
  const url = `${bench.sandbox.url}/bot7000000001:AAHoshiSandboxDevelopmentToken00000000/sendDocument`;
  const sent = (await (await fetch(url, { method: 'POST', body: form })).json()) as {
    result: { document: { file_id: string } };
  };
  await bench.advance(5 * DAY);
  await bench.sim('PUT', '/faults', { invoice_closed: 'missing' });
  await bench.bot.close();
  await bench.say(HANA, 'while the bot is down');
  const before = await bench.state();

  await bench.restart();
  const after = await bench.state();
  expect(after).toMatchObject({
    clockOffsetMs: before.clockOffsetMs,
    users: before.users,
    faults: { invoice_closed: 'missing' },
  });
  expect(after.webhook).toMatchObject({ url: before.webhook.url, pending_update_count: 1 });
  const messages = await bench.sim<SimMessage[]>('GET', `/chats/${HANA}/messages`);
  expect(messages.map(({ text }) => text)).toContain('while the bot is down');
  const document = messages.find((message) => message.document !== undefined)?.document;
  expect(document).toMatchObject({ file_name: 'log.txt', mime_type: 'text/plain', file_size: 7, caption: 'Log' });
  expect(await (await fetch(`${bench.sandbox.url}${document?.url}`)).text()).toBe('content');
  const { result: file } = await bench.api('getFile', { file_id: sent.result.document.file_id });
  const download = await fetch(
    `${bench.sandbox.url}/file/bot7000000001:AAHoshiSandboxDevelopmentToken00000000/${file.file_path}`,
  );
  expect(await download.text()).toBe('content');
  expect((await bench.api('getMyStarBalance')).result.amount).toBe(150);
  await bench.api('deleteWebhook');
  expect((await bench.api('getUpdates')).result).toMatchObject([{ message: { text: 'while the bot is down' } }]);
  await bench.advance(30 * DAY);
  expect(await bench.subscriptions(HANA)).toMatchObject([{ state: 'active' }]);
  expect((await bench.api('getStarTransactions')).result.transactions).toHaveLength(2);
});

it('drops only a write that was cut off', async () => {
  await bench.say(HANA, 'kept');
  await bench.sandbox.close();
  await appendFile(join(dir, 'state.jsonl'), '[["users","1",{"id":1,');
  await bench.restart();
  expect(said).toContainEqual(expect.stringContaining('cut off'));
  expect(await bench.sim<SimMessage[]>('GET', `/chats/${HANA}/messages`)).toMatchObject([{ text: 'kept' }]);
});

it('moves a file it cannot read aside and starts afresh', async () => {
  await bench.sandbox.close();
  await writeFile(join(dir, 'state.jsonl'), 'rubbish\nmore\n');
  await bench.restart();
  expect(said).toContainEqual(expect.stringContaining('moved to'));
  expect((await bench.state()).users).toHaveLength(4);
  expect(await readdir(dir)).toContainEqual(expect.stringMatching(/^state\.jsonl\.corrupt-\d+$/));
});

it('resets to the first day but keeps webhook, commands and menu', async () => {
  await bench.setWebhook();
  await bench.api('setMyCommands', { commands: [{ command: 'buy', description: 'Buy' }] });
  await bench.api('setMyCommands', { commands: [{ command: 'buy', description: '購入' }], language_code: 'ja' });
  await bench.say(HANA, 'hello');
  await bench.advance(DAY);
  await bench.sim('PATCH', `/users/${HANA}`, { balance: 1 });
  const state = await bench.sim<Awaited<ReturnType<Bench['state']>>>('POST', '/reset');
  expect(state).toMatchObject({
    clockOffsetMs: 0,
    webhook: { url: bench.bot.url },
    bot: { commands: [{ command: 'buy' }] },
  });
  expect(state.bot.commands_by_language).toEqual({ ja: [{ command: 'buy', description: '購入' }] });
  expect(state.users.find(({ id }) => id === HANA)).toMatchObject({ balance: 2_500 });
  expect(await bench.sim('GET', `/chats/${HANA}/messages`)).toEqual([]);
});
