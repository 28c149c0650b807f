import type { EnvProblem, EnvSource } from './env-group.ts';

/*
 * The two modes of the configuration (env.ts): what each fills in, needs and refuses.
 */

/** The fixed development values. They are public: scripts may rely on them, and live mode refuses them. */
export const SANDBOX_VALUES = {
  botToken: '7000000001:AAHoshiSandboxDevelopmentToken00000000',
  botUsername: 'hoshi_sandbox_bot',
  webhookSecret: 'hoshi-sandbox-webhook-secret',
  /** Ed25519 public key of the sandbox's initData `signature`, hex. */
  initDataPublicKey: '08372699fec5dd71e2fbd66bf5cbcf390145ad23f4a369c5632987c730f7b646',
  sessionSecret: 'hoshi-sandbox-session-secret-do-not-use-live',
  /** 32 bytes, base64. */
  dataKey: 'aG9zaGktc2FuZGJveC1kYXRhLWtleS0zMi1ieXRlcyE=',
  /** 32 bytes, base64. */
  subjectKey: 'aG9zaGktc2FuZGJveC1zdWJqZWN0LWtleS0zMmJ5dGU=',
  /** An OpenPGP key that can only sign, base64 of its binary form. Fingerprint 3c85666ffff5be4085c9d1336ff600c0adec5cac. */
  signingKey:
    'xVgEaVW5ABYJKwYBBAHaRw8BAQdAGtzqUoloXcMWowI9CtF+Gqt+cH3G2BFATxXMpe52SugAAP0RTvMGVuTtH1/+CBaaOM5BN0ciVlwbHGDtYntEGwuVQQzqzQ1Ib3NoaSBzYW5kYm94wsATBBMWCgCFBYJpVbkAAwsJBwkQb/YAwK3sXKxFFAAAAAAAHAAgc2FsdEBub3RhdGlvbnMub3BlbnBncGpzLm9yZyFzhFsvMsJ635fLOdKtq4USMifQHcN3MJlaiRlXMEKUBRUKCA4MBBYAAgECGQECmwMCHgEWIQQ8hWZv//W+QIXJ0TNv9gDArexcrAAA6n8A/3ICwJlHRds6dXpz22TE8W1ei80Eo3NfywFW6yrJRLShAQDP2Pwn+nBuuXpsGRe/PpMlyVM7pKU+HAXXJj98Aud0Cg==',
  metricsToken: 'hoshi-sandbox-metrics',
  /** An API key with all scopes, seeded in sandbox mode only. */
  apiKey: 'hoshi_sandbox_api_key_do_not_use_live',
} as const;

export const TELEGRAM_API_ROOT = 'https://api.telegram.org';
export const TELEGRAM_WEB_ORIGIN = 'https://web.telegram.org';
/** Telegram's production key for third-party initData checks (core.telegram.org/bots/webapps, "third-party use"). */
const TELEGRAM_INIT_DATA_PUBLIC_KEY = 'e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d';

/** What both modes fill in. */
export function commonDefaults({ postgresPort }: { postgresPort: number }): EnvSource {
  return {
    HOSHI_PG_PORT: '25329',
    DATABASE_URL: `postgres://hoshi:hoshi@127.0.0.1:${postgresPort}/hoshi`,
    DATABASE_POOL_SIZE: '8',
    PORT: '3000',
    PROXY_HOPS: '0',
    HOSHI_DEV: 'false',
    SANDBOX_PORT: '8081',
    SURFACE_POLICY: 'strict',
    INVOICE_TTL_MINUTES: '30',
    PLATFORM_FEE_BPS: '3000',
    WEBHOOK_BODY_RETENTION_DAYS: '7',
    RETENTION_YEARS: '7',
    LOG_LEVEL: 'info',
  };
}

/** What sandbox mode fills in. The ports are those of the web process and of the sandbox. */
export function sandboxDefaults({ port, sandboxPort }: { port: number; sandboxPort: number }): EnvSource {
  return {
    PUBLIC_URL: `http://localhost:${port}`,
    TELEGRAM_BOT_TOKEN: SANDBOX_VALUES.botToken,
    TELEGRAM_BOT_USERNAME: SANDBOX_VALUES.botUsername,
    TELEGRAM_API_ROOT: `http://127.0.0.1:${sandboxPort}`,
    TELEGRAM_WEBHOOK_SECRET: SANDBOX_VALUES.webhookSecret,
    TELEGRAM_INIT_DATA_PUBLIC_KEY: SANDBOX_VALUES.initDataPublicKey,
    TELEGRAM_WEB_ORIGIN: `http://localhost:${sandboxPort}`,
    CLOCK_URL: `http://127.0.0.1:${sandboxPort}/sim/clock`,
    SESSION_SECRET: SANDBOX_VALUES.sessionSecret,
    DATA_KEY: SANDBOX_VALUES.dataKey,
    SUBJECT_KEY: SANDBOX_VALUES.subjectKey,
    SIGNING_KEY: SANDBOX_VALUES.signingKey,
    METRICS_TOKEN: SANDBOX_VALUES.metricsToken,
  };
}

/** What live mode fills in. */
export function liveDefaults(): EnvSource {
  return {
    TELEGRAM_API_ROOT,
    TELEGRAM_WEB_ORIGIN,
    TELEGRAM_INIT_DATA_PUBLIC_KEY,
  };
}

/** What must not be mixed into sandbox mode: anything that belongs to real money. */
export function sandboxProblems(given: EnvSource): EnvProblem[] {
  const problems: EnvProblem[] = [];
  const token = given['TELEGRAM_BOT_TOKEN'];
  if (token !== undefined && token !== SANDBOX_VALUES.botToken) {
    problems.push({
      variable: 'TELEGRAM_BOT_TOKEN',
      message:
        'is a real bot’s token while HOSHI_SANDBOX is true. Unset one of the two: the sandbox never runs with real keys.',
    });
  }
  if (given['TELEGRAM_API_ROOT']?.includes('telegram.org')) {
    problems.push({
      variable: 'TELEGRAM_API_ROOT',
      message: 'points at Telegram while HOSHI_SANDBOX is true. Unset it.',
    });
  }
  return problems;
}

/** What live mode needs and has no default for, and the public sandbox values it must never run with. */
export function liveProblems(given: EnvSource): EnvProblem[] {
  const problems: EnvProblem[] = [];
  const refuse = (variable: string, message: string) => problems.push({ variable, message });
  for (const [variable, remedy] of Object.entries(LIVE_NEEDS)) {
    if (given[variable] === undefined) refuse(variable, `is missing. ${remedy}`);
  }
  for (const [variable, value] of Object.entries(REFUSED_LIVE)) {
    if (given[variable] === value)
      refuse(variable, 'is the sandbox’s public value, which anyone can read. Set your own.');
  }
  if (given['CLOCK_URL'] !== undefined)
    refuse('CLOCK_URL', 'belongs to the sandbox. Unset it: live mode uses real time.');
  for (const variable of ['PUBLIC_URL', 'TELEGRAM_API_ROOT', 'TELEGRAM_WEB_ORIGIN']) {
    const value = given[variable];
    if (value !== undefined && !value.startsWith('https://'))
      refuse(variable, 'must begin with https:// outside the sandbox.');
  }
  const secret = given['TELEGRAM_WEBHOOK_SECRET'];
  if (secret !== undefined && secret.length < 16) refuse('TELEGRAM_WEBHOOK_SECRET', 'must be at least 16 characters.');
  return problems;
}

const LIVE_NEEDS = {
  TELEGRAM_BOT_TOKEN: 'Create a bot with @BotFather and copy its token, or unset HOSHI_SANDBOX to use the sandbox.',
  TELEGRAM_BOT_USERNAME: 'Set the bot’s name in Telegram without @: links to the bot are made from it.',
  PUBLIC_URL: 'Set the https address under which Telegram reaches this server.',
  TELEGRAM_WEBHOOK_SECRET:
    'Set at least 16 random characters of A-Z, a-z, 0-9, _ and -. Make one: node -p "crypto.randomBytes(24).toString(\'base64url\')"',
  SESSION_SECRET: 'Set at least 32 random characters. Make one: node -p "crypto.randomBytes(32).toString(\'hex\')"',
  DATA_KEY: 'Set 32 random bytes in base64. Make one: node -p "crypto.randomBytes(32).toString(\'base64\')"',
  SUBJECT_KEY:
    'Set 32 random bytes in base64 and never change them. Make one: node -p "crypto.randomBytes(32).toString(\'base64\')"',
  SIGNING_KEY: 'Set an OpenPGP private key in base64. Make one: npm run signing-key',
} as const;

const REFUSED_LIVE = {
  TELEGRAM_BOT_TOKEN: SANDBOX_VALUES.botToken,
  TELEGRAM_BOT_USERNAME: SANDBOX_VALUES.botUsername,
  TELEGRAM_WEBHOOK_SECRET: SANDBOX_VALUES.webhookSecret,
  TELEGRAM_WEBHOOK_SECRET_PREVIOUS: SANDBOX_VALUES.webhookSecret,
  TELEGRAM_INIT_DATA_PUBLIC_KEY: SANDBOX_VALUES.initDataPublicKey,
  SESSION_SECRET: SANDBOX_VALUES.sessionSecret,
  DATA_KEY: SANDBOX_VALUES.dataKey,
  SUBJECT_KEY: SANDBOX_VALUES.subjectKey,
  SIGNING_KEY: SANDBOX_VALUES.signingKey,
  METRICS_TOKEN: SANDBOX_VALUES.metricsToken,
} as const;
