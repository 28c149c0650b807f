import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError, type ErrorKind, REASONS } from '#domain/errors.ts';
import { LANGUAGES } from '#domain/identity/rules.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { MESSAGES } from '#messages/translate.ts';
import { codesOf, errorText, malformedInput, presentError, toAppError } from './errors.ts';

const placeholders = (text: string) =>
  [...text.matchAll(/\{(\w+)/g)].map((match) => match[1]).filter((name) => name !== 'one' && name !== 'other');

describe('texts of refusals', () => {
  it.each(LANGUAGES)('has one for every reason in %s and none besides', (language) => {
    expect(Object.keys(MESSAGES[language].error).sort()).toEqual([...REASONS].sort());
  });

  it.each(REASONS)('says %s in both languages with the same placeholders, complete', (reason) => {
    const names = LANGUAGES.map((language) => new Set(placeholders(MESSAGES[language].error[reason])));
    expect(names[0]).toEqual(names[1]);
    for (const language of LANGUAGES) {
      const text = errorText({ reason, details: {}, retryAfterSeconds: undefined }, language);
      expect(text).not.toMatch(/[{}]|error\./);
      expect(text).toMatch(language === 'ja' ? /。$/ : /[.”]$/);
    }
  });

  it('puts in what the refusal knows', () => {
    const waiting = new AppError('rate_limited', 'too_many_attempts', { retryAfterSeconds: 1 });
    expect(errorText(waiting, 'en')).toContain('in 1 second.');
    expect(errorText(waiting, 'ja')).toContain('1秒後');
    const scope = new AppError('forbidden', 'scope_missing', { details: { scope: 'refunds:write' } });
    expect(errorText(scope, 'en')).toContain('“refunds:write”');
  });
});

describe('codesOf', () => {
  it.each<[ErrorKind, number]>([
    ['invalid', 400],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['not_found', 404],
    ['conflict', 409],
    ['precondition_failed', 412],
    ['rate_limited', 429],
    ['internal', 500],
    ['unavailable', 503],
  ])('maps %s to %i', (kind, status) => {
    expect(codesOf({ kind, reason: 'internal' }).status).toBe(status);
  });

  it('is exact where HTTP is', () => {
    expect(codesOf({ kind: 'invalid', reason: 'body_too_large' }).status).toBe(413);
    expect(codesOf({ kind: 'invalid', reason: 'unsupported_media_type' }).status).toBe(415);
  });
});

describe('toAppError', () => {
  it('names fields of a malformed input and never a value', () => {
    const schema = z.strictObject({ amount: z.number(), item: z.strictObject({ id: z.string() }) });
    const parsed = schema.safeParse({ amount: 'secret-value', item: { id: 1, extra: 'x' }, 'rm -rf': 1, also: 2 });
    if (parsed.success) throw new Error('was to be refused');
    const error = malformedInput(parsed.error);
    expect(error).toMatchObject({ kind: 'invalid', reason: 'malformed_request' });
    expect(error.details).toEqual({ fields: 'amount, item.id', unknownFields: 'item.extra, also' });
    expect(JSON.stringify(presentError(error, 'en', 'req_1'))).not.toContain('secret-value');
  });

  it.each([
    ['ECONNREFUSED', 'service_unavailable'],
    ['57P01', 'service_unavailable'],
    ['53300', 'service_unavailable'],
    ['P1001', 'service_unavailable'],
    ['55P03', 'busy'],
    ['57014', 'busy'],
  ])('takes the database error %s for %s, to be tried again', (code, reason) => {
    const error = toAppError(Object.assign(new Error('x'), { code }));
    expect(error).toMatchObject({ kind: 'unavailable', reason });
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
  });

  it('knows a cut connection without a code', () => {
    expect(toAppError(new Error('Connection terminated unexpectedly')).reason).toBe('service_unavailable');
  });

  it.each([
    ['unavailable', 'unavailable', 'provider_unavailable'],
    ['declined', 'precondition_failed', 'provider_declined'],
    ['invalid', 'internal', 'provider_misconfigured'],
    ['misconfigured', 'internal', 'provider_misconfigured'],
  ] as const)('maps a provider that is %s', (failure, kind, reason) => {
    expect(toAppError(new ProviderError(failure, 'CODE'))).toMatchObject({ kind, reason });
  });

  it('takes a schema that our own data break for a fault of ours', () => {
    expect(toAppError(z.string().safeParse(1).error)).toMatchObject({ kind: 'internal', reason: 'internal' });
  });

  it.each([new Error('password=hunter2'), 'password=hunter2', null])('never shows an unknown error', (thrown) => {
    const view = presentError(toAppError(thrown), 'en', 'req_1');
    expect(view).toMatchObject({ kind: 'internal', reason: 'internal', requestId: 'req_1', details: {} });
    expect(JSON.stringify(view)).not.toContain('hunter2');
  });
});
