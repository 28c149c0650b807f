import { join } from 'node:path';
import type { SandboxOptions } from './options.ts';
import { startSandbox } from './start.ts';

/** Prints a line for the person at the terminal. */
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

function readNumber(name: string, fallback: number, least: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const number = Number(text);
  if (!Number.isFinite(number) || number < least) fail(`${name} must be a number of at least ${least}, not "${text}".`);
  return number;
}

/** A variable that must look a certain way; undefined when it is not set. */
function readText(name: string, shape: RegExp, words: string): string | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  if (!shape.test(text)) fail(`${name} must be ${words}.`);
  return text;
}

function readProviders(): Partial<SandboxOptions> {
  const digits = [/^[1-9]\d{0,17}$/, 'a whole number'] as const;
  const given = {
    appUrl: readText('SANDBOX_APP_URL', /^https?:\/\/[^/]+\/?$/, 'an http(s) address without a path')?.replace(
      /\/$/,
      '',
    ),
    paymeMerchantId: readText('PAYME_MERCHANT_ID', /^[0-9a-f]{24}$/, '24 hexadecimal digits'),
    paymeKey: readText('PAYME_KEY', /^[\x21-\x7e]{36}$/, '36 visible ASCII characters'),
    clickServiceId: readText('CLICK_SERVICE_ID', ...digits),
    clickMerchantId: readText('CLICK_MERCHANT_ID', ...digits),
    clickMerchantUserId: readText('CLICK_MERCHANT_USER_ID', ...digits),
    clickSecretKey: readText('CLICK_SECRET_KEY', /^[\x21-\x7e]{1,128}$/, 'at most 128 visible ASCII characters'),
    stripeSecretKey: readText('STRIPE_SECRET_KEY', /^[sr]k_test_\w+$/, 'a key of test mode (sk_test_…)'),
    stripeWebhookSecret: readText('STRIPE_WEBHOOK_SECRET', /^whsec_\w+$/, 'of the form whsec_…'),
    cryptoPayToken: readText('CRYPTO_PAY_TOKEN', /^[1-9]\d*:[\x21-\x7e]+$/, 'of the form <app id>:<secret>'),
    btcpayStoreId: readText('BTCPAY_STORE_ID', /^\w{1,64}$/, 'at most 64 letters and digits'),
    btcpayApiKey: readText('BTCPAY_API_KEY', /^[\x21-\x7e]{1,128}$/, 'at most 128 visible ASCII characters'),
    btcpayWebhookSecret: readText('BTCPAY_WEBHOOK_SECRET', /^[\x21-\x7e]{1,128}$/, 'at most 128 visible characters'),
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(set) as Partial<SandboxOptions>),
    clickLargeIds: readText('SANDBOX_CLICK_LARGE_IDS', /^(true|false)$/, 'true or false') === 'true',
  };
}

function readOptions(): Partial<SandboxOptions> {
  const { SANDBOX_STATE_DIR: stateDir, SANDBOX_CLIENT_DIR: clientDir } = process.env;
  const { TELEGRAM_BOT_TOKEN: botToken, TELEGRAM_BOT_USERNAME: botUsername } = process.env;
  if (botToken !== undefined && botToken !== '' && !/^[1-9]\d*:/.test(botToken)) {
    fail('TELEGRAM_BOT_TOKEN is not of the form <bot id>:<secret>.');
  }
  return {
    port: readNumber('SANDBOX_PORT', 8081, 0),
    stateDir: stateDir === undefined || stateDir === '' ? join('.hoshi', 'sandbox') : stateDir,
    clientDir: clientDir === undefined || clientDir === '' ? join(import.meta.dirname, 'sandbox') : clientDir,
    retryScale: readNumber('SANDBOX_RETRY_SCALE', 1, 0),
    preCheckoutTimeoutMs: readNumber('SANDBOX_PRE_CHECKOUT_TIMEOUT_MS', 10_000, 1),
    ...readProviders(),
    ...(botToken === undefined || botToken === '' ? {} : { botToken }),
    ...(botUsername === undefined || botUsername === '' ? {} : { botUsername }),
    say,
  };
}

async function run(): Promise<void> {
  const options = readOptions();
  const sandbox = await startSandbox(options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') fail(`Port ${options.port} is taken; stop what uses it or set SANDBOX_PORT.`);
    throw error;
  });
  say(`Sandbox at ${sandbox.url.replace('127.0.0.1', 'localhost')}`);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    sandbox.close().then(
      () => process.exit(0),
      (error: unknown) => fail(`The sandbox did not stop cleanly: ${String(error)}`),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

await run();
