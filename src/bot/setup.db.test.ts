import { describe, expect, it } from 'vitest';
import { makeApi } from './bot.ts';
import {
  ALLOWED_UPDATES,
  COMMANDS,
  checkBot,
  commandsIn,
  markedWebhookUrl,
  type Registration,
  registerBot,
} from './setup.ts';
import { useStage } from './testing/stage.ts';

type Traffic = Array<{ name: string; request: Record<string, unknown> }>;
const SECRET = 'hoshi-sandbox-webhook-secret';

describe('registering the bot', () => {
  const stage = useStage();
  const registration = (changes: Partial<Registration> = {}): Registration => ({
    api: stage.bot.api,
    publicUrl: stage.publicUrl,
    webhookSecret: SECRET,
    log: stage.ctx.log,
    ...changes,
  });
  const setWebhooks = async () =>
    (await stage.sandbox.sim<Traffic>('GET', '/traffic?limit=500')).filter(
      ({ name }) => name.toLowerCase() === 'setwebhook',
    ).length;

  it('told Telegram where it lives and what it wants to hear', async () => {
    const info = await stage.bot.api.getWebhookInfo();
    expect(info.url).toBe(markedWebhookUrl(registration()));
    expect(info.url).not.toContain(SECRET);
    expect([...(info.allowed_updates ?? [])].sort()).toEqual([...ALLOWED_UPDATES].sort());
    const state = await stage.sandbox.sim<{
      bot: { commands: Array<{ command: string }>; menu_button?: { url: string } };
    }>('GET', '/state');
    expect(state.bot.commands.map(({ command }) => command)).toEqual([...COMMANDS]);
    expect(state.bot.menu_button?.url).toBe(`${stage.publicUrl}/?lang=en`);
  });

  it('changes nothing the second time, and the webhook when the secret or the address changed', async () => {
    const before = await setWebhooks();
    expect(await registerBot(registration())).toEqual({ isWebhookChanged: false });
    expect(await setWebhooks()).toBe(before);
    // Two changes within a second: Telegram answers 429, and it is tried again after the time it asks for.
    expect(await registerBot(registration({ webhookSecret: 'another-secret' }))).toEqual({ isWebhookChanged: true });
    expect(await registerBot(registration())).toEqual({ isWebhookChanged: true });
    expect((await stage.bot.api.getWebhookInfo()).url).toBe(markedWebhookUrl(registration()));
  });

  it('repairs a list of updates without the money', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await stage.bot.api.setWebhook(markedWebhookUrl(registration()), {
      secret_token: SECRET,
      allowed_updates: ['message'],
    });
    expect(await registerBot(registration())).toEqual({ isWebhookChanged: true });
    expect((await stage.bot.api.getWebhookInfo()).allowed_updates).toContain('pre_checkout_query');
  });

  it('waits as long as it is told, and gives up on a webhook that cannot be set', async () => {
    const waited: number[] = [];
    const sleep = async (ms: number) => void waited.push(ms);
    await stage.sandbox.sim('PUT', '/faults', {
      api: { method: 'getWebhookInfo', kind: 'flood', retry_after: 3, remaining: 1 },
    });
    await registerBot(registration({ sleep }));
    expect(waited).toEqual([3000]);
    await stage.sandbox.sim('PUT', '/faults', {
      api: { method: 'getWebhookInfo', kind: 'server_error', remaining: 9 },
    });
    await expect(registerBot(registration({ sleep }))).rejects.toMatchObject({ error_code: 500 });
    expect(waited).toEqual([3000, 1000, 2000, 4000]);
    await stage.sandbox.sim('PUT', '/faults', {});
  });

  it('goes on when only the commands cannot be set', async () => {
    await stage.sandbox.sim('PUT', '/faults', {
      api: { method: 'setMyCommands', kind: 'server_error', remaining: 99 },
    });
    await expect(registerBot(registration({ sleep: async () => undefined }))).resolves.toEqual({
      isWebhookChanged: false,
    });
    await stage.sandbox.sim('PUT', '/faults', {});
  });

  it('describes every command in both languages', () => {
    for (const language of ['ja', 'en'] as const)
      for (const { command, description } of commandsIn(language)) {
        expect(command).toMatch(/^[a-z0-9_]{1,32}$/);
        expect(description).not.toBe('');
      }
  });
});

describe('the self-check', () => {
  const stage = useStage();
  const check = (changes: Partial<Parameters<typeof checkBot>[0]> = {}) =>
    checkBot({
      api: stage.bot.api,
      publicUrl: stage.publicUrl,
      webhookSecret: SECRET,
      botUsername: 'hoshi_sandbox_bot',
      supportContact: '@hoshi_help',
      now: new Date(),
      ...changes,
    });
  const codes = async (changes: Parameters<typeof check>[0] = {}) => (await check(changes)).map(({ code }) => code);

  it('finds nothing wrong after registering', async () => {
    const findings = await check();
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('finds a webhook elsewhere, another secret, another name and a missing contact', async () => {
    expect(await codes({ publicUrl: 'https://elsewhere.example' })).toContain('webhook_elsewhere');
    expect(await codes({ webhookSecret: 'another-secret' })).toContain('secret_differs');
    expect(await codes({ botUsername: 'another_bot' })).toContain('username_differs');
    expect(await codes({ supportContact: null })).toContain('no_support_contact');
  });

  it('finds a list of updates without the money, and no webhook at all', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const { url } = await stage.bot.api.getWebhookInfo();
    await stage.bot.api.setWebhook(url ?? '', { secret_token: SECRET, allowed_updates: ['message'] });
    const [finding] = (await check()).filter(({ code }) => code === 'updates_missing');
    expect(finding?.text).toContain('pre_checkout_query');
    expect(finding?.text).toContain('Every purchase fails');
    await stage.bot.api.deleteWebhook();
    expect(await codes()).toContain('webhook_missing');
  });

  it('tells a wrong token from a Telegram that does not answer', async () => {
    expect(await codes({ api: makeApi({ token: '1:wrong', apiRoot: stage.sandbox.url }) })).toEqual(['token_refused']);
    expect(await codes({ api: makeApi({ token: '1:wrong', apiRoot: 'http://127.0.0.1:9' }) })).toEqual([
      'telegram_unreachable',
    ]);
  });
});
