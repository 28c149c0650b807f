import { describe, expect, it } from 'vitest';
import { invoiceSlugOf, readLaunch } from '#ui/launch.ts';

describe('invoiceSlugOf', () => {
  it.each([
    ['https://t.me/$abc-DEF_1=', 'abc-DEF_1='],
    ['https://t.me/%24abc', 'abc'],
    ['https://t.me/invoice/abc', 'abc'],
    ['https://telegram.me/$abc', 'abc'],
    ['https://telegram.me/invoice/abc/', 'abc'],
  ])('finds the slug of %s', (url, slug) => expect(invoiceSlugOf(url)).toBe(slug));

  it.each([
    '',
    'abc',
    'http://t.me/$abc',
    'https://t.me/abc',
    'https://t.me/$',
    'https://t.me/$a/b',
    'https://t.me.evil.example/$abc',
    'https://evil.example/t.me/$abc',
    'tg://invoice?slug=abc',
    'javascript:alert(1)',
  ])('refuses %s', (url) => expect(invoiceSlugOf(url)).toBeNull());
});

describe('readLaunch', () => {
  const data = new URLSearchParams({ auth_date: '1', start_param: 'help', hash: 'x' }).toString();

  it('reads what Telegram puts into the fragment', () => {
    const params = { tgWebAppData: data, tgWebAppVersion: '9.1', tgWebAppThemeParams: '{"bg_color":"#ffffff"}' };
    expect(readLaunch(`#${new URLSearchParams(params)}`)).toEqual({
      initData: data,
      version: '9.1',
      theme: { bg_color: '#ffffff' },
      startParam: 'help',
    });
  });

  it('is null in a plain browser', () => {
    expect(readLaunch('')).toBeNull();
    expect(readLaunch('#top')).toBeNull();
  });

  it('tells a launch without data from no launch', () => {
    expect(readLaunch('#tgWebAppVersion=6.0')).toMatchObject({ initData: '', version: '6.0' });
  });

  it.each(['null', '[', '"x"', '7'])('shows the built-in colours for the theme %s', (theme) => {
    expect(readLaunch(`#tgWebAppVersion=9.1&tgWebAppThemeParams=${encodeURIComponent(theme)}`)?.theme).toEqual({});
  });
});
