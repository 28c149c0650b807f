import { existsSync } from 'node:fs';
import { z } from 'zod';
import { type EnvGroup, type EnvProblem, judgeRotation, type EnvSource as Source } from './env-group.ts';
import {
  commonDefaults,
  liveDefaults,
  liveProblems,
  SANDBOX_VALUES,
  sandboxDefaults,
  sandboxProblems,
  TELEGRAM_API_ROOT,
  TELEGRAM_WEB_ORIGIN,
} from './env-modes.ts';

/**
 * All configuration of Hoshi, read once at start and checked whole: a process either has every value it needs or says,
 * one plain line per variable, what is wrong and what to set. `.env.example` documents the same list.
 *
 * There are two modes. *Sandbox* (no TELEGRAM_BOT_TOKEN) runs against the simulated Telegram with the fixed, public values
 * of env-modes.ts. *Live* runs against Telegram and refuses each of those values, because anyone who read them could forge
 * a payment.
 */

/** The checked configuration. Everything in it is frozen. */
export type Env = {
  /** True: simulated Telegram and public development values. False: real money. */
  isSandbox: boolean;
  /** True under `npm run dev`: Next compiles on request and reloads. */
  isDevelopment: boolean;
  databaseUrl: string;
  /** Connections per process. */
  databasePoolSize: number;
  port: number;
  /** Proxies of the operator between clients and us: so many last entries of X-Forwarded-For can be believed. */
  proxyHops: number;
  /** Origin under which clients reach the web process, without a trailing slash. */
  publicUrl: string;
  /** Null in live mode. */
  sandbox: { port: number; apiKey: string; clockUrl: string } | null;
  telegram: {
    botToken: string;
    /** The number before the colon of the token. */
    botId: number;
    /** Without `@`. */
    botUsername: string;
    /** Without a trailing slash. */
    apiRoot: string;
    webhookSecret: string;
    /** The secret before a rotation, accepted until the given instant; null when no rotation is under way. */
    previousWebhookSecret: { secret: string; until: Date } | null;
    /** Ed25519 public key, 64 hex digits in lower case. */
    initDataPublicKey: string;
    /** The one origin that may frame the Mini App. */
    webOrigin: string;
  };
  /** The variables of the groups that were asked for, with the sandbox's values where it is on. */
  providerVariables: Source;
  sessionSecret: string;
  /** 32 bytes; wraps the keys of people and encrypts what the server must be able to read again. */
  dataKey: Uint8Array;
  /** The data key before a rotation, which still opens; null when everything lies under the present one. */
  previousDataKey: Uint8Array | null;
  /** 32 bytes; names people by a keyed hash of their Telegram id. Never replaced. */
  subjectKey: Uint8Array;
  /** OpenPGP private key without a passphrase, base64 of its binary form: signs records and the heads of the audit. */
  signingKey: string;
  /** Keys that signed before a rotation, public or private, base64 of their binary form. What they signed counts for ever. */
  previousSigningKeys: readonly string[];
  /** Bearer token of /metrics; null hides the page (404). */
  metricsToken: string | null;
  surfacePolicy: 'strict' | 'permissive';
  invoiceTtlMinutes: number;
  /** Hoshi's part of a plugin purchase in basis points (3000 = 30 %). */
  platformFeeBps: number;
  webhookBodyRetentionDays: number;
  /** For how many years the books are kept. */
  retentionYears: number;
  adminTelegramIds: readonly bigint[];
  /** Where a buyer finds a person: an address, a link or an @name; null when the operator gave none. */
  supportContact: string | null;
  logLevel: LogLevel;
};

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The configuration cannot be used. `message` lists every problem, one line per variable. */
export class EnvError extends Error {
  readonly problems: readonly EnvProblem[];

  constructor(problems: readonly EnvProblem[]) {
    const lines = problems.map(({ variable, message }) => `  ${variable}: ${message}`);
    super(
      `The configuration is not usable:\n${lines.join('\n')}\nSet these in the environment or in .env (see .env.example).`,
    );
    this.name = 'EnvError';
    this.problems = problems;
  }
}

const wholeNumber = (name: string, min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max} (${name}).`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max} (${name}).`);

const tcpPort = wholeNumber('a TCP port', 1, 65_535);

/** An origin (`https://host[:port]`): no path, query or credentials, so that it can be compared and appended to. */
const origin = (example: string) =>
  z.string().transform((value, context) => {
    const url = URL.canParse(value) ? new URL(value) : null;
    const isPlain = url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
    if (isPlain) return url.origin;
    context.addIssue({ code: 'custom', message: `must be an address without a path, like ${example}.` });
    return z.NEVER;
  });

const secretToken = z
  .string()
  .regex(
    /^[A-Za-z0-9_-]{1,256}$/,
    'may hold only A-Z, a-z, 0-9, _ and -, at most 256 of them (Telegram sends it in a header).',
  );

const base64Key = z
  .string()
  .regex(
    /^[A-Za-z0-9+/]{43}=$/,
    'must be 32 random bytes in base64. Make one: node -p "crypto.randomBytes(32).toString(\'base64\')"',
  )
  .transform((value): Uint8Array => Buffer.from(value, 'base64'));

const telegramIds = z
  .string()
  .regex(/^\s*\d{1,16}(\s*,\s*\d{1,16})*\s*$/, 'must be Telegram user ids separated by commas, like 12345,67890.')
  .transform((value) => value.split(',').map((id) => BigInt(id.trim())));

/** Room for twenty rotations: a key is replaced every few years, or after a mishap. */
const MAX_PREVIOUS_SIGNING_KEYS = 20;

const openPgpKeys = z
  .string()
  .transform((value) => value.split(',').map((key) => key.trim()))
  .pipe(
    z
      .array(
        z
          .string()
          .regex(
            /^[A-Za-z0-9+/]{100,8000}={0,2}$/,
            'must be OpenPGP keys in base64, separated by commas. npm run signing-key prints the line.',
          ),
      )
      .max(MAX_PREVIOUS_SIGNING_KEYS, `must be at most ${MAX_PREVIOUS_SIGNING_KEYS} keys.`),
  );

const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'must be true or false.' })
  .transform((value) => value === 'true' || value === '1');

/** What every variable must look like in both modes. Absent ones were given their default before. */
const variables = z.object({
  DATABASE_URL: z
    .string()
    .refine(isPostgresUrl, 'must be a Postgres address, like postgres://user:password@localhost:5432/hoshi.'),
  HOSHI_PG_PORT: tcpPort,
  // One of the worker's listens for new jobs all the time: with a single one it could do nothing else.
  DATABASE_POOL_SIZE: wholeNumber('connections per process', 2, 100),
  PORT: tcpPort,
  PROXY_HOPS: wholeNumber('proxies', 0, 10),
  PUBLIC_URL: origin('https://pay.example.com'),
  HOSHI_DEV: flag,
  SANDBOX_PORT: tcpPort,
  TELEGRAM_BOT_TOKEN: z.string().regex(/^\d{1,16}:[A-Za-z0-9_-]{30,64}$/, {
    error: 'does not look like a bot token (123456789:AA…). Copy it whole from @BotFather.',
    abort: true,
  }),
  TELEGRAM_BOT_USERNAME: z
    .string()
    .regex(/^@?[A-Za-z][A-Za-z0-9_]{3,31}$/, 'must be the bot’s name in Telegram, like hoshi_bot.')
    .transform((value) => value.replace('@', '')),
  TELEGRAM_API_ROOT: origin(TELEGRAM_API_ROOT),
  TELEGRAM_WEBHOOK_SECRET: secretToken,
  TELEGRAM_WEBHOOK_SECRET_PREVIOUS: secretToken.optional(),
  TELEGRAM_WEBHOOK_SECRET_PREVIOUS_UNTIL: z.iso
    .datetime({ offset: true, error: 'must be an instant with its zone, like 2026-12-01T00:00:00Z.' })
    .transform((value) => new Date(value))
    .optional(),
  TELEGRAM_INIT_DATA_PUBLIC_KEY: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'must be an Ed25519 public key, 64 hex digits.')
    .transform((value) => value.toLowerCase()),
  TELEGRAM_WEB_ORIGIN: origin(TELEGRAM_WEB_ORIGIN),
  CLOCK_URL: z.url({ protocol: /^https?$/, error: 'must be the address of the sandbox’s clock.' }).optional(),
  SESSION_SECRET: z
    .string()
    .min(32, 'must be at least 32 characters. Make one: node -p "crypto.randomBytes(32).toString(\'hex\')"'),
  DATA_KEY: base64Key,
  DATA_KEY_PREVIOUS: base64Key.optional(),
  SUBJECT_KEY: base64Key,
  SIGNING_KEY: z
    .string()
    .regex(
      /^[A-Za-z0-9+/]{200,8000}={0,2}$/,
      'must be an OpenPGP private key in base64. Make one: npm run signing-key',
    ),
  SIGNING_KEYS_PREVIOUS: openPgpKeys.optional(),
  METRICS_TOKEN: z.string().min(16, 'must be at least 16 characters, or unset to hide /metrics.').optional(),
  SURFACE_POLICY: z.enum(['strict', 'permissive'], { error: 'must be strict or permissive.' }),
  // Pre-checkout refuses every order older than an hour.
  INVOICE_TTL_MINUTES: wholeNumber('minutes', 1, 60),
  PLATFORM_FEE_BPS: wholeNumber('basis points, 3000 = 30 %', 0, 10_000),
  WEBHOOK_BODY_RETENTION_DAYS: wholeNumber('days', 0, 365),
  RETENTION_YEARS: wholeNumber('years', 1, 30),
  ADMIN_TELEGRAM_IDS: telegramIds.optional(),
  SUPPORT_CONTACT: z.string().max(200, 'must be at most 200 characters.').optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}.` }),
});
type Variables = z.output<typeof variables>;

/**
 * Reads and checks the configuration.
 *
 * @param source usually `process.env`; an empty value counts as unset.
 * @param groups further variables, of what can be left out as a whole: the providers beside Telegram.
 * @throws EnvError listing every variable that is wrong.
 */
export function readEnv(source: Source, groups: ReadonlyArray<EnvGroup> = []): Readonly<Env> {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined && value !== ''));
  const mode = flag.optional().safeParse(given['HOSHI_SANDBOX']);
  if (!mode.success) throw new EnvError([{ variable: 'HOSHI_SANDBOX', message: 'must be true or false.' }]);

  const isSandbox = mode.data ?? given['TELEGRAM_BOT_TOKEN'] === undefined;
  const problems = isSandbox ? sandboxProblems(given) : liveProblems(given);
  const sandboxPort = portOr(given['SANDBOX_PORT'], 8081);
  // As browsers see it: the providers' pay pages are opened by people.
  const sandboxUrl = `http://localhost:${sandboxPort}`;
  const sandboxValues = isSandbox ? groups.map((group) => group.sandboxDefaults(sandboxUrl)) : [];
  const providerVariables: Source = Object.assign({}, ...sandboxValues, given);
  problems.push(...groups.flatMap((group) => group.findProblems(providerVariables, { isSandbox })));
  const parsed = variables.safeParse({
    ...commonDefaults({ postgresPort: portOr(given['HOSHI_PG_PORT'], 25_329) }),
    ...(isSandbox ? sandboxDefaults({ port: portOr(given['PORT'], 3000), sandboxPort }) : liveDefaults()),
    ...given,
  });
  if (!parsed.success) problems.push(...parsed.error.issues.map(toProblem));
  if (parsed.success) problems.push(...judgeRotation('TELEGRAM_WEBHOOK_SECRET_PREVIOUS', given));
  if (!parsed.success || problems.length > 0) throw new EnvError(onePerVariable(problems));
  return freeze(toEnv(parsed.data, { isSandbox, providerVariables }));
}

/**
 * Reads `.env` in the working directory when there is one (a variable that is already set wins), then `process.env`.
 *
 * @throws EnvError as `readEnv` does.
 */
export function loadEnv(groups: ReadonlyArray<EnvGroup> = []): Readonly<Env> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return readEnv(process.env, groups);
}

function isPostgresUrl(value: string): boolean {
  return URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol);
}

/** A port for building default addresses: a malformed one is reported under its own name, not under theirs. */
function portOr(value: string | undefined, fallback: number): number {
  const parsed = tcpPort.safeParse(value);
  return parsed.success ? parsed.data : fallback;
}

function toProblem(issue: z.core.$ZodIssue): EnvProblem {
  const isMissing = issue.code === 'invalid_type';
  return { variable: String(issue.path[0] ?? 'configuration'), message: isMissing ? 'is missing.' : issue.message };
}

/** The first message of a variable is the most telling one. */
function onePerVariable(problems: readonly EnvProblem[]): EnvProblem[] {
  return problems.filter(
    (problem, index) => problems.findIndex((other) => other.variable === problem.variable) === index,
  );
}

function toEnv(values: Variables, { isSandbox, providerVariables }: Pick<Env, 'isSandbox' | 'providerVariables'>): Env {
  const previous = values.TELEGRAM_WEBHOOK_SECRET_PREVIOUS;
  const until = values.TELEGRAM_WEBHOOK_SECRET_PREVIOUS_UNTIL;
  const clockUrl = values.CLOCK_URL;
  return {
    isSandbox,
    isDevelopment: values.HOSHI_DEV,
    databaseUrl: values.DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL_SIZE,
    port: values.PORT,
    proxyHops: values.PROXY_HOPS,
    publicUrl: values.PUBLIC_URL,
    sandbox: isSandbox && clockUrl ? { port: values.SANDBOX_PORT, apiKey: SANDBOX_VALUES.apiKey, clockUrl } : null,
    telegram: {
      botToken: values.TELEGRAM_BOT_TOKEN,
      botId: Number(values.TELEGRAM_BOT_TOKEN.split(':')[0]),
      botUsername: values.TELEGRAM_BOT_USERNAME,
      apiRoot: values.TELEGRAM_API_ROOT,
      webhookSecret: values.TELEGRAM_WEBHOOK_SECRET,
      previousWebhookSecret: previous && until ? { secret: previous, until } : null,
      initDataPublicKey: values.TELEGRAM_INIT_DATA_PUBLIC_KEY,
      webOrigin: values.TELEGRAM_WEB_ORIGIN,
    },
    providerVariables,
    sessionSecret: values.SESSION_SECRET,
    dataKey: values.DATA_KEY,
    previousDataKey: values.DATA_KEY_PREVIOUS ?? null,
    subjectKey: values.SUBJECT_KEY,
    signingKey: values.SIGNING_KEY,
    previousSigningKeys: values.SIGNING_KEYS_PREVIOUS ?? [],
    metricsToken: values.METRICS_TOKEN ?? null,
    surfacePolicy: values.SURFACE_POLICY,
    invoiceTtlMinutes: values.INVOICE_TTL_MINUTES,
    platformFeeBps: values.PLATFORM_FEE_BPS,
    webhookBodyRetentionDays: values.WEBHOOK_BODY_RETENTION_DAYS,
    retentionYears: values.RETENTION_YEARS,
    adminTelegramIds: values.ADMIN_TELEGRAM_IDS ?? [],
    supportContact: values.SUPPORT_CONTACT ?? null,
    logLevel: values.LOG_LEVEL,
  };
}

function freeze(env: Env): Readonly<Env> {
  Object.freeze(env.telegram);
  Object.freeze(env.providerVariables);
  Object.freeze(env.sandbox);
  Object.freeze(env.adminTelegramIds);
  Object.freeze(env.previousSigningKeys);
  return Object.freeze(env);
}
