import { type Palette, paletteOf, type ThemeParams } from '#ui/theme.ts';

/**
 * What runs before the first paint: reads the launch parameters from the address (they are in its fragment, which the
 * server never sees) and sets surface, language, colours and motion on the document. Printed as source text like
 * `paletteOf`, so it uses no outer names.
 */
function boot(palette: (theme: ThemeParams, prefersDark: boolean) => Palette): void {
  const root = document.documentElement;
  const launch = new URLSearchParams(location.hash.slice(1));
  const isTelegram = launch.has('tgWebAppVersion') || launch.has('tgWebAppData');
  root.dataset['surface'] = isTelegram ? 'telegram' : 'browser';
  if (/\bLOW\)/.test(navigator.userAgent)) root.dataset['motion'] = 'low';
  const json = (text: string | null) => {
    try {
      return JSON.parse(text ?? '{}') as Record<string, string | undefined>;
    } catch {
      // A client that sends malformed parameters still gets a page, in the built-in colours.
      return {};
    }
  };
  const user = json(new URLSearchParams(launch.get('tgWebAppData') ?? '').get('user'));
  const language = new URLSearchParams(location.search).get('lang') ?? (isTelegram ? user['language_code'] : undefined);
  if (language) root.lang = /^ja\b/i.test(language) ? 'ja' : 'en';
  const prefersDark = matchMedia('(prefers-color-scheme: dark)').matches;
  const { scheme, colors } = palette(json(launch.get('tgWebAppThemeParams')), prefersDark);
  root.dataset['theme'] = scheme;
  root.style.colorScheme = scheme;
  for (const name in colors) root.style.setProperty(`--${name}`, colors[name as keyof typeof colors]);
}

/** The source text of the boot script, for an inline script with the request's nonce. */
export const BOOT_SCRIPT = `(${boot.toString()})(${paletteOf.toString()})`;
