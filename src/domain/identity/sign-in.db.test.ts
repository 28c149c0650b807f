import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Ctx } from '#domain/context/context.ts';
import { BOT_TOKEN, openWorld } from '../../testing/world.ts';
import { telegramIdOf } from './account.ts';
import { authenticateApiKey, listApiKeys, registerApiKey, revokeApiKey } from './api-key.ts';
import { changeSettings } from './change-settings.ts';
import { ensureUser } from './ensure-user.ts';
import { findUserByTelegramId, getUser } from './find-user.ts';
import { authenticate, issueSession, SESSION_HOURS } from './session.ts';
import { readInitData, signIn } from './sign-in.ts';

const world = openWorld({ policy: { adminTelegramIds: [990n] } });

type Fields = Array<[string, string]>;
const checkString = (fields: Fields) =>
  [...fields]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join('\n');
const query = (fields: Fields) => fields.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
/** Signs as Telegram does for a bot: its token is all it takes. */
function signed(fields: Fields, token = BOT_TOKEN): string {
  const secret = createHmac('sha256', 'WebAppData').update(token).digest();
  const hash = createHmac('sha256', secret).update(checkString(fields)).digest('hex');
  return query([...fields, ['hash', hash]]);
}
const seconds = (shift = 0) => String(Math.floor(world.clock.now().getTime() / 1000) + shift);
const fields = (shift = 0, user: object = { id: 501, first_name: 'Mina', language_code: 'ja' }): Fields => [
  ['query_id', 'AAHdF6IQAAAAAN0XohDhrOrc'],
  ['user', JSON.stringify(user)],
  ['auth_date', seconds(shift)],
];
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: { reason?: string }) => error.reason,
  );

describe('published vectors', () => {
  // Telegram Mini Apps documentation, "Init Data": made by Telegram's own servers, so our signer cannot hide our mistake.
  const HMAC = {
    token: '5768337691:AAH5YkoiEuPk8-FZa32hStHTqXiLPtAEhx8',
    at: 1_662_771_648,
    initData:
      'query_id=AAHdF6IQAAAAAN0XohDhrOrc&user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%22%2C%22last_name%22%3A%22Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22%3A%22ru%22%2C%22is_premium%22%3Atrue%7D&auth_date=1662771648&hash=c501b71e775f74ce10e377dea85a7ea24ecd640b223ea86dfe453e0eaed2e2b2',
  };
  const ED25519 = {
    token: '7342037359:AAHI25ES9xCOMPokpYoz-p8XVrZUdygo2J4',
    at: 1_733_509_682,
    initData:
      'user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%20%2B%20-%20%3F%20%5C%2F%22%2C%22last_name%22%3A%22Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22%3A%22ru%22%2C%22is_premium%22%3Atrue%2C%22allows_write_to_pm%22%3Atrue%2C%22photo_url%22%3A%22https%3A%5C%2F%5C%2Ft.me%5C%2Fi%5C%2Fuserpic%5C%2F320%5C%2F4FPEE4tmP3ATHa57u6MqTDih13LTOiMoKoLDRG4PnSA.svg%22%7D&chat_instance=8134722200314281151&chat_type=private&auth_date=1733509682&signature=TYJxVcisqbWjtodPepiJ6ghziUL94-KNpG8Pau-X7oNNLNBM72APCpi_RKiUlBvcqo5L-LAxIc3dnTzcZX_PDg&hash=a433d8f9847bd6addcc563bff7cc82c89e97ea0d90c11fe5729cae6796a36d73',
  };
  const PRODUCTION_KEY = 'e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d';
  const TEST_KEY = '40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec';
  const forVector = (vector: { token: string; at: number }, key = PRODUCTION_KEY): Ctx => ({
    ...world.door,
    clock: { now: () => new Date(vector.at * 1000 + 5_000), stop: () => undefined },
    telegram: { botToken: vector.token, botId: Number(vector.token.split(':')[0]), initDataPublicKey: key },
  });

  it('HMAC', async () => {
    const { userId } = await signIn(forVector(HMAC), HMAC.initData);
    expect(await telegramIdOf(world.system, userId)).toBe(279_058_397n);
    expect(await getUser(world.door, userId)).toMatchObject({ language: 'en' });
  });

  it('HMAC and Ed25519, with escaped JSON', async () => {
    const { userId } = await signIn(forVector(ED25519), ED25519.initData);
    expect(await telegramIdOf(world.system, userId)).toBe(279_058_397n);
    expect(await getUser(world.door, userId)).toMatchObject({ isReachable: true });
  });

  it('refuses the Ed25519 signature under another key or for another bot, though the HMAC is right', async () => {
    expect(await refusal(signIn(forVector(ED25519, TEST_KEY), ED25519.initData))).toBe('init_data_forged');
    const ctx = forVector(ED25519);
    const other = { ...ctx, telegram: { ...ctx.telegram, botId: 1 } };
    expect(await refusal(signIn(other, ED25519.initData))).toBe('init_data_forged');
  });

  it('refuses each vector when a single character of any value is changed', async () => {
    for (const vector of [HMAC, ED25519]) {
      const ctx = forVector(vector);
      for (const [from, to] of [
        ['279058397', '279058398'],
        ['Vladislav', 'Vladislaw'],
        ['hash=', 'hash=0'],
        [String(vector.at), String(vector.at + 1)],
      ] as const) {
        const reason = await refusal(signIn(ctx, vector.initData.replace(from, to)));
        expect(['init_data_forged', 'init_data_malformed']).toContain(reason);
      }
    }
  });
});

describe('signIn', () => {
  it('starts a session for whoever Telegram says it is', async () => {
    const started = await signIn(world.door, signed(fields()));
    const actor = await authenticate(world.door, started.token);
    expect(actor).toEqual({ kind: 'user', userId: started.userId, role: 'user' });
    expect(await findUserByTelegramId(world.door, 501n)).toMatchObject({
      id: started.userId,
      language: 'ja',
      isReachable: false,
    });
    expect((await signIn(world.door, signed(fields()))).userId).toBe(started.userId);
  });

  it('takes launches of the sandbox, which signs with its own Ed25519 key', async () => {
    const { telegramId, id } = await world.newBuyer();
    expect((await signIn(world.door, await world.sandbox.launch(Number(telegramId)))).userId).toBe(id);
  });

  it('takes an empty signature, as some launchers leave it', async () => {
    expect(await refusal(signIn(world.door, signed([...fields(), ['signature', '']])))).toBe('accepted');
  });

  it.each([
    ['an hour ago', -3_600, 'accepted'],
    ['more than an hour ago', -3_601, 'init_data_expired'],
    ['a minute ahead', 60, 'accepted'],
    ['further ahead', 61, 'init_data_from_future'],
  ])('signed %s', async (_name, shift, outcome) => {
    expect(await refusal(signIn(world.door, signed(fields(shift))))).toBe(outcome);
  });

  it('refuses what another bot signed', async () => {
    expect(await refusal(signIn(world.door, signed(fields(), '1:another')))).toBe('init_data_forged');
  });

  it('refuses a signature of somebody else under a right hash', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const data = `${BOT_TOKEN.split(':')[0]}:WebAppData\n${checkString(fields())}`;
    const signature = sign(null, Buffer.from(data), privateKey).toString('base64url');
    expect(await refusal(signIn(world.door, signed([...fields(), ['signature', signature]])))).toBe('init_data_forged');
    expect(await refusal(signIn(world.door, signed([...fields(), ['signature', 'short']])))).toBe('init_data_forged');
    expect(
      createPublicKey(createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }))).asymmetricKeyType,
    ).toBe('ed25519');
  });

  it('refuses everything added, left out or exchanged after signing', async () => {
    const whole = signed(fields());
    for (const forged of [
      `${whole}&start_param=x`,
      whole.replace(/query_id=[^&]*&/, ''),
      whole.replace('Mina', 'Nima'),
      whole.replace(/hash=./, 'hash=0').replace(/hash=0(.{63})$/, `hash=${'0'.repeat(64)}`),
    ])
      expect(await refusal(signIn(world.door, forged))).toMatch(/forged|malformed/);
  });
});

describe('readInitData', () => {
  const reason = (initData: string) => {
    try {
      readInitData(initData);
      return null;
    } catch (error) {
      return (error as { reason: string }).reason;
    }
  };
  const hash = `hash=${'0'.repeat(64)}`;
  const user = `user=${encodeURIComponent('{"id":1}')}`;

  it.each([
    ['nothing', ''],
    ['more than 4 kB', `${user}&auth_date=1&${hash}&x=${'y'.repeat(4_096)}`],
    ['no hash', `${user}&auth_date=1`],
    ['a short hash', `${user}&auth_date=1&hash=00`],
    ['a hash that is no hex', `${user}&auth_date=1&hash=${'z'.repeat(64)}`],
    ['no time', `${user}&${hash}`],
    ['a time that is none', `${user}&auth_date=1e3&${hash}`],
    ['a negative time', `${user}&auth_date=-1&${hash}`],
    ['no user', `auth_date=1&${hash}`],
    ['a user that is no JSON', `user=x&auth_date=1&${hash}`],
    ['a user without an id', `user={}&auth_date=1&${hash}`],
    ['a bot', `user=${encodeURIComponent('{"id":1,"is_bot":true}')}&auth_date=1&${hash}`],
    ['two users', `${user}&${user}&auth_date=1&${hash}`],
    ['two hashes', `${user}&auth_date=1&${hash}&${hash}`],
    ['two times', `${user}&auth_date=1&auth_date=2&${hash}`],
    ['the same key, once escaped', `${user}&%75ser=x&auth_date=1&${hash}`],
  ])('refuses %s', (_name, initData) => {
    expect(reason(initData)).toBe('init_data_malformed');
  });

  it('takes a whole one', () => {
    expect(readInitData(`${user}&auth_date=1&${hash}&signature=abc`)).toMatchObject({
      authDate: 1,
      signature: 'abc',
      user: { id: 1 },
    });
  });
});

describe('sessions', () => {
  it('end after twelve hours by our clock', async () => {
    const buyer = await world.newBuyer();
    const { token } = await issueSession(world.door, buyer);
    const at = (ms: number): Ctx => ({
      ...world.door,
      clock: { now: () => new Date(world.clock.now().getTime() + ms), stop: () => undefined },
    });
    expect(await refusal(authenticate(at(SESSION_HOURS * 3_600_000 - 1_000), token))).toBe('accepted');
    expect(await refusal(authenticate(at(SESSION_HOURS * 3_600_000 + 1_000), token))).toBe('session_expired');
  });

  it('are refused when they are not ours', async () => {
    const buyer = await world.newBuyer();
    const { token } = await issueSession(
      { ...world.door, sessionSecret: 'another-secret-another-secret-12345' },
      buyer,
    );
    const [header, payload] = (await issueSession(world.door, buyer)).token.split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    const stranger = await issueSession(world.door, { id: 'someone', role: 'user' });
    const nul = await issueSession(world.door, { id: 'usr_\0', role: 'user' });
    const endless = await new SignJWT({ role: 'admin' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('hoshi')
      .setAudience('hoshi')
      .setSubject(buyer.id)
      .sign(new TextEncoder().encode(world.door.sessionSecret));
    for (const forged of [token, 'x', '', `${header}.${payload}.`, none, stranger.token, nul.token, endless])
      expect(await refusal(authenticate(world.door, forged))).toBe('session_missing');
  });
});

describe('api keys', () => {
  const secret = 'hoshi_test_0123456789abcdef';
  it('speak for their scopes, known and still given, until revoked', async () => {
    await registerApiKey(world.door, { name: 'shop', secret, scopes: ['payments:read'] });
    await registerApiKey(world.door, { name: 'shop', secret, scopes: ['payments:read', 'refunds:write'] });
    const actor = await authenticateApiKey(world.door, secret);
    expect(actor.scopes).toEqual(['payments:read', 'refunds:write']);
    await world.sql(`UPDATE api_key SET scopes = '{payments:read,unknown:scope}' WHERE id = $1`, [actor.keyId]);
    expect((await authenticateApiKey(world.door, secret)).scopes).toEqual(['payments:read']);
    expect((await listApiKeys(world.door)).map(({ id }) => id)).toEqual([actor.keyId]);
    expect(await revokeApiKey(world.door, actor.keyId)).toBe(true);
    expect(await revokeApiKey(world.door, actor.keyId)).toBe(false);
    expect(await listApiKeys(world.door)).toEqual([]);
    expect(await refusal(authenticateApiKey(world.door, secret))).toBe('api_key_unknown');
    expect(await world.sql('SELECT count(*)::int AS keys FROM api_key')).toEqual([{ keys: 1 }]);
  });

  it.each(['', 'short', 'x'.repeat(201), 'hoshi_unknown_0123456789abcdef'])('refuses %j', async (key) => {
    expect(await refusal(authenticateApiKey(world.door, key))).toBe('api_key_unknown');
  });
});

describe('people', () => {
  it('are one, however many first messages come at once', async () => {
    const seen = await Promise.all(
      Array.from({ length: 20 }, () => ensureUser(world.door, { telegramId: 777n, languageCode: 'ja' })),
    );
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
  });

  it('are admins when the operator says so', async () => {
    expect((await ensureUser(world.door, { telegramId: 990n, languageCode: null })).role).toBe('admin');
  });

  it('become admins on the next contact once they are listed, and stay what they are when they are not', async () => {
    const person = { telegramId: 991n, languageCode: 'ja' };
    const before = await ensureUser(world.door, person);
    expect(before.role).toBe('user');
    const listing: Ctx = { ...world.door, policy: { ...world.door.policy, adminTelegramIds: [991n] } };
    const { userId } = await signIn(listing, signed(fields(0, { id: 991, first_name: 'Mina' })));
    expect(userId).toBe(before.id);
    expect(await getUser(world.door, userId)).toEqual({ ...before, role: 'admin' });
    const { token } = await issueSession(listing, await ensureUser(listing, person));
    expect(await authenticate(listing, token)).toMatchObject({ role: 'admin' });
    // No longer listed: the role is taken away by hand.
    expect((await ensureUser(world.door, { ...person, isReachable: true })).role).toBe('admin');

    const developer = await ensureUser(world.door, { telegramId: 992n, languageCode: null });
    await world.sql("UPDATE users SET role = 'developer' WHERE id = $1", [developer.id]);
    expect((await ensureUser(listing, { telegramId: 992n, languageCode: null })).role).toBe('developer');
  });

  it('can be written to once they allowed it, and not after they blocked us', async () => {
    const person = { telegramId: 778n, languageCode: null };
    expect((await ensureUser(world.door, { ...person, isReachable: true })).isReachable).toBe(true);
    expect((await ensureUser(world.door, person)).isReachable).toBe(true);
    expect((await ensureUser(world.door, { ...person, isReachable: false })).isReachable).toBe(false);
  });

  it('are spoken to in Telegram’s language, also when an order came first, until they choose one', async () => {
    const telegramId = 779n;
    expect((await ensureUser(world.door, { telegramId, languageCode: null })).language).toBe('en');
    const { id, language } = await ensureUser(world.door, { telegramId, languageCode: 'ja' });
    expect(language).toBe('ja');
    expect((await ensureUser(world.door, { telegramId, languageCode: null })).language).toBe('ja');
    await changeSettings(world.system, { userId: id, language: 'en' });
    expect((await ensureUser(world.door, { telegramId, languageCode: 'ja' })).language).toBe('en');
  });

  it('change their own settings and nobody else’s', async () => {
    const buyer = await world.newBuyer();
    const changed = await changeSettings(buyer.ctx, {
      userId: buyer.id,
      language: 'ja',
      wantsReminders: false,
      wantsSalesNotices: false,
      isReachable: true,
    });
    expect(changed).toMatchObject({
      language: 'ja',
      hasChosenLanguage: true,
      wantsReminders: false,
      wantsSalesNotices: false,
      isReachable: true,
    });
    expect(await changeSettings(buyer.ctx, { userId: buyer.id })).toEqual(changed);
    const other = await world.newBuyer();
    expect(await refusal(changeSettings(other.ctx, { userId: buyer.id, language: 'en' }))).toBe('not_yours');
    expect(await refusal(changeSettings(world.system, { userId: 'usr_none' }))).toBe('user_not_found');
  });
});
