import { describe, expect, it } from 'vitest';
import { judgeLaunchAge, LaunchUser, languageFor } from './rules.ts';

describe('languageFor', () => {
  it.each([
    ['ja', 'ja'],
    ['ja-JP', 'ja'],
    ['JA_jp', 'ja'],
    ['en-GB', 'en'],
    ['de', 'en'],
    ['', 'en'],
    [null, 'en'],
    [undefined, 'en'],
    ['constructor', 'en'],
    [7, 'en'],
    [{ toLowerCase: 'ja' }, 'en'],
  ])('%j speaks %s', (tag, language) => {
    expect(languageFor(tag)).toBe(language);
  });
});

describe('judgeLaunchAge', () => {
  const now = 1_800_000_000;
  it.each([
    [now, null],
    [now - 3_600, null],
    [now - 3_601, 'init_data_expired'],
    [0, 'init_data_expired'],
    [now + 60, null],
    [now + 61, 'init_data_from_future'],
    [999_999_999_999, 'init_data_from_future'],
  ])('%s', (authDate, reason) => {
    expect(judgeLaunchAge(authDate, now)).toEqual(reason ? { ok: false, reason } : { ok: true });
  });
});

describe('LaunchUser', () => {
  it.each([
    [{ id: 0 }],
    [{ id: -1 }],
    [{ id: 1.5 }],
    [{ id: '1' }],
    [{ id: 2 ** 52 + 1 }],
    [{ id: Number.NaN }],
    [{}],
    [null],
    [{ id: 1, language_code: 'x'.repeat(36) }],
    [{ id: 1, allows_write_to_pm: 'yes' }],
  ])('refuses %j', (user) => {
    expect(LaunchUser.safeParse(user).success).toBe(false);
  });

  it('takes 52 bits and fields it does not know', () => {
    expect(LaunchUser.parse({ id: 2 ** 52, photo_url: 'https://t.me/x' })).toEqual({ id: 2 ** 52 });
  });
});
