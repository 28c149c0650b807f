import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EnvError, readEnv } from './env.ts';
import type { EnvProblem } from './env-group.ts';
import { SANDBOX_VALUES } from './env-modes.ts';

const LIVE = {
  TELEGRAM_BOT_TOKEN: '123456789:AAE-realLookingTokenRealLookingToken1',
  TELEGRAM_BOT_USERNAME: 'hoshi_bot',
  PUBLIC_URL: 'https://pay.example.com',
  TELEGRAM_WEBHOOK_SECRET: 'a-secret-of-sixteen-or-more',
  SESSION_SECRET: 's'.repeat(40),
  DATA_KEY: Buffer.alloc(32, 7).toString('base64'),
  SUBJECT_KEY: Buffer.alloc(32, 8).toString('base64'),
  SIGNING_KEY: Buffer.alloc(300, 9).toString('base64'),
};

function problemsOf(source: Record<string, string>): readonly EnvProblem[] {
  try {
    readEnv(source);
  } catch (error) {
    if (error instanceof EnvError) return error.problems;
    throw error;
  }
  return [];
}

const variablesOf = (source: Record<string, string>) => problemsOf(source).map((problem) => problem.variable);

describe('readEnv in sandbox mode', () => {
  it('needs nothing and uses the documented values', () => {
    const env = readEnv({});
    expect(env).toMatchObject({
      isSandbox: true,
      port: 3000,
      publicUrl: 'http://localhost:3000',
      databaseUrl: 'postgres://hoshi:hoshi@127.0.0.1:25329/hoshi',
      sandbox: { port: 8081, clockUrl: 'http://127.0.0.1:8081/sim/clock', apiKey: SANDBOX_VALUES.apiKey },
      telegram: {
        botToken: SANDBOX_VALUES.botToken,
        botId: 7000000001,
        apiRoot: 'http://127.0.0.1:8081',
        webOrigin: 'http://localhost:8081',
        previousWebhookSecret: null,
      },
    });
    expect(env.dataKey).toHaveLength(32);
  });

  it('moves the addresses along with the ports', () => {
    const env = readEnv({ PORT: '3100', SANDBOX_PORT: '8181', HOSHI_PG_PORT: '5555' });
    expect(env.publicUrl).toBe('http://localhost:3100');
    expect(env.telegram.apiRoot).toBe('http://127.0.0.1:8181');
    expect(env.databaseUrl).toContain(':5555/');
  });

  it('takes an empty value for unset', () => {
    expect(readEnv({ TELEGRAM_BOT_TOKEN: '', METRICS_TOKEN: '' }).isSandbox).toBe(true);
  });

  it('refuses a real token and the real API root', () => {
    expect(variablesOf({ HOSHI_SANDBOX: 'true', TELEGRAM_BOT_TOKEN: LIVE.TELEGRAM_BOT_TOKEN })).toEqual([
      'TELEGRAM_BOT_TOKEN',
    ]);
    expect(variablesOf({ TELEGRAM_API_ROOT: 'https://api.telegram.org' })).toEqual(['TELEGRAM_API_ROOT']);
  });

  it('gives an object that cannot be changed', () => {
    const env = readEnv({});
    expect(() => Object.assign(env, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(env.telegram, { botToken: '' })).toThrow(TypeError);
  });
});

describe('readEnv in live mode', () => {
  it('is on as soon as a token is set', () => {
    expect(readEnv(LIVE)).toMatchObject({
      isSandbox: false,
      sandbox: null,
      metricsToken: null,
      telegram: { apiRoot: 'https://api.telegram.org', webOrigin: 'https://web.telegram.org', botId: 123456789 },
    });
  });

  it('lists everything that is missing at once', () => {
    expect(variablesOf({ HOSHI_SANDBOX: 'false' })).toEqual(Object.keys(LIVE));
  });

  it.each([
    ['TELEGRAM_BOT_TOKEN', SANDBOX_VALUES.botToken],
    ['TELEGRAM_BOT_USERNAME', SANDBOX_VALUES.botUsername],
    ['TELEGRAM_WEBHOOK_SECRET', SANDBOX_VALUES.webhookSecret],
    ['TELEGRAM_INIT_DATA_PUBLIC_KEY', SANDBOX_VALUES.initDataPublicKey],
    ['SESSION_SECRET', SANDBOX_VALUES.sessionSecret],
    ['DATA_KEY', SANDBOX_VALUES.dataKey],
    ['SUBJECT_KEY', SANDBOX_VALUES.subjectKey],
    ['SIGNING_KEY', SANDBOX_VALUES.signingKey],
    ['METRICS_TOKEN', SANDBOX_VALUES.metricsToken],
    ['CLOCK_URL', 'http://127.0.0.1:8081/sim/clock'],
    ['PUBLIC_URL', 'http://pay.example.com'],
    ['TELEGRAM_API_ROOT', 'http://127.0.0.1:8081'],
    ['TELEGRAM_WEB_ORIGIN', 'http://localhost:8081'],
    ['TELEGRAM_WEBHOOK_SECRET', 'short'],
    ['TELEGRAM_WEBHOOK_SECRET', 'not allowed in a header!'],
    ['SESSION_SECRET', 'short'],
    ['DATA_KEY', 'bm90IDMyIGJ5dGVz'],
    ['DATA_KEY_PREVIOUS', 'bm90IDMyIGJ5dGVz'],
    ['SUBJECT_KEY', 'bm90IDMyIGJ5dGVz'],
    ['SIGNING_KEY', 'bm90IGEga2V5'],
    ['SIGNING_KEYS_PREVIOUS', 'bm90IGEga2V5'],
  ])('refuses %s=%s', (variable, value) => {
    expect(variablesOf({ ...LIVE, [variable]: value })).toEqual([variable]);
  });

  it('takes up to twenty earlier signing keys', () => {
    const keys = Array.from({ length: 20 }, (_, index) => Buffer.alloc(200, index).toString('base64'));
    expect(readEnv(LIVE).previousSigningKeys).toEqual([]);
    expect(readEnv({ ...LIVE, SIGNING_KEYS_PREVIOUS: ` ${keys.join(' , ')}` }).previousSigningKeys).toEqual(keys);
    for (const wrong of [[...keys, ...keys.slice(0, 1)], [...keys.slice(0, 2), ''], ['A'.repeat(8_001)]])
      expect(variablesOf({ ...LIVE, SIGNING_KEYS_PREVIOUS: wrong.join(',') })).toEqual(['SIGNING_KEYS_PREVIOUS']);
  });

  it('accepts a previous webhook secret only with an end', () => {
    const previous = { ...LIVE, TELEGRAM_WEBHOOK_SECRET_PREVIOUS: 'the-secret-before-this-one' };
    expect(variablesOf(previous)).toEqual(['TELEGRAM_WEBHOOK_SECRET_PREVIOUS_UNTIL']);
    const env = readEnv({ ...previous, TELEGRAM_WEBHOOK_SECRET_PREVIOUS_UNTIL: '2026-12-01T00:00:00Z' });
    expect(env.telegram.previousWebhookSecret).toEqual({
      secret: 'the-secret-before-this-one',
      until: new Date('2026-12-01T00:00:00Z'),
    });
    expect(variablesOf({ ...LIVE, TELEGRAM_WEBHOOK_SECRET_PREVIOUS_UNTIL: '2026-12-01T00:00:00Z' })).toEqual([
      'TELEGRAM_WEBHOOK_SECRET_PREVIOUS',
    ]);
  });
});

describe('readEnv on malformed values', () => {
  it.each([
    ['HOSHI_SANDBOX', 'perhaps'],
    ['DATABASE_URL', 'mysql://localhost/hoshi'],
    ['PORT', '70000'],
    ['PORT', '3e3'],
    ['PUBLIC_URL', 'https://pay.example.com/path'],
    ['PUBLIC_URL', 'pay.example.com'],
    ['SURFACE_POLICY', 'loose'],
    ['PLATFORM_FEE_BPS', '10001'],
    ['PLATFORM_FEE_BPS', '-1'],
    ['INVOICE_TTL_MINUTES', '0'],
    ['INVOICE_TTL_MINUTES', '61'],
    ['DATABASE_POOL_SIZE', '1'],
    ['ADMIN_TELEGRAM_IDS', '12, x'],
    ['LOG_LEVEL', 'loud'],
    ['METRICS_TOKEN', 'short'],
    ['TELEGRAM_WEBHOOK_SECRET_PREVIOUS_UNTIL', 'tomorrow'],
  ])('names %s=%s and says what to set', (variable, value) => {
    const problems = problemsOf({ [variable]: value });
    expect(problems.map((problem) => problem.variable)).toEqual([variable]);
    expect(problems[0]?.message).toMatch(/must/);
  });

  it('reports all of them, one line each, and where to set them', () => {
    const message = (() => {
      try {
        return readEnv({ PORT: 'x', LOG_LEVEL: 'x' }) && '';
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    })();
    expect(message.split('\n')).toHaveLength(4);
    expect(message).toContain('.env.example');
  });

  it('reads the list of administrators', () => {
    expect(readEnv({ ADMIN_TELEGRAM_IDS: ' 12, 34 ' }).adminTelegramIds).toEqual([12n, 34n]);
  });
});

describe('.env.example', () => {
  const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');

  it('documents every variable that is read', () => {
    const read = readFileSync(new URL('./env.ts', import.meta.url), 'utf8').match(/\b[A-Z]+(_[A-Z]+)+(?=:|'\])/g) ?? [];
    const documented = new Set(example.match(/^#[A-Z_]+(?==)/gm)?.map((name) => name.slice(1)));
    expect([...new Set(read)].filter((name) => !documented.has(name) && name !== 'HOSHI_DEV')).toEqual([]);
  });

  it('shows the sandbox values as they are', () => {
    for (const value of Object.values(SANDBOX_VALUES)) expect(example).toContain(value);
  });
});
