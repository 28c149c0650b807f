import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';

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

/** A structured JSON logger on standard output, or `to`. `name` is the process (web, worker). */
export function makeLogger(options: { name: string; level: string }, to?: DestinationStream): Logger {
  const settings: LoggerOptions = {
    name: options.name,
    level: options.level,
    base: { name: options.name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
    serializers: { error: describeError },
  };
  return to ? pino(settings, to) : pino(settings);
}

/** What `describeError` made: the logger's serializer meets it again and must not take it for something thrown. */
const descriptions = new WeakSet<object>();

/**
 * An error as it may be logged: class, code and stack frames; the message only of our own errors, as others may quote
 * input. Of anything else that was thrown only its type. A description stays as it is.
 */
export function describeError(error: unknown): Record<string, unknown> {
  if (typeof error === 'object' && error !== null && descriptions.has(error)) return { ...error };
  const description = describe(error);
  descriptions.add(description);
  return description;
}

function describe(error: unknown): Record<string, unknown> {
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
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}
