import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

/** Field names that never reach a log, wherever they stand. Defence in depth: callers log ids and codes only. */
const SECRET_FIELDS = [
  'token',
  'secret',
  'authorization',
  'initData',
  'init_data',
  'password',
  'body',
  'apiKey',
  'telegramId',
  'telegram_id',
];

/** A structured JSON logger on standard output. `name` is the process (web, worker). */
export function makeLogger(options: { name: string; level: string }): Logger {
  return pino({
    name: options.name,
    level: options.level,
    base: { name: options.name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
    serializers: { error: describeError },
  });
}

/** An error as it may be logged: class, code and stack frames; the message only of our own errors, as others may quote input. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 8)
    .map((line) => line.trim());
  const isOwn = error.name === 'AppError' || error.name === 'ProviderError';
  return {
    type: error.name,
    code,
    message: isOwn ? error.message : undefined,
    frames,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
