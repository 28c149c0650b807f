import { describe, expect, it } from 'vitest';
import { isValid, validUntil } from './rules.ts';

const at = (text: string) => new Date(`2026-11-${text}Z`);
const right = { startsAt: at('01T00:00:00'), endsAt: at('10T00:00:00'), revokedAt: null, isRenewing: false };

describe('isValid', () => {
  it.each([
    ['before its start', right, '2026-10-31T23:59:59Z', false],
    ['at its start', right, '2026-11-01T00:00:00Z', true],
    ['a moment before its end', right, '2026-11-09T23:59:59.999Z', true],
    ['at its end', right, '2026-11-10T00:00:00Z', false],
    ['at its end while a renewal is awaited', { ...right, isRenewing: true }, '2026-11-10T00:00:00Z', true],
    ['at the end of the grace', { ...right, isRenewing: true }, '2026-11-13T00:00:00Z', false],
    ['a moment before the end of the grace', { ...right, isRenewing: true }, '2026-11-12T23:59:59Z', true],
    ['revoked', { ...right, revokedAt: at('02T00:00:00') }, '2026-11-05T00:00:00Z', false],
    ['for good', { ...right, endsAt: null }, '2099-01-01T00:00:00Z', true],
    ['for good, but revoked', { ...right, endsAt: null, revokedAt: at('02T00:00:00') }, '2099-01-01T00:00:00Z', false],
  ])('%s', (_name, given, now, verdict) => {
    expect(isValid(given, new Date(now))).toBe(verdict);
  });

  it('knows no grace for what lasts', () => {
    expect(validUntil({ endsAt: null, isRenewing: true })).toBeNull();
  });
});
