import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { BOOT_SCRIPT } from '#ui/boot-script.ts';
import { paletteOf } from '#ui/theme.ts';

/** Runs the printed script alone, as a browser does: whatever it needs beyond the page's own objects would throw here. */
function boot(page: { hash?: string; search?: string; prefersDark?: boolean; userAgent?: string }) {
  const variables = new Map<string, string>();
  const root = {
    dataset: {} as Record<string, string>,
    lang: 'en',
    style: { colorScheme: '', setProperty: (name: string, value: string) => variables.set(name, value) },
  };
  runInNewContext(BOOT_SCRIPT, {
    document: { documentElement: root },
    location: { hash: page.hash ?? '', search: page.search ?? '' },
    navigator: { userAgent: page.userAgent ?? '' },
    matchMedia: () => ({ matches: page.prefersDark ?? false }),
    URLSearchParams,
  });
  return { root, variables };
}

const DARK = { bg_color: '#17212b', text_color: '#f5f5f5' };
const launch = (user: object, theme: unknown = DARK) => {
  const data = new URLSearchParams({ user: JSON.stringify(user), auth_date: '1' }).toString();
  return `#${new URLSearchParams({ tgWebAppData: data, tgWebAppVersion: '9.1', tgWebAppThemeParams: JSON.stringify(theme) })}`;
};

describe('the boot script', () => {
  it('paints the theme of the launch before anything else has loaded', () => {
    const { root, variables } = boot({ hash: launch({ language_code: 'ja' }) });
    const { scheme, colors } = paletteOf(DARK, false);
    expect(root.dataset).toMatchObject({ surface: 'telegram', theme: scheme });
    expect(root.style.colorScheme).toBe('dark');
    expect(variables.get('--canvas')).toBe(colors.canvas);
    expect(variables.size).toBe(Object.keys(colors).length);
  });

  it('takes the language of the address before that of the launch', () => {
    expect(boot({ hash: launch({ language_code: 'ja' }) }).root.lang).toBe('ja');
    expect(boot({ hash: launch({ language_code: 'ja' }), search: '?lang=en' }).root.lang).toBe('en');
    expect(boot({ hash: launch({ language_code: 'uz' }) }).root.lang).toBe('en');
  });

  it('leaves the language of a browser to the server', () => {
    expect(boot({}).root.lang).toBe('en');
    expect(boot({ prefersDark: true }).root.dataset).toMatchObject({ surface: 'browser', theme: 'dark' });
  });

  it('shows a page for a launch it cannot read', () => {
    const { root } = boot({
      hash: '#tgWebAppVersion=9.1&tgWebAppThemeParams=%7Bbroken&tgWebAppData=user%3D%257Bbroken',
    });
    expect(root.dataset).toMatchObject({ surface: 'telegram', theme: 'light' });
  });

  it('spares slow phones all motion', () => {
    expect(boot({ userAgent: 'Telegram-Android/11 (Samsung; Android 9; SDK 28; LOW)' }).root.dataset['motion']).toBe(
      'low',
    );
    expect(boot({ userAgent: 'Telegram-Android/11 (Pixel; SDK 35; HIGH)' }).root.dataset['motion']).toBeUndefined();
  });
});
