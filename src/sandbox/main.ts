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
  say(`Telegram sandbox at ${sandbox.url.replace('127.0.0.1', 'localhost')}`);
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
