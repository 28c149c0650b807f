import { describe, expect, it } from 'vitest';
import { parseLossless, stringifyLossless, WholeNumber } from './json.ts';
import { toTiyin } from './link.ts';
import { judgeReversal } from './reversal.ts';
import { isAuthorized, signRequest } from './sign.ts';

it('signs without separators, Complete with merchant_prepare_id', () => {
  const signed = {
    ...{ click_trans_id: '12345', service_id: '678', merchant_trans_id: 'order-1' },
    ...{ amount: '1000.00', sign_time: '2026-01-02 03:04:05' },
  };
  expect(signRequest({ ...signed, action: '0' }, 'key')).toBe('1f13db35851bffb55ad8191a8b3f3b8f');
  expect(signRequest({ ...signed, action: '1', merchant_prepare_id: '99' }, 'key')).toBe(
    'a19ae53739c2f079d5e4acbf8e370ed4',
  );
});

it('knows the digest of the documentation’s time', () => {
  const given = { merchantUserId: '123', secretKey: 'secret', nowSeconds: 1_519_051_543, skewSeconds: 60 };
  expect(isAuthorized('123:342712d77c0fe30bfe18e34b81dcb1833feb485e:1519051543', given)).toBe(true);
});

it.each([
  ['500', 50_000],
  ['500.5', 50_050],
  ['38400.05', 3_840_005],
  ['0.01', 1],
  ['0', null],
  ['1.005', null],
  ['-5', null],
  ['1e3', null],
  ['1,5', null],
])('reads %s soʻm as %s tiyin', (text, tiyin) => {
  expect(toTiyin(text)).toBe(tiyin);
});

it('keeps whole numbers of every length', () => {
  const json = '{"click_trans_id":9007199254740993,"note":"9007199254740993 \\" 1","small":5,"float":1.5}';
  expect(parseLossless(json)).toEqual({
    ...{ click_trans_id: '9007199254740993', note: '9007199254740993 " 1', small: 5, float: 1.5 },
  });
  expect(stringifyLossless({ id: new WholeNumber('9007199254740993'), note: 'x' })).toBe(
    '{"id":9007199254740993,"note":"x"}',
  );
});

describe('a reversal', () => {
  const at = (text: string): number => Date.parse(`${text}+05:00`);
  const paid = (text: string) => ({ status: 'paid', created_at_ms: at(text) });
  const judge = (created: string, now: string): string | null =>
    judgeReversal(paid(created), { nowMs: at(now), doesUzcardRefuse: false });

  it.each([
    ['2026-03-01T00:00', '2026-03-31T23:59', true],
    ['2026-02-28T23:59', '2026-03-01T00:00', true],
    ['2026-02-01T00:00', '2026-03-01T23:59', true],
    ['2026-02-28T23:59', '2026-03-02T00:00', false],
    ['2026-01-31T12:00', '2026-03-01T12:00', false],
    ['2025-12-31T12:00', '2026-01-01T12:00', true],
    ['2025-03-10T12:00', '2026-03-10T12:00', false],
  ])('of a payment made %s in Tashkent and asked for %s: %s', (created, now, isAllowed) => {
    expect(judge(created, now) === null).toBe(isAllowed);
  });
});
