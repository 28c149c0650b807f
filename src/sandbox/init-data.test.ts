import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hmacHash } from './telegram/init-data.ts';
import { Bench, HANA } from './test-bench.ts';

const TOKEN = '7000000001:AAHoshiSandboxDevelopmentToken00000000';
const PUBLIC_KEY = '08372699fec5dd71e2fbd66bf5cbcf390145ad23f4a369c5632987c730f7b646';
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.api('setChatMenuButton', {
    menu_button: { type: 'web_app', text: 'Open', web_app: { url: 'http://localhost:3000/?a=1' } },
  });
});
afterAll(() => bench.close());

type Launch = { url: string; init_data: string };
const launch = (body: object = {}): Promise<Launch> => bench.sim('POST', '/webapp/launch', { user_id: HANA, ...body });

function isSignedByTelegram(initData: string): boolean {
  const fields = [...new URLSearchParams(initData)].filter(([name]) => name !== 'hash' && name !== 'signature');
  const text = `7000000001:WebAppData\n${fields
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('\n')}`;
  const x = Buffer.from(PUBLIC_KEY, 'hex').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(
    null,
    Buffer.from(text),
    key,
    Buffer.from(new URLSearchParams(initData).get('signature') ?? '', 'base64url'),
  );
}

describe('initData', () => {
  it('is hashed as in the vector of docs.telegram-mini-apps.com/platform/init-data', () => {
    const hash = hmacHash('5768337691:AAGDAe6rjxu1cUgxK4BizYi--Utc3J9v5AU', [
      [
        'user',
        '{"id":279058397,"first_name":"Vladislav","last_name":"Kibenko","username":"vdkfrost","language_code":"en","is_premium":true,"allows_write_to_pm":true}',
      ],
      ['chat_instance', '-3788475317572404878'],
      ['chat_type', 'private'],
      ['auth_date', '1709144340'],
    ]);
    expect(hash).toBe('371697738012ebd26a111ace4aff23ee265596cd64026c8c3677956a85ca1827');
  });

  it('carries a hash over everything and a signature by the published key', async () => {
    const { init_data: initData } = await launch();
    const fields = [...new URLSearchParams(initData)];
    const hash = fields.find(([name]) => name === 'hash')?.[1];
    expect(hash).toBe(
      hmacHash(
        TOKEN,
        fields.filter(([name]) => name !== 'hash'),
      ),
    );
    expect(isSignedByTelegram(initData)).toBe(true);
    expect(isSignedByTelegram(initData.replace('Hana', 'Hanb'))).toBe(false);
    expect((await bench.state()).bot.init_data_public_key).toBe(PUBLIC_KEY);
    expect(initData).not.toContain('+');
  });

  it('follows the clock, and lies when told to', async () => {
    await bench.advance(1_000);
    const authDate = async (body?: object): Promise<number> =>
      Number(new URLSearchParams((await launch(body)).init_data).get('auth_date'));
    const now = (await bench.state()).nowMs / 1000;
    expect(Math.abs((await authDate()) - now)).toBeLessThan(5);
    expect(Math.abs((await authDate({ auth_age_seconds: 500 })) - now + 500)).toBeLessThan(5);
    await bench.sim('PUT', '/faults', { stale_init_data_seconds: 7_200, client_version: '6.0' });
    expect(Math.abs((await authDate()) - now + 7_200)).toBeLessThan(5);
    expect((await launch()).url).toContain('&tgWebAppVersion=6.0&');
    await bench.sim('PUT', '/faults', {});
  });
});

describe('the launch URL', () => {
  it('is the menu button with the parameters in its fragment', async () => {
    const { url, init_data: initData } = await launch({ theme: 'dark' });
    expect(url).toMatch(/^http:\/\/localhost:3000\/\?a=1#tgWebAppData=/);
    const parameters = new URLSearchParams(new URL(url).hash.slice(1));
    expect(parameters.get('tgWebAppData')).toBe(initData);
    expect(parameters.get('tgWebAppVersion')).toBe('9.1');
    expect(parameters.get('tgWebAppPlatform')).toBe('weba');
    expect(JSON.parse(parameters.get('tgWebAppThemeParams') ?? '')).toMatchObject({ bg_color: '#212121' });
  });

  it('of a direct link has its start parameter and no query id', async () => {
    const { url, init_data: initData } = await launch({
      start_param: 'plan-pro',
      url: 'http://localhost:3000/x#/path',
    });
    expect(url).toMatch(/^http:\/\/localhost:3000\/x\?tgWebAppStartParam=plan-pro#\/path\?tgWebAppData=/);
    const fields = new URLSearchParams(initData);
    expect(fields.get('start_param')).toBe('plan-pro');
    expect(fields.has('query_id')).toBe(false);
    expect(fields.has('chat_instance')).toBe(true);
  });
});
