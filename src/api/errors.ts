import type { TRPC_ERROR_CODE_KEY } from '@trpc/server';
import { z } from 'zod';
import { databaseCode } from '#domain/context/transaction.ts';
import { AppError, type ErrorKind, type Reason } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { describeError, type Logger } from '#lib/log.ts';
import { translator } from '#messages/translate.ts';
import type { ErrorView } from './views.ts';

type Code = Readonly<{ status: number; trpc: TRPC_ERROR_CODE_KEY }>;

/** What each kind of refusal is in HTTP and in tRPC: the only place where they are mapped. */
const CODES: Record<ErrorKind, Code> = {
  invalid: { status: 400, trpc: 'BAD_REQUEST' },
  unauthenticated: { status: 401, trpc: 'UNAUTHORIZED' },
  forbidden: { status: 403, trpc: 'FORBIDDEN' },
  not_found: { status: 404, trpc: 'NOT_FOUND' },
  conflict: { status: 409, trpc: 'CONFLICT' },
  precondition_failed: { status: 412, trpc: 'PRECONDITION_FAILED' },
  rate_limited: { status: 429, trpc: 'TOO_MANY_REQUESTS' },
  unavailable: { status: 503, trpc: 'SERVICE_UNAVAILABLE' },
  internal: { status: 500, trpc: 'INTERNAL_SERVER_ERROR' },
};

/** Reasons for which HTTP has a more exact word than their kind. */
const EXACT_CODES: Partial<Record<Reason, Code>> = {
  body_too_large: { status: 413, trpc: 'PAYLOAD_TOO_LARGE' },
  unsupported_media_type: { status: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE' },
};

/** The HTTP status and the tRPC code of a refusal. */
export function codesOf(error: Pick<AppError, 'kind' | 'reason'>): Code {
  return EXACT_CODES[error.reason] ?? CODES[error.kind];
}

/** SQLSTATE classes, driver and Prisma codes that say: Postgres is not there, or not now. */
const DATABASE_AWAY =
  /^(08...|53...|57P0[123]|P100[128]|P1017|P2024|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/;
/** The driver throws these without a code. */
const DATABASE_AWAY_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;
/** What Prisma's driver calls the same, where it hides the code (raw queries). */
const DATABASE_AWAY_KINDS = /^(DatabaseNotReachable|ConnectionClosed|SocketTimeout|TooManyConnections)$/;
const DriverFailure = z.object({
  meta: z.object({ driverAdapterError: z.object({ cause: z.object({ kind: z.string() }) }) }),
});
/** A lock or statement timeout: others work on the same rows. */
const DATABASE_BUSY = /^(55P03|57014|40001|40P01|P2034)$/;
const DATABASE_RETRY_SECONDS = 5;
const BUSY_RETRY_SECONDS = 2;

/**
 * Any thrown thing as a refusal. A database that is away becomes `service_unavailable`, a provider's failure its reason,
 * and whatever is not known `internal`: also a ZodError, which past the door speaks of our own data (see malformedInput).
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof ProviderError) return providerFailure(error);
  const code = databaseCode(error) ?? '';
  if (DATABASE_BUSY.test(code))
    return new AppError('unavailable', 'busy', { cause: error, retryAfterSeconds: BUSY_RETRY_SECONDS });
  if (isDatabaseAway(error, code))
    return new AppError('unavailable', 'service_unavailable', {
      cause: error,
      retryAfterSeconds: DATABASE_RETRY_SECONDS,
    });
  return new AppError('internal', 'internal', { cause: error });
}

function isDatabaseAway(error: unknown, code: string): boolean {
  if (DATABASE_AWAY.test(code)) return true;
  if (error instanceof Error && DATABASE_AWAY_MESSAGES.test(error.message)) return true;
  const failure = DriverFailure.safeParse(error);
  return failure.success && DATABASE_AWAY_KINDS.test(failure.data.meta.driverAdapterError.cause.kind);
}

function providerFailure(error: ProviderError): AppError {
  const wait = error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds };
  switch (error.failure) {
    case 'unavailable':
      return new AppError('unavailable', 'provider_unavailable', { cause: error, ...wait });
    case 'declined':
      return new AppError('precondition_failed', 'provider_declined', { cause: error });
    case 'invalid':
    case 'misconfigured':
      return new AppError('internal', 'provider_misconfigured', { cause: error });
  }
}

const MAX_FIELDS = 10;
const FIELD = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * What is wrong with a caller's input: names of fields only. A value may be a secret, and so may a name that is not ours, which is
 * therefore repeated only when it looks like a name.
 */
export function malformedInput(error: z.ZodError): AppError {
  const fields = new Set<string>();
  const unknown = new Set<string>();
  for (const issue of error.issues) {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) unknown.add(path ? `${path}.${key}` : key);
    else fields.add(path || 'body');
  }
  const list = (names: Set<string>) =>
    [...names]
      .filter((name) => FIELD.test(name))
      .slice(0, MAX_FIELDS)
      .join(', ');
  return malformedRequest({
    ...(fields.size > 0 && { fields: list(fields) }),
    ...(unknown.size > 0 && { unknownFields: list(unknown) }),
  });
}

/** A refusal of the input itself. `fields` names what is wrong, for people who write clients. */
export function malformedRequest(details: Readonly<Record<string, string>>): AppError {
  return new AppError('invalid', 'malformed_request', { details });
}

/** Placeholders of the texts when a refusal does not say: never a broken sentence. */
const DEFAULT_DETAILS = { retryAfterSeconds: 60, scope: '–', left: 0, most: '–', hours: '–' };

/** The sentence for a refusal in one language. */
export function errorText(
  error: Pick<AppError, 'reason' | 'details' | 'retryAfterSeconds'>,
  language: Language,
): string {
  const wait = error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds };
  return translator(language)(`error.${error.reason}`, { ...DEFAULT_DETAILS, ...error.details, ...wait });
}

/** A refusal as clients see it. */
export function presentError(error: AppError, language: Language, requestId: string): ErrorView {
  return {
    kind: error.kind,
    reason: error.reason,
    text: errorText(error, language),
    requestId,
    retryAfterSeconds: error.retryAfterSeconds ?? null,
    details: { ...error.details },
  };
}

/** Logs what an operator must see. A refusal is a client's affair and stands in the access log alone. */
export function logFailure(log: Logger, error: AppError): void {
  if (error.kind === 'internal') log.error({ error: describeError(error) }, 'request failed');
  else if (error.kind === 'unavailable') log.warn({ error: describeError(error) }, 'request could not be served now');
}
